/*
 * open-modes - show which ways to open a FIFO sleep, and what read() says then.
 *
 * A child opens first. Once the kernel shows it asleep, we open the other end,
 * and both go on. The FIFO is made here, and removed in the end.
 *
 * See fifo(7), open(2), read(2), proc(5).
 */
#define _POSIX_C_SOURCE 200809L

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

static void
remove_fifo(void)
{
    unlink(path); /* it may be gone: parent and child both come here */
}

/* Die of the same signal, so that the shell learns how we ended. */
static void
stop(int sig)
{
    remove_fifo();
    signal(sig, SIG_DFL);
    raise(sig);
}

/* The kernel tells nobody that a process has fallen asleep: look every
   millisecond. The state follows the name in brackets: 12 (open-modes) S ... */
static char
state_at_rest(pid_t pid)
{
    const struct timespec ms = {.tv_nsec = 1000000};
    char file[40], line[80], state = 'R';

    snprintf(file, sizeof(file), "/proc/%ld/stat", (long)pid);
    while (state != 'S' && state != 'Z') { /* Z: it did not sleep */
        FILE *stat = fopen(file, "r");
        if (stat == NULL || fgets(line, sizeof(line), stat) == NULL)
            err(EXIT_FAILURE, "%s", file);
        fclose(stat); /* it was only read */
        state = strrchr(line, ')')[2];
        nanosleep(&ms, NULL);
    }
    return state;
}

/* A child opens the FIFO, and perhaps reads from it, until it sleeps there. */
static pid_t
sleeper(const char *what, int flags, int reads)
{
    pid_t parent = getpid(), pid = fork();
    char c;

    if (pid == -1)
        err(EXIT_FAILURE, "fork");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody else would wake us */
        if (getppid() != parent)
            _exit(EXIT_FAILURE);
        int fifo = open(path, flags);
        _exit(fifo == -1 || (reads && read(fifo, &c, 1) != 1));
    }
    printf("%s: state %c\n", what, state_at_rest(pid));
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
    int fd = open(path, flags);

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
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        puts("usage: open-modes\n"
             "Show which ways to open a FIFO sleep, and what a read returns.");
        return EXIT_SUCCESS;
    }
    if (argc > 1) {
        fputs("usage: open-modes\n", stderr);
        return 2;
    }

    if (fcntl(STDOUT_FILENO, F_GETFD) == -1) /* closed: we would open it */
        err(EXIT_FAILURE, "standard output");
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGHUP, stop); /* fails only for a number that is no signal */
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    snprintf(path, sizeof(path), "open-modes-%ld.fifo", (long)getpid());
    if (mkfifo(path, 0600) == -1)
        err(EXIT_FAILURE, "mkfifo %s", path);
    atexit(remove_fifo); /* fails only for want of memory */

    show_sleepers();
    show_open("O_WRONLY|O_NONBLOCK, no reader", O_WRONLY | O_NONBLOCK);
    int in = show_open("O_RDONLY|O_NONBLOCK, no writer", O_RDONLY | O_NONBLOCK);
    show_read("O_NONBLOCK, no writer", dup(in));
    int out = show_open("O_WRONLY|O_NONBLOCK, a reader is there",
                        O_WRONLY | O_NONBLOCK);
    show_read("O_NONBLOCK, a writer is there and silent", in);
    close(out);
    unlink(path);
    in =
        show_open("O_RDONLY|O_CREAT, no such name: a file", O_RDONLY | O_CREAT);
    show_read("of an empty file", in);
    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
