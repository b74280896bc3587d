/*
 * pair - parent and child talk both ways over one socketpair.
 *
 * socketpair(2) makes two sockets that are connected with each other: nobody
 * has listened, nobody has called, there is no name, no server and no client.
 * Both ends are alike. Unlike a pipe, neither ever reads its own words.
 *
 * See socketpair(2), shutdown(2), unix(7), pipe(7).
 */
#define _POSIX_C_SOURCE 200809L

#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void
usage(FILE *stream, int status)
{
    fputs("usage: pair\n"
          "Parent and child talk both ways over one socketpair.\n",
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

/* One read, one message: only because the others wait for each other. On a
   stream, what is written twice may be read at once: see kinds. */
static void
hear(const char *who, int from)
{
    char words[100];
    ssize_t got = read(from, words, sizeof(words));

    if (got == -1)
        err(EXIT_FAILURE, "%s: read", who);
    if (got == 0)
        printf("%s: reads end of file\n", who);
    else
        printf("%s: reads \"%.*s\"\n", who, (int)got, words);
}

/* SO_ACCEPTCONN: does it listen? A name would make the address longer. */
static void
show(const char *which, int fd)
{
    struct sockaddr_storage name;
    socklen_t length = sizeof(int), size = sizeof(name);
    int listens;

    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) == -1 ||
        getsockname(fd, (struct sockaddr *)&name, &size) == -1)
        err(EXIT_FAILURE, "getsockopt, getsockname");
    printf("%s: %s, %s\n", which, listens ? "listens" : "does not listen",
           size > sizeof(sa_family_t) ? "has a name" : "has no name");
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
    int ends[2], status;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (fcntl(STDOUT_FILENO, F_GETFD) == -1) /* closed: a socket would get 1 */
        err(EXIT_FAILURE, "standard output");
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == -1)
        err(EXIT_FAILURE, "socketpair");
    show("one end", ends[0]);
    show("the other end", ends[1]);
    pid_t pid = fork();
    if (pid == -1)
        err(EXIT_FAILURE, "fork");
    close(ends[pid == 0]); /* or the other's end of file would never come */
    int mine = ends[pid != 0];
    if (pid == 0) {
        hear("child", mine);
        say("child", mine, "I am your child.");
        hear("child", mine);
        say("child", mine, "Goodbye.");
        finish();
    }
    say("parent", mine, "Who are you?");
    hear("parent", mine);
    if (shutdown(mine, SHUT_WR) == -1) /* one way only: the other stays open */
        err(EXIT_FAILURE, "shutdown");
    hear("parent", mine);
    hear("parent", mine);
    if (waitpid(pid, &status, 0) == -1)
        err(EXIT_FAILURE, "waitpid");
    if (status != 0)
        errx(EXIT_FAILURE, "the child was killed, or failed");
    finish();
}
