/*
 * ping - time the way to pong and back over a System V message queue.
 *
 * One queue carries both ways: pong takes the messages of one type, ping those
 * of another. Either may start first and makes the queue; ping removes it after
 * the last echo.
 *
 * See contract.h, sysvipc(7), msgop(2), fcntl_locking(2), clock_gettime(2).
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
#include <sys/msg.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "contract.h"

static int place, queue = -1;
static const int signals[] = {SIGHUP, SIGINT, SIGTERM, SIGALRM};
static volatile sig_atomic_t stopped; /* by this signal */

static void
usage(FILE *stream, int status)
{
    fputs("usage: ping [-n COUNT] [-s BYTES] [-r] [path]\n"
          "Time COUNT (10000) round trips of BYTES (8) to pong and back;\n"
          "-r prints each of them, in nanoseconds.\n",
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
lock(int command, int who)
{
    short type = command == F_OFD_SETLK ? F_RDLCK : F_WRLCK;
    off_t start = (off_t)queue * MSGQ_SIDES + who;
    struct flock byte = {.l_type = type, .l_start = start, .l_len = 1};

    if (fcntl(place, command, &byte) == -1)
        err(EXIT_FAILURE, "fcntl");
    return byte.l_type != F_UNLCK;
}

static void
note(int sig)
{
    if (sig != SIGALRM) /* our clock only wakes us */
        stopped = sig;
}

/* Go alone, too: whoever comes next finds neither the queue nor our lock. Told
   to stop, die of that signal, so that the shell learns how we ended. */
static void
leave(void)
{
    while (flock(place, LOCK_EX) == -1 && errno == EINTR && !stopped)
        ;
    msgctl(queue, IPC_RMID, NULL); /* pong may have done so */
    close(place);
    if (stopped) {
        signal(stopped, SIG_DFL);
        raise(stopped);
    }
}

/* A queue that was sent to is a killed ping's: another takes its place. */
static void
find(const char *path)
{
    key_t key = ftok(path, PING_PROJECT);
    struct msqid_ds now;

    if (key == -1) /* msgget() would take it for a key like any other */
        err(EXIT_FAILURE, "ftok %s", path);
    for (;; msgctl(queue, IPC_RMID, NULL)) {
        queue = msgget(key, IPC_CREAT | 0600);
        if (queue == -1 || msgctl(queue, IPC_STAT, &now) == -1)
            err(EXIT_FAILURE, "%s %s", queue == -1 ? "msgget" : "msgctl", path);
        if (now.msg_perm.uid != geteuid() || (now.msg_perm.mode & 0777) != 0600)
            errx(EXIT_FAILURE, "%s: the queue is not one of ours", path);
        if (lock(F_OFD_GETLK, PING_PING))
            errx(EXIT_FAILURE, "%s: another ping is here", path);
        if (now.msg_stime == 0) /* nobody has ever sent */
            return;
    }
}

/* Come in alone: nobody else may look, make or remove meanwhile. Until then, a
   signal may kill us: there is nothing to remove. */
static void
enter(const char *path)
{
    const struct itimerval clock = {{0, MSGQ_TICK}, {0, MSGQ_TICK}};
    const struct sigaction action = {.sa_handler = note}; /* no SA_RESTART */
    struct msqid_ds now;

    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */
    place = open(path, O_RDONLY | O_NONBLOCK); /* a FIFO would let us sleep */
    if (place == -1)
        err(EXIT_FAILURE, "open %s", path);
    while (flock(place, LOCK_EX) == -1)
        if (errno != EINTR)
            err(EXIT_FAILURE, "flock %s", path);
    for (int i = 0; i < 4; i++)
        sigaction(signals[i], &action, NULL); /* fails for no signal only */
    find(path);
    lock(F_OFD_SETLK, PING_PING);
    atexit(leave); /* fails only for want of memory */
    /* For room that a queue has not even when empty, msgsnd() sleeps, too. */
    if (msgctl(queue, IPC_STAT, &now) == 0 && now.msg_qbytes < MSGQ_TEXT)
        errx(EXIT_FAILURE, "%s: a queue holds %lu bytes, not %d: see msgmnb",
             path, (unsigned long)now.msg_qbytes, MSGQ_TEXT);
    flock(place, LOCK_UN);
    setitimer(ITIMER_REAL, &clock, NULL);
}

/* A call has returned -1. If it was woken by a signal, it is time to look: were
   we told to stop; has pong been here, and is now gone? Nobody tells. */
static void
look(const char *call)
{
    static int met;
    struct msqid_ds now;
    int removed = msgctl(queue, IPC_STAT, &now) == -1;

    if (stopped)
        exit(EXIT_FAILURE); /* by way of leave() */
    if (!removed && errno != EINTR)
        err(EXIT_FAILURE, "%s", call);
    int there = lock(F_OFD_GETLK, PING_PONG);
    met = met || there;
    if (removed || (!there && (met || now.msg_rtime != 0)))
        errx(EXIT_FAILURE, "pong is gone before its end");
}

static void
say(const void *message, size_t bytes)
{
    while (stopped || msgsnd(queue, message, bytes, 0) == -1)
        look("msgsnd");
}

/* Each round says something else: an old echo must not pass for the new one. A
   message comes whole: with as many bytes as were sent, or not at all. */
static long
round_trip(long round, size_t bytes)
{
    static struct message said = {.type = PING_THERE}, heard;
    struct timespec start, end;
    ssize_t got;

    for (size_t i = 0; i < bytes; i++)
        said.text[i] = (char)((size_t)round + i);
    clock_gettime(CLOCK_MONOTONIC, &start); /* cannot fail */
    say(&said, bytes);
    while ((got = msgrcv(queue, &heard, sizeof(heard.text), PING_BACK, 0)) ==
           -1)
        look("msgrcv");
    clock_gettime(CLOCK_MONOTONIC, &end);
    if ((size_t)got != bytes || memcmp(said.text, heard.text, bytes) != 0)
        errx(EXIT_FAILURE, "the echo is not what was said");
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
    int count = 10000, bytes = 8, raw = 0;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    for (int opt; (opt = getopt(argc, argv, "n:s:r")) != -1;)
        if (opt == 'n')
            count = number(opt, PING_MOST_ROUNDS);
        else if (opt == 's')
            bytes = number(opt, PING_MOST_BYTES);
        else if (opt == 'r')
            raw = 1;
        else
            usage(stderr, 2);
    if (argc - optind > 1)
        usage(stderr, 2);
    long *ns = calloc((size_t)count, sizeof(*ns));
    if (ns == NULL)
        err(EXIT_FAILURE, "calloc");

    enter(argc > optind ? argv[optind] : MSGQ_PATH);
    warnx("msgrcv: sleeps until pong is there and answers");
    struct ping_plan plan = {PING_PLAN, count / 10 + count, bytes};
    say(&plan, sizeof(plan) - sizeof(plan.type));
    for (int i = -count / 10; i < count; i++) /* a tenth to warm up */
        ns[i > 0 ? i : 0] = round_trip(i, (size_t)bytes);

    leave(); /* nothing is left to remove: from now on, signals may kill us */
    for (int i = 0; i < 4; i++)
        signal(signals[i], signals[i] == SIGALRM ? SIG_IGN : SIG_DFL);
    for (int i = 0; raw && i < count; i++)
        printf("%ld\n", ns[i]);
    if (!raw)
        report(ns, count);
    free(ns);
    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
