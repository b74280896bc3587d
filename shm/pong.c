/*
 * pong - send back what ping says, through shared memory.
 *
 * Hears how many rounds of how many bytes there will be, and whether to sleep
 * or to spin meanwhile. Either may start first; who ends first takes the name
 * away.
 *
 * See contract.h, shm_overview(7), futex(2).
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

static char name[256];
static int place;
static struct talk *talk;
static volatile sig_atomic_t stopped; /* by this signal */
static volatile sig_atomic_t ticked;  /* it is time to look */

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

/* A new object is empty. Memory that is only promised would kill us when it is
   touched and none is left (SIGBUS): have it now, or fail. */
static void
map(off_t size)
{
    if (size == 0 && (errno = posix_fallocate(place, 0, sizeof(*talk))) != 0) {
        warn("posix_fallocate %s", name);
        shm_unlink(name);
        exit(EXIT_FAILURE);
    }
    talk =
        mmap(NULL, sizeof(*talk), PROT_READ | PROT_WRITE, MAP_SHARED, place, 0);
    if (talk == MAP_FAILED)
        err(EXIT_FAILURE, "mmap %s", name);
}

/* Come in alone: nobody else may look, make or remove meanwhile. While we
   waited for that, the name may have gone: then the object has no link. */
static int
enter(void)
{
    struct stat st;

    place = shm_open(name, O_RDWR | O_CREAT, 0600);
    if (place == -1 || flock(place, LOCK_EX) == -1 || fstat(place, &st) == -1)
        err(EXIT_FAILURE, "shm_open, flock %s", name);
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
        (st.st_mode & 0777) != 0600 ||
        (st.st_size != 0 && st.st_size != sizeof(*talk)))
        errx(EXIT_FAILURE, "%s is not ours to talk through", name);
    if (lock(F_OFD_GETLK, SHM_READER) && st.st_nlink > 0)
        errx(EXIT_FAILURE, "%s: another pong is here", name);
    if (st.st_nlink > 0) {
        map(st.st_size);
        if (st.st_size == 0 ||
            (lock(F_OFD_GETLK, SHM_WRITER) && !talk->pong_came))
            return 1;
        shm_unlink(name); /* a killed run has left it behind */
        munmap(talk, sizeof(*talk));
    }
    close(place);
    return 0;
}

/* Go alone, too. The name may stand for others' talk by now. */
static void
leave(void)
{
    struct stat st;

    while (flock(place, LOCK_EX) == -1 && errno == EINTR)
        ;
    if (fstat(place, &st) == 0 && st.st_nlink > 0)
        shm_unlink(name);
    close(place);
}

static void
note(int sig)
{
    ticked = 1;
    if (sig != SIGALRM)
        stopped = sig;
}

/* A signal has come. Told to stop: die of it, so that the shell learns how we
   ended. Our clock: has ping been here, and is now gone? Nobody would tell. */
static void
look(uint32_t turn)
{
    ticked = 0;
    if (stopped) {
        leave();
        signal(stopped, SIG_DFL);
        raise(stopped);
    }
    if (talk->ping_came && !lock(F_OFD_GETLK, SHM_WRITER) &&
        talk->turn == turn) /* or it has taken its last turn and gone */
        errx(EXIT_FAILURE, "%s: ping is gone before its end", name);
}

static void
meet(const char *operand)
{
    const struct itimerval clock = {{0, SHM_TICK}, {0, SHM_TICK}};
    const struct sigaction action = {.sa_handler = note}; /* no SA_RESTART */
    const int signals[] = {SIGHUP, SIGINT, SIGTERM, SIGALRM};

    snprintf(name, sizeof(name), PING_NAME, geteuid());
    if (operand != NULL && snprintf(name, sizeof(name), "%s", operand) > 255)
        errx(EXIT_FAILURE, "%s: File name too long", operand);
    for (int i = 0; i < 4; i++)
        sigaction(signals[i], &action, NULL); /* fails for no signal only */
    while (!enter())
        ;
    atexit(leave); /* fails only for want of memory */
    talk->pong_came = 1;
    lock(F_OFD_SETLK, SHM_READER);
    flock(place, LOCK_UN);
    setitimer(ITIMER_REAL, &clock, NULL);
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

/* Wait for the other to take its turn. FUTEX_WAIT does not sleep if it has. */
static void
hear(uint32_t turn, int spin)
{
    uint32_t now;

    while ((now = talk->turn) == turn - 1)
        if (ticked)
            look(now);
        else if (!spin)
            syscall(SYS_futex, &talk->turn, FUTEX_WAIT, now, NULL);
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

    for (int i = 0; i < 3; i++)
        if (fcntl(i, F_GETFD) == -1) /* closed: ours would get its number */
            err(EXIT_FAILURE, "descriptor %d", i);
    meet(argc > optind ? argv[optind] : NULL);
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
