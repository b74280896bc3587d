/*
 * reader - copy what comes through a System V message queue to standard output.
 *
 * writer and reader are cat(1) cut in two: what goes in there comes out here.
 * Either may start first and makes the queue. The writer removes it when the
 * reader has answered the last message; until then both stay.
 *
 * See contract.h, sysvipc(7), ftok(3), msgget(2), msgop(2), fcntl_locking(2).
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
    fputs("usage: reader [path]\n"
          "Copy what writer puts into a queue to standard output.\n",
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
    msgctl(queue, IPC_RMID, NULL); /* the writer may have done so */
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
    key_t key = ftok(path, MSGQ_PROJECT);
    struct msqid_ds now;

    if (key == -1) /* msgget() would take it for a key like any other */
        err(EXIT_FAILURE, "ftok %s", path);
    for (;; msgctl(queue, IPC_RMID, NULL)) {
        queue = msgget(key, IPC_CREAT | 0600);
        if (queue == -1 || msgctl(queue, IPC_STAT, &now) == -1)
            err(EXIT_FAILURE, "%s %s", queue == -1 ? "msgget" : "msgctl", path);
        if (now.msg_perm.uid != geteuid() || (now.msg_perm.mode & 0777) != 0600)
            errx(EXIT_FAILURE, "%s: the queue is not one of ours", path);
        if (lock(F_OFD_GETLK, MSGQ_READER))
            errx(EXIT_FAILURE, "%s: another reader is here", path);
        if (now.msg_stime == 0 ||
            (now.msg_rtime == 0 && lock(F_OFD_GETLK, MSGQ_WRITER)))
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
    lock(F_OFD_SETLK, MSGQ_READER);
    atexit(leave); /* fails only for want of memory */
    flock(place, LOCK_UN);
    setitimer(ITIMER_REAL, &clock, NULL);
}

/* A call has returned -1. If it was woken by a signal, it is time to look: were
   we told to stop; has a writer been here, and is now gone? Nobody tells. Then
   whatever it has sent is there: returns that msgrcv() is not to sleep. */
static int
look(const char *call)
{
    static int met;
    struct msqid_ds now;
    int removed = msgctl(queue, IPC_STAT, &now) == -1;
    int there = lock(F_OFD_GETLK, MSGQ_WRITER);

    if (stopped)
        exit(EXIT_FAILURE); /* by way of leave() */
    if (removed || (errno == ENOMSG && !there))
        errx(EXIT_FAILURE, "the writer is gone before the end");
    if (errno != EINTR && errno != ENOMSG)
        err(EXIT_FAILURE, "%s", call);
    met = met || there || now.msg_stime != 0;
    return met && !there ? IPC_NOWAIT : 0;
}

/* Copy until a message without text. A message comes whole or not at all. */
static void
copy(int to)
{
    static struct message message;
    long long bytes = 0, messages = 0;
    ssize_t got, put;
    int flags = 0;

    while ((got = msgrcv(queue, &message, sizeof(message.text), MSGQ_DATA,
                         flags)) != 0) {
        if (got == -1) {
            flags = look("msgrcv");
            continue;
        }
        for (ssize_t done = 0; done < got; done += put)
            while (stopped || (put = write(to, message.text + done,
                                           (size_t)(got - done))) == -1)
                look("write standard output");
        bytes += got;
        messages++;
    }
    warnx("end of data: %lld bytes in %lld messages", bytes, messages);

    /* Say so. Nobody ever sends the next: sleep until the queue is removed. */
    message.type = MSGQ_TAKEN;
    while (msgsnd(queue, &message, 0, IPC_NOWAIT) == -1 && errno != EINVAL &&
           errno != EIDRM) /* the writer is gone, and the queue */
        if (errno != EINTR)
            err(EXIT_FAILURE, "msgsnd");
    while (msgrcv(queue, &message, 0, MSGQ_NEVER, 0) == -1 && errno == EINTR &&
           !stopped && lock(F_OFD_GETLK, MSGQ_WRITER))
        ;
}

int
main(int argc, char *argv[])
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (getopt(argc, argv, "") != -1 || argc - optind > 1)
        usage(stderr, 2);

    if (fcntl(STDOUT_FILENO, F_GETFD) == -1) /* closed: the next open gets 1 */
        err(EXIT_FAILURE, "standard output");
    enter(argc > optind ? argv[optind] : MSGQ_PATH);
    warnx("msgrcv: sleeps until a message is there");
    copy(STDOUT_FILENO);
    return EXIT_SUCCESS;
}
