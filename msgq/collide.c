/*
 * collide - ftok() is not unique: two files with one key, and worse.
 *
 * The key has 8 bits of the letter, 8 of the device and 16 of the file's inode
 * number. So two files with the same 16 bits share a key, and a file that is
 * written anew has another one. Without a file it is -1, which is a key, too.
 *
 * See sysvipc(7), ftok(3), nftw(3), inode(7).
 */
#define _GNU_SOURCE /* nftw() */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    char *path;
    ino_t inode;
} seen[65536]; /* by the part of the inode number that is in the key */

static char one[] = "ipc.key-XXXXXX", other[] = "ipc.key-XXXXXX";

static void
usage(FILE *stream, int status)
{
    fputs("usage: collide [folder]\n"
          "Look for two files with the same key in a folder (/usr), and show\n"
          "what else ftok does that one does not expect.\n",
          stream);
    exit(status);
}

static void
remove_files(void)
{
    unlink(one);
    unlink(other);
}

static void
stop(int sig)
{
    remove_files();
    signal(sig, SIG_DFL);
    raise(sig);
}

/* nftw() calls this for each file. Not 0: no need to look further. */
static int
visit(const char *path, const struct stat *st, int type, struct FTW *where)
{
    size_t bits = st->st_ino & 0xffff;

    (void)where;
    if (type != FTW_F)
        return 0;
    if (seen[bits].path == NULL) {
        seen[bits].inode = st->st_ino;
        seen[bits].path = strdup(path);
        return 0;
    }
    if (seen[bits].inode == st->st_ino) /* another name of the same file */
        return 0;
    key_t key = ftok(path, 'a');
    if (key == -1 || key != ftok(seen[bits].path, 'a'))
        return 0;
    printf("%s and %s: one key, 0x%x\n", seen[bits].path, path, (unsigned)key);
    return 1;
}

/* As editors save: the new file takes over the name of the old one. */
static void
save(void)
{
    if (mkstemp(one) == -1 || mkstemp(other) == -1)
        err(EXIT_FAILURE, "mkstemp");
    key_t before = ftok(one, 'a');
    if (rename(other, one) == -1)
        err(EXIT_FAILURE, "rename %s", one);
    key_t after = ftok(one, 'a');
    if (before == -1 || after == -1)
        err(EXIT_FAILURE, "ftok %s", one);
    remove_files();
    printf("the same path, saved anew: %s\n",
           before == after ? "the same key" : "another key");
}

/* Who does not look at ftok()'s result has the key that all such have. No
   signal may end us before the queue is removed. */
static void
miss(void)
{
    key_t key = ftok("no such file", 'a');
    int cause = errno;
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL); /* fails for a wrong how only */
    int queue = msgget(key, IPC_CREAT | IPC_EXCL | 0600);
    int refused = errno;
    msgctl(queue, IPC_RMID, NULL);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    printf("ftok of a missing file: %d, %s\n", key, strerror(cause));
    if (queue == -1)
        printf("msgget(-1): %s\n", strerror(refused));
    else
        printf("msgget(-1): makes a queue, with the key 0x%x\n", (unsigned)key);
}

int
main(int argc, char *argv[])
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        usage(stdout, EXIT_SUCCESS);
    if (argc > 2)
        usage(stderr, 2);
    const char *folder = argc == 2 ? argv[1] : "/usr";
    if (fcntl(STDOUT_FILENO, F_GETFD) == -1) /* closed: we would open it */
        err(EXIT_FAILURE, "standard output");
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGHUP, stop); /* fails only for a number that is no signal */
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    atexit(remove_files); /* fails only for want of memory; then files stay */

    int found = nftw(folder, visit, 20, FTW_PHYS | FTW_MOUNT);
    if (found == -1)
        err(EXIT_FAILURE, "nftw %s", folder);
    if (found == 0)
        printf("%s: no two files with one key\n", folder);
    printf("'a' and 0x161: %s\n", ftok(".", 'a') == ftok(".", 0x161)
                                      ? "one key, only 8 bits count"
                                      : "different keys");
    save();
    miss();
    for (int i = 0; i < 65536; i++)
        free(seen[i].path);

    if (fflush(stdout) == EOF || ferror(stdout))
        err(EXIT_FAILURE, "standard output");
    return EXIT_SUCCESS;
}
