/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_IOTHREADS_H
#define EVNIC_MACHINE_IOTHREADS_H

/*
 * The threads that move packets. Each queue pair takes a loop when its NIC is
 * made and gives it back when the NIC has gone; a thread exists as long as a
 * pair uses it.
 *
 * Thread: the control loop.
 */

#include "base/loop.h"
#include "machine/config.h"

#define IOTHREADS_MAX 512

/* @users: pairs that use the thread. */
struct iothread_slot {
	struct iothread *io;
	unsigned int users;
};

/* @limit: threads among which pairs are dealt out. */
struct iothreads {
	struct loop *control;
	size_t limit;
	struct iothread_slot slots[IOTHREADS_MAX];
};

/* @wish: the description's "iothreads": CONFIG_ABSENT for one for each pair, 0
 * for none: @control does it all. */
void iothreads_init(struct iothreads *io, struct loop *control, int64_t wish);

/* Joins all threads. Idempotent. */
void iothreads_fini(struct iothreads *io);

/* The loop for one more pair, in *@out. 0 or -errno. */
int iothreads_take(struct iothreads *io, struct loop **out) MUST_CHECK;

/* Gives @loop back, which the pair has no watcher on any more. The last one to
 * do so has the thread joined. */
void iothreads_give(struct iothreads *io, const struct loop *loop);

#endif
