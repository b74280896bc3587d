/*
 * writer - copy standard input into a file that reader has mapped, too.
 *
 * writer and reader are cat(1) cut in two: what goes in here comes out there.
 * Either may start first: the first one makes the file and waits, the second
 * takes its name away. What one puts into the map the other finds in it.
 *
 * See contract.h, mmap(2), posix_fallocate(3), futex(2), fcntl_locking(2).
 */
#define _GNU_SOURCE /* F_OFD_SETLK, F_OFD_GETLK, syscall */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "contract.h"

static const char *path = WINDOW_PATH;
static struct window *window;
static int file;

static void
usage(FILE *stream, int status)
{
    fputs("usage: writer [-b BYTES] [path]\n"
          "Copy standard input, BYTES at a time, into a mapped file for "
          "reader.\n",
          stream);
    exit(status);
}

/* F_OFD_SETLK: we are here. F_OFD_GETLK: is anybody there? */
static int
lock(int command, off_t who)
{
    short type = command == F_OFD_SETLK ? F_RDLCK : F_WRLCK;
    struct flock byte = {.l_type = type, .l_start = who, .l_len = 1};

    if (fcntl(file, command, &byte) == -1)
        err(EXIT_FAILURE, "fcntl %s", path);
    return byte.l_type != F_UNLCK;
}

/* Does the name stand for our file? It may stand for another by now. */
static int
is_still_there(void)
{
    struct stat ours, named;

    return fstat(file, &ours) == 0 && lstat(path, &named) == 0 &&
           ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

/* Go alone: nobody may be in the middle of coming to us. */
static void
leave(void)
{
    for (int i = 0; flock(file, LOCK_EX | LOCK_NB) == -1 && i < 10; i++)
        poll(NULL, 0, TICK); /* who has the lock may be stopped */
    if (is_still_there())
        unlink(path);
}

/* Told to stop: die of the same signal, so that the shell learns how. Not all
   that is called is in signal-safety(7), but it is only system calls. */
static void
stop(int sig)
{
    leave();
    signal(sig, SIG_DFL);
    raise(sig);
}

/* What was the file's memory is not any more: who touches it gets SIGBUS, and a
   system call that is given it fails with EFAULT. */
static void
shortened(int sig)
{
    (void)sig;
    errx(EXIT_FAILURE, "%s has been made shorter under the map", path);
}

/* A call has returned -1: it is made again if it was only interrupted. */
static void
again(const char *call, const char *object)
{
    if (errno != EINTR)
        err(EXIT_FAILURE, "%s %s", call, object);
}

/* Get the file under the name, and be alone with it. While we waited for that,
   the name may have gone. A new file is empty. */
static off_t
find(const sigset_t *all)
{
    struct stat st;

    for (;; close(file)) {
        file =
            open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, FILE_MODE);
        if (file == -1)
            err(EXIT_FAILURE, "open %s", path);
        /* Told to stop while another has it, we may die: it is not ours. */
        if (flock(file, LOCK_EX | LOCK_NB) == -1) {
            sigprocmask(SIG_UNBLOCK, all, NULL);
            while (flock(file, LOCK_EX) == -1)
                again("flock", path);
            sigprocmask(SIG_BLOCK, all, NULL);
        }
        if (!is_still_there() || fstat(file, &st) == -1)
            continue;
        if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
            (st.st_mode & 07777) != FILE_MODE ||
            (st.st_size != sizeof(*window) &&
             (st.st_size != 0 || lock(F_OFD_GETLK, READER))))
            errx(EXIT_FAILURE, "%s is not a map of ours", path);
        if (lock(F_OFD_GETLK, WRITER))
            errx(EXIT_FAILURE, "%s: another writer is here", path);
        if (st.st_size == 0 || lock(F_OFD_GETLK, READER))
            return st.st_size;
        unlink(path); /* a killed run has left it behind */
    }
}

/* Come in alone: nobody else may look, make or remove meanwhile. No signal
   comes before we can leave as we should. */
static void
enter(void)
{
    struct sigaction action = {.sa_handler = stop};
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    off_t size = find(&all);
    sigaction(SIGHUP, &action, NULL); /* fails for no signal only */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = shortened;
    sigaction(SIGBUS, &action, NULL);
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */
    atexit(leave);            /* fails only for want of memory */

    /* Beyond the file's last page there is no memory to be had, only SIGBUS; so
       make it long enough. But ftruncate() only promises disk space: if that
       is missing later, SIGBUS again. Have it now, or fail. */
    while (ftruncate(file, sizeof(*window)) == -1)
        again("ftruncate", path);
    while ((errno = posix_fallocate(file, 0, sizeof(*window))) != 0)
        again("posix_fallocate", path);
    window = mmap(NULL, sizeof(*window), PROT_READ | PROT_WRITE, MAP_SHARED,
                  file, 0);
    if (window == MAP_FAILED)
        err(EXIT_FAILURE, "mmap %s", path);
    lock(F_OFD_SETLK, WRITER);
    if (size != 0) /* both are here: nobody else shall come */
        unlink(path);
    flock(file, LOCK_UN);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
}

/* Has a reader been here, and is now gone? Nobody would tell. What it did
   before it went can be seen by now: so in this order. */
static void
look(uint32_t emptied)
{
    if (!is_still_there() && !lock(F_OFD_GETLK, READER) &&
        window->emptied == emptied)
        errx(EXIT_FAILURE, "%s: the reader is gone before the end", path);
}

/* Sleep until no more than so many slots are full. The count could be anything:
   read it once, and check. */
static void
await(uint32_t filled, uint32_t most)
{
    const struct timespec tick = {.tv_nsec = TICK * 1000000L};
    uint32_t full;

    while ((full = filled - window->emptied) > most) {
        if (full > SLOTS)
            errx(EXIT_FAILURE, "%u of %d slots full: not from reader", full,
                 SLOTS);
        if (syscall(SYS_futex, &window->emptied, FUTEX_WAIT, filled - full,
                    &tick) == -1)
            look(filled - full);
    }
}

/* Copy until end of file. read() puts the data straight into the file's memory.
   Storing the count is what publishes them: an atomic store comes after all
   that was written before, also for a reader on another CPU. */
static void
copy(int from, size_t block)
{
    struct pollfd input = {.fd = from, .events = POLLIN};
    uint32_t filled = 0;
    long long bytes = 0;
    ssize_t got;

    do {
        uint32_t slot = filled % SLOTS;
        await(filled, SLOTS - 1);
        while (poll(&input, 1, TICK) != 1)
            look(window->emptied);
        while ((got = read(from, window->slot[slot], block)) == -1)
            if (errno == EFAULT)
                shortened(SIGBUS);
            else
                again("read", "standard input");
        window->length[slot] = (uint32_t)got;
        window->filled = ++filled;
        syscall(SYS_futex, &window->filled, FUTEX_WAKE, 1);
        bytes += got;
    } while (got > 0);
    warnx("end of input: %lld bytes in %u slots", bytes, filled - 1);
    await(filled, 0);
}

int
main(int argc, char *argv[])
{
    long block = SLOT_BYTES;
    char *end;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    for (int opt; (opt = getopt(argc, argv, "b:")) != -1;) {
        if (opt != 'b')
            usage(stderr, 2);
        block = strtol(optarg, &end, 10);
        if (block < 1 || block > SLOT_BYTES || *end != '\0')
            errx(2, "-b %s: not a number from 1 to %d", optarg, SLOT_BYTES);
    }
    if (argc - optind > 1)
        usage(stderr, 2);
    if (argc > optind)
        path = argv[optind];
    for (int fd = 0; fd < 3; fd++) /* closed: the file would get its number */
        if (fcntl(fd, F_GETFD) == -1)
            err(EXIT_FAILURE, "descriptor %d", fd);

    enter();
    warnx("futex: sleeps while all slots are full, until a reader takes one");
    copy(STDIN_FILENO, (size_t)block);
    return EXIT_SUCCESS;
}
