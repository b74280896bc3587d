/*
 * ping - time the way through one pipe to a child, and back through another.
 *
 * One program is both sides, as a pipe needs relatives, and two pipes, as each
 * goes one way. They take turns: the child hears the whole message before it
 * says it again, so it may be longer than a pipe holds.
 *
 * See contract.h, pipe(2), clock_gettime(2).
 */
#define _POSIX_C_SOURCE 200809L

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "contract.h"

static void
usage(FILE *stream, int status)
{
    fputs("usage: ping [-n COUNT] [-s BYTES] [-r]\n"
          "Time COUNT (10000) round trips of BYTES (8) to a child and back;\n"
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

/* A call has returned -1: it is made again if it was only interrupted. */
static void
again(const char *call, const char *object)
{
    if (errno != EINTR)
        err(EXIT_FAILURE, "%s %s", call, object);
}

static void
say(int to, const char *words, size_t bytes)
{
    ssize_t put;

    for (size_t done = 0; done < bytes; done += (size_t)put)
        while ((put = write(to, words + done, bytes - done)) == -1)
            again("write to", "the other");
}

static void
hear(int from, char *words, size_t bytes)
{
    ssize_t got;

    for (size_t done = 0; done < bytes; done += (size_t)got) {
        while ((got = read(from, words + done, bytes - done)) == -1)
            again("read from", "the other");
        if (got == 0)
            errx(EXIT_FAILURE, "the other is gone before its end");
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

/* The child says again what it hears, for as many rounds as there will be. */
static void
pong(int to, int from, int rounds, size_t bytes)
{
    static char buf[PING_MOST_BYTES];

    for (int i = 0; i < rounds; i++) {
        hear(from, buf, bytes);
        say(to, buf, bytes);
    }
    _exit(EXIT_SUCCESS);
}

int
main(int argc, char *argv[])
{
    int count = 10000, bytes = 8, raw = 0;
    int there[2], back[2];

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
    if (argc > optind)
        usage(stderr, 2);
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */
    if (fcntl(STDOUT_FILENO, F_GETFD) == -1) /* closed: a pipe would get 1 */
        err(EXIT_FAILURE, "standard output");
    long *ns = calloc((size_t)count, sizeof(*ns));
    if (ns == NULL || pipe(there) == -1 || pipe(back) == -1)
        err(EXIT_FAILURE, "calloc, pipe");

    pid_t child = fork();
    if (child == -1)
        err(EXIT_FAILURE, "fork");
    close(child == 0 ? there[WRITE_END] : there[READ_END]);
    close(child == 0 ? back[READ_END] : back[WRITE_END]);
    if (child == 0)
        pong(back[WRITE_END], there[READ_END], count / 10 + count,
             (size_t)bytes);
    for (int i = -count / 10; i < count; i++) /* a tenth to warm up */
        ns[i > 0 ? i : 0] =
            round_trip(there[WRITE_END], back[READ_END], i, (size_t)bytes);
    wait(NULL); /* it has heard and said all, and ends */

    for (int i = 0; raw && i < count; i++)
        printf("%ld\n", ns[i]);
    if (!raw)
        report(ns, count);
    free(ns);
    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
