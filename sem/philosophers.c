/*
 * philosophers - five at a round table, and a fork between each two.
 *
 * Who eats needs the forks on both sides. naive: each takes the left one, then
 * waits for the right one. Once all hold a left one, nobody will ever eat. The
 * cure: one semop() takes both forks, or sleeps and holds none.
 *
 * See semop(2), semtimedop(2).
 */
#define _GNU_SOURCE /* semtimedop */

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

/* The set: a fork each, and how many have not yet sat down or taken a fork. */
enum { SEATS = 5, MEALS = 1000, LATE = SEATS };

static int set = -1;
static sigset_t all;
static volatile char *used; /* forks: parent and children share them */

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

/* Change one semaphore, or two at once. After Ctrl-Z and fg, semop() fails with
   EINTR: go back to sleep. With a deadline, say whether it came to pass. */
static int
change(int one, int other, short amount, const struct timespec *deadline)
{
    struct sembuf ops[] = {{(unsigned short)one, amount, 0},
                           {(unsigned short)other, amount, 0}};

    while (semtimedop(set, ops, one == other ? 1 : 2, deadline) == -1) {
        if (errno == EAGAIN)
            return 0;
        if (errno != EINTR)
            err(EXIT_FAILURE, "semop");
    }
    return 1;
}

/* Were a fork in two hands, somebody would see it here. */
static void
eat(int left, int right)
{
    if (used[left]++ != 0 || used[right]++ != 0)
        errx(EXIT_FAILURE, "a fork is in two hands");
    used[left]--;
    used[right]--;
}

static void
dine(int left, int right)
{
    change(LATE, LATE, -1, NULL);
    change(LATE, LATE, 0, NULL); /* sleep until nobody is late */
    for (int i = 0; i < MEALS; i++) {
        change(left, right, -1, NULL);
        eat(left, right);
        change(left, right, +1, NULL);
    }
    _exit(EXIT_SUCCESS);
}

/* The deadline turns the hang into a finding. */
static void
dine_naively(int left, int right)
{
    const struct timespec deadline = {.tv_nsec = 100000000};

    change(left, left, -1, NULL);
    change(LATE, LATE, -1, NULL);
    change(LATE, LATE, 0, NULL); /* by bad luck it happens without this, too */
    if (change(right, right, -1, &deadline))
        errx(EXIT_FAILURE, "the fork on the right was free");
    _exit(EXIT_SUCCESS);
}

int
main(int argc, char *argv[])
{
    const int naive = argc == 2 && strcmp(argv[1], "naive") == 0;
    const pid_t parent = getpid();
    int status;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return puts("usage: philosophers [naive]\nLet five eat with five "
                    "forks, each needing two of them.") == EOF;
    if (argc > 2 || (argc == 2 && !naive))
        errx(2, "usage: philosophers [naive]");

    used = mmap(NULL, SEATS, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                -1, 0);
    if (used == MAP_FAILED)
        err(EXIT_FAILURE, "mmap");
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */
    make_set(SEATS + 1);
    change(LATE, LATE, SEATS, NULL);
    for (int i = 0; i < SEATS; i++)
        change(i, i, +1, NULL);
    for (int i = 0; i < SEATS; i++) {
        pid_t child = fork();
        if (child == -1)
            err(EXIT_FAILURE, "fork");
        if (child > 0)
            continue;
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody else would end us */
        if (getppid() == parent)
            (naive ? dine_naively : dine)(i, (i + 1) % SEATS);
        _exit(EXIT_FAILURE);
    }

    for (int i = 0; i < SEATS; i++)
        if (wait(&status) == -1 || status != 0)
            errx(EXIT_FAILURE, "a philosopher was killed, or failed");
    if (naive)
        printf("deadlock: %d hold the left fork and wait for the right one\n",
               SEATS);
    else
        printf("%d philosophers have eaten %d times each\n", SEATS, MEALS);
    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
