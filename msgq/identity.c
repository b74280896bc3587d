/*
 * identity - what a queue's identifier is, and what it is not.
 *
 * msgget() finds a queue by its key, or makes it if told to, and returns its
 * identifier: a number for all processes, no descriptor, that only the msg...()
 * calls understand. Segments and semaphores have numbers of their own.
 *
 * See sysvipc(7), ftok(3), msgget(2), msgctl(2), proc_sysvipc(5).
 */
#define _GNU_SOURCE /* or sys/ipc.h warns under -std=c17 */

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

static int queue = -1;

static void
usage(FILE *stream, int status)
{
    fputs("usage: identity\n"
          "Make a queue for this folder, and find it in several ways.\n",
          stream);
    exit(status);
}

/* The queue would outlive us, and nobody would know what it is for: whatever
   tells us to stop has to wait until it is removed, a moment later. */
static void
stop_signals(int how)
{
    sigset_t all;

    sigfillset(&all);
    sigprocmask(how, &all, NULL); /* fails only for a wrong argument */
}

static void
clean(void)
{
    msgctl(queue, IPC_RMID, NULL);
    stop_signals(SIG_UNBLOCK);
}

/* The first ones are 0, 1, 2 ..., which are descriptors, too, by accident. */
static void
use_up_small_ones(void)
{
    int id;

    do {
        if ((id = msgget(IPC_PRIVATE, 0600)) == -1)
            err(EXIT_FAILURE, "msgget IPC_PRIVATE");
        msgctl(id, IPC_RMID, NULL);
    } while (id < 100);
}

/* What msgget() says; returns the identifier, or -1. */
static int
get(const char *how, key_t key, int flags, int known)
{
    int id = msgget(key, flags);

    if (id == -1)
        printf("%s: %s\n", how, strerror(errno));
    else
        printf("%s: %s\n", how, id == known ? "the same queue" : "a queue");
    return id;
}

/* The kernel's list of all queues, which ipcs(1) shows as well. */
static void
find_in_list(int id)
{
    char line[256];
    int listed, found = 0;
    FILE *list = fopen("/proc/sysvipc/msg", "r");

    while (list != NULL && fgets(line, sizeof(line), list) != NULL)
        found += sscanf(line, "%*d %d", &listed) == 1 && listed == id;
    printf("in /proc/sysvipc/msg: %d line\n", found);
    if (list != NULL)
        fclose(list);
}

/* Each kind counts for itself. Nobody may find these, so no key. */
static void
other_kinds(void)
{
    int segment = shmget(IPC_PRIVATE, 1, 0600);

    if (segment == -1)
        err(EXIT_FAILURE, "shmget");
    shmctl(segment, IPC_RMID, NULL);
    int set = semget(IPC_PRIVATE, 1, 0600);
    if (set == -1)
        err(EXIT_FAILURE, "semget");
    semctl(set, 0, IPC_RMID);
    printf("identifiers: queue %d, segment %d, semaphores %d\n", queue, segment,
           set);
}

int
main(int argc, char *argv[])
{
    char byte;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    setvbuf(stdout, NULL, _IOLBF, 0);
    stop_signals(SIG_BLOCK);
    key_t key = ftok(".", 'i');
    if (key == -1)
        err(EXIT_FAILURE, "ftok .");
    use_up_small_ones();

    if ((queue = get("msgget(key, 0)", key, 0, -1)) != -1)
        errx(EXIT_FAILURE, "another identity is here, or one was killed");
    queue = get("msgget(key, IPC_CREAT | IPC_EXCL | 0600)", key,
                IPC_CREAT | IPC_EXCL | 0600, -1);
    if (queue == -1)
        errx(EXIT_FAILURE, "msgget: no queue, so no identity");
    atexit(clean); /* fails only for want of memory */
    get("msgget(key, 0)", key, 0, queue);
    get("msgget(key, IPC_CREAT | 0600)", key, IPC_CREAT | 0600, queue);
    get("msgget(key, IPC_CREAT | IPC_EXCL | 0600)", key,
        IPC_CREAT | IPC_EXCL | 0600, queue);
    find_in_list(queue);
    other_kinds();
    if (read(queue, &byte, 1) == -1)
        printf("read(identifier): %s\n", strerror(errno));

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
