/*
 * init - "whoever comes first makes it" is not enough for semaphores.
 *
 * semget() makes a set, and another call gives it its first value. Whoever
 * comes between the two finds a set that is not ready; who sets the value once
 * more lets a second process in. The cure: IPC_EXCL tells who has made the set,
 * and sem_otime, 0 until the first semop(), whether it is ready. naive does
 * without. Here the second always comes at the worst moment.
 *
 * See semget(2), semop(2), semctl(2).
 */
#define _GNU_SOURCE

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* semctl() wants it as its last argument, and leaves it to us to declare it. */
union semun {
    int val;
    struct semid_ds *buf;
    unsigned short *array;
};

static key_t key;
static int set = -1;
static sigset_t all;

/* A set outlives its processes. And now a signal may end us. */
static void
remove_set(void)
{
    semctl(set, 0, IPC_RMID);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
}

static void
find(const char *who, int flags)
{
    set = semget(key, 1, IPC_CREAT | flags | 0600);
    printf("%s: semget: %s\n", who, set == -1 ? strerror(errno) : "returns");
    if (set == -1 && (set = semget(key, 1, 0)) == -1)
        err(EXIT_FAILURE, "semget");
}

static void
set_value(const char *who)
{
    printf("%s: SETVAL 1\n", who);
    if (semctl(set, 0, SETVAL, (union semun){.val = 1}) == -1)
        err(EXIT_FAILURE, "semctl");
}

/* With IPC_NOWAIT, semop() fails where it would sleep. */
static void
take(const char *who)
{
    struct sembuf minus = {0, -1, IPC_NOWAIT};
    int done = semop(set, &minus, 1);

    printf("%s: takes it: %s\n", who, done == -1 ? strerror(errno) : "done");
}

/* Nobody wakes us: look once a millisecond. Whoever has made the set may have
   died before it was ready, so not for ever. */
static void
wait_until_ready(const char *who, int turn)
{
    const struct timespec nap = {.tv_nsec = 1000000};
    struct semid_ds now = {.sem_otime = 0};

    for (int naps = 0; naps < 1000; naps++) {
        if (semctl(set, 0, IPC_STAT, (union semun){.buf = &now}) == -1)
            err(EXIT_FAILURE, "semctl");
        if (now.sem_otime != 0) {
            printf("%s: sem_otime is set: ready\n", who);
            return;
        }
        if (naps == 0) {
            printf("%s: sem_otime is 0: not ready, waits\n", who);
            close(turn);
        }
        nanosleep(&nap, NULL);
    }
    errx(EXIT_FAILURE, "the set has not become ready");
}

/* Each of the others is a child, which tells us by closing the pipe that we may
   go on: it has ended, or waits. */
static pid_t
start(const char *who, int naive, int sets)
{
    const pid_t parent = getpid();
    int turn[2];
    char c;

    if (pipe(turn) == -1)
        err(EXIT_FAILURE, "pipe");
    pid_t child = fork();
    if (child == -1)
        err(EXIT_FAILURE, "fork");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody else would end us */
        if (getppid() != parent)
            _exit(EXIT_FAILURE);
        close(turn[0]);
        find(who, naive ? 0 : IPC_EXCL);
        if (sets)
            set_value(who);
        if (!naive)
            wait_until_ready(who, turn[1]);
        take(who);
        _exit(EXIT_SUCCESS);
    }
    close(turn[1]);
    if (read(turn[0], &c, 1) == -1)
        err(EXIT_FAILURE, "read");
    close(turn[0]);
    return child;
}

static void
join(pid_t child)
{
    int status;

    if (waitpid(child, &status, 0) == -1 || status != 0)
        errx(EXIT_FAILURE, "a child was killed, or failed");
}

int
main(int argc, char *argv[])
{
    const int naive = argc == 2 && strcmp(argv[1], "naive") == 0;
    struct sembuf plus = {0, +1, 0};

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return puts("usage: init [naive]\nLet two processes make the same "
                    "semaphore at the same time.") == EOF;
    if (argc > 2 || (argc == 2 && !naive))
        errx(2, "usage: init [naive]");
    if (fcntl(STDOUT_FILENO, F_GETFD) == -1) /* closed: a pipe would get 1 */
        err(EXIT_FAILURE, "standard output");
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */

    key = 'i' << 24 | getpid(); /* one that nobody else uses: our own number */
    if (semget(key, 0, 0) != -1)
        errx(EXIT_FAILURE, "semget: somebody else's set is in the way");
    /* We are soon done, so signals can wait. But Ctrl-\ ends what hangs. */
    sigfillset(&all);
    sigdelset(&all, SIGQUIT);
    sigprocmask(SIG_BLOCK, &all, NULL);
    find("first", naive ? 0 : IPC_EXCL);
    atexit(remove_set); /* fails only for want of memory */

    pid_t child = start("second", naive, 0);
    if (naive) {
        join(child);
        set_value("first");
        take("first");
        join(start("third", naive, 1));
    } else {
        puts("first: semop +1");
        if (semop(set, &plus, 1) == -1)
            err(EXIT_FAILURE, "semop");
        join(child);
        take("first");
    }

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
