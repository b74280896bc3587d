/*
 * writer - copy standard input into System V shared memory.
 *
 * writer and reader are cat(1) cut in two: what goes in here comes out there.
 * Either may start first and makes the segment and its semaphores. The writer
 * removes them when the reader has taken all; until then both stay.
 *
 * See contract.h, sysvipc(7), ftok(3), shmget(2), shmop(2), semget(2),
 * semop(2).
 */
#define _GNU_SOURCE /* semtimedop, SHM_DEST */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <time.h>
#include <unistd.h>

#include "contract.h"

static int place, segment = -1, set = -1;

static void
usage(FILE *stream, int status)
{
    fputs("usage: writer [-b BYTES] [path]\n"
          "Copy standard input, BYTES a slot, into shared memory for reader.\n",
          stream);
    exit(status);
}

static int
ours(const struct ipc_perm *perm)
{
    return perm->uid == geteuid() && (perm->mode & 0777) == 0600;
}

/* What others have under this key is not to be touched. */
static void
find(key_t key)
{
    struct shmid_ds shm = {0};
    struct semid_ds sem = {0};

    if ((segment = shmget(key, 0, 0)) == -1 && errno != ENOENT)
        err(EXIT_FAILURE, "shmget");
    shmctl(segment, IPC_STAT, &shm); /* refused: it stays 0, not ours */
    if (segment != -1 &&
        (!ours(&shm.shm_perm) || shm.shm_segsz != sizeof(struct segment)))
        errx(EXIT_FAILURE, "the segment is not one of ours");
    if ((set = semget(key, 0, 0)) == -1 && errno != ENOENT)
        err(EXIT_FAILURE, "semget");
    semctl(set, 0, IPC_STAT, (union semun){.buf = &sem});
    if (set != -1 && (!ours(&sem.sem_perm) || sem.sem_nsems != SEMAPHORES))
        errx(EXIT_FAILURE, "the semaphores are not ours");
}

/* Whoever sleeps on the semaphores wakes: EIDRM. Memory stays where it is
   attached. If there is nothing to remove, all the better. */
static void
discard(void)
{
    shmctl(segment, IPC_RMID, NULL);
    semctl(set, 0, IPC_RMID);
}

/* Nobody sees new semaphores before they have their values: we are alone. */
static void
make(key_t key)
{
    unsigned short values[SEMAPHORES] = {[ROOM] = SHM_SLOTS};

    discard();
    segment = shmget(key, sizeof(struct segment), IPC_CREAT | IPC_EXCL | 0600);
    set = semget(key, SEMAPHORES, IPC_CREAT | IPC_EXCL | 0600);
    if (segment == -1 || set == -1 ||
        semctl(set, 0, SETALL, (union semun){.array = values}) == -1)
        err(EXIT_FAILURE, "shmget, semget");
}

/* Go alone: whoever comes next finds nothing of ours. */
static void
leave(void)
{
    flock(place, LOCK_EX);
    discard();
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

/* Come in alone: nobody else may look, make or remove meanwhile. Told to stop
   while another does, we die at once, and later when we have made all. */
static struct segment *
enter(const char *path)
{
    const struct sigaction action = {.sa_handler = stop};
    struct sembuf here = {WRITER, 1, SEM_UNDO};
    key_t key = ftok(path, SHM_PROJECT);
    sigset_t all;

    if (key == -1) /* shmget() would take it for a key like any other */
        err(EXIT_FAILURE, "ftok %s", path);
    place = open(path, O_RDONLY | O_NONBLOCK); /* a FIFO would let us sleep */
    if (place == -1)
        err(EXIT_FAILURE, "open %s", path);
    while (flock(place, LOCK_EX) == -1)
        if (errno != EINTR)
            err(EXIT_FAILURE, "flock %s", path);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    sigaction(SIGHUP, &action, NULL); /* fails for no signal only */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    find(key);
    if (semctl(set, WRITER, GETVAL) > 0)
        errx(EXIT_FAILURE, "%s: another writer is here", path);
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */
    atexit(leave);            /* fails only for want of memory */
    int second = segment != -1 && semctl(set, READER, GETVAL) > 0;
    if (!second)
        make(key);
    struct segment *shared = shmat(segment, NULL, 0);
    if (shared == (void *)-1)
        err(EXIT_FAILURE, "shmat %s", path);
    while (semop(set, &here, 1) == -1)
        if (errno != EINTR)
            err(EXIT_FAILURE, "semop %s", path);
    if (second) /* the key goes, the memory stays while both are attached */
        shmctl(segment, IPC_RMID, NULL);
    flock(place, LOCK_UN);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    return shared;
}

/* Has a reader been here, and is now gone? Nobody would tell. In this order: it
   was there before it took the key away. */
static void
look(void)
{
    struct shmid_ds st = {0};

    shmctl(segment, IPC_STAT, &st);
    int there = semctl(set, READER, GETVAL);
    if (there == -1 || (there == 0 && st.shm_perm.mode & SHM_DEST))
        errx(EXIT_FAILURE, "the reader is gone before the end");
}

static void
change(unsigned short which, short by)
{
    const struct timespec tick = {.tv_nsec = SHM_TICK * 1000000L};
    struct sembuf op = {which, by, 0};

    while (semtimedop(set, &op, 1, &tick) == -1) {
        look();
        if (errno != EAGAIN && errno != EINTR)
            err(EXIT_FAILURE, "semop");
    }
}

/* Copy until end of file. read() puts the data where the reader will find
   them: nobody copies them once more. semop() is also a barrier: who comes
   back from it sees all that was written before the other's. A semaphore can
   be asked for any amount: when all slots may be filled, all is taken. */
static void
copy(int from, struct segment *to, size_t block)
{
    struct pollfd input = {.fd = from, .events = POLLIN};
    long long bytes = 0, slots = 0;
    ssize_t got;

    do {
        int i = (int)(slots++ % SHM_SLOTS);
        change(ROOM, -1);
        while (poll(&input, 1, SHM_TICK) == 0)
            look();
        while ((got = read(from, to->slot[i], block)) == -1)
            if (errno != EINTR)
                err(EXIT_FAILURE, "read standard input");
        to->length[i] = (uint32_t)got;
        change(FULL, 1);
        bytes += got;
    } while (got > 0);
    warnx("end of input: %lld bytes in %lld slots", bytes, slots - 1);
    change(ROOM, -SHM_SLOTS);
}

int
main(int argc, char *argv[])
{
    long block = SHM_SLOT;
    char *end;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    for (int opt; (opt = getopt(argc, argv, "b:")) != -1;) {
        if (opt != 'b')
            usage(stderr, 2);
        block = strtol(optarg, &end, 10);
        if (block < 1 || block > SHM_SLOT || *end != '\0')
            errx(2, "-b %s: not a number from 1 to %d", optarg, SHM_SLOT);
    }
    if (argc - optind > 1)
        usage(stderr, 2);
    for (int fd = 0; fd < 3; fd++) /* closed: ours would get its number */
        if (fcntl(fd, F_GETFD) == -1)
            err(EXIT_FAILURE, "descriptor %d", fd);

    struct segment *shared = enter(argc > optind ? argv[optind] : SHM_PATH);
    warnx("semop: sleeps while all slots are full, until a reader takes one");
    copy(STDIN_FILENO, shared, (size_t)block);
    return EXIT_SUCCESS;
}
