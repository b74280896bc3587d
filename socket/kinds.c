/*
 * kinds - what domain, type and protocol of a socket decide.
 *
 * The domain says whose addresses it has: paths (AF_UNIX) or machines and
 * ports (AF_INET). The type says what it carries: a stream of bytes, messages,
 * or messages over a connection. The protocol mostly follows from both.
 *
 * See socket(2), socketpair(2), unix(7), ip(7), recv(2).
 */
#define _GNU_SOURCE /* SO_PROTOCOL */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void
usage(FILE *stream, int status)
{
    fputs("usage: kinds\n"
          "Show which sockets there are, and which of them keep messages "
          "apart.\n",
          stream);
    exit(status);
}

/* Protocol 0 asks for the usual one. The kernel tells which that is. */
static void
show_protocol(const char *what, int domain, int type, int protocol)
{
    int fd = socket(domain, type, protocol);
    socklen_t length = sizeof(protocol);

    if (fd == -1) {
        printf("%s: %s\n", what, strerror(errno));
        return;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &length) == -1)
        err(EXIT_FAILURE, "getsockopt");
    printf("%s: protocol %d\n", what, protocol);
    close(fd);
}

/* Three messages, then an empty one, are sent. What comes out, if each recv()
   has room for so much? MSG_DONTWAIT: it shall not sleep when all is out. */
static void
show_bounds(const char *what, int type, size_t room)
{
    static const char *const words[] = {"one", "two", "three", ""};
    char buf[100];
    ssize_t got;
    int ends[2];

    if (socketpair(AF_UNIX, type, 0, ends) == -1)
        err(EXIT_FAILURE, "socketpair");
    for (int i = 0; i < 4; i++)
        if (send(ends[0], words[i], strlen(words[i]), 0) == -1)
            err(EXIT_FAILURE, "send");
    printf("%s, room for %zu:", what, room);
    while ((got = recv(ends[1], buf, room, MSG_DONTWAIT)) != -1)
        printf(" \"%.*s\"", (int)got, buf);
    if (errno != EAGAIN)
        err(EXIT_FAILURE, "recv");
    printf("\n");

    /* Does a receiver learn that the sender has gone? */
    close(ends[0]);
    got = recv(ends[1], buf, room, MSG_DONTWAIT);
    if (room == sizeof(buf))
        printf("%s, the other end closed: %s\n", what,
               got == -1 ? strerror(errno) : "end of file");
    close(ends[1]);
}

int
main(int argc, char *argv[])
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (fcntl(STDOUT_FILENO, F_GETFD) == -1) /* closed: a socket would get 1 */
        err(EXIT_FAILURE, "standard output");

    show_protocol("AF_UNIX stream", AF_UNIX, SOCK_STREAM, 0);
    show_protocol("AF_UNIX datagram", AF_UNIX, SOCK_DGRAM, 0);
    show_protocol("AF_UNIX seqpacket", AF_UNIX, SOCK_SEQPACKET, 0);
    show_protocol("AF_INET stream", AF_INET, SOCK_STREAM, 0);
    show_protocol("AF_INET datagram", AF_INET, SOCK_DGRAM, 0);
    show_protocol("AF_INET seqpacket", AF_INET, SOCK_SEQPACKET, 0);
    show_protocol("AF_INET stream, protocol 17", AF_INET, SOCK_STREAM, 17);

    show_bounds("stream", SOCK_STREAM, 100);
    show_bounds("stream", SOCK_STREAM, 2);
    show_bounds("datagram", SOCK_DGRAM, 100);
    show_bounds("datagram", SOCK_DGRAM, 2);
    show_bounds("seqpacket", SOCK_SEQPACKET, 100);
    show_bounds("seqpacket", SOCK_SEQPACKET, 2);

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
