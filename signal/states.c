/*
 * states - the states of a process as /proc shows them, and ways out of each.
 *
 * R is ready or running: the kernel does not tell them apart. S sleeps until it
 * is woken, D sleeps and is woken by death alone, T was stopped, and Z is dead
 * and not yet waited for. A process in each is sent SIGTERM, and what then.
 *
 * See proc(5), ps(1), signal(7), kill(2), vfork(2), sched_setaffinity(2).
 */
#define _GNU_SOURCE /* CPU_SET, CLONE_VFORK, syscall */

#include <err.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static size_t cpu_here;

static void
usage(FILE *stream, int status)
{
    fputs("usage: states\n"
          "Bring a process into each state, and try to end it with SIGTERM.\n",
          stream);
    exit(status);
}

/* What a child does, to come into its state. */
static void
spin(void)
{
    volatile int forever = 1;

    while (forever)
        ;
}

static void
sleep_in_pause(void)
{
    for (;;)
        pause();
}

/* As vfork() does: the kernel lets the parent sleep until its child has ended,
   or become another program. This one only does so when we are dead. */
static void
sleep_in_vfork(void)
{
    pid_t parent = getpid();

    if (syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0) == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent)
            sleep_in_pause();
    }
}

static void
end(void)
{
    _exit(EXIT_SUCCESS);
}

/* All on the same CPU: those that spin take turns, one runs, one is ready. */
static pid_t
start(void (*live)(void))
{
    pid_t parent = getpid(), pid = fork();
    cpu_set_t cpu;

    if (pid == -1)
        err(EXIT_FAILURE, "fork");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody else would end us */
        signal(SIGTERM, SIG_DFL);
        if (getppid() == parent)
            live();
        _exit(EXIT_FAILURE);
    }
    CPU_ZERO(&cpu);
    CPU_SET(cpu_here, &cpu);
    if (sched_setaffinity(pid, sizeof(cpu), &cpu) == -1)
        err(EXIT_FAILURE, "sched_setaffinity");
    return pid;
}

/* R, S, Z as ps(1) shows it: the first letter after the name. */
static char
state(pid_t pid)
{
    char file[32], letter;

    snprintf(file, sizeof(file), "/proc/%d/stat", (int)pid);
    FILE *stat = fopen(file, "r");
    if (stat == NULL && errno == ENOENT)
        return '-'; /* no such process */
    if (stat == NULL || fscanf(stat, "%*d (%*[^)]) %c", &letter) != 1)
        err(EXIT_FAILURE, "read %s", file);
    fclose(stat);
    return letter;
}

/* Show the state. No call waits for one: look at it each hundredth of a second,
   for a second at most, and once more: it might not last. */
static void
show(const char *what, pid_t pid, char expected)
{
    const struct timespec nap = {.tv_nsec = 10000000};

    for (int i = 0; i < 100 && state(pid) != expected; i++)
        nanosleep(&nap, NULL);
    nanosleep(&nap, NULL);
    printf("%s: %c\n", what, state(pid));
}

static void
send(const char *what, int sig, pid_t pid, char expected)
{
    if (kill(pid, sig) == -1)
        err(EXIT_FAILURE, "kill");
    show(what, pid, expected);
}

int
main(int argc, char *argv[])
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be no zombies */
    cpu_here = (size_t)sched_getcpu();

    pid_t running = start(spin), ready = start(spin);
    show("spins", running, 'R');
    show("spins on the same CPU", ready, 'R');
    send("  SIGSTOP", SIGSTOP, ready, 'T');
    send("  SIGTERM", SIGTERM, ready, 'T'); /* stays pending */
    send("  SIGCONT", SIGCONT, ready, 'Z');

    pid_t sleeping = start(sleep_in_pause);
    show("sleeps in pause", sleeping, 'S');
    send("  SIGSTOP", SIGSTOP, sleeping, 'T');
    send("  SIGCONT", SIGCONT, sleeping, 'S');
    send("  SIGTERM", SIGTERM, sleeping, 'Z');

    pid_t waiting = start(sleep_in_vfork);
    show("waits in vfork", waiting, 'D');
    send("  SIGTERM", SIGTERM, waiting, 'Z'); /* and so does its child */

    pid_t ended = start(end);
    show("has ended", ended, 'Z');
    send("  SIGKILL", SIGKILL, ended, 'Z');
    if (waitpid(ended, NULL, 0) == -1)
        err(EXIT_FAILURE, "waitpid");
    show("  waitpid", ended, '-');

    kill(running, SIGKILL);
    kill(waiting, SIGKILL); /* it has ended, unless its kernel is an old one */
    for (int i = 0; i < 4; i++) /* the zombies are among them */
        if (wait(NULL) == -1)
            err(EXIT_FAILURE, "wait");
    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
