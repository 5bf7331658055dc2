/* SPDX-License-Identifier: MIT */
/*
 * The queue of a tap: when to do I/O. tap_rx.c and tap_tx.c do it.
 *
 * A direction is open or closed. It closes when the kernel says EAGAIN; then
 * its watcher is on, and opens it again. So an open direction costs one system
 * call for each packet and one EAGAIN for each burst, and no watcher is on
 * while nothing can be done about the event: without receive buffers nobody
 * reads, so nobody waits for frames either. The watchers do not depend on
 * poll_ready(): a worker that is kept busy by one direction finds the other one
 * open as soon as it is.
 *
 * When the interface has been deleted (EBADFD), both watchers stay off for
 * good, since epoll reports EPOLLERR for such a file descriptor for ever.
 */
#include "backends/tap_queue.h"

#include <stdlib.h>

void tap_queue_notify(struct tap_queue *q)
{
	struct net_queue_client *client = q->base.config.client;

	if (!q->armed)
		return;
	q->armed = false;
	client->ready(client);
}

void tap_queue_set_gone(struct tap_queue *q)
{
	struct ev_loop *ev = q->base.config.loop->ev;

	if (q->gone)
		return;
	q->gone = true;
	tap_rx_stop(q);
	ev_io_stop(ev, &q->tx.watcher);
	q->tx.blocked = false; /* what waits can be dropped now */
	loop_post(q->gone_loop, q->gone_msg);
}

static bool queue_poll_ready(struct net_queue *queue,
			     struct net_buffer_access *pool)
{
	struct tap_queue *q = tap_queue_of(queue);

	UNUSED(pool);
	if (tap_rx_is_ready(q) || q->tx.room) {
		q->tx.room = false;
		return true;
	}
	q->armed = true;
	return false;
}

static void queue_destroy(struct net_queue *queue)
{
	struct tap_queue *q = tap_queue_of(queue);
	struct ev_loop *ev = queue->config.loop->ev;

	tap_rx_stop(q);
	ev_io_stop(ev, &q->tx.watcher);
	tap_rx_fini(q);
	free(q);
}

static void queue_inspect(struct net_queue *queue, struct inspect *in)
{
	const struct tap_queue *q = tap_queue_of(queue);
	const struct tap_rx_siblings *siblings = &q->rx.siblings;

	inspect_u64(in, "index", q->index);
	inspect_bool(in, "gone", q->gone);
	inspect_u64(in, "rx_buffers", q->rx.fifo.count);
	inspect_bool(in, "rx_waits_for_frames", q->rx.drained);
	inspect_u64(in, "rx_waiting_frame", q->rx.waiting.len);
	inspect_bool(in, "tx_waits_for_room", q->tx.blocked);
	if (!siblings->steering)
		return;
	inspect_u64(in, "given_to_siblings", siblings->given);
	inspect_u64(in, "taken_from_siblings", siblings->taken);
	inspect_u64(in, "lost_between_siblings", siblings->lost);
}

static const struct net_queue_ops queue_ops = {
	.poll_ready = queue_poll_ready,
	.rx_avail = tap_rx_avail,
	.rx_poll = tap_rx_poll,
	.tx_avail = tap_tx_avail,
	.destroy = queue_destroy,
	.inspect = queue_inspect,
};

struct tap_queue *tap_queue_create(struct net_endpoint *endpoint,
				   const struct net_queue_config *config)
{
	struct tap_queue *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	net_queue_init(&q->base, &queue_ops, endpoint, config);
	return q;
}
