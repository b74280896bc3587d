/*
 * ping - time the way to pong and back over two FIFOs.
 *
 * Says something to pong through NAME.ping, and hears the echo through
 * NAME.pong before it goes on. Either may start first and sleeps until the
 * other comes; then ping removes the names.
 *
 * See contract.h, fifo(7), open(2), clock_gettime(2).
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
#include <time.h>
#include <unistd.h>

#include "contract.h"

static char *first, *second;      /* the names of the two FIFOs */
static volatile sig_atomic_t met; /* they have served */

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
    while ((*in = open(second, O_RDONLY)) == -1)
        again("open", second);
    while ((*out = open(first, O_WRONLY)) == -1)
        again("open", first);
    close(hold);
    clear(*in);
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
            again("write to", "pong");
}

static void
hear(int from, char *words, size_t bytes)
{
    ssize_t got;

    for (size_t done = 0; done < bytes; done += (size_t)got) {
        while ((got = read(from, words + done, bytes - done)) == -1)
            again("read from", "pong");
        if (got == 0)
            errx(EXIT_FAILURE, "pong is gone before its end");
    }
}

/* Each round says something else: an old echo must not pass for the new one. */
static long
round_trip(int to, int from, long round, size_t bytes)
{
    static char said[PING_MOST_BYTES], heard[PING_MOST_BYTES];
    struct timespec start, end;

    for (size_t i = 0; i < bytes; i++)
        said[i] = (char)((size_t)round + i);
    clock_gettime(CLOCK_MONOTONIC, &start); /* cannot fail */
    say(to, said, bytes);
    hear(from, heard, bytes);
    clock_gettime(CLOCK_MONOTONIC, &end);
    if (memcmp(said, heard, bytes) != 0)
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
    int in, out;

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
    for (int fd = 0; fd < 3; fd++) /* closed: a FIFO would get its number */
        if (fcntl(fd, F_GETFD) == -1)
            err(EXIT_FAILURE, "descriptor %d", fd);
    const char *name = argc > optind ? argv[optind] : FIFO_PATH;
    long *ns = calloc((size_t)count, sizeof(*ns));
    if (ns == NULL || asprintf(&first, "%s.ping", name) == -1 ||
        asprintf(&second, "%s.pong", name) == -1)
        err(EXIT_FAILURE, "calloc, asprintf");

    meet(&in, &out, "pong");
    struct ping_plan plan = {.rounds = count / 10 + count, .bytes = bytes};
    say(out, (char *)&plan, sizeof(plan));
    for (int i = -count / 10; i < count; i++) /* a tenth to warm up */
        ns[i > 0 ? i : 0] = round_trip(out, in, i, (size_t)bytes);

    for (int i = 0; raw && i < count; i++)
        printf("%ld\n", ns[i]);
    if (!raw)
        report(ns, count);
    free(ns);
    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
