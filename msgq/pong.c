/*
 * pong - send back what ping says, over a System V message queue.
 *
 * One queue carries both ways: pong takes the messages of one type, ping those
 * of another. Either may start first and makes the queue; ping removes it after
 * the last echo, and until then pong stays.
 *
 * See contract.h, sysvipc(7), msgop(2), fcntl_locking(2).
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
#include <unistd.h>

#include "contract.h"

static int place, queue = -1;
static const int signals[] = {SIGHUP, SIGINT, SIGTERM, SIGALRM};
static volatile sig_atomic_t stopped; /* by this signal */

static void
usage(FILE *stream, int status)
{
    fputs("usage: pong [path]\n"
          "Send back what ping says, until it has said all.\n",
          stream);
    exit(status);
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
    msgctl(queue, IPC_RMID, NULL); /* ping may have done so */
    close(place);
    if (stopped) {
        signal(stopped, SIG_DFL);
        raise(stopped);
    }
}

/* A queue that was read from, or sent to by one who is gone, is a killed run's:
   another takes its place. */
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
        if (lock(F_OFD_GETLK, PING_PONG))
            errx(EXIT_FAILURE, "%s: another pong is here", path);
        if (now.msg_stime == 0 ||
            (now.msg_rtime == 0 && lock(F_OFD_GETLK, PING_PING)))
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
    lock(F_OFD_SETLK, PING_PONG);
    atexit(leave); /* fails only for want of memory */
    flock(place, LOCK_UN);
    setitimer(ITIMER_REAL, &clock, NULL);
}

/* A call has returned -1. If it was woken by a signal, it is time to look: were
   we told to stop; has ping been here, and is now gone? Nobody tells. */
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
    int there = lock(F_OFD_GETLK, PING_PING);
    met = met || there;
    if (removed || (!there && (met || now.msg_stime != 0)))
        errx(EXIT_FAILURE, "ping is gone before its end");
}

static void
say(const void *message, size_t bytes)
{
    while (stopped || msgsnd(queue, message, bytes, 0) == -1)
        look("msgsnd");
}

/* A message comes whole: with as many bytes as were sent, or not at all. */
static size_t
hear(void *message, size_t most, long type)
{
    ssize_t got;

    while ((got = msgrcv(queue, message, most, type, 0)) == -1)
        look("msgrcv");
    return (size_t)got;
}

/* The whole of a round, as long as was planned, or this is not ping. */
static void
echo(int rounds, size_t bytes)
{
    static struct message message;

    for (int i = 0; i < rounds; i++) {
        if (hear(&message, sizeof(message.text), PING_THERE) != bytes)
            errx(EXIT_FAILURE, "this is not ping: another length than agreed");
        message.type = PING_BACK;
        say(&message, bytes);
    }
}

int
main(int argc, char *argv[])
{
    struct ping_plan plan;
    struct message none;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (getopt(argc, argv, "") != -1 || argc - optind > 1)
        usage(stderr, 2);

    enter(argc > optind ? argv[optind] : MSGQ_PATH);
    warnx("msgrcv: sleeps until ping is there and says something");
    size_t size = sizeof(plan) - sizeof(plan.type);
    if (hear(&plan, size, PING_PLAN) != size || plan.rounds < 1 ||
        plan.rounds > PING_MOST_ROUNDS / 10 * 11 || plan.bytes < 1 ||
        plan.bytes > PING_MOST_BYTES) /* from anybody: believe nothing */
        errx(EXIT_FAILURE, "this is not ping: no plan of rounds and bytes");
    warnx("%d rounds of %d bytes", plan.rounds, plan.bytes);
    echo(plan.rounds, (size_t)plan.bytes);

    /* Nobody ever sends this: sleep until ping has the echo and removes all. */
    while (msgrcv(queue, &none, 0, PING_NEVER, 0) == -1 && errno == EINTR &&
           !stopped && lock(F_OFD_GETLK, PING_PING))
        ;
    return EXIT_SUCCESS;
}
