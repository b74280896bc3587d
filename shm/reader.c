/*
 * reader - copy what is put into System V shared memory to standard output.
 *
 * writer and reader are cat(1) cut in two: what goes in there comes out here.
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
    fputs("usage: reader [path]\n"
          "Copy what writer puts into shared memory to standard output.\n",
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
    if (lock(F_OFD_GETLK, SHM_READER))
        errx(EXIT_FAILURE, "%s: another reader is here", path);
    find(key);
    if (segment == -1 || set == -1 || !lock(F_OFD_GETLK, SHM_WRITER) ||
        semctl(set, READER_CAME, GETVAL) != 0)
        make(key);
    struct segment *shared = shmat(segment, NULL, 0);
    if (shared == (void *)-1 || semctl(set, READER_CAME, SETVAL, came) == -1)
        err(EXIT_FAILURE, "shmat %s", path);
    lock(F_OFD_SETLK, SHM_READER);
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
   a writer been here, and is now gone? Nobody would tell. */
static int
look(const char *call)
{
    int why = errno, came = semctl(set, WRITER_CAME, GETVAL);

    heed();
    if (came == -1)
        errx(EXIT_FAILURE, "the writer is gone before the end");
    errno = why;
    if (errno != EINTR)
        err(EXIT_FAILURE, "%s", call);
    return came && !lock(F_OFD_GETLK, SHM_WRITER);
}

/* When the writer is gone, what it has put is there: sleep no more. */
static void
change(unsigned short which, short by)
{
    struct sembuf op = {which, by, 0};

    while (semop(set, &op, 1) == -1) {
        if (errno == EAGAIN)
            errx(EXIT_FAILURE, "the writer is gone before the end");
        op.sem_flg = look("semop") ? IPC_NOWAIT : 0;
    }
}

/* Copy until a slot of length 0. write() takes the data where the writer has
   put them: nobody copies them once more. */
static void
copy(const struct segment *from, int to)
{
    long long bytes = 0, slots = 0;
    uint32_t length;
    ssize_t put;

    for (;; slots++) {
        int i = (int)(slots % SHM_SLOTS);
        heed();
        change(FULL, -1);
        if ((length = from->length[i]) == 0)
            break;
        if (length > SHM_SLOT)
            errx(EXIT_FAILURE, "a slot of %u bytes: not from writer", length);
        for (uint32_t done = 0; done < length; done += (uint32_t)put)
            while ((put = write(to, from->slot[i] + done, length - done)) == -1)
                look("write standard output");
        bytes += length;
        change(ROOM, 1);
    }
    warnx("end of data: %lld bytes in %lld slots", bytes, slots);
}

/* Say that all is taken, and stay until the writer has heard it and removes
   the semaphores, or is gone. A new reader would take them away from it. */
static void
part(void)
{
    struct sembuf never = {WRITER_CAME, 0, 0}; /* it is 1: wait for 0 */

    change(TAKEN, 1);
    while (semop(set, &never, 1) == -1 && errno == EINTR &&
           lock(F_OFD_GETLK, SHM_WRITER))
        heed();
}

int
main(int argc, char *argv[])
{
    const struct itimerval clock = {{0, SHM_TICK}, {0, SHM_TICK}};
    const struct sigaction action = {.sa_handler = note}; /* no SA_RESTART */
    const int signals[] = {SIGHUP, SIGINT, SIGTERM, SIGALRM};

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (getopt(argc, argv, "") != -1 || argc - optind > 1)
        usage(stderr, 2);

    for (int i = 0; i < 3; i++)
        if (fcntl(i, F_GETFD) == -1) /* closed: ours would get its number */
            err(EXIT_FAILURE, "descriptor %d", i);
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */
    for (int i = 0; i < 4; i++)
        sigaction(signals[i], &action, NULL); /* fails for no signal only */
    struct segment *shared = enter(argc > optind ? argv[optind] : SHM_PATH);
    atexit(leave); /* fails only for want of memory */
    setitimer(ITIMER_REAL, &clock, NULL);
    warnx("semop: sleeps until a slot is full");
    copy(shared, STDOUT_FILENO);
    part();
    return EXIT_SUCCESS;
}
