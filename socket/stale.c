/*
 * stale - what a socket's name does while somebody listens, and afterwards.
 *
 * bind(2) makes a name in the file system, and nobody removes it: not close(),
 * and not the end of the process. A server that starts again finds the name of
 * the one that was killed. Here one is killed, and the next one tries.
 *
 * See unix(7), bind(2), listen(2), connect(2), unlink(2).
 */
#define _DEFAULT_SOURCE /* signal: the handler stays */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sockaddr_un address = {.sun_family = AF_UNIX};

static void
usage(FILE *stream, int status)
{
    fputs("usage: stale\n"
          "Show what becomes of a socket's name when its server is killed.\n",
          stream);
    exit(status);
}

static void
remove_name(void)
{
    unlink(address.sun_path);
}

/* Die of the same signal, so that the shell learns how we ended. */
static void
stop(int sig)
{
    remove_name();
    signal(sig, SIG_DFL);
    raise(sig);
}

static int
make(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    if (fd == -1)
        err(EXIT_FAILURE, "socket");
    return fd;
}

static void
show(const char *what, int result)
{
    printf("%s: %s\n", what, result == -1 ? strerror(errno) : "done");
}

static int
name(int fd)
{
    return bind(fd, (struct sockaddr *)&address, sizeof(address));
}

/* connect() does not wait for accept(), which only takes what is there. */
static int
call(int fd)
{
    return connect(fd, (struct sockaddr *)&address, sizeof(address));
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
    snprintf(address.sun_path, sizeof(address.sun_path), "stale-%ld.sock",
             (long)getpid());
    if (access(address.sun_path, F_OK) == 0) /* from here on, it is ours */
        errx(EXIT_FAILURE, "%s is there already", address.sun_path);
    signal(SIGHUP, stop); /* fails only for a number that is no signal */
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */
    signal(SIGPIPE, SIG_IGN);
    atexit(remove_name); /* fails only for want of memory */

    int server = make(), second = make(), client = make();
    show("connect, no such name", call(make()));
    show("bind", name(server));
    show("connect, nobody listens yet", call(make()));
    show("listen", listen(server, 8));
    show("connect", call(make()));
    show("bind a second socket to the name", name(second));

    /* The child inherits the server's socket; then it is the only one. */
    pid_t parent = getpid(), pid = fork();
    if (pid == -1)
        err(EXIT_FAILURE, "fork");
    if (pid == 0) {
        signal(SIGHUP, SIG_DFL); /* the name is our parent's */
        signal(SIGINT, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody else would wake us */
        if (getppid() == parent)
            pause();
        _exit(EXIT_SUCCESS);
    }
    close(server);
    if (kill(pid, SIGKILL) == -1 || waitpid(pid, NULL, 0) == -1)
        err(EXIT_FAILURE, "kill, waitpid");
    show("access the name, the server is killed",
         access(address.sun_path, F_OK));
    show("connect", call(make()));
    show("bind", name(second));
    show("unlink", unlink(address.sun_path));
    show("bind, once more", name(second));
    show("listen", listen(second, 8));
    show("connect", call(client));
    show("unlink", unlink(address.sun_path));
    show("write, by who is connected", (int)write(client, "hello", 5));

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
