/*
 * contract.h - what the two processes that send each other signals agree on.
 *
 * A signal goes to a process, so each side must know the other's number. They
 * meet at an empty file, and a lock on it is what makes one of them known:
 *
 * - Each locks its own byte of the file for as long as it lives. F_GETLK tells
 *   who holds a lock, so the kernel itself tells the number of the other, and
 *   no number of a dead process is ever read: locks die with their owners.
 *
 * - The reader, or pong, makes the file and sleeps until a signal comes. The
 *   writer, or ping, looks until somebody is there, and greets it with such a
 *   signal. It is greeted back, and the name is taken away: it has served.
 *   Readers come and go one at a time, by flock().
 *
 * - A number can be given to another process once its owner is dead. A pidfd
 *   cannot: it is opened while the lock is held, and signals go through it. It
 *   also tells when the other is dead.
 */
#ifndef SIGNAL_CONTRACT_H
#define SIGNAL_CONTRACT_H

/* Relative: the file appears where you run the programs. */
#define SIGNAL_PATH "ipc.pid"
#define PING_PATH "ipc.ping"
#define SIGNAL_MODE 0600 /* for its owner alone */

/* Bytes to lock; they need not exist. Ping has the writer's place, and pong the
   reader's: no two pairs can wait at one file. */
enum { SIGNAL_WRITER, SIGNAL_READER };

/* The one signal for everything: those of one number are queued in order. It is
   counted from the end, as SIGRTMIN is 34 in programs of one C library and 35
   in those of another: each keeps some of the lowest for itself. */
#define SIGNAL_WORD SIGRTMAX

/* A signal carries a word, as large as a pointer. A greeting says how large,
   and whose it is. */
enum {
    SIGNAL_BYTES = sizeof(uintptr_t),
    SIGNAL_HELLO = 'w' << 8 | SIGNAL_BYTES,
    PING_HELLO = 'p' << 8 | SIGNAL_BYTES
};

/* Data go in blocks: first a word that says how many bytes, 0 at the end, then
   the bytes. The reader answers each block with how many bytes it has taken. So
   no more than 513 signals are on their way at any time: no user may have more
   than RLIMIT_SIGPENDING, which is some thousands, in all queues together. */
#define SIGNAL_BLOCK 4096

/* A full queue wakes nobody when there is room again: milliseconds to wait. */
#define SIGNAL_ROOM 1

/* Milliseconds from one look at the other to the next. */
#define SIGNAL_TICK 100

#define PING_MOST_ROUNDS 10000000 /* that are timed */

#endif
