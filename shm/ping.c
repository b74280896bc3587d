/*
 * ping - time the way to pong and back through shared memory.
 *
 * Says something to pong, and hears the echo before it goes on. Asleep on a
 * futex until its turn comes, or spinning: then nobody calls the kernel, but a
 * whole CPU is busy waiting. Either may start first: pong makes the memory, and
 * ping, which looks for it ten times a second, takes its name away.
 *
 * See contract.h, shm_overview(7), futex(2), clock_gettime(2).
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
    fputs("usage: ping [-n COUNT] [-s BYTES] [-p] [-r] [/name]\n"
          "Time COUNT (10000) round trips of BYTES (8) to pong and back;\n"
          "-p polls: it spins and never sleeps; -r prints each of them, in\n"
          "nanoseconds.\n",
          stream);
    exit(status);
}

static int
number(int option, long most)
{
    char *end;
    long n = strtol(optarg, &end, 10);

    if (n < 1 || n > most || *end != '\0')
        errx(2, "-%c %s: not a number from 1 to %ld", option, optarg, most);
    return (int)n;
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

/* What was the object's memory is not any more: who touches it gets SIGBUS. */
static void
shortened(int sig)
{
    (void)sig;
    errx(EXIT_FAILURE, "%s has been made shorter under the map", name);
}

/* Come in alone, if pong is there: nobody else may look, make or remove
   meanwhile. Then both are here, and the name has served. */
static int
find(void)
{
    struct stat st;

    place = shm_open(name, O_RDWR, 0);
    if (place == -1 && errno == ENOENT)
        return 0;
    if (place == -1 || fstat(place, &st) == -1)
        err(EXIT_FAILURE, "shm_open %s", name);
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
        (st.st_mode & 0777) != 0600 ||
        (st.st_size != 0 && st.st_size != sizeof(*talk)))
        errx(EXIT_FAILURE, "%s is not ours to talk through", name);
    if (lock(F_OFD_GETLK, PING_PONGER)) {
        while (flock(place, LOCK_EX) == -1)
            if (errno != EINTR)
                err(EXIT_FAILURE, "flock %s", name);
        if (fstat(place, &st) == 0 && st.st_nlink > 0) {
            lock(F_OFD_SETLK, PING_PINGER);
            shm_unlink(name);
            flock(place, LOCK_UN);
            return 1;
        }
    }
    close(place); /* nobody is there, or no longer */
    return 0;
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

/* Is pong gone? Nobody would tell. Or has it taken its last turn and gone as it
   should? */
static void
look(uint32_t turn)
{
    if (!lock(F_OFD_GETLK, PING_PONGER) && talk->turn == turn)
        errx(EXIT_FAILURE, "%s: pong is gone before its end", name);
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
        errx(EXIT_FAILURE, "turn %u after %u: this is not pong", now, turn - 1);
}

/* Each round says something else: an old echo must not pass for the new one. */
static long
round_trip(uint32_t turn, long round, size_t bytes, int spin)
{
    static unsigned char said[PING_MOST_BYTES], heard[PING_MOST_BYTES];
    struct timespec start, end;

    for (size_t i = 0; i < bytes; i++)
        said[i] = (unsigned char)((size_t)round + i);
    clock_gettime(CLOCK_MONOTONIC, &start); /* cannot fail */
    memcpy(talk->ping_says, said, bytes);
    say(turn, spin);
    hear(turn + 1, spin);
    memcpy(heard, talk->pong_says, bytes);
    clock_gettime(CLOCK_MONOTONIC, &end);
    if (memcmp(said, heard, bytes) != 0)
        errx(EXIT_FAILURE, "the echo is not what was said");
    return (end.tv_sec - start.tv_sec) * 1000000000L + end.tv_nsec -
           start.tv_nsec;
}

static int
by_value(const void *a, const void *b)
{
    const long x = *(const long *)a, y = *(const long *)b;

    return (x > y) - (x < y);
}

/* By nearest rank: so many in a hundred took as long as this one, or less. */
static void
report(long ns[], long count)
{
    static const char *const names[] = {"min", "median", "90 %", "99 %", "max"};
    const long ranks[] = {1, (count + 1) / 2, (count * 90 + 99) / 100,
                          (count * 99 + 99) / 100, count};

    qsort(ns, (size_t)count, sizeof(*ns), by_value);
    for (int i = 0; i < 5; i++)
        printf("%-8s %9.2f us\n", names[i], (double)ns[ranks[i] - 1] / 1000.0);
}

int
main(int argc, char *argv[])
{
    const struct sigaction action = {.sa_handler = shortened};
    int count = 10000, bytes = 8, spin = 0, raw = 0;
    static char own[64];

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    for (int opt; (opt = getopt(argc, argv, "n:s:pr")) != -1;)
        if (opt == 'n')
            count = number(opt, PING_MOST_ROUNDS);
        else if (opt == 's')
            bytes = number(opt, PING_MOST_BYTES);
        else if (opt == 'p')
            spin = 1;
        else if (opt == 'r')
            raw = 1;
        else
            usage(stderr, 2);
    if (argc - optind > 1)
        usage(stderr, 2);
    snprintf(own, sizeof(own), PING_NAME, geteuid());
    name = argc > optind ? argv[optind] : own;
    for (int fd = 0; fd < 3; fd++) /* closed: ours would get its number */
        if (fcntl(fd, F_GETFD) == -1)
            err(EXIT_FAILURE, "descriptor %d", fd);
    long *ns = calloc((size_t)count, sizeof(*ns));
    if (ns == NULL)
        err(EXIT_FAILURE, "calloc");

    signal(SIGPIPE, SIG_IGN);         /* it would kill us without a word */
    sigaction(SIGBUS, &action, NULL); /* fails for no signal only */
    warnx("shm_open %s: tries until pong has made it", name);
    while (!find())
        poll(NULL, 0, SHM_TICK); /* waits for nothing but the time */
    talk =
        mmap(NULL, sizeof(*talk), PROT_READ | PROT_WRITE, MAP_SHARED, place, 0);
    if (talk == MAP_FAILED)
        err(EXIT_FAILURE, "mmap %s", name);
    talk->rounds = count / 10 + count;
    talk->bytes = bytes;
    talk->spin = spin;
    say(1, 0);
    hear(2, 0);
    for (int i = -count / 10, turn = 3; i < count; i++, turn += 2)
        ns[i > 0 ? i : 0] = round_trip((uint32_t)turn, i, (size_t)bytes, spin);

    for (int i = 0; raw && i < count; i++)
        printf("%ld\n", ns[i]);
    if (!raw)
        report(ns, count);
    free(ns);
    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
