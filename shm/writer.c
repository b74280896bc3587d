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
#define _GNU_SOURCE /* F_OFD_SETLK, F_OFD_GETLK */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/time.h>
#include <unistd.h>

#include "contract.h"

static int place, segment = -1, set = -1;
static volatile sig_atomic_t stopped; /* by this signal */

static void
usage(FILE *stream, int status)
{
    fputs("usage: writer [-b BYTES] [path]\n"
          "Copy standard input, BYTES a slot, into shared memory for reader.\n",
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
    const union semun arg = {.buf = &sem};

    segment = shmget(key, 0, 0);
    set = semget(key, 0, 0);
    if (segment != -1 &&
        (shmctl(segment, IPC_STAT, &shm) == -1 || !ours(&shm.shm_perm) ||
         shm.shm_segsz != sizeof(struct segment)))
        errx(EXIT_FAILURE, "the segment is not one of ours");
    if (set != -1 && (semctl(set, 0, IPC_STAT, arg) == -1 ||
                      !ours(&sem.sem_perm) || sem.sem_nsems != SEMAPHORES))
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
    union semun arg = {.array = values};

    discard();
    segment = shmget(key, sizeof(struct segment), IPC_CREAT | IPC_EXCL | 0600);
    set = semget(key, SEMAPHORES, IPC_CREAT | IPC_EXCL | 0600);
    if (segment == -1 || set == -1 || semctl(set, 0, SETALL, arg) == -1) {
        warn("shmget, semget");
        discard();
        exit(EXIT_FAILURE);
    }
}

/* Come in alone: nobody else may look, make or remove meanwhile. */
static struct segment *
enter(const char *path)
{
    const union semun came = {.val = 1};
    key_t key = ftok(path, SHM_PROJECT);

    if (key == -1) /* shmget() would take it for a key like any other */
        err(EXIT_FAILURE, "ftok %s", path);
    place = open(path, O_RDONLY | O_NONBLOCK); /* a FIFO would let us sleep */
    if (place == -1 || flock(place, LOCK_EX) == -1)
        err(EXIT_FAILURE, "open, flock %s", path);
    if (lock(F_OFD_GETLK, SHM_WRITER))
        errx(EXIT_FAILURE, "%s: another writer is here", path);
    find(key);
    if (segment == -1 || set == -1 || !lock(F_OFD_GETLK, SHM_READER) ||
        semctl(set, WRITER_CAME, GETVAL) != 0)
        make(key);
    struct segment *shared = shmat(segment, NULL, 0);
    if (shared == (void *)-1 || semctl(set, WRITER_CAME, SETVAL, came) == -1)
        err(EXIT_FAILURE, "shmat %s", path);
    lock(F_OFD_SETLK, SHM_WRITER);
    flock(place, LOCK_UN);
    return shared;
}

/* Go alone, too: whoever comes next finds neither memory nor our lock. */
static void
leave(void)
{
    while (flock(place, LOCK_EX) == -1 && errno == EINTR)
        ;
    discard();
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
    int why = errno, came = semctl(set, READER_CAME, GETVAL);

    heed();
    if (came == -1 || (came && !lock(F_OFD_GETLK, SHM_READER)))
        errx(EXIT_FAILURE, "the reader is gone before the end");
    errno = why;
    if (errno != EINTR)
        err(EXIT_FAILURE, "%s", call);
}

static void
change(unsigned short which, short by)
{
    struct sembuf op = {which, by, 0};

    while (semop(set, &op, 1) == -1)
        look("semop");
}

/* Copy until end of file. read() puts the data where the reader will find
   them: nobody copies them once more. semop() is also a barrier: who comes
   back from it sees all that was written before the other's. */
static void
copy(int from, struct segment *to, size_t block)
{
    long long bytes = 0, slots = 0;
    ssize_t got;

    do {
        int i = (int)(slots++ % SHM_SLOTS);
        heed();
        change(ROOM, -1);
        while ((got = read(from, to->slot[i], block)) == -1)
            look("read standard input");
        to->length[i] = (uint32_t)got;
        change(FULL, 1);
        bytes += got;
    } while (got > 0);
    warnx("end of input: %lld bytes in %lld slots", bytes, slots - 1);
    change(TAKEN, -1);
}

int
main(int argc, char *argv[])
{
    const struct itimerval clock = {{0, SHM_TICK}, {0, SHM_TICK}};
    const struct sigaction action = {.sa_handler = note}; /* no SA_RESTART */
    const int signals[] = {SIGHUP, SIGINT, SIGTERM, SIGALRM};
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

    for (int i = 0; i < 3; i++)
        if (fcntl(i, F_GETFD) == -1) /* closed: ours would get its number */
            err(EXIT_FAILURE, "descriptor %d", i);
    for (int i = 0; i < 4; i++)
        sigaction(signals[i], &action, NULL); /* fails for no signal only */
    struct segment *shared = enter(argc > optind ? argv[optind] : SHM_PATH);
    atexit(leave); /* fails only for want of memory */
    setitimer(ITIMER_REAL, &clock, NULL);
    warnx("semop: sleeps while all slots are full, until a reader takes one");
    copy(STDIN_FILENO, shared, (size_t)block);
    return EXIT_SUCCESS;
}
