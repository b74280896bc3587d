/*
 * writer - copy standard input into a System V message queue.
 *
 * writer and reader are cat(1) cut in two: what goes in here comes out there.
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
    fputs("usage: writer [-b BYTES] [path]\n"
          "Copy standard input, BYTES a message, into a queue for reader.\n",
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
    msgctl(queue, IPC_RMID, NULL); /* the reader may have done so */
    close(place);
    if (stopped) {
        signal(stopped, SIG_DFL);
        raise(stopped);
    }
}

/* A queue that was sent to is a killed writer's: another takes its place. */
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
        if (lock(F_OFD_GETLK, MSGQ_WRITER))
            errx(EXIT_FAILURE, "%s: another writer is here", path);
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
    lock(F_OFD_SETLK, MSGQ_WRITER);
    atexit(leave); /* fails only for want of memory */
    /* For room that a queue has not even when empty, msgsnd() sleeps, too. */
    if (msgctl(queue, IPC_STAT, &now) == 0 && now.msg_qbytes < MSGQ_TEXT)
        errx(EXIT_FAILURE, "%s: a queue holds %lu bytes, not %d: see msgmnb",
             path, (unsigned long)now.msg_qbytes, MSGQ_TEXT);
    flock(place, LOCK_UN);
    setitimer(ITIMER_REAL, &clock, NULL);
}

/* A call has returned -1. If it was woken by a signal, it is time to look: were
   we told to stop; has a reader been here, and is now gone? Nobody tells. */
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
    int there = lock(F_OFD_GETLK, MSGQ_READER);
    met = met || there;
    if (removed || (!there && (met || now.msg_rtime != 0)))
        errx(EXIT_FAILURE, "the reader is gone before the end");
}

/* Copy until end of file, which becomes a message without text. */
static void
copy(int from, size_t block)
{
    static struct message message = {.type = MSGQ_DATA};
    long long bytes = 0, messages = 0;
    ssize_t got;

    do {
        while (stopped || (got = read(from, message.text, block)) == -1)
            look("read standard input");
        while (msgsnd(queue, &message, (size_t)got, 0) == -1)
            look("msgsnd");
        bytes += got;
        messages += got > 0;
    } while (got > 0);
    warnx("end of input: %lld bytes in %lld messages", bytes, messages);

    /* Sent is not received: the reader says when it has written out all. */
    while (msgrcv(queue, &message, 0, MSGQ_TAKEN, 0) == -1)
        look("msgrcv");
}

int
main(int argc, char *argv[])
{
    long block = MSGQ_TEXT;
    char *end;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    for (int opt; (opt = getopt(argc, argv, "b:")) != -1;) {
        if (opt != 'b')
            usage(stderr, 2);
        block = strtol(optarg, &end, 10);
        if (block < 1 || block > MSGQ_TEXT || *end != '\0')
            errx(2, "-b %s: not a number from 1 to %d", optarg, MSGQ_TEXT);
    }
    if (argc - optind > 1)
        usage(stderr, 2);

    if (fcntl(STDIN_FILENO, F_GETFD) == -1) /* closed: the next open gets 0 */
        err(EXIT_FAILURE, "standard input");
    enter(argc > optind ? argv[optind] : MSGQ_PATH);
    warnx("msgsnd: sleeps while the queue is full, until a reader takes some");
    copy(STDIN_FILENO, (size_t)block);
    return EXIT_SUCCESS;
}
