/*
 * packets - a pipe carries a stream of bytes; opened O_DIRECT, packets.
 *
 * A stream forgets where one write ended and the next began: one read takes
 * all that is there, up to the size it asks for. With O_DIRECT each write of
 * up to PIPE_BUF bytes stays a packet, and a read returns one of them.
 *
 * See contract.h, pipe(2), pipe(7), read(2).
 */
#define _GNU_SOURCE /* O_DIRECT, pipe2 */

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contract.h"

static void
usage(FILE *stream, int status)
{
    fputs("usage: packets\n"
          "Write three times to a pipe and count the reads: as a stream, and\n"
          "then as packets (O_DIRECT).\n",
          stream);
    exit(status);
}

static void
put(int fd, const char *text)
{
    if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        err(EXIT_FAILURE, "write");
}

static void
three_writes(const char *kind, int flags)
{
    char buf[100];
    ssize_t got;
    int ends[2], reads = 0;

    if (pipe2(ends, flags) == -1) /* EINVAL: a kernel older than Linux 3.4 */
        err(EXIT_FAILURE, "pipe2 for %s", kind);
    put(ends[WRITE_END], "Who ");
    put(ends[WRITE_END], "are ");
    put(ends[WRITE_END], "you");
    close(ends[WRITE_END]); /* or the last read would wait for more */

    while ((got = read(ends[READ_END], buf, sizeof(buf))) > 0) {
        printf("read %zu: got %zd \"%.*s\"\n", sizeof(buf), got, (int)got, buf);
        reads++;
    }
    if (got == -1)
        err(EXIT_FAILURE, "read");
    printf("%s: 3 writes, reads: %d\n", kind, reads);
    close(ends[READ_END]);
}

int
main(int argc, char *argv[])
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (fcntl(STDOUT_FILENO, F_GETFD) == -1) /* closed: the pipe would get 1 */
        err(EXIT_FAILURE, "standard output");

    three_writes("stream", 0);
    three_writes("packets", O_DIRECT);

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
