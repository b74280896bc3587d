/*
 * store-server - echo what clients say, and keep it in a file.
 *
 * A child, the logger, writes the file. What it is to keep comes to it through
 * a pipe, and through a second one it says how much is kept: only then does the
 * client hear its echo. Should the logger be killed, another takes its place.
 * The server makes the socket's name and removes it. The file stays.
 *
 * See contract.h, unix(7), poll(2), pipe(7), flock(2), fcntl_locking(2).
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
#include <sys/wait.h>
#include <unistd.h>

#include "contract.h"

/* What poll() looks at. A place without a descriptor, -1, is skipped. */
enum { LISTENER, LOGGER, CLIENTS, MOST = CLIENTS + STORE_CLIENTS };

static struct client {
    long long bytes;
    size_t heard, echoed; /* of buf */
    char buf[STORE_BLOCK];
} clients[MOST];

static struct pollfd fds[MOST];
static int places = CLIENTS; /* in use so far: poll() takes no more */
static const char *path = STORE_PATH, *kept_in = STORE_FILE;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static int folder, file, listener = -1, to_logger = -1;
static pid_t logger;

static void
usage(FILE *stream, int status)
{
    fputs(
        "usage: store-server [path [file]]\n"
        "Echo what the clients of a local socket say, and keep it in a file.\n",
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
   without being taken for a client: a stream that is there is EPROTOTYPE. */
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

/* The end of its pipe ends the logger, once it has kept what is in there. Until
   then it may have a copy of the listener, and the name would not be stale. */
static void
leave(void)
{
    close(to_logger);
    if (logger > 0) {
        kill(logger, SIGCONT); /* stopped, it would never end */
        waitpid(logger, NULL, 0);
    }
    close(listener);
    for (int i = 0; flock(folder, LOCK_EX | LOCK_NB) == -1 && i < 10; i++)
        poll(NULL, 0, SOCKET_TICK); /* who has the lock may be stopped */
    remove_stale();
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
    if ((listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)) == -1)
        err(EXIT_FAILURE, "socket");
    umask(SOCKET_UMASK); /* before, or the name could be open for a moment */
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) == -1) {
        if (errno != EADDRINUSE)
            err(EXIT_FAILURE, "bind %s", path);
        errx(EXIT_FAILURE,
             is_our_socket() ? "%s: another server is here"
                             : "%s is not a socket of yours",
             path);
    }
    if (listen(listener, STORE_CLIENTS) == -1)
        err(EXIT_FAILURE, "listen %s", path);
    flock(folder, LOCK_UN);
}

/* No two servers may keep one file. This lock is the process's own: a logger
   that outlives its killed server does not have it, as it would flock(2)'s. */
static void
open_file(void)
{
    struct flock whole = {.l_type = F_WRLCK};
    struct stat st;

    /* O_NONBLOCK: a FIFO under the name would let us sleep. */
    file = open(kept_in, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK,
                0600);
    if (file == -1 || fstat(file, &st) == -1)
        err(EXIT_FAILURE, "open %s", kept_in);
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid())
        errx(EXIT_FAILURE, "%s is not a file of yours", kept_in);
    if (fcntl(file, F_SETLK, &whole) == 0)
        return;
    if (errno == EAGAIN || errno == EACCES)
        errx(EXIT_FAILURE, "%s: another server keeps it", kept_in);
    err(EXIT_FAILURE, "lock %s", kept_in);
}

/* The logger. What write() has taken, the kernel keeps: it survives us all, but
   for a power failure, which would take fdatasync(2). EPIPE: the server was
   killed. What it had said is kept all the same. */
static void
keep(int from, int receipts)
{
    static char buf[STORE_BLOCK];
    ssize_t got, put;

    for (;;) {
        while ((got = read(from, buf, sizeof(buf))) == -1)
            if (errno != EINTR) {
                warn("logger: read");
                _exit(EXIT_FAILURE);
            }
        if (got == 0)
            _exit(EXIT_SUCCESS);
        for (ssize_t done = 0; done < got; done += put)
            while ((put = write(file, buf + done, (size_t)(got - done))) == -1)
                if (errno != EINTR) {
                    warn("logger: write %s", kept_in);
                    _exit(EXIT_FAILURE);
                }
        while (write(receipts, &got, sizeof(got)) == -1 && errno != EPIPE)
            if (errno != EINTR) {
                warn("logger: write a receipt");
                _exit(EXIT_FAILURE);
            }
    }
}

/* The child has a copy of every descriptor. Did it not close those of clients,
   they would never see us close; did it not close our ends of the pipes, they
   would never end. Ctrl-C is not for the child: it is born with it blocked. */
static void
start_logger(void)
{
    int down[2], up[2];
    sigset_t all, before;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before); /* fails for a wrong how only */
    if (pipe(down) == -1 || pipe(up) == -1)
        err(EXIT_FAILURE, "pipe");
    if ((logger = fork()) == -1)
        err(EXIT_FAILURE, "fork");
    if (logger == 0) {
        for (int i = 0; i < places; i++)
            close(fds[i].fd);
        close(folder);
        close(down[1]);
        close(up[0]);
        keep(down[0], up[1]);
    }
    close(down[0]);
    close(up[1]);
    to_logger = down[1];
    fds[LOGGER] = (struct pollfd){.fd = up[0], .events = POLLIN};
    sigprocmask(SIG_SETMASK, &before, NULL);
}

static void
replace_logger(void)
{
    int status;

    close(to_logger);
    close(fds[LOGGER].fd);
    fds[LOGGER].fd = -1;
    while (waitpid(logger, &status, 0) == -1)
        again("waitpid", "the logger");
    if (WIFEXITED(status))
        errx(EXIT_FAILURE, "the logger has failed");
    warnx("signal %d killed the logger: another starts", WTERMSIG(status));
    start_logger();
}

/* Sleeps until the logger has kept all of it. Returns 0 if it died before. */
static int
is_kept(const char *buf, size_t bytes)
{
    ssize_t put, got, kept;

    for (size_t done = 0; done < bytes; done += (size_t)put)
        while ((put = write(to_logger, buf + done, bytes - done)) == -1) {
            if (errno == EPIPE)
                return 0;
            again("write to", "the logger");
        }
    for (size_t done = 0; done < bytes; done += (size_t)kept)
        while ((got = read(fds[LOGGER].fd, &kept, sizeof(kept))) < 1) {
            if (got == 0)
                return 0;
            again("read from", "the logger");
        }
    return 1;
}

/* A logger that was killed may have kept a part, and nobody knows which: take
   it away, and let the next one have everything. */
static void
store(const char *buf, size_t bytes)
{
    struct stat before;

    if (fstat(file, &before) == -1)
        err(EXIT_FAILURE, "fstat %s", kept_in);
    while (!is_kept(buf, bytes)) {
        replace_logger();
        while (ftruncate(file, before.st_size) == -1)
            again("ftruncate", kept_in);
    }
}

/* No place is free, or no descriptor: do not look at the listener until one is,
   or for a second. poll() would return at once, again and again. */
static void
welcome(void)
{
    int i = CLIENTS;

    while (i < places && fds[i].fd != -1)
        i++;
    int sock = i < MOST ? accept(listener, NULL, NULL) : -1;
    if (sock == -1) {
        fds[LISTENER].events = 0;
        return;
    }
    if (i == places)
        places++;
    fds[i] = (struct pollfd){.fd = sock, .events = POLLIN};
    clients[i].bytes = 0;
    clients[i].heard = clients[i].echoed = 0;
    warnx("client %d has come", i - CLIENTS + 1);
}

/* One step for one client. It must not sleep: others wait. A client that does
   not listen is not heard. Of one that has gone, what it said is still kept. */
static void
serve(int i)
{
    struct client *c = &clients[i];
    ssize_t n;

    if (c->echoed == c->heard) {
        n = recv(fds[i].fd, c->buf, sizeof(c->buf), MSG_DONTWAIT);
        if (n == -1 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            warnx("client %d has left: %lld bytes", i - CLIENTS + 1, c->bytes);
            close(fds[i].fd);
            fds[i].fd = -1;
            fds[LISTENER].events = POLLIN;
            return;
        }
        store(c->buf, (size_t)n);
        c->bytes += n;
        c->heard = (size_t)n;
        c->echoed = 0;
    }
    n = send(fds[i].fd, c->buf + c->echoed, c->heard - c->echoed, MSG_DONTWAIT);
    if (n == -1 && errno != EAGAIN && errno != EINTR)
        c->echoed = c->heard;
    else if (n > 0)
        c->echoed += (size_t)n;
    fds[i].events = c->echoed < c->heard ? POLLOUT : POLLIN;
}

static void
run(void)
{
    for (;;) {
        int limit = fds[LISTENER].events == 0 ? 1000 : -1, ready;
        while ((ready = poll(fds, (nfds_t)places, limit)) == -1)
            again("poll", path);
        if (ready == 0)
            fds[LISTENER].events = POLLIN;
        if (fds[LOGGER].revents != 0)
            replace_logger();
        for (int i = CLIENTS; i < places; i++)
            if (fds[i].revents != 0)
                serve(i);
        if (fds[LISTENER].revents != 0)
            welcome();
    }
}

int
main(int argc, char *argv[])
{
    const struct sigaction action = {.sa_handler = stop};
    static char line[BUFSIZ];

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (getopt(argc, argv, "") != -1 || argc - optind > 2)
        usage(stderr, 2);
    if (argc > optind)
        path = argv[optind];
    if (argc > optind + 1)
        kept_in = argv[optind + 1];
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
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */
    signal(SIGXFSZ, SIG_IGN); /* so would this, when the file gets too large */
    /* One write for each message: two processes speak at once. */
    setvbuf(stderr, line, _IOLBF, sizeof(line));
    open_file();
    atexit(leave); /* fails only for want of memory: the name stays */
    sigaction(SIGHUP, &action, NULL); /* fails for no signal only */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);

    make();
    fds[LISTENER] = (struct pollfd){.fd = listener, .events = POLLIN};
    start_logger();
    warnx("%s: sleeps until a client comes or speaks", path);
    run();
}
