/*
 * bread - a variable that one process sets: does the other see it?
 *
 * After fork() a plain variable is two, one for each process, under the same
 * name and the same address. Only in a shared segment it is one.
 *
 * See fork(2), shmget(2), shmop(2), shmctl(2).
 */
#define _XOPEN_SOURCE 700

#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

static void
usage(FILE *stream, int status)
{
    fputs("usage: bread\n"
          "Let a child put down bread, in plain and in shared memory.\n",
          stream);
    exit(status);
}

/* A child sets it to 1. When it has ended, its parent looks. */
static void
let_a_child_set(int *bread, const char *where)
{
    int status;

    *bread = 0;
    pid_t child = fork();
    if (child == -1)
        err(EXIT_FAILURE, "fork");
    if (child == 0) {
        *bread = 1;
        _exit(EXIT_SUCCESS);
    }
    if (waitpid(child, &status, 0) == -1 || status != 0)
        errx(EXIT_FAILURE, "the child is gone before its end");
    printf("%s: the child sets 1, the parent sees %d\n", where, *bread);
}

int
main(int argc, char *argv[])
{
    static int plain;
    sigset_t all;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */

    /* Removed at once, it lasts as long as somebody has it attached, which a
       child inherits: whatever ends us, nothing is left. */
    sigfillset(&all); /* until it is removed, what is to stop us can wait */
    sigprocmask(SIG_BLOCK, &all, NULL);
    int segment = shmget(IPC_PRIVATE, sizeof(int), 0600);
    if (segment == -1)
        err(EXIT_FAILURE, "shmget");
    int *shared = shmat(segment, NULL, 0);
    if (shmctl(segment, IPC_RMID, NULL) == -1 || shared == (void *)-1)
        err(EXIT_FAILURE, "shmat, shmctl");
    sigprocmask(SIG_UNBLOCK, &all, NULL);

    let_a_child_set(&plain, "a plain variable");
    let_a_child_set(shared, "one in shared memory");

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
