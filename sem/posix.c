/*
 * posix - POSIX semaphores: without a name between threads, with one between
 * processes. The principle is the same.
 *
 * Four of each count to 100 000 in the same memory, and a semaphore of 1 lets
 * one at a time count. A name like /x leads any process to the semaphore, until
 * sem_unlink(); without one it works wherever the memory is shared.
 *
 * See sem_overview(7), sem_init(3), sem_open(3), sem_unlink(3).
 */
#define _GNU_SOURCE /* MAP_ANONYMOUS */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CROWD = 4, ROUNDS = 100000 };

struct work {
    sem_t *semaphore;
    volatile long *counter;
};

static char name[40];
static sigset_t all;

/* It outlives its processes, as a file would. And now a signal may end us. */
static void
remove_name(void)
{
    sem_unlink(name);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
}

/* Without a handler, sem_wait() goes on by itself after Ctrl-Z and fg. */
static void *
count(void *argument)
{
    struct work *work = argument;

    for (int i = 0; i < ROUNDS; i++) {
        if (sem_wait(work->semaphore) == -1)
            err(EXIT_FAILURE, "sem_wait");
        ++*work->counter;
        if (sem_post(work->semaphore) == -1)
            err(EXIT_FAILURE, "sem_post");
    }
    return NULL;
}

/* Threads share all memory, so a variable of ours will do. */
static void
let_threads_count(void)
{
    pthread_t threads[CROWD];
    long counter = 0;
    sem_t semaphore;
    struct work work = {&semaphore, &counter};

    if (sem_init(&semaphore, 0, 1) == -1)
        err(EXIT_FAILURE, "sem_init");
    for (int i = 0; i < CROWD; i++)
        if ((errno = pthread_create(&threads[i], NULL, count, &work)) != 0)
            err(EXIT_FAILURE, "pthread_create");
    for (int i = 0; i < CROWD; i++)
        pthread_join(threads[i], NULL); /* it is one, and nobody else's */
    sem_destroy(&semaphore);            /* nobody uses it any more */
    printf("%d threads, no name: %ld of %d\n", CROWD, counter, CROWD * ROUNDS);
}

/* A child opens the semaphore by its name, as a stranger would. */
static void
be_a_process(struct work work, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody else would wake us */
    if (getppid() != parent)
        _exit(EXIT_FAILURE);
    if ((work.semaphore = sem_open(name, 0)) == SEM_FAILED)
        err(EXIT_FAILURE, "sem_open %s", name);
    count(&work);
    _exit(EXIT_SUCCESS);
}

static void
let_processes_count(void)
{
    struct work work = {.semaphore = NULL};
    pid_t parent = getpid();
    int status;

    work.counter = mmap(NULL, sizeof(long), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (work.counter == MAP_FAILED)
        err(EXIT_FAILURE, "mmap");
    for (int i = 0; i < CROWD; i++) {
        pid_t child = fork();
        if (child == -1)
            err(EXIT_FAILURE, "fork");
        if (child == 0)
            be_a_process(work, parent);
    }
    for (int i = 0; i < CROWD; i++)
        if (wait(&status) == -1 || status != 0)
            errx(EXIT_FAILURE, "a child was killed, or failed");
    printf("%d processes, a name: %ld of %d\n", CROWD, *work.counter,
           CROWD * ROUNDS);
}

int
main(int argc, char *argv[])
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return puts("usage: posix\nLet threads, then processes, count with a "
                    "POSIX semaphore.") == EOF;
    if (argc > 1)
        errx(2, "usage: posix");

    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */
    let_threads_count();
    snprintf(name, sizeof(name), "/ipc-posix-%ld", (long)getpid());
    /* We are soon done, so signals can wait. But Ctrl-\ ends what hangs. */
    sigfillset(&all);
    sigdelset(&all, SIGQUIT);
    sigprocmask(SIG_BLOCK, &all, NULL);
    atexit(remove_name); /* first: what fails half-way may have made the name */
    if (sem_open(name, O_CREAT | O_EXCL, 0600, 1) == SEM_FAILED)
        err(EXIT_FAILURE, "sem_open %s", name);
    let_processes_count();

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
