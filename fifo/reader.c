/*
 * reader - copy what arrives through a FIFO to standard output.
 *
 * writer and reader are cat(1) cut in two: what goes in there comes out here.
 * Either may start first: the first one makes the FIFO and sleeps in open()
 * until the other comes. Then the writer removes the name.
 *
 * See contract.h, fifo(7), mkfifo(3), open(2), read(2), inode(7).
 */
#define _POSIX_C_SOURCE 200809L

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

static const char *path = FIFO_PATH;
static volatile sig_atomic_t fifo = -1; /* until it is open */

static void
usage(FILE *stream, int status)
{
    fputs("usage: reader [-b BYTES] [path]\n"
          "Copy from a FIFO, at most BYTES at a time, to standard output.\n",
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
   so that the shell learns how we ended. Whoever else sleeps in open() would
   never hear of it: opening both ends wakes them, and they see us gone. */
static void
remove_name(int sig)
{
    struct stat st;

    if ((fifo == -1 || (fstat(fifo, &st) == 0 && st.st_nlink > 0)) &&
        is_our_fifo()) {
        open(path, O_RDWR | O_NONBLOCK);
        unlink(path);
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

/* Copy until end of file. read() returns what is there, which may be less than
   asked for; it returns 0 only when every writer has closed. */
static void
copy(int from, int to, size_t block)
{
    static char buf[FIFO_CAPACITY];
    long long bytes = 0, reads = 0;
    ssize_t got, put;
    struct stat st;

    do {
        while ((got = read(from, buf, block)) == -1)
            again("read", path);
        for (ssize_t done = 0; done < got; done += put)
            while ((put = write(to, buf + done, (size_t)(got - done))) == -1)
                again("write", "standard output");
        bytes += got;
        reads += got > 0;
    } while (got > 0);
    warnx("end of file: %lld bytes in %lld reads", bytes, reads);

    /* Did the writer finish, or was it killed? See contract.h. If even the name
       is still there, this was another writer, such as echo(1): tidy up. */
    if (fstat(from, &st) == -1)
        err(EXIT_FAILURE, "fstat %s", path);
    if (st.st_nlink > 0 && is_our_fifo())
        unlink(path);
    if (st.st_nlink == 0 && fchmod(from, 0) == -1) /* for readers still in */
        err(EXIT_FAILURE, "fchmod %s", path);      /* open(): all is taken */
    if ((st.st_mode & S_IWUSR) && (st.st_nlink == 0 || bytes == 0))
        errx(EXIT_FAILURE, "%s: the writer is gone before its end", path);
}

int
main(int argc, char *argv[])
{
    struct sigaction action = {.sa_handler = remove_name};
    long block = FIFO_BLOCK;
    struct stat st;
    char *end;

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

    sigfillset(&action.sa_mask);      /* one at a time, and each to its end */
    sigaction(SIGHUP, &action, NULL); /* fails for no signal only */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */

    /* EEXIST is no failure: the writer came first, or a killed run left the
       name behind. But it must be a FIFO, not a file of yours. */
    if (mkfifo(path, FIFO_MODE) == -1 && errno != EEXIST)
        err(EXIT_FAILURE, "mkfifo %s", path);
    if (!is_our_fifo() && errno != ENOENT) /* or just removed */
        errx(EXIT_FAILURE, "%s is not a FIFO of yours", path);
    warnx("open %s: sleeps until a writer opens it too", path);
    while ((fifo = open(path, O_RDONLY)) == -1)
        again("open", path);
    /* All readers that slept in open() wake: one alone is to have the data. */
    int taken = flock(fifo, LOCK_EX | LOCK_NB);
    if ((taken == -1 && errno != EWOULDBLOCK) || fstat(fifo, &st) == -1)
        err(EXIT_FAILURE, "flock, fstat %s", path);
    if (taken == -1 || !(st.st_mode & S_IRUSR))
        errx(EXIT_FAILURE, "%s: another reader has it", path);
    warnx("a writer is there");

    copy(fifo, STDOUT_FILENO, (size_t)block);
    return EXIT_SUCCESS;
}
