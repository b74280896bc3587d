/*
 * sigpipe - write to a pipe that nobody can read any more.
 *
 * The kernel sends the writer SIGPIPE, and write() fails with EPIPE. By default
 * the signal kills, so that a pipeline stops when its last command has seen
 * enough: the shell reports 141, 128 + 13. But it can be ignored, or caught, or
 * blocked: then it stays pending.
 *
 * See contract.h, pipe(7), signal(7), write(2), sigpending(2).
 */
#define _POSIX_C_SOURCE 200809L

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contract.h"

static volatile sig_atomic_t caught;

static void
count(int sig)
{
    (void)sig;
    caught++;
}

static void
usage(FILE *stream, int status)
{
    fputs("usage: sigpipe default|ignore|catch|block\n"
          "Write to a pipe without a reader, with SIGPIPE set so.\n",
          stream);
    exit(status);
}

/* Both survive exec, so whoever started us may have set them otherwise. Not
   signal(3): where it is System V's, the handler serves only once. */
static void
prepare(void (*handler)(int), int blocking)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigset_t mask;

    sigemptyset(&mask);
    sigaddset(&mask, SIGPIPE);
    if (sigaction(SIGPIPE, &action, NULL) == -1)
        err(EXIT_FAILURE, "sigaction");
    if (sigprocmask(blocking, &mask, NULL) == -1)
        err(EXIT_FAILURE, "sigprocmask");
}

int
main(int argc, char *argv[])
{
    const char *way = argc == 2 ? argv[1] : "";
    sigset_t pending;
    int ends[2];

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (strcmp(way, "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    else if (strcmp(way, "default") == 0)
        prepare(SIG_DFL, SIG_UNBLOCK);
    else if (strcmp(way, "ignore") == 0)
        prepare(SIG_IGN, SIG_UNBLOCK);
    else if (strcmp(way, "catch") == 0)
        prepare(count, SIG_UNBLOCK);
    else if (strcmp(way, "block") == 0)
        prepare(SIG_DFL, SIG_BLOCK);
    else
        usage(stderr, 2);

    if (pipe(ends) == -1)
        err(EXIT_FAILURE, "pipe");
    close(ends[READ_END]); /* no reader is left */
    if (strcmp(way, "default") == 0)
        puts("write: will not return: SIGPIPE kills this process");
    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");

    if (write(ends[WRITE_END], "x", 1) == -1)
        printf("write: fails: %s\n", strerror(errno));
    else
        puts("write: succeeds");
    if (sigpending(&pending) == -1)
        err(EXIT_FAILURE, "sigpending");
    printf("SIGPIPE: caught %d, pending %d\n", (int)caught,
           sigismember(&pending, SIGPIPE));

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
