/*
 * order - three processes in turn: A, then B, then C, and again.
 *
 * Each has a semaphore of its own, waits for its turn on it, and then gives the
 * turn to the next. The order comes from who wakes whom; that only one of them
 * is at work at a time comes with it. unordered: each writes when it likes.
 *
 * See semget(2), semop(2).
 */
#define _GNU_SOURCE

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PROCESSES = 3, MOST = 1000000 };

static int set = -1;
static sigset_t signals;

static void
usage(FILE *stream, int status)
{
    fputs("usage: order [-n COUNT] [unordered]\n"
          "Let three processes write A, B and C in turn, COUNT (5) times.\n",
          stream);
    exit(status);
}

/* A set outlives its processes. Who still sleeps on it wakes with EIDRM. */
static void
remove_set(void)
{
    semctl(set, 0, IPC_RMID);
}

/* Nobody else can find this set: who could remove it, should a signal kill us?
   So signals must wait until we do. On Linux each semaphore of it is 0. */
static void
make_set(int semaphores)
{
    sigemptyset(&signals);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */
    if ((set = semget(IPC_PRIVATE, semaphores, 0600)) == -1)
        err(EXIT_FAILURE, "semget");
    atexit(remove_set); /* fails only for want of memory */
}

/* A negative amount sleeps until there is so much. After Ctrl-Z and fg, semop()
   fails with EINTR: go back to sleep. */
static void
add(int semaphore, short amount)
{
    struct sembuf change = {(unsigned short)semaphore, amount, 0};

    while (semop(set, &change, 1) == -1) {
        if (errno == EIDRM || errno == EINVAL)
            _exit(EXIT_FAILURE); /* our parent was told to stop */
        if (errno != EINTR)
            err(EXIT_FAILURE, "semop");
    }
}

/* A child. Without turns it is as fast as it is: C faster than B, and B than A.
 */
static void
take_turns(int me, long count, int ordered)
{
    const struct timespec work = {.tv_nsec = (PROCESSES - me) * 2000000L};
    const char letter = (char)('A' + me);

    for (long i = 0; i < count; i++) {
        if (ordered)
            add(me, -1);
        else
            nanosleep(&work, NULL);
        if (write(STDOUT_FILENO, &letter, 1) == -1)
            err(EXIT_FAILURE, "write standard output");
        if (ordered)
            add((me + 1) % PROCESSES, +1);
    }
    _exit(EXIT_SUCCESS);
}

/* Wait for a signal: a child has ended, or we are told to stop. Then die of the
   same signal, so that the shell learns how we ended. */
static void
join(int children)
{
    int sig, status;

    while (children > 0) {
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid == -1 || (pid > 0 && status != 0))
            errx(EXIT_FAILURE, "a child was killed, or failed");
        children -= pid > 0;
        if (pid > 0 || (sig = sigwaitinfo(&signals, NULL)) == SIGCHLD ||
            sig == -1)
            continue;
        remove_set();
        signal(sig, SIG_DFL);
        raise(sig);
        sigprocmask(SIG_UNBLOCK, &signals, NULL);
    }
}

int
main(int argc, char *argv[])
{
    const pid_t parent = getpid();
    long count = 5;
    char *end;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    for (int opt; (opt = getopt(argc, argv, "n:")) != -1;) {
        if (opt != 'n')
            usage(stderr, 2);
        count = strtol(optarg, &end, 10);
        if (count < 1 || count > MOST || *end != '\0')
            errx(2, "-n %s: not a number from 1 to %d", optarg, MOST);
    }
    const int ordered = argc == optind;
    if (argc > optind + 1 ||
        (!ordered && strcmp(argv[optind], "unordered") != 0))
        usage(stderr, 2);

    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */
    make_set(PROCESSES);
    for (int i = 0; i < PROCESSES; i++) {
        pid_t child = fork();
        if (child == -1)
            err(EXIT_FAILURE, "fork");
        if (child > 0)
            continue;
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody else would end us */
        if (getppid() == parent)
            take_turns(i, count, ordered);
        _exit(EXIT_FAILURE);
    }
    add(0, +1); /* A begins */

    join(PROCESSES);
    if (write(STDOUT_FILENO, "\n", 1) == -1)
        err(EXIT_FAILURE, "write standard output");
    return EXIT_SUCCESS;
}
