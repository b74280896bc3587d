/*
 * file-writer - copy standard input into a file that file-reader follows.
 *
 * The two are cat(1) cut in two: what goes in here comes out there. Either may
 * start first and makes the file. The reader removes it when it has all; until
 * then the writer stays.
 *
 * See contract.h, open(2), fcntl_locking(2).
 */
#define _GNU_SOURCE /* F_OFD_SETLK, F_OFD_SETLKW, F_OFD_GETLK */

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
    fputs("usage: file-writer [path]\n"
          "Copy standard input into a file for file-reader.\n",
          stream);
    exit(status);
}

/* A call has returned -1: it is made again if it was only interrupted. */
static void
again(const char *call, const char *object)
{
    if (errno != EINTR)
        err(EXIT_FAILURE, "%s %s", call, object);
}

/* F_OFD_SETLKW sleeps until nobody forbids it, F_OFD_SETLK fails instead, and
   F_OFD_GETLK only asks who would. The kernel frees what a dead one locked. */
static int
lock(int command, short type, off_t first, off_t last)
{
    struct flock bytes = {
        .l_type = type, .l_start = first, .l_len = last - first + 1};

    while (fcntl(file, command, &bytes) == -1) {
        if (errno == EAGAIN)
            return 0;
        again("lock", path);
    }
    return command != F_OFD_GETLK || bytes.l_type == F_UNLCK;
}

static int
is_locked(off_t byte)
{
    return !lock(F_OFD_GETLK, F_WRLCK, byte, byte);
}

/* It may have been removed since we have opened it, or replaced. */
static int
is_still_there(void)
{
    struct stat ours, named;

    return fstat(file, &ours) == 0 && lstat(path, &named) == 0 &&
           ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

/* Go alone: whoever comes next finds neither the file nor our locks. */
static void
leave(void)
{
    struct flock door = {.l_type = F_WRLCK, .l_start = FILE_DOOR, .l_len = 1};

    for (int i = 0; fcntl(file, F_OFD_SETLK, &door) == -1 && i < 50; i++)
        poll(NULL, 0, FILE_TICK); /* who has the lock may be stopped */
    if (is_still_there())
        unlink(path);
}

/* Die of the same signal, so that the shell learns how we ended. */
static void
stop(int sig)
{
    leave();
    signal(sig, SIG_DFL);
    raise(sig);
}

/* Which of the first lines it has: the letter that differs, or '\0' if it is
   empty. Anything else under the name is not to be touched. */
static char
look_at(struct stat *st)
{
    char head[FILE_HEAD] = "";

    if (fstat(file, st) == -1)
        err(EXIT_FAILURE, "fstat %s", path);
    while (S_ISREG(st->st_mode) && pread(file, head, FILE_HEAD, 0) == -1)
        again("read", path);
    if (!S_ISREG(st->st_mode) || st->st_uid != geteuid() ||
        (st->st_mode & 07777) != FILE_MODE ||
        (st->st_size > 0 && memcmp(head, FILE_OPEN, FILE_MARK) != 0))
        errx(EXIT_FAILURE, "%s is not a file of ours", path);
    return head[FILE_MARK];
}

/* Come in alone: nobody else may look, make or remove meanwhile. No signal
   comes until we can leave as we should. */
static void
enter(const sigset_t *all)
{
    struct stat st;

    for (;; close(file)) {
        while ((file = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK,
                            FILE_MODE)) == -1)
            again("open", path);
        /* Told to stop while another has it, we may die: it is not ours. */
        if (!lock(F_OFD_SETLK, F_WRLCK, FILE_DOOR, FILE_DOOR)) {
            sigprocmask(SIG_UNBLOCK, all, NULL);
            lock(F_OFD_SETLKW, F_WRLCK, FILE_DOOR, FILE_DOOR);
            sigprocmask(SIG_BLOCK, all, NULL);
        }
        if (!is_still_there())
            continue;
        const char state = look_at(&st);
        const int awaited =
            state == 'o' && st.st_size == FILE_HEAD && is_locked(FILE_READER);
        if (is_locked(FILE_WRITER))
            errx(EXIT_FAILURE, "%s: another writer is here", path);
        if ((state == '\0' || awaited) &&
            lock(F_OFD_SETLK, F_WRLCK, FILE_HEAD, FILE_WRITER))
            break; /* new, or a reader waits for its first writer */

        unlink(path); /* a killed run has left it behind */
    }
    atexit(leave); /* fails only for want of memory */
    while (pwrite(file, FILE_OPEN, FILE_HEAD, 0) == -1)
        again("write", path);
    lock(F_OFD_SETLK, F_UNLCK, FILE_DOOR, FILE_DOOR);
}

/* Has a reader taken all? Has one been here, and is now gone? Nobody would
   tell. A reader that is gone as it should has said so before. */
static int
is_taken(void)
{
    static int met;
    struct stat st;
    int there = is_locked(FILE_READER);

    if (look_at(&st) == 't')
        return 1;
    if (!there && (met || st.st_nlink == 0))
        errx(EXIT_FAILURE, "%s: the reader is gone before the end", path);
    if (there && !met)
        warnx("a reader is there");
    met = there;
    return 0;
}

/* Copy until end of file. What is written is no longer locked: a reader that
   sleeps for it wakes. poll() lets us look around while there is no input. */
static void
copy(int from)
{
    static char buf[FILE_BLOCK];
    struct pollfd input = {.fd = from, .events = POLLIN};
    long long writes = 0;
    off_t end = FILE_HEAD;
    ssize_t got, put;
    int ready;

    do {
        do {
            is_taken();
            if ((ready = poll(&input, 1, FILE_TICK)) == -1)
                again("poll", path);
        } while (ready < 1);
        while ((got = read(from, buf, sizeof(buf))) == -1)
            again("read", "standard input");
        for (ssize_t done = 0; done < got; done += put, end += put) {
            while ((put = pwrite(file, buf + done, (size_t)(got - done),
                                 end)) == -1)
                again("write", path);
            lock(F_OFD_SETLK, F_UNLCK, end, end + put - 1);
            writes++;
        }
    } while (got > 0);
    while (pwrite(file, FILE_WRITTEN, FILE_HEAD, 0) == -1)
        again("write", path);
    lock(F_OFD_SETLK, F_UNLCK, end, FILE_WRITER - 1);
    warnx("end of input: %lld bytes in %lld writes", (long long)end - FILE_HEAD,
          writes);
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
    for (int fd = 0; fd < 3; fd++) /* closed: the file would get its number */
        if (fcntl(fd, F_GETFD) == -1)
            err(EXIT_FAILURE, "descriptor %d", fd);

    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */
    enter(&all);
    signal(SIGHUP, stop); /* fails only for a number that is no signal */
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    warnx("%s: writes, whether a reader is there or not", path);
    copy(STDIN_FILENO);
    while (!is_taken())
        poll(NULL, 0, FILE_TICK);
    return EXIT_SUCCESS;
}
