/*
 * contract.h - what the two processes on a socket must agree on.
 *
 * On a FIFO both sides open the same name. Here one waits for calls, and the
 * other calls: they must agree who. The reader listens, pong and the servers
 * do; the writer, ping and the clients connect. Once they have met, both ends
 * are alike, and carry bytes both ways at once.
 *
 * - The name is only for meeting. Whoever makes a name, connects to it or
 *   removes it has the folder locked meanwhile, with flock(2). The writer
 *   removes the name in the same moment in which it connects, so that no second
 *   writer can call a reader that is taken.
 *
 * - A name outlives its socket: a killed reader leaves one on which nobody
 *   listens. connect() to it is ECONNREFUSED, bind() EADDRINUSE. The next
 *   reader removes it, but never one on which somebody listens.
 *
 * - End of file says that nothing more will come, not why. A writer that has
 *   finished shuts its half down and stays until the reader has closed. If it
 *   is gone altogether by then, it was killed, or knows nothing of this.
 */
#ifndef SOCKET_CONTRACT_H
#define SOCKET_CONTRACT_H

/* Relative: the name appears where you run the programs, so run both in the
   same folder, and look at it with ls -l while the reader waits. */
#define SOCKET_PATH "ipc.sock"

#define SOCKET_PATH_MOST 107 /* bytes that an address has room for, and a NUL */

#define SOCKET_UMASK 0177 /* of 0777 that bind() gives: for its owner alone */

/* No event tells that somebody begins to listen: look again so often. */
#define SOCKET_TICK 100 /* milliseconds */

/* Measured, not agreed. Large blocks cost few calls; how much is under way at a
   time is bounded all the same, by SO_SNDBUF, and raising that gains little. */
#define SOCKET_BLOCK 524288
#define SOCKET_MOST 1048576

#endif
