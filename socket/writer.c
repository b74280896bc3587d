/*
 * writer - copy standard input into a local socket.
 *
 * writer and reader are cat(1) cut in two: what goes in here comes out there.
 * Either may start first. The writer sleeps until a reader makes the name and
 * listens there, connects, and removes the name: it has served.
 *
 * See contract.h, unix(7), connect(2), shutdown(2), flock(2), inotify(7).
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
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "contract.h"

static const char *path = SOCKET_PATH;

static void
usage(FILE *stream, int status)
{
    fputs("usage: writer [-b BYTES] [path]\n"
          "Copy standard input, BYTES at a time, into a local socket for "
          "reader.\n",
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

/* Connect and remove the name, under the lock: whoever connected after us would
   wait for ever. Where there is no name, sleep until one is made. Nobody behind
   it (ECONNREFUSED): killed, or about to listen, and no event would tell. */
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
    int folder = open(where, O_RDONLY | O_DIRECTORY);
    if (folder == -1)
        err(EXIT_FAILURE, "open %s", where);
    if (inotify_add_watch(news.fd, where, IN_CREATE | IN_MOVED_TO) == -1)
        err(EXIT_FAILURE, "inotify_add_watch %s", where);
    memcpy(address.sun_path, path, strlen(path));

    for (;;) {
        while (flock(folder, LOCK_EX) == -1)
            again("flock", path);
        errno = 0; /* what a call before has left is not about this name */
        if (!is_our_socket() && errno != ENOENT)
            errx(EXIT_FAILURE, "%s is not a socket of yours", path);
        if (connect(sock, (struct sockaddr *)&address, sizeof(address)) == 0)
            break;
        int none = errno == ENOENT;
        if (!none && errno != ECONNREFUSED)
            err(EXIT_FAILURE, "connect %s", path);
        flock(folder, LOCK_UN);
        if (poll(&news, 1, none ? -1 : SOCKET_TICK) > 0 &&
            read(news.fd, events, sizeof(events)) == -1)
            again("read", "inotify");
    }
    unlink(path); /* nobody may connect to a reader that is taken */
    close(folder);
    close(news.fd);
    return sock;
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
            again("poll", path);
        if (fds[1].revents & (POLLERR | POLLHUP))
            errx(EXIT_FAILURE, "%s: the reader is gone", path);
        while ((got = read(from, buf, block)) == -1)
            again("read", "standard input");
        for (ssize_t done = 0; done < got; done += put) {
            while ((put = write(to, buf + done, (size_t)(got - done))) == -1)
                again("write", path);
            writes++;
        }
        bytes += got;
    } while (got > 0);
    warnx("end of input: %lld bytes in %lld writes", bytes, writes);

    /* Our half is done: the reader sees end of file, and then closes. If it
       leaves anything behind unread, that is an error: it was killed. */
    if (shutdown(to, SHUT_WR) == -1)
        err(EXIT_FAILURE, "shutdown %s", path);
    while (poll(fds + 1, 1, -1) == -1)
        again("poll", path);
    if (fds[1].revents & POLLERR)
        errx(EXIT_FAILURE, "%s: the reader is gone before the end", path);
}

int
main(int argc, char *argv[])
{
    long block = SOCKET_BLOCK;
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
    if (argc - optind > 1)
        usage(stderr, 2);
    if (argc > optind)
        path = argv[optind];
    if (strlen(path) < 1 || strlen(path) > SOCKET_PATH_MOST)
        errx(EXIT_FAILURE, "'%s': an address has 1 to %d bytes", path,
             SOCKET_PATH_MOST);
    for (int fd = 0; fd < 3; fd++) /* closed: the socket would get its number */
        if (fcntl(fd, F_GETFD) == -1)
            err(EXIT_FAILURE, "descriptor %d", fd);
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */

    warnx("connect %s: sleeps until a reader listens there", path);
    int sock = meet();
    warnx("a reader is there");
    copy(STDIN_FILENO, sock, (size_t)block);
    return EXIT_SUCCESS;
}
