/*
 * contract.h - what two processes that map one file must agree on.
 *
 * Both map it with MAP_SHARED, and so have the same pages of memory: those in
 * which the kernel keeps the file. A file outlives its processes, and nobody is
 * told that another has died. So they also agree on this:
 *
 * - Who comes first makes the file and waits; of ping and pong only pong does.
 *   The second takes its name away: they have met, and nobody else can find
 *   them. They come and go one at a time, by flock().
 *
 * - Each locks its own byte of the file, shared, as long as it lives. Whether
 *   the other is there can be seen from its lock, which the kernel takes away
 *   when its owner dies, however it dies. A name without a lock is what a
 *   killed run has left behind; a lock without a name is somebody we have met.
 *
 * - The file is private, and empty or of its full length. What is so, has that
 *   name and no lock is taken for what a killed run has left: a file of yours
 *   could be, but hardly will.
 *
 * Lengths in a shared map are anybody's: read once, then checked.
 */
#ifndef MMAP_CONTRACT_H
#define MMAP_CONTRACT_H

#include <stdatomic.h>
#include <stdint.h>

/* Relative: the file appears where you run the programs, so run both in the
   same folder, and look into it with od -c while one of them waits. */
#define WINDOW_PATH "ipc.map"
#define TALK_PATH "ping.map"

#define FILE_MODE 0600 /* for its owner alone */

/* Bytes to lock: any will do, they need not exist. */
enum { WRITER, READER, PING, PONG };

/* Milliseconds from one look at the other to the next. */
#define TICK 100

/*
 * writer and reader: data of any length pass through a window of several slots,
 * used in turn. Measured, not agreed: with one slot the sides take turns, and
 * every block is a sleep. All together should stay in the processor's cache.
 */
#define SLOTS 4
#define SLOT_BYTES 262144

/* Each side counts its slots, and sleeps on the count of the other; no lock is
   needed. What is between the two is full. A length of 0 ends the data. */
struct window {
    _Alignas(64) _Atomic uint32_t filled;  /* by the writer: slots so far */
    _Alignas(64) _Atomic uint32_t emptied; /* by the reader: slots so far */
    volatile uint32_t length[SLOTS];       /* by the writer */
    _Alignas(4096) char slot[SLOTS][SLOT_BYTES];
};

/*
 * ping and pong: two places for words, and whose turn it is. Turn 1 is ping's
 * with the plan, 2 is pong's, 3 is ping's with the first words, and so on.
 *
 * Here pong is always the first, who makes the file; ping looks until it is
 * there. So only pong has anything to leave behind.
 */
#define PING_MOST_ROUNDS 10000000 /* that are timed */
#define PING_MOST_BYTES 1048576

struct talk {
    _Alignas(64) _Atomic uint32_t turn;
    volatile int rounds, bytes; /* by ping: a tenth more than are timed */
    _Alignas(64) unsigned char ping_says[PING_MOST_BYTES];
    _Alignas(64) unsigned char pong_says[PING_MOST_BYTES];
};

/* The two calls of futex(2) that are needed. <linux/futex.h> has them, too, but
   not every C library comes with it. FUTEX_WAIT sleeps if the word still has
   the value that it is given; FUTEX_WAKE wakes that many who sleep on it. A
   sem_t would be shorter, but a stranger who scribbles over it crashes us. */
enum { FUTEX_WAIT, FUTEX_WAKE };

/* victim and poke: room for the text, and its NUL. */
#define POKE_BYTES 64

#endif
