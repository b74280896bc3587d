/*
 * count - how many signals arrive of those that were sent?
 *
 * A child sends its parent five of each kind while they are blocked. A standard
 * signal is one bit: it is pending or not, and says no more. The real-time ones
 * are a queue: each arrives, in the order they were sent, with a word and the
 * number of its sender. Of different kinds, the lowest number comes first.
 *
 * See signal(7), kill(2), sigqueue(3), sigwaitinfo(2), sigprocmask(2).
 */
#define _POSIX_C_SOURCE 200809L

#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static sigset_t three; /* SIGUSR1 and two real-time signals */

static void
usage(FILE *stream, int status)
{
    fputs("usage: count\n"
          "Count what arrives of five signals, sent while they are blocked.\n",
          stream);
    exit(status);
}

static const char *
name(int sig)
{
    if (sig == SIGUSR1)
        return "USR1";
    return sig == SIGRTMIN ? "RTMIN" : "RTMIN+1";
}

static void
send_with_kill(pid_t to)
{
    for (int i = 1; i <= 5; i++)
        kill(to, SIGUSR1); /* to our own parent: cannot fail */
}

/* It fails where a user has as many signals queued as may be. */
static void
queue(pid_t to, int sig, int word)
{
    if (sigqueue(to, sig, (union sigval){.sival_int = word}) == -1)
        err(EXIT_FAILURE, "sigqueue");
}

static void
queue_standard(pid_t to)
{
    for (int i = 1; i <= 5; i++)
        queue(to, SIGUSR1, i);
}

static void
queue_real_time(pid_t to)
{
    for (int i = 1; i <= 5; i++)
        queue(to, SIGRTMIN, i);
}

static void
queue_highest_first(pid_t to)
{
    queue(to, SIGRTMIN + 1, 1);
    queue(to, SIGRTMIN, 2);
    queue(to, SIGUSR1, 3);
}

/* The child has sent all, and ended, before the first is taken. A signal that
   was sent with kill() carries no word. */
static void
show(const char *what, void (*send)(pid_t to))
{
    const struct timespec now = {0};
    pid_t parent = getpid(), child;
    siginfo_t info;
    int status, arrived = 0;

    if ((child = fork()) == -1)
        err(EXIT_FAILURE, "fork");
    if (child == 0) {
        send(parent);
        _exit(EXIT_SUCCESS);
    }
    if (waitpid(child, &status, 0) == -1 || status != 0)
        errx(EXIT_FAILURE, "the child was killed, or failed");

    printf("%s:", what);
    while (sigtimedwait(&three, &info, &now) != -1) {
        if (info.si_pid != child)
            continue; /* somebody else's */
        printf(" %s", name(info.si_signo));
        if (info.si_code == SI_QUEUE)
            printf("=%d", info.si_value.sival_int);
        arrived++;
    }
    printf(", %d arrived\n", arrived);
}

int
main(int argc, char *argv[])
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */

    /* Blocked: they wait until we ask. Unblocked, each would kill us. */
    sigemptyset(&three);
    sigaddset(&three, SIGUSR1);
    sigaddset(&three, SIGRTMIN);
    sigaddset(&three, SIGRTMIN + 1);
    if (sigprocmask(SIG_BLOCK, &three, NULL) == -1)
        err(EXIT_FAILURE, "sigprocmask");

    show("kill with USR1, five times", send_with_kill);
    show("sigqueue with USR1 and 1 to 5", queue_standard);
    show("sigqueue with RTMIN and 1 to 5", queue_real_time);
    show("sigqueue with RTMIN+1, RTMIN, USR1", queue_highest_first);

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
