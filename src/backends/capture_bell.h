/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_CAPTURE_BELL_H
#define EVNIC_BACKENDS_CAPTURE_BELL_H

/*
 * How loops wake the capture's writer, and when they need not: a writer that
 * is at work looks by itself, one that naps (it has just written) looks soon
 * and is woken only by a ring that fills up, one that sleeps is woken by the
 * first frame.
 *
 * A producer publishes, then asks for the state; the writer sets the state, then
 * looks at the rings once more. All four are sequentially consistent, so one of
 * the two sees the other.
 */

#include "base/loop.h"

enum capture_bell_state {
	CAPTURE_BELL_AWAKE,
	CAPTURE_BELL_NAPS,
	CAPTURE_BELL_SLEEPS,
};

/* @posted: the message is under way. */
struct capture_bell {
	atomic_int state;
	atomic_bool posted;
	struct loop *loop;
	struct loop_msg msg;
};

/* @run: called on @loop when the bell has been rung, with &bell->msg; calls
 * capture_bell_heard() first. */
static inline void capture_bell_init(struct capture_bell *bell,
				     struct loop *loop, loop_msg_fn run)
{
	atomic_init(&bell->state, CAPTURE_BELL_AWAKE);
	atomic_init(&bell->posted, false);
	bell->loop = loop;
	bell->msg.run = run;
}

/* Any thread: something has been published. @urgent: a nap is too long. */
static inline void capture_bell_ring(struct capture_bell *bell, bool urgent)
{
	int state = atomic_load(&bell->state);

	if (state == CAPTURE_BELL_AWAKE ||
	    (state == CAPTURE_BELL_NAPS && !urgent))
		return;
	if (!atomic_exchange(&bell->posted, true))
		loop_post(bell->loop, &bell->msg);
}

/* The writer. */
static inline void capture_bell_set(struct capture_bell *bell,
				    enum capture_bell_state state)
{
	atomic_store(&bell->state, state);
}

static inline void capture_bell_heard(struct capture_bell *bell)
{
	capture_bell_set(bell, CAPTURE_BELL_AWAKE);
	atomic_store(&bell->posted, false);
}

#endif
