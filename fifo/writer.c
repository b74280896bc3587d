/*
 * writer - copy standard input into a FIFO.
 *
 * writer and reader are cat(1) cut in two: what goes in here comes out there.
 * Either may start first: the first one makes the FIFO and sleeps in open()
 * until the other comes. Then the writer removes the name.
 *
 * See contract.h, fifo(7), mkfifo(3), open(2), poll(2), fcntl(2).
 */
#define _GNU_SOURCE /* asprintf, F_SETPIPE_SZ */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "contract.h"

static const char *path = FIFO_PATH;
static char *gone;                /* where the name goes when we must */
static volatile sig_atomic_t met; /* the name has served */

static void
usage(FILE *stream, int status)
{
    fputs("usage: writer [-b BYTES] [path]\n"
          "Copy standard input, BYTES at a time, into a FIFO for reader.\n",
          stream);
    exit(status);
}

/* Anything else under the name is not to be touched. */
static int
is_our_fifo(void)
{
    struct stat st;

    return lstat(path, &st) == 0 && S_ISFIFO(st.st_mode) &&
           st.st_uid == geteuid();
}

/* Told to stop: remove the name while it stands, then die of the same signal,
   so that the shell learns how we ended. Another writer that sleeps in open()
   would never hear of it: opening both ends wakes it. By then the name must be
   away, or it would take us for its reader. */
static void
remove_name(int sig)
{
    if (!met && is_our_fifo() && rename(path, gone) == 0) {
        open(gone, O_RDWR | O_NONBLOCK);
        unlink(gone);
    }
    signal(sig, SIG_DFL);
    raise(sig);
}

/* A call has returned -1: it is made again if it was only interrupted. */
static void
again(const char *call, const char *object)
{
    if (errno != EINTR)
        err(EXIT_FAILURE, "%s %s", call, object);
}

/* Copy until end of file. A read() that sleeps for input would not notice that
   the reader has gone; poll() does. write() may take less than it is given. */
static void
copy(int from, int to, size_t block)
{
    static char buf[FIFO_CAPACITY];
    struct pollfd fds[] = {{.fd = from, .events = POLLIN}, {.fd = to}};
    long long bytes = 0, writes = 0;
    ssize_t got, put;

    do {
        while (poll(fds, 2, -1) == -1)
            again("poll", path);
        if (fds[1].revents & POLLERR)
            errx(EXIT_FAILURE, "%s: the reader is gone", path);
        while ((got = read(from, buf, block)) == -1)
            again("read", "standard input");
        for (ssize_t done = 0; done < got; done += put) {
            while ((put = write(to, buf + done, (size_t)(got - done))) == -1)
                again("write", path);
            writes++;
        }
        bytes += got;
    } while (got > 0);
    warnx("end of input: %lld bytes in %lld writes", bytes, writes);
}

int
main(int argc, char *argv[])
{
    struct sigaction action = {.sa_handler = remove_name};
    long block = FIFO_BLOCK;
    struct stat st;
    char *end;
    int fifo;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    for (int opt; (opt = getopt(argc, argv, "b:")) != -1;) {
        if (opt != 'b')
            usage(stderr, 2);
        block = strtol(optarg, &end, 10);
        if (block < 1 || block > FIFO_CAPACITY || *end != '\0')
            errx(2, "-b %s: not a number from 1 to %d", optarg, FIFO_CAPACITY);
    }
    if (argc - optind > 1)
        usage(stderr, 2);
    if (argc > optind)
        path = argv[optind];
    for (int fd = 0; fd < 3; fd++) /* closed: the FIFO would get its number */
        if (fcntl(fd, F_GETFD) == -1)
            err(EXIT_FAILURE, "descriptor %d", fd);

    if (asprintf(&gone, "%s.gone", path) == -1)
        err(EXIT_FAILURE, "asprintf");
    sigfillset(&action.sa_mask);      /* one at a time, and each to its end */
    sigaction(SIGHUP, &action, NULL); /* fails for no signal only */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */

    /* EEXIST is no failure: the reader came first, or a killed run left the
       name behind. But it must be a FIFO, not a file of yours. */
    if (mkfifo(path, FIFO_MODE) == -1 && errno != EEXIST)
        err(EXIT_FAILURE, "mkfifo %s", path);
    if (!is_our_fifo() && errno != ENOENT) /* or just removed */
        errx(EXIT_FAILURE, "%s is not a FIFO of yours", path);
    warnx("open %s: sleeps until a reader opens it too", path);
    while ((fifo = open(path, O_WRONLY)) == -1)
        again("open", path);
    /* A reader that was told to stop has woken us: it has removed the name, and
       another may have made its own by now. */
    if (fstat(fifo, &st) == -1)
        err(EXIT_FAILURE, "fstat %s", path);
    if (st.st_nlink == 0)
        errx(EXIT_FAILURE, "%s: the reader is gone", path);
    warnx("a reader is there");
    if (unlink(path) == -1)
        err(EXIT_FAILURE, "unlink %s", path);
    met = 1;

    fcntl(fifo, F_SETPIPE_SZ, FIFO_CAPACITY); /* refused: slower */
    copy(STDIN_FILENO, fifo, (size_t)block);
    if (fchmod(fifo, FIFO_SEALED) == -1)
        err(EXIT_FAILURE, "fchmod %s", path);
    return EXIT_SUCCESS; /* exit closes the FIFO: the reader sees end of file */
}
