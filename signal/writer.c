/*
 * writer - copy standard input to another process by signals.
 *
 * writer and reader are cat(1) cut in two: what goes in here comes out there.
 * Either may start first: reader makes a file to meet at, and writer looks for
 * it ten times a second. A lock on it tells which process reader is.
 *
 * See contract.h, signal(7), sigqueue(3), signalfd(2), pidfd_open(2),
 * pidfd_send_signal(2), fcntl_locking(2).
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
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "contract.h"

static const char *path = SIGNAL_PATH;
static int file = -1, signals = -1;
static int peer = -1; /* a pidfd: poll() finds it readable when it is dead */
static pid_t peer_pid;
static siginfo_t letter; /* what goes with a signal */

static void
usage(FILE *stream, int status)
{
    fputs("usage: writer [path]\n"
          "Copy standard input by signals to reader.\n",
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
            errx(EXIT_FAILURE, "%s: another writer is here", path);
        again("lock", path);
    }
    return place.l_pid;
}

/* Is a reader there? Its number can have passed to a stranger before the pidfd
   was opened, but not if the reader is still in its place afterwards. */
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
            errx(EXIT_FAILURE, "the reader is gone before the end");
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
            errx(EXIT_FAILURE, "the reader is gone before the end");
    }
}

/* What the next signal carries. Whoever may kill us may also send this signal:
   only those from our peer count. What it has said before it died counts, too,
   and is there when it is dead: poll() looks at them in this order. */
static uintptr_t
hear(void)
{
    struct pollfd fds[] = {{.fd = peer, .events = POLLIN},
                           {.fd = signals, .events = POLLIN}};
    struct signalfd_siginfo info;

    do {
        while (poll(fds, 2, -1) == -1)
            again("poll", path);
        if (fds[1].revents == 0)
            errx(EXIT_FAILURE, "the reader is gone before the end");
        while (read(signals, &info, sizeof(info)) == -1)
            again("read", "signalfd");
    } while (info.ssi_code != SI_QUEUE || (pid_t)info.ssi_pid != peer_pid);
    return (uintptr_t)info.ssi_ptr;
}

/* Greet the reader, and be greeted back: it has to know who we are, too. */
static void
meet(void)
{
    warnx("%s: tries until a reader has made it", path);
    while (!find())
        poll(NULL, 0, SIGNAL_TICK); /* waits for nothing but the time */

    letter.si_signo = SIGNAL_WORD; /* and what sigqueue(3) would put in */
    letter.si_code = SI_QUEUE;
    letter.si_pid = getpid();
    letter.si_uid = getuid();
    say(SIGNAL_HELLO);
    if (hear() != SIGNAL_HELLO)
        errx(EXIT_FAILURE, "%s: this is not reader", path);
    warnx("a reader is there: pid %d", (int)peer_pid);
}

/* Copy until end of file, block by block. The reader answers each: so nothing
   is lost, and no queue grows. A read() that sleeps for input would not notice
   that the reader has gone; poll() does. */
static void
copy(int from)
{
    static char buf[SIGNAL_BLOCK];
    struct pollfd fds[] = {{.fd = from, .events = POLLIN},
                           {.fd = peer, .events = POLLIN}};
    long long bytes = 0, words = 0;
    ssize_t got;

    do {
        while (poll(fds, 2, -1) == -1)
            again("poll", path);
        if (fds[1].revents != 0)
            errx(EXIT_FAILURE, "the reader is gone before the end");
        while ((got = read(from, buf, sizeof(buf))) == -1)
            again("read", "standard input");
        say((uintptr_t)got);
        words++;
        for (ssize_t done = 0; done < got; done += SIGNAL_BYTES) {
            uintptr_t bits;
            memcpy(&bits, buf + done, sizeof(bits));
            say(bits);
            words++;
        }
        if (hear() != (uintptr_t)got)
            errx(EXIT_FAILURE, "the reader has not taken what was sent");
        bytes += got;
    } while (got > 0);
    warnx("end of input: %lld bytes in %lld signals", bytes, words);
}

int
main(int argc, char *argv[])
{
    struct rlimit most;
    sigset_t word;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (getopt(argc, argv, "") != -1 || argc - optind > 1)
        usage(stderr, 2);
    if (argc > optind)
        path = argv[optind];
    for (int fd = 0; fd < 3; fd++) /* closed: the file would get its number */
        if (fcntl(fd, F_GETFD) == -1)
            err(EXIT_FAILURE, "descriptor %d", fd);
    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */

    if (getrlimit(RLIMIT_SIGPENDING, &most) == 0 && most.rlim_cur < 3)
        errx(EXIT_FAILURE, "signals cannot be queued here: see ulimit -i");
    /* Our word stays blocked: it is to be read, not to interrupt or to kill. */
    sigemptyset(&word);
    sigaddset(&word, SIGNAL_WORD);
    sigprocmask(SIG_BLOCK, &word, NULL);
    if ((signals = signalfd(-1, &word, 0)) == -1)
        err(EXIT_FAILURE, "signalfd");
    meet();
    copy(STDIN_FILENO);
    return EXIT_SUCCESS;
}
