/*
 * lifetime - a segment outlives its maker, and its own removal.
 *
 * A child makes it and exits: it stays, until somebody removes it or the
 * machine is switched off. IPC_RMID only takes its key away and marks it. The
 * memory is freed when the last process detaches, or ends.
 *
 * See ftok(3), shmget(2), shmop(2), shmctl(2).
 */
#define _GNU_SOURCE /* SHM_DEST */

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BYTES = 12 };

static void
usage(FILE *stream, int status)
{
    fputs("usage: lifetime\n"
          "Show what ends a shared memory segment, and what does not.\n",
          stream);
    exit(status);
}

/* A killed run may have left one behind, attached nowhere. All others stay. */
static void
remove_leftover(key_t key)
{
    struct shmid_ds st = {0};
    int old = shmget(key, 0, 0);

    if (old == -1)
        return;
    if (shmctl(old, IPC_STAT, &st) == -1 || st.shm_perm.uid != geteuid() ||
        st.shm_segsz != BYTES || st.shm_nattch != 0)
        errx(EXIT_FAILURE, "the segment under our key is not ours");
    shmctl(old, IPC_RMID, NULL);
}

/* For a child: make the segment and leave something in it. */
static int
make(key_t key)
{
    int segment = shmget(key, BYTES, IPC_CREAT | IPC_EXCL | 0600);
    char *words = segment == -1 ? (void *)-1 : shmat(segment, NULL, 0);

    if (words == (void *)-1) {
        warn("the child: shmget, shmat");
        return EXIT_FAILURE;
    }
    memcpy(words, "left behind", BYTES);
    return EXIT_SUCCESS;
}

/* Whatever went wrong, the segment is not to stay. */
static void
check(int ok, const char *call, int segment)
{
    if (ok)
        return;
    warn("%s", call);
    shmctl(segment, IPC_RMID, NULL);
    exit(EXIT_FAILURE);
}

int
main(int argc, char *argv[])
{
    const key_t key = ftok(".", 'l');
    struct shmid_ds st = {0};
    sigset_t all;
    int status;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    if (key == -1)
        err(EXIT_FAILURE, "ftok");
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */

    /* Told to stop, we shall do so when the segment is on its way out. */
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL); /* fails for a wrong SIG_ only */
    remove_leftover(key);
    pid_t child = fork();
    if (child == 0)
        _exit(make(key));
    if (child == -1)
        err(EXIT_FAILURE, "fork");
    if (waitpid(child, &status, 0) == -1)
        status = -1;
    int segment = shmget(key, BYTES, 0600);
    if (status != 0) {
        shmctl(segment, IPC_RMID, NULL);
        errx(EXIT_FAILURE, "the child was killed, or failed");
    }
    check(segment != -1, "shmget", -1);
    const char *one = shmat(segment, NULL, SHM_RDONLY);
    check(one != (void *)-1, "shmat", segment);
    printf("its maker has exited: \"%.11s\"\n", one);

    check(shmctl(segment, IPC_RMID, NULL) == 0, "shmctl", segment);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    check(shmctl(segment, IPC_STAT, &st) == 0, "shmctl", segment);
    printf("IPC_RMID: %s, attached %d\n",
           st.shm_perm.mode & SHM_DEST ? "marked" : "not marked",
           (int)st.shm_nattch);
    printf("shmget by its key: %s\n",
           shmget(key, 0, 0) == -1 ? strerror(errno) : "found");
    printf("read where it is attached: \"%.11s\"\n", one);
    const char *two = shmat(segment, NULL, SHM_RDONLY);
    check(two != (void *)-1, "shmat", segment);
    printf("attached once more by its id: \"%.11s\"\n", two);

    shmdt(one); /* both are attached: it cannot fail */
    check(shmctl(segment, IPC_STAT, &st) == 0, "shmctl", segment);
    printf("one detached: %d left\n", (int)st.shm_nattch);
    shmdt(two);
    printf("the last detached: %s\n",
           shmctl(segment, IPC_STAT, &st) == -1 ? strerror(errno) : "alive");

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
