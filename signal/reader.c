/*
 * reader - copy what another process sends by signals to standard output.
 *
 * writer and reader are cat(1) cut in two: what goes in there comes out here.
 * Either may start first: reader makes a file to meet at, and removes it when
 * writer has sent it a signal. A lock on it tells which process writer is.
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
#include <sys/file.h>
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
    fputs("usage: reader [path]\n"
          "Copy what writer sends by signals to standard output.\n",
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
            errx(EXIT_FAILURE, "%s: another reader is here", path);
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
        errx(EXIT_FAILURE, "the writer is gone before its end");
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
            errx(EXIT_FAILURE, "the writer is gone before its end");
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
            errx(EXIT_FAILURE, "the writer is gone before its end");
        while (read(signals, &info, sizeof(info)) == -1)
            again("read", "signalfd");
    } while (info.ssi_code != SI_QUEUE || !is_peer((pid_t)info.ssi_pid));
    return (uintptr_t)info.ssi_ptr;
}

/* A writer greets, and is greeted back. Then the name has served, and goes. */
static void
meet(void)
{
    warnx("%s: sleeps until a writer is there", path);
    uintptr_t greeting = hear();
    unlink(path);
    say(SIGNAL_HELLO);
    if (greeting != SIGNAL_HELLO)
        errx(EXIT_FAILURE, "%s: this is not writer", path);
    warnx("a writer is there: pid %d", (int)peer_pid);
}

/* Copy until a block is empty. Answer each when it has been written: a writer
   that ends well knows that all has arrived. */
static void
copy(int to)
{
    static char buf[SIGNAL_BLOCK];
    long long bytes = 0, words = 0;
    ssize_t got, put;

    do {
        uintptr_t size = hear(); /* from a stranger: believe nothing */
        words++;
        if (size > sizeof(buf))
            errx(EXIT_FAILURE, "%s: this is not writer", path);
        got = (ssize_t)size;
        for (ssize_t done = 0; done < got; done += SIGNAL_BYTES) {
            uintptr_t bits = hear();
            memcpy(buf + done, &bits, sizeof(bits));
            words++;
        }
        for (ssize_t done = 0; done < got; done += put)
            while ((put = write(to, buf + done, (size_t)(got - done))) == -1)
                again("write", "standard output");
        bytes += got;
        say(size);
    } while (got > 0);
    warnx("end of data: %lld bytes in %lld signals", bytes, words);
}

int
main(int argc, char *argv[])
{
    const struct sigaction action = {.sa_handler = stop};
    sigset_t all, word;

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
    sigemptyset(&word);
    sigaddset(&word, SIGNAL_WORD);
    if ((signals = signalfd(-1, &word, 0)) == -1)
        err(EXIT_FAILURE, "signalfd");
    sigprocmask(SIG_SETMASK, &word, NULL);
    meet();
    copy(STDOUT_FILENO);
    return EXIT_SUCCESS;
}
