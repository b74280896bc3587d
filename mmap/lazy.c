/*
 * lazy - 160 GiB of addresses, and no memory until it is touched.
 *
 * Forty maps of 4 GiB, as if forty processes of the old kind had all that they
 * can address. An address is a promise; the kernel finds a page for it when it
 * is first touched. It may refuse to promise more than ulimit -v or its policy
 * of overcommitting allows.
 *
 * See mmap(2), getrlimit(2), proc(5): smaps_rollup, overcommit_memory.
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS, MAP_NORESERVE */

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAPS = 40, TOUCHED = 64 << 20 };

#define MAP_BYTES ((size_t)4 << 30)

static void
usage(FILE *stream, int status)
{
    fputs("usage: lazy\n"
          "Map 160 GiB, touch 64 MiB of it, and count the memory in use.\n",
          stream);
    exit(status);
}

/* KiB of memory that we have now: Rss, the resident set size. */
static long
resident(void)
{
    char line[256];
    long kib = -1;
    FILE *rollup = fopen("/proc/self/smaps_rollup", "r");

    if (rollup == NULL)
        err(EXIT_FAILURE, "open /proc/self/smaps_rollup");
    while (kib == -1 && fgets(line, sizeof(line), rollup) != NULL)
        if (sscanf(line, "Rss: %ld", &kib) != 1)
            kib = -1;
    if (kib == -1)
        err(EXIT_FAILURE, "read /proc/self/smaps_rollup");
    fclose(rollup);
    return kib;
}

static void
show(const char *what, long before)
{
    printf("%s: %.0f MiB of memory\n", what,
           (double)(resident() - before) / 1024.0);
}

int
main(int argc, char *argv[])
{
    char *map = NULL;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    setvbuf(stdout, NULL, _IOLBF, 0);

    const long before = resident();
    for (int i = 0; i < MAPS; i++) {
        map = mmap(NULL, MAP_BYTES, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (map == MAP_FAILED)
            err(EXIT_FAILURE, "mmap, after %d GiB", 4 * i);
    }
    show("160 GiB mapped", before);
    for (size_t at = 0; at < TOUCHED; at += 4096) /* once in each page */
        map[at] = 1;
    show("64 MiB of it written to", before);
    if (madvise(map, TOUCHED, MADV_DONTNEED) == -1)
        err(EXIT_FAILURE, "madvise");
    show("given back, still mapped", before);

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
