/*
 * poke - write into the memory of another process.
 *
 * Isolation is no wall between the programs of one user. The kernel asks, as
 * for a debugger: is it the same user, has the program not changed its rights,
 * does Yama allow it (ptrace_scope), or have we CAP_SYS_PTRACE?
 *
 * See process_vm_writev(2), ptrace(2), capabilities(7).
 */
#define _GNU_SOURCE /* process_vm_writev */

#include <err.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "contract.h"

static void
usage(FILE *stream, int status)
{
    fputs("usage: poke PID ADDRESS TEXT\n"
          "Write TEXT to ADDRESS in the memory of the process PID.\n",
          stream);
    exit(status);
}

int
main(int argc, char *argv[])
{
    char *end;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc != 4)
        usage(stderr, 2);
    const long pid = strtol(argv[1], &end, 10);
    if (pid < 1 || pid > INT32_MAX || *end != '\0')
        errx(2, "%s: not the number of a process", argv[1]);
    errno = 0;
    const uintptr_t address = strtoull(argv[2], &end, 16);
    if (address == 0 || errno != 0 || *end != '\0' || strchr(argv[2], '-'))
        errx(2, "%s: not an address like 0x1234", argv[2]);
    const size_t bytes = strlen(argv[3]) + 1;
    if (bytes > POKE_BYTES)
        errx(2, "%s: victim has room for %d bytes", argv[3], POKE_BYTES - 1);

    struct iovec here = {.iov_base = argv[3], .iov_len = bytes};
    struct iovec there = {.iov_base = (void *)address, .iov_len = bytes};
    ssize_t put = process_vm_writev((pid_t)pid, &here, 1, &there, 1, 0);
    if (put == -1 && errno == EPERM)
        warnx("process %ld has another user or other rights, or Yama forbids:\n"
              "/proc/sys/kernel/yama/ptrace_scope is not 0 (try victim open)",
              pid);
    if (put == -1)
        err(EXIT_FAILURE, "process_vm_writev to %ld", pid);
    if ((size_t)put < bytes)
        errx(EXIT_FAILURE, "only %zd of %zu bytes could be written", put,
             bytes);
    warnx("%zd bytes written to process %ld", put, pid);
    return EXIT_SUCCESS;
}
