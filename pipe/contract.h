/*
 * contract.h - what the two ends of a pipe agree on.
 *
 * A pipe has no name: it is for relatives, because they inherit its
 * descriptors. So one program is both sides here, and fork() stands between
 * them. Two habits are agreed:
 *
 * - Each process closes the end that it does not use, at once. A reader that
 *   keeps the write end open waits for itself and never sees end of file.
 *
 * - End of file says that no writer is left, not why: it may have been killed.
 *   So a writer whose input has ended takes the pipe's write permission away.
 *   Nobody needs it for writing; it is a seal that the reader can look at.
 */
#ifndef PIPE_CONTRACT_H
#define PIPE_CONTRACT_H

/* pipe(ends) fills in ends[0] and ends[1]. These say which is which. */
enum { READ_END, WRITE_END };

#define PIPE_SEALED 0400 /* nothing more will be written */

/* Measured, not agreed: blocks of an eighth of the capacity keep both sides at
   work on two CPUs, and cost few calls on one. 1 MiB is the most that a user
   without privileges may ask for: /proc/sys/fs/pipe-max-size. */
#define PIPE_BLOCK 131072
#define PIPE_CAPACITY 1048576

#define PING_MOST_ROUNDS 10000000
#define PING_MOST_BYTES 1048576

#endif
