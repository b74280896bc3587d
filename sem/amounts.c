/*
 * amounts - a semaphore is a counter, and not only of one at a time.
 *
 * Any amount up to 32767 may be added, or taken away if there is so much; else
 * semop() sleeps until there is. An amount of 0 changes nothing and sleeps
 * until the counter is 0. It is all that a semaphore holds: no room for data.
 *
 * See semget(2), semop(2), semctl(2), proc(5).
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

static int set = -1;
static sigset_t all;

/* A set outlives its processes. Who still sleeps on it wakes with EIDRM. And
   now a signal may end us. */
static void
remove_set(void)
{
    semctl(set, 0, IPC_RMID);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
}

/* Nobody else can find this set: who could remove it, should a signal kill us?
   We are soon done, so signals can wait. On Linux each semaphore of it is 0. */
static void
make_set(int semaphores)
{
    sigfillset(&all);
    sigdelset(&all, SIGQUIT); /* but Ctrl-\ ends what hangs */
    sigprocmask(SIG_BLOCK, &all, NULL);
    if ((set = semget(IPC_PRIVATE, semaphores, 0600)) == -1)
        err(EXIT_FAILURE, "semget");
    atexit(remove_set); /* fails only for want of memory */
}

static void
show(const char *what, const char *outcome)
{
    int value = semctl(set, 0, GETVAL);

    if (value == -1)
        err(EXIT_FAILURE, "semctl");
    printf("%s: %s: value %d\n", what, outcome, value);
}

/* With IPC_NOWAIT, semop() fails where it would sleep. */
static void
change(const char *what, short amount)
{
    struct sembuf op = {0, amount, IPC_NOWAIT};

    int failed = semop(set, &op, 1) == -1;
    if (failed && errno != EAGAIN && errno != ERANGE)
        err(EXIT_FAILURE, "semop");
    show(what, failed ? strerror(errno) : "done");
}

/* A child sleeps. After Ctrl-Z and fg, semop() fails with EINTR, although we
   have no handler for that: it has to go back to sleep. */
static pid_t
start_sleeper(short amount)
{
    struct sembuf op = {0, amount, 0};
    pid_t parent = getpid(), pid = fork();

    if (pid == -1)
        err(EXIT_FAILURE, "fork");
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody else would end us */
    while (getppid() == parent && semop(set, &op, 1) == -1)
        if (errno != EINTR) {
            warn("the child: semop");
            _exit(EXIT_FAILURE);
        }
    _exit(EXIT_SUCCESS);
}

/* R, S, Z as ps(1) shows it: the first letter after the name. No call waits
   until a process sleeps: look at it once a millisecond. */
static const char *
state_at_rest(pid_t pid)
{
    const struct timespec nap = {.tv_nsec = 1000000};
    static char path[32], state[] = "state R";

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    do {
        nanosleep(&nap, NULL);
        FILE *stat = fopen(path, "r");
        if (stat == NULL || fscanf(stat, "%*d (%*[^)]) %c", &state[6]) != 1)
            err(EXIT_FAILURE, "read %s", path);
        fclose(stat); /* it was only read */
    } while (state[6] != 'S' && state[6] != 'Z');
    return state;
}

static void
join(pid_t child)
{
    int status;

    if (waitpid(child, &status, 0) == -1 || status != 0)
        errx(EXIT_FAILURE, "the child was killed, or failed");
}

int
main(int argc, char *argv[])
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return puts("usage: amounts\nShow which amounts a semaphore takes, and "
                    "which have to wait.") == EOF;
    if (argc > 1)
        errx(2, "usage: amounts");

    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */
    make_set(1);
    show("semget", "a new set");
    change("+5", +5);
    change("-3", -3);
    change("-3 with IPC_NOWAIT", -3);
    change("+32767", +32767);

    pid_t child = start_sleeper(-3);
    show("-3 by a child", state_at_rest(child));
    change("+1", +1);
    join(child);
    change("+2", +2);
    child = start_sleeper(0);
    show("0 by a child", state_at_rest(child));
    change("-1", -1);
    show("0 by the child", state_at_rest(child));
    change("-1", -1);
    join(child);
    show("0 by the child", "done");

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
