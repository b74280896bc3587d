/*
 * pong - send back what ping says, over two FIFOs.
 *
 * Hears through NAME.ping how many rounds of how many bytes there will be, and
 * then each round, which it says again through NAME.pong. Either may start
 * first and sleeps until the other comes; then ping removes the names.
 *
 * See contract.h, fifo(7), open(2).
 */
#define _GNU_SOURCE /* asprintf */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "contract.h"

static char *first, *second;      /* the names of the two FIFOs */
static volatile sig_atomic_t met; /* they have served */

static void
usage(FILE *stream, int status)
{
    fputs("usage: pong [path]\n"
          "Send back what ping says, until it has said all.\n",
          stream);
    exit(status);
}

/* Anything else under the name is not to be touched. */
static int
is_our_fifo(const char *name)
{
    struct stat st;

    return lstat(name, &st) == 0 && S_ISFIFO(st.st_mode) &&
           st.st_uid == geteuid();
}

/* Whoever else sleeps in open() would never hear that the names are gone:
   opening both ends wakes them, and soon they see us gone. */
static void
remove_names(void)
{
    if (!met && is_our_fifo(second))
        unlink(second);
    if (!met && is_our_fifo(first)) {
        open(first, O_RDWR | O_NONBLOCK);
        unlink(first);
    }
}

/* Die of the same signal, so that the shell learns how we ended. */
static void
stop(int sig)
{
    remove_names();
    signal(sig, SIG_DFL);
    raise(sig);
}

/* EEXIST is no failure: the other came first, or a killed run left the name
   behind. But it must be a FIFO, not a file of yours. */
static void
make(const char *name)
{
    if (mkfifo(name, FIFO_MODE) == -1 && errno != EEXIST)
        err(EXIT_FAILURE, "mkfifo %s", name);
    if (!is_our_fifo(name) && errno != ENOENT) /* or just removed */
        errx(EXIT_FAILURE, "%s is not a FIFO of yours", name);
}

/* A call has returned -1: it is made again if it was only interrupted. */
static void
again(const char *call, const char *object)
{
    if (errno != EINTR)
        err(EXIT_FAILURE, "%s %s", call, object);
}

/* The order of the opens, and why only the last of them can sleep, is settled
   in contract.h. Our own reader in hold would keep EPIPE from us: close it. */
static void
meet(int *in, int *out, const char *other)
{
    int hold;

    atexit(remove_names); /* fails only for want of memory; then names stay */
    signal(SIGHUP, stop); /* fails only for a number that is no signal */
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */

    make(second);
    make(first);
    warnx("open %s: sleeps until %s opens it too", first, other);
    while ((hold = open(second, O_RDWR)) == -1)
        again("open", second);
    while ((*out = open(second, O_WRONLY)) == -1)
        again("open", second);
    while ((*in = open(first, O_RDONLY)) == -1)
        again("open", first);
    close(hold);
    met = 1;
    if (flock(*in, LOCK_EX | LOCK_NB) == -1) { /* all who slept have woken */
        if (errno != EWOULDBLOCK)
            err(EXIT_FAILURE, "flock");
        errx(EXIT_FAILURE, "%s has met another", other);
    }
    warnx("%s is there", other);
}

static void
say(int to, const char *words, size_t bytes)
{
    ssize_t put;

    for (size_t done = 0; done < bytes; done += (size_t)put)
        while ((put = write(to, words + done, bytes - done)) == -1)
            again("write to", "ping");
}

static void
hear(int from, char *words, size_t bytes)
{
    ssize_t got;

    for (size_t done = 0; done < bytes; done += (size_t)got) {
        while ((got = read(from, words + done, bytes - done)) == -1)
            again("read from", "ping");
        if (got == 0)
            errx(EXIT_FAILURE, "ping is gone before its end");
    }
}

int
main(int argc, char *argv[])
{
    static char buf[PING_MOST_BYTES];
    struct ping_plan plan;
    int in, out;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (getopt(argc, argv, "") != -1 || argc - optind > 1)
        usage(stderr, 2);
    for (int fd = 0; fd < 3; fd++) /* closed: a FIFO would get its number */
        if (fcntl(fd, F_GETFD) == -1)
            err(EXIT_FAILURE, "descriptor %d", fd);
    const char *name = argc > optind ? argv[optind] : FIFO_PATH;
    if (asprintf(&first, "%s.ping", name) == -1 ||
        asprintf(&second, "%s.pong", name) == -1)
        err(EXIT_FAILURE, "asprintf");

    meet(&in, &out, "ping");
    hear(in, (char *)&plan, sizeof(plan)); /* from anybody: believe nothing */
    if (plan.rounds < 1 || plan.rounds > PING_MOST_ROUNDS / 10 * 11 ||
        plan.bytes < 1 || plan.bytes > PING_MOST_BYTES)
        errx(EXIT_FAILURE, "this is not ping: %d rounds of %d bytes",
             plan.rounds, plan.bytes);
    warnx("%d rounds of %d bytes", plan.rounds, plan.bytes);

    /* The whole of a round is read before it is sent back: on a FIFO that holds
       less, two that both write at once would sleep for ever. */
    for (int i = 0; i < plan.rounds; i++) {
        hear(in, buf, (size_t)plan.bytes);
        say(out, buf, (size_t)plan.bytes);
    }
    return EXIT_SUCCESS;
}
