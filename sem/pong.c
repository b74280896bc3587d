/*
 * pong - answer ping over two semaphores.
 *
 * Sleeps on a semaphore until ping adds one to it, and then adds one to the
 * other, on which ping sleeps. Either may start first and makes the set. Ping
 * removes it in the end; until then pong stays.
 *
 * See contract.h, sysvipc(7), ftok(3), semget(2), semop(2), fcntl_locking(2).
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
#include <sys/time.h>
#include <unistd.h>

#include "contract.h"

/* semctl() wants it as its last argument, and leaves it to us to declare it. */
union semun {
    int val;
    struct semid_ds *buf;
    unsigned short *array;
};

static int place, set = -1;
static volatile sig_atomic_t stopped; /* by this signal */

static void
usage(FILE *stream, int status)
{
    fputs("usage: pong [path]\n"
          "Answer ping, until it has said all.\n",
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

/* After this, semop() is never restarted: it fails with EINTR. That is all that
   our clock, SIGALRM, is for. */
static void
note(int sig)
{
    if (sig != SIGALRM)
        stopped = sig;
}

/* A call has returned -1: it is made again if it was only interrupted. */
static void
again(const char *call, const char *object)
{
    if (errno != EINTR)
        err(EXIT_FAILURE, "%s %s", call, object);
}

/* Come in alone: nobody else may look, make or remove meanwhile. Until then a
   signal may end us as it likes; from now on it is noted. */
static void
enter(const char *path)
{
    key_t key = ftok(path, SEM_PROJECT);
    struct semid_ds old = {.sem_nsems = 0};

    if (key == -1) /* semget() would take it for a key like any other */
        err(EXIT_FAILURE, "ftok %s", path);
    while ((place = open(path, O_RDONLY | O_NONBLOCK)) == -1)
        again("open", path); /* O_NONBLOCK: a FIFO would let us sleep */
    while (flock(place, LOCK_EX) == -1)
        again("flock", path);
    signal(SIGHUP, note); /* fails only for a number that is no signal */
    signal(SIGINT, note);
    signal(SIGTERM, note);
    signal(SIGALRM, note);
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */
    if (lock(F_OFD_GETLK, SEM_PONGER))
        errx(EXIT_FAILURE, "%s: another pong is here", path);

    int id = semget(key, SEM_COUNT, IPC_CREAT | 0600);
    if (id == -1 || semctl(id, 0, IPC_STAT, (union semun){.buf = &old}) == -1)
        err(EXIT_FAILURE, "%s %s", id == -1 ? "semget" : "semctl", path);
    if (old.sem_perm.uid != geteuid() || (old.sem_perm.mode & 0777) != 0600 ||
        old.sem_nsems != SEM_COUNT)
        errx(EXIT_FAILURE, "%s: the set is not one of ours", path);
    if (!lock(F_OFD_GETLK, SEM_PINGER) || semctl(id, SEM_PONG, GETPID) != 0)
        semctl(id, 0, IPC_RMID); /* new and unused, or a killed pong's */
    if ((set = semget(key, SEM_COUNT, IPC_CREAT | 0600)) == -1)
        err(EXIT_FAILURE, "semget %s", path);
    lock(F_OFD_SETLK, SEM_PONGER);
    flock(place, LOCK_UN);
}

/* Go alone, too: whoever comes next finds neither the set nor our lock. Told to
   stop, die of that signal, so that the shell learns how we ended. */
static void
leave(void)
{
    while (flock(place, LOCK_EX) == -1 && errno == EINTR)
        ;
    semctl(set, 0, IPC_RMID); /* ping may have done so */
    close(place);
    if (stopped) {
        signal(stopped, SIG_DFL);
        raise(stopped);
    }
}

/* semop() has failed. If a signal woke us, it is time to look: were we told to
   stop; is ping, which we have met, gone, and the set, which it would have
   removed in the end, still here? Nobody would tell. (Ctrl-Z and fg wake us as
   well, without a handler.) EINVAL: gone before we could sleep. */
static void
look(int met)
{
    if (errno == EIDRM || errno == EINVAL)
        errx(EXIT_FAILURE, "ping is gone before its end");
    if (errno != EINTR)
        err(EXIT_FAILURE, "semop");
    if (stopped)
        exit(EXIT_FAILURE); /* by way of leave() */
    if (met && !lock(F_OFD_GETLK, SEM_PINGER) &&
        semctl(set, SEM_PING, GETVAL) != -1)
        errx(EXIT_FAILURE, "ping is gone before its end");
}

/* Hear ping and answer, both at once: no third may come in between, so whether
   we have met ping can be seen from SEM_PONG. Whoever may change the set may
   put anything into it: believe nothing. */
static int
meet(void)
{
    struct sembuf both[] = {{SEM_PING, -1, 0}, {SEM_PONG, +1, 0}};

    while (semop(set, both, 2) == -1)
        look(0);
    int many = semctl(set, SEM_MANY, GETVAL);
    int few = semctl(set, SEM_FEW, GETVAL);
    if (many == -1 || few == -1)
        look(1);
    int rounds = many * SEM_BASE + few;
    if (rounds < 1 || rounds > PING_MOST_ROUNDS / 10 * 11)
        errx(EXIT_FAILURE, "this is not ping: %d rounds", rounds);
    warnx("%d rounds", rounds);
    return rounds;
}

int
main(int argc, char *argv[])
{
    const struct itimerval clock = {{0, SEM_TICK}, {0, SEM_TICK}};
    struct sembuf hear = {SEM_PING, -1, 0}, say = {SEM_PONG, +1, 0};

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (getopt(argc, argv, "") != -1 || argc - optind > 1)
        usage(stderr, 2);

    enter(argc > optind ? argv[optind] : SEM_PATH);
    atexit(leave); /* fails only for want of memory */
    setitimer(ITIMER_REAL, &clock, NULL);
    warnx("semop: sleeps until ping says something");
    for (int left = meet(); left > 0; left--) {
        if (stopped) /* where nothing ever sleeps, no call is woken */
            exit(EXIT_FAILURE);
        while (semop(set, &hear, 1) == -1)
            look(1);
        while (semop(set, &say, 1) == -1)
            look(1);
    }

    /* Ping says no more: we sleep until it removes the set. */
    while (semop(set, &hear, 1) == -1 && errno != EIDRM && errno != EINVAL)
        look(1);
    return EXIT_SUCCESS;
}
