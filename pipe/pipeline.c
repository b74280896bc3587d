/*
 * pipeline - run commands side by side, each reading what the last one prints.
 *
 * What the shell does for cmd | cmd | cmd. The commands are siblings, children
 * of this process, which makes the pipes and must let go of them. With -l it
 * keeps the write ends: whoever reads to end of file waits for ever. It ends as
 * its last command: 127 if there is none, 126 if it cannot run, 128 + a signal.
 *
 * See contract.h, pipe(2), dup(2), exec(3), wait(2), prctl(2), pidfd_open(2).
 */
#define _GNU_SOURCE /* pipe2, syscall */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract.h"

static void
usage(FILE *stream, int status)
{
    fputs("usage: pipeline [-l] COMMAND [ARG...] [-- COMMAND [ARG...]]...\n"
          "Join commands by pipes. -l: keep the write ends: who hangs?\n",
          stream);
    exit(status);
}

/* Cut the words at each "--". Returns how many commands that makes. */
static int
split(char *words[], char **commands[])
{
    int count = 0;

    for (char **word = commands[0] = words;; word++) {
        int end = *word == NULL;
        if (!end && strcmp(*word, "--") != 0)
            continue;
        if (commands[count++] == word)
            usage(stderr, 2); /* no words: no command */
        if (end)
            return count;
        *word = NULL; /* as exec wants it */
        commands[count] = word + 1;
    }
}

/* exec closes the pipes' own descriptors: the command's 0 and 1 are copies. */
static pid_t
start(char *command[], int input, int output)
{
    pid_t parent = getpid(), child = fork();

    if (child == -1)
        err(EXIT_FAILURE, "fork");
    if (child > 0)
        return child;
    /* Neither call can fail. Ignored signals stay ignored over exec. */
    signal(SIGPIPE, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* our parent's end is ours, */
    if (getppid() != parent)          /* even if it came before that line */
        _exit(EXIT_FAILURE);
    if (dup2(input, STDIN_FILENO) != -1 && dup2(output, STDOUT_FILENO) != -1)
        execvp(command[0], command);
    int status = errno == ENOENT ? 127 : 126; /* still here: it failed */
    warn("exec %s", command[0]);
    _exit(status);
}

/* waitpid() has no deadline; poll() on a process has, and takes none away. */
static int
hangs(pid_t child)
{
    struct pollfd fd = {.fd = (int)syscall(SYS_pidfd_open, child, 0),
                        .events = POLLIN};
    int ready;

    if (fd.fd == -1 || (ready = poll(&fd, 1, 1000)) == -1)
        err(EXIT_FAILURE, "pidfd_open, poll");
    close(fd.fd);
    return ready == 0;
}

static int
status_of(pid_t child)
{
    int status;

    if (waitpid(child, &status, 0) == -1)
        err(EXIT_FAILURE, "waitpid");
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int
main(int argc, char *argv[])
{
    int leak = 0, hung = 0, status = 0, input = STDIN_FILENO;
    static char line[BUFSIZ];

    /* One write for each message: several processes speak at once. */
    setvbuf(stderr, line, _IOLBF, sizeof(line));
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    for (int opt; (opt = getopt(argc, argv, "+l")) != -1; leak = 1)
        if (opt != 'l')
            usage(stderr, 2);

    for (int fd = 0; fd < 3; fd++) /* closed: a pipe would get its number */
        if (fcntl(fd, F_GETFD) == -1)
            err(EXIT_FAILURE, "descriptor %d", fd);

    char **commands[argc]; /* there cannot be more of them than words */
    pid_t children[argc];
    int last = split(argv + optind, commands) - 1;

    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */
    for (int i = 0; i <= last; i++) {
        int ends[2] = {-1, STDOUT_FILENO};
        if (i < last && pipe2(ends, O_CLOEXEC) == -1)
            err(EXIT_FAILURE, "pipe2");
        children[i] = start(commands[i], input, ends[WRITE_END]);
        if (i > 0)
            close(input);
        if (i < last && !leak)
            close(ends[WRITE_END]); /* now its command is the only writer */
        input = ends[READ_END];
    }

    /* When one command has ended, the next should see end of file and end. */
    for (int i = 0; i <= last; i++) {
        char **name = commands[i];
        if (leak && i > 0 && hangs(children[i])) {
            warnx("%s hangs: we hold its write end: no end of file", *name);
            kill(children[i], SIGKILL);
            hung = 1;
        }
        status = status_of(children[i]);
        warnx("%s: status %d", *name, status);
    }
    return hung ? EXIT_FAILURE : status;
}
