/*
 * edges - how far a map may be written to, for files of several lengths.
 *
 * A map is made of pages. The bytes up to the file's length are the file's, the
 * rest of its last page is there but goes nowhere, on the pages after that a
 * touch is SIGBUS, and beyond the map SIGSEGV. Each touch is made by a child,
 * as it may be the end of it.
 *
 * See mmap(2), ftruncate(3), sysconf(3), signal(7).
 */
#define _POSIX_C_SOURCE 200809L

#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void
usage(FILE *stream, int status)
{
    fputs("usage: edges\n"
          "Write to the first and last bytes of the pages of a map, and see\n"
          "what becomes of them, or of the writer.\n",
          stream);
    exit(status);
}

/* Zeroes of that length; what was there is forgotten. */
static void
set_length(int file, off_t length)
{
    if (ftruncate(file, 0) == -1 || ftruncate(file, length) == -1)
        err(EXIT_FAILURE, "ftruncate");
}

/* What became of a byte, or of the child that wrote to it. */
static const char *
write_to(char *map, int file, off_t at)
{
    pid_t child = fork();
    int status;
    char c = 0;

    if (child == -1)
        err(EXIT_FAILURE, "fork");
    if (child == 0) {
        prctl(PR_SET_DUMPABLE, 0); /* no core file: this is no accident */
        signal(SIGBUS, SIG_DFL);
        signal(SIGSEGV, SIG_DFL);
        *(volatile char *)(map + at) = 'x';
        _exit(EXIT_SUCCESS);
    }
    if (waitpid(child, &status, 0) == -1)
        err(EXIT_FAILURE, "waitpid");
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS)
        return "SIGBUS";
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV)
        return "SIGSEGV";
    if (status != 0)
        errx(EXIT_FAILURE, "the child was killed");
    if (pread(file, &c, 1, at) == -1)
        err(EXIT_FAILURE, "pread");
    return c == 'x' ? "kept" : "lost";
}

int
main(int argc, char *argv[])
{
    const off_t page = sysconf(_SC_PAGESIZE);
    const off_t bytes[] = {0, page - 1, page, 2 * page - 1, 2 * page, 3 * page};
    const off_t lengths[] = {0, 1, page, page + 904, 2 * page};

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    if (fcntl(STDOUT_FILENO, F_GETFD) == -1) /* closed: the file would get 1 */
        err(EXIT_FAILURE, "standard output");
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */

    FILE *unnamed = tmpfile(); /* it goes with us, whatever ends us */
    if (unnamed == NULL)
        err(EXIT_FAILURE, "tmpfile");
    int file = fileno(unnamed);
    /* Four pages, of which the last is given back: there nothing is left. */
    char *map = mmap(NULL, (size_t)page * 4, PROT_READ | PROT_WRITE, MAP_SHARED,
                     file, 0);
    if (map == MAP_FAILED || munmap(map + 3 * page, (size_t)page) == -1)
        err(EXIT_FAILURE, "mmap, munmap");
    printf("a map of %lld bytes\n", 3LL * page);
    printf("%-9s", "byte");
    for (int i = 0; i < 6; i++)
        printf("%8lld", (long long)bytes[i]);
    putchar('\n');
    for (int i = 0; i < 5; i++) {
        set_length(file, lengths[i]);
        printf("file %4lld", (long long)lengths[i]);
        for (int j = 0; j < 6; j++)
            printf("%8s", write_to(map, file, bytes[j]));
        putchar('\n');
    }
    set_length(file, 0);
    printf("the empty file, byte 0: %s\n", write_to(map, file, 0));
    set_length(file, 1);
    printf("made 1 byte long under the map, byte 0: %s\n",
           write_to(map, file, 0));

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
