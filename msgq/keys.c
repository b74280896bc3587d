/*
 * keys - four ways in which two processes come to the same queue.
 *
 * A child plays the other process: it may be any program, but only "private"
 * needs a relative. It sends one message through the queue that it has found.
 *
 * See sysvipc(7), ftok(3), msgget(2).
 */
#define _GNU_SOURCE /* or sys/ipc.h warns under -std=c17 */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILE_NAME "ipc.queue-id"

enum { SOME_INTEGER = 0x1234 }; /* as everybody would choose it */
enum way { BY_FORK, BY_INTEGER, BY_FTOK, BY_FILE };

static int queue = -1;
static int file_is_ours;

static void
usage(FILE *stream, int status)
{
    fputs("usage: keys private|integer|ftok|file\n"
          "Let another process come to the same queue, in this way.\n",
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
    if (file_is_ours)
        unlink(FILE_NAME);
    file_is_ours = 0;
    stop_signals(SIG_UNBLOCK);
}

/* The other process sends through the queue it knows as id; we receive. */
static void
meet(const char *how, int id)
{
    struct msgbuf message = {.mtype = 1};

    if (id == -1 || msgsnd(id, &message, 0, IPC_NOWAIT) == -1)
        printf("%s: %s\n", how, strerror(errno));
    else if (msgrcv(queue, &message, 0, 0, IPC_NOWAIT) == -1)
        printf("%s: another queue\n", how);
    else
        printf("%s: the same queue\n", how);
}

static int
from_folder(char letter, int flags)
{
    key_t key = ftok(".", letter);

    if (key == -1) /* msgget() would take it for a key like any other */
        err(EXIT_FAILURE, "ftok .");
    return msgget(key, flags);
}

static int
from_file(void)
{
    int id = -1;
    FILE *file = fopen(FILE_NAME, "r");

    if (file == NULL || fscanf(file, "%d", &id) != 1)
        err(EXIT_FAILURE, "read %s", FILE_NAME);
    fclose(file);
    return id;
}

/* Only the number is needed, no key: but who removes the file, and when? */
static void
to_file(void)
{
    int fd = open(FILE_NAME, O_WRONLY | O_CREAT | O_EXCL, 0600);

    if (fd == -1)
        err(EXIT_FAILURE, "open %s", FILE_NAME);
    file_is_ours = 1;
    if (dprintf(fd, "%d\n", queue) < 0)
        err(EXIT_FAILURE, "write %s", FILE_NAME);
    close(fd);
}

/* What the other process does. */
static void
play(enum way way)
{
    if (way == BY_FORK) {
        meet("the identifier that fork hands down", queue);
        int own = msgget(IPC_PRIVATE, 0600);
        meet("IPC_PRIVATE once more", own);
        msgctl(own, IPC_RMID, NULL);
    } else if (way == BY_INTEGER) {
        meet("another program with the same integer",
             msgget(SOME_INTEGER, IPC_CREAT | 0600));
    } else if (way == BY_FTOK) {
        meet("ftok of the same folder and letter",
             from_folder('k', IPC_CREAT | 0600));
        meet("ftok with another letter", from_folder('l', 0));
    } else {
        meet("the number in the file, no msgget", from_file());
    }
}

int
main(int argc, char *argv[])
{
    const char *const ways[] = {"private", "integer", "ftok", "file"};
    key_t keys[] = {IPC_PRIVATE, SOME_INTEGER, ftok(".", 'k'), IPC_PRIVATE};
    int way = 0, status;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    while (argc == 2 && way < 4 && strcmp(argv[1], ways[way]) != 0)
        way++;
    if (argc != 2 || way == 4)
        usage(stderr, 2);
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */
    stop_signals(SIG_BLOCK);

    if (keys[way] == -1)
        err(EXIT_FAILURE, "ftok .");
    if ((queue = msgget(keys[way], IPC_CREAT | IPC_EXCL | 0600)) == -1)
        err(EXIT_FAILURE, "msgget: the key 0x%x is taken", keys[way]);
    atexit(clean); /* fails only for want of memory */
    if (way == BY_FILE)
        to_file();
    pid_t child = fork();
    if (child == -1)
        err(EXIT_FAILURE, "fork");
    if (child == 0) {
        play((enum way)way);
        if (fflush(stdout) == EOF || ferror(stdout))
            err(EXIT_FAILURE, "standard output");
        _exit(EXIT_SUCCESS);
    }
    if (waitpid(child, &status, 0) == -1 || status != 0)
        errx(EXIT_FAILURE, "the other process was killed, or failed");
    if (way == BY_FILE) {
        clean();
        meet("the number in the file, the queue is gone", queue);
    }

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
