/*
 * udp-pong - send back each datagram that udp-ping sends.
 *
 * There is no connection: recvfrom() tells who sent a datagram, and that is
 * where the answer goes. Either may start first. Nobody tells when udp-ping is
 * gone, so udp-pong asks, if it has heard nothing for a while.
 *
 * See contract.h, udp(7), ip(7), bind(2), recvfrom(2), poll(2).
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
#include <unistd.h>

#include "contract.h"

static long port;

static void
usage(FILE *stream, int status)
{
    fputs("usage: udp-pong [port]\n"
          "Send back what udp-ping says, until it has said all.\n",
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

/* Whoever sends first is udp-ping: from now on, listen to nobody else. */
static void
meet(int sock)
{
    struct ping_plan plan = {0};
    struct sockaddr_in from;
    socklen_t size = sizeof(from);

    warnx("recvfrom port %ld: sleeps until udp-ping speaks", port);
    ssize_t got;
    while ((got = recvfrom(sock, &plan, sizeof(plan), MSG_TRUNC,
                           (struct sockaddr *)&from, &size)) == -1)
        again("recvfrom", "udp-ping");
    if (got != sizeof(plan) || plan.rounds < 1 ||
        plan.rounds > PING_MOST_ROUNDS / 10 * 11 || plan.bytes < 1 ||
        plan.bytes > UDP_MOST_BYTES)
        errx(EXIT_FAILURE, "this is not udp-ping: %d rounds of %d bytes",
             plan.rounds, plan.bytes);
    if (connect(sock, (struct sockaddr *)&from, size) == -1)
        err(EXIT_FAILURE, "connect to udp-ping");
    while (send(sock, &plan, sizeof(plan), 0) == -1)
        again("send to", "udp-ping");
    warnx("udp-ping is there");
    warnx("%d rounds of %d bytes", plan.rounds, plan.bytes);
}

int
main(int argc, char *argv[])
{
    static char buf[UDP_MOST_BYTES];
    ssize_t got;
    int ready;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (getopt(argc, argv, "") != -1 || argc - optind > 1)
        usage(stderr, 2);
    struct sockaddr_in address = locate(argv[optind]);
    for (int fd = 0; fd < 3; fd++) /* closed: the socket would get its number */
        if (fcntl(fd, F_GETFD) == -1)
            err(EXIT_FAILURE, "descriptor %d", fd);
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */

    int sock = socket(AF_INET, SOCK_DGRAM, 0);
    if (sock == -1)
        err(EXIT_FAILURE, "socket");
    if (bind(sock, (struct sockaddr *)&address, sizeof(address)) == -1)
        err(EXIT_FAILURE, "bind port %ld", port);
    meet(sock);

    /* A datagram comes whole or not at all, and may be empty: that is no end of
       file, but here it is agreed to be the end. */
    struct pollfd fd = {.fd = sock, .events = POLLIN};
    do {
        while ((ready = poll(&fd, 1, UDP_PATIENCE)) < 1)
            if (ready == -1)
                again("poll", "udp-ping");
            else
                send(sock, "", 0, 0); /* an error is for recv() to find */
        while ((got = recv(sock, buf, sizeof(buf), 0)) == -1) {
            if (errno == ECONNREFUSED)
                errx(EXIT_FAILURE, "udp-ping is gone before its end");
            again("recv from", "udp-ping");
        }
        while (send(sock, buf, (size_t)got, 0) == -1 && errno != ECONNREFUSED)
            again("send to", "udp-ping");
    } while (got > 0);
    return EXIT_SUCCESS;
}
