/*
 * last-holder - a pipe lives as long as any process holds a descriptor for it.
 *
 * First its maker exits, and another process still reads what is in it. Then
 * two processes hold a read end, though neither reads: a write succeeds until
 * the second of them has been killed.
 *
 * See contract.h, pipe(7), poll(2), wait(2), prctl(2).
 */
#define _POSIX_C_SOURCE 200809L

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract.h"

static void
usage(FILE *stream, int status)
{
    fputs("usage: last-holder\n"
          "See a pipe outlive its maker, and break with its last reader.\n",
          stream);
    exit(status);
}

static pid_t
new_child(void)
{
    pid_t pid = fork();

    if (pid == -1)
        err(EXIT_FAILURE, "fork");
    return pid;
}

/* What could not be printed must not pass in silence. */
static void
finish(void)
{
    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    _exit(EXIT_SUCCESS);
}

/* No event is asked for, so poll() sleeps until the last write end is closed.
   Should our parent be killed, that ends us too: nobody stays behind. */
static void
sleep_until_hangup(int ends[2])
{
    struct pollfd fd = {.fd = ends[READ_END]};

    close(ends[WRITE_END]);
    if (poll(&fd, 1, -1) == -1)
        err(EXIT_FAILURE, "poll");
}

/* Puts words into a new pipe, leaves it to a child of its own, and exits. */
static void
make_and_exit(void)
{
    char words[100];
    ssize_t got;
    int ends[2];

    if (pipe(ends) == -1 || write(ends[WRITE_END], "left behind", 11) == -1)
        err(EXIT_FAILURE, "maker: pipe, write");
    if (new_child() > 0)
        _exit(EXIT_SUCCESS); /* the kernel closes all that it held */

    sleep_until_hangup(ends);
    if ((got = read(ends[READ_END], words, sizeof(words))) == -1)
        err(EXIT_FAILURE, "heir: read");
    printf("the maker has exited: its heir reads \"%.*s\"\n", (int)got, words);
    finish();
}

static void
try_write(const char *who, int to)
{
    if (write(to, "x", 1) == -1)
        printf("%s: write fails: %s\n", who, strerror(errno));
    else
        printf("%s: write succeeds\n", who);
}

/* A killed process has closed everything by the time that waitpid() returns. */
static void
end(pid_t child)
{
    if (waitpid(child, NULL, WNOHANG) != 0)
        errx(EXIT_FAILURE, "a child was killed, or failed");
    if (kill(child, SIGKILL) == -1 || waitpid(child, NULL, 0) == -1)
        err(EXIT_FAILURE, "kill");
}

int
main(int argc, char *argv[])
{
    pid_t holders[2];
    int ends[2], status;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */
    signal(SIGPIPE, SIG_IGN); /* so that write() returns, and says EPIPE */

    /* An orphan goes to init, or to a subreaper: we shall wait for the heir. */
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1)
        err(EXIT_FAILURE, "prctl");
    if (new_child() == 0)
        make_and_exit();
    while (wait(&status) != -1) /* until there is no child */
        if (status != 0)
            errx(EXIT_FAILURE, "a child was killed, or failed");

    if (pipe(ends) == -1)
        err(EXIT_FAILURE, "pipe");
    for (int i = 0; i < 2; i++)
        if ((holders[i] = new_child()) == 0) {
            sleep_until_hangup(ends);
            _exit(EXIT_SUCCESS);
        }
    close(ends[READ_END]);
    try_write("two processes hold a read end", ends[WRITE_END]);
    end(holders[0]);
    try_write("one is killed, the other left", ends[WRITE_END]);
    end(holders[1]);
    try_write("both are killed", ends[WRITE_END]);

    finish();
}
