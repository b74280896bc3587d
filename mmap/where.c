/*
 * where - the addresses of a process, which differ from run to run.
 *
 * All processes have the same range of addresses; where in it the kernel puts
 * things is chance, so that nobody can know it beforehand. With "fixed" we ask
 * it not to, and run ourselves again: then it is the same each time.
 *
 * See personality(2), execve(2), setarch(8), proc(5), randomize_va_space.
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <unistd.h>

static int variable;

static void
usage(FILE *stream, int status)
{
    fputs("usage: where [fixed]\n"
          "Show where things are in memory, by chance or in fixed places.\n",
          stream);
    exit(status);
}

/* What is set stays over exec, and only then takes effect. */
static void
run_again_unless_fixed(char *argv[])
{
    int now = personality(0xffffffff); /* only asks */

    if (now == -1 || now & ADDR_NO_RANDOMIZE)
        return;
    if (personality((unsigned long)now | ADDR_NO_RANDOMIZE) == -1)
        err(EXIT_FAILURE, "personality");
    execv("/proc/self/exe", argv);
    err(EXIT_FAILURE, "execv /proc/self/exe");
}

int
main(int argc, char *argv[])
{
    int local = 0;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc == 2 && strcmp(argv[1], "fixed") == 0)
        run_again_unless_fixed(argv);
    else if (argc > 1)
        usage(stderr, 2);
    setvbuf(stdout, NULL, _IOLBF, 0);

    void *heap = malloc(1),
         *map = mmap(NULL, 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (heap == NULL || map == MAP_FAILED)
        err(EXIT_FAILURE, "malloc, mmap");
    printf("code      %p\n", (void *)(unsigned long)main);
    printf("variable  %p\n", (void *)&variable);
    printf("heap      %p\n", heap);
    printf("map       %p\n", map);
    printf("library   %p\n", (void *)(unsigned long)puts);
    printf("stack     %p\n", (void *)&local);
    free(heap);

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
