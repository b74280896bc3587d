/*
 * chat - talk both ways at once, in two terminals, over two FIFOs.
 *
 * What a says goes through NAME.a, what b says through NAME.b: from a single
 * FIFO we would read our own words back. Either may start first and sleeps
 * until the other comes; then a removes the names. End of input on one side
 * (Ctrl-D) ends both.
 *
 * See contract.h, fifo(7), open(2), poll(2), inode(7).
 */
#define _GNU_SOURCE /* asprintf */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
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
    fputs("usage: chat a|b [path]\n"
          "Send standard input to the other side and show what it sends.\n",
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
   behind, perhaps sealed. But it must be a FIFO, not a file of yours. */
static void
make(const char *name)
{
    if (mkfifo(name, FIFO_MODE) == -1 && errno != EEXIST)
        err(EXIT_FAILURE, "mkfifo %s", name);
    if (!is_our_fifo(name) && errno != ENOENT) /* or just removed */
        errx(EXIT_FAILURE, "%s is not a FIFO of yours", name);
    if (chmod(name, FIFO_MODE) == -1)
        err(EXIT_FAILURE, "chmod %s", name);
}

/* A call has returned -1: it is made again if it was only interrupted. */
static void
again(const char *call, const char *object)
{
    if (errno != EINTR)
        err(EXIT_FAILURE, "%s %s", call, object);
}

/* The names have served. Or the other was told to stop and has woken us: then
   it has removed them, and what stands there by now is not ours. */
static void
clear(int fifo)
{
    struct stat st;

    if (fstat(fifo, &st) == -1)
        err(EXIT_FAILURE, "fstat %s", second);
    met = st.st_nlink == 0;
    if (!met && (unlink(second) == -1 || unlink(first) == -1) &&
        errno != ENOENT)
        err(EXIT_FAILURE, "unlink %s and %s", second, first);
}

/* The order of the opens, and why only the last of them can sleep, is settled
   in contract.h. Our own reader in hold would keep EPIPE from us: close it. */
static void
meet(int is_a, int *in, int *out)
{
    int hold, near, far;

    atexit(remove_names); /* fails only for want of memory; then names stay */
    signal(SIGHUP, stop); /* fails only for a number that is no signal */
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */

    make(second);
    make(first);
    warnx("open %s: sleeps until %c opens it too", first, is_a ? 'b' : 'a');
    while ((hold = open(second, O_RDWR)) == -1)
        again("open", second);
    while ((near = open(second, is_a ? O_RDONLY : O_WRONLY)) == -1)
        again("open", second);
    while ((far = open(first, is_a ? O_WRONLY : O_RDONLY)) == -1)
        again("open", first);
    close(hold);
    *in = is_a ? near : far;
    *out = is_a ? far : near;
    if (is_a)
        clear(near);
    met = 1;
    if (flock(*in, LOCK_EX | LOCK_NB) == -1) { /* all who slept have woken */
        if (errno != EWOULDBLOCK)
            err(EXIT_FAILURE, "flock");
        errx(EXIT_FAILURE, "%c has met another", is_a ? 'b' : 'a');
    }
    warnx("%c is there", is_a ? 'b' : 'a');
}

/* The seal tells the other that we end as we should: see contract.h. */
static void
seal_and_close(int out)
{
    if (fchmod(out, FIFO_SEALED) == -1)
        err(EXIT_FAILURE, "fchmod");
    close(out);
}

/* Show what has arrived. At end of file, tell an end from a death. */
static int
hear(int in, char other)
{
    char buf[PIPE_BUF];
    struct stat st;
    ssize_t got, put;

    while ((got = read(in, buf, sizeof(buf))) == -1)
        again("read from", "the other");
    for (ssize_t done = 0; done < got; done += put)
        while ((put = write(STDOUT_FILENO, buf + done, (size_t)(got - done))) ==
               -1)
            again("write", "standard output");
    if (got > 0)
        return 1;
    if (fstat(in, &st) == -1)
        err(EXIT_FAILURE, "fstat");
    if (st.st_mode & S_IWUSR)
        errx(EXIT_FAILURE, "%c is gone before its end", other);
    warnx("%c has ended", other);
    return 0;
}

/* Sleep on both directions at once. While something is still to be said, wait
   for room for it, and not for more input; once input has ended, for neither:
   poll() passes over negative descriptors. */
static void
wait_for_words(struct pollfd fds[], ssize_t said, char other)
{
    fds[0].fd = said > 0 || fds[2].fd == -1 ? -1 : STDIN_FILENO;
    fds[2].events = said > 0 ? POLLOUT : 0;
    while (poll(fds, 3, -1) == -1)
        again("poll", second);
    if ((fds[2].revents & POLLERR) && fds[1].revents == 0)
        errx(EXIT_FAILURE, "%c is gone before its end", other);
}

/* Room means room for PIPE_BUF bytes, which go whole, so no write() sleeps:
   were both sides asleep in write(), neither would read. */
static void
talk(int in, int out, char other)
{
    struct pollfd fds[] = {{.events = POLLIN}, {in, POLLIN, 0}, {out, 0, 0}};
    char buf[PIPE_BUF];
    ssize_t said = 0;

    do {
        wait_for_words(fds, said, other);
        if (fds[2].revents == POLLOUT) {
            while (write(out, buf, (size_t)said) == -1)
                again("write to", "the other");
            said = 0;
        }
        if (fds[0].revents == 0)
            continue;
        while ((said = read(STDIN_FILENO, buf, sizeof(buf))) == -1)
            again("read", "standard input");
        if (said == 0) {
            warnx("end of input: %c will end too", other);
            seal_and_close(out);
            fds[2].fd = -1;
        }
    } while (fds[1].revents == 0 || hear(in, other));
    if (fds[2].fd != -1)
        seal_and_close(out);
}

int
main(int argc, char *argv[])
{
    int in, out;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (getopt(argc, argv, "") != -1 || argc == optind || argc > optind + 2 ||
        (strcmp(argv[optind], "a") != 0 && strcmp(argv[optind], "b") != 0))
        usage(stderr, 2);
    for (int fd = 0; fd < 3; fd++) /* closed: a FIFO would get its number */
        if (fcntl(fd, F_GETFD) == -1)
            err(EXIT_FAILURE, "descriptor %d", fd);
    const int is_a = argv[optind][0] == 'a';
    const char *name = argc == optind + 2 ? argv[optind + 1] : FIFO_PATH;
    if (asprintf(&first, "%s.a", name) == -1 ||
        asprintf(&second, "%s.b", name) == -1)
        err(EXIT_FAILURE, "asprintf");

    meet(is_a, &in, &out);
    talk(in, out, is_a ? 'b' : 'a');
    return EXIT_SUCCESS;
}
