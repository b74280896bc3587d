/*
 * removal - what becomes of those who use a queue when it is removed.
 *
 * At once it is gone, with the messages in it, and who sleeps in msgsnd() or
 * msgrcv() wakes: EIDRM. The identifier means nothing any more, and a new queue
 * gets another one, under the same key as well: it is not taken for the old.
 *
 * See sysvipc(7), msgop(2), msgctl(2), proc(5).
 */
#define _GNU_SOURCE /* or sys/ipc.h warns under -std=c17 */

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int queue = -1;

static void
usage(FILE *stream, int status)
{
    fputs("usage: removal\n"
          "Remove a queue while a child sleeps in msgrcv, and make it again.\n",
          stream);
    exit(status);
}

/* The queue would outlive us, and nobody would know what it is for: whatever
   tells us to stop has to wait until it is removed, a moment later. */
static void
stop_signals(int how)
{
    sigset_t all;

    sigfillset(&all);
    sigprocmask(how, &all, NULL); /* fails only for a wrong argument */
}

static void
clean(void)
{
    msgctl(queue, IPC_RMID, NULL);
    stop_signals(SIG_UNBLOCK);
}

/* R, S, Z as ps(1) shows it: the first letter after the name. */
static char
state(pid_t pid)
{
    char path[32], letter;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *stat = fopen(path, "r");
    if (stat == NULL || fscanf(stat, "%*d (%*[^)]) %c", &letter) != 1)
        err(EXIT_FAILURE, "read %s", path);
    fclose(stat);
    return letter;
}

/* No call waits until a process sleeps: look at it once a millisecond. */
static void
remove_under_sleeper(void)
{
    const struct timespec nap = {.tv_nsec = 1000000};
    struct msgbuf message;
    int status;
    pid_t parent = getpid(), child = fork();

    if (child == -1)
        err(EXIT_FAILURE, "fork");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* sleep no longer than our parent */
        if (getppid() != parent)
            _exit(EXIT_FAILURE);
        msgrcv(queue, &message, 0, 0, 0);
        _exit(errno);
    }
    while (state(child) != 'S' && state(child) != 'Z')
        nanosleep(&nap, NULL);
    if (msgctl(queue, IPC_RMID, NULL) == -1)
        err(EXIT_FAILURE, "msgctl");
    if (waitpid(child, &status, 0) == -1 || !WIFEXITED(status))
        errx(EXIT_FAILURE, "the sleeper was killed");
    printf("removed under a sleeping msgrcv: %s\n",
           strerror(WEXITSTATUS(status)));
}

int
main(int argc, char *argv[])
{
    struct msqid_ds now;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */
    stop_signals(SIG_BLOCK);
    key_t key = ftok(".", 'i');
    if (key == -1)
        err(EXIT_FAILURE, "ftok .");

    /* What a killed run has left would do as well: it goes anyway. */
    if ((queue = msgget(key, IPC_CREAT | 0600)) == -1)
        err(EXIT_FAILURE, "msgget");
    atexit(clean); /* fails only for want of memory */
    int old = queue;
    remove_under_sleeper();
    if (msgctl(old, IPC_STAT, &now) == -1)
        printf("the identifier, after that: %s\n", strerror(errno));
    if ((queue = msgget(key, IPC_CREAT | 0600)) == -1)
        err(EXIT_FAILURE, "msgget");
    printf("made again under the same key: %s\n",
           queue == old ? "the old identifier" : "a new identifier");

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
