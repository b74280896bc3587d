/*
 * zero-copy - pass standard input through a pipe without copying a byte.
 *
 * to-child copies each byte four times: read, write, read, write. splice(2)
 * has the kernel hand the pages themselves from a file to the pipe and on from
 * there. A page of a file is the file's own, so leave the file alone meanwhile:
 * what changes before the page is out, changes in the output.
 *
 * See contract.h, splice(2), pipe(7), poll(2).
 */
#define _GNU_SOURCE /* splice, F_SETPIPE_SZ */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract.h"

static void
usage(FILE *stream, int status)
{
    fputs("usage: zero-copy\n"
          "Pass standard input through a child to standard output, uncopied.\n",
          stream);
    exit(status);
}

/* A call has returned -1: it is made again if it was only interrupted. */
static void
again(const char *call, const char *object)
{
    if (errno != EINTR)
        err(EXIT_FAILURE, "%s %s", call, object);
}

/* The old way, for a file that takes no pages: one open to append, say. */
static ssize_t
copy(int from, int to)
{
    static char buf[PIPE_BLOCK];
    ssize_t got, put;

    while ((got = read(from, buf, sizeof(buf))) == -1)
        again("read", "input");
    for (ssize_t done = 0; done < got; done += put)
        while ((put = write(to, buf + done, (size_t)(got - done))) == -1)
            again("write", "output");
    return got;
}

/* Pass on until end of file: 0, or -1 if the reader is gone. A splice() that
   sleeps for input would not notice that; poll() does. */
static int
pass(const char *who, int from, int to)
{
    struct pollfd fds[] = {{.fd = from, .events = POLLIN}, {.fd = to}};
    long long bytes = 0, calls = 0;
    int copying = 0;
    ssize_t got = -1;

    do {
        while (poll(fds, 2, -1) == -1)
            again("poll:", who);
        if (fds[1].revents & POLLERR)
            break;
        got = copying ? copy(from, to)
                      : splice(from, NULL, to, NULL, PIPE_CAPACITY, 0);
        if (got == -1 && errno == EINVAL && !copying++) {
            warnx("%s: cannot be spliced, so it is copied", who);
            continue;
        }
        if (got == -1) {
            if (errno == EPIPE)
                break;
            again("splice:", who);
            continue;
        }
        bytes += got;
        calls++;
    } while (got != 0);
    if (got != 0) {
        warnx("%s: the reader is gone", who);
        return -1;
    }
    warnx("%s: %lld bytes in %lld calls", who, bytes, calls);
    return 0;
}

int
main(int argc, char *argv[])
{
    static char line[BUFSIZ];
    int ends[2], status;
    struct stat st;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */
    /* One write for each message: two processes speak at once. */
    setvbuf(stderr, line, _IOLBF, sizeof(line));
    for (int i = STDIN_FILENO; i <= STDOUT_FILENO; i++)
        if (fcntl(i, F_GETFD) == -1) /* closed: the pipe would get its number */
            err(EXIT_FAILURE, "descriptor %d", i);

    if (pipe(ends) == -1)
        err(EXIT_FAILURE, "pipe");
    fcntl(ends[WRITE_END], F_SETPIPE_SZ, PIPE_CAPACITY); /* refused: slower */
    pid_t child = fork();
    if (child == -1)
        err(EXIT_FAILURE, "fork");
    if (child == 0) {
        close(ends[WRITE_END]);
        if (pass("child", ends[READ_END], STDOUT_FILENO) == -1)
            _exit(EXIT_FAILURE);
        if (fstat(ends[READ_END], &st) == -1 || (st.st_mode & S_IWUSR))
            errx(EXIT_FAILURE, "child: the parent is gone before its end");
        _exit(EXIT_SUCCESS);
    }

    close(ends[READ_END]);
    if (pass("parent", STDIN_FILENO, ends[WRITE_END]) == 0 &&
        fchmod(ends[WRITE_END], PIPE_SEALED) == -1)
        err(EXIT_FAILURE, "fchmod");
    close(ends[WRITE_END]);
    while (waitpid(child, &status, 0) == -1)
        again("waitpid:", "the child");
    if (WIFSIGNALED(status))
        errx(EXIT_FAILURE, "signal %d killed the child", WTERMSIG(status));
    return WEXITSTATUS(status);
}
