/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_TAP_WINDOW_H
#define EVNIC_BACKENDS_TAP_WINDOW_H

/*
 * The window: the receive buffers at the front of a tap's queue, as an iovec
 * for readv(). It is filled and used within one op.
 *
 * Thread: the queue's loop.
 */

#include "net/buffer_access.h"
#include "net/rx_fifo.h"

#include <limits.h>

/* The first @n_bufs ids of @fifo are entries [@first, @end) of @iov, @bytes in
 * all. Entry 0 and the entry at @end are the user's. @room: where the buffers
 * start. @usual: bytes of a buffer, as seen before. @ids: scratch. */
struct tap_window {
	const struct net_rx_fifo *fifo;
	enum net_room room;
	size_t first, end;
	size_t n_bufs;
	size_t bytes;
	size_t usual;
	struct net_rx_id ids[IOV_MAX];
	struct iovec iov[IOV_MAX];
};

/* Forgets everything. At the start of an op, and whenever buffers were taken
 * from the fifo otherwise than by tap_window_take(). */
void tap_window_clear(struct tap_window *w);

/* Adds buffers until the window has @wanted bytes, @most buffers, all that
 * there are, or all that go in. */
void tap_window_fill(struct tap_window *w, struct net_buffer_access *pool,
		     size_t most, size_t wanted);

/* How many of the first @held ids (at most IOV_MAX) a frame of @len bytes takes;
 * 0: all together do not hold it. They are in w->ids then. */
size_t tap_window_count(struct tap_window *w, struct net_buffer_access *pool,
			size_t held, uint32_t len);

/* Takes the buffers of a frame of @len bytes, which lies within the window, off
 * it; the caller takes them off the fifo. Returns how many. */
size_t tap_window_take(struct tap_window *w, struct net_buffer_access *pool,
		       uint32_t len);

#endif
