/*
 * measure - run a command, or two that talk, once; print what that took.
 *
 * Each is bound to a CPU of its own or to the same one. The second starts
 * first; when it sleeps, the clock and the first start; when both have ended,
 * the clock stops. One line is printed: wall time and the CPU time of both, in
 * nanoseconds, and how often they slept and how often they had to give way.
 * With -s their system calls are counted instead, which makes them slow. A lone
 * command's child goes to the second CPU. Told to stop, it stops both.
 *
 * See sched_setaffinity(2), wait4(2), getrusage(2), ptrace(2).
 */
#define _GNU_SOURCE /* CPU_SET, pipe2, wait4, __WALL */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NOT_OURS 3   /* our status when the CPUs are busy */
#define BURN 30      /* milliseconds to find that out */
#define GRACE 2      /* seconds from SIGTERM to SIGKILL */
#define SYSCALL 0x80 /* PTRACE_O_TRACESYSGOOD: a stop at a system call */

/* FIRST writes, SECOND reads, JUDGE is our own child that compares. */
enum { FIRST, SECOND, JUDGE, SIDES };
enum { NO, COUNT, PLACE }; /* what to trace for */

static struct side {
    char **command;
    size_t cpu;
    pid_t pid;
    int status;
    struct rusage used;
    long long end; /* on the clock, or 0 */
} sides[SIDES];

static volatile pid_t group;          /* of all that we start */
static volatile sig_atomic_t stopped; /* by this signal */
static volatile sig_atomic_t asked;   /* all to end */
static int trace;
static long stops;

static struct {
    const char *from, *to; /* files: the first's input, the output of both */
    long percent, seconds;
    int compare, first_decides, joined;
} asked_for = {"/dev/null", "/dev/null", 0, 20, 0, 0, 0};

static void
usage(FILE *stream, int status)
{
    fputs("usage: measure [-ckps] [-b PERCENT] [-i FILE] [-o FILE] [-t SECONDS]"
          "\n               CPU,CPU COMMAND... [-- COMMAND...]\n"
          "Run both once; print wall ns, CPU ns, voluntary and involuntary "
          "switches.\n"
          "-i, -o: the standard input of the first, the output of both\n"
          "-p: what the first prints is the input of the second\n"
          "-c: compare what is printed with the input\n"
          "-k: the first has the say: when it has ended, end the second\n"
          "-s: print the number of system calls instead\n"
          "-b: status 3 unless so much of both CPUs is ours to burn\n",
          stream);
    exit(status);
}

static long
number(const char *what, const char *word, char after, long most)
{
    char *end;
    long n = strtol(word, &end, 10);

    if (n < 0 || n > most || end == word || *end != after)
        errx(2, "%s %s: not a number from 0 to %ld", what, word, most);
    return n;
}

static long long
now(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t); /* cannot fail */
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* Ours, or out of time: ask all to end, so that they tidy up; two seconds
   later, do not ask. */
static void
stop(int sig)
{
    if (!asked || sig != SIGALRM)
        stopped = sig;
    if (group > 0)
        kill(-group, asked ? SIGKILL : SIGTERM);
    asked = 1;
    alarm(GRACE);
}

static void
bind_to(pid_t pid, size_t cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(pid, sizeof(set), &set) == -1)
        err(EXIT_FAILURE, "CPU %zu", cpu);
}

/* If others use a CPU, our CPU time there falls behind the clock on the wall.
   The figure of the worse of the two, in percent. */
static int
burn(void)
{
    int status, worst = 100;

    for (int i = FIRST; i <= SECOND; i++) {
        if ((sides[i].pid = fork()) == -1)
            err(EXIT_FAILURE, "fork");
        if (sides[i].pid > 0)
            continue;
        bind_to(0, sides[i].cpu);
        long long start = now(CLOCK_MONOTONIC), wall;
        long long cpu = now(CLOCK_PROCESS_CPUTIME_ID);
        while ((wall = now(CLOCK_MONOTONIC) - start) < BURN * 1000000LL)
            ;
        _exit((int)((now(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 100 / wall));
    }
    for (int i = FIRST; i <= SECOND; i++)
        if (waitpid(sides[i].pid, &status, 0) == -1 || !WIFEXITED(status))
            worst = 0;
        else if (WEXITSTATUS(status) < worst)
            worst = WEXITSTATUS(status);
    return worst;
}

/* A new process in the group; it hears of our end, however we end. */
static int
born(int side)
{
    const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGALRM};
    pid_t parent = getpid(), pid = fork();

    if (pid == -1)
        err(EXIT_FAILURE, "fork");
    if (pid > 0) {
        sides[side].pid = pid;
        setpgid(pid, group);
        if (group == 0)
            group = pid;
        return 0;
    }
    setpgid(0, group);
    for (int i = 0; i < 6; i++)
        signal(signals[i], SIG_DFL);
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) == -1 || getppid() != parent)
        _exit(EXIT_FAILURE);
    return 1;
}

/* If it is traced, it stands still now, and goes on when collect() lets it. */
static void
begin(int side, int in, int out)
{
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL |
                   PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                   PTRACE_O_TRACECLONE;
    struct side *it = &sides[side];

    if (born(side)) {
        bind_to(0, it->cpu);
        if (dup2(in, STDIN_FILENO) == -1 || dup2(out, STDOUT_FILENO) == -1)
            err(EXIT_FAILURE, "dup2");
        if (trace != NO && ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1)
            err(EXIT_FAILURE, "ptrace");
        if (trace != NO)
            raise(SIGSTOP);
        execvp(it->command[0], it->command);
        err(EXIT_FAILURE, "%s", it->command[0]);
    }
    if (trace == NO)
        return;
    while (waitpid(it->pid, &it->status, 0) == -1)
        if (errno != EINTR)
            err(EXIT_FAILURE, "waitpid");
    if (!WIFSTOPPED(it->status))
        errx(EXIT_FAILURE, "%s cannot be traced", it->command[0]);
    ptrace(PTRACE_SETOPTIONS, it->pid, NULL, (void *)options);
    ptrace(trace == COUNT ? PTRACE_SYSCALL : PTRACE_CONT, it->pid, NULL, NULL);
}

/* Every byte, and no more: status 0. */
static void
judge(int from, const char *path)
{
    static char is[65536], should[65536];
    FILE *data = fdopen(from, "r"), *file = fopen(path, "r");
    long long at = 0;
    size_t got, due;

    if (data == NULL || file == NULL)
        err(EXIT_FAILURE, "%s", path);
    do {
        got = fread(is, 1, sizeof(is), data);
        due = fread(should, 1, sizeof(should), file);
        if (got < due && memcmp(is, should, got) == 0)
            errx(EXIT_FAILURE, "the data end at byte %lld",
                 at + (long long)got);
        if (got != due || memcmp(is, should, due) != 0)
            errx(EXIT_FAILURE, "the data differ after byte %lld", at);
        at += (long long)got;
    } while (got > 0);
    exit(EXIT_SUCCESS);
}

/* A tracee has stopped. Counting, it goes on to the next system call. Placing,
   it is let go when it has a child, and the child when it is in its place. */
static void
let_go_on(pid_t pid, int status)
{
    int sig = WSTOPSIG(status), event = status >> 16;

    if (sig == (SIGTRAP | SYSCALL))
        stops++;
    if (trace == PLACE && (event != 0 || pid != sides[FIRST].pid)) {
        if (event == 0)
            bind_to(pid, sides[SECOND].cpu);
        ptrace(PTRACE_DETACH, pid, NULL, NULL);
        return;
    }
    if (sig == (SIGTRAP | SYSCALL) || sig == SIGTRAP || sig == SIGSTOP)
        sig = 0; /* these are the tracer's, not the program's */
    ptrace(trace == COUNT ? PTRACE_SYSCALL : PTRACE_CONT, pid, NULL,
           (void *)(long)sig);
}

/* One has stopped or ended. If it failed, the others might wait for it for
   ever. */
static void
hear(pid_t pid, int status, const struct rusage *used)
{
    if (WIFSTOPPED(status)) {
        let_go_on(pid, status);
        return;
    }
    for (int i = 0; i < SIDES; i++)
        if (sides[i].pid == pid) {
            sides[i].end = now(CLOCK_MONOTONIC);
            sides[i].status = status;
            sides[i].used = *used;
            if (status != 0 || (i == FIRST && asked_for.first_decides)) {
                kill(-group, SIGTERM); /* they may be gone already */
                asked = 1;
                alarm(GRACE);
            }
        }
}

/* Until all have ended. */
static void
collect(void)
{
    struct rusage used;
    int status;
    pid_t pid;

    while ((pid = wait4(-1, &status, trace == NO ? 0 : __WALL, &used)) != -1 ||
           errno == EINTR) /* else ECHILD: that was all */
        if (pid != -1)
            hear(pid, status, &used);
}

/* Until the second is the command, and sleeps: it waits for the first. A second
   of time must do for those that sleep otherwise. */
static void
await_sleep(void)
{
    char path[64], line[256], self[] = "(measure)";
    const struct timespec pause = {0, 200000};
    struct rusage used;
    int status;
    pid_t pid;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)sides[SECOND].pid);
    for (int i = 0; i < 5000 && !stopped && sides[SECOND].end == 0; i++) {
        while ((pid = wait4(-1, &status, WNOHANG | __WALL, &used)) > 0)
            hear(pid, status, &used);
        FILE *stat = fopen(path, "re");
        if (stat == NULL || fgets(line, sizeof(line), stat) == NULL)
            line[0] = '\0';
        if (stat != NULL)
            fclose(stat);
        const char *state = strrchr(line, ')');
        if (state != NULL && state[2] == 'S' && strstr(line, self) == NULL)
            return;
        nanosleep(&pause, NULL);
    }
}

/* Status 2 if a command does not take its options, 1 for anything else. Who
   failed first is to blame, not who was stopped because of it. */
static void
check(void)
{
    const struct side *worst = NULL;
    static char *self[] = {"compare", NULL};

    sides[JUDGE].command = self;
    for (int i = 0; i < SIDES; i++)
        if (sides[i].pid != 0 && sides[i].status != 0 &&
            !(i == SECOND && asked_for.first_decides) &&
            (worst == NULL || sides[i].end < worst->end))
            worst = &sides[i];
    if (worst == NULL)
        return;
    if (WIFSIGNALED(worst->status))
        errx(EXIT_FAILURE, "%s: killed by signal %d", worst->command[0],
             WTERMSIG(worst->status));
    errx(WEXITSTATUS(worst->status) == 2 ? 2 : EXIT_FAILURE, "%s: status %d",
         worst->command[0], WEXITSTATUS(worst->status));
}

static void
print(long long start)
{
    long long wall = 0, cpu = 0, slept = 0, gave_way = 0;

    for (int i = FIRST; i <= SECOND; i++) {
        const struct rusage *used = &sides[i].used;
        if (sides[i].end - start > wall)
            wall = sides[i].end - start;
        cpu += (used->ru_utime.tv_sec + used->ru_stime.tv_sec) * 1000000000LL +
               (used->ru_utime.tv_usec + used->ru_stime.tv_usec) * 1000LL;
        slept += used->ru_nvcsw;
        gave_way += used->ru_nivcsw;
    }
    if (trace == COUNT)
        printf("%ld\n", (stops + 1) / 2); /* entry and return, but for exit */
    else
        printf("%lld\t%lld\t%lld\t%lld\n", wall, cpu, slept, gave_way);
    if (fflush(stdout) == EOF)
        err(EXIT_FAILURE, "standard output");
}

static void
parse(int argc, char *argv[])
{
    char *second = NULL;

    for (int opt; (opt = getopt(argc, argv, "+ckpsb:i:o:t:")) != -1;)
        if (opt == 'c')
            asked_for.compare = 1;
        else if (opt == 'k')
            asked_for.first_decides = 1;
        else if (opt == 'p')
            asked_for.joined = 1;
        else if (opt == 's')
            trace = COUNT;
        else if (opt == 'b')
            asked_for.percent = number("-b", optarg, '\0', 100);
        else if (opt == 'i')
            asked_for.from = optarg;
        else if (opt == 'o')
            asked_for.to = optarg;
        else if (opt == 't')
            asked_for.seconds = number("-t", optarg, '\0', 86400);
        else
            usage(stderr, 2);
    if (argc - optind < 2 || (second = strchr(argv[optind], ',')) == NULL)
        usage(stderr, 2);
    sides[FIRST].cpu =
        (size_t)number("CPU", argv[optind], ',', CPU_SETSIZE - 1);
    sides[SECOND].cpu =
        (size_t)number("CPU", second + 1, '\0', CPU_SETSIZE - 1);

    sides[FIRST].command = &argv[optind + 1];
    for (int i = optind + 1; i < argc - 1; i++)
        if (sides[SECOND].command == NULL && strcmp(argv[i], "--") == 0) {
            sides[SECOND].command = &argv[i + 1];
            argv[i] = NULL;
        }
    if (sides[FIRST].command[0] == NULL)
        usage(stderr, 2);
    if (trace == NO && sides[SECOND].command == NULL &&
        sides[FIRST].cpu != sides[SECOND].cpu)
        trace = PLACE;
}

/* Start all that is asked for. Returns what the clock said then. */
static long long
start_all(void)
{
    int in = open(asked_for.from, O_RDONLY | O_CLOEXEC), second_in;
    int out =
        open(asked_for.to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int first_out = out, data[2], join[2] = {-1, -1};

    if (in == -1 || out == -1)
        err(EXIT_FAILURE, "%s, %s", asked_for.from, asked_for.to);
    if (asked_for.compare) {
        if (pipe2(data, O_CLOEXEC) == -1)
            err(EXIT_FAILURE, "pipe2");
        if (born(JUDGE)) {
            close(data[1]); /* or there would be no end of the data */
            judge(data[0], asked_for.from);
        }
        close(data[0]);
        first_out = out = data[1];
    }
    if (asked_for.joined) {
        if (pipe2(join, O_CLOEXEC) == -1)
            err(EXIT_FAILURE, "pipe2");
        second_in = join[0];
        first_out = join[1];
    } else if ((second_in = open("/dev/null", O_RDONLY | O_CLOEXEC)) == -1)
        err(EXIT_FAILURE, "/dev/null");

    if (sides[SECOND].command != NULL) {
        begin(SECOND, second_in, out);
        await_sleep();
    }
    if (sides[SECOND].end != 0 && !asked_for.compare)
        group = 0; /* it was alone in it */
    long long start = now(CLOCK_MONOTONIC);
    if (sides[SECOND].end == 0 || sides[SECOND].status == 0)
        begin(FIRST, in, first_out);
    close(out); /* ours would keep end of file from the readers */
    close(second_in);
    if (asked_for.joined)
        close(first_out);
    return start;
}

int
main(int argc, char *argv[])
{
    const struct sigaction action = {.sa_handler = stop};
    const int signals[] = {SIGHUP, SIGINT, SIGTERM, SIGALRM};

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    parse(argc, argv);
    if (asked_for.percent > 0 && burn() < asked_for.percent)
        return NOT_OURS;
    sides[FIRST].pid = sides[SECOND].pid = 0; /* those burnt */
    for (int i = 0; i < 4; i++)
        sigaction(signals[i], &action, NULL); /* fails for no signal only */
    alarm((unsigned)asked_for.seconds);

    long long start = start_all();
    collect();

    if (group > 0)
        kill(-group, SIGKILL); /* whoever has been left behind */
    if (stopped && stopped != SIGALRM) {
        signal(stopped, SIG_DFL);
        raise(stopped);
    }
    if (stopped)
        errx(EXIT_FAILURE, "no end within %ld seconds", asked_for.seconds);
    check();
    print(start);
    return EXIT_SUCCESS;
}
