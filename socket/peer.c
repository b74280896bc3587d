/*
 * peer - ask the kernel who is at the other end of a connection.
 *
 * Of a local socket it knows the process that called connect(): its pid, user
 * and group, which nobody can forge, and even a descriptor for it. Of a TCP
 * connection it knows an address and a port, and who is there may be anybody.
 *
 * See unix(7), socket(7), getpeername(2), pidfd_open(2).
 */
#define _GNU_SOURCE /* struct ucred */

#include <arpa/inet.h>
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
#include <sys/wait.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5; C libraries are slower */
#endif

static void
usage(FILE *stream, int status)
{
    fputs("usage: peer\n"
          "Show what the kernel knows of who has connected to us.\n",
          stream);
    exit(status);
}

/* The child connects, and stays until we shut our half down, or are gone. */
static pid_t
caller(int listener, const struct sockaddr *name, socklen_t size)
{
    pid_t pid = fork();
    char c;

    if (pid == -1)
        err(EXIT_FAILURE, "fork");
    if (pid > 0)
        return pid;
    close(listener);
    int fd = socket(name->sa_family, SOCK_STREAM, 0);
    if (fd == -1 || connect(fd, name, size) == -1)
        err(EXIT_FAILURE, "socket, connect");
    if (read(fd, &c, 1) == -1)
        err(EXIT_FAILURE, "read");
    _exit(EXIT_SUCCESS);
}

/* No path, no port: the kernel chooses a name for the listener. */
static int
meet(struct sockaddr_storage *name, socklen_t size, pid_t *child)
{
    struct sockaddr *any = (struct sockaddr *)name;
    int listener = socket(any->sa_family, SOCK_STREAM, 0), fd;
    struct pollfd call = {.fd = listener, .events = POLLIN};

    if (listener == -1 || bind(listener, any, size) == -1 ||
        listen(listener, 1) == -1)
        err(EXIT_FAILURE, "socket, bind, listen");
    size = sizeof(*name);
    if (getsockname(listener, any, &size) == -1)
        err(EXIT_FAILURE, "getsockname");
    *child = caller(listener, any, size);
    int calls = poll(&call, 1, 1500);
    if (calls == 0)
        errx(EXIT_FAILURE, "the child has not called");
    if (calls == -1 || (fd = accept(listener, NULL, NULL)) == -1)
        err(EXIT_FAILURE, "poll, accept");
    close(listener);
    return fd;
}

static void
show(const char *when, int fd, pid_t child)
{
    struct sockaddr_storage name = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)&name;
    char text[INET_ADDRSTRLEN];
    struct ucred who;
    socklen_t length = sizeof(name), size = sizeof(who);

    if (getpeername(fd, (struct sockaddr *)&name, &length) == -1 ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == -1)
        err(EXIT_FAILURE, "getpeername, getsockopt SO_PEERCRED");
    if (name.ss_family == AF_INET)
        printf("%s: %s, port %d\n", when,
               inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text)),
               ntohs(in->sin_port));
    else
        printf("%s: %s\n", when,
               length > sizeof(name.ss_family) ? "a name" : "no name");
    printf("%s: pid %d, uid %d, gid %d: %s\n", when, (int)who.pid, (int)who.uid,
           (int)who.gid, who.pid == child ? "the child" : "not known");
}

static void
show_end(struct pollfd *end)
{
    int ended = poll(end, 1, 0);

    if (ended == -1)
        err(EXIT_FAILURE, "poll");
    printf("unix, a descriptor for it: poll: %s\n",
           ended ? "it has ended" : "it lives");
}

static void
let_end(int fd, pid_t child)
{
    int status;

    if (shutdown(fd, SHUT_WR) == -1)
        err(EXIT_FAILURE, "shutdown");
    if (waitpid(child, &status, 0) == -1 || status != 0)
        errx(EXIT_FAILURE, "the child was killed, or failed");
}

int
main(int argc, char *argv[])
{
    struct sockaddr_storage name = {.ss_family = AF_UNIX};
    struct sockaddr_in *in = (struct sockaddr_in *)&name;
    struct pollfd end = {.fd = -1, .events = POLLIN};
    socklen_t length = sizeof(end.fd);
    pid_t child;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (fcntl(STDOUT_FILENO, F_GETFD) == -1) /* closed: a socket would get 1 */
        err(EXIT_FAILURE, "standard output");
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */

    int fd = meet(&name, sizeof(sa_family_t), &child);
    show("unix", fd, child);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &end.fd, &length) == -1)
        printf("unix, a descriptor for it: %s\n", strerror(errno));
    else
        show_end(&end);
    let_end(fd, child);
    if (end.fd != -1)
        show_end(&end);
    show("unix, after its end", fd, child); /* by now anybody's number */

    memset(&name, 0, sizeof(name));
    in->sin_family = AF_INET;
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd = meet(&name, sizeof(*in), &child);
    show("tcp", fd, child);
    let_end(fd, child);

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
