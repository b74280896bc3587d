/*
 * family - memory that a child shares with its parent, and memory that it does
 * not.
 *
 * MAP_ANONYMOUS needs no file. The child inherits the map, and so the address:
 * nobody has to find anything by a name. With MAP_SHARED both have the same
 * page, with MAP_PRIVATE whoever writes gets a copy, as of any variable.
 *
 * See mmap(2), fork(2).
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */

#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BYTES = 100 };

static void
usage(FILE *stream, int status)
{
    fputs("usage: family\n"
          "Let a child write to memory that its parent has mapped.\n",
          stream);
    exit(status);
}

static char *
map(int flags)
{
    char *words =
        mmap(NULL, BYTES, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

    if (words == MAP_FAILED)
        err(EXIT_FAILURE, "mmap");
    return words;
}

int
main(int argc, char *argv[])
{
    int status;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */

    char *shared = map(MAP_SHARED), *private = map(MAP_PRIVATE);
    printf("new memory: shared \"%s\", private \"%s\"\n", shared, private);
    pid_t child = fork();
    if (child == -1)
        err(EXIT_FAILURE, "fork");
    if (child == 0) {
        snprintf(shared, BYTES, "from the child");
        snprintf(private, BYTES, "from the child");
        _exit(EXIT_SUCCESS);
    }
    if (waitpid(child, &status, 0) == -1 || status != 0)
        errx(EXIT_FAILURE, "the child is gone before its end");
    printf("a child has written: shared \"%s\", private \"%s\"\n", shared,
           private);

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
