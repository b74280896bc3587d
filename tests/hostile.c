/*
 * hostile - be the worst that a program's peer can be, for a while.
 *
 *     hostile [-s SEED] [-t MS] [options] MODE [object...]
 *
 * memory sysv|PATH|/NAME  writes into memory that others share; -x cuts it off
 * file PATH               writes into a file and locks it; -x cuts it off
 * locks PATH              only locks it
 * poke PID ADDRESS        writes into the memory of a process
 * queue                   sends to every message queue, and takes from it
 * semaphores              sets every System V semaphore
 * stream PATH...|tcp PORT is the peer on FIFOs or a stream socket; -l listens
 * datagram PATH|udp PORT  is the peer on a datagram socket; -l listens
 * rights PATH             hands over descriptors that nobody has asked for
 * signal PID [PEER]       sends signals; with PEER as if they were from it
 *
 * What it does follows from the seed, which it prints with its first line; when
 * it does it does not. What it sends is random, or a value on the edge of what
 * the contracts allow. The first three touch all that they find, so they run
 * only in an IPC namespace of their own: OUTSIDE is the name of the other one.
 *
 * See sysvipc(7), mq_overview(7), unix(7), udp(7), cmsg(3), rt_sigqueueinfo(2),
 * fcntl_locking(2), process_vm_writev(2).
 */
#define _GNU_SOURCE /* syscall, O_PATH, struct ucred */

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "../sem/contract.h" /* of the file of file-writer and file-reader */

enum { MOST_BYTES = 1 << 20, MOST_OBJECTS = 16, PLAN_WORDS = 2 };

static uint64_t dice;
static long deadline, pace; /* in ms; in us from one deed to the next */
static int listening, cutting;
static char junk[MOST_BYTES];

static void
usage(FILE *stream, int status)
{
    fputs(
        "usage: hostile [-s SEED] [-t MS] [-lx] MODE [object...]\n"
        "Be a hostile peer: memory, file, locks, poke, queue, semaphores,\n"
        "stream, datagram, rights or signal. See the top of tests/hostile.c.\n",
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

/* xorshift64: the same numbers from the same seed with every C library. */
static uint64_t
roll(void)
{
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return dice;
}

static size_t
below(size_t n)
{
    return (size_t)(roll() % n);
}

/* A number on the edge of something, or any. */
static int64_t
value(void)
{
    static const int64_t edges[] = {
        0,         1,          2,         4,        8,
        64,        4096,       8192,      65507,    65536,
        262144,    1048576,    32768,     10000000, INT32_MAX,
        INT32_MIN, UINT32_MAX, INT64_MAX, 524288,   11000000,
    };
    size_t n = sizeof(edges) / sizeof(edges[0]);

    if (below(4) == 0)
        return (int64_t)roll();
    return (int64_t)((uint64_t)edges[below(n)] + below(3) - 1);
}

/* More than there is room for, most likely. */
static uint32_t
plenty(void)
{
    return (1U << (18 + below(14))) + (uint32_t)below(3) - 1;
}

static int
time_is_up(void)
{
    if (pace > 0) {
        const struct timespec nap = {0, (long)below((size_t)pace) * 1000};
        nanosleep(&nap, NULL);
    }
    return now() >= deadline;
}

/* The driver waits for this line before it starts the other side. */
static void
ready(void)
{
    static int said;

    if (!said && puts("ready") != EOF)
        fflush(stdout);
    said = 1;
}

/* Everybody's objects are in danger from here on. */
static void
be_alone(void)
{
    const char *outside = getenv("OUTSIDE");
    char here[64] = "";

    if (readlink("/proc/self/ns/ipc", here, sizeof(here) - 1) == -1)
        err(EXIT_FAILURE, "readlink /proc/self/ns/ipc");
    if (outside == NULL || *outside == '\0' || strcmp(outside, here) == 0)
        errx(2, "only in an IPC namespace of its own: see tests/hostile");
}

/* The System V objects of one kind: the second number of each line, and the
   fourth, which is how large it is. */
static int
list(const char *kind, int id[], size_t size[])
{
    char path[64], line[256];
    int n = 0;

    snprintf(path, sizeof(path), "/proc/sysvipc/%s", kind);
    FILE *f = fopen(path, "r");
    while (f != NULL && n < MOST_OBJECTS && fgets(line, sizeof(line), f))
        n += sscanf(line, "%*d %d %*o %zu", &id[n], &size[n]) == 2;
    if (f != NULL)
        fclose(f);
    return n;
}

/* The memory went away under us. */
static void
vanished(int sig)
{
    (void)sig;
    _exit(EXIT_SUCCESS);
}

/* Map it as soon as it is there and has a size. */
static char *
map(const char *object, size_t *size, int *fd)
{
    int id[MOST_OBJECTS];
    size_t sizes[MOST_OBJECTS];
    struct stat st;

    for (; now() < deadline; usleep(200)) {
        if (strcmp(object, "sysv") == 0) {
            if (list("shm", id, sizes) == 0)
                continue;
            char *at = shmat(id[0], NULL, 0);
            if (at == (void *)-1)
                continue;
            *size = sizes[0];
            return at;
        }
        *fd = object[0] == '/' && strchr(object + 1, '/') == NULL
                  ? shm_open(object, O_RDWR, 0)
                  : open(object, O_RDWR);
        /* Long enough, that is: it grows in one step. */
        if (*fd != -1 && fstat(*fd, &st) == 0 && st.st_size > 4096) {
            *size = (size_t)st.st_size;
            char *at =
                mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
            if (at != MAP_FAILED)
                return at;
        }
        if (*fd != -1)
            close(*fd);
    }
    return NULL;
}

/* Where structs keep their numbers: at the front, at the very end, or where a
   page or a slot begins. Some of those in front are left alone all the time:
   only if one of them is right may another be looked at. */
static size_t
somewhere(size_t size, uint64_t left_alone)
{
    size_t word;

    switch (below(16)) {
    case 0:
        return below(size / 4) * 4;
    case 1:
        return below(size / 4096) * 4096 + below(64) * 4;
    case 2:
    case 3:
        return size - 4 - below(16) * 4;
    default: /* the first four words of each cache line, above all */
        do
            word = below(4) ? below(4) * 16 + below(4) : below(64);
        while (left_alone >> word & 1);
        return word * 4;
    }
}

/* The numbers that are in use, as they are no longer 0: in front, or if "last"
   at the very end. Or, if there is none, NULL. */
static volatile uint32_t *
in_use(char *at, size_t size, int last, unsigned long turn)
{
    enum { FRONT = 64, END = 16 };
    volatile uint32_t *used[FRONT] = {0}, *word = (uint32_t *)(void *)at;
    size_t words = last ? END : FRONT, n = 0;

    if (last)
        word += size / 4 - END;
    for (; words > 0; words--, word++)
        if (*word != 0)
            used[n++] = word;
    return n == 0 ? NULL : used[turn % n];
}

/* In front, and where a line of the cache begins: also what is still 0. */
static const size_t fields[] = {0, 8, 68, 4, 64, 12, 72, 128, 192};

/* As the peer would begin that has not come: what it has to say, too much of
   one thing, and only then that it has spoken, and once more. */
static void
pretend(char *at, unsigned long seed)
{
    const size_t many = sizeof(fields) / sizeof(*fields) - 1;

    for (size_t i = 1; i <= many; i++)
        *(volatile uint32_t *)(void *)(at + fields[i]) = 1;
    *(volatile uint32_t *)(void *)(at + fields[1 + seed / 4 % many]) = plenty();
    for (uint32_t turn = 1; turn <= 3; turn += 2) {
        *(volatile uint32_t *)(void *)at = turn;
        syscall(SYS_futex, at, 1, 1); /* FUTEX_WAKE */
        usleep(2000);                 /* an answer should have come */
    }
}

/* The one word that is to be spoilt this time, another one with each seed:
   whoever looks at it has found nothing amiss until then. What is read only
   once, early, is hit in this way. NULL: there is none yet. */
static volatile uint32_t *
take_aim(char *at, size_t size, unsigned long seed)
{
    volatile uint32_t *word = NULL;

    if (seed % 2 == 0)
        return in_use(at, size, 0, seed / 2);
    if (seed % 4 == 1)
        word = in_use(at, size, 1, seed / 4);
    if (word == NULL)
        word = (uint32_t *)(void *)(at +
                                    fields[seed / 2 %
                                           (sizeof(fields) / sizeof(*fields))]);
    return word;
}

static void
be_memory(const char *object, unsigned long seed)
{
    size_t size = 0;
    int fd = -1;

    if (strcmp(object, "sysv") == 0)
        be_alone();
    signal(SIGBUS, vanished);
    char *at = map(object, &size, &fd);
    if (at == NULL)
        return;
    ready();
    uint64_t left_alone = roll() & ~(1ULL << 63); /* never all of them */
    const int aiming = below(4) != 0;
    volatile uint32_t *aim = NULL;
    if (aiming && seed % 4 == 3)
        pretend(at, seed);
    while (!time_is_up()) {
        if (cutting && below(20) == 0 &&
            ftruncate(fd, (off_t)(below(2) * below(2 * size))) == -1)
            warn("ftruncate");
        if (cutting && seed % 2 != 0) /* what is written would end them first */
            continue;
        volatile uint32_t *word =
            (uint32_t *)(void *)(at + somewhere(size, left_alone));
        if (aiming && aim == NULL)
            aim = take_aim(at, size, seed);
        if (aiming && (word = aim) == NULL) {
            usleep(100);
            continue;
        }
        if (below(8) == 0)
            *word += (uint32_t)below(3) - 1;
        else if (aiming && below(2))
            *word = plenty();
        else if (below(8) != 0)
            *word = (uint32_t)value();
        if (below(4) == 0) /* FUTEX_WAKE: who sleeps there is to look */
            syscall(SYS_futex, word, 1, 1);
    }
}

/* Take a lock, or give it up again, where others look for theirs. */
static void
disturb(int file)
{
    static const short types[] = {F_RDLCK, F_WRLCK, F_UNLCK};
    struct flock bytes = {.l_type = types[below(3)]};

    if (below(3) != 0)
        bytes.l_start = FILE_WRITER + (off_t)below(4) - 1;
    else
        bytes.l_start = (off_t)below(1 << 20);
    if (below(8) != 0) /* 0: all that follows */
        bytes.l_len = 1 + (off_t)below(3);
    fcntl(file, F_OFD_SETLK, &bytes);
}

/* Write into the file: only how far they are, so that the rest is as it was;
   one letter somewhere in front; or a lot anywhere. */
static void
spoil(int file, size_t size, int aiming)
{
    const char *from = below(2) ? &"otw\n"[below(4)] : junk + below(MOST_BYTES);
    size_t at = below(2) ? below(FILE_HEAD) : below(size + 1), bytes = 1;

    if (aiming)
        at = FILE_MARK;
    else if (below(4) == 0) {
        from = junk;
        bytes = below(100000);
    }
    if (pwrite(file, from, bytes, (off_t)at) == -1)
        warn("pwrite");
    if (cutting && below(20) == 0 &&
        ftruncate(file, (off_t)below(2 * size + 2)) == -1)
        warn("ftruncate");
}

static void
be_file(const char *path, int locks_only)
{
    const int aiming = below(2) == 0;
    struct stat st;
    int file = -1;

    while (!time_is_up()) {
        if (file == -1 || fstat(file, &st) == -1 || st.st_nlink == 0) {
            if (file != -1) /* removed: where is the next? */
                close(file);
            if ((file = open(path, O_RDWR)) != -1)
                ready();
        } else if (locks_only || (!aiming && below(2))) {
            disturb(file);
        } else {
            spoil(file, (size_t)st.st_size, aiming);
        }
    }
}

/* As mmap/poke does, but with more than it would write. */
static void
be_poke(pid_t pid, uintptr_t address)
{
    enum { MOST_POKED = 64 };

    ready();
    while (!time_is_up()) {
        char *from = junk + below(MOST_BYTES - MOST_POKED);
        size_t size = below(2) ? MOST_POKED : 1 + below(MOST_POKED);
        for (size_t i = 0; below(2) && i < size; i++)
            from[i] |= 1; /* nor does it end anywhere */
        struct iovec here = {from, size}, there = {(void *)address, size};
        if (process_vm_writev(pid, &here, 1, &there, 1, 0) == -1)
            return;
    }
}

/* Open what is new in /dev/mqueue. Its name may go, the descriptor stays. */
static int
open_queues(mqd_t open_[], int n)
{
    DIR *dir = opendir("/dev/mqueue");
    static ino_t known[MOST_OBJECTS];
    char name[300];

    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
        int old = e->d_name[0] == '.';
        for (int i = 0; i < n; i++)
            old = old || known[i] == e->d_ino;
        if (old || n == MOST_OBJECTS)
            continue;
        snprintf(name, sizeof(name), "/%s", e->d_name);
        open_[n] = mq_open(name, O_RDWR | O_NONBLOCK);
        known[n] = e->d_ino;
        n += open_[n] != (mqd_t)-1;
    }
    if (dir != NULL)
        closedir(dir);
    return n;
}

static void
be_queue(void)
{
    static struct {
        long type;
        char text[8192];
    } message;
    int id[MOST_OBJECTS], posix = 0;
    size_t sizes[MOST_OBJECTS];
    mqd_t queues[MOST_OBJECTS];

    be_alone();
    while (!time_is_up()) {
        int n = list("msg", id, sizes);
        posix = open_queues(queues, posix);
        if (n + posix > 0)
            ready();
        size_t size = below(2) ? below(32) : (size_t)value() % 8193;
        memcpy(message.text, junk + below(MOST_BYTES - 8192), 8192);
        int32_t plan[PLAN_WORDS] = {(int32_t)value(), (int32_t)value()};
        if (below(3) == 0)
            memcpy(message.text, plan, size = sizeof(plan));
        else if (below(2))
            message.text[0] = (char)('A' + below(5)); /* whom it is from */
        for (int i = 0; i < n; i++) {
            message.type = below(4) ? (long)below(8) + 1 : (long)value();
            if (below(4) != 0)
                msgsnd(id[i], &message, size, IPC_NOWAIT);
            else
                msgrcv(id[i], &message, 8192, below(3) ? 0 : message.type,
                       IPC_NOWAIT | MSG_NOERROR);
        }
        for (int i = 0; i < posix; i++)
            if (below(4) != 0)
                mq_send(queues[i], message.text, size, (unsigned)below(32768));
            else
                mq_receive(queues[i], message.text, 8192, NULL);
    }
}

static void
be_semaphores(void)
{
    int id[MOST_OBJECTS];
    size_t sizes[MOST_OBJECTS];

    be_alone();
    while (!time_is_up()) {
        int n = list("sem", id, sizes);
        for (int i = 0; i < n; i++) {
            ready();
            int to =
                below(3) ? (int)below(6) : (int)((uint64_t)value() & 32767);
            semctl(id[i], (int)below(sizes[i]), SETVAL, to);
        }
    }
}

/* A local address, or a port of this machine. */
static socklen_t
locate(char *object[], struct sockaddr_storage *address)
{
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct sockaddr_in port = {.sin_family = AF_INET};

    if (strcmp(object[0], "tcp") != 0 && strcmp(object[0], "udp") != 0) {
        strncpy(local.sun_path, object[0], sizeof(local.sun_path) - 1);
        memcpy(address, &local, sizeof(local));
        return sizeof(local);
    }
    if (object[1] == NULL)
        usage(stderr, 2);
    port.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    port.sin_port = htons((in_port_t)strtol(object[1], NULL, 10));
    memcpy(address, &port, sizeof(port));
    return sizeof(port);
}

/* Connect, or wait until somebody does. -1: time is up. */
static int
meet(char *object[], int kind)
{
    struct sockaddr_storage address = {0};
    struct sockaddr *any = (struct sockaddr *)&address;
    socklen_t size = locate(object, &address);
    int yes = 1;

    for (; now() < deadline; usleep(500)) {
        int sock = socket(any->sa_family, kind, 0);
        if (!listening) {
            if (connect(sock, any, size) == 0)
                return sock;
            close(sock);
            continue;
        }
        struct pollfd fd = {.fd = sock, .events = POLLIN};
        setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
        if (any->sa_family == AF_UNIX)
            unlink(object[0]);
        if (bind(sock, any, size) == 0 &&
            (kind == SOCK_DGRAM || listen(sock, 4) == 0)) {
            ready();
            if (poll(&fd, 1, (int)(deadline - now())) > 0 &&
                kind == SOCK_STREAM) {
                int one = accept(sock, NULL, NULL);
                close(sock);
                return one;
            }
            size = sizeof(address);
            if (kind == SOCK_DGRAM &&
                recvfrom(sock, junk, 64, MSG_DONTWAIT, any, &size) != -1 &&
                connect(sock, any, size) == 0)
                return sock;
        }
        close(sock);
    }
    return -1;
}

/* What a contract might say first: rounds and bytes, right or not. */
static ssize_t
send_plan(int to)
{
    int32_t plan[PLAN_WORDS] = {(int32_t)value(), (int32_t)value()};
    size_t size = sizeof(plan);

    if (below(2)) {
        plan[0] = 1 + (int32_t)below(1000);
        plan[1] = 1 + (int32_t)below(70000);
    }
    if (below(4) == 0)
        size = below(size);
    return write(to, plan, size);
}

/* Something to annoy a stream with. Returns 0 when that was the end of it. */
static int
annoy(int peer)
{
    const struct linger reset = {.l_onoff = 1};
    struct pollfd fd = {.fd = peer, .events = POLLOUT};
    size_t size = below(2) ? below(256) : (uint64_t)value() % MOST_BYTES;

    switch (below(12)) {
    case 0:
        setsockopt(peer, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        return 0;
    case 1:
        return 0;
    case 2:
        shutdown(peer, (int)below(3));
        return 1;
    case 3:
    case 4:
        fd.events = POLLIN;
        if (poll(&fd, 1, 5) > 0 && read(peer, junk, size) == 0)
            return below(3) != 0;
        return 1;
    case 5:
    case 6:
        return send_plan(peer) != -1 || errno == EAGAIN;
    default:
        if (poll(&fd, 1, 5) < 1)
            return 1;
        return write(peer, junk + below(MOST_BYTES - size), size) != -1 ||
               errno == EAGAIN;
    }
}

/* Say what the first words may be, and then far more than anybody has room
   for; or half of it, and leave. */
static void
pour(int peer)
{
    int32_t plan[PLAN_WORDS] = {1 + (int32_t)below(100), (int32_t)plenty()};
    struct pollfd fd = {.fd = peer, .events = POLLOUT};

    size_t size = below(3) ? sizeof(plan) : below(sizeof(plan));
    if (write(peer, plan, size) == -1)
        return;
    if (below(4) != 0 && size == sizeof(plan))
        for (size_t put = 0;
             put < 3 * (size_t)MOST_BYTES && now() < deadline;) {
            ssize_t n =
                poll(&fd, 1, 20) > 0 ? write(peer, junk, MOST_BYTES / 4) : 0;
            if (n < 1)
                break;
            put += (size_t)n;
        }
}

/* On FIFOs: any end of any of them. Opened for both it never sleeps. */
static void
be_stream(char *object[])
{
    struct stat st;

    while (!time_is_up()) {
        int peers[MOST_OBJECTS], n = 0, alive = (int)below(2);
        if (!listening && strcmp(object[0], "tcp") != 0) {
            if (stat(object[0], &st) == -1)
                continue;
            for (; S_ISFIFO(st.st_mode) && object[n] != NULL && n < 2; n++)
                if ((peers[n] = open(object[n], O_RDWR | O_NONBLOCK)) == -1)
                    break;
            if (S_ISFIFO(st.st_mode) && n == 0)
                continue;
        }
        if (n == 0 && (peers[n++] = meet(object, SOCK_STREAM)) == -1)
            return;
        ready();
        for (int i = 0; i < n; i++)
            fcntl(peers[i], F_SETFL, O_RDWR | O_NONBLOCK);
        if (!alive)
            pour(peers[n - 1]);
        while (alive && !time_is_up())
            alive = annoy(peers[below((size_t)n)]);
        for (int i = 0; i < n; i++)
            close(peers[i]);
        if (below(3) == 0) /* for good */
            return;
    }
}

static void
be_datagram(char *object[])
{
    while (!time_is_up()) {
        int sock = meet(object, SOCK_DGRAM);
        if (sock == -1)
            return;
        ready();
        if (below(2))
            send_plan(sock);
        for (int n = 1 + (int)below(50); n > 0 && !time_is_up(); n--) {
            size_t size = below(2) ? below(64) : (uint64_t)value() % 65508;
            if (below(5) == 0)
                send_plan(sock);
            else if (below(5) == 0)
                recv(sock, junk, MOST_BYTES, MSG_DONTWAIT);
            else
                send(sock, junk, size, MSG_DONTWAIT);
        }
        close(sock);
    }
}

/* A descriptor of a kind that the receiver does, or does not, expect. */
static int
descriptor(void)
{
    int ends[2] = {-1, -1};

    switch (below(10)) {
    case 0:
        return open("/dev/zero", O_RDONLY);
    case 1:
        return open(".", O_RDONLY);
    case 2:
        return open("/proc/self/stat", O_RDONLY);
    case 3:
        return socket(AF_UNIX, SOCK_STREAM, 0);
    case 4:
        if (mkfifo("hostile.fifo", 0600) == 0) {
            ends[0] = open("hostile.fifo", below(2) ? O_PATH : O_RDWR);
            unlink("hostile.fifo");
        }
        return ends[0];
    case 5:
        return pipe(ends) == 0 ? ends[1] : -1;
    default: /* a pipe, sealed or not, with something in it and no end or one */
        if (pipe2(ends, below(3) ? 0 : O_NONBLOCK) == -1)
            return -1;
        if (write(ends[1], junk, below(65536)) > 0 && below(2))
            fchmod(ends[1], 0400);
        close(ends[1]);
        return ends[0];
    }
}

static void
hand_over(int sock)
{
    enum { MOST_DESCRIPTORS = 253 }; /* SCM_MAX_FD */
    static union {
        struct cmsghdr header;
        char room[CMSG_SPACE(MOST_DESCRIPTORS * sizeof(int)) + 256];
    } control;
    struct iovec words = {.iov_base = junk, .iov_len = below(3)};
    struct msghdr message = {
        .msg_iov = &words, .msg_iovlen = 1, .msg_control = &control};
    int fds[MOST_DESCRIPTORS] = {0}, n = below(2) ? 1 : (int)below(4);

    if (below(6) == 0)
        n = MOST_DESCRIPTORS;
    if (below(8) == 0)
        words.iov_len = MOST_BYTES / 16;
    memset(&control, 0, sizeof(control));
    for (int i = 0; i < n; i++)
        fds[i] = i < 4 ? descriptor() : fds[0];
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = (socklen_t)CMSG_LEN((size_t)n * sizeof(int));
    memcpy(CMSG_DATA(&control.header), fds, (size_t)n * sizeof(int));
    message.msg_controllen = (socklen_t)CMSG_SPACE((size_t)n * sizeof(int));
    if (below(8) == 0) { /* who we are, and not even asked */
        struct ucred us = {getpid(), getuid(), getgid()};
        control.header.cmsg_type = SCM_CREDENTIALS;
        control.header.cmsg_len = (socklen_t)CMSG_LEN(sizeof(us));
        memcpy(CMSG_DATA(&control.header), &us, sizeof(us));
        message.msg_controllen = (socklen_t)CMSG_SPACE(sizeof(us));
    }
    if (n == 0)
        message.msg_controllen = 0;
    sendmsg(sock, &message, MSG_DONTWAIT);
    for (int i = 0; i < n && i < 4; i++)
        close(fds[i]);
}

static void
be_rights(char *object[])
{
    while (!time_is_up()) {
        int sock = meet(object, SOCK_STREAM);
        if (sock == -1)
            return;
        ready();
        for (int n = (int)below(4); n > 0; n--)
            hand_over(sock);
        close(sock);
    }
}

/* Whoever may send a signal may also say that another has sent it. */
static void
be_signal(pid_t to, pid_t from)
{
    static const int harmless[] = {SIGCONT, SIGWINCH, SIGURG, SIGCHLD};
    const int word = SIGRTMAX;

    if (to <= 1 || from < 0) /* 0 and less are whole groups of processes */
        usage(stderr, 2);
    ready();
    while (!time_is_up()) {
        siginfo_t letter = {.si_code = SI_QUEUE};
        letter.si_signo = word;
        letter.si_pid = from && below(2) ? from : getpid();
        letter.si_uid = getuid();
        uint64_t bits = (uint64_t)value();
        if (below(8) == 0)
            bits = (uint64_t)(below(2) ? 'w' : 'p') << 8 | sizeof(void *);
        else if (below(3) == 0)
            bits = below(4097);
        memcpy(&letter.si_value, &bits, sizeof(letter.si_value));
        if (below(10) == 0)
            kill(to, harmless[below(4)]);
        else if (below(6) == 0)
            kill(to, word);
        else if (below(6) == 0)
            syscall(SYS_tgkill, to, to, word);
        else
            syscall(SYS_rt_sigqueueinfo, to, word, &letter);
    }
}

int
main(int argc, char *argv[])
{
    long ms = 1000;
    char *end = "";

    unsigned long seed = (unsigned long)getpid();
    for (int opt; (opt = getopt(argc, argv, "+s:t:lx")) != -1;)
        if (opt == 's')
            seed = strtoul(optarg, &end, 10);
        else if (opt == 't')
            ms = strtol(optarg, &end, 10);
        else if (opt == 'l')
            listening = 1;
        else if (opt == 'x')
            cutting = 1;
        else
            usage(stderr, 2);
    if (*end != '\0' || ms < 1 || optind == argc)
        usage(stderr, 2);
    const char *mode = argv[optind++];
    char **object = &argv[optind];
    int objects = argc - optind;

    printf("hostile: seed %lu\n", seed);
    dice = ((uint64_t)seed + 1) *
           0x9e3779b97f4a7c15; /* small seeds are much alike */
    if (dice == 0)
        dice = 1; /* it would stay 0 for ever */
    for (size_t i = 0; i < sizeof(junk); i++)
        junk[i] = (char)roll();
    /* At once, or so that those who talk come to say something. */
    static const long paces[] = {0, 10, 200, 2000, 20000};
    pace = paces[below(5)];
    deadline = now() + ms;
    signal(SIGPIPE, SIG_IGN);

    if (strcmp(mode, "memory") == 0 && objects == 1)
        be_memory(object[0], seed);
    else if (strcmp(mode, "file") == 0 && objects == 1)
        be_file(object[0], 0);
    else if (strcmp(mode, "locks") == 0 && objects == 1)
        be_file(object[0], 1);
    else if (strcmp(mode, "poke") == 0 && objects == 2)
        be_poke((pid_t)strtol(object[0], NULL, 10),
                (uintptr_t)strtoull(object[1], NULL, 16));
    else if (strcmp(mode, "queue") == 0 && objects == 0)
        be_queue();
    else if (strcmp(mode, "semaphores") == 0 && objects == 0)
        be_semaphores();
    else if (strcmp(mode, "stream") == 0 && objects > 0)
        be_stream(object);
    else if (strcmp(mode, "datagram") == 0 && objects > 0)
        be_datagram(object);
    else if (strcmp(mode, "rights") == 0 && objects == 1)
        be_rights(object);
    else if (strcmp(mode, "signal") == 0 && (objects == 1 || objects == 2))
        be_signal((pid_t)strtol(object[0], NULL, 10),
                  objects == 2 ? (pid_t)strtol(object[1], NULL, 10) : 0);
    else
        usage(stderr, 2);
    return EXIT_SUCCESS;
}
