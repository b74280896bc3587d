/*
 * to-parent - run a command and copy what it prints to standard output.
 *
 * What popen(3), or the shell's $(command), does: a child whose standard output
 * is a pipe becomes the command, which knows nothing of it. Ends as the command
 * ended: 127 if there is none, 126 if it cannot run, 128 + a signal's number.
 *
 * See contract.h, pipe(2), dup(2), exec(3), wait(2), popen(3), prctl(2).
 */
#define _GNU_SOURCE /* pipe2 */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract.h"

static void
usage(FILE *stream, int status)
{
    fputs("usage: to-parent COMMAND [ARG...]\n"
          "Run COMMAND and copy what it prints, through a pipe.\n",
          stream);
    exit(status);
}

/* In the child. Descriptors survive exec; 1 is the pipe from now on. */
static void
become(char *command[], int output, pid_t parent)
{
    /* Neither call can fail. Ignored signals stay ignored over exec. */
    signal(SIGPIPE, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* our parent's end is ours, */
    if (getppid() != parent)          /* even if it came before that line */
        _exit(EXIT_FAILURE);
    if (dup2(output, STDOUT_FILENO) != -1)
        execvp(command[0], command);
    int status = errno == ENOENT ? 127 : 126; /* still here: it failed */
    warn("exec %s", command[0]);
    _exit(status);
}

/* read() returns 0 when the last process that could write has closed: the
   command, and whoever has inherited its standard output. */
static void
copy(int from, int to)
{
    char buf[65536];
    long long bytes = 0, reads = 0;
    ssize_t got, put;

    while ((got = read(from, buf, sizeof(buf))) > 0) {
        for (ssize_t done = 0; done < got; done += put)
            if ((put = write(to, buf + done, (size_t)(got - done))) == -1)
                err(EXIT_FAILURE, "write standard output");
        bytes += got;
        reads++;
    }
    if (got == -1)
        err(EXIT_FAILURE, "read from the command");
    warnx("end of file: %lld bytes in %lld reads", bytes, reads);
}

int
main(int argc, char *argv[])
{
    pid_t parent = getpid();
    int ends[2], status;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (getopt(argc, argv, "+") != -1 || argc == optind) /* +: COMMAND's own */
        usage(stderr, 2);

    /* exec closes both: the command gets a copy of one, as its output. */
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */
    if (pipe2(ends, O_CLOEXEC) == -1)
        err(EXIT_FAILURE, "pipe2");
    pid_t child = fork();
    if (child == -1)
        err(EXIT_FAILURE, "fork");
    if (child == 0)
        become(argv + optind, ends[WRITE_END], parent);

    close(
        ends[WRITE_END]); /* or we would be a writer, and wait for ourselves */
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */
    copy(ends[READ_END], STDOUT_FILENO);

    if (waitpid(child, &status, 0) == -1)
        err(EXIT_FAILURE, "waitpid");
    if (!WIFSIGNALED(status))
        return WEXITSTATUS(status);
    warnx("%s: killed by signal %d", argv[optind], WTERMSIG(status));
    return 128 + WTERMSIG(status);
}
