/*
 * fd-receiver - print what arrives through a pipe that a stranger hands over.
 *
 * The pipe is its sender's. We neither made it nor inherited it: one end comes
 * as a descriptor through a local socket. Either may start first. The receiver
 * makes the socket's name, the sender removes it.
 *
 * See contract.h, unix(7), recvmsg(2), cmsg(3), pipe(7), fstat(2).
 */
#define _POSIX_C_SOURCE 200809L

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "contract.h"

static const char *path = FD_PATH;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static int folder, listener = -1;

static void
usage(FILE *stream, int status)
{
    fputs("usage: fd-receiver [path]\n"
          "Print what arrives through the pipe that fd-sender hands over.\n",
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

/* Remove the name if no socket is behind it any more. A datagram socket can ask
   without being taken for a sender: a stream that is there is EPROTOTYPE. */
static void
remove_stale(void)
{
    int probe = socket(AF_UNIX, SOCK_DGRAM, 0);

    if (is_our_socket() &&
        connect(probe, (struct sockaddr *)&address, sizeof(address)) == -1 &&
        errno == ECONNREFUSED)
        unlink(path);
    close(probe);
}

/* Nobody shall connect any more, and the name is not to stay. */
static void
leave(void)
{
    close(listener);
    listener = -1;
    flock(folder, LOCK_EX); /* refused: remove the name all the same */
    remove_stale();         /* our sender has done so; nc(1) would not */
    flock(folder, LOCK_UN);
}

/* Told to stop: die of the same signal, so that the shell learns how. Not all
   that is called is in signal-safety(7), but it is only system calls. */
static void
stop(int sig)
{
    leave();
    signal(sig, SIG_DFL);
    raise(sig);
}

/* A call has returned -1: it is made again if it was only interrupted. */
static void
again(const char *call, const char *object)
{
    if (errno != EINTR)
        err(EXIT_FAILURE, "%s %s", call, object);
}

/* Make the name, under the lock: nobody else may look, make or remove. */
static void
make(void)
{
    while (flock(folder, LOCK_EX) == -1)
        again("flock", path);
    remove_stale();
    if ((listener = socket(AF_UNIX, SOCK_STREAM, 0)) == -1)
        err(EXIT_FAILURE, "socket");
    umask(SOCKET_UMASK); /* before, or the name could be open for a moment */
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) == -1) {
        if (errno != EADDRINUSE)
            err(EXIT_FAILURE, "bind %s", path);
        errx(EXIT_FAILURE,
             is_our_socket() ? "%s: another receiver is here"
                             : "%s is not a socket of yours",
             path);
    }
    if (listen(listener, 1) == -1)
        err(EXIT_FAILURE, "listen %s", path);
    flock(folder, LOCK_UN);
}

/* There is room for one descriptor: the kernel closes what does not fit, and
   says so with MSG_CTRUNC. (CMSG_SPACE would let in a second one: it is rounded
   up.) What has come may be anything, sent by anybody who may connect. */
static int
take(int sock)
{
    union {
        struct cmsghdr header; /* for its alignment */
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    char c;
    int fd;
    struct iovec byte = {.iov_base = &c, .iov_len = 1};
    struct msghdr message = {.msg_iov = &byte,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = CMSG_LEN(sizeof(fd))};
    struct stat st;

    ssize_t got;
    while ((got = recvmsg(sock, &message, MSG_CMSG_CLOEXEC)) == -1)
        again("recvmsg", path);
    if (got == 0)
        errx(EXIT_FAILURE, "%s: the sender is gone, nothing has come", path);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (message.msg_flags & MSG_CTRUNC)
        errx(EXIT_FAILURE, "%s: more has come than one descriptor", path);
    if (header == NULL || header->cmsg_level != SOL_SOCKET ||
        header->cmsg_type != SCM_RIGHTS ||
        header->cmsg_len != CMSG_LEN(sizeof(fd)))
        errx(EXIT_FAILURE, "%s: no descriptor has come", path);
    memcpy(&fd, CMSG_DATA(header), sizeof(fd)); /* it may not be aligned */
    if (fstat(fd, &st) == -1)
        err(EXIT_FAILURE, "fstat %d", fd);
    if (!S_ISFIFO(st.st_mode) || (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY)
        errx(EXIT_FAILURE, "%s: not a pipe to read from has come", path);
    warnx("descriptor %d has come, an end of pipe:[%llu]", fd,
          (unsigned long long)st.st_ino);
    return fd;
}

/* Copy until end of file. read() returns what is there, which may be less than
   asked for; it returns 0 only when every writer has closed. */
static void
copy(int from, int to)
{
    static char buf[FD_BLOCK];
    long long bytes = 0, reads = 0;
    ssize_t got, put;
    struct stat st;

    do {
        while ((got = read(from, buf, sizeof(buf))) == -1)
            again("read", "the pipe");
        for (ssize_t done = 0; done < got; done += put)
            while ((put = write(to, buf + done, (size_t)(got - done))) == -1)
                again("write", "standard output");
        bytes += got;
        reads += got > 0;
    } while (got > 0);
    warnx("end of file: %lld bytes in %lld reads", bytes, reads);
    if (fstat(from, &st) == -1)
        err(EXIT_FAILURE, "fstat the pipe");
    if (st.st_mode & S_IWUSR) /* no seal: see contract.h */
        errx(EXIT_FAILURE, "%s: the sender is gone before its end", path);
}

int
main(int argc, char *argv[])
{
    const struct sigaction action = {.sa_handler = stop};
    int sock;

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

    memcpy(address.sun_path, path, strlen(path)); /* dirname() writes in its */
    folder = open(dirname(address.sun_path), O_RDONLY | O_DIRECTORY);
    if (folder == -1)
        err(EXIT_FAILURE, "open %s", address.sun_path);
    memcpy(address.sun_path, path, strlen(path));
    atexit(leave); /* fails only for want of memory: the name stays */
    sigaction(SIGHUP, &action, NULL); /* fails for no signal only */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */

    make();
    warnx("accept %s: sleeps until a sender connects", path);
    while ((sock = accept(listener, NULL, NULL)) == -1)
        again("accept", path);
    leave(); /* the name has served: it was only for meeting */
    int pipe_end = take(sock);
    close(sock);
    copy(pipe_end, STDOUT_FILENO);
    return EXIT_SUCCESS;
}
