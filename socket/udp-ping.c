/*
 * udp-ping - time the way to udp-pong and back, a datagram each way.
 *
 * UDP promises nothing: an echo that does not come in time is counted as lost,
 * and the next round begins. Either may start first: while nobody is there,
 * udp-ping says its plan again, until it is answered.
 *
 * See contract.h, udp(7), ip(7), poll(2), clock_gettime(2).
 */
#define _POSIX_C_SOURCE 200809L

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
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
    fputs("usage: udp-ping [-n COUNT] [-s BYTES] [-r] [port]\n"
          "Time COUNT (10000) round trips of BYTES (8) to udp-pong and back;\n"
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

/* A call has returned -1: it is made again if it was only interrupted. */
static void
again(const char *call, const char *object)
{
    if (errno != EINTR)
        err(EXIT_FAILURE, "%s %s", call, object);
}

/* Wait for these very words. What else comes is late, or a question whether we
   are there. The kernel answers for a closed port: ECONNREFUSED. */
static int
heard(int sock, const void *words, size_t bytes, int patience)
{
    static char buf[UDP_MOST_BYTES];
    struct pollfd fd = {.fd = sock, .events = POLLIN};
    ssize_t got;
    int ready;

    do {
        while ((ready = poll(&fd, 1, patience)) == -1)
            again("poll", "udp-pong");
        if (ready == 0)
            return 0;
        while ((got = recv(sock, buf, sizeof(buf), 0)) == -1) {
            if (errno == ECONNREFUSED)
                return -1;
            again("recv from", "udp-pong");
        }
    } while ((size_t)got != bytes || memcmp(buf, words, bytes) != 0);
    return 1;
}

/* Nobody may be there yet; then wait before the next try. */
static void
meet(int sock, const struct ping_plan *plan)
{
    int answer;

    warnx("send to port %ld: tries until udp-pong answers", port);
    do {
        while (send(sock, plan, sizeof(*plan), 0) == -1 &&
               errno != ECONNREFUSED)
            again("send to", "udp-pong");
        answer = heard(sock, plan, sizeof(*plan), SOCKET_TICK);
        if (answer == -1)
            poll(NULL, 0, SOCKET_TICK);
    } while (answer != 1);
    warnx("udp-pong is there");
}

/* Each round says something else: an old echo must not pass for the new one. */
static long
round_trip(int sock, long round, size_t bytes)
{
    static char said[UDP_MOST_BYTES];
    struct timespec start, end;

    for (size_t i = 0; i < bytes; i++)
        said[i] = (char)((size_t)round + i);
    clock_gettime(CLOCK_MONOTONIC, &start); /* cannot fail */
    while (send(sock, said, bytes, 0) == -1 && errno != ECONNREFUSED)
        again("send to", "udp-pong");
    int answer = heard(sock, said, bytes, UDP_PATIENCE);
    clock_gettime(CLOCK_MONOTONIC, &end);
    if (answer == -1)
        errx(EXIT_FAILURE, "udp-pong is gone before its end");
    if (answer == 0)
        return -1;
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
    int count = 10000, bytes = 8, raw = 0, lost = 0, timed = 0;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    for (int opt; (opt = getopt(argc, argv, "n:s:r")) != -1;)
        if (opt == 'n')
            count = number(opt, PING_MOST_ROUNDS);
        else if (opt == 's')
            bytes = number(opt, UDP_MOST_BYTES);
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
    int sock = socket(AF_INET, SOCK_DGRAM, 0);
    if (ns == NULL || sock == -1)
        err(EXIT_FAILURE, "calloc, socket");

    /* This only says whom we mean: who else may send to us, and whose absence
       concerns us. Nothing is sent, and the other side does not know. */
    if (connect(sock, (struct sockaddr *)&address, sizeof(address)) == -1)
        err(EXIT_FAILURE, "connect port %ld", port);
    struct ping_plan plan = {.rounds = count / 10 + count, .bytes = bytes};
    meet(sock, &plan);
    for (int i = -count / 10; i < count; i++) { /* a tenth to warm up */
        long took = round_trip(sock, i, (size_t)bytes);
        lost += took == -1;
        if (i >= 0 && took != -1)
            ns[timed++] = took;
    }
    /* The end. If it is lost, our closed port tells. */
    while (send(sock, "", 0, 0) == -1 && errno != ECONNREFUSED)
        again("send to", "udp-pong");
    warnx("lost: %d of %d datagrams", lost, plan.rounds);
    if (timed == 0)
        errx(EXIT_FAILURE, "none came back");

    for (int i = 0; raw && i < timed; i++)
        printf("%ld\n", ns[i]);
    if (!raw)
        report(ns, timed);
    free(ns);
    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
