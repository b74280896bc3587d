/*
 * contract.h - what the two processes on a message queue must agree on.
 *
 * The queue lives in the kernel under a key, which both make with ftok() from
 * the same file or folder. It outlives its processes, and the kernel tells none
 * of them that another has died. So they also agree on this:
 *
 * - Each locks a byte of that file, shared, as long as it lives: the byte of
 *   its side and of this queue. The lock shows whether the other is there, and
 *   the kernel takes it away when its owner dies, however it dies.
 *
 * - They come in one at a time, by flock(). A queue that somebody on our side
 *   has used, who is gone, is a killed run's: whoever comes removes it and
 *   makes another, which has an identifier and bytes of its own.
 *
 * - A message without text ends the data. The reader answers with another: it
 *   has written out all. Then the writer removes the queue. Who must end before
 *   that removes it, too: the other wakes with EIDRM, or is late for EINVAL.
 */
#ifndef MSGQ_CONTRACT_H
#define MSGQ_CONTRACT_H

#define MSGQ_PATH "."    /* the folder where both are run */
#define MSGQ_PROJECT 'q' /* keys of other lessons in that folder differ */

/* Sides. The byte to lock is MSGQ_SIDES times the queue's identifier, and this:
   it need not exist. */
enum { MSGQ_WRITER, MSGQ_READER, MSGQ_SIDES = 4 };

/* msgrcv() can wait for one type and leave the others alone. Types are > 0. */
enum { MSGQ_DATA = 1, MSGQ_TAKEN, MSGQ_NEVER };

#define MSGQ_TEXT 8192 /* as much as a message may hold: msgmax */

struct message {
    long type;
    char text[MSGQ_TEXT];
};

#define MSGQ_TICK 100000 /* microseconds between looks at the other */

/*
 * A POSIX queue has a name and is opened: its descriptor can be locked, and
 * fstat(2) works on it. So the object itself is where its two processes meet:
 *
 * - Each holds a lock on its byte, as above. Who comes second removes the name:
 *   it was only for meeting. A queue without name goes with its processes, and
 *   st_nlink shows whoever came first that there is another.
 *
 * - A message without text ends the data. A reader that has written out all
 *   takes the queue's write permission away: this seal is what the writer finds
 *   when the reader's lock is gone.
 */
#define POSIX_NAME "/ipc-%d" /* one name space for all: with our user id */
enum { POSIX_WRITER, POSIX_READER };

/* As many and as long as a user may have, see mq_overview(7). */
#define POSIX_MESSAGES 10
#define POSIX_TEXT 8192
#define POSIX_SEALED 0400

/*
 * ping and pong keep to the same rules on a queue of their own. One queue is
 * enough for both ways: each waits for its own type. Ping says first how many
 * rounds of how many bytes there will be, and removes the queue in the end.
 */
#define PING_PROJECT 'p'
enum { PING_PING, PING_PONG }; /* sides */
enum { PING_PLAN = 1, PING_THERE, PING_BACK, PING_NEVER };

struct ping_plan {
    long type;
    int rounds; /* a tenth more than are timed */
    int bytes;  /* in each */
};

#define PING_MOST_ROUNDS 10000000 /* that are timed */
#define PING_MOST_BYTES MSGQ_TEXT

/*
 * In the mesh, four nodes share one queue. A message's type is whom it is for,
 * and its text begins with the letter of the node that it is from. Nothing is
 * sent before all four are there: what lies in the queue for somebody who does
 * not come takes the room that the others need. Who makes the four complete
 * tells the others. A message that is only a letter ends what that node says,
 * and the last one out removes the queue.
 */
#define NODE_PROJECT 'n'
#define NODE_NAMES "ABCD"
enum { NODE_COUNT = MSGQ_SIDES };
enum { NODE_A = 1, NODE_START = NODE_A + NODE_COUNT };

struct node_message {
    long type; /* NODE_A is for A, and so on; NODE_START, too */
    char text[2048];
};

#endif
