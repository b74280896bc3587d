/*
 * making - show what makes a FIFO, with which mode, and where its data is.
 *
 * Every object is made under one name of our own, looked at, and removed.
 *
 * See mkfifo(3), mknod(2), umask(2), stat(2), fifo(7).
 */
#define _DEFAULT_SOURCE /* mknod */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[40];

static void
usage(FILE *stream, int status)
{
    fputs("usage: making\n"
          "Show what makes a FIFO, with which mode, and where its data is.\n",
          stream);
    exit(status);
}

static void
remove_made(void)
{
    unlink(path);
}

/* Die of the same signal, so that the shell learns how we ended. */
static void
stop(int sig)
{
    remove_made();
    signal(sig, SIG_DFL);
    raise(sig);
}

/* What a call has made, or why not: result is what it returned. */
static void
show(const char *call, int result)
{
    struct stat st;

    if (result == -1) {
        printf("%s: %s\n", call, strerror(errno));
        return;
    }
    if (lstat(path, &st) == -1)
        err(EXIT_FAILURE, "lstat %s", path);
    printf("%s: a %s, mode %04o\n", call,
           S_ISFIFO(st.st_mode) ? "FIFO" : "regular file",
           (unsigned int)st.st_mode & 07777);
}

/* Modes are what was asked for, less the bits of the umask. */
static void
show_modes(void)
{
    umask(022);
    show("mkfifo 0664, umask 022", mkfifo(path, 0664));
    show("mkfifo once more", mkfifo(path, 0664));
    remove_made();
    umask(077);
    show("mkfifo 0666, umask 077", mkfifo(path, 0666));
    remove_made();

    /* Nobody may read it, and yet it is made: the kernel asks only when it is
       opened. The superuser is not asked. O_NONBLOCK: without a sleep. */
    umask(0);
    show("mkfifo 0222, umask 0", mkfifo(path, 0222));
    int fifo = open(path, O_RDONLY | O_NONBLOCK);
    printf("open it for reading: %s\n",
           fifo == -1 ? strerror(errno) : "allowed, we are privileged");
    if (fifo != -1)
        close(fifo);
    remove_made();
}

/* open() makes files only, mknod() anything; both names are taken alike. */
static void
show_other_calls(void)
{
    int file = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);

    show("open O_CREAT 0600", file);
    show("mkfifo over the file", mkfifo(path, 0600));
    remove_made();
    if (file != -1)
        close(file);
    show("mknod S_IFIFO 0600", mknod(path, S_IFIFO | 0600, 0));
}

/* The name is on the disk; what is written stays in the kernel's memory, and
   only as long as somebody has the FIFO open. */
static void
show_data(void)
{
    char buf[16];
    struct stat st;
    int fifo = open(path, O_RDWR); /* does not sleep, on Linux */

    if (fifo == -1 || write(fifo, "hello", 5) != 5 || fstat(fifo, &st) == -1)
        err(EXIT_FAILURE, "open, write, fstat %s", path);
    printf("holding 5 bytes: size %lld, blocks %lld\n", (long long)st.st_size,
           (long long)st.st_blocks);
    close(fifo);
    if ((fifo = open(path, O_RDONLY | O_NONBLOCK)) == -1)
        err(EXIT_FAILURE, "open %s", path);
    ssize_t got = read(fifo, buf, sizeof(buf));
    if (got == -1)
        err(EXIT_FAILURE, "read %s", path);
    printf("closed by all, opened again: %zd bytes\n", got);
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
    snprintf(path, sizeof(path), "making-%ld.fifo", (long)getpid());
    if (access(path, F_OK) == 0) /* from here on, the name is ours */
        errx(EXIT_FAILURE, "%s is there already", path);
    signal(SIGHUP, stop); /* fails only for a number that is no signal */
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */
    atexit(remove_made);      /* fails only for want of memory */

    show_modes();
    show_other_calls();
    show_data();
    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
