/*
 * ping - time the way to pong and back over two semaphores.
 *
 * Adds one to a semaphore on which pong sleeps, and sleeps on another until
 * pong has added one to that. There is nothing to carry: only whose turn it is.
 * Either may start first and makes the set. Ping removes it in the end.
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
#include <time.h>
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
    fputs("usage: ping [-n COUNT] [-r] [path]\n"
          "Time COUNT (10000) round trips to pong and back; -r prints each of\n"
          "them, in nanoseconds.\n",
          stream);
    exit(status);
}

static int
number(int option, long most)
{
    char *end;
    long n = strtol(optarg, &end, 10);

    if (n < 1 || n > most || *end != '\0')
        errx(2, "-%c %s: not a number from 1 to %ld", option, optarg, most);
    return (int)n;
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
    if (lock(F_OFD_GETLK, SEM_PINGER))
        errx(EXIT_FAILURE, "%s: another ping is here", path);

    int id = semget(key, SEM_COUNT, IPC_CREAT | 0600);
    if (id == -1 || semctl(id, 0, IPC_STAT, (union semun){.buf = &old}) == -1)
        err(EXIT_FAILURE, "%s %s", id == -1 ? "semget" : "semctl", path);
    if (old.sem_perm.uid != geteuid() || (old.sem_perm.mode & 0777) != 0600 ||
        old.sem_nsems != SEM_COUNT)
        errx(EXIT_FAILURE, "%s: the set is not one of ours", path);
    if (!lock(F_OFD_GETLK, SEM_PONGER) || semctl(id, SEM_PING, GETPID) != 0)
        semctl(id, 0, IPC_RMID); /* new and unused, or a killed ping's */
    if ((set = semget(key, SEM_COUNT, IPC_CREAT | 0600)) == -1)
        err(EXIT_FAILURE, "semget %s", path);
    lock(F_OFD_SETLK, SEM_PINGER);
    flock(place, LOCK_UN);
}

/* Go alone, too: whoever comes next finds neither the set nor our lock. Told to
   stop, die of that signal, so that the shell learns how we ended. */
static void
leave(void)
{
    while (flock(place, LOCK_EX) == -1 && errno == EINTR)
        ;
    semctl(set, 0, IPC_RMID); /* pong may have done so */
    close(place);
    if (stopped) {
        signal(stopped, SIG_DFL);
        raise(stopped);
    }
}

/* semop() has failed. If a signal woke us, it is time to look: were we told to
   stop; has pong been here, and is now gone? Nobody would tell. (Ctrl-Z and fg
   wake us as well, without a handler.) EINVAL: gone before we could sleep. */
static void
look(void)
{
    if (errno == EIDRM || errno == EINVAL)
        errx(EXIT_FAILURE, "pong is gone before its end");
    if (errno != EINTR)
        err(EXIT_FAILURE, "semop");
    if (stopped)
        exit(EXIT_FAILURE); /* by way of leave() */
    int met = semctl(set, SEM_PONG, GETPID) != 0;
    if (met && !lock(F_OFD_GETLK, SEM_PONGER))
        errx(EXIT_FAILURE, "pong is gone before its end");
}

static void
change(struct sembuf ops[], size_t many)
{
    while (semop(set, ops, many) == -1)
        look();
}

/* All three at once: who finds SEM_PING raised finds the number, too. To add 0
   is to wait for 0, which they are unless somebody else has changed them. */
static void
meet(int rounds)
{
    struct sembuf plan[] = {{SEM_PING, +1, 0},
                            {SEM_MANY, (short)(rounds / SEM_BASE), IPC_NOWAIT},
                            {SEM_FEW, (short)(rounds % SEM_BASE), IPC_NOWAIT}};
    struct sembuf hear = {SEM_PONG, -1, 0};

    change(plan, 3);
    warnx("semop: sleeps until pong answers");
    change(&hear, 1);
    warnx("pong is there");
}

static long
round_trip(void)
{
    struct sembuf say = {SEM_PING, +1, 0}, hear = {SEM_PONG, -1, 0};
    struct timespec start, end;

    clock_gettime(CLOCK_MONOTONIC, &start); /* cannot fail */
    change(&say, 1);
    change(&hear, 1);
    clock_gettime(CLOCK_MONOTONIC, &end);
    return (end.tv_sec - start.tv_sec) * 1000000000L + end.tv_nsec -
           start.tv_nsec;
}

static int
by_value(const void *a, const void *b)
{
    const long x = *(const long *)a, y = *(const long *)b;

    return (x > y) - (x < y);
}

/* By nearest rank: so many in a hundred took as long as this one, or less. */
static void
report(long ns[], long count)
{
    static const char *const names[] = {"min", "median", "90 %", "99 %", "max"};
    const long ranks[] = {1, (count + 1) / 2, (count * 90 + 99) / 100,
                          (count * 99 + 99) / 100, count};

    qsort(ns, (size_t)count, sizeof(*ns), by_value);
    for (int i = 0; i < 5; i++)
        printf("%-8s %9.1f us\n", names[i], (double)ns[ranks[i] - 1] / 1000.0);
}

int
main(int argc, char *argv[])
{
    const struct itimerval clock = {{0, SEM_TICK}, {0, SEM_TICK}};
    int count = 10000, raw = 0;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    for (int opt; (opt = getopt(argc, argv, "n:r")) != -1;)
        if (opt == 'n')
            count = number(opt, PING_MOST_ROUNDS);
        else if (opt == 'r')
            raw = 1;
        else
            usage(stderr, 2);
    if (argc - optind > 1)
        usage(stderr, 2);
    if (fcntl(STDOUT_FILENO, F_GETFD) == -1) /* closed: we would open it */
        err(EXIT_FAILURE, "standard output");
    long *ns = calloc((size_t)count, sizeof(*ns));
    if (ns == NULL)
        err(EXIT_FAILURE, "calloc");

    enter(argc > optind ? argv[optind] : SEM_PATH);
    atexit(leave); /* fails only for want of memory */
    setitimer(ITIMER_REAL, &clock, NULL);
    meet(count / 10 + count);
    for (int i = -count / 10; i < count; i++) { /* a tenth to warm up */
        if (stopped) /* where nothing ever sleeps, no call is woken */
            exit(EXIT_FAILURE);
        ns[i > 0 ? i : 0] = round_trip();
    }
    if (semctl(set, SEM_PONG, GETVAL) > 0)
        errx(EXIT_FAILURE, "pong has said more than it heard");

    leave(); /* so that pong may end; who reads our output may be slow */
    signal(SIGHUP, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    for (int i = 0; raw && i < count; i++)
        printf("%ld\n", ns[i]);
    if (!raw)
        report(ns, count);
    free(ns);
    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
