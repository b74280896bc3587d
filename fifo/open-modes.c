/*
 * open-modes - show which ways to open a FIFO sleep, and what read() says then.
 *
 * A child opens first. Once the kernel shows it asleep, we open the other end,
 * and both go on. The FIFO is made here, and removed in the end.
 *
 * See fifo(7), open(2), read(2), proc(5).
 */
#define _DEFAULT_SOURCE /* signal: the handler stays */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char path[40];

/* Parent and child both come here when told to stop: it may be gone. */
static void
remove_name(void)
{
    unlink(path);
}

static void
usage(FILE *stream, int status)
{
    fputs("usage: open-modes\n"
          "Show which ways to open a FIFO sleep, and what a read returns.\n",
          stream);
    exit(status);
}

/* Die of the same signal, so that the shell learns how we ended. */
static void
stop(int sig)
{
    remove_name();
    signal(sig, SIG_DFL);
    raise(sig);
}

/* R, S, Z as ps(1) shows it: the first letter after the name. */
static char
state(pid_t pid)
{
    char file[32], letter;

    snprintf(file, sizeof(file), "/proc/%d/stat", (int)pid);
    FILE *stat = fopen(file, "r");
    if (stat == NULL || fscanf(stat, "%*d (%*[^)]) %c", &letter) != 1)
        err(EXIT_FAILURE, "read %s", file);
    fclose(stat);
    return letter;
}

/* A child opens the FIFO, and perhaps reads from it, until it sleeps there. No
   call waits until a process sleeps: look at it once a millisecond. */
static pid_t
sleeper(const char *what, int flags, int reads)
{
    const struct timespec nap = {.tv_nsec = 1000000};
    pid_t parent = getpid(), pid = fork();
    char c, letter;

    if (pid == -1)
        err(EXIT_FAILURE, "fork");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody else would wake us */
        if (getppid() != parent)
            _exit(EXIT_FAILURE);
        int fifo = open(path, flags);
        if (fifo == -1 || (reads && read(fifo, &c, 1) == -1))
            err(EXIT_FAILURE, "the child: open, read %s", path);
        _exit(EXIT_SUCCESS);
    }
    while ((letter = state(pid)) != 'S' && letter != 'Z')
        nanosleep(&nap, NULL);
    printf("%s: state %c\n", what, letter);
    return pid;
}

static void
woken(const char *what, pid_t pid)
{
    int status;

    if (waitpid(pid, &status, 0) == -1)
        err(EXIT_FAILURE, "waitpid");
    if (status != 0)
        errx(EXIT_FAILURE, "the child was killed, or failed: %s", what);
    printf("%s: both return\n", what);
}

static int
show_open(const char *what, int flags)
{
    int fd = open(path, flags, 0600); /* the mode is for O_CREAT alone */

    printf("open %s: %s\n", what, fd == -1 ? strerror(errno) : "returns");
    return fd;
}

static void
show_read(const char *what, int fd)
{
    char c;
    ssize_t got = read(fd, &c, 1);

    printf("read %s: %s\n", what, got == -1 ? strerror(errno) : "0 bytes");
    close(fd);
}

/* The other end is opened with O_NONBLOCK where a child should be there: had it
   been killed, we would sleep in its place. */
static void
show_sleepers(void)
{
    pid_t pid = sleeper("open O_RDONLY, no writer", O_RDONLY, 0);
    int fifo = open(path, O_WRONLY | O_NONBLOCK);

    if (fifo == -1)
        err(EXIT_FAILURE, "open %s for writing", path);
    woken("open O_RDONLY, then a writer opens", pid);
    close(fifo);

    pid = sleeper("open O_WRONLY, no reader", O_WRONLY, 0);
    if ((fifo = open(path, O_RDONLY | O_NONBLOCK)) == -1)
        err(EXIT_FAILURE, "open %s for reading", path);
    woken("open O_WRONLY, then a reader opens", pid);
    close(fifo);

    if ((fifo = show_open("O_RDWR, nobody else", O_RDWR)) == -1)
        err(EXIT_FAILURE, "open %s", path);
    pid = sleeper("read, a writer is there and silent", O_RDONLY, 1);
    if (write(fifo, "x", 1) == -1)
        err(EXIT_FAILURE, "write %s", path);
    woken("read, then the writer writes", pid);
    close(fifo);
}

int
main(int argc, char *argv[])
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);

    if (fcntl(STDOUT_FILENO, F_GETFD) == -1) /* closed: we would open it */
        err(EXIT_FAILURE, "standard output");
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */
    signal(SIGHUP, stop);     /* fails only for a number that is no signal */
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */
    snprintf(path, sizeof(path), "open-modes-%ld.fifo", (long)getpid());
    if (mkfifo(path, 0600) == -1)
        err(EXIT_FAILURE, "mkfifo %s", path);
    atexit(remove_name); /* fails only for want of memory */

    show_sleepers();
    show_open("O_WRONLY|O_NONBLOCK, no reader", O_WRONLY | O_NONBLOCK);
    int in = show_open("O_RDONLY|O_NONBLOCK, no writer", O_RDONLY | O_NONBLOCK);
    show_read("O_NONBLOCK, no writer", dup(in));
    int out = show_open("O_WRONLY|O_NONBLOCK, a reader is there",
                        O_WRONLY | O_NONBLOCK);
    show_read("O_NONBLOCK, a writer is there and silent", in);
    close(out);
    unlink(path);
    show_read("of an empty file",
              show_open("O_RDONLY|O_CREAT, no such name: a file",
                        O_RDONLY | O_CREAT));
    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
