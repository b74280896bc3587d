/*
 * tcp-writer - copy standard input into a TCP connection.
 *
 * tcp-writer and tcp-reader are cat(1) cut in two, and may be two machines
 * apart. Either may start first. The writer connects to the reader's port;
 * while nobody listens there, it tries again ten times a second.
 *
 * See contract.h, tcp(7), socket(7), getaddrinfo(3), connect(2), shutdown(2).
 */
#define _POSIX_C_SOURCE 200809L

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
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
    fputs("usage: tcp-writer [-b BYTES] [address [port]]\n"
          "Copy standard input, BYTES at a time, into a TCP connection to "
          "tcp-reader.\n",
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

/* Our own port is lent by the kernel, which may lend us the very one that we
   call: then we are connected, with ourselves. That is nobody. */
static int
meets_itself(int sock, const struct addrinfo *there)
{
    struct sockaddr_storage own = {0};
    socklen_t length = sizeof(own);

    if (getsockname(sock, (struct sockaddr *)&own, &length) == -1)
        err(EXIT_FAILURE, "getsockname");
    return memcmp(&own, there->ai_addr, there->ai_addrlen) == 0;
}

/* A socket that was refused may not try again: each try takes a new one. */
static int
meet(const struct addrinfo *there)
{
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};

    warnx("connect %s: tries until a reader listens", place);
    for (;;) {
        int sock = socket(there->ai_family, there->ai_socktype, 0);
        if (sock == -1)
            err(EXIT_FAILURE, "socket");
        if (setsockopt(sock, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)))
            err(EXIT_FAILURE, "setsockopt");
        if (connect(sock, there->ai_addr, there->ai_addrlen) == 0) {
            if (!meets_itself(sock, there))
                return sock;
        } else if (errno != ECONNREFUSED) {
            err(EXIT_FAILURE, "connect %s", place);
        }
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

/* Copy until end of file. A read() that sleeps for input would not notice that
   the reader has gone; poll() does. write() may take less than it is given. */
static void
copy(int from, int to, size_t block)
{
    static char buf[SOCKET_MOST];
    struct pollfd fds[] = {{.fd = from, .events = POLLIN}, {.fd = to}};
    long long bytes = 0, writes = 0;
    ssize_t got, put;

    do {
        while (poll(fds, 2, -1) == -1)
            again("poll", place);
        if (fds[1].revents & (POLLERR | POLLHUP))
            errx(EXIT_FAILURE, "%s: the reader is gone", place);
        while ((got = read(from, buf, block)) == -1)
            again("read", "standard input");
        for (ssize_t done = 0; done < got; done += put) {
            while ((put = write(to, buf + done, (size_t)(got - done))) == -1)
                again("write", place);
            writes++;
        }
        bytes += got;
    } while (got > 0);
    warnx("end of input: %lld bytes in %lld writes", bytes, writes);

    /* Our half is done: the reader sees end of file, and then closes. If it
       resets the connection instead, it has not finished, or was killed. */
    if (shutdown(to, SHUT_WR) == -1)
        err(EXIT_FAILURE, "shutdown %s", place);
    while (poll(fds + 1, 1, -1) == -1)
        again("poll", place);
    if (fds[1].revents & POLLERR)
        errx(EXIT_FAILURE, "%s: the reader is gone before the end", place);
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

    struct addrinfo *there =
        resolve(argc > optind ? argv[optind] : TCP_ADDRESS, port);
    int sock = meet(there);
    freeaddrinfo(there);
    warnx("a reader is there");
    copy(STDIN_FILENO, sock, (size_t)block);
    if (setsockopt(sock, SOL_SOCKET, SO_LINGER, &finished, sizeof(finished)))
        err(EXIT_FAILURE, "setsockopt");
    return EXIT_SUCCESS;
}
