/*
 * echo-client - say standard input to a server, and print what comes back.
 *
 * A process that sleeps in read() at the keyboard does not hear the echo, and
 * one that sleeps in write() neither. So there are two: the child speaks, its
 * parent listens. Either may start first, server or client.
 *
 * See contract.h, unix(7), connect(2), shutdown(2), fork(2), poll(2).
 */
#define _POSIX_C_SOURCE 200809L

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract.h"

static const char *path = STORE_PATH;

static void
usage(FILE *stream, int status)
{
    fputs("usage: echo-client [path]\n"
          "Say standard input to a server, and print what comes back.\n",
          stream);
    exit(status);
}

/* Anything else under the name is not to be touched. */
static int
is_our_socket(void)
{
    struct stat st;

    return lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) &&
           st.st_uid == geteuid();
}

/* A call has returned -1: it is made again if it was only interrupted. */
static void
again(const char *call, const char *object)
{
    if (errno != EINTR)
        err(EXIT_FAILURE, "%s %s", call, object);
}

/* Where there is no name, sleep until one is made. Nobody behind it
   (ECONNREFUSED): killed, or about to listen, and no event would tell. */
static int
meet(void)
{
    static char events[4096];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct pollfd news = {.fd = inotify_init(), .events = POLLIN};
    int sock = socket(AF_UNIX, SOCK_STREAM, 0);

    if (sock == -1 || news.fd == -1)
        err(EXIT_FAILURE, "socket, inotify_init");
    memcpy(address.sun_path, path, strlen(path)); /* dirname() writes in its */
    const char *where = dirname(address.sun_path);
    if (inotify_add_watch(news.fd, where, IN_CREATE | IN_MOVED_TO) == -1)
        err(EXIT_FAILURE, "inotify_add_watch %s", where);
    memcpy(address.sun_path, path, strlen(path));

    for (;;) {
        errno = 0; /* what a call before has left is not about this name */
        if (!is_our_socket() && errno != ENOENT)
            errx(EXIT_FAILURE, "%s is not a socket of yours", path);
        if (connect(sock, (struct sockaddr *)&address, sizeof(address)) == 0)
            break;
        int none = errno == ENOENT;
        if (!none && errno != ECONNREFUSED)
            err(EXIT_FAILURE, "connect %s", path);
        if (poll(&news, 1, none ? -1 : SOCKET_TICK) > 0 &&
            read(news.fd, events, sizeof(events)) == -1)
            again("read", "inotify");
    }
    close(news.fd);
    return sock;
}

/* The child. How much it has said it tells its parent before it shuts its half
   down: the last echo, and the end, can only come after that. */
static void
speak(int from, int to, int report)
{
    static char buf[STORE_BLOCK];
    long long said = 0;
    ssize_t got, put;

    do {
        while ((got = read(from, buf, sizeof(buf))) == -1)
            again("read", "standard input");
        for (ssize_t done = 0; done < got; done += put)
            while ((put = write(to, buf + done, (size_t)(got - done))) == -1)
                again("write to", path);
        said += got;
    } while (got > 0);
    while (write(report, &said, sizeof(said)) == -1)
        again("write to", "the parent");
    if (shutdown(to, SHUT_WR) == -1)
        err(EXIT_FAILURE, "shutdown %s", path);
    _exit(EXIT_SUCCESS);
}

/* Nobody else would notice that the child has not done its part: the server
   waits for more, as we have the socket open as well. */
static void
blame(pid_t child)
{
    int status;

    while (waitpid(child, &status, 0) == -1)
        again("waitpid", "the child");
    if (WIFSIGNALED(status))
        errx(EXIT_FAILURE, "signal %d killed the child", WTERMSIG(status));
    errx(EXIT_FAILURE, "%s: not everything was said", path);
}

/* Until as much has come back as the child has said. If the server ends before
   that, the child is of no use, but may have had its last word already. */
static void
hear(int from, int to, int report, pid_t child)
{
    static char buf[STORE_BLOCK];
    struct pollfd fds[] = {{.fd = from, .events = POLLIN},
                           {.fd = report, .events = POLLIN}};
    long long heard = 0, said = -1;
    ssize_t got, put;

    while (heard != said) {
        while (poll(fds, 2, -1) == -1)
            again("poll", path);
        if (fds[0].revents == 0) {
            while ((got = read(report, &said, sizeof(said))) == -1)
                again("read from", "the child");
            if (got == 0)
                blame(child);
            fds[1].fd = -1; /* poll() skips it */
            continue;
        }
        while ((got = read(from, buf, sizeof(buf))) == -1 && errno == EINTR)
            continue;
        if (got == -1)
            warn("read from %s", path);
        if (got <= 0)
            break;
        for (ssize_t done = 0; done < got; done += put)
            while ((put = write(to, buf + done, (size_t)(got - done))) == -1)
                again("write", "standard output");
        heard += got;
    }
    kill(child, SIGKILL); /* fails only for a wrong argument: it is ours */
    while (said == -1 && read(report, &said, sizeof(said)) == -1)
        again("read from", "the child");
    if (heard != said)
        errx(EXIT_FAILURE, "%s: the server is gone, after %lld bytes", path,
             heard);
    warnx("all has come back: %lld bytes", heard);
}

int
main(int argc, char *argv[])
{
    int report[2];

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (getopt(argc, argv, "") != -1 || argc - optind > 1)
        usage(stderr, 2);
    if (argc > optind)
        path = argv[optind];
    if (strlen(path) < 1 || strlen(path) > SOCKET_PATH_MOST)
        errx(EXIT_FAILURE, "'%s': an address has 1 to %d bytes", path,
             SOCKET_PATH_MOST);
    for (int fd = 0; fd < 3; fd++) /* closed: the socket would get its number */
        if (fcntl(fd, F_GETFD) == -1)
            err(EXIT_FAILURE, "descriptor %d", fd);
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */

    warnx("connect %s: sleeps until a server listens there", path);
    int sock = meet();
    warnx("the server is there");
    if (pipe(report) == -1)
        err(EXIT_FAILURE, "pipe");
    pid_t parent = getpid(), child = fork();
    if (child == -1)
        err(EXIT_FAILURE, "fork");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* it may sleep at the keyboard */
        if (getppid() != parent)
            _exit(EXIT_FAILURE);
        close(report[0]);
        speak(STDIN_FILENO, sock, report[1]);
    }
    close(report[1]);
    hear(sock, STDOUT_FILENO, report[0], child);
    while (waitpid(child, NULL, 0) == -1)
        again("waitpid", "the child");
    return EXIT_SUCCESS;
}
