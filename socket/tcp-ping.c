/*
 * tcp-ping - time the way to tcp-pong and back over a TCP connection.
 *
 * Says something to tcp-pong, and hears the echo before it goes on. Either may
 * start first: while nobody listens, it tries again ten times a second.
 *
 * See contract.h, tcp(7), connect(2), clock_gettime(2).
 */
#define _POSIX_C_SOURCE 200809L

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "contract.h"

static long port;

static void
usage(FILE *stream, int status)
{
    fputs("usage: tcp-ping [-n COUNT] [-s BYTES] [-r] [port]\n"
          "Time COUNT (10000) round trips of BYTES (8) to tcp-pong and back;\n"
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

/* A port on loopback: the operand, or our user's own. */
static struct sockaddr_in
locate(const char *operand)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    char *end = "";

    port = operand ? strtol(operand, &end, 10)
                   : TCP_PORT + (long)geteuid() % TCP_PORTS;
    if (port < 1 || port >= TCP_LENT || *end != '\0')
        errx(2, "%s: not a port from 1 to %d", operand, TCP_LENT - 1);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((in_port_t)port);
    return address;
}

/* A socket that was refused may not try again: each try takes a new one. TCP
   shall not wait for more words before it sends the few it has (Nagle). */
static int
meet(const struct sockaddr_in *address)
{
    int yes = 1;

    warnx("connect port %ld: tries until pong listens", port);
    for (;;) {
        int sock = socket(AF_INET, SOCK_STREAM, 0);
        if (sock == -1)
            err(EXIT_FAILURE, "socket");
        if (setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)))
            err(EXIT_FAILURE, "setsockopt");
        if (connect(sock, (struct sockaddr *)address, sizeof(*address)) == 0)
            return sock;
        if (errno != ECONNREFUSED)
            err(EXIT_FAILURE, "connect port %ld", port);
        close(sock);
        poll(NULL, 0, SOCKET_TICK); /* waits for nothing but the time */
    }
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
round_trip(int sock, long round, size_t bytes)
{
    static char said[PING_MOST_BYTES], heard[PING_MOST_BYTES];
    struct timespec start, end;

    for (size_t i = 0; i < bytes; i++)
        said[i] = (char)((size_t)round + i);
    clock_gettime(CLOCK_MONOTONIC, &start); /* cannot fail */
    say(sock, said, bytes);
    hear(sock, heard, bytes);
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
    struct sockaddr_in address = locate(argv[optind]);
    for (int fd = 0; fd < 3; fd++) /* closed: the socket would get its number */
        if (fcntl(fd, F_GETFD) == -1)
            err(EXIT_FAILURE, "descriptor %d", fd);
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */
    long *ns = calloc((size_t)count, sizeof(*ns));
    if (ns == NULL)
        err(EXIT_FAILURE, "calloc");

    int sock = meet(&address);
    warnx("pong is there");
    struct ping_plan plan = {.rounds = count / 10 + count, .bytes = bytes};
    say(sock, (char *)&plan, sizeof(plan));
    for (int i = -count / 10; i < count; i++) /* a tenth to warm up */
        ns[i > 0 ? i : 0] = round_trip(sock, i, (size_t)bytes);

    for (int i = 0; raw && i < count; i++)
        printf("%ld\n", ns[i]);
    if (!raw)
        report(ns, count);
    free(ns);
    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
