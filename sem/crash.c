/*
 * crash - a process is killed while it holds a lock: who gets in afterwards?
 *
 * A child takes each of seven kinds of lock and is killed. What the kernel
 * keeps as belonging to the process it frees: with SEM_UNDO, a file's locks,
 * the robust mutex, which alone brings the news. What is a mere number in
 * memory stays as the dead one left it, and whoever waits, waits for ever.
 *
 * See semop(2), sem_overview(7), pthread_mutexattr_setrobust(3), flock(2),
 * fcntl_locking(2), memfd_create(2).
 */
#define _GNU_SOURCE /* memfd_create */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <unistd.h>

static struct memory { /* of parent and child */
    sem_t semaphore;
    pthread_mutex_t plain, robust;
} * shared;

static char file[40];
static int set = -1;
static sigset_t all;

/* A set outlives its processes. And now a signal may end us. */
static void
remove_set(void)
{
    semctl(set, 0, IPC_RMID);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
}

/* Nobody else can find the set: who could remove it, should a signal kill us?
   We are soon done, so signals can wait. The pthread calls fail only if what
   they are told makes no sense. The file to be locked has no name but the one
   that /proc gives to its descriptor. */
static void
make_locks(void)
{
    struct sembuf free[] = {{0, +1, 0}, {1, +1, 0}};
    int memory = memfd_create("crash", 0);
    pthread_mutexattr_t kind;

    sigfillset(&all);
    sigdelset(&all, SIGQUIT); /* but Ctrl-\ ends what hangs */
    sigprocmask(SIG_BLOCK, &all, NULL);
    if ((set = semget(IPC_PRIVATE, 2, 0600)) == -1)
        err(EXIT_FAILURE, "semget");
    atexit(remove_set); /* fails only for want of memory */
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == -1 || shared == MAP_FAILED)
        err(EXIT_FAILURE, "memfd_create, mmap");
    snprintf(file, sizeof(file), "/proc/self/fd/%d", memory);
    if (semop(set, free, 2) == -1 || sem_init(&shared->semaphore, 1, 1) == -1)
        err(EXIT_FAILURE, "semop, sem_init");
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&shared->plain, &kind);
    pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&shared->robust, &kind);
}

enum { SET, UNDO, POSIX, PLAIN, ROBUST, FCNTL, FLOCK, KINDS };

static const char *const names[] = {[SET] = "System V semaphore",
                                    [UNDO] = "System V, SEM_UNDO",
                                    [POSIX] = "POSIX semaphore",
                                    [PLAIN] = "plain mutex",
                                    [ROBUST] = "robust mutex",
                                    [FCNTL] = "fcntl lock",
                                    [FLOCK] = "flock"};

/* Take a lock, or say at once why not. A flock belongs to the open file, which
   a child inherits: so each opens its own. */
static int
take(int kind)
{
    struct sembuf minus = {0, -1, IPC_NOWAIT};
    struct sembuf undone = {1, -1, IPC_NOWAIT | SEM_UNDO};
    struct flock whole = {.l_type = F_WRLCK};
    int fd = open(file, O_RDWR), done = -1;

    if (fd == -1)
        err(EXIT_FAILURE, "open %s", file);
    switch (kind) {
    case SET:
        done = semop(set, &minus, 1);
        break;
    case UNDO:
        done = semop(set, &undone, 1);
        break;
    case POSIX:
        done = sem_trywait(&shared->semaphore);
        break;
    case PLAIN: /* these return the cause, and leave errno alone */
        return pthread_mutex_trylock(&shared->plain);
    case ROBUST:
        return pthread_mutex_trylock(&shared->robust);
    case FCNTL:
        done = fcntl(fd, F_SETLK, &whole);
        break;
    case FLOCK:
        done = flock(fd, LOCK_EX | LOCK_NB);
        break;
    }
    return done == -1 ? errno : 0;
}

static const char *
meaning(int error)
{
    if (error == 0)
        return "free";
    if (error == EAGAIN || error == EBUSY)
        return "taken";
    return error == EOWNERDEAD ? "free, EOWNERDEAD" : strerror(error);
}

/* Take the lock, say so through the pipe, and never give it back. */
static pid_t
start_holder(int kind)
{
    pid_t parent = getpid(), pid;
    int taken[2], error;
    ssize_t got;
    char c = 0;

    if (pipe(taken) == -1 || (pid = fork()) == -1)
        err(EXIT_FAILURE, "pipe, fork");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody else would end us */
        if (getppid() != parent)
            _exit(EXIT_FAILURE);
        if ((error = take(kind)) != 0)
            errx(EXIT_FAILURE, "%s: %s", names[kind], strerror(error));
        if (write(taken[1], &c, 1) == -1)
            err(EXIT_FAILURE, "write");
        for (;;)
            pause();
    }
    close(taken[1]);
    if ((got = read(taken[0], &c, 1)) == -1)
        err(EXIT_FAILURE, "read");
    if (got == 0)
        errx(EXIT_FAILURE, "the child could not take the lock");
    close(taken[0]);
    return pid;
}

int
main(int argc, char *argv[])
{
    int status;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return puts("usage: crash\nShow who frees the lock of a process that "
                    "is killed.") == EOF;
    if (argc > 1)
        errx(2, "usage: crash");
    if (fcntl(STDOUT_FILENO, F_GETFD) == -1) /* closed: we would open it */
        err(EXIT_FAILURE, "standard output");

    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */
    make_locks();
    for (int i = 0; i < KINDS; i++) {
        pid_t holder = start_holder(i);
        const char *before = meaning(take(i));
        kill(holder, SIGSTOP); /* our own child: it holds its number, if dead */
        if (waitpid(holder, &status, WUNTRACED) == -1 || !WIFSTOPPED(status))
            errx(EXIT_FAILURE, "the child was killed before its time");
        kill(holder, SIGKILL);
        if (waitpid(holder, NULL, 0) == -1)
            err(EXIT_FAILURE, "waitpid");
        printf("%-18s  held: %s  killed: %s\n", names[i], before,
               meaning(take(i)));
    }

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
