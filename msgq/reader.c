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
lock(int command, off_t who)
{
    short type = command == F_OFD_SETLK ? F_RDLCK : F_WRLCK;
    struct flock byte = {.l_type = type, .l_start = who, .l_len = 1};

    if (fcntl(place, command, &byte) == -1)
        err(EXIT_FAILURE, "fcntl");
    return byte.l_type != F_UNLCK;
}

/* Come in alone: nobody else may look, make or remove meanwhile. */
static void
enter(const char *path)
{
    key_t key = ftok(path, MSGQ_PROJECT);
    struct msqid_ds old;

    if (key == -1) /* msgget() would take it for a key like any other */
        err(EXIT_FAILURE, "ftok %s", path);
    place = open(path, O_RDONLY | O_NONBLOCK); /* a FIFO would let us sleep */
    if (place == -1 || flock(place, LOCK_EX) == -1)
        err(EXIT_FAILURE, "open, flock %s", path);
    if (lock(F_OFD_GETLK, MSGQ_READER))
        errx(EXIT_FAILURE, "%s: another reader is here", path);

    int id = msgget(key, IPC_CREAT | 0600);
    if (id == -1 || msgctl(id, IPC_STAT, &old) == -1)
        err(EXIT_FAILURE, "msgget %s", path);
    if (old.msg_perm.uid != geteuid() || (old.msg_perm.mode & 0777) != 0600)
        errx(EXIT_FAILURE, "%s: the queue is not one of ours", path);
    if (!lock(F_OFD_GETLK, MSGQ_WRITER) || old.msg_lrpid != 0)
        msgctl(id, IPC_RMID, NULL); /* empty and new, or a killed reader's */
    if ((queue = msgget(key, IPC_CREAT | 0600)) == -1)
        err(EXIT_FAILURE, "msgget %s", path);
    lock(F_OFD_SETLK, MSGQ_READER);
    flock(place, LOCK_UN);
}

/* Go alone, too: whoever comes next finds neither the queue nor our lock. */
static void
leave(void)
{
    flock(place, LOCK_EX);
    msgctl(queue, IPC_RMID, NULL); /* what is left in it goes, too */
    close(place);
}

static void
note(int sig)
{
    if (sig != SIGALRM) /* our clock only wakes us */
        stopped = sig;
}

static void
quit(void)
{
    leave();
    signal(stopped, SIG_DFL);
    raise(stopped); /* so that the shell learns how we ended */
}

/* A call has returned -1. If it was woken by a signal, it is time to look: were
   we told to stop; has a writer been here, and is now gone? Nobody would tell.
 */
static int
look(const char *call, int met)
{
    struct msqid_ds now;

    if (errno == ENOMSG ||
        (errno != EINTR && msgctl(queue, IPC_STAT, &now) == -1))
        errx(EXIT_FAILURE, "the writer is gone before the end");
    if (errno != EINTR)
        err(EXIT_FAILURE, "%s", call);
    if (stopped)
        quit();
    return lock(F_OFD_GETLK, MSGQ_WRITER) ? 1 : met ? -1 : 0;
}

/* Copy until a message without text. A message comes whole or not at all. When
   the writer is gone, whatever it has sent is there: sleep no more. */
static void
copy(int to)
{
    static struct message message;
    long long bytes = 0, messages = 0;
    ssize_t got, put;
    int met = 0; /* 1: a writer is there; -1: it was, and is gone */

    while ((got = msgrcv(queue, &message, sizeof(message.text), MSGQ_DATA,
                         met == -1 ? IPC_NOWAIT : 0)) != 0) {
        if (got == -1) {
            met = look("msgrcv", met);
            continue;
        }
        for (ssize_t done = 0; done < got; done += put)
            while ((put = write(to, message.text + done,
                                (size_t)(got - done))) == -1)
                look("write standard output", 0);
        if (stopped) /* where nothing ever sleeps, no call is woken */
            quit();
        bytes += got;
        messages++;
        met = met == -1 ? -1 : 1;
    }
    warnx("end of data: %lld bytes in %lld messages", bytes, messages);

    /* Say so. Nobody ever sends the next: sleep until the queue is removed. */
    message.type = MSGQ_TAKEN;
    msgsnd(queue, &message, 0,
           IPC_NOWAIT); /* the writer may be gone: so what */
    while (msgrcv(queue, &message, 0, MSGQ_NEVER, 0) == -1 && errno == EINTR &&
           look("msgrcv", 1) == 1)
        ;
}

int
main(int argc, char *argv[])
{
    const struct itimerval clock = {{0, MSGQ_TICK}, {0, MSGQ_TICK}};
    const struct sigaction action = {.sa_handler = note}; /* no SA_RESTART */
    const int signals[] = {SIGHUP, SIGINT, SIGTERM, SIGALRM};

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (getopt(argc, argv, "") != -1 || argc - optind > 1)
        usage(stderr, 2);

    if (fcntl(STDOUT_FILENO, F_GETFD) == -1) /* closed: the next open gets 1 */
        err(EXIT_FAILURE, "standard output");
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */
    for (int i = 0; i < 4; i++)
        sigaction(signals[i], &action, NULL); /* fails for no signal only */
    enter(argc > optind ? argv[optind] : MSGQ_PATH);
    atexit(leave); /* fails only for want of memory */
    setitimer(ITIMER_REAL, &clock, NULL);
    warnx("msgrcv: sleeps until a message is there");
    copy(STDOUT_FILENO);
    return EXIT_SUCCESS;
}
