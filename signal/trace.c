/*
 * trace - follow a command: its signals, its exec, its end, its system calls.
 *
 * Whatever happens to a traced process stops it, and its tracer is told before
 * it is itself: a debugger and strace(1) live by that. The tracer could change
 * or keep back a signal; this one passes all of them on. It ends as the command
 * does, with its status or of its signal.
 *
 * See ptrace(2), signal(7), waitpid(2), prctl(2).
 */
#define _GNU_SOURCE /* strsignal, PTRACE_O_EXITKILL */

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

/* What PTRACE_GET_SYSCALL_INFO tells; each C library names it differently. */
struct call {
    uint8_t entry;
    uint8_t pad[23];
    uint64_t number;
    uint64_t rest[8];
};

static int calls; /* tell of them, too */

static void
usage(FILE *stream, int status)
{
    fputs(
        "usage: trace [-s] COMMAND [ARGUMENT...]\n"
        "Run a command, and tell of each signal before it is delivered, of\n"
        "exec and of the end; with -s, of each system call before it begins.\n",
        stream);
    exit(status);
}

/* Stopped, we wait for the tracer. Should it be killed before it is one, the
   kernel ends us, too. */
static void
become(char *command[], pid_t tracer)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != tracer)
        _exit(EXIT_FAILURE);
    raise(SIGSTOP);
    execvp(command[0], command);
    int status = errno == ENOENT ? 127 : 126; /* still here: it failed */
    warn("%s", command[0]);
    _exit(status);
}

/* Sleep until the command has stopped or ended. */
static int
next(pid_t pid)
{
    int status;

    if (waitpid(pid, &status, __WALL | WUNTRACED) == -1)
        err(EXIT_FAILURE, "waitpid");
    return status;
}

static void
tell_call(pid_t pid)
{
    struct call call = {0};

    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(call), &call) ==
            -1 &&
        errno != ESRCH) /* it has been killed */
        err(EXIT_FAILURE, "ptrace");
    if (call.entry == 1)
        warnx("system call %d", (int)call.number);
}

/* Tell why it has stopped, and return the signal that it is to get, if any. */
static int
tell(pid_t pid, int status)
{
    int sig = WSTOPSIG(status), event = status >> 16;

    if (event == PTRACE_EVENT_EXEC)
        warnx("exec: the new program is there, and has not begun");
    else if (sig == (SIGTRAP | 0x80)) /* PTRACE_O_TRACESYSGOOD */
        tell_call(pid);
    else if (event == 0) {
        warnx("signal %d, %s", sig, strsignal(sig));
        return sig;
    }
    return 0;
}

/* Let it go on to its next stop. Only if it was stopped as by Ctrl-Z, it is to
   stay so until SIGCONT comes. */
static long
let_go(pid_t pid, int status, int sig)
{
    void *data = (void *)(intptr_t)sig;

    if (status >> 16 == PTRACE_EVENT_STOP && WSTOPSIG(status) != SIGTRAP)
        return ptrace(PTRACE_LISTEN, pid, NULL, NULL);
    if (calls)
        return ptrace(PTRACE_SYSCALL, pid, NULL, data);
    return ptrace(PTRACE_CONT, pid, NULL, data);
}

/* As the command ended, so do we: the shell is to see no difference. */
static void
end_like(int status)
{
    if (WIFEXITED(status)) {
        warnx("exit: status %d", WEXITSTATUS(status));
        exit(WEXITSTATUS(status));
    }
    int sig = WTERMSIG(status);
    warnx("killed by signal %d, %s", sig, strsignal(sig));
    prctl(PR_SET_DUMPABLE, 0); /* one core file is enough */
    signal(sig, SIG_DFL);
    raise(sig);
}

int
main(int argc, char *argv[])
{
    /* Should we be killed, so is the command: it would stay stopped. */
    long options = PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC;
    pid_t tracer = getpid();

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    for (int opt; (opt = getopt(argc, argv, "+s")) != -1;) {
        if (opt != 's')
            usage(stderr, 2);
        calls = 1;
        options |= PTRACE_O_TRACESYSGOOD;
    }
    if (optind == argc)
        usage(stderr, 2);

    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */
    pid_t pid = fork();
    if (pid == -1)
        err(EXIT_FAILURE, "fork");
    if (pid == 0)
        become(argv + optind, tracer);
    signal(SIGINT, SIG_IGN); /* the terminal's signals are for the command */
    signal(SIGQUIT, SIG_IGN);
    next(pid);
    if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)options) == -1) {
        warn("ptrace");
        kill(pid, SIGKILL);
        return EXIT_FAILURE;
    }
    kill(pid, SIGCONT);

    for (int status = 0;;) {
        status = next(pid);
        if (!WIFSTOPPED(status))
            end_like(status);
        if (let_go(pid, status, tell(pid, status)) == -1 && errno != ESRCH)
            err(EXIT_FAILURE, "ptrace"); /* ESRCH: killed meanwhile */
    }
}
