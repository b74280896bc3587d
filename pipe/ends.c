/*
 * ends - what pipe(2) returns: two descriptors of one FIFO without a name.
 *
 * The kernel hands out the lowest numbers that are free. 0, 1 and 2 are the
 * terminal, so a pipe gets 3 and 4. Close one and look again: ends <&-
 *
 * See contract.h, pipe(2), pipe(7), fstat(2), proc(5).
 */
#define _POSIX_C_SOURCE 200809L

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "contract.h"

static void
usage(FILE *stream, int status)
{
    fputs("usage: ends\n"
          "Make a pipe and show its two ends: their numbers, what each of\n"
          "them refuses, and what kind of file they are.\n",
          stream);
    exit(status);
}

/* Both ends are one file, and /proc shows which: pipe:[its inode number]. Its
   size is 0 at all times, as what is in a pipe is on its way, not stored. */
static void
show_file(int fd)
{
    char path[32], name[64];
    struct stat st;

    if (fstat(fd, &st) == -1)
        err(EXIT_FAILURE, "fstat %d", fd);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    ssize_t length = readlink(path, name, sizeof(name));
    if (length == -1)
        err(EXIT_FAILURE, "readlink %s", path);
    printf("descriptor %d: %s, size %lld, %.*s\n", fd,
           S_ISFIFO(st.st_mode) ? "FIFO" : "no FIFO", (long long)st.st_size,
           (int)length, name);
}

int
main(int argc, char *argv[])
{
    char buf[100];
    int ends[2];

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (fcntl(STDOUT_FILENO, F_GETFD) == -1) /* closed: the pipe would get 1 */
        err(EXIT_FAILURE, "standard output");

    if (pipe(ends) == -1)
        err(EXIT_FAILURE, "pipe");
    printf("pipe: read from %d, write to %d\n", ends[READ_END],
           ends[WRITE_END]);

    /* One way only. A failed call is no accident here: errno is the finding. */
    ssize_t put = write(ends[READ_END], "hello", 5);
    printf("write to %d: %s\n", ends[READ_END],
           put == -1 ? strerror(errno) : "no error");
    ssize_t got = read(ends[WRITE_END], buf, sizeof(buf));
    printf("read from %d: %s\n", ends[WRITE_END],
           got == -1 ? strerror(errno) : "no error");

    if (write(ends[WRITE_END], "hello", 5) != 5)
        err(EXIT_FAILURE, "write %d", ends[WRITE_END]);
    printf("write to %d: 5 bytes are in the pipe\n", ends[WRITE_END]);
    show_file(ends[READ_END]);
    show_file(ends[WRITE_END]);
    off_t offset = lseek(ends[READ_END], 0, SEEK_CUR);
    printf("lseek: %s\n", offset == -1 ? strerror(errno) : "no error");

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
