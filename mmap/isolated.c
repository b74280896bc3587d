/*
 * isolated - one address in two processes, and two contents.
 *
 * After fork(2) a variable has the same address in both. At first there is even
 * only one page of memory behind it. Whoever writes gets a copy of the page:
 * from then on it is another one, at the same address.
 *
 * See fork(2), mmap(2), proc_pid_pagemap(5).
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */

#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void
usage(FILE *stream, int status)
{
    fputs("usage: isolated\n"
          "Let parent and child write to the same address.\n",
          stream);
    exit(status);
}

/* pagemap has 8 bytes for each page. Bit 63: it is in memory. Bit 56: nobody
   but us has it mapped. */
static const char *
page_of(volatile int *address)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uint64_t entry = 0;
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

    if (fd == -1 ||
        pread(fd, &entry, 8, (off_t)((uintptr_t)address / page * 8)) == -1)
        err(EXIT_FAILURE, "read /proc/self/pagemap");
    close(fd);
    if (!(entry >> 63 & 1))
        return "not to be seen";
    return entry >> 56 & 1 ? "its own" : "shared";
}

static void
say(const char *who, volatile int *number)
{
    printf("%-20s at %p: %d, in a page that is %s\n", who, (void *)number,
           *number, page_of(number));
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

    /* A page of its own, where nothing else is written to. */
    int *number = mmap(NULL, sizeof(*number), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (number == MAP_FAILED)
        err(EXIT_FAILURE, "mmap");
    *number = 1;
    say("before fork:", number);

    fflush(stdout); /* checked in the end */
    pid_t child = fork();
    if (child == -1)
        err(EXIT_FAILURE, "fork");
    if (child == 0) {
        say("child:", number);
        *number = 2;
        say("child, has set 2:", number);
        if (fflush(stdout) == EOF || ferror(stdout))
            err(EXIT_FAILURE, "standard output");
        _exit(EXIT_SUCCESS);
    }
    if (waitpid(child, &status, 0) == -1 || status != 0)
        errx(EXIT_FAILURE, "the child was killed, or failed");
    say("parent, afterwards:", number);

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
