/*
 * reader - copy what arrives through a local socket to standard output.
 *
 * writer and reader are cat(1) cut in two: what goes in there comes out here.
 * Either may start first. The reader makes the name and sleeps in accept()
 * until a writer connects. Then the name has served and is removed.
 *
 * See contract.h, unix(7), bind(2), listen(2), accept(2), flock(2), poll(2).
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "contract.h"

static const char *path = SOCKET_PATH;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static int folder, listener = -1;

static void
usage(FILE *stream, int status)
{
    fputs("usage: reader [-b BYTES] [path]\n"
          "Copy from a local socket, at most BYTES at a time, to standard "
          "output.\n",
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
   without being taken for a writer: a stream that is there is EPROTOTYPE. */
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
    remove_stale();         /* our writer has done so; nc(1) would not */
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
             is_our_socket() ? "%s: another reader is here"
                             : "%s is not a socket of yours",
             path);
    }
    if (listen(listener, 1) == -1)
        err(EXIT_FAILURE, "listen %s", path);
    flock(folder, LOCK_UN);
}

/* Copy until end of file. read() returns what is there, which may be less than
   asked for; it returns 0 only when the writer has shut down or closed. */
static void
copy(int from, int to, size_t block)
{
    static char buf[SOCKET_MOST];
    struct pollfd peer = {.fd = from};
    long long bytes = 0, reads = 0;
    ssize_t got, put;

    do {
        while ((got = read(from, buf, block)) == -1)
            again("read", path);
        for (ssize_t done = 0; done < got; done += put)
            while ((put = write(to, buf + done, (size_t)(got - done))) == -1)
                again("write", "standard output");
        bytes += got;
        reads += got > 0;
    } while (got > 0);
    warnx("end of file: %lld bytes in %lld reads", bytes, reads);

    /* Did the writer finish, or was it killed? See contract.h. */
    while (poll(&peer, 1, 0) == -1)
        again("poll", path);
    if (peer.revents & POLLHUP)
        errx(EXIT_FAILURE, "%s: the writer is gone before its end", path);
}

int
main(int argc, char *argv[])
{
    const struct sigaction action = {.sa_handler = stop};
    long block = SOCKET_BLOCK;
    char *end;
    int sock;

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
    warnx("accept %s: sleeps until a writer connects", path);
    while ((sock = accept(listener, NULL, NULL)) == -1)
        again("accept", path);
    leave(); /* the name has served: it was only for meeting */
    warnx("a writer is there");

    copy(sock, STDOUT_FILENO, (size_t)block);
    return EXIT_SUCCESS;
}
