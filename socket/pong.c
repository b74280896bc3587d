/*
 * pong - send back what ping says, over a local socket.
 *
 * Hears how many rounds of how many bytes there will be, and then each round,
 * which it says again. Either may start first. Once ping has connected, the
 * name has served and is removed.
 *
 * See contract.h, unix(7), bind(2), listen(2), accept(2), flock(2).
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

static const char *path = PING_PATH;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static int folder, listener = -1;

static void
usage(FILE *stream, int status)
{
    fputs("usage: pong [path]\n"
          "Send back what ping says, until it has said all.\n",
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
   without being taken for ping: a stream that is there is EPROTOTYPE. */
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
    remove_stale();
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
             is_our_socket() ? "%s: another pong is here"
                             : "%s is not a socket of yours",
             path);
    }
    if (listen(listener, 1) == -1)
        err(EXIT_FAILURE, "listen %s", path);
    flock(folder, LOCK_UN);
}

static void
say(int to, const char *words, size_t bytes)
{
    ssize_t put;

    for (size_t done = 0; done < bytes; done += (size_t)put)
        while ((put = write(to, words + done, bytes - done)) == -1)
            again("write to", "ping");
}

static void
hear(int from, char *words, size_t bytes)
{
    ssize_t got;

    for (size_t done = 0; done < bytes; done += (size_t)got) {
        while ((got = read(from, words + done, bytes - done)) == -1)
            again("read from", "ping");
        if (got == 0)
            errx(EXIT_FAILURE, "ping is gone before its end");
    }
}

int
main(int argc, char *argv[])
{
    const struct sigaction action = {.sa_handler = stop};
    static char buf[PING_MOST_BYTES];
    struct ping_plan plan;
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
    warnx("accept %s: sleeps until ping connects", path);
    while ((sock = accept(listener, NULL, NULL)) == -1)
        again("accept", path);
    leave(); /* the name has served: it was only for meeting */
    warnx("ping is there");
    hear(sock, (char *)&plan, sizeof(plan)); /* from anybody: believe nothing */
    if (plan.rounds < 1 || plan.rounds > PING_MOST_ROUNDS / 10 * 11 ||
        plan.bytes < 1 || plan.bytes > PING_MOST_BYTES)
        errx(EXIT_FAILURE, "this is not ping: %d rounds of %d bytes",
             plan.rounds, plan.bytes);
    warnx("%d rounds of %d bytes", plan.rounds, plan.bytes);

    /* The whole of a round is read before it is sent back: two that both write
       at once, and do not read, would sleep for ever. */
    for (int i = 0; i < plan.rounds; i++) {
        hear(sock, buf, (size_t)plan.bytes);
        say(sock, buf, (size_t)plan.bytes);
    }
    return EXIT_SUCCESS;
}
