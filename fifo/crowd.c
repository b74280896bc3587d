/*
 * crowd - show three writers and three readers on one FIFO: nothing is lost.
 *
 * All open the same name, and so the same buffer. Each writer writes 1000
 * numbered lines, one write() each, which the kernel keeps whole; each reader
 * takes the next line there is, whoever wrote it, and reports what it got.
 *
 * See fifo(7), pipe(7) on PIPE_BUF.
 */
#define _DEFAULT_SOURCE /* signal: the handler stays */

#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CROWD = 3, LINES = 1000, SIZE = 16 }; /* a line is far below PIPE_BUF */

struct report {
    int reader, lines, torn;
    long sum; /* of the lines' numbers: one lost, another doubled would show */
};

static char path[40];

static void
usage(FILE *stream, int status)
{
    fputs("usage: crowd\n"
          "Show who gets the lines of three writers when three read.\n",
          stream);
    exit(status);
}

/* Whoever fails takes the name away: then nobody can go on. */
static void
remove_name(void)
{
    unlink(path);
}

/* Die of the same signal, so that the shell learns how we ended. */
static void
stop(int sig)
{
    remove_name();
    signal(sig, SIG_DFL);
    raise(sig);
}

static void
write_lines(int writer, int fifo)
{
    char line[2 * SIZE];

    for (int i = 0; i < LINES; i++) {
        snprintf(line, sizeof(line), "line %10d\n", writer * LINES + i);
        if (write(fifo, line, SIZE) != SIZE)
            err(EXIT_FAILURE, "write %s", path);
    }
}

/* Only whole lines go in and out, so each read() should find a whole one. */
static void
read_lines(int reader, int fifo, int reports)
{
    struct report report = {.reader = reader};
    char line[SIZE + 1] = "";
    ssize_t got;

    while ((got = read(fifo, line, SIZE)) > 0) {
        report.lines++;
        report.sum += strtol(line + strlen("line "), NULL, 10);
        report.torn += got != SIZE || strncmp(line, "line ", 5) != 0 ||
                       line[SIZE - 1] != '\n';
    }
    if (got == -1)
        err(EXIT_FAILURE, "read %s", path);
    if (write(reports, &report, sizeof(report)) == -1)
        err(EXIT_FAILURE, "write the report");
}

/* A child for each part opens the FIFO for itself, for its part alone: a reader
   that could also write would never see end of file. With the other end open in
   hold, this open() does not sleep. */
static void
start(int i, int hold, int reports)
{
    int reads = i < CROWD, fifo;
    pid_t pid = fork();

    if (pid == -1)
        err(EXIT_FAILURE, "fork");
    if (pid > 0)
        return;
    if ((fifo = open(path, reads ? O_RDONLY : O_WRONLY)) == -1)
        err(EXIT_FAILURE, "open %s", path);
    close(hold);
    if (reads)
        read_lines(i + 1, fifo, reports);
    else
        write_lines(i - CROWD, fifo);
    _exit(EXIT_SUCCESS);
}

static void
wait_for(int children)
{
    int status;

    while (children-- > 0)
        if (wait(&status) == -1 || status != 0)
            errx(EXIT_FAILURE, "a writer or a reader was killed, or failed");
}

int
main(int argc, char *argv[])
{
    struct report report, sum = {0};
    int ends[2];
    ssize_t got;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);

    if (fcntl(STDOUT_FILENO, F_GETFD) == -1) /* closed: we would open it */
        err(EXIT_FAILURE, "standard output");
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */
    signal(SIGHUP, stop);     /* fails only for a number that is no signal */
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */
    snprintf(path, sizeof(path), "crowd-%ld.fifo", (long)getpid());
    if (mkfifo(path, 0600) == -1)
        err(EXIT_FAILURE, "mkfifo %s", path);
    atexit(remove_name); /* fails only for want of memory */

    int hold = open(path, O_RDWR);
    if (hold == -1 || pipe(ends) == -1)
        err(EXIT_FAILURE, "open %s, pipe", path);
    for (int i = 0; i < 2 * CROWD; i++)
        start(i, hold, ends[1]);
    wait_for(CROWD); /* the writers: no reader ends while we could write */
    close(hold);
    wait_for(CROWD); /* the readers: their reports are in the pipe */
    close(ends[1]);

    while ((got = read(ends[0], &report, sizeof(report))) > 0) {
        printf("reader %d: %d lines\n", report.reader, report.lines);
        sum.lines += report.lines;
        sum.torn += report.torn;
        sum.sum += report.sum;
    }
    if (got == -1)
        err(EXIT_FAILURE, "read the reports");
    const long all = (long)CROWD * LINES; /* numbered from 0 */
    printf("sum: %d lines, %d torn, and %s of each\n", sum.lines, sum.torn,
           sum.sum == all * (all - 1) / 2 ? "one" : "not one");
    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
