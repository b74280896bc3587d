/*
 * torn - shared memory is seen at once, also what is half written.
 *
 * A child changes "old old" into "new new", one word after the other, and
 * between the two its parent reads. With a semaphore, the parent waits until
 * the child has finished. Unlocked, it sees what never was to be.
 *
 * See shmget(2), shmop(2), sem_init(3), sem_overview(7).
 */
#define _XOPEN_SOURCE 700

#include <err.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct shared {
    sem_t half, looked; /* hold both at the place in question */
    sem_t lock;         /* what keeps them apart */
    char words[8];
};

static void
usage(FILE *stream, int status)
{
    fputs("usage: torn [unlocked]\n"
          "Read shared memory while another is in the middle of writing it.\n",
          stream);
    exit(status);
}

/* Removed at once, it lasts as long as somebody has it attached, which a child
   inherits: whatever ends us, nothing is left. */
static struct shared *
attach(void)
{
    sigset_t all;

    sigfillset(&all); /* until it is removed, what is to stop us can wait */
    sigprocmask(SIG_BLOCK, &all, NULL);
    int segment = shmget(IPC_PRIVATE, sizeof(struct shared), 0600);
    if (segment == -1)
        err(EXIT_FAILURE, "shmget");
    struct shared *shared = shmat(segment, NULL, 0);
    if (shmctl(segment, IPC_RMID, NULL) == -1 || shared == (void *)-1)
        err(EXIT_FAILURE, "shmat, shmctl");
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    return shared;
}

/* Wait for the other, but not if it is gone: two seconds at most. */
static int
await(sem_t *sem)
{
    struct timespec deadline;

    clock_gettime(CLOCK_REALTIME, &deadline); /* cannot fail */
    deadline.tv_sec += 2;
    return sem_timedwait(sem, &deadline);
}

/* A child. Unlocked, it stands still in the middle until it has been seen; with
   the lock, nobody can look before it has finished. */
static void
rewrite(struct shared *shared, int locked)
{
    if (locked && await(&shared->lock) == -1)
        _exit(EXIT_FAILURE);
    memcpy(shared->words, "new", 3);
    sem_post(&shared->half);
    if (!locked && await(&shared->looked) == -1)
        _exit(EXIT_FAILURE);
    memcpy(shared->words + 4, "new", 3);
    if (locked)
        sem_post(&shared->lock);
    _exit(EXIT_SUCCESS);
}

int
main(int argc, char *argv[])
{
    int status, locked = 1;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc == 2 && strcmp(argv[1], "unlocked") == 0)
        locked = 0;
    else if (argc > 1)
        usage(stderr, 2);
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */

    struct shared *shared = attach();
    memcpy(shared->words, "old old", 8);
    if (sem_init(&shared->half, 1, 0) == -1 || /* 1: for several processes */
        sem_init(&shared->looked, 1, 0) == -1 ||
        sem_init(&shared->lock, 1, 1) == -1)
        err(EXIT_FAILURE, "sem_init");

    pid_t child = fork();
    if (child == -1)
        err(EXIT_FAILURE, "fork");
    if (child == 0)
        rewrite(shared, locked);
    if (await(&shared->half) == -1 || (locked && await(&shared->lock) == -1))
        err(EXIT_FAILURE, "the child does not come: sem_timedwait");
    printf("%s: the parent reads \"%.7s\"\n",
           locked ? "with a lock" : "unlocked", shared->words);
    sem_post(&shared->looked);
    if (waitpid(child, &status, 0) == -1 || status != 0)
        errx(EXIT_FAILURE, "the child is gone before its end");
    printf("when the child has ended: \"%.7s\"\n", shared->words);

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
