/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BASE_LOOP_H
#define EVNIC_BASE_LOOP_H

/*
 * Event loops, and the one way from thread to thread.
 *
 * A struct loop is a libev loop with a mailbox. It is run by one thread, its
 * owner: the control loop by the main thread, each iothread's by that thread.
 * Everything that a loop owns is touched by its thread alone; whoever else
 * wants something posts a message.
 *
 * A message is an object of its sender (embedded in something that outlives
 * the delivery); nothing is allocated. It belongs to the mailbox from
 * loop_post() until its function starts, and may then be posted again, to the
 * same or to another loop: that is how an acknowledgement travels back.
 * Messages of one sender arrive in the order in which they were posted.
 */

#include "base/thread.h"
#include "base/util.h"

#include <ev.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct loop_msg;
typedef void (*loop_msg_fn)(struct loop_msg *msg);

struct loop_msg {
	loop_msg_fn run;
	struct loop_msg *next;
};

/* @ev: the libev loop, for embedding watchers of one's own. */
struct loop {
	struct ev_loop *ev;
	ev_async wake;
	struct loop_msg *_Atomic inbox; /* newest first */
};

/* Makes a loop that nobody runs yet. 0 or -errno. */
int loop_init(struct loop *loop) MUST_CHECK;

/* Frees the loop. It must not be running; messages still in the mailbox are
 * run first, on the calling thread. */
void loop_fini(struct loop *loop);

/* Runs the loop on the calling thread until loop_stop(). */
void loop_run(struct loop *loop);

/* Runs what is due now and returns: never sleeps. For tests. */
void loop_run_once(struct loop *loop);

/* Makes loop_run() return after the present round. Owner's thread only. */
void loop_stop(struct loop *loop);

/* Has @loop's thread call @msg->run(@msg), later than this call. Any thread,
 * the owner's included. */
void loop_post(struct loop *loop, struct loop_msg *msg);

/* Has @loop's thread call @run(@arg) and waits until it has returned. Not
 * from a thread that runs a loop (loops never wait). */
void loop_call(struct loop *loop, void (*run)(void *arg), void *arg);

/* A thread that runs one loop. */
struct iothread {
	struct loop loop;
	enum thread_kind kind;
	char name[16];
	pthread_t thread;
	struct loop_msg quit;
};

/* Starts a thread with a loop; all signals are blocked in it. @name: at most
 * 15 characters, seen in ps. 0 or -errno. */
int iothread_create(const char *name, enum thread_kind kind,
		    struct iothread **out) MUST_CHECK;

/* Ends the thread's loop after the messages posted so far, joins, frees. NULL
 * is allowed. */
void iothread_destroy(struct iothread *io);

#endif
