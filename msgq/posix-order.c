/*
 * posix-order - what a POSIX queue has in the place of types: a priority.
 *
 * The receiver cannot choose: it gets the highest priority, and among these the
 * oldest. But it can be told by a signal that a message has come, once, into a
 * queue that was empty: so it need not sleep in mq_receive().
 *
 * See mq_overview(7), mq_send(3), mq_receive(3), mq_notify(3).
 */
#define _POSIX_C_SOURCE 200809L

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 16 };

static void
usage(FILE *stream, int status)
{
    fputs("usage: posix-order\n"
          "Send with priorities 1 9 5 9, receive, and be notified.\n",
          stream);
    exit(status);
}

static void
put(mqd_t queue, const char *text, unsigned priority)
{
    if (mq_send(queue, text, strlen(text), priority) == -1)
        err(EXIT_FAILURE, "mq_send");
}

/* The name is for others to open it; we are alone and remove it at once. No
   signal may end us in between. */
static mqd_t
make(void)
{
    struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = ROOM};
    char name[32];
    sigset_t all, before;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before); /* fails for a wrong how only */
    snprintf(name, sizeof(name), "/ipc-order-%d", (int)getpid());
    mqd_t queue =
        mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600, &attr);
    if (queue == -1 || mq_unlink(name) == -1)
        err(EXIT_FAILURE, "mq_open %s", name);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return queue;
}

static void
take_all(mqd_t queue)
{
    char text[ROOM];
    unsigned priority;
    ssize_t got;

    printf("received:");
    while ((got = mq_receive(queue, text, sizeof(text), &priority)) != -1)
        printf(" %u%.*s", priority, (int)got, text);
    printf(", then %s\n", strerror(errno));
}

/* Was there a signal? It is blocked, so it would be pending. */
static void
signalled(const char *when)
{
    const struct timespec no_time = {0, 0};
    siginfo_t info;
    sigset_t usr1;

    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    if (sigtimedwait(&usr1, &info, &no_time) == -1)
        printf("%s: no signal\n", when);
    else
        printf("%s: a signal, from %s\n", when,
               info.si_pid == getpid() ? "the sender" : "another");
}

int
main(int argc, char *argv[])
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
                             .sigev_signo = SIGUSR1};
    sigset_t usr1;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    if (fcntl(STDOUT_FILENO, F_GETFD) == -1) /* closed: the queue gets 1 */
        err(EXIT_FAILURE, "standard output");
    setvbuf(stdout, NULL, _IOLBF, 0);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    sigprocmask(SIG_BLOCK, &usr1, NULL); /* fails only for a wrong argument */
    mqd_t queue = make();

    put(queue, "a", 1);
    put(queue, "b", 9);
    put(queue, "c", 5);
    put(queue, "d", 9);
    puts("sent: 1a 9b 5c 9d");
    if (mq_send(queue, "e", 1, 0) == -1)
        printf("a fifth message: %s\n", strerror(errno));
    take_all(queue);

    if (mq_notify(queue, &event) == -1)
        err(EXIT_FAILURE, "mq_notify");
    put(queue, "x", 0);
    signalled("a message into the empty queue");
    take_all(queue);
    put(queue, "y", 0);
    signalled("another, without asking again");
    if (mq_notify(queue, &event) == -1)
        err(EXIT_FAILURE, "mq_notify");
    put(queue, "z", 0);
    signalled("asked again, but the queue was not empty");

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
