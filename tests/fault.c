/*
 * fault - run two programs that talk to each other, let one system call of one
 * of them go wrong, and judge what becomes of it.
 *
 *     fault [options] -- writer ... [-- reader ...]
 *
 * The calls of the chosen side are counted from its entry point on, so that the
 * dynamic loader's are left out. After the fault whatever is not running is
 * started again, as a person would, until both have ended well or time is up.
 * Then the data are compared, and nothing may be left: no file in the current
 * folder, no object in the kernel, no process. So run it in an empty folder, in
 * an IPC namespace of its own.
 *
 * -l lists the calls of a normal run instead, and the faults worth trying.
 *
 * See ptrace(2), proc(5), auxv in getauxval(3).
 */
#define _GNU_SOURCE /* asprintf */

#include <err.h>
#ifndef __x86_64__
int
main(void)
{
    errx(2, "the registers of this processor are not known here");
}
#else
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_STARTS = 12, MOST_TRACED = 16 };

/* What can go wrong with a call, as its man page says, and matters. What would
   be a lie is left out: a removal that fails but has happened, a connect() that
   was interrupted before it began. */
static const struct {
    long number;
    const char *name, *faults;
} calls[] = {
    {SYS_read, "read", "EINTR EIO short"},
    {SYS_write, "write", "EINTR EIO ENOSPC EPIPE short"},
    {SYS_openat, "openat", "EINTR EACCES EMFILE ENFILE ENOMEM"},
    {SYS_close, "close", "EIO"},
    {SYS_newfstatat, "newfstatat", "ENOMEM"},
    {SYS_fstat, "fstat", "ENOMEM"},
    {SYS_poll, "poll", "EINTR ENOMEM"},
    {SYS_ppoll, "ppoll", "EINTR ENOMEM"},
    {SYS_select, "select", "EINTR ENOMEM"},
    {SYS_epoll_create1, "epoll_create1", "EMFILE ENOMEM"},
    {SYS_epoll_ctl, "epoll_ctl", "ENOMEM ENOSPC"},
    {SYS_epoll_wait, "epoll_wait", "EINTR"},
    {SYS_epoll_pwait, "epoll_pwait", "EINTR"},
    {SYS_mmap, "mmap", "ENOMEM"},
    {SYS_mprotect, "mprotect", "ENOMEM"},
    {SYS_pipe2, "pipe2", "EMFILE ENFILE"},
    {SYS_pipe, "pipe", "EMFILE ENFILE"},
    {SYS_dup2, "dup2", "EINTR EMFILE"},
    {SYS_clone, "clone", "EAGAIN ENOMEM"},
    {SYS_fork, "fork", "EAGAIN ENOMEM"},
    {SYS_execve, "execve", "ENOMEM EACCES"},
    {SYS_wait4, "wait4", "EINTR"},
    {SYS_waitid, "waitid", "EINTR"},
    {SYS_flock, "flock", "EINTR ENOLCK"},
    {SYS_fcntl, "fcntl", "ENOLCK EINTR"},
    {SYS_ftruncate, "ftruncate", "EINTR EIO EFBIG"},
    {SYS_fallocate, "fallocate", "EINTR ENOSPC EIO"},
    {SYS_mknodat, "mknodat", "EACCES ENOSPC EROFS"},
    {SYS_mknod, "mknod", "EACCES ENOSPC EROFS"},
    {SYS_link, "link", "EACCES ENOSPC"},
    {SYS_linkat, "linkat", "EACCES ENOSPC"},
    {SYS_fchmod, "fchmod", "EIO EROFS"},
    {SYS_fdatasync, "fdatasync", "EIO ENOSPC"},
    {SYS_fsync, "fsync", "EIO ENOSPC"},
    {SYS_lseek, "lseek", "EINVAL"},
    {SYS_pread64, "pread64", "EINTR EIO short"},
    {SYS_pwrite64, "pwrite64", "EINTR EIO ENOSPC short"},
    {SYS_socket, "socket", "EMFILE ENFILE ENOMEM"},
    {SYS_socketpair, "socketpair", "EMFILE ENFILE"},
    {SYS_bind, "bind", "EACCES ENOMEM"},
    {SYS_listen, "listen", "EADDRINUSE"},
    {SYS_accept, "accept", "EINTR ECONNABORTED EMFILE ENOMEM"},
    {SYS_accept4, "accept4", "EINTR ECONNABORTED EMFILE ENOMEM"},
    {SYS_connect, "connect", "EACCES ENOMEM"},
    {SYS_setsockopt, "setsockopt", "ENOMEM"},
    {SYS_getsockopt, "getsockopt", "ENOBUFS"},
    {SYS_shutdown, "shutdown", "ENOTCONN"},
    {SYS_sendto, "sendto", "EINTR ENOMEM ECONNRESET EPIPE short"},
    {SYS_recvfrom, "recvfrom", "EINTR ENOMEM ECONNRESET short"},
    {SYS_sendmsg, "sendmsg", "EINTR ENOMEM EPIPE"},
    {SYS_recvmsg, "recvmsg", "EINTR ENOMEM ECONNRESET"},
    {SYS_inotify_init1, "inotify_init1", "EMFILE ENOMEM"},
    {SYS_inotify_add_watch, "inotify_add_watch", "ENOSPC ENOMEM"},
    {SYS_msgget, "msgget", "ENOSPC ENOMEM"},
    {SYS_msgsnd, "msgsnd", "EINTR ENOMEM"},
    {SYS_msgrcv, "msgrcv", "EINTR"},
    {SYS_semget, "semget", "ENOSPC ENOMEM"},
    {SYS_semop, "semop", "EINTR ENOMEM"},
    {SYS_semtimedop, "semtimedop", "EINTR ENOMEM"},
    {SYS_shmget, "shmget", "ENOSPC ENOMEM"},
    {SYS_shmat, "shmat", "ENOMEM"},
    {SYS_futex, "futex", "EINTR"},
    {SYS_mq_open, "mq_open", "ENOSPC EMFILE"},
    {SYS_mq_timedsend, "mq_timedsend", "EINTR"},
    {SYS_mq_timedreceive, "mq_timedreceive", "EINTR"},
    {SYS_mq_notify, "mq_notify", "ENOMEM"},
    {SYS_signalfd4, "signalfd4", "EMFILE ENOMEM"},
    {SYS_eventfd2, "eventfd2", "EMFILE ENOMEM"},
    {SYS_pidfd_open, "pidfd_open", "EMFILE ENOMEM"},
    {SYS_memfd_create, "memfd_create", "EMFILE ENOMEM"},
    {SYS_rt_sigqueueinfo, "rt_sigqueueinfo", "EAGAIN"},
    {SYS_pidfd_send_signal, "pidfd_send_signal", "EAGAIN"},
    {SYS_rt_sigtimedwait, "rt_sigtimedwait", "EINTR"},
    {SYS_splice, "splice", "EINTR ENOMEM short"},
    {SYS_vmsplice, "vmsplice", "EINTR ENOMEM"},
};

static const struct {
    int number;
    const char *name;
} errors[] = {
    {EINTR, "EINTR"},           {EIO, "EIO"},
    {ENOSPC, "ENOSPC"},         {EPIPE, "EPIPE"},
    {EACCES, "EACCES"},         {EMFILE, "EMFILE"},
    {ENFILE, "ENFILE"},         {ENOMEM, "ENOMEM"},
    {EAGAIN, "EAGAIN"},         {ENOLCK, "ENOLCK"},
    {EFBIG, "EFBIG"},           {EROFS, "EROFS"},
    {EINVAL, "EINVAL"},         {EADDRINUSE, "EADDRINUSE"},
    {ENOBUFS, "ENOBUFS"},       {ENOTCONN, "ENOTCONN"},
    {ECONNRESET, "ECONNRESET"}, {ECONNABORTED, "ECONNABORTED"},
};

static const struct {
    int number;
    const char *name;
} signals[] = {
    {SIGHUP, "HUP"},
    {SIGINT, "INT"},
    {SIGTERM, "TERM"},
    {SIGKILL, "KILL"},
};

struct side {
    char **argv;
    const char *input;    /* its standard input */
    const char *expected; /* its standard output, if it ends well */
    pid_t pid;            /* 0: not running */
    int starts, status;
    long ended; /* when */
};

static struct side sides[2];
static int listing, faulty = 0, process = 1;
static long call, number = -1, timeout = 10000;
static const char *what = "none";
static char reason[512];

/* Those of the faulty side: itself and its children, by their order. */
static struct traced {
    pid_t pid;
    int inside, fresh;
    long count;
} traced[MOST_TRACED];
static int tracing, happened, error, looking;
static pid_t held, victim;

static void
usage(FILE *stream, int status)
{
    fputs(
        "usage: fault [-l] [-s 1|2] [-p PROCESS] [-c CALL] [-f FAULT]\n"
        "       [-1 INPUT] [-2 INPUT] [-3 OUTPUT] [-4 OUTPUT] [-t MS]\n"
        "       -- PROGRAM ... [-- PROGRAM ...]\n"
        "Let CALL of side 1 or 2 fail: FAULT is an error's name, short, kill,\n"
        "killed, TERM INT HUP KILL, stop or hold. -1 and -2 are what the two\n"
        "read, -3 and -4 what they must have written. -l lists the calls.\n",
        stream);
    exit(status);
}

static long
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The first that is found is the reason. */
#define bad(...)                                                               \
    (reason[0] == '\0' ? (void)snprintf(reason, sizeof(reason), __VA_ARGS__)   \
                       : (void)0)

/* .out.1.3 is what side 1 wrote when it was started for the third time. */
static char *
file(const char *kind, int i, int start)
{
    static char name[64];

    snprintf(name, sizeof(name), ".%s.%d.%d", kind, i + 1, start);
    return name;
}

static void
redirect(const char *path, int flags, int to)
{
    int fd = open(path, flags, 0600);

    if (fd == -1 || dup2(fd, to) == -1)
        err(127, "open %s", path);
    if (fd != to)
        close(fd);
}

static void
begin(int i, int trace)
{
    struct side *side = &sides[i];
    pid_t pid;

    side->starts++;
    if ((pid = fork()) == -1)
        err(EXIT_FAILURE, "fork");
    if (pid == 0) {
        for (int sig = 1; sig < 32; sig++)
            signal(sig, SIG_DFL);
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        redirect(side->input, O_RDONLY, STDIN_FILENO);
        redirect(file("out", i, side->starts), O_WRONLY | O_CREAT | O_TRUNC,
                 STDOUT_FILENO);
        redirect(file("err", i, side->starts), O_WRONLY | O_CREAT | O_TRUNC,
                 STDERR_FILENO);
        if (trace && ptrace(PTRACE_TRACEME, 0, 0, 0) == -1)
            err(126, "ptrace");
        execvp(side->argv[0], side->argv);
        err(127, "%s", side->argv[0]);
    }
    side->pid = pid;
}

/* Where the program begins, once the loader has done its work. */
static unsigned long
entry(pid_t pid)
{
    char path[64];
    Elf64_auxv_t v;
    unsigned long at = 0;

    snprintf(path, sizeof(path), "/proc/%d/auxv", pid);
    int fd = open(path, O_RDONLY);
    while (fd != -1 && read(fd, &v, sizeof(v)) == sizeof(v))
        if (v.a_type == AT_ENTRY)
            at = v.a_un.a_val;
    close(fd);
    return at;
}

/* A fresh program has stopped at its exec. Let it run to its first
   instruction: put int3 there, and take it away again. */
static int
reach_entry(pid_t pid)
{
    struct user_regs_struct regs;
    unsigned long at;
    int status;

    if (waitpid(pid, &status, 0) == -1 || !WIFSTOPPED(status))
        return -1;
    ptrace(PTRACE_SETOPTIONS, pid, 0,
           PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACEFORK |
               PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC);
    at = entry(pid);
    errno = 0;
    long word = ptrace(PTRACE_PEEKTEXT, pid, at, 0);
    if (errno != 0 ||
        ptrace(PTRACE_POKETEXT, pid, at, (word & ~0xffL) | 0xcc) == -1)
        return -1;
    ptrace(PTRACE_CONT, pid, 0, 0);
    if (waitpid(pid, &status, 0) == -1 || !WIFSTOPPED(status))
        return -1;
    ptrace(PTRACE_POKETEXT, pid, at, word);
    ptrace(PTRACE_GETREGS, pid, 0, &regs);
    regs.rip = at;
    ptrace(PTRACE_SETREGS, pid, 0, &regs);
    ptrace(PTRACE_SYSCALL, pid, 0, 0);
    return 0;
}

static struct traced *
find(pid_t pid)
{
    for (int i = 0; i < tracing; i++)
        if (traced[i].pid == pid)
            return &traced[i];
    if (tracing == MOST_TRACED)
        return NULL;
    traced[tracing] = (struct traced){.pid = pid, .fresh = tracing > 0};
    return &traced[tracing++];
}

/* Is this descriptor of another process a signalfd, an eventfd, inotify? */
static int
is_counter(pid_t pid, int fd)
{
    char path[64], name[64] = "";

    snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
    return readlink(path, name, sizeof(name) - 1) > 0 &&
           (strncmp(name, "anon_inode:", 11) == 0);
}

/* Is this descriptor of another process a socket that keeps messages apart? */
static int
is_datagram(pid_t pid, int fd)
{
    int type = SOCK_STREAM, owner = (int)syscall(SYS_pidfd_open, pid, 0);
    int copy = (int)syscall(SYS_pidfd_getfd, owner, fd, 0);
    socklen_t bytes = sizeof(type);

    getsockopt(copy, SOL_SOCKET, SO_TYPE, &type, &bytes);
    close(copy);
    close(owner);
    return type != SOCK_STREAM;
}

/* Is this path, in the memory of another process, a FIFO's? */
static int
is_fifo(pid_t pid, unsigned long at)
{
    char path[PATH_MAX] = "";
    struct stat st;

    for (size_t i = 0; i + sizeof(long) < sizeof(path); i += sizeof(long)) {
        long word = ptrace(PTRACE_PEEKDATA, pid, at + i, 0);
        memcpy(path + i, &word, sizeof(word));
        if (memchr(&word, '\0', sizeof(word)) != NULL)
            break;
    }
    return stat(path, &st) == 0 && S_ISFIFO(st.st_mode);
}

static void
list(const struct traced *t, const struct user_regs_struct *regs)
{
    const char *faults = "";
    char name[32];

    snprintf(name, sizeof(name), "%lld", (long long)regs->orig_rax);
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        if ((long long)regs->orig_rax == calls[i].number) {
            snprintf(name, sizeof(name), "%s", calls[i].name);
            faults = calls[i].faults;
        }
    /* What cannot happen, or could not be told: no fcntl() but one that waits
       for a lock is interrupted, and the story may go unheard. */
    if (regs->orig_rax == SYS_fcntl)
        faults = regs->rsi == F_SETLKW || regs->rsi == F_OFD_SETLKW
                     ? "EINTR ENOLCK"
                 : regs->rsi == F_OFD_SETLK || regs->rsi == F_OFD_GETLK ||
                         regs->rsi == F_SETLK || regs->rsi == F_GETLK
                     ? "ENOLCK"
                     : "";
    if (regs->orig_rax == SYS_read && is_counter(t->pid, (int)regs->rdi))
        faults = "EINTR"; /* whole or not at all */
    if ((regs->orig_rax == SYS_recvfrom || regs->orig_rax == SYS_sendto) &&
        is_datagram(t->pid, (int)regs->rdi))
        faults = "EINTR ENOMEM"; /* whole or not at all */
    if (regs->orig_rax == SYS_openat && !is_fifo(t->pid, regs->rsi))
        faults = "EACCES EMFILE ENFILE ENOMEM"; /* all else opens at once */
    if (regs->orig_rax == SYS_flock && (regs->rsi & (LOCK_NB | LOCK_UN)))
        faults = "";
    if ((regs->orig_rax == SYS_pread64 || regs->orig_rax == SYS_pwrite64) &&
        regs->rdx <= 64) /* no file is torn so finely */
        faults = "EINTR EIO";
    if (regs->orig_rax == SYS_write && regs->rdi == STDERR_FILENO)
        faults = "EINTR short";
    if (regs->orig_rax == SYS_write && regs->rdi == STDOUT_FILENO &&
        sides[faulty].expected == NULL) /* stdio gives up */
        faults = "EIO ENOSPC short";
    printf("%td %ld/%lld %s %s\n", t - traced + 1, t->count,
           (long long)regs->orig_rax, name, faults);
}

/* The call is about to be made: PTRACE_SYSCALL has stopped before it. */
static int
strike(struct traced *t, struct user_regs_struct *regs)
{
    happened = 1;
    victim = t->pid;
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        if (strcmp(what, errors[i].name) == 0)
            error = errors[i].number;
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        if (strcmp(what, signals[i].name) == 0)
            kill(t->pid, signals[i].number);
    if (strcmp(what, "kill") == 0 || strcmp(what, "wreck") == 0)
        kill(t->pid, SIGKILL);
    if (strcmp(what, "wreck") == 0 && sides[!faulty].pid != 0)
        kill(sides[!faulty].pid, SIGKILL);
    looking = regs->orig_rax == SYS_newfstatat || regs->orig_rax == SYS_fstat;
    if (error != 0 && regs->orig_rax != SYS_close)
        regs->orig_rax = (unsigned long)-1;
    /* Who looks around while it waits may make this call later than it did when
       all were listed: then it may be one that is whole or not at all. */
    if (strcmp(what, "short") == 0 && regs->rdx > 1 &&
        !(regs->orig_rax == SYS_read && is_counter(t->pid, (int)regs->rdi)))
        regs->rdx = (regs->rdx + 2) / 3;
    ptrace(PTRACE_SETREGS, t->pid, 0, regs);
    if (strcmp(what, "stop") == 0) {
        ptrace(PTRACE_DETACH, t->pid, 0, SIGSTOP);
        held = t->pid;
        return 1;
    }
    if (strcmp(what, "hold") == 0) {
        held = t->pid;
        return 1;
    }
    return 0;
}

/* A traced process has stopped. Let it go on, or let something happen. */
static void
step(pid_t pid, int status)
{
    struct traced *t = find(pid);
    struct user_regs_struct regs;
    int sig = WSTOPSIG(status);

    if (t == NULL || status >> 16 != 0) { /* a fork, an exec */
        ptrace(PTRACE_SYSCALL, pid, 0, 0);
        return;
    }
    if (sig != (SIGTRAP | 0x80)) { /* a signal: it is to have it */
        if (t->fresh && sig == SIGSTOP)
            sig = 0;
        t->fresh = 0;
        ptrace(PTRACE_SYSCALL, pid, 0, sig == SIGTRAP ? 0 : sig);
        return;
    }
    t->inside = !t->inside;
    if (ptrace(PTRACE_GETREGS, pid, 0, &regs) == -1)
        return;
    if (t->inside) {
        t->count++;
        if (listing)
            list(t, &regs);
        else if (!happened && t - traced + 1 == process && t->count >= call &&
                 (number == -1 || (long long)regs.orig_rax == number) &&
                 strike(t, &regs))
            return;
    } else if (victim == pid) {
        victim = 0;
        if (error != 0) {
            regs.rax = 0UL - (unsigned)error; /* as the kernel returns it */
            ptrace(PTRACE_SETREGS, pid, 0, &regs);
        }
        if (strcmp(what, "killed") == 0)
            kill(pid, SIGKILL);
    }
    ptrace(PTRACE_SYSCALL, pid, 0, 0);
}

/* The state letter of a process, or 0 when it is gone. */
static int
state(pid_t pid)
{
    char path[64], text[512], *p;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return 0;
    size_t n = fread(text, 1, sizeof(text) - 1, f);
    text[n] = '\0';
    fclose(f);
    return (p = strrchr(text, ')')) != NULL && p[1] != '\0' ? p[2] : 0;
}

/* Who stands still goes on when the other has nothing to do any more. */
static void
release(void)
{
    static long since;
    static int calm;
    pid_t other = sides[!faulty].pid;

    if (since == 0)
        since = now();
    calm = other == 0 || state(other) == 'S' ? calm + 1 : 0;
    if (calm < 4 && now() - since < 400)
        return;
    if (strcmp(what, "stop") == 0 && state(held) != 'T' && state(held) != 0)
        return; /* it is only about to stop */
    if (strcmp(what, "stop") == 0)
        kill(held, SIGCONT);
    else
        ptrace(PTRACE_SYSCALL, held, 0, 0);
    held = 0;
}

static char *
told(int i, int start)
{
    static char text[8192];
    int fd = open(file("err", i, start), O_RDONLY);
    ssize_t n = fd == -1 ? 0 : read(fd, text, sizeof(text) - 1);

    text[n > 0 ? n : 0] = '\0';
    if (fd != -1)
        close(fd);
    return text;
}

static int
same(const char *one, const char *two)
{
    FILE *a = fopen(one, "r"), *b = fopen(two, "r");
    int x = EOF, y = EOF;

    if (a != NULL && b != NULL)
        do {
            x = getc(a);
            y = getc(b);
        } while (x == y && x != EOF);
    int equal = a != NULL && b != NULL && x == y;
    if (a != NULL)
        fclose(a);
    if (b != NULL)
        fclose(b);
    return equal;
}

static const char *
called(int i)
{
    return sides[i].argv == NULL ? "" : sides[i].argv[0];
}

/* A side has ended: may it end like this? */
static void
judge(int i, int status)
{
    struct side *side = &sides[i];
    int hit = i == faulty && side->starts == 1 && happened;
    char *text = told(i, side->starts);
    const char *name = called(i);

    if (strstr(text, "Sanitizer") != NULL)
        bad("%s: %.300s", name, strstr(text, "Sanitizer"));
    if (WIFSIGNALED(status)) {
        int sig = WTERMSIG(status);
        int meant = (hit && strncmp(what, "kill", 4) == 0) ||
                    (happened && strcmp(what, "wreck") == 0);
        for (size_t s = 0; s < sizeof(signals) / sizeof(signals[0]); s++)
            if (hit && strcmp(what, signals[s].name) == 0)
                meant = sig == signals[s].number;
        if (!meant)
            bad("%s died of signal %d", name, sig);
        return;
    }
    if (WEXITSTATUS(status) == 0) {
        if (side->expected != NULL &&
            !same(side->expected, file("out", i, side->starts)))
            bad("%s ended well, but its output is wrong", name);
        return;
    }
    if (WEXITSTATUS(status) != EXIT_FAILURE)
        bad("%s ended with status %d", name, WEXITSTATUS(status));
    if (text[0] == '\0' || text[strlen(text) - 1] != '\n')
        bad("%s failed without a word", name);
    if (!hit)
        return;
    if (error == EINTR || strcmp(what, "short") == 0 ||
        strcmp(what, "stop") == 0 || strcmp(what, "hold") == 0)
        bad("%s does not bear %s: %.200s", name, what, text);
    if (error != 0 && !looking && strstr(text, strerror(error)) == NULL)
        bad("%s does not say \"%s\": %.200s", name, strerror(error), text);
}

/* One of ours has stopped or ended. */
static void
collect(pid_t pid, int status)
{
    if (WIFSTOPPED(status)) {
        step(pid, status);
        return;
    }
    for (int i = 0; i < 2; i++)
        if (sides[i].pid == pid) {
            sides[i].pid = 0;
            sides[i].status = status;
            sides[i].ended = now();
            judge(i, status);
        }
}

/* Start what is not running, unless all is done. Who has ended well is left in
   peace for a while: the other may still be busy with what it was sent. */
static int
go_on(void)
{
    int alone = sides[0].pid == 0 && sides[1].pid == 0;

    if (alone && sides[0].status == 0 && sides[1].status == 0)
        return 0;
    for (int i = 0; i < 2; i++) {
        struct side *side = &sides[i];
        if (side->argv == NULL || side->pid != 0 ||
            (!alone && side->status == 0 && now() - side->ended < 300))
            continue;
        if (side->starts == MOST_STARTS) {
            bad("%s did not work again after %d starts", called(i),
                MOST_STARTS);
            return 0;
        }
        begin(i, 0);
        side->status = 0;
    }
    return 1;
}

static int
count_lines(const char *path)
{
    FILE *f = fopen(path, "r");
    int c, lines = 0;

    while (f != NULL && (c = getc(f)) != EOF)
        lines += c == '\n';
    if (f != NULL)
        fclose(f);
    return lines;
}

static void
look_into(const char *path, int hidden)
{
    DIR *dir = opendir(path);

    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
            (e->d_name[0] != '.' || hidden)) {
            char *name;
            bad("%s/%s is left", path, e->d_name);
            if (asprintf(&name, "%s/%s", path, e->d_name) != -1)
                unlink(name);
        }
    if (dir != NULL)
        closedir(dir);
}

/* Kill a child that is still there. */
static void
orphan(void)
{
    FILE *f = fopen("/proc/thread-self/children", "r");
    int pid;

    while (f != NULL && fscanf(f, "%d", &pid) == 1)
        kill(pid, SIGKILL);
    if (f != NULL)
        fclose(f);
}

int
main(int argc, char *argv[])
{
    sigset_t child;
    char *end;
    int status, first = 0;
    pid_t pid;

    setvbuf(stdout, NULL, _IOLBF, 0);
    sides[0].input = sides[1].input = "/dev/null";
    for (int opt; (opt = getopt(argc, argv, "+ls:p:c:f:1:2:3:4:t:b")) != -1;)
        switch (opt) {
        case 'l':
            listing = 1;
            break;
        case 's':
            faulty = atoi(optarg) - 1;
            break;
        case 'p':
            process = atoi(optarg);
            break;
        case 'c':
            call = strtol(optarg, &end, 10); /* 17 or, of that kind, 17/0 */
            if (*end == '/')
                number = atol(end + 1);
            break;
        case 'f':
            what = optarg;
            break;
        case '1':
            sides[0].input = optarg;
            break;
        case '2':
            sides[1].input = optarg;
            break;
        case '3':
            sides[0].expected = optarg;
            break;
        case '4':
            sides[1].expected = optarg;
            break;
        case 't':
            timeout = atol(optarg);
            break;
        case 'b':
            first = 1;
            break;
        default:
            usage(stderr, 2);
        }
    if (optind == argc || faulty < 0 || faulty > 1)
        usage(stderr, 2);
    sides[0].argv = &argv[optind];
    for (int i = optind; i < argc; i++)
        if (strcmp(argv[i], "--") == 0) {
            argv[i] = NULL;
            sides[1].argv = &argv[i + 1];
            break;
        }
    for (int i = 0; i < 2; i++)
        if (sides[i].argv != NULL && sides[i].argv[0] == NULL)
            usage(stderr, 2);
    if (sides[faulty].argv == NULL)
        usage(stderr, 2);

    prctl(PR_SET_CHILD_SUBREAPER, 1);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);

    int trace = listing || call > 0;
    for (int k = 0; k < 2; k++) {
        int i = k ^ first;
        if (sides[i].argv == NULL)
            continue;
        begin(i, trace && i == faulty);
        if (trace && i == faulty) {
            find(sides[i].pid);
            if (reach_entry(sides[i].pid) == -1)
                errx(EXIT_FAILURE, "cannot trace %s", called(i));
        }
    }

    long deadline = now() + timeout, again = 0;
    while (now() < deadline) {
        const struct timespec nap = {0, held ? 500000 : 5000000};
        sigtimedwait(&child, NULL, &nap);
        while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0)
            collect(pid, status);
        if (held)
            release();
        /* A moment's pause, as a person would need. */
        if ((sides[0].pid == 0 || sides[1].pid == 0) && now() >= again) {
            if (!go_on())
                break;
            again = now() + 20;
        }
    }
    for (int i = 0; i < 2; i++)
        if (sides[i].pid != 0) {
            bad("%s hangs, state %c: %.200s", called(i), state(sides[i].pid),
                told(i, sides[i].starts));
            kill(sides[i].pid, SIGKILL);
        }

    /* Whoever is still there was left by its parent to us. */
    long grace = now() + 300;
    while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) != -1) {
        if (pid > 0 && WIFSTOPPED(status))
            ptrace(PTRACE_SYSCALL, pid, 0, WSTOPSIG(status) & 0x1f);
        if (now() > grace) {
            bad("a child is left");
            orphan();
        }
        const struct timespec nap = {0, 1000000};
        nanosleep(&nap, NULL);
    }
    look_into(".", 0);
    look_into("/dev/shm", 1);
    look_into("/dev/mqueue", 1);
    if (count_lines("/proc/sysvipc/msg") + count_lines("/proc/sysvipc/sem") +
            count_lines("/proc/sysvipc/shm") >
        3) {
        bad("a System V object is left");
        if (system("ipcrm -a") != 0)
            warnx("ipcrm failed");
    }
    if (!listing)
        printf("%s%s\n",
               reason[0]               ? "BAD "
               : happened || call == 0 ? "ok"
                                       : "missed",
               reason);
    return reason[0] != '\0';
}
#endif
