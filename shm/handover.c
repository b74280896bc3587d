/*
 * handover - thousands of blocks to another process, and not one system call.
 *
 * The kernel gives both the same memory, once. From then on the child fills
 * blocks and the parent empties them, each as soon as it sees in that memory
 * that it may: nothing goes through the kernel. Both spin while they wait, for
 * only the kernel could let them sleep. strace -f shows what lies between the
 * two lines that are printed: nothing.
 *
 * See shmget(2), shmop(2), strace(1), prctl(2).
 */
#define _XOPEN_SOURCE 700

#include <err.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BLOCKS = 10000, BYTES = 4096, SLOTS = 256 };

struct shared {
    _Alignas(64) _Atomic int ready; /* the gate, before and after */
    _Alignas(64) _Atomic int filled;
    _Alignas(64) _Atomic int emptied;
    unsigned char slot[SLOTS][BYTES];
};

static volatile sig_atomic_t child_ended;

static void
usage(FILE *stream, int status)
{
    fputs("usage: handover\n"
          "Hand 10000 blocks of 4 KiB over, without a system call.\n",
          stream);
    exit(status);
}

static void
note(int sig)
{
    child_ended = sig;
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

/* The child. It would spin for ever if its parent were killed: let it die. */
static void
fill(struct shared *shared, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* of a signal: it cannot fail */
    if (getppid() != parent)
        _exit(EXIT_FAILURE);
    shared->ready = 1;
    for (int i = 0; i < BLOCKS; i++) {
        while (i - shared->emptied == SLOTS)
            ;
        memset(shared->slot[i % SLOTS], i % 251, BYTES);
        shared->filled = i + 1;
    }
    while (shared->ready) /* to exit is a system call, too */
        ;
    _exit(EXIT_SUCCESS);
}

/* A killed child would let us spin for ever, did not its SIGCHLD tell. */
static int
empty(struct shared *shared)
{
    int right = 0;

    for (int i = 0; i < BLOCKS; i++) {
        while (shared->filled == i)
            if (child_ended && shared->filled == i)
                errx(EXIT_FAILURE, "the child is gone before its end");
        const unsigned char *block = shared->slot[i % SLOTS];
        right +=
            block[0] == i % 251 && memcmp(block, block + 1, BYTES - 1) == 0;
        shared->emptied = i + 1;
    }
    return right;
}

int
main(int argc, char *argv[])
{
    const struct sigaction action = {.sa_handler = note,
                                     .sa_flags = SA_NOCLDSTOP};

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    setvbuf(stdout, NULL, _IOLBF, 0);
    sigaction(SIGCHLD, &action, NULL); /* fails for no signal only */

    struct shared *shared = attach();
    pid_t parent = getpid(), child = fork();
    if (child == -1)
        err(EXIT_FAILURE, "fork");
    if (child == 0)
        fill(shared, parent);
    while (!shared->ready && !child_ended)
        ;
    printf("%d blocks of %d bytes: begin\n", BLOCKS, BYTES);
    int right = empty(shared);
    printf("%d blocks have come, %d as they were sent\n", BLOCKS, right);
    shared->ready = 0;
    while (waitpid(child, NULL, 0) == -1) /* its SIGCHLD may interrupt us */
        ;

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return right == BLOCKS ? EXIT_SUCCESS : EXIT_FAILURE;
}
