/*
 * to-child - copy standard input through a pipe to a child, which prints it.
 *
 * cat(1) cut in two by fork(2): what goes into the parent comes out of the
 * child. All that joins them is a buffer in the kernel, the pipe.
 *
 * See contract.h, pipe(2), pipe(7), fork(2), poll(2), wait(2).
 */
#define _GNU_SOURCE /* F_SETPIPE_SZ */

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
    fputs("usage: to-child [-b BYTES]\n"
          "Copy standard input, BYTES at a time, through a pipe to a child.\n",
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

/* Copy until end of file. A read() that sleeps for input would not notice that
   the child has gone; poll() does. write() may take less than it is given. */
static void
parent(int from, int to, size_t block)
{
    static char buf[PIPE_CAPACITY];
    struct pollfd fds[] = {{.fd = from, .events = POLLIN}, {.fd = to}};
    long long bytes = 0, writes = 0;
    ssize_t got, put;

    do {
        while (poll(fds, 2, -1) == -1)
            again("parent: poll", "standard input");
        if (fds[1].revents & POLLERR)
            return; /* the child is gone: main() learns why */
        while ((got = read(from, buf, block)) == -1)
            again("parent: read", "standard input");
        for (ssize_t done = 0; done < got; done += put) {
            while ((put = write(to, buf + done, (size_t)(got - done))) == -1) {
                if (errno == EPIPE)
                    return;
                again("parent: write to", "the child");
            }
            writes++;
        }
        bytes += got;
    } while (got > 0);
    warnx("parent: end of input: %lld bytes in %lld writes", bytes, writes);
    if (fchmod(to, PIPE_SEALED) == -1)
        err(EXIT_FAILURE, "fchmod");
    close(to); /* the child's read() returns 0: end of file */
}

/* Copy until end of file. read() returns what is there, which may be less than
   asked for; it returns 0 only when every writer has closed. */
static void
child(int from, int to, size_t block)
{
    static char buf[PIPE_CAPACITY];
    long long bytes = 0, reads = 0;
    ssize_t got, put;
    struct stat st;

    do {
        while ((got = read(from, buf, block)) == -1)
            again("child: read from", "the parent");
        for (ssize_t done = 0; done < got; done += put)
            while ((put = write(to, buf + done, (size_t)(got - done))) == -1)
                again("child: write", "standard output");
        bytes += got;
        reads += got > 0;
    } while (got > 0);
    if (fstat(from, &st) == -1)
        err(EXIT_FAILURE, "child: fstat");
    warnx("child: end of file: %lld bytes in %lld reads", bytes, reads);
    if (st.st_mode & S_IWUSR) /* no seal: see contract.h */
        errx(EXIT_FAILURE, "child: the parent is gone before its end");
}

int
main(int argc, char *argv[])
{
    static char line[BUFSIZ];
    long block = PIPE_BLOCK;
    int ends[2], status;
    char *end;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    for (int opt; (opt = getopt(argc, argv, "b:")) != -1;) {
        if (opt != 'b')
            usage(stderr, 2);
        block = strtol(optarg, &end, 10);
        if (block < 1 || block > PIPE_CAPACITY || *end != '\0')
            errx(2, "-b %s: not a number from 1 to %d", optarg, PIPE_CAPACITY);
    }
    if (argc > optind)
        usage(stderr, 2);
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */
    /* One write for each message: two processes speak at once. */
    setvbuf(stderr, line, _IOLBF, sizeof(line));

    /* Step 1: the kernel makes a buffer, and two descriptors for it. */
    if (pipe(ends) == -1)
        err(EXIT_FAILURE, "pipe");
    fcntl(ends[WRITE_END], F_SETPIPE_SZ, PIPE_CAPACITY); /* refused: slower */

    /* Step 2: fork() copies the descriptors; the pipe, the kernel's, is one. */
    pid_t pid = fork();
    if (pid == -1)
        err(EXIT_FAILURE, "fork");

    /* Step 3: each closes the end that it does not use, so that each can see
       the other go. Step 4: one writes, the other reads. */
    if (pid == 0) {
        close(ends[WRITE_END]);
        child(ends[READ_END], STDOUT_FILENO, (size_t)block);
        _exit(EXIT_SUCCESS);
    }
    close(ends[READ_END]);
    parent(STDIN_FILENO, ends[WRITE_END], (size_t)block);
    while (waitpid(pid, &status, 0) == -1)
        again("waitpid:", "the child");
    if (WIFSIGNALED(status))
        errx(EXIT_FAILURE, "signal %d killed the child", WTERMSIG(status));
    return WEXITSTATUS(status);
}
