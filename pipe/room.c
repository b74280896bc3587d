/*
 * room - what becomes of a write that a pipe has too little room for.
 *
 * Blocking, it sleeps until all is written. With O_NONBLOCK it depends: up to
 * PIPE_BUF bytes go in as a whole or not at all, of more goes in what fits.
 *
 * See contract.h, pipe(7), write(2).
 */
#define _GNU_SOURCE /* F_GETPIPE_SZ */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract.h"

enum { ROOM = PIPE_BUF - 1, MORE = 2 * PIPE_BUF - 1 };

static const char zeros[PIPE_CAPACITY];

static void
usage(FILE *stream, int status)
{
    fputs("usage: room\n"
          "Write more to a pipe than it has room for, blocking and not.\n",
          stream);
    exit(status);
}

/* A new pipe, filled up to the last ROOM bytes. */
static void
make_pipe(int ends[2], int flags)
{
    if (pipe2(ends, flags) == -1)
        err(EXIT_FAILURE, "pipe2");
    int held = fcntl(ends[WRITE_END], F_GETPIPE_SZ) - ROOM;
    if (write(ends[WRITE_END], zeros, (size_t)held) != held)
        err(EXIT_FAILURE, "write");
}

static void
try_write(int fd, size_t bytes)
{
    ssize_t put = write(fd, zeros, bytes);

    if (put == -1 && errno != EAGAIN)
        err(EXIT_FAILURE, "write");
    if (put == -1)
        printf("write %zu bytes: EAGAIN\n", bytes);
    else
        printf("write %zu bytes: %zd written\n", bytes, put);
}

int
main(int argc, char *argv[])
{
    char buf[PIPE_BUF];
    int ends[2], status;
    ssize_t got;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */
    signal(SIGPIPE, SIG_IGN); /* a killed child is to be reported */
    if (fcntl(STDOUT_FILENO, F_GETFD) == -1) /* closed: the pipe would get 1 */
        err(EXIT_FAILURE, "standard output");

    make_pipe(ends, O_NONBLOCK);
    printf("room for %d, O_NONBLOCK:\n", ROOM);
    try_write(ends[WRITE_END], PIPE_BUF);
    try_write(ends[WRITE_END], MORE);

    make_pipe(ends, 0); /* blocking: write sleeps until the child makes room */
    printf("room for %d, blocking, and a child that reads:\n", ROOM);
    pid_t child = fork();
    if (child == -1)
        err(EXIT_FAILURE, "fork");
    if (child == 0) {
        close(ends[WRITE_END]);
        while ((got = read(ends[READ_END], buf, sizeof(buf))) > 0)
            ;
        if (got == -1)
            err(EXIT_FAILURE, "child: read");
        _exit(EXIT_SUCCESS);
    }
    close(ends[READ_END]);
    try_write(ends[WRITE_END], MORE);
    close(ends[WRITE_END]);
    if (waitpid(child, &status, 0) == -1 || status != 0)
        errx(EXIT_FAILURE, "the child was killed, or failed");

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
