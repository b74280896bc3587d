/*
 * node - one of four processes that all talk to each other over one queue.
 *
 * A line "C hello" on A's standard input is printed by C as "A: hello". Start
 * node A, B, C and D in any order; each ends when all four have no more to say,
 * and the last one out removes the queue.
 *
 * A queue cannot be waited for beside a keyboard, poll(2) wants descriptors. So
 * one thread sends and the other one receives: whoever sends first and receives
 * later, as "naive" does, lets the queue fill up, and then all sleep for ever.
 *
 * See contract.h, sysvipc(7), msgop(2), fcntl_locking(2), pthreads(7).
 */
#define _GNU_SOURCE /* F_OFD_SETLK, F_OFD_GETLK */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/msg.h>
#include <sys/time.h>
#include <unistd.h>

#include "contract.h"

enum { NODE_PATIENCE = 5 }; /* ticks of the clock until naive gives up */

static const char names[] = NODE_NAMES;
static int place, queue = -1, me;
static int ended[NODE_COUNT], done;
static volatile sig_atomic_t stopped; /* by this signal */

static void
usage(FILE *stream, int status)
{
    fputs(
        "usage: node A|B|C|D [naive]\n"
        "Send each line to the node that it begins with, and print what the\n"
        "others send; naive sends everything first, and only then receives.\n",
        stream);
    exit(status);
}

/* F_OFD_SETLK: we are here. F_OFD_GETLK: is anybody there? */
static int
lock(int command, int who)
{
    short type = command == F_OFD_SETLK ? F_RDLCK : F_WRLCK;
    off_t start = (off_t)queue * MSGQ_SIDES + who;
    struct flock byte = {.l_type = type, .l_start = start, .l_len = 1};

    if (fcntl(place, command, &byte) == -1)
        err(EXIT_FAILURE, "fcntl");
    return byte.l_type != F_UNLCK;
}

static int
others(void)
{
    int there = 0;

    for (int who = 0; who < NODE_COUNT; who++)
        there += who != me && lock(F_OFD_GETLK, who);
    return there;
}

static void
note(int sig)
{
    if (sig != SIGALRM) /* our clock only wakes us */
        stopped = sig;
}

/* Go alone, too. The last one out removes the queue. Told to stop, die of that
   signal, so that the shell learns how we ended. Before the end the other
   thread may sleep in stdin, for which exit() may wait, but never _exit(). */
static void
leave(void)
{
    sigset_t all;

    while (flock(place, LOCK_EX) == -1 && errno == EINTR && !stopped)
        ;
    if (others() == 0)
        msgctl(queue, IPC_RMID, NULL);
    close(place);
    if (stopped) {
        signal(stopped, SIG_DFL);
        sigfillset(&all); /* which the other thread has blocked */
        pthread_sigmask(SIG_UNBLOCK, &all, NULL);
        raise(stopped);
    }
    if (!done)
        _exit(EXIT_FAILURE);
}

/* Both threads may fail at once; and the queue that is removed by one fails the
   other. One speaks and leaves, meanwhile the other sleeps here for ever. */
static void
fail_alone(void)
{
    static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER;

    pthread_mutex_lock(&first);
}

/* A call was woken by a signal: were we told to stop; is anybody gone that has
   more to say? Nobody tells. Once a message was sent, all four had come: who is
   gone then may have woken some of us, and not all. Returns who, or -1. */
static int
look(const char *call)
{
    struct msqid_ds now;

    if (stopped || errno != EINTR || msgctl(queue, IPC_STAT, &now) == -1) {
        fail_alone();
        if (stopped)
            exit(EXIT_FAILURE); /* by way of leave() */
        err(EXIT_FAILURE, "%s", call);
    }
    for (int who = 0; now.msg_stime != 0 && who < NODE_COUNT; who++)
        if (who != me && !ended[who] && !lock(F_OFD_GETLK, who))
            return who;
    return -1;
}

/* A thread of its own sleeps here as long as it takes. Only the naive node has
   the clock wake it, and sees in the end that this leads nowhere. */
static void
tell(long type, const char *text, size_t bytes)
{
    struct node_message message = {.type = type, .text = {names[me]}};

    if (bytes > 0)
        memcpy(message.text + 1, text, bytes);
    for (int woken = 0; msgsnd(queue, &message, bytes + 1, 0) == -1; woken++) {
        look("msgsnd");
        if (woken == NODE_PATIENCE)
            errx(EXIT_FAILURE, "deadlock: the queue is full, nobody receives");
    }
}

/* A queue that is left without anybody is a killed session's: another takes its
   place. One that is in use begins with four. */
static void
find(const char *path)
{
    key_t key = ftok(path, NODE_PROJECT);
    struct msqid_ds now;

    if (key == -1) /* msgget() would take it for a key like any other */
        err(EXIT_FAILURE, "ftok %s", path);
    for (;; msgctl(queue, IPC_RMID, NULL)) {
        queue = msgget(key, IPC_CREAT | 0600);
        if (queue == -1 || msgctl(queue, IPC_STAT, &now) == -1)
            err(EXIT_FAILURE, "%s %s", queue == -1 ? "msgget" : "msgctl", path);
        if (now.msg_perm.uid != geteuid() || (now.msg_perm.mode & 0777) != 0600)
            errx(EXIT_FAILURE, "%s: the queue is not one of ours", path);
        if (lock(F_OFD_GETLK, me))
            errx(EXIT_FAILURE, "%s: another %c is here", path, names[me]);
        if (now.msg_stime == 0)
            return;
        if (others() > 0)
            errx(EXIT_FAILURE, "%s: the others have begun, and one is gone",
                 path);
    }
}

/* Come in alone: nobody else may look, make or remove meanwhile. Until then, a
   signal may kill us: there is nothing to remove. */
static void
enter(const char *path)
{
    const struct itimerval clock = {{0, MSGQ_TICK}, {0, MSGQ_TICK}};
    const struct sigaction action = {.sa_handler = note}; /* no SA_RESTART */
    const int signals[] = {SIGHUP, SIGINT, SIGTERM};

    signal(SIGPIPE, SIG_IGN); /* it would kill us without a word */
    place = open(path, O_RDONLY | O_NONBLOCK); /* a FIFO would let us sleep */
    if (place == -1)
        err(EXIT_FAILURE, "open %s", path);
    while (flock(place, LOCK_EX) == -1)
        if (errno != EINTR)
            err(EXIT_FAILURE, "flock %s", path);
    for (int i = 0; i < 3; i++)
        sigaction(signals[i], &action, NULL); /* fails for no signal only */
    signal(SIGALRM, note); /* restarts stdio's calls, but never msgrcv() */
    find(path);
    lock(F_OFD_SETLK, me);
    atexit(leave); /* fails only for want of memory */
    for (int who = 0; others() == NODE_COUNT - 1 && who < NODE_COUNT; who++)
        tell(NODE_START + who, NULL, 0);
    flock(place, LOCK_UN);
    setitimer(ITIMER_REAL, &clock, NULL);
}

/* One line to one node. */
static void
say(const char *line, size_t bytes)
{
    const char *to = bytes > 2 && line[1] == ' ' ? strchr(names, *line) : NULL;

    if (to == NULL || *to == '\0' || to - names == me ||
        bytes - 2 >= sizeof(((struct node_message *)0)->text))
        warnx("%.40s: not a letter of another node, a blank and text", line);
    else
        tell(NODE_A + (to - names), line + 2, bytes - 2);
}

static void *
speak(void *nothing)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t got;

    while ((got = getline(&line, &size, stdin)) != -1) {
        if (line[got - 1] == '\n')
            line[--got] = '\0';
        say(line, (size_t)got);
    }
    if (!feof(stdin))
        look("read standard input");
    free(line);
    for (int i = 1; i <= NODE_COUNT; i++) /* to ourselves last: then we end */
        tell(NODE_A + (me + i) % NODE_COUNT, NULL, 0);
    return nothing;
}

/* One message of this type. When somebody is gone, whatever it has sent is
   there: sleep no more. */
static ssize_t
hear(struct node_message *message, long type)
{
    int gone = -1;
    ssize_t got;

    while (stopped || (got = msgrcv(queue, message, sizeof(message->text), type,
                                    gone == -1 ? 0 : IPC_NOWAIT)) == -1) {
        if (errno == ENOMSG && gone != -1) {
            fail_alone();
            errx(EXIT_FAILURE, "%c is gone before its end", names[gone]);
        }
        gone = look("msgrcv");
    }
    return got;
}

static void
listen_to_all(void)
{
    struct node_message message;

    for (int left = NODE_COUNT; left > 0;) {
        ssize_t got = hear(&message, NODE_A + me);
        const char *from = got > 0 ? strchr(names, message.text[0]) : NULL;
        if (from == NULL || *from == '\0') {
            fail_alone();
            errx(EXIT_FAILURE, "a message that is not a node's");
        }
        if (got > 1) {
            printf("%c: %.*s\n", *from, (int)got - 1, message.text + 1);
        } else if (!ended[from - names]) {
            ended[from - names] = 1;
            left--;
        }
        if (ferror(stdout))
            look("standard output");
    }
}

int
main(int argc, char *argv[])
{
    struct node_message start;
    pthread_t speaker;
    sigset_t all;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    const char *name = argc > 1 ? argv[1] : "";
    if (strlen(name) != 1 || strchr(names, *name) == NULL || argc > 3 ||
        (argc == 3 && strcmp(argv[2], "naive") != 0))
        usage(stderr, 2);
    me = (int)(strchr(names, *name) - names);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (fcntl(STDIN_FILENO, F_GETFD) == -1) /* closed: the place would be 0 */
        err(EXIT_FAILURE, "standard input");

    enter(MSGQ_PATH);
    warnx("msgrcv: sleeps until %s are all there", names);
    hear(&start, NODE_START + me);
    warnx("all are there");

    if (argc == 3) {
        speak(NULL);
    } else {
        sigfillset(&all); /* the speaker's to inherit: signals are ours */
        pthread_sigmask(SIG_BLOCK, &all, NULL);
        if ((errno = pthread_create(&speaker, NULL, speak, NULL)) != 0)
            err(EXIT_FAILURE, "pthread_create");
        pthread_sigmask(SIG_UNBLOCK, &all, NULL);
    }
    listen_to_all();
    warnx("all have ended");
    done = 1;
    return EXIT_SUCCESS;
}
