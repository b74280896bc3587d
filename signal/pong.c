/*
 * pong - answer ping by signals.
 *
 * Sleeps until a signal comes, and sends what it carries back. Either may start
 * first: the first one makes a file to meet at, and sleeps until the other
 * sends it a signal. The second one removes the file.
 *
 * See contract.h, sigqueue(3), sigtimedwait(2), pidfd_send_signal(2).
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
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "contract.h"

static const char *path = PING_PATH;
static int file = -1;
static int peer = -1; /* a pidfd: poll() finds it readable when it is dead */
static pid_t peer_pid;
static siginfo_t letter; /* what goes with a signal */
static sigset_t wanted;

static void
usage(FILE *stream, int status)
{
    fputs("usage: pong [path]\n"
          "Answer ping, until it has said all.\n",
          stream);
    exit(status);
}

/* F_SETLK: without sleepong. F_SETLKW: sleep until it is free. */
static int
lock(int command, short type, off_t byte)
{
    struct flock bytes = {.l_type = type, .l_start = byte, .l_len = 1};

    return fcntl(file, command, &bytes);
}

/* Which other process has locked this byte? 0 if none has. */
static pid_t
holder(off_t byte)
{
    struct flock bytes = {.l_type = F_WRLCK, .l_start = byte, .l_len = 1};

    if (fcntl(file, F_GETLK, &bytes) == -1)
        err(EXIT_FAILURE, "look for a lock of %s", path);
    return bytes.l_type == F_UNLCK ? 0 : bytes.l_pid;
}

/* It may have been removed since we have opened it, or replaced. */
static int
is_still_there(void)
{
    struct stat ours, named;

    return fstat(file, &ours) == 0 && lstat(path, &named) == 0 &&
           ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

/* Go alone: whoever comes next finds neither the file nor our lock. */
static void
leave(void)
{
    lock(F_SETLKW, F_WRLCK, SIGNAL_DOOR);
    if (is_still_there())
        unlink(path);
    close(file);
}

/* Die of the same signal, so that the shell learns how we ended. All of these
   calls are safe in a handler: whatever it interrupts, they find in order. */
static void
stop(int sig)
{
    leave();
    signal(sig, SIG_DFL);
    raise(sig);
}

/* Come in alone. Anything else under the name is not to be touched. No signal
   comes until we can leave as we should. */
static void
enter(void)
{
    struct stat st;

    for (;; close(file)) {
        file =
            open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, SIGNAL_MODE);
        if (file == -1 || fstat(file, &st) == -1)
            err(EXIT_FAILURE, "open %s", path);
        if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
            (st.st_mode & 07777) != SIGNAL_MODE || st.st_size > 0)
            errx(EXIT_FAILURE, "%s is not a file of ours", path);
        if (lock(F_SETLKW, F_WRLCK, SIGNAL_DOOR) == -1)
            err(EXIT_FAILURE, "lock %s", path);
        if (is_still_there())
            break;
    }
    if (lock(F_SETLK, F_WRLCK, SIGNAL_READER) == -1)
        errx(EXIT_FAILURE, "%s: another pong is here", path);
    atexit(leave); /* fails only for want of memory */
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
        if (poll(&dead, 1, SIGNAL_TICK) > 0)
            errx(EXIT_FAILURE, "ping is gone before its end");
    }
}

/* What the next signal from our peer carries; anybody may send us one who may
   kill us. sigtimedwait() costs less than a signalfd with poll(), but knows
   nothing of a death: so look now and then, and once more for a last word. */
static uintptr_t
hear(void)
{
    static const struct timespec ticks[] = {{.tv_nsec = PING_TICK}, {0}};
    struct pollfd dead = {.fd = peer, .events = POLLIN};
    siginfo_t info;
    int gone = 0;

    for (;;) {
        if (sigtimedwait(&wanted, &info, &ticks[gone]) != -1) {
            if (info.si_code == SI_QUEUE && info.si_pid == peer_pid)
                return (uintptr_t)info.si_value.sival_ptr;
        } else if (gone) {
            errx(EXIT_FAILURE, "ping is gone before its end");
        } else if (errno == EAGAIN) { /* and not EINTR: stopped, continued */
            gone = poll(&dead, 1, 0) > 0;
        }
    }
}

/* Its number can have passed to a stranger before the pidfd was opened, but not
   if it still holds its lock afterwards. */
static int
reach(pid_t pid)
{
    if (pid == 0 || pid != holder(SIGNAL_WRITER))
        return 0;
    if ((peer = (int)syscall(SYS_pidfd_open, pid, 0)) == -1 && errno != ESRCH)
        err(EXIT_FAILURE, "pidfd_open");
    if (peer == -1 || pid != holder(SIGNAL_WRITER))
        return 0;
    peer_pid = pid;
    letter.si_signo = SIGNAL_WORD; /* and what sigqueue(3) would put in */
    letter.si_code = SI_QUEUE;
    letter.si_pid = getpid();
    letter.si_uid = getuid();
    return 1;
}

/* Greet who is there, or sleep until we are greeted. The name is removed after
   the greeting: a first one must not wait where nobody finds it. */
static void
meet(void)
{
    struct stat st;
    siginfo_t info;

    warnx("%s: sleeps until ping is there", path);
    if (reach(holder(SIGNAL_WRITER))) {
        say(PING_HELLO);
        unlink(path);
        lock(F_SETLK, F_UNLCK, SIGNAL_DOOR);
    } else {
        lock(F_SETLK, F_UNLCK, SIGNAL_DOOR);
        for (;;) {
            if (sigwaitinfo(&wanted, &info) == -1)
                continue; /* EINTR: stopped and continued */
            if (reach(info.si_pid))
                break;
            if (fstat(file, &st) == 0 && st.st_nlink == 0 &&
                holder(SIGNAL_WRITER) == 0)
                errx(EXIT_FAILURE, "ping is gone before its end");
        }
        if (info.si_value.sival_ptr != (void *)PING_HELLO)
            errx(EXIT_FAILURE, "%s: this is not ping", path);
    }
    warnx("ping is there: pid %d", (int)peer_pid);
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
    signal(SIGHUP, stop); /* fails only for a number that is no signal */
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    enter();
    /* Our word stays blocked: it is to be read, not to interrupt or to kill. */
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGNAL_WORD);
    sigdelset(&all, SIGNAL_WORD);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    meet();
    uintptr_t rounds = hear(); /* from anybody: believe nothing */
    if (rounds < 1 || rounds > PING_MOST_ROUNDS / 10 * 11UL)
        errx(EXIT_FAILURE, "this is not ping: %ju rounds", (uintmax_t)rounds);
    warnx("%ju rounds", (uintmax_t)rounds);
    for (; rounds > 0; rounds--)
        say(hear());
    return EXIT_SUCCESS;
}
