/*
 * addresses - one page of memory, at several addresses.
 *
 * A segment is attached twice in one process, and in a child somewhere else.
 * What is written at one address is read at the others: nothing is copied. In
 * /proc it looks like a file that has been removed, as /SYSV and its key.
 *
 * See shmget(2), shmop(2), shmctl(2), proc(5).
 */
#define _XOPEN_SOURCE 700

#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BYTES = 100 };

static void
usage(FILE *stream, int status)
{
    fputs("usage: addresses\n"
          "Attach a segment at several addresses, and find it in /proc.\n",
          stream);
    exit(status);
}

static char *
attach(int segment)
{
    char *memory = shmat(segment, NULL, 0);

    if (memory == (void *)-1)
        err(EXIT_FAILURE, "shmat");
    return memory;
}

/* A mapping is a line of the file, with rights, inode and name. */
static void
look_into_maps(int segment)
{
    char line[512], rights[8], name[32];
    int found = 0, inode;
    FILE *maps = fopen("/proc/self/maps", "r");

    if (maps == NULL)
        err(EXIT_FAILURE, "open /proc/self/maps");
    while (fgets(line, sizeof(line), maps) != NULL)
        if (sscanf(line, "%*s %7s %*s %*s %d %31s", rights, &inode, name) ==
                3 &&
            strncmp(name, "/SYSV", 5) == 0 && inode == segment) {
            printf("in maps: %s %s, and its inode is the id\n", rights, name);
            found++;
        }
    if (ferror(maps))
        err(EXIT_FAILURE, "read /proc/self/maps");
    fclose(maps);
    printf("that is %d of our mappings\n", found);
}

/* A child has what its parent had attached. It shall have no address but its
   own, at which nobody else has anything. */
static void
write_elsewhere(int segment, char *one, char *two)
{
    char *own = attach(segment);

    shmdt(one); /* both are attached: it cannot fail */
    shmdt(two);
    snprintf(own, BYTES, "from %s",
             own == one || own == two ? "the same" : "elsewhere");
    _exit(EXIT_SUCCESS);
}

int
main(int argc, char *argv[])
{
    int status;
    sigset_t all;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 1)
        usage(stderr, 2);
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGCHLD, SIG_DFL); /* ignored, there would be nothing to wait for */

    sigfillset(&all); /* until it is removed, what is to stop us can wait */
    sigprocmask(SIG_BLOCK, &all, NULL);
    int segment = shmget(IPC_PRIVATE, BYTES, 0600);
    if (segment == -1)
        err(EXIT_FAILURE, "shmget");
    char *one = shmat(segment, NULL, 0);
    /* Removed at once, it lasts as long as somebody has it attached: whatever
       ends us, nothing is left. Linux lets it be attached by its id even now.
     */
    if (shmctl(segment, IPC_RMID, NULL) == -1 || one == (void *)-1)
        err(EXIT_FAILURE, "shmat, shmctl");
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    char *two = attach(segment);
    printf("attached twice: %s\n",
           one == two ? "one address" : "two addresses");
    snprintf(one, BYTES, "here");
    printf("written at the first, read at the second: \"%s\"\n", two);

    pid_t child = fork();
    if (child == -1)
        err(EXIT_FAILURE, "fork");
    if (child == 0)
        write_elsewhere(segment, one, two);
    if (waitpid(child, &status, 0) == -1 || status != 0)
        errx(EXIT_FAILURE, "the child is gone before its end");
    printf("written by a child, at an address of its own: \"%s\"\n", one);
    look_into_maps(segment);

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
