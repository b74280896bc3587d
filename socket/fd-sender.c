/*
 * fd-sender - copy standard input through a pipe to a stranger.
 *
 * A pipe has no name, but an end of it can be handed to anybody: a descriptor
 * goes through a local socket like a letter, and gets a number of its own at
 * the receiver's. Either may start first. The receiver makes the socket's name,
 * the sender removes it.
 *
 * See contract.h, unix(7), sendmsg(2), cmsg(3), pipe(7), inotify(7).
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

static const char *path = FD_PATH;

static void
usage(FILE *stream, int status)
{
    fputs("usage: fd-sender [path]\n"
          "Copy standard input into a pipe, and hand its other end to "
          "fd-receiver.\n",
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

/* Beside the byte travels the descriptor, as a control message. Not its number:
   the receiver gets a number of its own for the same end of the same pipe. */
static void
hand_over(int sock, int fd)
{
    union {
        struct cmsghdr header; /* for its alignment */
        char room[CMSG_SPACE(sizeof(int))];
    } control = {.room = {0}};
    struct iovec byte = {.iov_base = "", .iov_len = 1};
    struct msghdr message = {.msg_iov = &byte,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control.room)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(fd));
    memcpy(CMSG_DATA(header), &fd, sizeof(fd)); /* it may not be aligned */
    while (sendmsg(sock, &message, 0) == -1)
        again("sendmsg", path);
}

/* Copy until end of file. A read() that sleeps for input would not notice that
   the receiver has gone; poll() does. write() may take less than is given. */
static void
copy(int from, int to)
{
    static char buf[FD_BLOCK];
    struct pollfd fds[] = {{.fd = from, .events = POLLIN}, {.fd = to}};
    long long bytes = 0, writes = 0;
    ssize_t got, put;

    do {
        while (poll(fds, 2, -1) == -1)
            again("poll", path);
        if (fds[1].revents & POLLERR)
            errx(EXIT_FAILURE, "%s: the receiver is gone", path);
        while ((got = read(from, buf, sizeof(buf))) == -1)
            again("read", "standard input");
        for (ssize_t done = 0; done < got; done += put) {
            while ((put = write(to, buf + done, (size_t)(got - done))) == -1)
                again("write", "the pipe");
            writes++;
        }
        bytes += got;
    } while (got > 0);
    warnx("end of input: %lld bytes in %lld writes", bytes, writes);
}

int
main(int argc, char *argv[])
{
    int ends[2];

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
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */

    warnx("connect %s: sleeps until a receiver listens there", path);
    int sock = meet();
    if (pipe(ends) == -1)
        err(EXIT_FAILURE, "pipe");
    hand_over(sock, ends[0]);
    warnx("descriptor %d is on its way", ends[0]);
    close(ends[0]); /* or we would never see the receiver go */
    close(sock);

    copy(STDIN_FILENO, ends[1]);
    if (fchmod(ends[1], FD_SEALED) == -1)
        err(EXIT_FAILURE, "fchmod");
    return EXIT_SUCCESS; /* exit closes the pipe: read() returns 0 there */
}
