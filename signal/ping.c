/*
 * ping - time the way to pong and back by signals.
 *
 * Sends pong a signal that carries a number, and sleeps until a signal brings
 * it back. Either may start first: pong makes a file to meet at, and ping looks
 * for it ten times a second. A lock on it tells which process pong is.
 *
 * See contract.h, sigqueue(3), sigtimedwait(2), pidfd_open(2),
 * pidfd_send_signal(2), clock_gettime(2).
 */
#define _GNU_SOURCE /* syscall */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "contract.h"

static const char *path = PING_PATH;
static int file, peer; /* a pidfd: poll() finds it readable when it is dead */
static pid_t peer_pid;
static sigset_t wanted;  /* the one signal */
static siginfo_t letter; /* what goes with a signal */

static void
usage(FILE *stream, int status)
{
    fputs("usage: ping [-n COUNT] [-r] [path]\n"
          "Time COUNT (10000) round trips to pong and back; -r prints each of\n"
          "them, in nanoseconds.\n",
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

/* A call has returned -1: it is made again if it was only interrupted. */
static void
again(const char *call, const char *object)
{
    if (errno != EINTR)
        err(EXIT_FAILURE, "%s %s", call, object);
}

/* F_SETLK: this place is ours. F_GETLK: which process has it? 0 if none has. */
static pid_t
lock(int command, off_t byte)
{
    struct flock place = {.l_type = F_WRLCK, .l_start = byte, .l_len = 1};

    while (fcntl(file, command, &place) == -1) {
        if (errno == EAGAIN)
            errx(EXIT_FAILURE, "%s: another ping is here", path);
        again("lock", path);
    }
    return place.l_pid;
}

/* Is pong there? Its number can have passed to a stranger before the pidfd was
   opened, but not if pong is still in its place afterwards. */
static int
find(void)
{
    struct stat st;

    file = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
    if (file == -1 && errno == ENOENT && *path != '\0')
        return 0;
    if (file == -1)
        err(EXIT_FAILURE, "open %s", path);
    if (fstat(file, &st) == -1)
        err(EXIT_FAILURE, "fstat %s", path);
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
        (st.st_mode & 07777) != SIGNAL_MODE || st.st_size > 0)
        errx(EXIT_FAILURE, "%s is not a file of ours", path);
    if ((peer_pid = lock(F_GETLK, SIGNAL_READER)) != 0) {
        peer = (int)syscall(SYS_pidfd_open, peer_pid, 0);
        if (peer == -1 && errno != ESRCH)
            err(EXIT_FAILURE, "pidfd_open");
        if (peer == -1 || peer_pid != lock(F_GETLK, SIGNAL_READER))
            errx(EXIT_FAILURE, "pong is gone before its end");
        lock(F_SETLK, SIGNAL_WRITER);
        return 1;
    }
    close(file); /* nobody is there */
    return 0;
}

/* As sigqueue(3) does, but to a pidfd. EAGAIN: as many signals are queued as
   may be, and nobody tells when they are fewer. */
static void
say(uintptr_t word)
{
    struct pollfd dead = {.fd = peer, .events = POLLIN};

    letter.si_value.sival_ptr = (void *)word;
    while (syscall(SYS_pidfd_send_signal, peer, SIGNAL_WORD, &letter, 0) ==
           -1) {
        if (errno != EAGAIN && errno != ESRCH)
            err(EXIT_FAILURE, "pidfd_send_signal");
        if (poll(&dead, 1, SIGNAL_ROOM) > 0)
            errx(EXIT_FAILURE, "pong is gone before its end");
    }
}

/* What the next signal carries. Whoever may kill us may also send this signal:
   only those from our peer count. sigtimedwait() costs less than a signalfd
   with poll(), but knows nothing of a death: so look now and then, and then
   through all that is there for a last word. */
static uintptr_t
hear(void)
{
    const struct timespec ticks[] = {{.tv_nsec = SIGNAL_TICK * 1000000L}, {0}};
    siginfo_t info;
    int gone = 0;

    for (;;) {
        struct pollfd dead = {.fd = peer, .events = POLLIN};

        int sig = sigtimedwait(&wanted, &info, &ticks[gone]);
        if (sig != -1 && info.si_code == SI_QUEUE && info.si_pid == peer_pid)
            return (uintptr_t)info.si_value.sival_ptr;
        if (sig == -1 && gone)
            errx(EXIT_FAILURE, "pong is gone before its end");
        gone = poll(&dead, 1, 0) > 0;
    }
}

/* Greet pong, and be greeted back: it has to know who we are, too. */
static void
meet(void)
{
    warnx("%s: tries until pong has made it", path);
    while (!find())
        poll(NULL, 0, SIGNAL_TICK); /* waits for nothing but the time */

    letter.si_signo = SIGNAL_WORD; /* and what sigqueue(3) would put in */
    letter.si_code = SI_QUEUE;
    letter.si_pid = getpid();
    letter.si_uid = getuid();
    say(PING_HELLO);
    if (hear() != PING_HELLO)
        errx(EXIT_FAILURE, "%s: this is not pong", path);
    warnx("pong is there: pid %d", (int)peer_pid);
}

/* Each round says something else: an old echo must not pass for the new one. */
static long
round_trip(uintptr_t round)
{
    struct timespec start, end;

    clock_gettime(CLOCK_MONOTONIC, &start); /* cannot fail */
    say(round);
    uintptr_t echo = hear();
    clock_gettime(CLOCK_MONOTONIC, &end);
    if (echo != round)
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
    int count = 10000, raw = 0;
    struct rlimit most;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    for (int opt; (opt = getopt(argc, argv, "n:r")) != -1;)
        if (opt == 'n')
            count = number(opt, PING_MOST_ROUNDS);
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

    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */
    if (getrlimit(RLIMIT_SIGPENDING, &most) == 0 && most.rlim_cur < 3)
        errx(EXIT_FAILURE, "signals cannot be queued here: see ulimit -i");
    /* Our word stays blocked: it is to be read, not to interrupt or to kill. */
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGNAL_WORD);
    sigprocmask(SIG_BLOCK, &wanted, NULL);
    meet();
    int rounds = count / 10 + count;
    say((uintptr_t)rounds);
    for (int i = -count / 10; i < count; i++) /* a tenth to warm up */
        ns[i > 0 ? i : 0] = round_trip((uintptr_t)i);

    for (int i = 0; raw && i < count; i++)
        printf("%ld\n", ns[i]);
    if (!raw)
        report(ns, count);
    free(ns);
    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
