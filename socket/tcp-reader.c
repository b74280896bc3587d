/*
 * tcp-reader - copy what arrives through a TCP connection to standard output.
 *
 * tcp-writer and tcp-reader are cat(1) cut in two, and may be two machines
 * apart. Either may start first. The reader listens on a port and sleeps in
 * accept() until a writer connects; then it listens no more.
 *
 * See contract.h, tcp(7), ip(7), socket(7), getaddrinfo(3), accept(2).
 */
#define _POSIX_C_SOURCE 200809L

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "contract.h"

static char place[80]; /* "127.0.0.1 port 20000" */

static void
usage(FILE *stream, int status)
{
    fputs("usage: tcp-reader [-b BYTES] [address [port]]\n"
          "Copy from a TCP connection, at most BYTES at a time, to standard "
          "output.\n",
          stream);
    exit(status);
}

/* Of IPv4 or IPv6, in numbers: to look up a name, others would be asked. */
static struct addrinfo *
resolve(const char *address, long port)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                                   .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    char service[8];

    snprintf(place, sizeof(place), "%s port %ld", address, port);
    snprintf(service, sizeof(service), "%ld", port);
    int error = getaddrinfo(address, service, &hints, &found);
    if (error != 0)
        errx(EXIT_FAILURE, "%s: %s", address, gai_strerror(error));
    return found;
}

/* A call has returned -1: it is made again if it was only interrupted. */
static void
again(const char *call, const char *object)
{
    if (errno != EINTR)
        err(EXIT_FAILURE, "%s %s", call, object);
}

/* Accepted sockets inherit what is set here. SO_REUSEADDR: an old connection of
   this port, still in use or just ended, is no obstacle; a listener is. */
static int
meet(const struct addrinfo *here)
{
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    int listener = socket(here->ai_family, here->ai_socktype, 0), yes = 1;

    if (listener == -1)
        err(EXIT_FAILURE, "socket");
    if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) ||
        setsockopt(listener, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)))
        err(EXIT_FAILURE, "setsockopt");
    if (bind(listener, here->ai_addr, here->ai_addrlen) == -1)
        err(EXIT_FAILURE, "bind %s", place);
    if (listen(listener, 1) == -1)
        err(EXIT_FAILURE, "listen %s", place);
    warnx("accept %s: sleeps until a writer connects", place);
    int sock;
    while ((sock = accept(listener, NULL, NULL)) == -1)
        again("accept", place);
    close(listener); /* the next writer is refused, and tries again */
    warnx("a writer is there");
    return sock;
}

/* Copy until end of file. read() returns what is there, which may be less than
   asked for; it returns 0 only when the writer has shut down or closed. */
static void
copy(int from, int to, size_t block)
{
    static char buf[SOCKET_MOST];
    long long bytes = 0, reads = 0;
    ssize_t got, put;

    do {
        while ((got = read(from, buf, block)) == -1)
            again("read", place); /* ECONNRESET: the writer was killed */
        for (ssize_t done = 0; done < got; done += put)
            while ((put = write(to, buf + done, (size_t)(got - done))) == -1)
                again("write", "standard output");
        bytes += got;
        reads += got > 0;
    } while (got > 0);
    warnx("end of file: %lld bytes in %lld reads", bytes, reads);
}

int
main(int argc, char *argv[])
{
    const struct linger finished = {.l_onoff = 0};
    long block = SOCKET_BLOCK, port = TCP_PORT + (long)geteuid() % TCP_PORTS;
    char *end;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    for (int opt; (opt = getopt(argc, argv, "b:")) != -1;) {
        if (opt != 'b')
            usage(stderr, 2);
        block = strtol(optarg, &end, 10);
        if (block < 1 || block > SOCKET_MOST || *end != '\0')
            errx(2, "-b %s: not a number from 1 to %d", optarg, SOCKET_MOST);
    }
    if (argc - optind > 2)
        usage(stderr, 2);
    if (argc - optind > 1) {
        port = strtol(argv[optind + 1], &end, 10);
        if (port < 1 || port > 65535 || *end != '\0')
            errx(2, "%s: not a port from 1 to 65535", argv[optind + 1]);
    }
    for (int fd = 0; fd < 3; fd++) /* closed: the socket would get its number */
        if (fcntl(fd, F_GETFD) == -1)
            err(EXIT_FAILURE, "descriptor %d", fd);
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */

    struct addrinfo *here =
        resolve(argc > optind ? argv[optind] : TCP_ADDRESS, port);
    int sock = meet(here);
    freeaddrinfo(here);
    copy(sock, STDOUT_FILENO, (size_t)block);
    if (setsockopt(sock, SOL_SOCKET, SO_LINGER, &finished, sizeof(finished)))
        err(EXIT_FAILURE, "setsockopt");
    return EXIT_SUCCESS;
}
