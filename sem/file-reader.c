/*
 * file-reader - copy a file to standard output, while file-writer writes it.
 *
 * The two are cat(1) cut in two: what goes in there comes out here. Either may
 * start first and makes the file. The reader removes it when it has all; until
 * then the writer stays.
 *
 * See contract.h, open(2), fcntl_locking(2).
 */
#define _GNU_SOURCE /* F_OFD_SETLKW, F_OFD_GETLK */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "contract.h"

static const char *path = FILE_PATH;
static int file = -1;

static void
usage(FILE *stream, int status)
{
    fputs("usage: file-reader [path]\n"
          "Copy what file-writer puts into a file to standard output.\n",
          stream);
    exit(status);
}

/* Lock the bytes from first to last; sleep until nobody forbids it. */
static void
lock(off_t first, off_t last)
{
    struct flock bytes = {
        .l_type = F_RDLCK, .l_start = first, .l_len = last - first + 1};

    if (fcntl(file, F_OFD_SETLKW, &bytes) == -1)
        err(EXIT_FAILURE, "lock %s", path);
}

static int
is_locked(off_t byte)
{
    struct flock bytes = {.l_type = F_WRLCK, .l_start = byte, .l_len = 1};

    if (fcntl(file, F_OFD_GETLK, &bytes) == -1)
        err(EXIT_FAILURE, "look for a lock of %s", path);
    return bytes.l_type != F_UNLCK;
}

/* It may have been removed since we have opened it, or replaced. */
static int
is_still_there(void)
{
    struct stat ours, named;

    return fstat(file, &ours) == 0 && lstat(path, &named) == 0 &&
           ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

/* Only one at a time may come or go. */
static int
close_door(short type)
{
    struct flock door = {.l_type = type, .l_start = FILE_DOOR, .l_len = 1};

    return fcntl(file, F_OFD_SETLKW, &door);
}

/* Go alone: whoever comes next finds neither the file nor our locks. */
static void
leave(void)
{
    close_door(F_WRLCK);
    if (is_still_there())
        unlink(path);
    close(file);
}

/* Die of the same signal, so that the shell learns how we ended. */
static void
stop(int sig)
{
    leave();
    signal(sig, SIG_DFL);
    raise(sig);
}

/* Anything else under the name is not to be touched: ours is empty, or begins
   as all of them do. */
static void
look_at(struct stat *st, char head[FILE_HEAD])
{
    if (fstat(file, st) == -1)
        err(EXIT_FAILURE, "fstat %s", path);
    if (S_ISREG(st->st_mode) && pread(file, head, FILE_HEAD, 0) == -1)
        err(EXIT_FAILURE, "read %s", path);
    if (!S_ISREG(st->st_mode) || st->st_uid != geteuid() ||
        (st->st_mode & 07777) != FILE_MODE ||
        (st->st_size > 0 && memcmp(head, FILE_OPEN, FILE_MARK) != 0))
        errx(EXIT_FAILURE, "%s is not a file of ours", path);
}

/* Come in alone: nobody else may look, make or remove meanwhile. No signal
   comes until we can leave as we should. */
static void
enter(void)
{
    char head[FILE_HEAD] = "";
    struct stat st;

    for (;; close(file)) {
        file =
            open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, FILE_MODE);
        if (file == -1 || close_door(F_WRLCK) == -1)
            err(EXIT_FAILURE, "open, lock %s", path);
        if (!is_still_there())
            continue;
        look_at(&st, head);
        if (is_locked(FILE_READER))
            errx(EXIT_FAILURE, "%s: another reader is here", path);
        if (st.st_size == 0 ||
            (is_locked(FILE_WRITER) && head[FILE_MARK] != 't'))
            break; /* new, or a writer is there: all it has written, too */

        unlink(path); /* a killed run has left it behind */
    }
    atexit(leave); /* fails only for want of memory */
    if (st.st_size == 0 && pwrite(file, FILE_OPEN, FILE_HEAD, 0) != FILE_HEAD)
        err(EXIT_FAILURE, "write %s", path);
    lock(FILE_READER, FILE_READER);
    close_door(F_UNLCK);
}

/* No lock to sleep on is there yet: look from time to time. A writer that was
   here and is gone has removed the file, or left something in it. */
static void
wait_for_writer(void)
{
    char head[FILE_HEAD] = "";
    struct stat st;

    for (;; poll(NULL, 0, FILE_TICK)) {
        look_at(&st, head);
        if (is_locked(FILE_WRITER))
            break;
        if (st.st_nlink == 0 || st.st_size > FILE_HEAD)
            errx(EXIT_FAILURE, "%s: the writer is gone before its end", path);
    }
    warnx("a writer is there");
}

/* At the end of a file, read() does not sleep: it returns 0. So sleep for a
   lock on the byte that is next. If it is ours and still not there, all is
   written, or the writer is dead and its locks are gone: the first line knows.
 */
static void
copy(int to)
{
    static char buf[FILE_BLOCK];
    char head[FILE_HEAD] = "";
    struct stat st;
    long long reads = 0;
    off_t at = FILE_HEAD;
    ssize_t got, put;

    for (;; at += got, reads++) {
        lock(0, at); /* one lock that grows, not one for each byte */
        if ((got = pread(file, buf, sizeof(buf), at)) == -1)
            err(EXIT_FAILURE, "read %s", path);
        if (got == 0)
            break;
        for (ssize_t done = 0; done < got; done += put)
            if ((put = write(to, buf + done, (size_t)(got - done))) == -1)
                err(EXIT_FAILURE, "write standard output");
    }
    look_at(&st, head);
    if (memcmp(head, FILE_WRITTEN, FILE_HEAD) != 0)
        errx(EXIT_FAILURE, "%s: the writer is gone before its end", path);
    warnx("end of data: %lld bytes in %lld reads", (long long)at - FILE_HEAD,
          reads);
    if (pwrite(file, FILE_TAKEN, FILE_HEAD, 0) != FILE_HEAD)
        err(EXIT_FAILURE, "write %s", path);
}

int
main(int argc, char *argv[])
{
    sigset_t all;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (getopt(argc, argv, "") != -1 || argc - optind > 1)
        usage(stderr, 2);
    if (argc > optind)
        path = argv[optind];
    if (fcntl(STDOUT_FILENO, F_GETFD) == -1) /* closed: we would open it */
        err(EXIT_FAILURE, "standard output");

    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    signal(SIGHUP, stop); /* fails only for a number that is no signal */
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */
    enter();
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    warnx("%s: looks for a writer, then sleeps for its lock", path);
    wait_for_writer();
    copy(STDOUT_FILENO);
    return EXIT_SUCCESS;
}
