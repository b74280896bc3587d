/*
 * descriptor - signals, a count and a process's end, all awaited in one poll().
 *
 * On Linux each of them can be a file descriptor: signalfd is read for signals,
 * eventfd for a count, and a pidfd is readable when its process has ended. So a
 * server waits for them as for its sockets, and no handler interrupts anything.
 *
 * See signalfd(2), eventfd(2), pidfd_open(2), poll(2), waitid(2).
 */
#define _GNU_SOURCE /* syscall */

#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void
usage(FILE *stream, int status)
{
    fputs("usage: descriptor\n"
          "Wait for a child's signal, its count and its end in one poll().\n",
          stream);
    exit(status);
}

/* The child: three events that its parent may want to hear of. */
static void
make_news(pid_t parent, int counter)
{
    const uint64_t amount = 3;

    if (write(counter, &amount, sizeof(amount)) == -1)
        err(EXIT_FAILURE, "write to the eventfd");
    kill(parent, SIGUSR1);
    _exit(7);
}

static void
tell_signal(int signals, pid_t child)
{
    struct signalfd_siginfo info;

    if (read(signals, &info, sizeof(info)) == -1)
        err(EXIT_FAILURE, "read signalfd");
    printf("signalfd: signal %d, from %s\n", (int)info.ssi_signo,
           (pid_t)info.ssi_pid == child ? "the child" : "somebody else");
}

/* One read takes the sum of all that was added, and leaves 0. */
static void
tell_count(int counter)
{
    uint64_t count;

    if (read(counter, &count, sizeof(count)) == -1)
        err(EXIT_FAILURE, "read eventfd");
    printf("eventfd: %d\n", (int)count);
}

static void
tell_end(pid_t child)
{
    siginfo_t info;

    if (waitid(P_PID, (id_t)child, &info, WEXITED) == -1)
        err(EXIT_FAILURE, "waitid");
    if (info.si_code != CLD_EXITED || info.si_status == EXIT_FAILURE)
        errx(EXIT_FAILURE, "the child was killed, or failed");
    printf("pidfd: the child has ended, status %d\n", info.si_status);
}

int
main(int argc, char *argv[])
{
    pid_t parent = getpid();
    sigset_t set;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */
    for (int fd = 0; fd < 3; fd++) /* closed: ours would get its number */
        if (fcntl(fd, F_GETFD) == -1)
            err(EXIT_FAILURE, "descriptor %d", fd);

    /* Blocked before the child is there, or it could kill us. */
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
        err(EXIT_FAILURE, "sigprocmask");
    int signals = signalfd(-1, &set, 0), counter = eventfd(0, 0);
    if (signals == -1 || counter == -1)
        err(EXIT_FAILURE, "signalfd, eventfd");
    pid_t child = fork();
    if (child == -1)
        err(EXIT_FAILURE, "fork");
    if (child == 0)
        make_news(parent, counter);
    int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
    if (pidfd == -1)
        err(EXIT_FAILURE, "pidfd_open");

    /* What the child did before it ended is there by the time it has ended; and
       poll() looks at its end first. */
    struct pollfd fds[] = {{.fd = pidfd, .events = POLLIN},
                           {.fd = counter, .events = POLLIN},
                           {.fd = signals, .events = POLLIN}};
    do {
        if (poll(fds, 3, -1) == -1)
            err(EXIT_FAILURE, "poll");
        if (fds[1].revents)
            tell_count(counter);
        if (fds[2].revents)
            tell_signal(signals, child);
    } while (!fds[0].revents);
    tell_end(child);

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
