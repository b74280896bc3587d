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
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
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
        err(EXIT_FAILURE, "fcntl");
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
    while (flock(file, LOCK_EX) == -1 && errno == EINTR)
        ;
    if (is_still_there())
        unlink(path);
}

/* Die of the same signal, so that the shell learns how we ended. */
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

/* Our clock only ends the call that sleeps: EINTR, as we want no SA_RESTART. */
static void
tick(int sig)
{
    (void)sig;
}

static void
handle(int sig, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};

    sigfillset(&action.sa_mask);   /* one at a time */
    sigaction(sig, &action, NULL); /* fails for no signal only */
}

/* Beyond the file's last page there is no memory to be had, only SIGBUS; so
   make it long enough. ftruncate(2) would, but promises disk space that may be
   missing later: SIGBUS again. Have it now, or fail. */
static void
make_long_enough(void)
{
    if (pwrite(file, WINDOW_MARK, MARK_BYTES, 0) != MARK_BYTES)
        err(EXIT_FAILURE, "write %s", path);
    if ((errno = posix_fallocate(file, 0, sizeof(*window))) != 0)
        err(EXIT_FAILURE, "posix_fallocate %s", path);
}

/* Come in alone, too. Anything else under the name is not to be touched. */
static void
enter(void)
{
    char mark[MARK_BYTES] = "";
    struct stat st;

    for (;; close(file)) {
        file =
            open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, FILE_MODE);
        if (file == -1 || flock(file, LOCK_EX) == -1 || fstat(file, &st) == -1)
            err(EXIT_FAILURE, "open, flock %s", path);
        if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
            (st.st_mode & 07777) != FILE_MODE ||
            pread(file, mark, MARK_BYTES, 0) == -1 ||
            (st.st_size > 0 && memcmp(mark, WINDOW_MARK, MARK_BYTES) != 0))
            errx(EXIT_FAILURE, "%s is not a map of ours", path);
        if (!is_still_there())
            continue; /* it went while we waited for the lock */
        if (lock(F_OFD_GETLK, WRITER))
            errx(EXIT_FAILURE, "%s: another writer is here", path);
        if (st.st_size == 0 ||
            (st.st_size == sizeof(*window) && lock(F_OFD_GETLK, READER)))
            break;
        unlink(path); /* a killed run has left it behind */
    }
    atexit(leave); /* fails only for want of memory */
    if (st.st_size == 0)
        make_long_enough();
    window = mmap(NULL, sizeof(*window), PROT_READ | PROT_WRITE, MAP_SHARED,
                  file, 0);
    if (window == MAP_FAILED)
        err(EXIT_FAILURE, "mmap %s", path);
    lock(F_OFD_SETLK, WRITER);
    if (st.st_size > 0)
        unlink(path); /* we have met */
    flock(file, LOCK_UN);
}

/* A call was interrupted, by our clock if by nothing else, and it is time to
   look: has a reader been here, and is now gone? Nobody would tell. */
static int
reader_is_gone(void)
{
    return !is_still_there() && !lock(F_OFD_GETLK, READER);
}

/* Sleep until no more than so many slots are full. The reader's count could be
   anything: read it once, and check. What it did before it went can be seen by
   now: so in this order. */
static void
await(uint32_t filled, uint32_t most)
{
    uint32_t emptied;

    while (filled - (emptied = window->emptied) > most) {
        if (filled - emptied > SLOTS)
            errx(EXIT_FAILURE, "%u slots full: not from reader",
                 filled - emptied);
        long slept =
            syscall(SYS_futex, &window->emptied, FUTEX_WAIT, emptied, NULL);
        if (slept == -1 && errno == EINTR && reader_is_gone() &&
            window->emptied == emptied)
            errx(EXIT_FAILURE, "%s: the reader is gone before the end", path);
    }
}

/* Copy until end of file. read() puts the data straight into the file's memory.
   Storing the count is what publishes them: an atomic store comes after all
   that was written before, also for a reader on another CPU. */
static void
copy(int from, size_t block)
{
    uint32_t filled = 0;
    long long bytes = 0;
    ssize_t got;

    do {
        uint32_t slot = filled % SLOTS;
        await(filled, SLOTS - 1);
        while ((got = read(from, window->slot[slot], block)) == -1)
            if (errno == EFAULT)
                shortened(SIGBUS);
            else if (errno != EINTR)
                err(EXIT_FAILURE, "read standard input");
            else if (reader_is_gone())
                errx(EXIT_FAILURE, "%s: the reader is gone before the end",
                     path);
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
    const struct itimerval clock = {{0, TICK}, {0, TICK}};
    long block = SLOT_BYTES;
    sigset_t all;
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

    sigfillset(&all); /* not before we can leave as we should */
    sigprocmask(SIG_BLOCK, &all, NULL);
    handle(SIGHUP, stop);
    handle(SIGINT, stop);
    handle(SIGTERM, stop);
    handle(SIGBUS, shortened);
    handle(SIGALRM, tick);
    enter();
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    setitimer(ITIMER_REAL, &clock, NULL);
    warnx("futex: sleeps while all slots are full, until a reader takes one");
    copy(STDIN_FILENO, (size_t)block);
    return EXIT_SUCCESS;
}
