/*
 * rounds - start two programs that talk to each other again and again, let a
 * signal hit one of them at some moment, and judge what becomes of both.
 *
 *     rounds [options] -- writer ... [-- reader ...]
 *
 * Without the second program, the first one's child is the other side. A
 * round's number decides all that is left to chance: who starts first and how
 * much later the other, who is hit, by what signal, when. It is an optimist's
 * repeatability: the scheduler has its say, too. How long a conversation takes
 * is measured first, so that the moments are spread over all of it.
 *
 * With -s nobody is hit: both start at the same moment, every second time where
 * a killed run has left its objects behind.
 *
 * Run it in an empty folder, in an IPC namespace of its own.
 *
 * See kill(2), proc(5), prctl(2) for the subreaper.
 */
#define _GNU_SOURCE /* asprintf */

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SECOND = 1000000, PROMISE = 2 * SECOND, PATIENCE = 10 * SECOND };
enum { NOTICE = 50000 };             /* it can have been in its last line */
enum { PIECES = 8, SLOWLY = 80000 }; /* microseconds, all pieces together */

static const struct {
    int number;
    const char *name;
} signals[] = {
    {SIGKILL, "KILL"}, {SIGTERM, "TERM"}, {SIGINT, "INT"},
    {SIGHUP, "HUP"},   {SIGSTOP, "STOP"},
};

struct side {
    char **argv;
    const char *input;    /* its standard input */
    const char *expected; /* its standard output, if it ends well */
    pid_t pid, feeder;    /* 0: not running */
    int starts, status;
    int lines;   /* of its story, as long as it is alone */
    long jitter; /* microseconds that it lags behind */
};

static struct side sides[2];
static char reason[900], scene[160]; /* what went wrong, and where */
static int untold;                   /* nobody tells side 1 of its reader */
static long length;                  /* of a conversation, in microseconds */
static int slowly;                   /* comes what is to be read */
static int gate[2] = {-1, -1};       /* who comes waits for it to be opened */
static uint64_t chance;

/* Who starts first and how much later the other, who is hit, how and when. */
static struct {
    int first, victim;
    size_t signal;
    long delay, moment, pause; /* in microseconds; a pause until SIGCONT */
} plan;

/* What became of all the rounds. */
static struct {
    long rounds, ended, waited, finished, late, went_on, bad;
} sum;

static void
usage(FILE *stream, int status)
{
    fputs(
        "usage: rounds [-s] [-u] [-v] [-n COUNT] [-r NUMBER]\n"
        "       [-1 INPUT] [-2 INPUT] [-3 OUTPUT] [-4 OUTPUT]\n"
        "       -- PROGRAM ... [-- PROGRAM ...]\n"
        "Hit one of two programs at some moment, in COUNT rounds from NUMBER\n"
        "on; -s starts both at once instead. -1 and -2 are what the two read,\n"
        "-3 and -4 what they must have written. -u: the first one ends\n"
        "without knowing whether the second has written all. -v: nor does it\n"
        "know at once that the second is there.\n",
        stream);
    exit(status);
}

static long
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * SECOND + t.tv_nsec / 1000;
}

/* The first that is found is the reason. */
#define bad(...)                                                               \
    (reason[0] == '\0' ? (void)snprintf(reason, sizeof(reason), __VA_ARGS__)   \
                       : (void)0)

/* A number below n (splitmix64): what comes next depends on the seed alone. */
static long
draw(long n)
{
    uint64_t z = (chance += 0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return n > 0 ? (long)((z ^ (z >> 31)) % (uint64_t)n) : 0;
}

/* .out.1.3 is what side 1 wrote when it was started for the third time. */
static char *
file(const char *kind, int i, int start)
{
    static char name[64];

    snprintf(name, sizeof(name), ".%s.%d.%d", kind, i + 1, start);
    return name;
}

static void
redirect(const char *path, int flags, int to)
{
    int fd = open(path, flags, 0600);

    if (fd == -1 || dup2(fd, to) == -1)
        err(127, "open %s", path);
    if (fd != to)
        close(fd);
}

/* A keyboard, as it were: what is to be read comes in pieces, with pauses. */
static int
feed(struct side *side)
{
    char *buf = NULL;
    struct stat st;
    int from = open(side->input, O_RDONLY), ends[2];

    if (from == -1 || fstat(from, &st) == -1 || pipe2(ends, O_CLOEXEC) == -1 ||
        (side->feeder = fork()) == -1)
        err(EXIT_FAILURE, "feed %s", side->input);
    if (side->feeder == 0) {
        const struct timespec nap = {0, SLOWLY / PIECES * 1000L};
        size_t piece = (size_t)st.st_size / PIECES + 1;
        ssize_t got;
        close(ends[0]);
        signal(SIGPIPE, SIG_DFL);
        if ((buf = malloc(piece)) == NULL)
            _exit(1);
        while ((got = read(from, buf, piece)) > 0) {
            nanosleep(&nap, NULL);
            if (write(ends[1], buf, (size_t)got) != got)
                break;
        }
        _exit(0);
    }
    close(from);
    close(ends[1]);
    return ends[0];
}

static void
begin(int i)
{
    struct side *side = &sides[i];
    int input = slowly && side->feeder == 0 ? feed(side) : -1;
    pid_t pid;

    side->starts++;
    if ((pid = fork()) == -1)
        err(EXIT_FAILURE, "fork");
    if (pid == 0) {
        for (int sig = 1; sig < 32; sig++)
            signal(sig, SIG_DFL);
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        if (input == -1)
            redirect(side->input, O_RDONLY, STDIN_FILENO);
        else
            dup2(input, STDIN_FILENO);
        redirect(file("out", i, side->starts), O_WRONLY | O_CREAT | O_TRUNC,
                 STDOUT_FILENO);
        redirect(file("err", i, side->starts), O_WRONLY | O_CREAT | O_TRUNC,
                 STDERR_FILENO);
        if (gate[0] != -1) {
            char c;
            close(gate[1]);
            if (read(gate[0], &c, 1) == -1)
                err(126, "read");
            close(gate[0]);
            for (long until = now() + side->jitter; now() < until;)
                ;
        }
        execvp(side->argv[0], side->argv);
        err(127, "%s", side->argv[0]);
    }
    close(input);
    side->pid = pid;
    side->status = -1;
}

static const char *
called(int i)
{
    return sides[i].argv == NULL ? "the child"
                                 : strrchr(sides[i].argv[0], '/') + 1;
}

static char *
told(int i)
{
    static char text[8192];
    int fd = open(file("err", i, sides[i].starts), O_RDONLY);
    ssize_t n = fd == -1 ? 0 : read(fd, text, sizeof(text) - 1);

    text[n > 0 ? n : 0] = '\0';
    if (fd != -1)
        close(fd);
    return text;
}

/* Is what this side has written the same as expected; or the start of it? */
static int
is_written(int i, int whole)
{
    FILE *a, *b;
    int x = EOF, y = EOF;

    if (sides[i].argv == NULL || sides[i].expected == NULL)
        return 1;
    a = fopen(file("out", i, sides[i].starts), "r");
    b = fopen(sides[i].expected, "r");
    while (a != NULL && b != NULL && (x = getc_unlocked(a)) != EOF &&
           x == (y = getc_unlocked(b)))
        ;
    if (b != NULL && x == EOF)
        y = getc_unlocked(b);
    int equal = b != NULL && x == EOF && (y == EOF || !whole);
    if (a != NULL)
        fclose(a);
    if (b != NULL)
        fclose(b);
    return equal;
}

/* Some of them have ended: see how. Others are orphans, and nobody's concern.
   Until when it is to be waited for them, depends. */
static void
collect(void)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (int i = 0; i < 2; i++)
            if (sides[i].pid == pid) {
                sides[i].pid = 0;
                sides[i].status = status;
            } else if (sides[i].feeder == pid) {
                sides[i].feeder = -1; /* one is enough for a round */
            }
}

static void
rest(long until)
{
    sigset_t child;

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    do {
        long left = until - now();
        struct timespec nap = {left / SECOND, left % SECOND * 1000};
        if (left > 0)
            sigtimedwait(&child, NULL, &nap);
        collect();
    } while (now() < until);
}

/* Words of /proc/PID/stat behind the name: the state's letter, and the flags.
 */
static int
look(pid_t pid, unsigned *flags)
{
    char path[64], text[512], *p;
    char letter = 0;

    *flags = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return 0;
    size_t n = fread(text, 1, sizeof(text) - 1, f);
    text[n] = '\0';
    fclose(f);
    if ((p = strrchr(text, ')')) != NULL)
        sscanf(p, ") %c %*d %*d %*d %*d %*d %u", &letter, flags);
    return letter;
}

/* Somebody would run, but finds no processor free, or waits for a disk. */
static int
are_busy(void)
{
    unsigned flags;
    int letter;

    for (int i = 0; i < 2; i++)
        if (sides[i].pid != 0 &&
            ((letter = look(sides[i].pid, &flags)) == 'R' || letter == 'D'))
            return 1;
    return 0;
}

/* The program has ended by then. On a busy machine it has more time. */
static int
ends(int i, long until)
{
    while (sides[i].pid != 0 &&
           (now() < until || (now() < until + PATIENCE && are_busy())))
        rest(now() + 1000);
    return sides[i].pid == 0;
}

/* It is in exit(2), or has been: no signal reaches it any more. */
static int
is_leaving(pid_t pid)
{
    unsigned flags;
    int letter = look(pid, &flags);

    return letter == 0 || letter == 'Z' || letter == 'X' || (flags & 4) != 0;
}

/* The first child of a program, or 0. */
static pid_t
child_of(pid_t pid)
{
    char path[64];
    int child = 0;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
    FILE *f = fopen(path, "r");
    if (f != NULL && fscanf(f, "%d", &child) != 1)
        child = 0;
    if (f != NULL)
        fclose(f);
    return child;
}

static int
count_lines(const char *path)
{
    FILE *f = fopen(path, "r");
    int c, lines = 0;

    while (f != NULL && (c = getc(f)) != EOF)
        lines += c == '\n';
    if (f != NULL)
        fclose(f);
    return lines;
}

static void
look_into(const char *path, int hidden, int harmless)
{
    DIR *dir = opendir(path);

    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
            (e->d_name[0] != '.' || hidden)) {
            char *name;
            if (!harmless)
                bad("%s/%s is left", path, e->d_name);
            if (asprintf(&name, "%s/%s", path, e->d_name) != -1)
                unlink(name);
        }
    if (dir != NULL)
        closedir(dir);
}

/* Nothing may be left: no process, no file, no object of the kernel's. What is
   there goes away, so that the next round begins with nothing. */
static void
clear(int harmless)
{
    long grace = now() + PROMISE;
    int status;
    pid_t pid;

    for (int i = 0; i < 2; i++) {
        if (sides[i].pid != 0)
            kill(sides[i].pid, SIGKILL);
        if (sides[i].feeder > 0)
            kill(sides[i].feeder, SIGKILL);
        sides[i].pid = sides[i].feeder = 0;
    }
    while (waitpid(-1, &status, WNOHANG) != -1) {
        if (now() > grace && (pid = child_of(getpid())) != 0) {
            bad("a child is left");
            kill(pid, SIGKILL);
        }
        const struct timespec nap = {0, 500000};
        nanosleep(&nap, NULL);
    }
    look_into(".", 0, harmless);
    look_into("/dev/shm", 1, harmless);
    look_into("/dev/mqueue", 1, harmless);
    if (count_lines("/proc/sysvipc/msg") + count_lines("/proc/sysvipc/sem") +
            count_lines("/proc/sysvipc/shm") >
        3) {
        if (!harmless)
            bad("a System V object is left");
        if (system("ipcrm -a") != 0)
            err(EXIT_FAILURE, "ipcrm");
    }
}

/* Something has happened to this side; what the other says may explain it. */
static void
accuse(int i, const char *what, const char *when)
{
    static char story[300];
    unsigned flags;

    snprintf(story, sizeof(story), "%.200s", told(i));
    if (sides[!i].argv == NULL)
        bad("%s %s %s: %s", called(i), what, when, story);
    else
        bad("%s %s %s: %s- and %s (%c, %#x): %.200s", called(i), what, when,
            story, called(!i),
            sides[!i].pid == 0 ? '-' : look(sides[!i].pid, &flags),
            (unsigned)sides[!i].status, told(!i));
}

/* Both must end, and well, and have written what they should. */
static void
both_well(const char *when)
{
    long until = now() + PATIENCE;

    for (int i = 0; i < 2; i++) {
        if (sides[i].argv == NULL)
            continue;
        if (!ends(i, until))
            accuse(i, "hangs", when);
        else if (sides[i].status != 0)
            accuse(i, "fails", when);
    }
    for (int i = 0; i < 2 && reason[0] == '\0'; i++)
        if (!is_written(i, 1))
            accuse(i, "has written what is wrong", when);
}

static void
run_both(const char *when)
{
    for (int i = 0; i < 2; i++)
        if (sides[i].argv != NULL)
            begin(i);
    both_well(when);
}

/* Whoever has heard from the other has written something, or has more to tell
   than one who is alone. */
static int
have_met(void)
{
    struct stat st;

    for (int i = 0; i < 2; i++) {
        if (sides[i].starts == 0 || (i == 1 && untold))
            continue;
        if (stat(file("out", i, sides[i].starts), &st) == 0 && st.st_size > 0)
            return 1;
        if (count_lines(file("err", i, sides[i].starts)) > sides[i].lines)
            return 1;
    }
    return 0;
}

/* Status 1, and the last line says that the other is gone. */
static int
says_so(int i)
{
    static const char *words[] = {
        " gone",
        "killed",
        "Broken pipe",
        "Connection reset",
        "Identifier removed",
        "No such file or directory", /* it was removed in that moment */
    };
    char *text = told(i), *last;
    size_t n = strlen(text);

    if (!WIFEXITED(sides[i].status) ||
        WEXITSTATUS(sides[i].status) != EXIT_FAILURE || n == 0 ||
        text[n - 1] != '\n')
        return 0;
    text[n - 1] = '\0';
    last = strrchr(text, '\n');
    for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++)
        if (strstr(last == NULL ? text : last, words[w]) != NULL)
            return 1;
    return 0;
}

/* The other side of one that was killed: it ends in time and says so, or has
   finished, or waits for somebody that it can talk to. */
static void
survive(int i, int ignorant, long hit)
{
    long until = hit + PROMISE;
    long patience = draw(8) == 0 ? until : hit + draw(400) * 1000;
    int again = 0;

    while (sides[i].pid != 0 && now() < patience)
        rest(now() + 1000);
    if (sides[i].pid != 0 && sides[!i].argv != NULL && !have_met()) {
        again = 1;
        begin(!i);
        /* Perhaps it was just about to end: then it shall be there, too. */
        if (!ends(i, until) || sides[i].status == 0) {
            both_well("with another peer");
            sum.waited++;
            return;
        }
    }
    if (!ends(i, until)) {
        accuse(i, "does not end", "in time");
    } else if (sides[i].status == 0) {
        if (!is_written(i, 1) || (!ignorant && !is_written(!i, 1)))
            accuse(i, "ended well", "but not all was written");
        sum.finished++;
    } else {
        if (!says_so(i) || !is_written(i, 0))
            accuse(i, "ends with status", "or words that are wrong");
        sum.ended++;
    }
    if (!again || reason[0] != '\0')
        return;
    /* The new peer may have met one that was about to end. */
    for (until = now() + SECOND / 2; sides[!i].pid != 0 && now() < until;)
        rest(now() + 1000);
    if (sides[!i].pid != 0) {
        begin(i);
        both_well("after a change of peers");
    } else if (!says_so(!i)) {
        accuse(!i, "ends", "after one that was about to end");
    }
}

/* Whoever is to be hit; a child may not be there yet, or no more. */
static pid_t
target(int i)
{
    return sides[i].argv != NULL ? sides[i].pid
           : sides[0].pid != 0   ? child_of(sides[0].pid)
                                 : 0;
}

/* What is left to chance. */
static void
make_plan(void)
{
    int single = sides[1].argv == NULL;

    plan.first = single ? 0 : (int)draw(2);
    plan.victim = (int)draw(2);
    plan.signal = (size_t)draw(sizeof(signals) / sizeof(signals[0]));
    slowly = draw(2) && strcmp(sides[0].input, "/dev/null") != 0;
    plan.delay = single || draw(2) == 0 ? 0 : draw(length);
    plan.moment = draw(length + (slowly ? SLOWLY : 0) +
                       (plan.victim == plan.first ? plan.delay : 0));
    plan.pause = draw(8) == 0 ? draw(300000) : draw(20000);
    if (single)
        snprintf(scene, sizeof(scene), "%s to %s of %s after %ld us%s",
                 signals[plan.signal].name,
                 plan.victim ? "the child" : "the parent", called(0),
                 plan.moment, slowly ? ", slowly fed" : "");
    else
        snprintf(scene, sizeof(scene),
                 "%s to %s after %ld us, %s %ld us later%s",
                 signals[plan.signal].name, called(plan.victim), plan.moment,
                 called(!plan.first), plan.delay, slowly ? ", slowly fed" : "");
}

/* Start both, and hit one. Returns 0 if it was not there. It may be in exit(2)
   already: then it is leaving. */
static pid_t
play(int *leaving, long *hit)
{
    long start = now(), second = start + plan.delay;
    int begun = sides[1].argv == NULL, sig = signals[plan.signal].number;
    pid_t pid;

    *hit = plan.moment + (plan.victim == plan.first ? start : second);
    begin(plan.first);
    if (!begun && second <= *hit) {
        rest(second);
        begin(!plan.first);
        begun = 1;
    }
    rest(*hit);
    if ((pid = target(plan.victim)) != 0)
        kill(pid, sig);
    *leaving = pid == 0 || is_leaving(pid);
    *hit = now();
    if (!begun && (sig != SIGSTOP || second < *hit + plan.pause)) {
        rest(second);
        begin(!plan.first);
        begun = 1;
    }
    if (sig == SIGSTOP) {
        rest(*hit + plan.pause);
        if (pid != 0)
            kill(pid, SIGCONT);
    }
    if (!begun) {
        rest(second);
        begin(!plan.first);
    }
    return pid;
}

static void
kill_round(int ignorant)
{
    int single = sides[1].argv == NULL, leaving;
    int victim, sig;
    long hit;
    pid_t pid;

    make_plan();
    victim = plan.victim;
    sig = signals[plan.signal].number;
    pid = play(&leaving, &hit);
    if (sig == SIGSTOP) {
        both_well("after all");
        sum.went_on++;
    } else if (single && victim == 1) { /* its parent knows what became of it */
        leaving = pid == 0 || (ends(0, hit + PROMISE) && sides[0].status == 0);
    } else if (!ends(victim, hit + PROMISE)) {
        accuse(victim, "does not end", "when it is told to");
    } else if (sides[victim].status == 0) {
        if (!leaving && now() - hit > NOTICE)
            accuse(victim, "goes on", "though it was told to stop");
        leaving = 1;
    } else if (!WIFSIGNALED(sides[victim].status) ||
               WTERMSIG(sides[victim].status) != sig) {
        accuse(victim, "ends otherwise", "than by the signal");
    } else {
        leaving = 0;
    }
    if (reason[0] == '\0' && sig != SIGSTOP) {
        if (leaving) {
            both_well("although the signal came late");
            sum.late++;
        } else if (single && victim == 0) {
            sum.ended++; /* clear() sees whether the child is gone */
        } else {
            survive(single ? 0 : !victim, ignorant, single ? hit : now());
        }
    }
    slowly = 0;
    if (sig == SIGKILL && reason[0] == '\0') {
        /* What it could not remove serves the next ones, or is replaced. */
        while (single && child_of(getpid()) != 0 && now() < hit + PROMISE)
            rest(now() + 1000);
        run_both("in the next run");
    }
    clear(0);
}

/* Leave what a killed run leaves. */
static void
litter(void)
{
    long who = draw(3);

    for (int i = 0; i < 2; i++)
        if (who == 2 || who == i)
            begin(i);
    rest(now() + draw(length));
    for (int i = 0; i < 2; i++)
        if (sides[i].pid != 0)
            kill(sides[i].pid, SIGKILL);
    for (int i = 0; i < 2; i++)
        ends(i, now() + PROMISE);
    sum.ended++;
}

static void
start_round(int littered)
{
    int late = (int)draw(2);
    long jitter = draw(2) == 0 ? 0 : draw(1000);
    unsigned flags;

    snprintf(scene, sizeof(scene), "%s %ld us later, %s", called(late), jitter,
             littered ? "after a killed run" : "nothing there before");
    if (littered)
        litter();
    sides[late].jitter = jitter;
    sides[!late].jitter = 0;
    if (pipe(gate) == -1)
        err(EXIT_FAILURE, "pipe");
    begin(0);
    begin(1);
    for (long until = now() + 5000; now() < until;)
        if (look(sides[0].pid, &flags) == 'S' &&
            look(sides[1].pid, &flags) == 'S')
            break;
    close(gate[0]);
    close(gate[1]); /* this opens it: both read its end of file */
    gate[0] = -1;
    both_well("");
    clear(0);
}

/* How long a conversation takes, and what one says who is alone. */
static void
measure(void)
{
    for (int i = 0; i < 2 && sides[1].argv != NULL; i++) {
        begin(i);
        for (long until = now() + PROMISE, calm = 0; now() < until && calm < 9;
             calm = told(i)[0] != '\0' ? calm + 1 : 0)
            rest(now() + 20000);
        sides[i].lines = count_lines(file("err", i, sides[i].starts));
        clear(1);
    }
    for (int i = 0; i < 5; i++) {
        long start = now();
        run_both("undisturbed");
        clear(0);
        if (length == 0 || now() - start < length)
            length = now() - start;
    }
}

/* A network of our own: nobody else's ports, and the loopback is to be up. */
static void
bring_up(void)
{
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int any = socket(AF_INET, SOCK_DGRAM, 0);

    if (any == -1 || ioctl(any, SIOCSIFFLAGS, &loopback) == -1)
        warn("lo");
    close(any);
}

static void
report(long number)
{
    sum.bad++;
    for (char *c = reason; (c = strchr(c, '\n')) != NULL;)
        *c = ' ';
    printf("BAD %ld %s: %s\n", number, scene, reason);
}

int
main(int argc, char *argv[])
{
    sigset_t child;
    int starting = 0, ignorant = 0;
    long count = 1, number = 1;

    setvbuf(stdout, NULL, _IOLBF, 0);
    sides[0].input = sides[1].input = "/dev/null";
    for (int opt; (opt = getopt(argc, argv, "+suvn:r:1:2:3:4:")) != -1;)
        switch (opt) {
        case 's':
            starting = 1;
            break;
        case 'u':
            ignorant = 1;
            break;
        case 'v':
            untold = 1;
            break;
        case 'n':
            count = atol(optarg);
            break;
        case 'r':
            number = atol(optarg);
            break;
        case '1':
            sides[0].input = optarg;
            break;
        case '2':
            sides[1].input = optarg;
            break;
        case '3':
            sides[0].expected = optarg;
            break;
        case '4':
            sides[1].expected = optarg;
            break;
        default:
            usage(stderr, 2);
        }
    if (optind == argc)
        usage(stderr, 2);
    sides[0].argv = &argv[optind];
    for (int i = optind; i < argc; i++)
        if (strcmp(argv[i], "--") == 0) {
            argv[i] = NULL;
            sides[1].argv = &argv[i + 1];
            break;
        }
    for (int i = 0; i < 2; i++)
        if (sides[i].argv != NULL && sides[i].argv[0] == NULL)
            usage(stderr, 2);
    if (starting && sides[1].argv == NULL)
        usage(stderr, 2);

    prctl(PR_SET_CHILD_SUBREAPER, 1);
    /* A job in the background ignores it, and so would a child at first. */
    signal(SIGINT, SIG_DFL);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    bring_up();
    measure();
    if (reason[0] != '\0') {
        report(0);
        return EXIT_FAILURE;
    }

    for (long end = number + count; number < end; number++) {
        chance = (uint64_t)number;
        reason[0] = '\0';
        sides[0].starts = sides[1].starts = 0;
        if (starting)
            start_round(number % 2 == 0);
        else
            kill_round(ignorant);
        if (reason[0] != '\0')
            report(number);
        look_into(".", 1, 1);
        sum.rounds++;
    }
    printf("sum %ld %ld %ld %ld %ld %ld %ld\n", sum.rounds, sum.ended,
           sum.waited, sum.finished, sum.late, sum.went_on, sum.bad);
    return sum.bad > 0;
}
