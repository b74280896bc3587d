/*
 * flood - be too many: clients of a store-server, or messages in a queue.
 *
 *     flood [-i] [-n CLIENTS] clients SOCKET FILE
 *     flood queue PATH
 *
 * clients: all come at once, say lines, and compare what comes back. Of ten,
 * one says nothing, one says as much as is taken and does not listen, both
 * until all others have ended; one is slow, and one goes away without having
 * heard anything. Then FILE must hold each line once, and each client's in
 * order. The server may not grow, and sleeps as long as nobody speaks. With -i,
 * it is interrupted (SIGINT) in the middle: what was heard must be in FILE.
 *
 * queue: the queue of msgq/writer and msgq/reader is full of messages that are
 * neither's.
 *
 * See unix(7), pthread_create(3), proc(5), msgop(2).
 */
#define _GNU_SOURCE /* struct ucred */

#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "../msgq/contract.h"

enum { LINE = 64, BATCH = 50, LINES = 6 * BATCH, MOST = 2000 };
enum { SILENT, DEAF, SLOW, LEAVER, KINDS = 10 };
enum { MOST_GROWTH = 16384 /* KiB */, MOST_TICKS = 5 };

static struct sockaddr_un address = {.sun_family = AF_UNIX};
static struct client {
    pthread_t thread;
    int number, said, heard, kept; /* lines */
} clients[MOST];
static _Atomic int begun, busy, wrong; /* busy: those that others wait for */
static _Atomic pid_t server;
static int interrupted;

static void
usage(FILE *stream, int status)
{
    fputs("usage: flood [-i] [-n CLIENTS] clients SOCKET FILE\n"
          "       flood queue PATH\n"
          "Be too many. See the top of tests/flood.c.\n",
          stream);
    exit(status);
}

__attribute__((format(printf, 1, 2))) static void
complain(const char *format, ...)
{
    va_list words;

    va_start(words, format);
    if (wrong++ < 5) /* the rest is alike */
        vwarnx(format, words);
    va_end(words);
}

static void
pause_ms(long ms)
{
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&time, NULL);
}

/* Line n of a client. All are of one length, and there is no other like it. */
static void
compose(char line[LINE + 1], int client, int n)
{
    snprintf(line, LINE + 1, "client %8d line %8d %*d\n", client, n, LINE - 31,
             n);
}

/* As many lines as fit into what is sent in one piece. */
static int
say(struct client *c, int sock, int lines, int flags)
{
    char words[BATCH * LINE + 1];
    const size_t bytes = (size_t)lines * LINE;

    for (int i = 0; i < lines; i++)
        compose(words + (size_t)i * LINE, c->number, c->said + i);
    if (send(sock, words, bytes, MSG_NOSIGNAL | flags) != (ssize_t)bytes)
        return 0;
    c->said += lines;
    return 1;
}

/* All that was said, or 0: the server is gone. */
static int
hear(struct client *c, int sock)
{
    char words[LINE + 1], line[LINE + 1];

    for (; c->heard < c->said; c->heard++) {
        if (recv(sock, words, LINE, MSG_WAITALL) != LINE)
            return 0;
        compose(line, c->number, c->heard);
        if (memcmp(words, line, LINE) != 0) {
            complain("client %d: not the echo of line %d", c->number, c->heard);
            return 0;
        }
    }
    return 1;
}

/* The last echo, then the end, and nothing between. */
static int
part(struct client *c, int sock)
{
    char more;

    return shutdown(sock, SHUT_WR) == 0 && hear(c, sock) &&
           recv(sock, &more, 1, 0) == 0;
}

static void
wait_for_others(void)
{
    while (busy > 0)
        pause_ms(10);
    if (!interrupted)
        pause_ms(1200); /* main() looks at the server meanwhile */
}

static int
converse(struct client *c, int sock, int kind)
{
    int fine = 1;

    if (kind == SILENT)
        wait_for_others();
    else if (kind == DEAF) {
        while (say(c, sock, 1, MSG_DONTWAIT))
            ;
        wait_for_others();
    } else
        while (fine && c->said < LINES) {
            fine = say(c, sock, BATCH, 0);
            if (kind == LEAVER)
                continue;
            if (kind == SLOW)
                pause_ms(20);
            fine = fine && hear(c, sock);
        }
    return fine && (kind == LEAVER || part(c, sock));
}

static void *
live(void *arg)
{
    struct client *c = arg;
    struct ucred other;
    socklen_t bytes = sizeof(other);
    int sock = socket(AF_UNIX, SOCK_STREAM, 0), kind = c->number % KINDS;

    if (sock == -1 ||
        connect(sock, (struct sockaddr *)&address, sizeof(address)) == -1) {
        if (!interrupted || (errno != ECONNREFUSED && errno != ENOENT))
            complain("client %d: connect: %s", c->number, strerror(errno));
    } else {
        if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &other, &bytes) == 0)
            server = other.pid;
        while (!begun)
            pause_ms(10);
        if (!converse(c, sock, kind) && !interrupted)
            complain("client %d: the server is gone, %d of %d lines heard",
                     c->number, c->heard, c->said);
    }
    close(sock);
    busy -= kind != SILENT && kind != DEAF;
    return NULL;
}

/* A number that /proc tells of the server; -1 where it tells none. */
static long
ask(const char *file, const char *format)
{
    char name[64], line[512];
    long number = -1, more = 0;

    snprintf(name, sizeof(name), "/proc/%d/%s", (int)server, file);
    FILE *from = fopen(name, "r");
    if (from == NULL)
        return -1;
    while (fgets(line, sizeof(line), from) != NULL)
        if (sscanf(line, format, &number, &more) > 0)
            break;
    fclose(from);
    return number == -1 ? -1 : number + more;
}

/* Nobody speaks: for a second, the server has nothing to do but to sleep, and
   to look now and then if there is a place for who waits at the door. */
static void
watch(long before)
{
    const char *times = "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*d %*d %*d %*d"
                        " %*d %ld %ld";
    long grown = ask("status", "VmHWM: %ld") - before;
    long ticks = ask("stat", times);

    if (before == -1 || ticks == -1)
        complain("the server has gone");
    if (grown > MOST_GROWTH)
        complain("the server has grown by %ld KiB", grown);
    pause_ms(1000);
    ticks = ask("stat", times) - ticks;
    if (ticks > MOST_TICKS)
        complain("nobody speaks, but the server works: %ld ticks", ticks);
    printf("grown by %ld KiB, %ld ticks while nobody spoke\n", grown, ticks);
}

/* Each line is that which its client has said next. */
static void
check(const char *path, int count)
{
    char words[LINE + 2], line[LINE + 1];
    FILE *file = fopen(path, "r");
    int number;

    if (file == NULL)
        err(EXIT_FAILURE, "open %s", path);
    while (fgets(words, sizeof(words), file) != NULL) {
        if (sscanf(words, "client %d", &number) != 1 || number < 0 ||
            number >= count) {
            complain("%s: this has nobody said: %.40s", path, words);
            break;
        }
        compose(line, number, clients[number].kept);
        if (strcmp(words, line) != 0)
            complain("%s: not line %d of client %d: %.40s", path,
                     clients[number].kept, number, words);
        clients[number].kept++;
    }
    fclose(file);
    for (int i = 0; i < count; i++)
        if (clients[i].kept > clients[i].said ||
            clients[i].kept < clients[i].heard ||
            (!interrupted && clients[i].kept != clients[i].said))
            complain("%s: client %d has said %d lines and heard %d, kept %d",
                     path, i, clients[i].said, clients[i].heard,
                     clients[i].kept);
}

static int
flood_clients(int count, const char *path, const char *file)
{
    long long said = 0, heard = 0;

    if (strlen(path) >= sizeof(address.sun_path))
        usage(stderr, 2);
    memcpy(address.sun_path, path, strlen(path));
    for (int i = 0; i < count; i++)
        busy += i % KINDS != SILENT && i % KINDS != DEAF;
    for (int i = 0; i < count; i++) {
        clients[i].number = i;
        if ((errno = pthread_create(&clients[i].thread, NULL, live,
                                    &clients[i])) != 0)
            err(EXIT_FAILURE, "pthread_create");
    }
    while (server == 0 && wrong == 0)
        pause_ms(1);
    long before = ask("status", "VmHWM: %ld");
    if (!interrupted) {
        pause_ms(200);
        watch(before); /* no place is free, and many are at the door */
    }
    begun = 1;
    if (interrupted) {
        pause_ms(100);
        if (kill(server, SIGINT) == -1)
            err(EXIT_FAILURE, "kill the server");
    } else {
        while (busy > 0)
            pause_ms(10);
        watch(before);
    }
    for (int i = 0; i < count; i++)
        pthread_join(clients[i].thread, NULL); /* fails for no thread only */
    check(file, count);
    for (int i = 0; i < count; i++) {
        said += clients[i].said;
        heard += clients[i].heard;
    }
    printf("%d clients: %lld lines said, %lld heard\n", count, said, heard);
    return wrong > 0;
}

static int
flood_queue(const char *path)
{
    struct message message = {.type = MSGQ_NEVER};
    key_t key = ftok(path, MSGQ_PROJECT);
    int queue = key == -1 ? -1 : msgget(key, IPC_CREAT | 0600), sent = 0;

    if (queue == -1)
        err(EXIT_FAILURE, "msgget %s", path);
    while (msgsnd(queue, &message, 1000, IPC_NOWAIT) == 0)
        sent++;
    if (errno != EAGAIN)
        err(EXIT_FAILURE, "msgsnd");
    printf("%d messages\n", sent);
    return 0;
}

int
main(int argc, char *argv[])
{
    long count = 500;

    for (int opt; (opt = getopt(argc, argv, "in:")) != -1;)
        if (opt == 'i')
            interrupted = 1;
        else if (opt == 'n')
            count = strtol(optarg, NULL, 10);
        else
            usage(stderr, 2);
    argc -= optind;
    argv += optind;
    if (argc == 3 && strcmp(*argv, "clients") == 0 && count > 0 &&
        count <= MOST)
        return flood_clients((int)count, argv[1], argv[2]);
    if (argc == 2 && strcmp(*argv, "queue") == 0)
        return flood_queue(argv[1]);
    usage(stderr, 2);
}
