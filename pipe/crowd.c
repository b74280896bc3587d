/*
 * crowd - many writers on one pipe: whose records stay in one piece?
 *
 * A write of up to PIPE_BUF bytes is atomic: no other comes between its bytes.
 * A longer one gives way where the pipe is full, and goes on when there is
 * room: what others wrote meanwhile tears the record.
 *
 * See contract.h, pipe(7), write(2).
 */
#define _GNU_SOURCE /* F_SETPIPE_SZ */

#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract.h"

enum { WRITERS = 4, RECORDS = 50 }; /* of each */

static char record[PIPE_CAPACITY];

static void
usage(FILE *stream, int status)
{
    fputs("usage: crowd [BYTES]\n"
          "Let four processes write records of BYTES (4096) to one pipe, and\n"
          "count those that arrive torn.\n",
          stream);
    exit(status);
}

/* A child. Wait at the gate, so that all begin at once. A blocking write is
   whole, however long, unless a signal cuts it short: Ctrl-Z is enough. */
static void
write_records(const int gate[2], const int ends[2], char letter, size_t bytes)
{
    close(gate[WRITE_END]);
    close(ends[READ_END]);
    memset(record, letter, bytes);
    if (read(gate[READ_END], &letter, 1) != 0) /* the parent closes: it opens */
        err(EXIT_FAILURE, "read");
    ssize_t put;
    for (size_t done = 0; done < RECORDS * bytes; done += (size_t)put)
        if ((put = write(ends[WRITE_END], record, bytes - done % bytes)) == -1)
            err(EXIT_FAILURE, "write");
    _exit(EXIT_SUCCESS);
}

int
main(int argc, char *argv[])
{
    int gate[2], ends[2], records = 0, torn = 0;
    long bytes = PIPE_BUF;
    char *end;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 2)
        usage(stderr, 2);
    if (argc == 2)
        bytes = strtol(argv[1], &end, 10);
    if (argc == 2 && (bytes < 1 || bytes > PIPE_CAPACITY || *end != '\0'))
        errx(2, "%s: not a number from 1 to %d", argv[1], PIPE_CAPACITY);
    if (fcntl(STDOUT_FILENO, F_GETFD) == -1) /* closed: the pipe would get 1 */
        err(EXIT_FAILURE, "standard output");

    if (pipe(gate) == -1 || pipe(ends) == -1)
        err(EXIT_FAILURE, "pipe");
    fcntl(ends[WRITE_END], F_SETPIPE_SZ, PIPE_BUF); /* refused: fewer torn */
    for (int i = 0; i < WRITERS; i++) {
        pid_t child = fork();
        if (child == -1)
            err(EXIT_FAILURE, "fork");
        if (child == 0)
            write_records(gate, ends, (char)('A' + i), (size_t)bytes);
    }
    close(ends[WRITE_END]);
    close(gate[WRITE_END]);

    /* fread() reads until it has the length of a record. Whole, it is the same
       letter throughout: each byte equals the next. */
    FILE *in = fdopen(ends[READ_END], "r");
    if (in == NULL)
        err(EXIT_FAILURE, "fdopen");
    for (; fread(record, (size_t)bytes, 1, in) == 1; records++)
        torn += memcmp(record, record + 1, (size_t)bytes - 1) != 0;
    if (ferror(in))
        err(EXIT_FAILURE, "read");
    while (wait(NULL) != -1) /* until no child is left */
        ;
    if (records != WRITERS * RECORDS)
        errx(EXIT_FAILURE, "a writer is gone before its end");
    printf("%d records of %ld bytes: %d torn\n", records, bytes, torn);
    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
