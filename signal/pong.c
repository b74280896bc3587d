/*
 * pong - answer ping by signals.
 *
 * Sleeps until a signal comes, and sends what it carries back. Either may start
 * first: pong makes a file to meet at, and removes it when ping has sent it a
 * signal. A lock on it tells which process ping is.
 *
 * See contract.h, sigqueue(3), sigtimedwait(2), pidfd_open(2),
 * pidfd_send_signal(2).
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
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "contract.h"

static const char *path = PING_PATH;
static int file = -1;
static int peer = -1; /* a pidfd: poll() finds it readable when it is dead */
static pid_t peer_pid;
static sigset_t wanted;  /* the one signal */
static siginfo_t letter; /* what goes with a signal */

static void
usage(FILE *stream, int status)
{
    fputs("usage: pong [path]\n"
          "Answer ping, until it has said all.\n",
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

/* F_SETLK: this place is ours. F_GETLK: which process has it? 0 if none has. */
static pid_t
lock(int command, off_t byte)
{
    struct flock place = {.l_type = F_WRLCK, .l_start = byte, .l_len = 1};

    while (fcntl(file, command, &place) == -1) {
        if (errno == EAGAIN)
            errx(EXIT_FAILURE, "%s: another pong is here", path);
        again("lock", path);
    }
    return place.l_pid;
}

/* Go alone: nobody may be about to take our place. */
static void
leave(void)
{
    struct stat st;

    flock(file, LOCK_EX); /* refused: remove the name all the same */
    if (fstat(file, &st) == 0 && st.st_nlink > 0)
        unlink(path);
    close(file);
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

/* Come in alone. Anything else under the name is not to be touched. The file
   may be removed while we wait at its door: then it has no name left. */
static void
enter(void)
{
    const int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK;
    struct rlimit most;
    struct stat st;

    if (getrlimit(RLIMIT_SIGPENDING, &most) == 0 && most.rlim_cur < 3)
        errx(EXIT_FAILURE, "signals cannot be queued here: see ulimit -i");
    do {
        close(file); /* which fails the first time */
        while ((file = open(path, flags, SIGNAL_MODE)) == -1)
            again("open", path);
        if (fstat(file, &st) == -1)
            err(EXIT_FAILURE, "fstat %s", path);
        if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
            (st.st_mode & 07777) != SIGNAL_MODE || st.st_size > 0)
            errx(EXIT_FAILURE, "%s is not a file of ours", path);
        while (flock(file, LOCK_EX) == -1)
            again("flock", path);
    } while (fstat(file, &st) == -1 || st.st_nlink == 0);
    lock(F_SETLK, SIGNAL_READER);
    atexit(leave); /* fails only for want of memory */
    flock(file, LOCK_UN);
}

/* Until we have a peer, it is whoever is in the other's place. Its number can
   have passed to a stranger before the pidfd was opened, but not if it is still
   in its place afterwards. */
static int
is_peer(pid_t pid)
{
    if (peer_pid != 0)
        return pid == peer_pid;
    if (pid == 0 || pid != lock(F_GETLK, SIGNAL_WRITER))
        return 0;
    peer = (int)syscall(SYS_pidfd_open, pid, 0);
    if (peer == -1 && errno != ESRCH)
        err(EXIT_FAILURE, "pidfd_open");
    if (peer == -1 || pid != lock(F_GETLK, SIGNAL_WRITER))
        errx(EXIT_FAILURE, "ping is gone before its end");
    peer_pid = pid;
    letter.si_signo = SIGNAL_WORD; /* and what sigqueue(3) would put in */
    letter.si_code = SI_QUEUE;
    letter.si_pid = getpid();
    letter.si_uid = getuid();
    return 1;
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
            errx(EXIT_FAILURE, "ping is gone before its end");
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
        if (sig != -1 && info.si_code == SI_QUEUE && is_peer(info.si_pid))
            return (uintptr_t)info.si_value.sival_ptr;
        if (sig == -1 && gone)
            errx(EXIT_FAILURE, "ping is gone before its end");
        gone = poll(&dead, 1, 0) > 0;
    }
}

/* Ping greets, and is greeted back. Then the name has served, and goes. */
static void
meet(void)
{
    warnx("%s: sleeps until ping is there", path);
    uintptr_t greeting = hear();
    unlink(path);
    say(PING_HELLO);
    if (greeting != PING_HELLO)
        errx(EXIT_FAILURE, "%s: this is not ping", path);
    warnx("ping is there: pid %d", (int)peer_pid);
}

int
main(int argc, char *argv[])
{
    const struct sigaction action = {.sa_handler = stop};
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

    sigfillset(&all); /* nobody stops us before we can leave as we should */
    sigprocmask(SIG_BLOCK, &all, NULL);
    sigaction(SIGHUP, &action, NULL); /* fails for no signal only */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */
    enter();
    /* Our word stays blocked: it is to be read, not to interrupt or to kill. */
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGNAL_WORD);
    sigprocmask(SIG_SETMASK, &wanted, NULL);
    meet();
    uintptr_t rounds = hear(); /* from anybody: believe nothing */
    if (rounds < 1 || rounds > PING_MOST_ROUNDS / 10 * 11UL)
        errx(EXIT_FAILURE, "this is not ping: %ju rounds", (uintmax_t)rounds);
    warnx("%ju rounds", (uintmax_t)rounds);
    for (; rounds > 0; rounds--)
        say(hear());
    return EXIT_SUCCESS;
}
