/*
 * children - five children end, and one signal tells of it.
 *
 * They end while SIGCHLD is blocked, so it is pending once, whatever their
 * number. A handler that waits for one child then leaves four zombies: dead,
 * but still in the table of processes. So it must wait until no more are found.
 *
 * See signal(7), wait(2), sigaction(2), sigsuspend(2), signal-safety(7).
 */
#define _XOPEN_SOURCE 700 /* waitid */

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN = 5 };

static volatile sig_atomic_t runs, found, once;

static void
usage(FILE *stream, int status)
{
    fputs(
        "usage: children [once|ignore]\n"
        "Let five children end, and wait for all of them when SIGCHLD comes;\n"
        "for one only; or ignore it.\n",
        stream);
    exit(status);
}

/* waitpid() is safe in a handler, printf() is not: it may have interrupted one
   that is half done. errno belongs to whoever was interrupted. */
static void
collect(int sig)
{
    int saved = errno;

    (void)sig;
    runs++;
    while (waitpid(-1, NULL, WNOHANG) > 0) {
        found++;
        if (once)
            break;
    }
    errno = saved;
}

/* WNOWAIT only looks: a zombie remains one. Where SIGCHLD is ignored there are
   none, and the call fails when the child has gone. */
static int
is_zombie(pid_t pid)
{
    siginfo_t info;

    if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0)
        return 1;
    if (errno != ECHILD)
        err(EXIT_FAILURE, "waitid");
    return 0;
}

int
main(int argc, char *argv[])
{
    const char *way = argc == 2 ? argv[1] : "";
    struct sigaction action = {.sa_handler = collect, .sa_flags = SA_RESTART};
    sigset_t child;
    pid_t pids[CHILDREN];
    int zombies = 0;

    if (strcmp(way, "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (strcmp(way, "ignore") == 0)
        action.sa_handler = SIG_IGN;
    else if (strcmp(way, "once") == 0)
        once = 1;
    else if (argc > 1)
        usage(stderr, 2);
    setvbuf(stdout, NULL, _IOLBF, 0);

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &child, NULL) == -1 ||
        sigaction(SIGCHLD, &action, NULL) == -1)
        err(EXIT_FAILURE, "sigprocmask, sigaction");
    for (int i = 0; i < CHILDREN; i++) {
        if ((pids[i] = fork()) == -1)
            err(EXIT_FAILURE, "fork");
        if (pids[i] == 0)
            _exit(i);
    }
    for (int i = 0; i < CHILDREN; i++)
        zombies += is_zombie(pids[i]);
    printf("%d children have ended: %d zombies\n", CHILDREN, zombies);

    sigprocmask(SIG_UNBLOCK, &child, NULL); /* pending, so it comes now */
    printf("SIGCHLD came: %d\n", (int)runs);
    printf("waitpid found: %d\n", (int)found);

    zombies = 0;
    for (int i = 0; i < CHILDREN; i++)
        zombies += is_zombie(pids[i]);
    printf("zombies left: %d\n", zombies);
    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
