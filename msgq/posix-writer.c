/*
 * posix-writer - copy standard input into a POSIX message queue.
 *
 * posix-writer and posix-reader are cat(1) cut in two: what goes in here comes
 * out there. Either may start first and makes the queue; who comes second
 * removes its name. The queue itself goes with the last who has it open.
 *
 * See contract.h, mq_overview(7), mq_open(3), mq_send(3), fcntl_locking(2).
 */
#define _GNU_SOURCE /* F_OFD_SETLK, F_OFD_GETLK, asprintf */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "contract.h"

static char *name;
static mqd_t queue;  /* on Linux, a descriptor: fcntl() and flock() take it */
static int finished; /* all is sent */
static volatile sig_atomic_t stopped; /* by this signal */

static void
usage(FILE *stream, int status)
{
    fputs("usage: posix-writer [-b BYTES] [name]\n"
          "Copy standard input, BYTES a message, into a queue for "
          "posix-reader.\n",
          stream);
    exit(status);
}

/* F_OFD_SETLK: we are here. F_OFD_GETLK: is anybody there? */
static int
lock(int command, int who)
{
    short type = command == F_OFD_SETLK ? F_RDLCK : F_WRLCK;
    struct flock byte = {.l_type = type, .l_start = who, .l_len = 1};

    if (fcntl(queue, command, &byte) == -1)
        err(EXIT_FAILURE, "fcntl");
    return byte.l_type != F_UNLCK;
}

static struct stat
status(void)
{
    struct stat st;

    if (fstat(queue, &st) == -1)
        err(EXIT_FAILURE, "fstat %s", name);
    return st;
}

static void
note(int sig)
{
    if (sig != SIGALRM) /* our clock only wakes us */
        stopped = sig;
}

static void
die(void)
{
    signal(stopped, SIG_DFL);
    raise(stopped); /* so that the shell learns how we ended */
}

/* Go alone, too. If nobody has come, the name is still to be removed. */
static void
leave(void)
{
    while (flock(queue, LOCK_EX) == -1 && errno == EINTR && !stopped)
        ;
    if (status().st_nlink > 0)
        mq_unlink(name);
    close(queue);
    if (stopped)
        die();
}

/* Open or make it, and come in alone: nobody else may look or remove meanwhile.
   Twice if need be: until we had the lock, another may have removed the name,
   or nobody is there and it holds what a killed run has left behind. Returns
   whether the other is there. */
static int
find(void)
{
    struct mq_attr now;
    struct mq_attr attr = {.mq_maxmsg = POSIX_MESSAGES,
                           .mq_msgsize = POSIX_TEXT};

    for (;; close(queue)) {
        queue = mq_open(name, O_RDWR | O_CREAT, 0600, &attr);
        if (queue == -1 || flock(queue, LOCK_EX) == -1 ||
            mq_getattr(queue, &now) == -1) {
            if (stopped)
                die(); /* who has the lock takes care of the name */
            if (errno == EINTR)
                continue;
            err(EXIT_FAILURE, "%s %s", queue == -1 ? "mq_open" : "flock", name);
        }
        struct stat st = status();
        if (st.st_uid != geteuid() || now.mq_msgsize != POSIX_TEXT ||
            (st.st_nlink > 0 && (st.st_mode & 0777) != 0600))
            errx(EXIT_FAILURE, "%s: the queue is not one of ours", name);
        if (st.st_nlink == 0)
            continue;
        if (lock(F_OFD_GETLK, POSIX_WRITER))
            errx(EXIT_FAILURE, "%s: another writer is here", name);
        int there = lock(F_OFD_GETLK, POSIX_READER);
        if (there || now.mq_curmsgs == 0)
            return there;
        mq_unlink(name);
    }
}

static void
enter(void)
{
    const struct itimerval clock = {{0, MSGQ_TICK}, {0, MSGQ_TICK}};
    const struct sigaction action = {.sa_handler = note}; /* no SA_RESTART */
    const int signals[] = {SIGHUP, SIGINT, SIGTERM, SIGALRM};

    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */
    for (int i = 0; i < 4; i++)
        sigaction(signals[i], &action, NULL); /* fails for no signal only */
    int there = find();
    lock(F_OFD_SETLK, POSIX_WRITER);
    atexit(leave); /* fails only for want of memory */
    if (there)
        mq_unlink(name); /* it was ours, and has served */
    flock(queue, LOCK_UN);
    setitimer(ITIMER_REAL, &clock, NULL);
}

/* A call was woken by a signal: were we told to stop; has a reader been here,
   and is now gone without its seal, or before the end? Nobody tells. */
static void
look(const char *call)
{
    if (stopped)
        exit(EXIT_FAILURE); /* by way of leave() */
    if (errno != EINTR)
        err(EXIT_FAILURE, "%s", call);
    if (status().st_nlink == 0 && !lock(F_OFD_GETLK, POSIX_READER) &&
        (!finished || status().st_mode & S_IWUSR))
        errx(EXIT_FAILURE, "the reader is gone before the end");
}

/* Copy until end of file, which becomes a message without text. */
static void
copy(int from, size_t block)
{
    static char text[POSIX_TEXT];
    long long bytes = 0, messages = 0;
    ssize_t got;

    do {
        while (stopped || (got = read(from, text, block)) == -1)
            look("read standard input");
        while (mq_send(queue, text, (size_t)got, 0) == -1)
            look("mq_send");
        bytes += got;
        messages += got > 0;
    } while (got > 0);
    finished = 1;
    warnx("end of input: %lld bytes in %lld messages", bytes, messages);
}

/* Sent is not received. The reader's lock is in the way of ours until it ends:
   so we sleep as long as it lives, and then look whether it had all. */
static void
see_off(void)
{
    struct flock byte = {
        .l_type = F_WRLCK, .l_start = POSIX_READER, .l_len = 1};

    while (status().st_nlink > 0) { /* nobody has come: the clock wakes us */
        pause();
        look("pause");
    }
    while (fcntl(queue, F_OFD_SETLKW, &byte) == -1)
        look("fcntl");
    if (status().st_mode & S_IWUSR)
        errx(EXIT_FAILURE, "the reader is gone before the end");
}

int
main(int argc, char *argv[])
{
    long block = POSIX_TEXT;
    char *end;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    for (int opt; (opt = getopt(argc, argv, "b:")) != -1;) {
        if (opt != 'b')
            usage(stderr, 2);
        block = strtol(optarg, &end, 10);
        if (block < 1 || block > POSIX_TEXT || *end != '\0')
            errx(2, "-b %s: not a number from 1 to %d", optarg, POSIX_TEXT);
    }
    if (argc - optind > 1)
        usage(stderr, 2);
    if (argc > optind)
        name = argv[optind];
    else if (asprintf(&name, POSIX_NAME, (int)getuid()) == -1)
        err(EXIT_FAILURE, "malloc");

    if (fcntl(STDIN_FILENO, F_GETFD) == -1) /* closed: the next open gets 0 */
        err(EXIT_FAILURE, "standard input");
    enter();
    warnx("mq_send: sleeps while the queue is full, until a reader takes some");
    copy(STDIN_FILENO, (size_t)block);
    see_off();
    return EXIT_SUCCESS;
}
