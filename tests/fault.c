/*
 * fault - run programs that talk to each other, let one system call of one of
 * them go wrong, and judge what becomes of it.
 *
 *     fault [options] -- writer ... [-- reader ...]
 *
 * The calls of the chosen side are counted from its entry point on, so that the
 * dynamic loader's are left out. After the fault whatever is not running is
 * started again, as a person would, until all have ended well or time is up.
 * Then the data are compared, and nothing may be left: no file in the current
 * folder, no object in the kernel, no process. So run it in an empty folder, in
 * an IPC namespace of its own.
 *
 * A program that talks to nobody, -a, must work when it is started once more.
 * What it finds may differ in digits, or show the error that was put in. It may
 * leave an object behind when it is killed, for nobody else has its name.
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
#include <ctype.h>
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
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SIDES = 4, MOST_STARTS = 12, MOST_TRACED = 64 };

/* What can go wrong with a call, as its man page says, and matters. What would
   be a lie is left out: a removal that fails but has happened, a connect() that
   was interrupted before it began. A message names the call, or libc's that has
   made it, or what it was to do. */
static const struct {
    long number;
    const char *name, *faults, *said;
} calls[] = {
    {SYS_read, "read", "EINTR EIO short", "read input"},
    {SYS_write, "write", "EINTR EIO ENOSPC EPIPE short",
     "write output sem_open"},
    {SYS_openat, "openat", "EINTR EACCES EMFILE ENFILE ENOMEM",
     "open read tmpfile mkstemp nftw"},
    {SYS_close, "close", "EIO", "close"},
    {SYS_newfstatat, "newfstatat", "ENOMEM", "newfstatat"},
    {SYS_fstat, "fstat", "ENOMEM", "fstat"},
    {SYS_poll, "poll", "EINTR ENOMEM", "poll"},
    {SYS_ppoll, "ppoll", "EINTR ENOMEM", "poll"},
    {SYS_select, "select", "EINTR ENOMEM", "select"},
    {SYS_epoll_create1, "epoll_create1", "EMFILE ENOMEM", "epoll_create"},
    {SYS_epoll_ctl, "epoll_ctl", "ENOMEM ENOSPC", "epoll_ctl"},
    {SYS_epoll_wait, "epoll_wait", "EINTR", "epoll_wait"},
    {SYS_epoll_pwait, "epoll_pwait", "EINTR", "epoll_wait"},
    {SYS_mmap, "mmap", "ENOMEM", "mmap"},
    {SYS_mprotect, "mprotect", "ENOMEM", "mprotect"},
    {SYS_pipe2, "pipe2", "EMFILE ENFILE", "pipe"},
    {SYS_pipe, "pipe", "EMFILE ENFILE", "pipe"},
    {SYS_dup2, "dup2", "EINTR EMFILE", "dup exec"},
    {SYS_clone, "clone", "EAGAIN ENOMEM", "fork pthread_create"},
    {SYS_fork, "fork", "EAGAIN ENOMEM", "fork"},
    {SYS_execve, "execve", "ENOMEM EACCES", "exec"},
    {SYS_wait4, "wait4", "EINTR", "wait"},
    {SYS_waitid, "waitid", "EINTR", "wait"},
    {SYS_flock, "flock", "EINTR ENOLCK", "flock"},
    {SYS_fcntl, "fcntl", "ENOLCK EINTR", "fcntl lock"},
    {SYS_ftruncate, "ftruncate", "EINTR EIO EFBIG", "ftruncate"},
    {SYS_fallocate, "fallocate", "EINTR ENOSPC EIO", "fallocate"},
    {SYS_mknodat, "mknodat", "EACCES ENOSPC EROFS", "mkfifo"},
    {SYS_mknod, "mknod", "EACCES ENOSPC EROFS", "mkfifo"},
    {SYS_link, "link", "EACCES ENOSPC", "link sem_open"},
    {SYS_linkat, "linkat", "EACCES ENOSPC", "link sem_open"},
    {SYS_fchmod, "fchmod", "EIO EROFS", "fchmod"},
    {SYS_fdatasync, "fdatasync", "EIO ENOSPC", "fdatasync"},
    {SYS_fsync, "fsync", "EIO ENOSPC", "fsync"},
    {SYS_lseek, "lseek", "EINVAL", "lseek"},
    {SYS_pread64, "pread64", "EINTR EIO short", "read"},
    {SYS_pwrite64, "pwrite64", "EINTR EIO ENOSPC short", "write"},
    {SYS_socket, "socket", "EMFILE ENFILE ENOMEM", "socket"},
    {SYS_socketpair, "socketpair", "EMFILE ENFILE", "socketpair"},
    {SYS_bind, "bind", "EACCES ENOMEM", "bind"},
    {SYS_listen, "listen", "EADDRINUSE", "listen"},
    {SYS_accept, "accept", "EINTR ECONNABORTED EMFILE ENOMEM", "accept"},
    {SYS_accept4, "accept4", "EINTR ECONNABORTED EMFILE ENOMEM", "accept"},
    {SYS_connect, "connect", "EACCES ENOMEM", "connect"},
    {SYS_setsockopt, "setsockopt", "ENOMEM", "setsockopt"},
    {SYS_getsockopt, "getsockopt", "ENOBUFS", "getsockopt"},
    {SYS_shutdown, "shutdown", "ENOTCONN", "shutdown"},
    {SYS_sendto, "sendto", "EINTR ENOMEM ECONNRESET EPIPE short", "send"},
    {SYS_recvfrom, "recvfrom", "EINTR ENOMEM ECONNRESET short", "recv"},
    {SYS_sendmsg, "sendmsg", "EINTR ENOMEM EPIPE", "sendmsg"},
    {SYS_recvmsg, "recvmsg", "EINTR ENOMEM ECONNRESET", "recvmsg"},
    {SYS_inotify_init1, "inotify_init1", "EMFILE ENOMEM", "inotify"},
    {SYS_inotify_add_watch, "inotify_add_watch", "ENOSPC ENOMEM",
     "inotify_add_watch"},
    {SYS_msgget, "msgget", "ENOSPC ENOMEM", "msgget"},
    {SYS_msgsnd, "msgsnd", "EINTR ENOMEM", "msgsnd"},
    {SYS_msgrcv, "msgrcv", "EINTR", "msgrcv"},
    {SYS_semget, "semget", "ENOSPC ENOMEM", "semget"},
    {SYS_semop, "semop", "EINTR ENOMEM", "semop"},
    {SYS_semtimedop, "semtimedop", "EINTR ENOMEM", "semop System"},
    {SYS_shmget, "shmget", "ENOSPC ENOMEM", "shmget"},
    {SYS_shmat, "shmat", "ENOMEM", "shmat"},
    {SYS_futex, "futex", "EINTR", "futex"},
    {SYS_mq_open, "mq_open", "ENOSPC EMFILE", "mq_open"},
    {SYS_mq_timedsend, "mq_timedsend", "EINTR", "mq_send"},
    {SYS_mq_timedreceive, "mq_timedreceive", "EINTR", "mq_receive"},
    {SYS_mq_notify, "mq_notify", "ENOMEM", "mq_notify"},
    {SYS_signalfd4, "signalfd4", "EMFILE ENOMEM", "signalfd"},
    {SYS_eventfd2, "eventfd2", "EMFILE ENOMEM", "eventfd"},
    {SYS_pidfd_open, "pidfd_open", "EMFILE ENOMEM", "pidfd_open"},
    {SYS_memfd_create, "memfd_create", "EMFILE ENOMEM", "memfd_create"},
    {SYS_rt_sigqueueinfo, "rt_sigqueueinfo", "EAGAIN", "sigqueue"},
    {SYS_pidfd_send_signal, "pidfd_send_signal", "EAGAIN", "pidfd_send_signal"},
    {SYS_rt_sigtimedwait, "rt_sigtimedwait", "EINTR", "sigtimedwait sigwait"},
    {SYS_splice, "splice", "EINTR ENOMEM short", "splice"},
    {SYS_vmsplice, "vmsplice", "EINTR ENOMEM", "vmsplice"},
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

static struct side sides[SIDES];
static int listing, findings, stdio, faulty = 0, process = 1;
static long call, number = -1, timeout = 10000;
static const char *what = "none";
static const char *kept_in; /* what side 2, a server, has echoed to side 1 */
static int excused; /* findings: an object of the killed one was in the way */
static int told_to_stop; /* the server, as side 1 is done */
static char reason[512];

/* Those of the faulty side: itself and its children, by their order. */
static struct traced {
    pid_t pid;
    int inside, fresh, failing, stranger; /* has become another program */
    long count;
} traced[MOST_TRACED];
static int tracing, happened, error, looking, written;
static long struck; /* the call that has failed */
static int children =
    PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
static pid_t held, victim;

static void
usage(FILE *stream, int status)
{
    fputs(
        "usage: fault [-alnw] [-s SIDE] [-p PROCESS] [-c CALL] [-f FAULT]\n"
        "       [-i INPUT]... [-o OUTPUT]... [-k FILE] [-t MS]\n"
        "       -- PROGRAM ... [-- PROGRAM ...]...\n"
        "Let CALL of side 1, 2 ... fail: FAULT is an error's name, short,\n"
        "kill, killed, TERM INT HUP KILL, stop or hold. The first -i is what\n"
        "side 1 reads, the first -o what it must have written, - if none.\n"
        "-l lists the calls. -a: what it writes are findings. -k: side 2 is a\n"
        "server, ends when told to, and keeps in FILE what it echoes. -n:\n"
        "children are left alone. -w: its output is stdio's, and restarts.\n",
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
    told_to_stop = 0;
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
           PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC |
               children);
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

/* Is this descriptor of another process a pipe? */
static int
is_pipe(pid_t pid, int fd)
{
    char path[64];
    struct stat st;

    snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
    return stat(path, &st) == 0 && S_ISFIFO(st.st_mode);
}

/* Can this call be interrupted, if no handler of ours returns? Stopping and
   going on does it, but only to a few calls: see signal(7). */
static int
is_interrupted(pid_t pid, const struct user_regs_struct *regs)
{
    struct sembuf op = {0};
    long word;

    if (regs->orig_rax == SYS_semop || regs->orig_rax == SYS_semtimedop) {
        word = ptrace(PTRACE_PEEKDATA, pid, regs->rsi, 0);
        memcpy(&op, &word, sizeof(op));
        return !(op.sem_flg & IPC_NOWAIT) && op.sem_op <= 0; /* may sleep */
    }
    if (regs->orig_rax == SYS_rt_sigtimedwait && regs->rdx != 0)
        return ptrace(PTRACE_PEEKDATA, pid, regs->rdx, 0) != 0 ||
               ptrace(PTRACE_PEEKDATA, pid, regs->rdx + 8, 0) != 0;
    return regs->orig_rax == SYS_epoll_wait ||
           regs->orig_rax == SYS_epoll_pwait ||
           regs->orig_rax == SYS_rt_sigtimedwait;
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

static const char *
without_eintr(const char *faults)
{
    return strncmp(faults, "EINTR", 5) == 0 ? faults + 5 : faults;
}

/* What can go wrong with this call, which is about to be made. */
static const char *
faults_of(const struct traced *t, const struct user_regs_struct *regs)
{
    const char *faults = "";

    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        if ((long long)regs->orig_rax == calls[i].number)
            faults = calls[i].faults;
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
        ((findings && regs->rdx <= 64) || is_datagram(t->pid, (int)regs->rdi)))
        faults = "EINTR ENOMEM"; /* whole or not at all */
    if (regs->orig_rax == SYS_openat && !is_fifo(t->pid, regs->rsi))
        faults = "EACCES EMFILE ENFILE ENOMEM"; /* all else opens at once */
    if (regs->orig_rax == SYS_flock && (regs->rsi & (LOCK_NB | LOCK_UN)))
        faults = regs->rsi & LOCK_UN ? "" : "ENOLCK";
    if ((regs->orig_rax == SYS_pread64 || regs->orig_rax == SYS_pwrite64) &&
        regs->rdx <= 64) /* no file is torn so finely */
        faults = "EINTR EIO";
    if ((regs->orig_rax == SYS_read || regs->orig_rax == SYS_write) &&
        regs->rdx <= 64 &&
        (findings || is_pipe(t->pid, (int)regs->rdi))) /* whole */
        faults = "EINTR EIO";
    else if (regs->orig_rax == SYS_write && is_pipe(t->pid, (int)regs->rdi))
        faults = "EINTR EIO ENOSPC short"; /* EPIPE: the other would be gone */
    if (regs->orig_rax == SYS_write && regs->rdi == STDERR_FILENO)
        faults = "EINTR short";
    if (regs->orig_rax == SYS_write && regs->rdi == STDOUT_FILENO &&
        (findings || stdio ||
         sides[faulty].expected == NULL)) /* stdio gives up */
        faults = "EIO ENOSPC short";
    if (findings &&
        (regs->orig_rax == SYS_read || regs->orig_rax == SYS_write) &&
        is_pipe(t->pid, (int)regs->rdi)) /* cut short by a handler alone */
        faults = "EINTR EIO";
    if (findings && !is_interrupted(t->pid, regs))
        faults = without_eintr(faults);
    if (stdio && regs->orig_rax == SYS_read && regs->rdi == STDIN_FILENO)
        faults = "EIO short";
    if (t->stranger) /* cat(1) may do as it likes, but it can die */
        faults = "";
    return faults;
}

static void
list(const struct traced *t, const struct user_regs_struct *regs)
{
    char name[32];

    snprintf(name, sizeof(name), "%lld", (long long)regs->orig_rax);
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        if ((long long)regs->orig_rax == calls[i].number)
            snprintf(name, sizeof(name), "%s", calls[i].name);
    printf("%td %ld/%lld %s %s\n", t - traced + 1, t->count,
           (long long)regs->orig_rax, name, faults_of(t, regs));
}

/* Who looks around while it waits may make a call later than it did when all
   were listed: then the one that is met now may be one that cannot fail so. */
static int
fits(const struct traced *t, const struct user_regs_struct *regs)
{
    return (*what != 'E' && strcmp(what, "short") != 0) ||
           strstr(faults_of(t, regs), what) != NULL;
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
    for (int i = 0; strcmp(what, "wreck") == 0 && i < SIDES; i++)
        if (i != faulty && sides[i].pid != 0)
            kill(sides[i].pid, SIGKILL);
    written = regs->orig_rax == SYS_write && regs->rdi == STDOUT_FILENO;
    struck = (long)regs->orig_rax;
    looking = regs->orig_rax == SYS_newfstatat || regs->orig_rax == SYS_fstat;
    if (error != 0 && regs->orig_rax != SYS_close)
        regs->orig_rax = (unsigned long)-1;
    if (strcmp(what, "short") == 0 && regs->rdx > 1)
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

    if (t == NULL) { /* one too many: let it be, but for our own traps */
        ptrace(PTRACE_SYSCALL, pid, 0,
               (sig & 0x7f) == SIGTRAP || sig == SIGSTOP ? 0 : sig);
        return;
    }
    if (status >> 16 != 0) { /* a fork, an exec */
        if (status >> 16 == PTRACE_EVENT_EXEC)
            t->stranger = 1;
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
                 fits(t, &regs) && strike(t, &regs))
            return;
        /* Findings are written by stdio, which forgets an error; but a disk
           that is full stays full. */
        else if (findings && error != 0 && written &&
                 regs.orig_rax == SYS_write && regs.rdi == STDOUT_FILENO) {
            regs.orig_rax = (unsigned long)-1;
            ptrace(PTRACE_SETREGS, pid, 0, &regs);
            t->failing = 1;
        }
    } else if (t->failing) {
        t->failing = 0;
        regs.rax = 0UL - (unsigned)error;
        ptrace(PTRACE_SETREGS, pid, 0, &regs);
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

/* Who stands still goes on when the others have nothing to do any more. */
static void
release(void)
{
    static long since;
    static int calm;
    int busy = 0;

    if (since == 0)
        since = now();
    for (int i = 0; i < SIDES; i++)
        busy += i != faulty && sides[i].pid != 0 && state(sides[i].pid) != 'S';
    calm = busy ? 0 : calm + 1;
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
told(const char *kind, int i, int start)
{
    static char text[8192];
    int fd = open(file(kind, i, start), O_RDONLY);
    ssize_t n = fd == -1 ? 0 : read(fd, text, sizeof(text) - 1);

    text[n > 0 ? n : 0] = '\0';
    if (fd != -1)
        close(fd);
    return text;
}

/* The next character. When it is findings that we compare, any number, 0x or
   not, is one digit. */
static int
next(FILE *f)
{
    int c = getc(f), then;

    if (!findings || c < '0' || c > '9')
        return c;
    do
        then = getc(f);
    while (then == 'x' || isxdigit(then));
    ungetc(then, f);
    return '0';
}

static int
same(const char *one, const char *two)
{
    FILE *a = fopen(one, "r"), *b = fopen(two, "r");
    int x = EOF, y = EOF;

    if (a != NULL && b != NULL)
        do {
            x = next(a);
            y = next(b);
        } while (x == y && x != EOF);
    int equal = a != NULL && b != NULL && x == y;
    if (a != NULL)
        fclose(a);
    if (b != NULL)
        fclose(b);
    return equal;
}

/* Does the first file have all of the second, in order? When it is not whole,
   bytes of those who have failed may be in between. */
static int
has_kept(const char *one, const char *two, int whole)
{
    FILE *a = fopen(one, "r"), *b = fopen(two, "r");
    int x = 0, y = 0;

    if (b != NULL)
        y = getc(b);
    while (a != NULL && (x = getc(a)) != EOF && (x == y || !whole))
        if (x == y && b != NULL)
            y = getc(b);
    int all = a != NULL && b != NULL && x == EOF && y == EOF;
    if (a != NULL)
        fclose(a);
    if (b != NULL)
        fclose(b);
    return all;
}

static const char *
called(int i)
{
    return sides[i].argv == NULL ? "" : sides[i].argv[0];
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

/* System V objects: each list has a line above. */
static int
count_objects(void)
{
    return count_lines("/proc/sysvipc/msg") + count_lines("/proc/sysvipc/sem") +
           count_lines("/proc/sysvipc/shm") - 3;
}

static void
remove_objects(void)
{
    if (system("ipcrm -a") != 0)
        warnx("ipcrm failed");
}

/* Killed, a program of findings cannot remove what nobody else looks for. */
static int
may_leave(void)
{
    return findings && happened && strncmp(what, "kill", 4) == 0;
}

/* The signal that was to come, or 0. */
static int
meant(void)
{
    for (size_t s = 0; s < sizeof(signals) / sizeof(signals[0]); s++)
        if (strcmp(what, signals[s].name) == 0)
            return signals[s].number;
    return strncmp(what, "kill", 4) == 0 ? SIGKILL : 0;
}

/* Who runs another program hands on its status, as the shell does. */
static int
is_handed_on(int status)
{
    return findings && process > 1 &&
           WEXITSTATUS(status) == (error != 0 ? 126 : 128 + meant());
}

/* A program of findings may find what was done to it, or to its child. */
static int
is_found(const char *text)
{
    return (error != 0 && error != EINTR &&
            strstr(text, strerror(error)) != NULL) ||
           (meant() != 0 && process > 1 &&
            strstr(text, strsignal(meant())) != NULL);
}

/* The line that tells the cause names the call, too. */
static int
names_call(const char *text)
{
    char line[512], words[128] = "", *word, *rest;
    const char *cause = strstr(text, strerror(error)), *start = cause;

    while (start > text && start[-1] != '\n')
        start--;
    snprintf(line, sizeof(line), "%.*s", (int)(cause - start), start);
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        if (calls[i].number == struck)
            snprintf(words, sizeof(words), "%s", calls[i].said);
    for (word = strtok_r(words, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest))
        if (strstr(line, word) != NULL)
            return 1;
    return 0;
}

/* A side has ended: may it end like this? */
static void
judge(int i, int status)
{
    struct side *side = &sides[i];
    int hit = i == faulty && side->starts == 1 && happened;
    char *text = told("err", i, side->starts);
    const char *name = called(i);

    if (strstr(text, "Sanitizer") != NULL)
        bad("%s: %.300s", name, strstr(text, "Sanitizer"));
    if (WIFSIGNALED(status)) {
        int sig = WTERMSIG(status);
        if (!(hit && sig == meant()) &&
            !(happened && strcmp(what, "wreck") == 0))
            bad("%s died of signal %d", name, sig);
        return;
    }
    if (may_leave() && side->starts == 2 && count_objects() > 0) {
        /* Whose that object is, nobody can know: it may refuse, or find it. */
        remove_objects();
        excused = 1;
        if (text[0] != '\0' || status == 0)
            return;
    }
    if (WEXITSTATUS(status) == 0) {
        if (kept_in != NULL && i == 1)
            bad("%s ended by itself", name);
        if (kept_in != NULL && i == 0 &&
            !has_kept(kept_in, side->expected,
                      side->starts == 1 && sides[1].starts == 1))
            bad("%s is not what was echoed", kept_in);
        if (side->expected == NULL ||
            same(side->expected, file("out", i, side->starts)))
            return;
        if (!findings)
            bad("%s ended well, but its output is wrong", name);
        text = told("out", i, side->starts);
        if (!hit || !is_found(text))
            bad("%s ended well, but found \"%.200s\"", name, text);
        return;
    }
    if (WEXITSTATUS(status) != EXIT_FAILURE && !(hit && is_handed_on(status)))
        bad("%s ended with status %d", name, WEXITSTATUS(status));
    if (!(hit && is_handed_on(status) && error == 0) &&
        strchr(text, '\n') == NULL)
        bad("%s failed without a word", name);
    if (!hit)
        return;
    if (error == EINTR || strcmp(what, "short") == 0 ||
        strcmp(what, "stop") == 0 || strcmp(what, "hold") == 0)
        bad("%s does not bear %s: %.200s", name, what, text);
    if (error == ENOMEM && strstr(text, strerror(EAGAIN)) != NULL)
        return; /* so does pthread_create() say it */
    if (error == 0 || looking)
        return;
    if (strstr(text, strerror(error)) != NULL) {
        if (!names_call(text))
            bad("%s does not name the call: %.200s", name, text);
    } else if (!(findings && is_found(told("out", i, side->starts)))) {
        bad("%s does not say \"%s\": %.200s", name, strerror(error), text);
    }
}

/* One of ours has stopped or ended. */
static void
collect(pid_t pid, int status)
{
    if (WIFSTOPPED(status)) {
        step(pid, status);
        return;
    }
    for (int i = 0; i < SIDES; i++)
        if (sides[i].pid == pid) {
            sides[i].pid = 0;
            sides[i].ended = now();
            if (i == 1 && told_to_stop && WIFSIGNALED(status) &&
                WTERMSIG(status) == SIGTERM)
                /* What failed then must work next time. */
                status = i == faulty && sides[i].starts == 1 ? error : 0;
            else
                judge(i, status);
            sides[i].status = excused && sides[i].starts == 2 ? 1 : status;
        }
}

/* Start what is not running, unless all is done. Who has ended well is left in
   peace for a while: the others may still be busy with what it was sent. */
static int
go_on(void)
{
    int running = 0, well = 1;

    for (int i = 0; i < SIDES; i++) {
        running += sides[i].pid != 0;
        well &= sides[i].pid != 0 || sides[i].status == 0;
    }
    if (running == 0 && well)
        return 0;
    if (kept_in != NULL && well && sides[0].pid == 0) {
        if (!told_to_stop)
            kill(sides[1].pid, SIGTERM);
        told_to_stop = 1;
        return 1;
    }
    for (int i = 0; i < SIDES; i++) {
        struct side *side = &sides[i];
        if (side->argv == NULL || side->pid != 0 ||
            (running > 0 && side->status == 0 && now() - side->ended < 300))
            continue;
        if (side->starts == (findings ? 2 + excused : MOST_STARTS)) {
            bad("%s did not work again after %d starts", called(i),
                side->starts);
            return 0;
        }
        begin(i, 0);
        side->status = 0;
    }
    return 1;
}

/* With each start that was in vain, patience grows: four need longer to see
   that one of them is gone than two. */
static int
most_starts(void)
{
    int most = 0;

    for (int i = 0; i < SIDES; i++)
        if (sides[i].starts > most)
            most = sides[i].starts;
    return most;
}

/* How many are to run, and do not. */
static int
missing(void)
{
    int count = 0;

    for (int i = 0; i < SIDES; i++)
        count += sides[i].argv != NULL && sides[i].pid == 0;
    return count;
}

static void
look_into(const char *path, int hidden)
{
    DIR *dir = opendir(path);

    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
            (e->d_name[0] != '.' || hidden)) {
            char *name;
            if (!may_leave())
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
    int status, inputs = 0, outputs = 0;
    pid_t pid;

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 0; i < SIDES; i++)
        sides[i].input = "/dev/null";
    for (int opt; (opt = getopt(argc, argv, "+alws:p:c:f:i:o:k:nt:")) != -1;)
        switch (opt) {
        case 'l':
            listing = 1;
            break;
        case 'w':
            stdio = 1;
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
        case 'i':
            if (strcmp(optarg, "-") != 0)
                sides[inputs % SIDES].input = optarg;
            inputs++;
            break;
        case 'o':
            if (strcmp(optarg, "-") != 0)
                sides[outputs % SIDES].expected = optarg;
            outputs++;
            break;
        case 'k':
            kept_in = optarg;
            break;
        case 'n':
            children = 0;
            break;
        case 't':
            timeout = atol(optarg);
            break;
        case 'a':
            findings = 1;
            break;
        default:
            usage(stderr, 2);
        }
    if (optind == argc || faulty < 0 || faulty >= SIDES)
        usage(stderr, 2);
    sides[0].argv = &argv[optind];
    for (int i = optind, side = 1; i < argc; i++)
        if (side < SIDES && strcmp(argv[i], "--") == 0) {
            argv[i] = NULL;
            sides[side++].argv = &argv[i + 1];
        }
    for (int i = 0; i < SIDES; i++)
        if (sides[i].argv != NULL && sides[i].argv[0] == NULL)
            usage(stderr, 2);
    if (sides[faulty].argv == NULL ||
        (kept_in != NULL && sides[0].expected == NULL))
        usage(stderr, 2);

    prctl(PR_SET_CHILD_SUBREAPER, 1);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);

    int trace = listing || call > 0;
    for (int i = 0; i < SIDES; i++) {
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
        if (missing() && now() >= again) {
            if (!go_on())
                break;
            again = now() + 20L * most_starts();
        }
    }
    for (int i = 0; i < SIDES; i++)
        if (sides[i].pid != 0) {
            bad("%s hangs, state %c: %.200s", called(i), state(sides[i].pid),
                told("err", i, sides[i].starts));
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
    if (kept_in != NULL)
        unlink(kept_in);
    look_into(".", 0);
    look_into("/dev/shm", 1);
    look_into("/dev/mqueue", 1);
    if (count_objects() > 0) {
        if (!may_leave())
            bad("a System V object is left");
        remove_objects();
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
