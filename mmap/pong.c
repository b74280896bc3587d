/*
 * pong - send back what ping says, through a mapped file.
 *
 * Hears how many rounds of how many bytes there will be. Either may start
 * first: pong makes the file and waits, and ping takes its name away.
 *
 * See contract.h, mmap(2), futex(2), fcntl_locking(2).
 */
#define _GNU_SOURCE /* F_OFD_SETLK, F_OFD_GETLK, syscall */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
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
        err(EXIT_FAILURE, "fcntl %s", path);
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
    for (int i = 0; flock(file, LOCK_EX | LOCK_NB) == -1 && i < 10; i++)
        poll(NULL, 0, TICK); /* who has the lock may be stopped */
    if (is_still_there())
        unlink(path);
}

/* Told to stop: die of the same signal, so that the shell learns how. Not all
   that is called is in signal-safety(7), but it is only system calls. */
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

/* A call has returned -1: it is made again if it was only interrupted. */
static void
again(const char *call, const char *object)
{
    if (errno != EINTR)
        err(EXIT_FAILURE, "%s %s", call, object);
}

/* Get a new file, and be alone with it: nobody else may look, make or remove
   meanwhile. The name may go before we have the lock. A new file is empty. */
static void
make(void)
{
    struct stat st;

    for (;; close(file)) {
        file =
            open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, FILE_MODE);
        if (file == -1)
            err(EXIT_FAILURE, "open %s", path);
        while (flock(file, LOCK_EX | LOCK_NB) == -1) {
            if (errno == EWOULDBLOCK)
                errx(EXIT_FAILURE, "%s: another pong is here", path);
            again("flock", path);
        }
        if (!is_still_there() || fstat(file, &st) == -1)
            continue;
        if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
            (st.st_mode & 07777) != FILE_MODE ||
            (st.st_size != 0 && st.st_size != sizeof(*talk)))
            errx(EXIT_FAILURE, "%s is not a map of ours", path);
        if (lock(F_OFD_GETLK, PONG))
            errx(EXIT_FAILURE, "%s: another pong is here", path);
        if (st.st_size == 0)
            return;
        unlink(path); /* a killed run has left it behind */
    }
}

/* Wait under the name for ping. No signal comes before we can leave as we
   should. */
static void
enter(void)
{
    struct sigaction action = {.sa_handler = stop};
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    make();
    sigaction(SIGHUP, &action, NULL); /* fails for no signal only */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = shortened;
    sigaction(SIGBUS, &action, NULL);
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */
    atexit(leave);            /* fails only for want of memory */

    /* Beyond the file's last page there is no memory to be had, only SIGBUS; so
       make it long enough. But ftruncate() only promises disk space: if that
       is missing later, SIGBUS again. Have it now, or fail. */
    while (ftruncate(file, sizeof(*talk)) == -1)
        again("ftruncate", path);
    while ((errno = posix_fallocate(file, 0, sizeof(*talk))) != 0)
        again("posix_fallocate", path);
    talk =
        mmap(NULL, sizeof(*talk), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (talk == MAP_FAILED)
        err(EXIT_FAILURE, "mmap %s", path);
    lock(F_OFD_SETLK, PONG);
    flock(file, LOCK_UN);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
}

/* Words first, then the turn: an atomic store comes after all that was written
   before, also for who looks from another CPU. */
static void
say(uint32_t turn)
{
    talk->turn = turn;
    syscall(SYS_futex, &talk->turn, FUTEX_WAKE, 1);
}

/* Has ping been here, and is now gone? Nobody would tell. Who took its turn has
   been here. Or has it taken its last turn and gone as it should? */
static void
look(uint32_t turn)
{
    if ((turn > 0 || !is_still_there()) && !lock(F_OFD_GETLK, PING) &&
        talk->turn == turn)
        errx(EXIT_FAILURE, "%s: ping is gone before its end", path);
}

/* Wait for the other to take its turn. FUTEX_WAIT does not sleep if it has. */
static void
hear(uint32_t turn)
{
    const struct timespec tick = {.tv_nsec = TICK * 1000000L};
    uint32_t now;

    while ((now = talk->turn) == turn - 1)
        if (syscall(SYS_futex, &talk->turn, FUTEX_WAIT, now, &tick) == -1)
            look(now);
    if (now != turn)
        errx(EXIT_FAILURE, "turn %u after %u: this is not ping", now, turn - 1);
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
    for (int fd = 0; fd < 3; fd++) /* closed: the file would get its number */
        if (fcntl(fd, F_GETFD) == -1)
            err(EXIT_FAILURE, "descriptor %d", fd);

    enter();
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
