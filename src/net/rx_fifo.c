/* SPDX-License-Identifier: MIT */
/*
 * The receive buffers that a queue holds.
 */
#include "net/rx_fifo.h"

#include <errno.h>
#include <stdlib.h>

#define SIZE_MIN_IDS 256

static int grow(struct net_rx_fifo *fifo, size_t wanted)
{
	size_t size = fifo->size ? fifo->size : SIZE_MIN_IDS;
	struct net_rx_id *ids;

	while (size < wanted)
		size *= 2;
	ids = calloc(size, sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	(void)net_rx_fifo_peek(fifo, 0, ids, fifo->count);
	free(fifo->ids);
	fifo->ids = ids;
	fifo->size = size;
	fifo->first = 0;
	return 0;
}

int net_rx_fifo_push(struct net_rx_fifo *fifo, const struct net_rx_id *ids,
		     size_t n)
{
	if (n > fifo->size - fifo->count) {
		int err = grow(fifo, fifo->count + n);

		if (err < 0)
			return err;
	}
	for (size_t i = 0; i < n; i++)
		fifo->ids[(fifo->first + fifo->count + i) & (fifo->size - 1)] =
			ids[i];
	fifo->count += n;
	return 0;
}

size_t net_rx_fifo_peek(const struct net_rx_fifo *fifo, size_t skip,
			struct net_rx_id *out, size_t max)
{
	size_t n;

	if (skip >= fifo->count)
		return 0;
	n = MIN(max, fifo->count - skip);
	for (size_t i = 0; i < n; i++)
		out[i] = fifo->ids[(fifo->first + skip + i) & (fifo->size - 1)];
	return n;
}

ssize_t net_rx_fifo_fit(const struct net_rx_fifo *fifo,
			struct net_buffer_access *pool, size_t span,
			uint32_t len, struct net_rx_id *ids)
{
	size_t held = net_rx_fifo_peek(fifo, 0, ids, span);
	size_t few = 1, enough = held;

	if (held && net_pool_capacity(pool, ids, few) >= len)
		return 1;
	if (!held || net_pool_capacity(pool, ids, enough) < len)
		return held == span ? -EMSGSIZE : -EAGAIN;
	while (enough - few > 1) {
		size_t n = few + (enough - few) / 2;

		if (net_pool_capacity(pool, ids, n) >= len)
			enough = n;
		else
			few = n;
	}
	return (ssize_t)enough;
}

void net_rx_fifo_pop(struct net_rx_fifo *fifo, size_t n)
{
	n = MIN(n, fifo->count);
	if (!n)
		return;
	fifo->first = (fifo->first + n) & (fifo->size - 1);
	fifo->count -= n;
}

void net_rx_fifo_fini(struct net_rx_fifo *fifo)
{
	free(fifo->ids);
	*fifo = (struct net_rx_fifo){0};
}
