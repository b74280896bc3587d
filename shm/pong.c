/*
 * pong - send back what ping says, through shared memory.
 *
 * Hears how many rounds of how many bytes there will be, and whether to sleep
 * or to spin meanwhile. Either may start first: pong makes the memory and
 * waits, and ping takes its name away.
 *
 * See contract.h, shm_overview(7), futex(2).
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

static const char *name;
static int place;
static struct talk *talk;

static void
usage(FILE *stream, int status)
{
    fputs("usage: pong [/name]\n"
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

    if (fcntl(place, command, &byte) == -1)
        err(EXIT_FAILURE, "fcntl");
    return byte.l_type != F_UNLCK;
}

/* Go alone. If both have come, the name is away: it may stand for somebody
   else's talk by now. */
static void
leave(void)
{
    struct stat st;

    for (int i = 0; flock(place, LOCK_EX | LOCK_NB) == -1 && i < 10; i++)
        poll(NULL, 0, SHM_TICK); /* who has the lock may be stopped */
    if (fstat(place, &st) == 0 && st.st_nlink > 0)
        shm_unlink(name);
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

/* What was the object's memory is not any more: who touches it gets SIGBUS. */
static void
shortened(int sig)
{
    (void)sig;
    errx(EXIT_FAILURE, "%s has been made shorter under the map", name);
}

/* Get a new object, and be alone with it: nobody else may look, make or remove
   meanwhile. Its name may go before we have the lock: then it has no link. */
static void
make(void)
{
    struct stat st;

    for (;; close(place)) {
        place = shm_open(name, O_RDWR | O_CREAT, 0600);
        if (place == -1)
            err(EXIT_FAILURE, "shm_open %s", name);
        while (flock(place, LOCK_EX | LOCK_NB) == -1)
            if (errno == EWOULDBLOCK)
                errx(EXIT_FAILURE, "%s: another pong is here", name);
            else if (errno != EINTR)
                err(EXIT_FAILURE, "flock %s", name);
        if (fstat(place, &st) == -1 || st.st_nlink == 0)
            continue;
        if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
            (st.st_mode & 0777) != 0600 ||
            (st.st_size != 0 && st.st_size != sizeof(*talk)))
            errx(EXIT_FAILURE, "%s is not ours to talk through", name);
        if (lock(F_OFD_GETLK, PING_PONGER))
            errx(EXIT_FAILURE, "%s: another pong is here", name);
        if (st.st_size == 0)
            return;
        shm_unlink(name); /* a killed run has left it behind */
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

    /* Memory that is only promised would kill us when it is touched and none
       is left (SIGBUS): have it now, or fail. */
    while ((errno = posix_fallocate(place, 0, sizeof(*talk))) != 0)
        if (errno != EINTR)
            err(EXIT_FAILURE, "posix_fallocate %s", name);
    talk =
        mmap(NULL, sizeof(*talk), PROT_READ | PROT_WRITE, MAP_SHARED, place, 0);
    if (talk == MAP_FAILED)
        err(EXIT_FAILURE, "mmap %s", name);
    lock(F_OFD_SETLK, PING_PONGER);
    flock(place, LOCK_UN);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
}

/* Words first, then the turn: an atomic store comes after all that was written
   before, also for who looks from another CPU. */
static void
say(uint32_t turn, int spin)
{
    talk->turn = turn;
    if (!spin)
        syscall(SYS_futex, &talk->turn, FUTEX_WAKE, 1);
}

/* Has ping been here, and is now gone? Nobody would tell. Who took its turn has
   been here. Or has it taken its last turn and gone as it should? */
static void
look(uint32_t turn)
{
    struct stat st;

    if (fstat(place, &st) == 0 && (st.st_nlink == 0 || turn > 0) &&
        !lock(F_OFD_GETLK, PING_PINGER) && talk->turn == turn)
        errx(EXIT_FAILURE, "%s: ping is gone before its end", name);
}

/* Wait for the other to take its turn. FUTEX_WAIT does not sleep if it has. */
static void
hear(uint32_t turn, int spin)
{
    const struct timespec tick = {.tv_nsec = SHM_TICK * 1000000L};
    uint32_t now;

    for (long tries = 1; (now = talk->turn) == turn - 1; tries++)
        if (spin
                ? tries % PING_SPINS == 0
                : syscall(SYS_futex, &talk->turn, FUTEX_WAIT, now, &tick) == -1)
            look(now);
    if (now != turn)
        errx(EXIT_FAILURE, "turn %u after %u: this is not ping", now, turn - 1);
}

int
main(int argc, char *argv[])
{
    static unsigned char buf[PING_MOST_BYTES];
    static char own[64];

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (getopt(argc, argv, "") != -1 || argc - optind > 1)
        usage(stderr, 2);
    snprintf(own, sizeof(own), PING_NAME, geteuid());
    name = argc > optind ? argv[optind] : own;
    for (int fd = 0; fd < 3; fd++) /* closed: ours would get its number */
        if (fcntl(fd, F_GETFD) == -1)
            err(EXIT_FAILURE, "descriptor %d", fd);

    enter();
    warnx("futex: sleeps until ping has come and taken its turn");
    hear(1, 0);
    /* Anybody could have written this, and could change it: read it once. */
    const int rounds = talk->rounds, bytes = talk->bytes, spin = talk->spin;
    if (rounds < 1 || rounds > PING_MOST_ROUNDS / 10 * 11 || bytes < 1 ||
        bytes > PING_MOST_BYTES)
        errx(EXIT_FAILURE, "this is not ping: %d rounds of %d bytes", rounds,
             bytes);
    warnx("%d rounds of %d bytes, %s", rounds, bytes,
          spin ? "spinning" : "sleeping");
    say(2, 0);
    for (uint32_t turn = 3; turn < 3 + 2 * (uint32_t)rounds; turn += 2) {
        hear(turn, spin);
        memcpy(buf, talk->ping_says, (size_t)bytes);
        memcpy(talk->pong_says, buf, (size_t)bytes);
        say(turn + 1, spin);
    }
    return EXIT_SUCCESS;
}
