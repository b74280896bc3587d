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

#define SOCKET_PATH_MOST 107 /* bytes that an address has room for */

#define SOCKET_UMASK 0177 /* of 0777 that bind() gives: for its owner alone */

/* No event tells that somebody begins to listen: look again so often. */
#define SOCKET_TICK 100 /* milliseconds */

/* Measured, not agreed. Large blocks cost few calls; how much is under way at a
   time is bounded all the same, by SO_SNDBUF, and raising that gains little. */
#define SOCKET_BLOCK 1048576
#define SOCKET_MOST 1048576

/*
 * tcp-writer and tcp-reader have no name to make or to lock: a port is there
 * or not, and nothing wakes who waits for it. The writer tries again and again.
 *
 * Both tell how they end by SO_LINGER with 0 seconds, set as long as they have
 * not finished: then even a close() by the kernel, because they were killed,
 * is a reset (ECONNRESET) for the other, and no end of file.
 */
#define TCP_ADDRESS "127.0.0.1" /* loopback: never leaves the machine */

/* A machine has one set of ports for all its users: each has a default of its
   own, user id % TCP_PORTS + TCP_PORT. From TCP_LENT on, the kernel lends them
   to whoever connects: such a caller can meet itself. */
#define TCP_PORT 20000
#define TCP_PORTS 10000
#define TCP_LENT 32768

#define PING_PATH "ipc.ping" /* tcp-ping and udp-ping take the port above */

/* What ping says before anything else. Pong refuses what is out of bounds:
   whoever may connect may write anything. */
struct ping_plan {
    int rounds; /* a tenth more than are timed */
    int bytes;  /* in each */
};

#define PING_MOST_ROUNDS 10000000 /* that are timed */
#define PING_MOST_BYTES 1048576

/*
 * udp-ping and udp-pong have no connection whose end they could see, and each
 * datagram may be lost. udp-pong sends the plan back. An empty datagram of
 * udp-ping is its end, one of udp-pong asks whether udp-ping is still there: if
 * its port is closed, the kernel answers for it (ECONNREFUSED).
 */
#define UDP_PATIENCE 500 /* milliseconds: what is later is lost */
#define UDP_MOST_BYTES 65507

/*
 * store-server and its clients agree on next to nothing, so that any client
 * will do: what is said comes back, byte for byte, until the client shuts its
 * half down. They can rely on one thing: what comes back is in the file.
 *
 * A stream has no messages. Whatever one recv() finds is kept in one piece: the
 * words of each client stand in the file in their order, and the clients in the
 * order in which they were heard, others' words between theirs.
 */
#define STORE_PATH "ipc.store"
#define STORE_FILE "ipc.log"

/* A client has this much said and not yet heard back, and no more: it is not
   heard until it listens. With so many clients that makes 8 MiB. */
#define STORE_BLOCK 65536
#define STORE_CLIENTS 128

/*
 * fd-sender and fd-receiver: one byte goes through the socket, and with it one
 * descriptor, the end of a pipe to read from. The rest goes through the pipe.
 * End of file says that nobody writes any more, not why, so as in pipe/ a
 * sender that has finished takes the pipe's write permission away.
 */
#define FD_PATH "ipc.fd"
#define FD_SEALED 0400
#define FD_BLOCK 65536 /* what a pipe holds */

#endif
