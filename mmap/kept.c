/*
 * kept - what a map outlives, and what ends it.
 *
 * The descriptor is closed and the file has no name: the map stays, and what is
 * written to it is in the file. munmap(2) must be given the address of a page;
 * whether that is the first, and whether anything is there, it does not ask.
 *
 * See mmap(2), munmap(2), unlink(2), msync(2).
 */
#define _POSIX_C_SOURCE 200809L

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t page;

static void
usage(FILE *stream, int status)
{
    fputs("usage: kept\n"
          "Close and remove a mapped file, then unmap it the wrong way.\n",
          stream);
    exit(status);
}

/* msync() fails with ENOMEM where nothing is mapped. */
static const char *
fate(char *at)
{
    return msync(at, page, MS_ASYNC) == 0 ? "mapped" : "gone";
}

static void
unmap(const char *what, char *map, size_t moved)
{
    int result = munmap(map + moved, page);

    printf("munmap of %s: %s; pages 1 to 3: %s, %s, %s\n", what,
           result == -1 ? strerror(errno) : "0", fate(map), fate(map + page),
           fate(map + 2 * page));
}

int
main(int argc, char *argv[])
{
    char words[6] = "";
    struct stat st;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    if (fcntl(STDOUT_FILENO, F_GETFD) == -1) /* closed: the file would get 1 */
        err(EXIT_FAILURE, "standard output");
    setvbuf(stdout, NULL, _IOLBF, 0);

    page = (size_t)sysconf(_SC_PAGESIZE);
    FILE *unnamed = tmpfile(); /* it goes with us, whatever ends us */
    if (unnamed == NULL || ftruncate(fileno(unnamed), (off_t)page * 3) == -1)
        err(EXIT_FAILURE, "tmpfile, ftruncate");
    char *map = mmap(NULL, page * 3, PROT_READ | PROT_WRITE, MAP_SHARED,
                     fileno(unnamed), 0);
    int witness = dup(fileno(unnamed)); /* for the one who looks */
    if (map == MAP_FAILED || witness == -1)
        err(EXIT_FAILURE, "mmap, dup");
    if (fclose(unnamed) == EOF || fstat(witness, &st) == -1)
        err(EXIT_FAILURE, "fclose");
    snprintf(map, page, "Hello");
    if (pread(witness, words, 5, 0) != 5)
        err(EXIT_FAILURE, "pread");
    printf("descriptor closed, %d names: the map is %s, the file has \"%s\"\n",
           (int)st.st_nlink, fate(map), words);

    unmap("the map and 1 byte", map, 1);
    unmap("the map and a page", map, page);
    unmap("the same once more", map, page);
    unmap("the map", map, 0);
    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
