/*
 * limits - how much a message and a queue hold, and what happens beyond.
 *
 * Less than a pipe: by default 8192 bytes a message and 16384 in a queue, where
 * a pipe holds 65536. What the queue has more than a pipe are bounds: a message
 * comes whole. A receiver with less room must say that it may be cut.
 *
 * See sysvipc(7), msgop(2), msgctl(2), pipe(7), proc(5).
 */
#define _GNU_SOURCE /* IPC_INFO, F_GETPIPE_SZ */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>
#include <unistd.h>

static int queue = -1;

static void
usage(FILE *stream, int status)
{
    fputs("usage: limits\n"
          "Fill a message, a queue and a pipe, and receive with too little "
          "room.\n",
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

/* Send until one is refused, and report how many were not. */
static void
fill(struct msgbuf *message, size_t bytes)
{
    long sent = 0;

    while (msgsnd(queue, message, bytes, IPC_NOWAIT) == 0)
        sent++;
    printf("messages of %zu bytes: %ld, then %s\n", bytes, sent,
           strerror(errno));
}

static void
take(struct msgbuf *message, size_t room, int flags)
{
    struct msqid_ds now;
    ssize_t got = msgrcv(queue, message, room, 0, flags | IPC_NOWAIT);

    printf("room for %zu: ", room);
    if (got == -1)
        printf("%s", strerror(errno));
    else
        printf("%zd bytes", got);
    if (msgctl(queue, IPC_STAT, &now) == -1)
        err(EXIT_FAILURE, "msgctl");
    printf(", in the queue: %lu\n", (unsigned long)now.msg_qnum);
}

int
main(int argc, char *argv[])
{
    struct msginfo most;
    int fd[2];

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (fcntl(STDOUT_FILENO, F_GETFD) == -1) /* closed: the pipe would get 1 */
        err(EXIT_FAILURE, "standard output");

    stop_signals(SIG_BLOCK);
    if ((queue = msgget(IPC_PRIVATE, 0600)) == -1)
        err(EXIT_FAILURE, "msgget");
    atexit(clean); /* fails only for want of memory */

    /* The same that cat /proc/sys/kernel/msgmax shows. */
    if (msgctl(queue, IPC_INFO, (struct msqid_ds *)&most) == -1)
        err(EXIT_FAILURE, "msgctl IPC_INFO");
    size_t max = (size_t)most.msgmax;
    struct msgbuf *message = calloc(1, sizeof(*message) + max + 1);
    if (message == NULL || pipe(fd) == -1)
        err(EXIT_FAILURE, "calloc, pipe");
    message->mtype = 1;

    fill(message, max + 1);
    fill(message, max);
    printf("a pipe: %d bytes\n", fcntl(fd[0], F_GETPIPE_SZ));
    while (msgrcv(queue, message, max, 0, IPC_NOWAIT) != -1)
        ;
    if (msgsnd(queue, message, max, IPC_NOWAIT) == -1)
        err(EXIT_FAILURE, "msgsnd");
    take(message, 100, 0);
    take(message, 100, MSG_NOERROR);
    for (int i = 1; i <= 3; i++)
        if (msgsnd(queue, message, (size_t)i, IPC_NOWAIT) == -1)
            err(EXIT_FAILURE, "msgsnd");
    for (int i = 1; i <= 3; i++)
        take(message, max, 0);
    free(message);

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
