/*
 * posix-writer - copy standard input into a ring in POSIX shared memory.
 *
 * posix-writer and posix-reader are cat(1) cut in two: what goes in here comes
 * out there. Either may start first and makes the ring; who comes second takes
 * its name away. They call the kernel only to sleep and to wake.
 *
 * See contract.h, shm_overview(7), shm_open(3), futex(2), fcntl_locking(2).
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

static const char *name;
static int place, finished; /* only then may the reader have taken all */
static struct ring *ring;

static void
usage(FILE *stream, int status)
{
    fputs("usage: posix-writer [-b BYTES] [/name]\n"
          "Copy standard input, BYTES at a time, into a ring for "
          "posix-reader.\n",
          stream);
    exit(status);
}

/* F_OFD_SETLK: we are here. F_OFD_GETLK: is anybody there? */
static int
lock(int command, off_t who)
{
    short type = command == F_OFD_SETLK ? F_RDLCK : F_WRLCK;
    struct flock byte = {.l_type = type, .l_start = who, .l_len = 1};

    if (fcntl(place, command, &byte) == -1)
        err(EXIT_FAILURE, "fcntl");
    return byte.l_type != F_UNLCK;
}

/* Go alone. If both have come, the name is away: it may stand for somebody
   else's ring by now. */
static void
leave(void)
{
    struct stat st;

    for (int i = 0; flock(place, LOCK_EX | LOCK_NB) == -1 && i < 10; i++)
        poll(NULL, 0, SHM_TICK); /* who has the lock may be stopped */
    if (fstat(place, &st) == 0 && st.st_nlink > 0)
        shm_unlink(name);
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

/* What was the object's memory is not any more: who touches it gets SIGBUS, and
   a system call that is given it fails with EFAULT. */
static void
shortened(int sig)
{
    (void)sig;
    errx(EXIT_FAILURE, "%s has been made shorter under the map", name);
}

/* Get the object under the name, and be alone with it. While we waited for
   that, its name may have gone: then it has no link. A new one is empty. */
static off_t
find(const sigset_t *all)
{
    struct stat st;

    for (;; close(place)) {
        place = shm_open(name, O_RDWR | O_CREAT, 0600);
        if (place == -1)
            err(EXIT_FAILURE, "shm_open %s", name);
        /* Told to stop while another has it, we may die: it is not ours. */
        if (flock(place, LOCK_EX | LOCK_NB) == -1) {
            sigprocmask(SIG_UNBLOCK, all, NULL);
            while (flock(place, LOCK_EX) == -1)
                if (errno != EINTR)
                    err(EXIT_FAILURE, "flock %s", name);
            sigprocmask(SIG_BLOCK, all, NULL);
        }
        if (fstat(place, &st) == -1 || st.st_nlink == 0)
            continue;
        if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
            (st.st_mode & 0777) != 0600 ||
            (st.st_size != sizeof(*ring) &&
             (st.st_size != 0 || lock(F_OFD_GETLK, RING_READER))))
            errx(EXIT_FAILURE, "%s is not a ring of ours", name);
        if (lock(F_OFD_GETLK, RING_WRITER))
            errx(EXIT_FAILURE, "%s: another writer is here", name);
        if (st.st_size == 0 || lock(F_OFD_GETLK, RING_READER))
            return st.st_size;
        shm_unlink(name); /* a killed run has left it behind */
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

    /* Memory that is only promised would kill us when it is touched and none
       is left (SIGBUS): have it now, or fail. */
    while ((errno = posix_fallocate(place, 0, sizeof(*ring))) != 0)
        if (errno != EINTR)
            err(EXIT_FAILURE, "posix_fallocate %s", name);
    ring =
        mmap(NULL, sizeof(*ring), PROT_READ | PROT_WRITE, MAP_SHARED, place, 0);
    if (ring == MAP_FAILED)
        err(EXIT_FAILURE, "mmap %s", name);
    lock(F_OFD_SETLK, RING_WRITER);
    if (size != 0) /* both are here: nobody else shall come */
        shm_unlink(name);
    flock(place, LOCK_UN);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
}

/* Has a reader been here, and is now gone? Nobody would tell. */
static void
look(void)
{
    struct stat st;

    if (fstat(place, &st) == 0 && st.st_nlink == 0 &&
        !lock(F_OFD_GETLK, RING_READER) && !(finished && ring->taken))
        errx(EXIT_FAILURE, "%s: the reader is gone before the end", name);
}

/* There is nothing to do. The first time only say that we shall sleep: the
   caller looks once more. Then sleep, unless the reader woke us meanwhile. */
static void
doze(void)
{
    const struct timespec tick = {.tv_nsec = SHM_TICK * 1000000L};

    if (atomic_exchange(&ring->writer_asleep, 1) == 0)
        return;
    if (syscall(SYS_futex, &ring->writer_asleep, FUTEX_WAIT, 1, &tick) == -1)
        look();
}

static void
wake_reader(void)
{
    if (ring->reader_asleep && atomic_exchange(&ring->reader_asleep, 0))
        syscall(SYS_futex, &ring->reader_asleep, FUTEX_WAKE, 1);
}

/* Wait for room. The reader's position could be anything: read it once, and
   check. */
static uint32_t
await(uint32_t head)
{
    for (;; doze()) {
        uint32_t full = head - ring->tail;
        if (full > RING_BYTES)
            errx(EXIT_FAILURE, "%s: %u of %d bytes full: not from posix-reader",
                 name, full, RING_BYTES);
        if (full < RING_BYTES)
            return RING_BYTES - full;
    }
}

/* Copy until end of file. read() puts the data where the reader will find
   them. Storing head is what publishes them: an atomic store comes after all
   that was written before, also for a reader on another CPU. */
static void
copy(int from, uint32_t block)
{
    struct pollfd input = {.fd = from, .events = POLLIN};
    uint32_t head = 0;
    long long bytes = 0, reads = -1;
    ssize_t got;

    do {
        uint32_t free = await(head), at = head % RING_BYTES;
        if (free > RING_BYTES - at)
            free = RING_BYTES - at;
        if (free > block)
            free = block;
        while (poll(&input, 1, SHM_TICK) == 0)
            look();
        while ((got = read(from, ring->bytes + at, free)) == -1)
            if (errno == EFAULT)
                shortened(SIGBUS);
            else if (errno != EINTR)
                err(EXIT_FAILURE, "read standard input");
        ring->head = head += (uint32_t)got;
        ring->ended = got == 0;
        wake_reader();
        bytes += got;
        reads++;
    } while (got > 0);
    warnx("end of input: %lld bytes in %lld reads", bytes, reads);
    finished = 1;
    while (!ring->taken)
        doze();
}

int
main(int argc, char *argv[])
{
    long block = RING_BLOCK;
    static char own[64];
    char *end;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    for (int opt; (opt = getopt(argc, argv, "b:")) != -1;) {
        if (opt != 'b')
            usage(stderr, 2);
        block = strtol(optarg, &end, 10);
        if (block < 1 || block > RING_BYTES || *end != '\0')
            errx(2, "-b %s: not a number from 1 to %d", optarg, RING_BYTES);
    }
    if (argc - optind > 1)
        usage(stderr, 2);
    snprintf(own, sizeof(own), RING_NAME, geteuid());
    name = argc > optind ? argv[optind] : own;
    for (int fd = 0; fd < 3; fd++) /* closed: ours would get its number */
        if (fcntl(fd, F_GETFD) == -1)
            err(EXIT_FAILURE, "descriptor %d", fd);

    enter();
    warnx("futex: sleeps while all is full, until a reader takes some");
    copy(STDIN_FILENO, (uint32_t)block);
    return EXIT_SUCCESS;
}
