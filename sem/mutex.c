/*
 * mutex - let one process at a time change what two of them share.
 *
 * Each reads a counter, and writes back one more. Who reads while the other is
 * between its read and its write makes the other's update void. A semaphore of
 * 1 keeps them apart: who takes it makes it 0, and the next one sleeps.
 *
 * See semget(2), semop(2), mmap(2).
 */
#define _GNU_SOURCE /* MAP_ANONYMOUS */

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PROCESSES = 2, ROUNDS = 1000 };

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

/* -1 takes, and sleeps while it is 0; +1 gives back. After Ctrl-Z and fg,
   semop() fails with EINTR: go back to sleep. */
static void
add(short amount)
{
    struct sembuf change = {0, amount, 0};

    while (semop(set, &change, 1) == -1)
        if (errno != EINTR)
            err(EXIT_FAILURE, "semop");
}

/* A child. A microsecond between read and write is as if there were much to
   work out; without it, most runs would lose nothing, by luck. */
static void
count(volatile int *counter, int locked)
{
    const struct timespec work = {.tv_nsec = 1000};

    for (int i = 0; i < ROUNDS; i++) {
        if (locked)
            add(-1);
        int seen = *counter;
        nanosleep(&work, NULL);
        *counter = seen + 1;
        if (locked)
            add(+1);
    }
    _exit(EXIT_SUCCESS);
}

int
main(int argc, char *argv[])
{
    const int locked = argc == 1;
    const pid_t parent = getpid();
    int status;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return puts("usage: mutex [unlocked]\nLet two processes count "
                    "together, one at a time, or unlocked.") == EOF;
    if (argc > 2 || (!locked && strcmp(argv[1], "unlocked") != 0))
        errx(2, "usage: mutex [unlocked]");

    volatile int *counter = mmap(NULL, sizeof(*counter), PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (counter == MAP_FAILED)
        err(EXIT_FAILURE, "mmap");
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */
    make_set(1);
    for (int i = 0; i < PROCESSES; i++) {
        pid_t child = fork();
        if (child == -1)
            err(EXIT_FAILURE, "fork");
        if (child > 0)
            continue;
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody else would end us */
        if (getppid() == parent)
            count(counter, locked);
        _exit(EXIT_FAILURE);
    }
    add(+1); /* now the first may go on */

    for (int i = 0; i < PROCESSES; i++)
        if (wait(&status) == -1 || status != 0)
            errx(EXIT_FAILURE, "a child was killed, or failed");
    printf("%d processes added 1, %d times each: %d, lost %d\n", PROCESSES,
           ROUNDS, *counter, PROCESSES * ROUNDS - *counter);
    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
