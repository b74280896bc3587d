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
#define _GNU_SOURCE /* semtimedop, SHM_DEST */

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
#include <time.h>
#include <unistd.h>

#include "contract.h"

static int place, segment = -1, set = -1;

static void
usage(FILE *stream, int status)
{
    fputs("usage: reader [path]\n"
          "Copy what writer puts into shared memory to standard output.\n",
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
    struct sembuf here = {READER, 1, SEM_UNDO};
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
    if (semctl(set, READER, GETVAL) > 0)
        errx(EXIT_FAILURE, "%s: another reader is here", path);
    atexit(leave); /* fails only for want of memory */
    int second = segment != -1 && semctl(set, WRITER, GETVAL) > 0;
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

/* Has a writer been here, and is now gone? Nobody would tell. In this order: it
   was there before it took the key away. */
static int
is_gone(void)
{
    struct shmid_ds st = {0};

    shmctl(segment, IPC_STAT, &st);
    int there = semctl(set, WRITER, GETVAL);
    return there == -1 || (there == 0 && st.shm_perm.mode & SHM_DEST);
}

/* When the writer is gone, what it has put is there: sleep no more. */
static void
change(unsigned short which, short by)
{
    const struct timespec tick = {.tv_nsec = SHM_TICK * 1000000L};
    struct sembuf op = {which, by, 0};

    while (semtimedop(set, &op, 1, &tick) == -1) {
        if (op.sem_flg == IPC_NOWAIT)
            errx(EXIT_FAILURE, "the writer is gone before the end");
        if (is_gone())
            op.sem_flg = IPC_NOWAIT;
        else if (errno != EAGAIN && errno != EINTR)
            err(EXIT_FAILURE, "semop");
    }
}

/* Copy until a slot of length 0. write() takes the data where the writer has
   put them: nobody copies them once more. */
static void
copy(const struct segment *from, int to)
{
    long long bytes = 0, slots = -1;
    uint32_t length;
    ssize_t put;

    do {
        int i = (int)(++slots % SHM_SLOTS);
        change(FULL, -1);
        length = from->length[i];
        if (length > SHM_SLOT)
            errx(EXIT_FAILURE, "a slot of %u bytes: not from writer", length);
        for (uint32_t done = 0; done < length; done += (uint32_t)put)
            while ((put = write(to, from->slot[i] + done, length - done)) == -1)
                if (errno != EINTR)
                    err(EXIT_FAILURE, "write standard output");
        change(ROOM, 1);
        bytes += length;
    } while (length > 0);
    warnx("end of data: %lld bytes in %lld slots", bytes, slots);
}

/* Stay until the writer has heard that all is taken, and is gone: a new reader
   would remove the semaphores on which it sleeps. */
static void
part(void)
{
    struct sembuf gone = {WRITER, 0, 0}; /* wait for 0 */

    while (semop(set, &gone, 1) == -1 && errno == EINTR)
        ;
}

int
main(int argc, char *argv[])
{

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (getopt(argc, argv, "") != -1 || argc - optind > 1)
        usage(stderr, 2);
    for (int fd = 0; fd < 3; fd++) /* closed: ours would get its number */
        if (fcntl(fd, F_GETFD) == -1)
            err(EXIT_FAILURE, "descriptor %d", fd);

    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */
    struct segment *shared = enter(argc > optind ? argv[optind] : SHM_PATH);
    warnx("semop: sleeps until a slot is full");
    copy(shared, STDOUT_FILENO);
    part();
    return EXIT_SUCCESS;
}
