/*
 * by-type - in which order messages can be taken out of a queue.
 *
 * A queue is one list, in the order of arrival. The receiver chooses from it:
 * the first of all, the first of one type, or the lowest type up to a bound.
 * So types serve as addresses, or as priorities: the lower, the sooner.
 *
 * See sysvipc(7), msgop(2).
 */
#define _GNU_SOURCE /* MSG_EXCEPT */

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>

struct letter {
    long type;
    char text;
};

static int queue = -1;

static void
usage(FILE *stream, int status)
{
    fputs(
        "usage: by-type\n"
        "Send messages of types 3 1 2 1, and take them in different orders.\n",
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

/* Take what this choice finds, until it finds nothing. What is left goes. */
static void
take(const char *choice, long type, int flags)
{
    const struct letter sent[] = {{3, 'a'}, {1, 'b'}, {2, 'c'}, {1, 'd'}};
    struct letter got;

    /* Where msgmnb leaves no room, it would sleep, deaf to every signal. */
    for (int i = 0; i < 4; i++)
        if (msgsnd(queue, &sent[i], sizeof(got.text), IPC_NOWAIT) == -1)
            err(EXIT_FAILURE, "msgsnd");
    printf("%s:", choice);
    while (msgrcv(queue, &got, sizeof(got.text), type, flags | IPC_NOWAIT) > 0)
        printf(" %ld%c", got.type, got.text);
    printf(", then %s\n", strerror(errno));
    while (msgrcv(queue, &got, sizeof(got.text), 0, IPC_NOWAIT) > 0)
        ;
}

static void
try_to_send(long type)
{
    const struct letter sent = {type, 'x'};

    if (msgsnd(queue, &sent, sizeof(sent.text), 0) == -1)
        printf("msgsnd type %ld: %s\n", type, strerror(errno));
    else
        printf("msgsnd type %ld: sent\n", type);
}

int
main(int argc, char *argv[])
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    setvbuf(stdout, NULL, _IOLBF, 0);

    stop_signals(SIG_BLOCK);
    if ((queue = msgget(IPC_PRIVATE, 0600)) == -1)
        err(EXIT_FAILURE, "msgget");
    atexit(clean); /* fails only for want of memory */

    puts("sent: 3a 1b 2c 1d");
    take("type 0, the first of all", 0, 0);
    take("type 1, only these", 1, 0);
    take("type -2, the lowest up to 2", -2, 0);
    take("type -3, the lowest up to 3", -3, 0);
    take("type 1 with MSG_EXCEPT, all others", 1, MSG_EXCEPT);
    try_to_send(0);
    try_to_send(-1);

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
