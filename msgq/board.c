/*
 * board - a queue is no notice board: reading takes the message away.
 *
 * Whoever receives a message has it alone. Linux can copy one and leave it
 * there, MSG_COPY, a debugger's tool: it goes by position and never sleeps. To
 * tell something to many, send it once for each, or use shared memory.
 *
 * See sysvipc(7), msgop(2).
 */
#define _GNU_SOURCE /* MSG_COPY */

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>

#ifndef MSG_COPY
#define MSG_COPY 040000 /* glibc and the kernel have it, musl may not */
#endif

static int queue = -1;

static void
usage(FILE *stream, int status)
{
    fputs("usage: board\n"
          "Put up a notice in a queue, copy it twice, and read it twice.\n",
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

static void
look(const char *call, long which, int flags)
{
    struct {
        long type;
        char text[32];
    } notice;
    struct msqid_ds now;

    ssize_t got =
        msgrcv(queue, &notice, sizeof(notice.text), which, flags | IPC_NOWAIT);
    int cause = errno;
    if (msgctl(queue, IPC_STAT, &now) == -1)
        err(EXIT_FAILURE, "msgctl");
    if (got == -1)
        printf("%s: %s", call, strerror(cause));
    else
        printf("%s: \"%.*s\"", call, (int)got, notice.text);
    printf(", on the board: %lu\n", (unsigned long)now.msg_qnum);
}

int
main(int argc, char *argv[])
{
    const struct {
        long type;
        char text[17];
    } notice = {7, "lost: a grey cat"};

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    setvbuf(stdout, NULL, _IOLBF, 0);

    stop_signals(SIG_BLOCK);
    if ((queue = msgget(IPC_PRIVATE, 0600)) == -1)
        err(EXIT_FAILURE, "msgget");
    atexit(clean); /* fails only for want of memory */

    /* Where msgmnb leaves no room, it would sleep, deaf to every signal. */
    if (msgsnd(queue, &notice, strlen(notice.text), IPC_NOWAIT) == -1)
        err(EXIT_FAILURE, "msgsnd");
    look("msgrcv MSG_COPY", 0, MSG_COPY); /* the message at position 0 */
    look("msgrcv MSG_COPY", 0, MSG_COPY);
    look("msgrcv", 7, 0); /* the first of type 7 */
    look("msgrcv", 7, 0);

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
