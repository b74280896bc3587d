/*
 * tcp-pong - send back what tcp-ping says, over a TCP connection.
 *
 * Hears how many rounds of how many bytes there will be, and then each round,
 * which it says again. Either may start first. Once tcp-ping has connected,
 * nobody listens any more.
 *
 * See contract.h, tcp(7), bind(2), listen(2), accept(2).
 */
#define _POSIX_C_SOURCE 200809L

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "contract.h"

static long port;

static void
usage(FILE *stream, int status)
{
    fputs("usage: tcp-pong [port]\n"
          "Send back what tcp-ping says, until it has said all.\n",
          stream);
    exit(status);
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

/* Accepted sockets inherit what is set here; see tcp-reader and tcp-ping. */
static int
meet(const struct sockaddr_in *address)
{
    int listener = socket(AF_INET, SOCK_STREAM, 0), sock, yes = 1;

    if (listener == -1)
        err(EXIT_FAILURE, "socket");
    if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) ||
        setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)))
        err(EXIT_FAILURE, "setsockopt");
    if (bind(listener, (struct sockaddr *)address, sizeof(*address)) == -1)
        err(EXIT_FAILURE, "bind port %ld", port);
    if (listen(listener, 1) == -1)
        err(EXIT_FAILURE, "listen port %ld", port);
    warnx("accept port %ld: sleeps until ping connects", port);
    while ((sock = accept(listener, NULL, NULL)) == -1)
        if (errno != EINTR)
            err(EXIT_FAILURE, "accept port %ld", port);
    close(listener);
    return sock;
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

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (getopt(argc, argv, "") != -1 || argc - optind > 1)
        usage(stderr, 2);
    struct sockaddr_in address = locate(argv[optind]);
    for (int fd = 0; fd < 3; fd++) /* closed: the socket would get its number */
        if (fcntl(fd, F_GETFD) == -1)
            err(EXIT_FAILURE, "descriptor %d", fd);
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */

    int sock = meet(&address);
    warnx("ping is there");
    hear(sock, (char *)&plan, sizeof(plan)); /* from anybody: believe nothing */
    if (plan.rounds < 1 || plan.rounds > PING_MOST_ROUNDS / 10 * 11 ||
        plan.bytes < 1 || plan.bytes > PING_MOST_BYTES)
        errx(EXIT_FAILURE, "this is not ping: %d rounds of %d bytes",
             plan.rounds, plan.bytes);
    warnx("%d rounds of %d bytes", plan.rounds, plan.bytes);

    /* The whole of a round is read before it is sent back: two that both write
       at once, and do not read, would sleep for ever. */
    for (int i = 0; i < plan.rounds; i++) {
        hear(sock, buf, (size_t)plan.bytes);
        say(sock, buf, (size_t)plan.bytes);
    }
    return EXIT_SUCCESS;
}
