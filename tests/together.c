/*
 * together - run two programs as two threads of one process, for TSan to watch.
 *
 * ThreadSanitizer sees the threads of one process: between two processes it is
 * blind. So both sides of a pair are linked with this, main() and a few calls
 * renamed (tests/eyes does it), and then each side is a thread. Memory that
 * both map is mapped once: TSan goes by the address. It does not know System V
 * semaphores, so each is an atomic variable here, too. What else a process has
 * for itself, and is not renamed, must not matter: a run that goes well only.
 */
#define _GNU_SOURCE /* semtimedop */

#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

/* The two programs; there are none when this is compiled alone. */
__attribute__((weak)) int one_main(int argc, char *argv[]);
__attribute__((weak)) int other_main(int argc, char *argv[]);

void *our_mmap(void *, size_t, int, int, int, off_t);
void *our_shmat(int, const void *, int);
int our_semop(int, struct sembuf *, size_t);
int our_semtimedop(int, struct sembuf *, size_t, const struct timespec *);
int our_flock(int, int);
int our_atexit(void (*)(void));

struct program {
    int (*main)(int argc, char *argv[]);
    int argc;
    char **argv;
    int status;
};

enum { MOST_SEMAPHORES = 16 };

static void *map;
static sem_t has_mapped;
static atomic_int order[MOST_SEMAPHORES];
static _Thread_local int lock = -1;
static _Thread_local void (*at_end)(void);

void *
our_mmap(void *at, size_t bytes, int prot, int flags, int fd, off_t offset)
{
    if (map == NULL)
        map = mmap(at, bytes, prot, flags, fd, offset);
    sem_post(&has_mapped);
    return map;
}

void *
our_shmat(int segment, const void *at, int flags)
{
    if (map == NULL)
        map = shmat(segment, at, flags);
    sem_post(&has_mapped);
    return map;
}

/* What was written before a semaphore was raised is seen by who has lowered it
   since, or has seen it at 0; nothing else is promised. */
int
our_semtimedop(int set, struct sembuf *op, size_t n, const struct timespec *t)
{
    if (op->sem_op > 0)
        atomic_fetch_add_explicit(&order[op->sem_num], 1, memory_order_release);
    int status = semtimedop(set, op, n, t);
    if (op->sem_op <= 0 && status == 0)
        atomic_load_explicit(&order[op->sem_num], memory_order_acquire);
    return status;
}

int
our_semop(int set, struct sembuf *op, size_t n)
{
    return our_semtimedop(set, op, n, NULL);
}

/* A process that ends gives its lock back. */
int
our_flock(int fd, int how)
{
    lock = fd;
    return flock(fd, how);
}

int
our_atexit(void (*function)(void))
{
    at_end = function;
    return 0;
}

static void *
run(void *argument)
{
    struct program *program = argument;

    program->status = program->main(program->argc, program->argv);
    if (at_end != NULL)
        at_end();
    flock(lock, LOCK_UN); /* the map would keep it, were the file closed */
    return NULL;
}

/* Words up to -- are the first one's, the others are the second's. */
int
main(int argc, char *argv[])
{
    struct program one = {.main = one_main, .argv = argv},
                   other = {.main = other_main};
    pthread_t threads[2];

    while (one.argc < argc && strcmp(argv[one.argc], "--") != 0)
        one.argc++;
    if (one.main == NULL || other.main == NULL || one.argc == argc)
        errx(2, "usage: together [WORD...] -- [WORD...], linked with a pair");
    other.argv = argv + one.argc;
    other.argc = argc - one.argc;
    argv[one.argc] = argv[0];

    /* The second comes when the first has read its options, and waits. */
    if (sem_init(&has_mapped, 0, 0) == -1)
        err(EXIT_FAILURE, "sem_init");
    if ((errno = pthread_create(&threads[0], NULL, run, &one)) != 0)
        err(EXIT_FAILURE, "pthread_create");
    sem_wait(&has_mapped);
    optind = 1;
    if ((errno = pthread_create(&threads[1], NULL, run, &other)) != 0)
        err(EXIT_FAILURE, "pthread_create");
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    return one.status != 0 || other.status != 0;
}
