/*
 * duplex - parent and child talk in both directions.
 *
 * two: two pipes, one for each direction. one: a single pipe for both, where a
 * process may read its own words and the other waits for ever. turns: a single
 * pipe, made to work: the parent does not read until the child has answered.
 *
 * See contract.h, pipe(7), poll(2), wait(2).
 */
#define _GNU_SOURCE /* pipe2 */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract.h"

static void
usage(FILE *stream, int status)
{
    fputs("usage: duplex [one|two|turns]\n"
          "A child answers its parent: over one pipe, two, or one in turns.\n",
          stream);
    exit(status);
}

static void
say(const char *who, int to, const char *words)
{
    printf("%s: writes \"%s\"\n", who, words);
    if (write(to, words, strlen(words)) == -1)
        err(EXIT_FAILURE, "%s: write", who);
}

/* read() would sleep until there are words, maybe for ever. poll() gives up
   after a second; in between another may take them: then read() says EAGAIN. */
static int
heard(const char *who, int from)
{
    struct pollfd fd = {.fd = from, .events = POLLIN};
    char words[100];
    ssize_t got;
    int ready;

    do {
        if ((ready = poll(&fd, 1, 1000)) == -1)
            err(EXIT_FAILURE, "%s: poll", who);
        got = read(from, words, sizeof(words));
    } while (ready > 0 && got == -1 && errno == EAGAIN);
    if (got == 0)
        errx(EXIT_FAILURE, "%s: end of file: the other is gone", who);
    if (got > 0)
        printf("%s: reads \"%.*s\"\n", who, (int)got, words);
    else if (errno == EAGAIN)
        printf("%s: nothing for 1 s: a read would sleep for ever\n", who);
    else
        err(EXIT_FAILURE, "%s: read", who);
    return got > 0;
}

/* What could not be printed must not pass in silence. */
static void
finish(void)
{
    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    _exit(EXIT_SUCCESS);
}

int
main(int argc, char *argv[])
{
    const char *way = argc > 1 ? argv[1] : "two";
    int one = strcmp(way, "one") == 0, turns = strcmp(way, "turns") == 0;
    int there[2], back[2], status;

    if (argc == 2 && strcmp(way, "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 2 || (!one && !turns && strcmp(way, "two") != 0))
        usage(stderr, 2);
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */

    if (pipe2(there, O_NONBLOCK) == -1 || pipe2(back, O_NONBLOCK) == -1)
        err(EXIT_FAILURE, "pipe2");
    if (one || turns) { /* the way back is the same pipe: this cannot fail */
        dup2(there[READ_END], back[READ_END]);
        dup2(there[WRITE_END], back[WRITE_END]);
    }
    if (one) {
        say("alone", there[WRITE_END], "mine");
        heard("alone", back[READ_END]);
    }
    pid_t pid = fork();
    if (pid == -1)
        err(EXIT_FAILURE, "fork");
    close(pid == 0 ? there[WRITE_END] : there[READ_END]);
    close(pid == 0 ? back[READ_END] : back[WRITE_END]);
    if (pid == 0) {
        if (heard("child", there[READ_END]))
            say("child", back[WRITE_END], "I am your child.");
        finish();
    }
    say("parent", there[WRITE_END], "Who are you?");
    if (!turns)
        heard("parent", back[READ_END]);
    if (waitpid(pid, &status, 0) == -1)
        err(EXIT_FAILURE, "waitpid");
    if (status != 0)
        errx(EXIT_FAILURE, "the child was killed, or failed");
    if (turns) /* the child has ended: its words are still in the pipe */
        heard("parent", back[READ_END]);
    finish();
}
