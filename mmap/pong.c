/*
 * pong - send back what ping says, through a mapped file.
 *
 * Hears how many rounds of how many bytes there will be. Either may start
 * first: the first one makes the file and waits, the second takes its name
 * away.
 *
 * See contract.h, mmap(2), futex(2), fcntl_locking(2).
 */
#define _GNU_SOURCE /* F_OFD_SETLK, F_OFD_GETLK, syscall */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "contract.h"

static const char *path = TALK_PATH;
static struct talk *talk;
static int file;

static void
usage(FILE *stream, int status)
{
    fputs("usage: pong [path]\n"
          "Send back what ping says, until it has said all.\n",
          stream);
    exit(status);
}

/* F_OFD_SETLK: we are here. F_OFD_GETLK: is anybody there? */
static int
lock(int command, off_t who)
{
    short type = command == F_OFD_SETLK ? F_RDLCK : F_WRLCK;
    struct flock byte = {.l_type = type, .l_start = who, .l_len = 1};

    if (fcntl(file, command, &byte) == -1)
        err(EXIT_FAILURE, "fcntl");
    return byte.l_type != F_UNLCK;
}

/* Does the name stand for our file? It may stand for another by now. */
static int
is_still_there(void)
{
    struct stat ours, named;

    return fstat(file, &ours) == 0 && lstat(path, &named) == 0 &&
           ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

/* Go alone: nobody may be in the middle of coming to us. */
static void
leave(void)
{
    while (flock(file, LOCK_EX) == -1 && errno == EINTR)
        ;
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

/* What was the file's memory is not any more: who touches it gets SIGBUS, and a
   system call that is given it fails with EFAULT. */
static void
shortened(int sig)
{
    (void)sig;
    errx(EXIT_FAILURE, "%s has been made shorter under the map", path);
}

/* Our clock only ends the call that sleeps: EINTR, as we want no SA_RESTART. */
static void
tick(int sig)
{
    (void)sig;
}

static void
handle(int sig, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};

    sigfillset(&action.sa_mask);   /* one at a time */
    sigaction(sig, &action, NULL); /* fails for no signal only */
}

/* Beyond the file's last page there is no memory to be had, only SIGBUS; so
   make it long enough. ftruncate(2) would, but promises disk space that may be
   missing later: SIGBUS again. Have it now, or fail. */
static void
make_long_enough(void)
{
    if (pwrite(file, TALK_MARK, MARK_BYTES, 0) != MARK_BYTES)
        err(EXIT_FAILURE, "write %s", path);
    if ((errno = posix_fallocate(file, 0, sizeof(*talk))) != 0)
        err(EXIT_FAILURE, "posix_fallocate %s", path);
}

/* Come in alone, too. Anything else under the name is not to be touched. */
static void
enter(void)
{
    char mark[MARK_BYTES] = "";
    struct stat st;

    for (;; close(file)) {
        file =
            open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, FILE_MODE);
        if (file == -1 || flock(file, LOCK_EX) == -1 || fstat(file, &st) == -1)
            err(EXIT_FAILURE, "open, flock %s", path);
        if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
            (st.st_mode & 07777) != FILE_MODE ||
            pread(file, mark, MARK_BYTES, 0) == -1 ||
            (st.st_size > 0 && memcmp(mark, TALK_MARK, MARK_BYTES) != 0))
            errx(EXIT_FAILURE, "%s is not a map of ours", path);
        if (!is_still_there())
            continue; /* it went while we waited for the lock */
        if (lock(F_OFD_GETLK, PONG))
            errx(EXIT_FAILURE, "%s: another pong is here", path);
        if (st.st_size == 0 ||
            (st.st_size == sizeof(*talk) && lock(F_OFD_GETLK, PING)))
            break;
        unlink(path); /* a killed run has left it behind */
    }
    atexit(leave); /* fails only for want of memory */
    if (st.st_size == 0)
        make_long_enough();
    talk =
        mmap(NULL, sizeof(*talk), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (talk == MAP_FAILED)
        err(EXIT_FAILURE, "mmap %s", path);
    lock(F_OFD_SETLK, PONG);
    if (st.st_size > 0)
        unlink(path); /* we have met */
    flock(file, LOCK_UN);
}

/* A call was interrupted, by our clock if by nothing else, and it is time to
   look: has ping been here, and is now gone? Nobody would tell. */
static int
ping_is_gone(void)
{
    return !is_still_there() && !lock(F_OFD_GETLK, PING);
}

/* Words first, then the turn: an atomic store comes after all that was written
   before, also for who looks from another CPU. */
static void
say(uint32_t turn)
{
    talk->turn = turn;
    syscall(SYS_futex, &talk->turn, FUTEX_WAKE, 1);
}

/* Wait for the other to take its turn. What it did before it went can be seen
   by now: so in this order. */
static void
hear(uint32_t turn)
{
    uint32_t now;

    while ((now = talk->turn) == turn - 1)
        if (syscall(SYS_futex, &talk->turn, FUTEX_WAIT, now, NULL) == -1 &&
            errno == EINTR && ping_is_gone() && talk->turn == now)
            errx(EXIT_FAILURE, "%s: ping is gone before its end", path);
    if (now != turn)
        errx(EXIT_FAILURE, "turn %u after %u: this is not ping", now, turn - 1);
}

/* A signal must not come before we can leave as we should. */
static void
meet(void)
{
    const struct itimerval clock = {{0, TICK}, {0, TICK}};
    sigset_t all;

    for (int fd = 0; fd < 3; fd++) /* closed: the file would get its number */
        if (fcntl(fd, F_GETFD) == -1)
            err(EXIT_FAILURE, "descriptor %d", fd);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    handle(SIGHUP, stop);
    handle(SIGINT, stop);
    handle(SIGTERM, stop);
    handle(SIGBUS, shortened);
    handle(SIGALRM, tick);
    enter();
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    setitimer(ITIMER_REAL, &clock, NULL);
}

int
main(int argc, char *argv[])
{
    static unsigned char buf[PING_MOST_BYTES];

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (getopt(argc, argv, "") != -1 || argc - optind > 1)
        usage(stderr, 2);
    if (argc > optind)
        path = argv[optind];

    meet();
    warnx("futex: sleeps until ping has come and taken its turn");
    hear(1);
    /* Anybody could have written this, and could change it: read it once. */
    const int rounds = talk->rounds, bytes = talk->bytes;
    if (rounds < 1 || rounds > PING_MOST_ROUNDS / 10 * 11 || bytes < 1 ||
        bytes > PING_MOST_BYTES)
        errx(EXIT_FAILURE, "this is not ping: %d rounds of %d bytes", rounds,
             bytes);
    warnx("%d rounds of %d bytes", rounds, bytes);

    say(2);
    for (uint32_t turn = 3; turn < 3 + 2 * (uint32_t)rounds; turn += 2) {
        hear(turn);
        memcpy(buf, talk->ping_says, (size_t)bytes);
        memcpy(talk->pong_says, buf, (size_t)bytes);
        say(turn + 1);
    }
    return EXIT_SUCCESS;
}
