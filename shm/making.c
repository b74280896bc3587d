/*
 * making - who makes a segment, who finds it, and how large it really is.
 *
 * With IPC_CREAT whoever comes first makes it and all others get the same. Who
 * wants more than it has is refused. It consists of pages: where 100 bytes were
 * asked for, a whole page can be written.
 *
 * See ftok(3), shmget(2), shmop(2), sysconf(3).
 */
#define _XOPEN_SOURCE 700

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BYTES = 100 };

static int segment; /* ours */

static void
usage(FILE *stream, int status)
{
    fputs("usage: making\n"
          "Make a segment of 100 bytes, find it again, and look how large it "
          "is.\n",
          stream);
    exit(status);
}

/* What shmget() says, and if it found ours. */
static void
get(const char *how, key_t key, size_t bytes, int flags)
{
    int id = shmget(key, bytes, flags);

    printf("%s: %s\n", how,
           id == -1        ? strerror(errno)
           : id == segment ? "the same segment"
                           : "another segment");
}

/* In a child, as it may die of it. */
static void
touch(char *memory, long at)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        memory[at] = 'x';
        _exit(EXIT_SUCCESS);
    }
    if (child == -1 || waitpid(child, &status, 0) == -1)
        err(EXIT_FAILURE, "fork, waitpid");
    printf("write to byte %ld: %s\n", at,
           WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "done");
}

int
main(int argc, char *argv[])
{
    const key_t key = ftok(".", 'k');
    const long page = sysconf(_SC_PAGESIZE);
    sigset_t all;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    if (key == -1)
        err(EXIT_FAILURE, "ftok");
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */

    /* Told to stop, we shall do so when the segment is removed. */
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL); /* fails for a wrong SIG_ only */
    segment = shmget(key, BYTES, IPC_CREAT | IPC_EXCL | 0600);
    if (segment == -1)
        err(EXIT_FAILURE, "shmget 0x%x: if it is yours, ipcrm -M", key);
    get("IPC_CREAT, 100 bytes", key, BYTES, IPC_CREAT | 0600);
    get("IPC_CREAT, 1 byte", key, 1, IPC_CREAT | 0600);
    get("IPC_CREAT, 101 bytes", key, BYTES + 1, IPC_CREAT | 0600);
    get("IPC_CREAT and IPC_EXCL", key, BYTES, IPC_CREAT | IPC_EXCL | 0600);
    get("another key", key + 1, BYTES, 0);

    char *memory = shmat(segment, NULL, 0);
    shmctl(segment, IPC_RMID, NULL); /* it stays as long as it is attached */
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    if (memory == (void *)-1)
        err(EXIT_FAILURE, "shmat");
    printf("new memory: %s\n", memory[0] == 0 ? "zeroes" : "something");
    touch(memory, BYTES - 1);
    touch(memory, page - 1);

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
