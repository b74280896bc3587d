/*
 * posix-writer - copy standard input into a ring in POSIX shared memory.
 *
 * posix-writer and posix-reader are cat(1) cut in two: what goes in here comes
 * out there. Either may start first and makes the ring. They call the kernel
 * only to sleep and to wake. Whoever ends first takes the name away.
 *
 * See contract.h, shm_overview(7), shm_open(3), futex(2), fcntl_locking(2).
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

static char name[256];
static int place;
static struct ring *ring;
static volatile sig_atomic_t stopped; /* by this signal */

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

/* A new object is empty. Memory that is only promised would kill us when it is
   touched and none is left (SIGBUS): have it now, or fail. */
static void
map(off_t size)
{
    if (size == 0 && (errno = posix_fallocate(place, 0, sizeof(*ring))) != 0) {
        warn("posix_fallocate %s", name);
        shm_unlink(name);
        exit(EXIT_FAILURE);
    }
    ring =
        mmap(NULL, sizeof(*ring), PROT_READ | PROT_WRITE, MAP_SHARED, place, 0);
    if (ring == MAP_FAILED)
        err(EXIT_FAILURE, "mmap %s", name);
}

/* Come in alone: nobody else may look, make or remove meanwhile. While we
   waited for that, the name may have gone: then the object has no link. */
static int
enter(void)
{
    struct stat st;

    place = shm_open(name, O_RDWR | O_CREAT, 0600);
    if (place == -1 || flock(place, LOCK_EX) == -1 || fstat(place, &st) == -1)
        err(EXIT_FAILURE, "shm_open, flock %s", name);
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
        (st.st_mode & 0777) != 0600 ||
        (st.st_size != 0 && st.st_size != sizeof(*ring)))
        errx(EXIT_FAILURE, "%s is not a ring of ours", name);
    if (lock(F_OFD_GETLK, SHM_WRITER) && st.st_nlink > 0)
        errx(EXIT_FAILURE, "%s: another writer is here", name);
    if (st.st_nlink > 0) {
        map(st.st_size);
        if (st.st_size == 0 ||
            (lock(F_OFD_GETLK, SHM_READER) && !ring->writer_came))
            return 1;
        shm_unlink(name); /* a killed run has left it behind */
        munmap(ring, sizeof(*ring));
    }
    close(place);
    return 0;
}

/* Go alone, too. The name may stand for somebody else's ring by now. */
static void
leave(void)
{
    struct stat st;

    while (flock(place, LOCK_EX) == -1 && errno == EINTR)
        ;
    if (fstat(place, &st) == 0 && st.st_nlink > 0)
        shm_unlink(name);
    close(place);
}

static void
note(int sig)
{
    if (sig != SIGALRM) /* our clock only wakes us */
        stopped = sig;
}

/* Told to stop: die of the same signal, so that the shell learns how. */
static void
heed(void)
{
    if (stopped) {
        leave();
        signal(stopped, SIG_DFL);
        raise(stopped);
    }
}

/* A call has returned -1. If it was woken by a signal, it is time to look: has
   a reader been here, and is now gone? Nobody would tell. */
static void
look(const char *call)
{
    heed();
    if (errno != EINTR)
        err(EXIT_FAILURE, "%s", call);
    if (ring->reader_came && !lock(F_OFD_GETLK, SHM_READER) && !ring->taken)
        errx(EXIT_FAILURE, "%s: the reader is gone before the end", name);
}

/* There is nothing to do. The first time only say that we shall sleep: the
   caller looks once more. Then sleep, unless the reader woke us meanwhile. */
static void
doze(void)
{
    if (atomic_exchange(&ring->writer_asleep, 1) == 0)
        return;
    if (syscall(SYS_futex, &ring->writer_asleep, FUTEX_WAIT, 1, NULL) == -1 &&
        errno != EAGAIN)
        look("futex");
}

static void
wake_reader(void)
{
    if (ring->reader_asleep && atomic_exchange(&ring->reader_asleep, 0))
        syscall(SYS_futex, &ring->reader_asleep, FUTEX_WAKE, 1);
}

/* The reader's position could be anything. Read it once, and check. */
static uint32_t
room(uint32_t head)
{
    uint32_t full = head - ring->tail;

    if (full > RING_BYTES)
        errx(EXIT_FAILURE, "%s: %u of %d bytes full: not from posix-reader",
             name, full, RING_BYTES);
    return RING_BYTES - full;
}

/* Copy until end of file. read() puts the data where the reader will find
   them. Storing head is what publishes them: an atomic store comes after all
   that was written before, also for a reader on another CPU. */
static void
copy(int from, uint32_t block)
{
    uint32_t free, head = 0;
    long long bytes = 0, reads = -1;
    ssize_t got;

    do {
        heed();
        while ((free = room(head)) == 0)
            doze();
        uint32_t at = head % RING_BYTES;
        if (free > RING_BYTES - at)
            free = RING_BYTES - at;
        if (free > block)
            free = block;
        while ((got = read(from, ring->bytes + at, free)) == -1)
            look("read standard input");
        ring->head = head += (uint32_t)got;
        ring->ended = got == 0;
        wake_reader();
        bytes += got;
        reads++;
    } while (got > 0);
    warnx("end of input: %lld bytes in %lld reads", bytes, reads);
    while (!ring->taken)
        doze();
}

int
main(int argc, char *argv[])
{
    const struct itimerval clock = {{0, SHM_TICK}, {0, SHM_TICK}};
    const struct sigaction action = {.sa_handler = note}; /* no SA_RESTART */
    const int signals[] = {SIGHUP, SIGINT, SIGTERM, SIGALRM};
    long block = RING_BLOCK;
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
    snprintf(name, sizeof(name), RING_NAME, geteuid());
    if (argc > optind && snprintf(name, sizeof(name), "%s", argv[optind]) > 255)
        errx(EXIT_FAILURE, "%s: File name too long", argv[optind]);

    for (int i = 0; i < 3; i++)
        if (fcntl(i, F_GETFD) == -1) /* closed: ours would get its number */
            err(EXIT_FAILURE, "descriptor %d", i);
    for (int i = 0; i < 4; i++)
        sigaction(signals[i], &action, NULL); /* fails for no signal only */
    while (!enter())
        ;
    atexit(leave); /* fails only for want of memory */
    ring->writer_came = 1;
    lock(F_OFD_SETLK, SHM_WRITER);
    flock(place, LOCK_UN);
    setitimer(ITIMER_REAL, &clock, NULL);
    warnx("futex: sleeps while all is full, until a reader takes some");
    copy(STDIN_FILENO, (uint32_t)block);
    return EXIT_SUCCESS;
}
