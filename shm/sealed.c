/*
 * sealed - memory that can be trusted, as its giver cannot change it any more.
 *
 * A mapped file that another process shortens kills who touches it (SIGBUS),
 * and what has been checked may change afterwards. A memfd is a file without a
 * name whose owner can seal it: no byte of it will change, nor its size, and
 * the seals cannot be broken. It is handed over as a descriptor.
 *
 * See memfd_create(2), fcntl(2), mmap(2), unix(7).
 */
#define _GNU_SOURCE /* memfd_create, F_ADD_SEALS */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL };

static void
usage(FILE *stream, int status)
{
    fputs("usage: sealed\n"
          "Seal a piece of memory and hand it to another process.\n",
          stream);
    exit(status);
}

static void
result(const char *what, int failed)
{
    printf("%s: %s\n", what, failed ? strerror(errno) : "done");
}

/* Everything that would change it. */
static void
try_all(int fd)
{
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    result("  write", pwrite(fd, "h", 1, 0) == -1);
    result("  make it shorter", ftruncate(fd, 4) == -1);
    result("  make it longer", ftruncate(fd, 4096) == -1);
    result("  map it to write", memory == MAP_FAILED);
    if (memory != MAP_FAILED)
        munmap(memory, 4096);
}

/* The other process, a child here. It trusts the seals, not who gave them. */
static void
receive(int fd)
{
    struct stat st;

    if ((fcntl(fd, F_GET_SEALS) & SEALS) != SEALS || fstat(fd, &st) == -1)
        errx(EXIT_FAILURE, "this is not sealed");
    const char *words =
        mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (words == MAP_FAILED)
        err(EXIT_FAILURE, "mmap");
    printf("the receiver finds it sealed, and reads \"%.*s\"\n",
           (int)st.st_size, words);
    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    _exit(EXIT_SUCCESS);
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
    if (fcntl(STDOUT_FILENO, F_GETFD) == -1) /* closed: the memfd would get 1 */
        err(EXIT_FAILURE, "standard output");

    int fd = memfd_create("sealed", MFD_ALLOW_SEALING | MFD_CLOEXEC);
    if (fd == -1 || write(fd, "Hello", 5) == -1)
        err(EXIT_FAILURE, "memfd_create, write");
    printf("not yet sealed\n");
    try_all(fd);
    if (pwrite(fd, "Hello", 5, 0) == -1 || ftruncate(fd, 5) == -1 ||
        fcntl(fd, F_ADD_SEALS, SEALS) == -1)
        err(EXIT_FAILURE, "pwrite, ftruncate, F_ADD_SEALS");
    printf("sealed\n");
    try_all(fd);

    pid_t child = fork(); /* it inherits the descriptor: see socket/fd-sender */
    if (child == -1)
        err(EXIT_FAILURE, "fork");
    if (child == 0)
        receive(fd);
    if (waitpid(child, &status, 0) == -1)
        err(EXIT_FAILURE, "waitpid");
    if (status != 0)
        errx(EXIT_FAILURE, "the child is gone before its end");

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
