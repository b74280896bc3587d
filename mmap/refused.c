/*
 * refused - what mmap(2) does not do, and why: a table of its errors.
 *
 * Files are opened in three ways, and mapped as well as that allows, or better.
 * A descriptor may be none, or of something that has no pages. In the end the
 * result of a failed call is used all the same, by a child.
 *
 * See mmap(2), mprotect(2), open(2), errno(3).
 */
#define _GNU_SOURCE /* MAP_ANONYMOUS */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE };

static void
usage(FILE *stream, int status)
{
    fputs("usage: refused\n"
          "Ask mmap for what it cannot do, and see how it says so.\n",
          stream);
    exit(status);
}

static void *
try(const char *what, size_t length, int prot, int flags, int fd, off_t offset)
{
    void *map = mmap(NULL, length, prot, flags, fd, offset);

    printf("%s: %s\n", what, map == MAP_FAILED ? strerror(errno) : "done");
    return map;
}

/* The file has no name to open it by, but /proc has one for each descriptor. */
static int
open_again(int file, int flags)
{
    char path[40];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    int fd = open(path, flags);
    if (fd == -1)
        err(EXIT_FAILURE, "open %s", path);
    return fd;
}

/* Who does not look at the result. */
static void
use(volatile char *map)
{
    pid_t child = fork();
    int status;

    if (child == -1)
        err(EXIT_FAILURE, "fork");
    if (child == 0) {
        prctl(PR_SET_DUMPABLE, 0); /* no core file: this is no accident */
        signal(SIGSEGV, SIG_DFL);
        *map = 'x';
        _exit(EXIT_SUCCESS);
    }
    if (waitpid(child, &status, 0) == -1)
        err(EXIT_FAILURE, "waitpid");
    printf("MAP_FAILED is %s, and who writes to it: %s\n",
           map == NULL ? "NULL" : "not NULL, but -1",
           WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "lives");
}

int
main(int argc, char *argv[])
{
    const off_t page = sysconf(_SC_PAGESIZE);
    int ends[2];

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    if (fcntl(STDOUT_FILENO, F_GETFD) == -1) /* closed: the file would get 1 */
        err(EXIT_FAILURE, "standard output");
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */

    FILE *unnamed = tmpfile(); /* it goes with us, whatever ends us */
    int dir = open(".", O_RDONLY);
    if (unnamed == NULL || ftruncate(fileno(unnamed), 5000) == -1 ||
        dir == -1 || pipe(ends) == -1)
        err(EXIT_FAILURE, "tmpfile, ftruncate, open, pipe");
    int file = fileno(unnamed), in = open_again(file, O_RDONLY),
        out = open_again(file, O_WRONLY);

    try("offset 0, length 100", 100, RW, MAP_SHARED, file, 0);
    try("offset 512", 100, RW, MAP_SHARED, file, 512);
    try("offset 1000", 100, RW, MAP_SHARED, file, 1000);
    try("offset of a page", 100, RW, MAP_SHARED, file, page);
    try("offset of 100 pages, beyond the end", 100, RW, MAP_SHARED, file,
        100 * page);
    try("length 0", 0, RW, MAP_SHARED, file, 0);
    try("neither shared nor private", 100, RW, 0, file, 0);
    try("O_WRONLY, shared, to write", 100, PROT_WRITE, MAP_SHARED, out, 0);
    try("O_WRONLY, private, for nothing", 100, PROT_NONE, MAP_PRIVATE, out, 0);
    void *map =
        try("O_RDONLY, shared, to read", 100, PROT_READ, MAP_SHARED, in, 0);
    printf("the same, made to write by mprotect: %s\n",
           mprotect(map, 100, RW) == -1 ? strerror(errno) : "done");
    try("O_RDONLY, shared, to write", 100, RW, MAP_SHARED, in, 0);
    try("O_RDONLY, private, to write", 100, RW, MAP_PRIVATE, in, 0);
    try("a pipe", 100, PROT_READ, MAP_SHARED, ends[0], 0);
    try("a directory", 100, PROT_READ, MAP_SHARED, dir, 0);
    try("more than there are addresses", (size_t)-1 / 2, PROT_READ, MAP_SHARED,
        file, 0);
    use(try("no descriptor", 100, RW, MAP_SHARED, -1, 0));

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
