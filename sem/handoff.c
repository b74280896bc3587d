/*
 * handoff - a semaphore has no owner, a mutex has.
 *
 * Who takes a semaphore need not be the one that gives it back: so it can hand
 * over a turn, and so nobody notices a stray release. A mutex that checks, and
 * that two processes share, can only be unlocked by who has locked it.
 *
 * See semop(2), semctl(2), pthread_mutexattr_settype(3).
 */
#define _GNU_SOURCE /* MAP_ANONYMOUS */

#include <err.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <unistd.h>

static int set = -1;
static sigset_t all;
static pthread_mutex_t *mutex; /* in memory that parent and child share */

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

/* These calls fail only if what they are told makes no sense. */
static void
make_mutex(void)
{
    pthread_mutexattr_t kind;

    mutex = mmap(NULL, sizeof(*mutex), PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (mutex == MAP_FAILED)
        err(EXIT_FAILURE, "mmap");
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(mutex, &kind);
}

/* With IPC_NOWAIT, semop() fails where it would sleep. */
static void
add(const char *what, short amount)
{
    struct sembuf op = {0, amount, IPC_NOWAIT};

    if (semop(set, &op, 1) == -1)
        err(EXIT_FAILURE, "semop");
    printf("semaphore: %s: value %d\n", what, semctl(set, 0, GETVAL));
}

static void
show_mutex(const char *what, int error)
{
    printf("mutex: %s: %s\n", what, error == 0 ? "done" : strerror(error));
}

int
main(int argc, char *argv[])
{
    int status;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return puts("usage: handoff\nShow that anybody may give back what "
                    "another has taken from a semaphore.") == EOF;
    if (argc > 1)
        errx(2, "usage: handoff");

    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */
    make_set(1);
    make_mutex();
    add("the parent makes it free", +1);
    add("the parent takes it", -1);
    show_mutex("the parent locks it", pthread_mutex_lock(mutex));

    pid_t child = fork();
    if (child == -1)
        err(EXIT_FAILURE, "fork");
    if (child == 0) {
        add("a child, which never took it, gives it back", +1);
        show_mutex("a child unlocks it", pthread_mutex_unlock(mutex));
        _exit(EXIT_SUCCESS);
    }
    if (waitpid(child, &status, 0) == -1 || status != 0)
        errx(EXIT_FAILURE, "the child was killed, or failed");

    add("the parent takes it again", -1);
    show_mutex("the parent unlocks it", pthread_mutex_unlock(mutex));
    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
