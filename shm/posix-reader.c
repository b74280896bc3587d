/*
 * posix-reader - copy what is put into a ring in POSIX shared memory.
 *
 * posix-writer and posix-reader are cat(1) cut in two: what goes in there comes
 * out here. Either may start first and makes the ring; who comes second takes
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
static int place, gone; /* the writer */
static struct ring *ring;

static void
usage(FILE *stream, int status)
{
    fputs("usage: posix-reader [/name]\n"
          "Copy what posix-writer puts into a ring to standard output.\n",
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
             (st.st_size != 0 || lock(F_OFD_GETLK, RING_WRITER))))
            errx(EXIT_FAILURE, "%s is not a ring of ours", name);
        if (lock(F_OFD_GETLK, RING_READER))
            errx(EXIT_FAILURE, "%s: another reader is here", name);
        if (st.st_size == 0 || lock(F_OFD_GETLK, RING_WRITER))
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
    atexit(leave); /* fails only for want of memory */

    /* Memory that is only promised would kill us when it is touched and none
       is left (SIGBUS): have it now, or fail. */
    while ((errno = posix_fallocate(place, 0, sizeof(*ring))) != 0)
        if (errno != EINTR)
            err(EXIT_FAILURE, "posix_fallocate %s", name);
    ring =
        mmap(NULL, sizeof(*ring), PROT_READ | PROT_WRITE, MAP_SHARED, place, 0);
    if (ring == MAP_FAILED)
        err(EXIT_FAILURE, "mmap %s", name);
    lock(F_OFD_SETLK, RING_READER);
    if (size != 0) /* both are here: nobody else shall come */
        shm_unlink(name);
    flock(place, LOCK_UN);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
}

/* There is nothing to do. The first time only say that we shall sleep: the
   caller looks once more. Then sleep, unless the writer woke us meanwhile.
   Nobody would tell that the writer has been here, and is now gone. But what
   it has put is there: the caller looks once more for that, too. */
static void
doze(void)
{
    const struct timespec tick = {.tv_nsec = SHM_TICK * 1000000L};
    struct stat st;

    if (gone)
        errx(EXIT_FAILURE, "%s: the writer is gone before the end", name);
    if (atomic_exchange(&ring->reader_asleep, 1) == 0)
        return;
    if (syscall(SYS_futex, &ring->reader_asleep, FUTEX_WAIT, 1, &tick) == -1)
        gone = fstat(place, &st) == 0 && st.st_nlink == 0 &&
               !lock(F_OFD_GETLK, RING_WRITER);
}

static void
wake_writer(void)
{
    if (ring->writer_asleep && atomic_exchange(&ring->writer_asleep, 0))
        syscall(SYS_futex, &ring->writer_asleep, FUTEX_WAKE, 1);
}

/* Wait for data; 0 at their end. What was put before the end was marked is seen
   by who looks after seeing the mark: so in this order. The writer's position
   could be anything: read it once, and check. */
static uint32_t
await(uint32_t tail)
{
    for (;; doze()) {
        uint32_t ended = ring->ended, full = ring->head - tail;
        if (full > RING_BYTES)
            errx(EXIT_FAILURE, "%s: %u of %d bytes full: not from posix-writer",
                 name, full, RING_BYTES);
        if (full > 0 || ended)
            return full;
    }
}

/* Copy until the end. write() takes the data where the writer has put them.
   Storing tail is what gives the room back: not before we are done with it. */
static void
copy(int to)
{
    uint32_t full, tail = 0;
    long long bytes = 0, writes = 0;
    ssize_t put;

    while ((full = await(tail)) > 0) {
        uint32_t part = full, at = tail % RING_BYTES;
        if (part > RING_BYTES - at)
            part = RING_BYTES - at;
        if (part > RING_BLOCK)
            part = RING_BLOCK;
        while ((put = write(to, ring->bytes + at, part)) == -1)
            if (errno == EFAULT)
                shortened(SIGBUS);
            else if (errno != EINTR)
                err(EXIT_FAILURE, "write standard output");
        ring->tail = tail += (uint32_t)put;
        if (full - put <= RING_BYTES / 2) /* the writer has work for a while */
            wake_writer();
        bytes += put;
        writes++;
    }
    warnx("end of data: %lld bytes in %lld writes", bytes, writes);
    ring->taken = 1;
    wake_writer();
}

int
main(int argc, char *argv[])
{
    static char own[64];

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (getopt(argc, argv, "") != -1 || argc - optind > 1)
        usage(stderr, 2);
    snprintf(own, sizeof(own), RING_NAME, geteuid());
    name = argc > optind ? argv[optind] : own;
    for (int fd = 0; fd < 3; fd++) /* closed: ours would get its number */
        if (fcntl(fd, F_GETFD) == -1)
            err(EXIT_FAILURE, "descriptor %d", fd);

    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */
    enter();
    warnx("futex: sleeps until something is in the ring");
    copy(STDOUT_FILENO);
    return EXIT_SUCCESS;
}
