/*
 * rights - who may find a queue, who may use it, who may remove it.
 *
 * Its mode is that of a file, without x. msgget() checks only what its second
 * argument asks for, so with 0 anybody gets the identifier; the calls that use
 * it check again. Run as root, another user tries; else you, against mode 0.
 *
 * See sysvipc(7), msgget(2), msgctl(2).
 */
#define _GNU_SOURCE /* or sys/ipc.h warns under -std=c17 */

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534 };

static int queue = -1;

static void
usage(FILE *stream, int status)
{
    fputs("usage: rights\n"
          "Try to use a queue that is not ours to use.\n",
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

static void
result(const char *call, int value)
{
    printf("%s: %s\n", call, value == -1 ? strerror(errno) : "allowed");
}

/* A child, without the rights that the queue asks for. */
static void
trespass(key_t key)
{
    struct msgbuf message = {.mtype = 1};

    if (geteuid() == 0 && (setgid(NOBODY) == -1 || setuid(NOBODY) == -1))
        err(EXIT_FAILURE, "become another user");
    result("msgget(key, 0)", msgget(key, 0));
    result("msgget(key, 0400)", msgget(key, 0400));
    result("msgget(key, IPC_CREAT | 0600)", msgget(key, IPC_CREAT | 0600));
    result("msgget(key, IPC_CREAT | IPC_EXCL | 0600)",
           msgget(key, IPC_CREAT | IPC_EXCL | 0600));
    result("msgsnd", msgsnd(queue, &message, 0, IPC_NOWAIT));
    result("msgrcv", (int)msgrcv(queue, &message, 0, 0, IPC_NOWAIT));
    if (getuid() == NOBODY) /* its owner may remove it, whatever the mode */
        result("msgctl IPC_RMID", msgctl(queue, IPC_RMID, NULL));
    else
        puts("msgctl IPC_RMID: not tried, the queue is ours");
}

int
main(int argc, char *argv[])
{
    struct msqid_ds now;
    int status;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */
    stop_signals(SIG_BLOCK);
    key_t key = ftok(".", 'r');
    if (key == -1)
        err(EXIT_FAILURE, "ftok .");

    if ((queue = msgget(key, IPC_CREAT | 0600)) == -1)
        err(EXIT_FAILURE, "msgget");
    atexit(clean); /* fails only for want of memory */
    if (geteuid() != 0) {
        if (msgctl(queue, IPC_STAT, &now) == -1)
            err(EXIT_FAILURE, "msgctl IPC_STAT");
        now.msg_perm.mode = 0;
        if (msgctl(queue, IPC_SET, &now) == -1)
            err(EXIT_FAILURE, "msgctl IPC_SET");
    }
    fflush(stdout);
    pid_t child = fork();
    if (child == -1)
        err(EXIT_FAILURE, "fork");
    if (child == 0) {
        trespass(key);
        if (fflush(stdout) == EOF || ferror(stdout))
            err(EXIT_FAILURE, "standard output");
        _exit(EXIT_SUCCESS);
    }
    if (waitpid(child, &status, 0) == -1 || status != 0)
        errx(EXIT_FAILURE, "the other user was killed, or failed");

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
