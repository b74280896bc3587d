/*
 * capacity - how large a pipe is, and how large it can be made.
 *
 * 64 KiB, unless a user has very many pipes. That is not PIPE_BUF, 4 KiB, the
 * most that one write is sure to keep in one piece; and not what the shell's
 * ulimit -a says about pipes, which is PIPE_BUF again.
 *
 * See contract.h, pipe(7), fcntl(2), fpathconf(3).
 */
#define _GNU_SOURCE /* F_GETPIPE_SZ, F_SETPIPE_SZ */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contract.h"

static void
usage(FILE *stream, int status)
{
    fputs("usage: capacity\n"
          "Read the capacity of a pipe, change it, and see what is refused.\n",
          stream);
    exit(status);
}

/* The largest size that a user may ask for, whom root has not privileged. */
static long
largest(void)
{
    const char *path = "/proc/sys/fs/pipe-max-size";
    long bytes;
    FILE *file = fopen(path, "r");

    if (file == NULL)
        err(EXIT_FAILURE, "open %s", path);
    if (fscanf(file, "%ld", &bytes) != 1)
        err(EXIT_FAILURE, "read %s", path); /* always a number */
    fclose(file);
    return bytes;
}

/* The ring has 1, 2, 4, 8 ... slots of a page: requests are rounded up. */
static void
resize(int fd, long bytes)
{
    int size = fcntl(fd, F_SETPIPE_SZ, (int)bytes);

    if (size != -1)
        printf("F_SETPIPE_SZ %ld: %d\n", bytes, size);
    else
        printf("F_SETPIPE_SZ %ld: %s\n", bytes,
               errno == EPERM   ? "EPERM"
               : errno == EBUSY ? "EBUSY"
                                : strerror(errno));
}

int
main(int argc, char *argv[])
{
    int ends[2];

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (fcntl(STDOUT_FILENO, F_GETFD) == -1) /* closed: the pipe would get 1 */
        err(EXIT_FAILURE, "standard output");

    if (pipe2(ends, O_NONBLOCK) == -1) /* write() is not to wait for room */
        err(EXIT_FAILURE, "pipe2");
    printf("F_GETPIPE_SZ: %d\n", fcntl(ends[WRITE_END], F_GETPIPE_SZ));
    printf("PIPE_BUF: %ld\n", fpathconf(ends[WRITE_END], _PC_PIPE_BUF));

    /* What is in the pipe must have room in its new ring. */
    static char pages[8192];
    if (write(ends[WRITE_END], pages, sizeof(pages)) == -1)
        err(EXIT_FAILURE, "write");
    printf("%zu bytes are in the pipe\n", sizeof(pages));
    resize(ends[WRITE_END], 4096);
    if (read(ends[READ_END], pages, sizeof(pages)) == -1)
        err(EXIT_FAILURE, "read");
    printf("the pipe is empty again\n");

    resize(ends[WRITE_END], 1);
    resize(ends[WRITE_END], 100000);
    resize(ends[WRITE_END], largest());
    resize(ends[WRITE_END], largest() + 1); /* takes CAP_SYS_RESOURCE */

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
