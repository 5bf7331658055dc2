/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_NET_RX_FIFO_H
#define EVNIC_NET_RX_FIFO_H

/*
 * The receive buffers that a queue holds, oldest first. For backends.
 *
 * Thread: the queue's loop. Grows to the most buffers ever held at once (a
 * ring's worth), then never allocates again.
 */

#include "base/util.h"
#include "net/buffer_access.h"
#include "net/types.h"

/* A ring of @size ids (a power of two), @count of them held from @first on. */
struct net_rx_fifo {
	struct net_rx_id *ids;
	size_t size;
	size_t first;
	size_t count;
};

/* Adds ids at the end. -ENOMEM: none was added. */
int net_rx_fifo_push(struct net_rx_fifo *fifo, const struct net_rx_id *ids,
		     size_t n) MUST_CHECK;

/* Copies at most @max ids from the @skip-th on to @out, without taking them;
 * returns how many. */
size_t net_rx_fifo_peek(const struct net_rx_fifo *fifo, size_t skip,
			struct net_rx_id *out, size_t max);

/* The fewest of the oldest ids, at most @span, that hold a frame of @len bytes:
 * their number, and the ids in @ids (room for @span). -EAGAIN: more buffers are
 * wanted; -EMSGSIZE: @span of them are not enough. */
ssize_t net_rx_fifo_fit(const struct net_rx_fifo *fifo,
			struct net_buffer_access *pool, size_t span,
			uint32_t len, struct net_rx_id *ids);

/* The @i-th oldest; @i is less than count. */
static inline struct net_rx_id net_rx_fifo_at(const struct net_rx_fifo *fifo,
					      size_t i)
{
	return fifo->ids[(fifo->first + i) & (fifo->size - 1)];
}

/* Takes the @n oldest (at most all). */
void net_rx_fifo_pop(struct net_rx_fifo *fifo, size_t n);

void net_rx_fifo_fini(struct net_rx_fifo *fifo);

#endif
