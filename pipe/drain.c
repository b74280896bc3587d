/*
 * drain - when a full pipe wakes its writer: when a page is free, not a byte.
 *
 * A child sleeps in write() for want of room for one byte. Its parent reads,
 * and looks whether that has woken it. read() wakes before it returns, so a
 * child that is asleep then has not been woken: nothing here depends on time.
 *
 * See contract.h, pipe(7), write(2), proc(5).
 */
#define _GNU_SOURCE /* F_GETPIPE_SZ */

#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "contract.h"

static void
usage(FILE *stream, int status)
{
    fputs("usage: drain\n"
          "Show how much must be read from a full pipe to wake its writer.\n",
          stream);
    exit(status);
}

/* R, S, Z as ps(1) shows it: the first letter after the name. */
static char
state(pid_t pid)
{
    char path[32], letter;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *stat = fopen(path, "r");
    if (stat == NULL || fscanf(stat, "%*d (%*[^)]) %c", &letter) != 1)
        err(EXIT_FAILURE, "read %s", path);
    fclose(stat);
    return letter;
}

/* No call waits until a process sleeps: look at it once a millisecond. */
static pid_t
start_writer(const int ends[2])
{
    const struct timespec nap = {.tv_nsec = 1000000};
    char letter;
    pid_t child = fork();

    if (child == -1)
        err(EXIT_FAILURE, "fork");
    if (child == 0) {
        close(ends[READ_END]); /* or the child would outlive its parent */
        if (write(ends[WRITE_END], "x", 1) != 1)
            err(EXIT_FAILURE, "child: write");
        _exit(EXIT_SUCCESS);
    }
    while ((letter = state(child)) != 'S' && letter != 'Z')
        nanosleep(&nap, NULL);
    printf("write of 1 byte more: state %c\n", letter);
    return child;
}

int
main(int argc, char *argv[])
{
    static char buf[PIPE_CAPACITY];
    const long page = sysconf(_SC_PAGESIZE);
    int ends[2], status;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (fcntl(STDOUT_FILENO, F_GETFD) == -1) /* closed: the pipe would get 1 */
        err(EXIT_FAILURE, "standard output");

    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */
    if (pipe(ends) == -1)
        err(EXIT_FAILURE, "pipe");
    int capacity = fcntl(ends[WRITE_END], F_GETPIPE_SZ); /* of a pipe: works */
    if (write(ends[WRITE_END], buf, (size_t)capacity) != capacity)
        err(EXIT_FAILURE, "write");
    printf("the pipe is full: %d bytes\n", capacity);
    pid_t child = start_writer(ends);

    if (read(ends[READ_END], buf, 1) != 1)
        err(EXIT_FAILURE, "read");
    printf("1 byte read: state %c\n", state(child));
    if (read(ends[READ_END], buf, (size_t)page - 2) != page - 2)
        err(EXIT_FAILURE, "read");
    printf("%ld bytes read: state %c\n", page - 1, state(child));
    if (read(ends[READ_END], buf, 1) != 1)
        err(EXIT_FAILURE, "read");
    if (waitpid(child, &status, 0) == -1 || status != 0)
        errx(EXIT_FAILURE, "the child is gone before it could write");
    printf("%ld bytes read: the write is done\n", page);

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
