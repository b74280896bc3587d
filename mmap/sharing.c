/*
 * sharing - a file mapped twice, MAP_SHARED and MAP_PRIVATE, and read.
 *
 * What is written to a shared map is in the file: read(2) finds it at once, and
 * msync(2) is only for the disk. A private map copies a page when it is first
 * written to. Until then it is the file's page, and follows it.
 *
 * See mmap(2), msync(2), read(2).
 */
#define _POSIX_C_SOURCE 200809L

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int file;
static char *shared, *private;

static void
usage(FILE *stream, int status)
{
    fputs("usage: sharing\n"
          "Write to a file and to two maps of it, and see who sees what.\n",
          stream);
    exit(status);
}

static char *
map(int flags)
{
    char *words = mmap(NULL, 4, PROT_READ | PROT_WRITE, flags, file, 0);

    if (words == MAP_FAILED)
        err(EXIT_FAILURE, "mmap");
    return words;
}

static void
show(const char *what)
{
    char words[4];

    if (pread(file, words, 4, 0) != 4)
        err(EXIT_FAILURE, "pread");
    printf("%-24s read %.4s  shared %.4s  private %.4s\n", what, words, shared,
           private);
}

int
main(int argc, char *argv[])
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    if (fcntl(STDOUT_FILENO, F_GETFD) == -1) /* closed: the file would get 1 */
        err(EXIT_FAILURE, "standard output");
    setvbuf(stdout, NULL, _IOLBF, 0);

    FILE *unnamed = tmpfile(); /* it goes with us, whatever ends us */
    if (unnamed == NULL)
        err(EXIT_FAILURE, "tmpfile");
    file = fileno(unnamed);
    if (pwrite(file, "aaaa", 4, 0) != 4)
        err(EXIT_FAILURE, "pwrite");
    shared = map(MAP_SHARED);
    private = map(MAP_PRIVATE);
    show("at first:");

    if (pwrite(file, "b", 1, 0) != 1)
        err(EXIT_FAILURE, "pwrite");
    show("b written to the file:");
    shared[1] = 'c';
    show("c to the shared map:");
    private[2] = 'd';
    show("d to the private map:");
    shared[3] = 'e';
    show("e to the shared map:");

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
