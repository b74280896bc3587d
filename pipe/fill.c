/*
 * fill - how many bytes a pipe holds: it depends on the size of the writes.
 *
 * A pipe is a ring of slots, usually 16, and each holds a page of memory. The
 * odd end of a write joins the last page in use if it fits there; otherwise it
 * takes a slot of its own and what is left of the page is wasted. So a pipe is
 * full when its slots are, and 2049-byte writes fill it with half the bytes.
 *
 * See contract.h, pipe(7), write(2), fcntl(2).
 */
#define _GNU_SOURCE /* pipe2, F_GETPIPE_SZ */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "contract.h"

static void
usage(FILE *stream, int status)
{
    fputs("usage: fill [BYTES]\n"
          "Fill a pipe by writes of BYTES, or of one size after the other,\n"
          "and count what it holds.\n",
          stream);
    exit(status);
}

/* For the eye alone: on a terminal the pipe is seen filling up. */
static void
draw(long long held, long long capacity)
{
    static const char bar[] = "################################";
    static int drawn;
    int length = (int)(held * (int)strlen(bar) / capacity);

    if (length == drawn || !isatty(STDOUT_FILENO))
        return;
    printf("\r[%-*.*s]\r", (int)strlen(bar), length, bar);
    fflush(stdout);
    nanosleep(&(struct timespec){.tv_nsec = 8000000}, NULL);
    drawn = length;
}

/* O_NONBLOCK: a full pipe says EAGAIN where write() would sleep otherwise. */
static void
fill(size_t bytes)
{
    static const char zeros[PIPE_CAPACITY];
    long long held = 0, writes = 0;
    ssize_t put;
    int ends[2];

    if (pipe2(ends, O_NONBLOCK) == -1)
        err(EXIT_FAILURE, "pipe2");
    int capacity = fcntl(ends[WRITE_END], F_GETPIPE_SZ); /* of a pipe: works */
    for (; (put = write(ends[WRITE_END], zeros, bytes)) > 0; held += put) {
        draw(held + put, capacity);
        writes++;
    }
    if (errno != EAGAIN)
        err(EXIT_FAILURE, "write");
    printf("%zu bytes a write: full after %lld, with %lld of %d bytes\n", bytes,
           writes, held, capacity);
    close(ends[READ_END]);
    close(ends[WRITE_END]);
}

int
main(int argc, char *argv[])
{
    static const size_t sizes[] = {1, 2049, 4095, 4096, 65536};
    char *end;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 2)
        usage(stderr, 2);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (fcntl(STDOUT_FILENO, F_GETFD) == -1) /* closed: the pipe would get 1 */
        err(EXIT_FAILURE, "standard output");

    for (size_t i = 0; argc == 1 && i < sizeof(sizes) / sizeof(sizes[0]); i++)
        fill(sizes[i]);
    if (argc == 2) {
        long bytes = strtol(argv[1], &end, 10);
        if (bytes < 1 || bytes > PIPE_CAPACITY || *end != '\0')
            errx(2, "%s: not a number from 1 to %d", argv[1], PIPE_CAPACITY);
        fill((size_t)bytes);
    }

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
