/*
 * contract.h - what two processes on shared memory must agree on.
 *
 * Memory outlives its processes, and the kernel tells none of them that another
 * has died. So they also agree on this:
 *
 * - They come and go one at a time, by flock(). Who finds nobody there makes
 *   everything new, in the place of what a killed run has left behind. Who
 *   comes second takes the name of the memory away: a third one must not join
 *   what these two may break off.
 *
 * - Each leaves a sign that it is there, which the kernel takes away when its
 *   owner dies, however it dies: a semaphore with SEM_UNDO, or a lock.
 *
 * - The writer marks the end of the data, and stays until the reader has taken
 *   all.
 *
 * Lengths and positions in shared memory are anybody's: read once, then
 * checked.
 */
#ifndef SHM_CONTRACT_H
#define SHM_CONTRACT_H

#include <stdatomic.h>
#include <stdint.h>

/* Milliseconds from one look at the other to the next. */
#define SHM_TICK 100

/*
 * writer and reader: a System V segment of several slots, used in turn, and a
 * set of semaphores under the same key.
 */
#define SHM_PATH "."    /* the folder where both are run */
#define SHM_PROJECT 'm' /* keys of other lessons in that folder differ */

/* Measured, not agreed: with one slot the sides take turns, and every block is
   a sleep. All together should stay in the processor's cache. */
#define SHM_SLOTS 4
#define SHM_SLOT 262144

/* A length of 0 ends the data. Lengths last, so that slots begin on a page. */
struct segment {
    char slot[SHM_SLOTS][SHM_SLOT];
    volatile uint32_t length[SHM_SLOTS]; /* by the writer */
};

/* One semaphore counts the slots that may be filled, one those that are full;
   then one for each side, which is 1 as long as it is there. */
enum { ROOM, FULL, WRITER, READER, SEMAPHORES };

/* semctl()'s fourth argument. POSIX wants us to declare it. */
union semun {
    struct semid_ds *buf;
    unsigned short *array;
};

/*
 * posix-writer and posix-reader: a ring of bytes. Each side has positions of
 * its own, which only it changes, so no lock is needed. Both count bytes from
 * the beginning, modulo 2^32: what is between them is full.
 *
 * Who finds nothing to do sets its flag, looks once more, and sleeps on it.
 * The other, after each change, wakes it if the flag is set.
 */
#define RING_NAME "/ipc-ring-%u" /* and the user's id: names are global */

/* Each side locks its byte of the object. Any will do: it need not exist. */
enum { RING_WRITER, RING_READER };

/* Measured, not agreed; a power of 2, so that 2^32 is a multiple of it. A
   reader wakes a writer only when half is free: fewer and longer sleeps. */
#define RING_BYTES 1048576
#define RING_BLOCK RING_BYTES

struct ring {
    _Alignas(64) _Atomic uint32_t head; /* by the writer: bytes put */
    _Atomic uint32_t ended;
    _Alignas(64) _Atomic uint32_t tail; /* by the reader: bytes taken */
    _Atomic uint32_t taken;             /* all, and written out */
    _Alignas(64) _Atomic uint32_t writer_asleep; /* 1 by itself, 0 by the */
    _Alignas(64) _Atomic uint32_t reader_asleep; /* other: a cache line each */
    _Alignas(4096) char bytes[RING_BYTES];
};

/*
 * ping and pong: two places for words, and whose turn it is. Turn 1 is ping's
 * with the plan, 2 is pong's, 3 is ping's with the first words, and so on.
 *
 * Here pong is always the first, who makes the memory; ping looks until it is
 * there. So only pong has anything to leave behind.
 */
#define PING_NAME "/ipc-ping-%u"
enum { PING_PINGER, PING_PONGER }; /* the bytes to lock */
#define PING_SPINS 10000000        /* from one look to the next: some 10 ms */
#define PING_MOST_ROUNDS 10000000  /* that are timed */
#define PING_MOST_BYTES 1048576

struct talk {
    _Alignas(64) _Atomic uint32_t turn;
    _Alignas(64) volatile int rounds; /* by ping: a tenth more than are timed */
    volatile int bytes, spin;         /* by ping */
    _Alignas(64) unsigned char ping_says[PING_MOST_BYTES];
    _Alignas(64) unsigned char pong_says[PING_MOST_BYTES];
};

/* The two calls of futex(2) that are needed. <linux/futex.h> has them, too, but
   not every C library comes with it. FUTEX_WAIT sleeps if the word still has
   the value that it is given; FUTEX_WAKE wakes that many who sleep on it. */
enum { FUTEX_WAIT, FUTEX_WAKE };

#endif
