/*
 * ping - time the way to pong and back through a mapped file.
 *
 * Says something to pong and hears the echo before it goes on: each sleeps
 * until it is its turn. Either may start first: pong makes the file, and ping,
 * which looks for it ten times a second, takes its name away.
 *
 * See contract.h, mmap(2), futex(2), fcntl_locking(2), clock_gettime(2).
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
    fputs("usage: ping [-n COUNT] [-s BYTES] [-r] [path]\n"
          "Time COUNT (10000) round trips of BYTES (8) to pong and back;\n"
          "-r prints each of them, in nanoseconds.\n",
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

/* Come in alone, if pong is there: nobody else may look, make or remove
   meanwhile. Then both are here, and the name has served. */
static int
find(void)
{
    struct stat st;

    file = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
    if (file == -1 && errno == ENOENT && *path != '\0')
        return 0;
    if (file == -1 || fstat(file, &st) == -1)
        err(EXIT_FAILURE, "open %s", path);
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
        (st.st_mode & 07777) != FILE_MODE ||
        (st.st_size != 0 && st.st_size != sizeof(*talk)))
        errx(EXIT_FAILURE, "%s is not a map of ours", path);
    if (lock(F_OFD_GETLK, PONG)) {
        while (flock(file, LOCK_EX) == -1)
            again("flock", path);
        if (is_still_there()) {
            lock(F_OFD_SETLK, PING);
            unlink(path);
            flock(file, LOCK_UN);
            return 1;
        }
    }
    close(file); /* nobody is there, or no longer */
    return 0;
}

/* Words first, then the turn: an atomic store comes after all that was written
   before, also for who looks from another CPU. */
static void
say(uint32_t turn)
{
    talk->turn = turn;
    syscall(SYS_futex, &talk->turn, FUTEX_WAKE, 1);
}

/* Is pong gone? Nobody would tell. Or has it taken its last turn and gone as it
   should? */
static void
look(uint32_t turn)
{
    if (!lock(F_OFD_GETLK, PONG) && talk->turn == turn)
        errx(EXIT_FAILURE, "%s: pong is gone before its end", path);
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
        errx(EXIT_FAILURE, "turn %u after %u: this is not pong", now, turn - 1);
}

/* Each round says something else: an old echo must not pass for the new one. */
static long
round_trip(uint32_t turn, long round, size_t bytes)
{
    static unsigned char said[PING_MOST_BYTES], heard[PING_MOST_BYTES];
    struct timespec start, end;

    for (size_t i = 0; i < bytes; i++)
        said[i] = (unsigned char)((size_t)round + i);
    clock_gettime(CLOCK_MONOTONIC, &start); /* cannot fail */
    memcpy(talk->ping_says, said, bytes);
    say(turn);
    hear(turn + 1);
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
        printf("%-8s %9.1f us\n", names[i], (double)ns[ranks[i] - 1] / 1000.0);
}

int
main(int argc, char *argv[])
{
    const struct sigaction action = {.sa_handler = shortened};
    int count = 10000, bytes = 8, raw = 0;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    for (int opt; (opt = getopt(argc, argv, "n:s:r")) != -1;)
        if (opt == 'n')
            count = number(opt, PING_MOST_ROUNDS);
        else if (opt == 's')
            bytes = number(opt, PING_MOST_BYTES);
        else if (opt == 'r')
            raw = 1;
        else
            usage(stderr, 2);
    if (argc - optind > 1)
        usage(stderr, 2);
    if (argc > optind)
        path = argv[optind];
    for (int fd = 0; fd < 3; fd++) /* closed: the file would get its number */
        if (fcntl(fd, F_GETFD) == -1)
            err(EXIT_FAILURE, "descriptor %d", fd);
    long *ns = calloc((size_t)count, sizeof(*ns));
    if (ns == NULL)
        err(EXIT_FAILURE, "calloc");

    sigaction(SIGBUS, &action, NULL); /* fails for no signal only */
    signal(SIGPIPE, SIG_IGN);         /* it would kill us without a word */

    warnx("open %s: tries until pong has made it", path);
    while (!find())
        poll(NULL, 0, TICK); /* waits for nothing but the time */
    talk =
        mmap(NULL, sizeof(*talk), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (talk == MAP_FAILED)
        err(EXIT_FAILURE, "mmap %s", path);
    talk->rounds = count / 10 + count;
    talk->bytes = bytes;
    say(1);
    hear(2);
    for (int i = -count / 10, turn = 3; i < count; i++, turn += 2)
        ns[i > 0 ? i : 0] = round_trip((uint32_t)turn, i, (size_t)bytes);

    for (int i = 0; raw && i < count; i++)
        printf("%ld\n", ns[i]);
    if (!raw)
        report(ns, count);
    free(ns);
    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
