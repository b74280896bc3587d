/*
 * vector - several semaphores of a set, changed all at once or not at all.
 *
 * semget() makes a set, and semop() takes a list of changes to it. If one of
 * them is not possible, none is made: who waits for two semaphores does not
 * keep the one that it could have, so that two cannot wait for each other.
 *
 * See semget(2), semop(2), semctl(2).
 */
#define _GNU_SOURCE

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sem.h>

/* semctl() wants it as its last argument, and leaves it to us to declare it. */
union semun {
    int val;
    struct semid_ds *buf;
    unsigned short *array;
};

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
    unsigned short values[2] = {0};

    if (semctl(set, 0, GETALL, (union semun){.array = values}) == -1)
        err(EXIT_FAILURE, "semctl");
    printf("%s: %s: values %d %d\n", what, outcome, values[0], values[1]);
}

/* With IPC_NOWAIT, semop() fails where it would sleep. */
static void
change(const char *what, int first, int second)
{
    struct sembuf changes[2];
    size_t many = 0;

    if (first != 0)
        changes[many++] = (struct sembuf){0, (short)first, IPC_NOWAIT};
    if (second != 0)
        changes[many++] = (struct sembuf){1, (short)second, IPC_NOWAIT};
    show(what, semop(set, changes, many) == -1 ? strerror(errno) : "done");
}

int
main(int argc, char *argv[])
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return puts("usage: vector\nShow that changes to two semaphores are "
                    "all made, or none.") == EOF;
    if (argc > 1)
        errx(2, "usage: vector");

    make_set(2);
    show("semget", "a new set");
    change("+1 on the first", +1, 0);
    change("-1 on both", -1, -1);
    change("+1 on the second", 0, +1);
    change("-1 on both", -1, -1);
    change("+1 on the first, -1 on the second", +1, -1);

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
