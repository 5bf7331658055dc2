/* SPDX-License-Identifier: MIT */
/*
 * The window.
 *
 * Buffers are looked up many at a time, since a 64 KiB frame may take dozens of
 * them, and each is looked up once: the window shifts from frame to frame. It
 * moves back to the start of the array when it has come to the end.
 *
 * A buffer of more pieces than the array has room for goes in with its first
 * pieces, if it is alone.
 */
#include "backends/tap_window.h"

#include "base/util.h"

#include <string.h>

void tap_window_clear(struct tap_window *w)
{
	w->first = 1;
	w->end = 1;
	w->n_bufs = 0;
	w->bytes = 0;
}

static void move_back(struct tap_window *w)
{
	size_t n = w->end - w->first;

	memmove(&w->iov[1], &w->iov[w->first], n * sizeof(w->iov[0]));
	w->first = 1;
	w->end = 1 + n;
}

/* Adds @n_bufs buffers, or one. False: they do not go in. */
static bool add(struct tap_window *w, struct net_buffer_access *pool,
		size_t n_bufs)
{
	size_t space = ARRAY_SIZE(w->iov) - 1 - w->end, len = 0;
	ssize_t n;

	n_bufs = net_rx_fifo_peek(w->fifo, w->n_bufs, w->ids, n_bufs);
	n = net_pool_guest_addresses(pool, w->ids, n_bufs, w->room, 0,
				     &w->iov[w->end], space);
	if (n <= 0)
		return false;
	if ((size_t)n > space) {
		if (w->first > 1) {
			move_back(w);
			return add(w, pool, n_bufs);
		}
		if (n_bufs > 1)
			return add(w, pool, 1);
		if (w->n_bufs)
			return false;
		n = (ssize_t)space;
	}
	for (size_t i = w->end; i < w->end + (size_t)n; i++)
		len += w->iov[i].iov_len;
	w->end += (size_t)n;
	w->bytes += len;
	w->n_bufs += n_bufs;
	w->usual = len / n_bufs;
	return true;
}

void tap_window_fill(struct tap_window *w, struct net_buffer_access *pool,
		     size_t most, size_t wanted)
{
	most = MIN(most, w->fifo->count);
	while (w->n_bufs < most && w->bytes < wanted) {
		size_t n = 1;

		if (w->usual)
			n += (wanted - w->bytes - 1) / w->usual;
		n = MIN(n, ARRAY_SIZE(w->ids));
		if (!add(w, pool, MIN(n, most - w->n_bufs)))
			return;
	}
}

size_t tap_window_count(struct tap_window *w, struct net_buffer_access *pool,
			size_t held, uint32_t len)
{
	size_t low = 1, high;

	high = net_rx_fifo_peek(w->fifo, 0, w->ids,
				MIN(held, ARRAY_SIZE(w->ids)));
	if (!high || net_pool_capacity(pool, w->ids, high) < len)
		return 0;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (net_pool_capacity(pool, w->ids, middle) >= len)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

size_t tap_window_take(struct tap_window *w, struct net_buffer_access *pool,
		       uint32_t len)
{
	size_t n = 1, left;

	w->ids[0] = net_rx_fifo_at(w->fifo, 0);
	left = net_pool_capacity(pool, w->ids, 1);
	if (left < len) {
		n = tap_window_count(w, pool, w->n_bufs, len);
		left = net_pool_capacity(pool, w->ids, n);
	}
	if (n >= w->n_bufs) {
		tap_window_clear(w);
		return n;
	}
	if (w->room == NET_ROOM_HEADER)
		left += NET_VNET_HDR_LEN;
	w->n_bufs -= n;
	w->bytes -= left;
	for (; left && w->first < w->end; w->first++)
		left -= MIN(left, w->iov[w->first].iov_len);
	return n;
}
