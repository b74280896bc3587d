/*
 * contract.h - what the two processes on a FIFO must agree on.
 *
 * They need not be related: they share no memory and inherit no descriptors
 * from each other. What they share is a name in the file system. A FIFO is a
 * byte stream, so they need not agree on block sizes or message boundaries.
 * They agree on two habits of whoever writes:
 *
 * - The name is only for meeting. The writer removes it as soon as both have
 *   the FIFO open. The writer, because a reader always ends after its writer:
 *   by then the name is gone, and whoever starts next cannot stumble over it.
 *
 * - End of file says that no writer is left, not why: it may have been killed.
 *   So a writer whose input has ended takes the FIFO's write permission away.
 *   This seal can be seen on the open FIFO long after its name has gone.
 */
#ifndef FIFO_CONTRACT_H
#define FIFO_CONTRACT_H

/* Relative: the FIFO appears where you run the programs, so run both in the
   same folder, and look at it with ls -l while one of them waits. */
#define FIFO_PATH "ipc.fifo"

#define FIFO_MODE 0600   /* for its owner alone */
#define FIFO_SEALED 0400 /* nothing more will be written */

/* Measured, not agreed: blocks of an eighth of the capacity keep both sides at
   work on two CPUs, and cost few calls on one. 1 MiB is the most that a user
   without privileges may ask for: /proc/sys/fs/pipe-max-size. */
#define FIFO_BLOCK 131072
#define FIFO_CAPACITY 1048576

/*
 * chat and ping talk both ways, so they need two FIFOs, one for the words of
 * each side: NAME.a and NAME.b, NAME.ping and NAME.pong. Opened one after the
 * other, two FIFOs can leave somebody asleep in the second open() when the
 * other side dies between the two. So there is a single sleeping open:
 *
 * - Each side opens the second FIFO for reading and writing, which never sleeps
 *   on Linux, and then the end of it that it needs: nor does that, with both
 *   ends already open.
 *
 * - Then both open the first FIFO, and whoever comes first sleeps. On waking,
 *   they have met and everything is open. Now each closes the spare ends of the
 *   second FIFO, and from then on a death is an end of file.
 *
 * - The first side removes the second name, then the first, and only then says
 *   anything: whoever starts next cannot stumble over them.
 */

/* What ping says before anything else. Pong refuses what is out of bounds:
   whoever may open the FIFO may write anything into it. */
struct ping_plan {
    int rounds; /* a tenth more than are timed */
    int bytes;  /* in each */
};

#define PING_MOST_ROUNDS 10000000 /* that are timed */
#define PING_MOST_BYTES 1048576

#endif
