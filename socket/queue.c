/*
 * queue - how many datagrams wait for a receiver that is slow, and who is lost.
 *
 * Sends until the kernel takes no more, and only then receives. Between local
 * sockets a sender is told to wait: nothing is lost. UDP promises nothing, not
 * even on one machine: what has no room disappears without a word.
 *
 * See unix(7), udp(7), socket(7), send(2).
 */
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 10000

static void
usage(FILE *stream, int status)
{
    fputs("usage: queue\n"
          "Send datagrams that nobody takes yet, and count what arrives.\n",
          stream);
    exit(status);
}

/* Datagrams carry their numbers, so that the receiver sees what is missing.
   MSG_DONTWAIT: a send() that would sleep until there is room fails instead. */
static void
show(const char *what, int from, int to)
{
    int sent = 0, received = 0, number;

    while (sent < MOST && send(from, &sent, sizeof(sent), MSG_DONTWAIT) != -1)
        sent++;
    printf("%s: %d sent, then %s\n", what, sent,
           sent < MOST ? strerror(errno) : "we stop");
    while (recv(to, &number, sizeof(number), MSG_DONTWAIT) != -1) {
        if (number < received)
            errx(EXIT_FAILURE, "number %d came late", number);
        received++;
    }
    printf("%s: %d received in order, %d lost\n", what, received,
           sent - received);
}

/* A socket of this domain with an address that the kernel chooses, and one that
   sends to it. Local ones with no path get a name that is not in the file
   system: the abstract namespace, which is Linux's own. */
static void
make(int domain, int *from, int *to)
{
    struct sockaddr_storage storage = {.ss_family = (sa_family_t)domain};
    struct sockaddr *name = (struct sockaddr *)&storage;
    socklen_t size = sizeof(sa_family_t);

    if (domain == AF_INET) {
        ((struct sockaddr_in *)name)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        size = sizeof(struct sockaddr_in);
    }
    if ((*from = socket(domain, SOCK_DGRAM, 0)) == -1 ||
        (*to = socket(domain, SOCK_DGRAM, 0)) == -1)
        err(EXIT_FAILURE, "socket");
    if (bind(*to, name, size) == -1)
        err(EXIT_FAILURE, "bind");
    size = sizeof(storage);
    if (getsockname(*to, name, &size) == -1 || connect(*from, name, size) == -1)
        err(EXIT_FAILURE, "getsockname, connect");
}

/* Who closes with bytes unread throws them away, and the other is told: even a
   local stream is not a promise that what is written will be read. */
static void
show_reset(void)
{
    int ends[2];
    char c;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == -1)
        err(EXIT_FAILURE, "socketpair");
    if (write(ends[0], "hello", 5) != 5)
        err(EXIT_FAILURE, "write");
    close(ends[1]);
    printf("a stream closed with 5 bytes unread: read: %s\n",
           read(ends[0], &c, 1) == -1 ? strerror(errno) : "end of file");
    printf("a stream closed with 5 bytes unread: write: %s\n",
           write(ends[0], "hello", 5) == -1 ? strerror(errno) : "done");
}

int
main(int argc, char *argv[])
{
    int ends[2], from, to;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (fcntl(STDOUT_FILENO, F_GETFD) == -1) /* closed: a socket would get 1 */
        err(EXIT_FAILURE, "standard output");
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */

    /* Two that are connected with each other: the sender's buffer is the
       limit. Many may send to a name, so its queue has a limit of its own. */
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == -1)
        err(EXIT_FAILURE, "socketpair");
    show("a pair", ends[0], ends[1]);
    make(AF_UNIX, &from, &to);
    show("a name", from, to);
    make(AF_INET, &from, &to);
    show("UDP", from, to);
    show_reset();

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
