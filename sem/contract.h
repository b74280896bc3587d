/*
 * contract.h - what ping and pong, and file-writer and file-reader, agree on.
 *
 * A set of semaphores lives in the kernel under a key, which both sides make
 * with ftok() from the same file or folder. It outlives its processes, and the
 * kernel tells none of them that another has died. So they also agree on this:
 *
 * - Each locks its own byte of that file, shared, as long as it lives. Whether
 *   the other is there can be seen from its lock, which the kernel takes away
 *   when its owner dies, however it dies.
 *
 * - They come in one at a time, by flock(). Who finds nobody there makes a new
 *   set, in the place of one that a killed run has left behind. So none is ever
 *   found before it is ready, and on Linux a new one is all zeros.
 *
 * - Ping removes the set, by which pong knows that all echoes were heard. Who
 *   must end before that removes it, too: the other wakes with EIDRM.
 */
#ifndef SEM_CONTRACT_H
#define SEM_CONTRACT_H

#define SEM_PATH "."    /* the folder where both are run */
#define SEM_PROJECT 'V' /* keys of other lessons in that folder differ */

/* Bytes to lock: any will do, they need not exist. */
enum { SEM_PINGER = SEM_PROJECT << 8, SEM_PONGER };

/* Ping adds 1 to SEM_PING, and pong 1 to SEM_PONG; the other waits for it. How
   many rounds there will be does not fit into one semaphore, only into two:
   SEM_MANY times (32767 + 1), and SEM_FEW more. */
enum { SEM_PING, SEM_PONG, SEM_MANY, SEM_FEW, SEM_COUNT };

#define SEM_BASE 32768

#define PING_MOST_ROUNDS 10000000 /* that are timed */

/* Microseconds from one look at the other to the next. */
#define SEM_TICK 100000

/*
 * file-writer and file-reader share a file. It begins with a line that tells
 * how far they are; the data follow it. A file can be read at any time, and at
 * its end read() returns 0 at once. So they sleep on locks:
 *
 * - The writer locks all that is not yet written, from the end of the data to
 *   FILE_WRITER, and moves the lock on with each write. The reader asks for the
 *   byte that it needs next, and sleeps until it is written.
 *
 * - The kernel frees the locks of who dies. Then the reader gets the byte but
 *   finds no data, and the first line does not say that all is written.
 *
 * - The reader locks FILE_READER. When it has all, it says so in the first line
 *   and removes the file; until then the writer stays.
 *
 * - They come and go one at a time: who does locks FILE_DOOR meanwhile. A file
 *   that a killed run has left behind is removed.
 */
#define FILE_PATH "ipc.file"
#define FILE_MODE 0600 /* for its owner alone */

/* The first lines: of one length, one letter tells them apart. A file of yours
   begins otherwise. */
#define FILE_OPEN "ipc.file: open   \n"
#define FILE_WRITTEN "ipc.file: written\n"
#define FILE_TAKEN "ipc.file: taken  \n"

enum {
    FILE_HEAD = sizeof(FILE_OPEN) - 1,
    FILE_MARK = sizeof("ipc.file: ") - 1
};

/* Bytes to lock: no file grows so long. */
#define FILE_WRITER (1LL << 62)
#define FILE_READER (FILE_WRITER + 1)
#define FILE_DOOR (FILE_WRITER + 2)

#define FILE_BLOCK 65536

#define FILE_TICK 20 /* milliseconds from one look at the other to the next */

#endif
