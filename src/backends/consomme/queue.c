/* SPDX-License-Identifier: MIT */
/*
 * The queue: what a frontend does with it is input and output of the stack, what
 * its loop tells are the stack's events and time.
 *
 * Transmits are complete when tx_avail returns: their bytes are in a socket, in
 * a spill, or dropped. Watchers start with the first op, on the queue's loop.
 */
#include "backends/consomme/queue.h"

#include "backends/consomme/stack.h"
#include "net/packet.h"

#include <errno.h>
#include <stdlib.h>

static struct csm_queue *csm_queue_of(struct net_queue *queue)
{
	return container_of(queue, struct csm_queue, base);
}

static bool has_output(const struct csm_queue *q)
{
	return csm_stack_has_output(q->stack) && !q->starved;
}

static void set_timer(struct csm_queue *q)
{
	uint64_t next = csm_stack_next(q->stack);
	uint64_t now;

	if (next == q->deadline)
		return;
	q->deadline = next;
	ev_timer_stop(q->base.config.loop->ev, &q->timer);
	if (next == CSM_NEVER)
		return;
	now = csm_host_now(q->stack->host);
	ev_timer_set(&q->timer,
		     next > now ? (double)(next - now) / (double)CSM_SEC : 0.,
		     0.);
	ev_timer_start(q->base.config.loop->ev, &q->timer);
}

/* Tells the client, if it waits and there is something. */
static void notify(struct csm_queue *q)
{
	set_timer(q);
	if (!q->armed || !has_output(q))
		return;
	q->armed = false;
	q->base.config.client->ready(q->base.config.client);
}

static void events_cb(struct ev_loop *ev, ev_io *watcher, int revents)
{
	struct csm_queue *q = container_of(watcher, struct csm_queue, events);

	UNUSED(ev);
	UNUSED(revents);
	csm_stack_events(q->stack);
	notify(q);
}

static void timer_cb(struct ev_loop *ev, ev_timer *watcher, int revents)
{
	struct csm_queue *q = container_of(watcher, struct csm_queue, timer);

	UNUSED(ev);
	UNUSED(revents);
	q->deadline = CSM_NEVER;
	csm_stack_tick(q->stack);
	notify(q);
}

static void start(struct csm_queue *q)
{
	if (q->started)
		return;
	q->started = true;
	if (q->stack->host->event_fd >= 0)
		ev_io_start(q->base.config.loop->ev, &q->events);
}

static bool queue_poll_ready(struct net_queue *queue,
			     struct net_buffer_access *pool)
{
	struct csm_queue *q = csm_queue_of(queue);

	UNUSED(pool);
	start(q);
	if (has_output(q))
		return true;
	set_timer(q);
	q->armed = true;
	return false;
}

static void queue_rx_avail(struct net_queue *queue,
			   struct net_buffer_access *pool,
			   const struct net_rx_id *ids, size_t n)
{
	struct csm_queue *q = csm_queue_of(queue);

	UNUSED(pool);
	q->starved = false;
	if (net_rx_fifo_push(&q->fifo, ids, n) < 0)
		net_stat_add(&queue->stats->rx_errors, n);
}

static int queue_rx_poll(struct net_queue *queue,
			 struct net_buffer_access *pool,
			 struct net_rx_packet *packets, size_t max, size_t *n)
{
	struct csm_queue *q = csm_queue_of(queue);
	struct csm_out *out = &q->out;

	*n = 0;
	if (!has_output(q))
		return 0;
	out->pool = pool;
	out->packets = packets;
	out->n_packets = 0;
	out->max_packets = max;
	csm_stack_output(q->stack, out);
	*n = out->n_packets;
	q->starved = out->no_room;
	return 0;
}

/* Finds a packet's bytes and gives it to the stack. */
static void send_packet(struct csm_queue *q, struct net_buffer_access *pool,
			const struct net_tx_seg *packet, size_t n_segs)
{
	const struct net_tx_meta *meta = packet->meta;
	struct net_stats *stats = q->base.stats;
	size_t len;

	if (meta->len > NET_FRAME_MAX || n_segs > ARRAY_SIZE(q->iov) ||
	    net_packet_iov(net_pool_guest_memory(pool), &q->cache, packet,
			   n_segs, q->iov, &len) < 0 ||
	    !len || len != meta->len) {
		net_stat_add(&stats->tx_errors, 1);
		net_stat_add(&stats->tx_dropped, 1);
		return;
	}
	csm_stack_input(q->stack, meta, q->iov, n_segs);
	net_stat_add(&stats->tx_packets, 1);
	net_stat_add(&stats->tx_bytes, meta->len);
	net_stat_add(&stats->tx_vlan_packets, meta->vlan.present);
}

static int queue_tx_avail(struct net_queue *queue,
			  struct net_buffer_access *pool,
			  const struct net_tx_seg *segs, size_t n,
			  struct net_tx_taken *taken)
{
	struct csm_queue *q = csm_queue_of(queue);
	const struct net_tx_seg *packet;
	size_t n_packet;
	int err = 0;

	start(q);
	taken->completed = true;
	while (taken->n_segs < n) {
		err = net_packet_next(segs + taken->n_segs, n - taken->n_segs,
				      &packet, &n_packet);
		if (err < 0)
			break;
		send_packet(q, pool, packet, n_packet);
		taken->n_segs += n_packet;
	}
	csm_stack_input_end(q->stack);
	return taken->n_segs ? 0 : err;
}

static void queue_inspect(struct net_queue *queue, struct inspect *in)
{
	csm_stack_inspect(csm_queue_of(queue)->stack, in);
}

static void queue_destroy(struct net_queue *queue)
{
	struct csm_queue *q = csm_queue_of(queue);

	ev_io_stop(queue->config.loop->ev, &q->events);
	ev_timer_stop(queue->config.loop->ev, &q->timer);
	net_rx_fifo_fini(&q->fifo);
	atomic_store_explicit(q->attached, false, memory_order_release);
	free(q);
}

static const struct net_queue_ops queue_ops = {
	.poll_ready = queue_poll_ready,
	.rx_avail = queue_rx_avail,
	.rx_poll = queue_rx_poll,
	.tx_avail = queue_tx_avail,
	.destroy = queue_destroy,
	.inspect = queue_inspect,
};

struct csm_queue *csm_queue_create(struct net_endpoint *ep,
				   const struct net_queue_config *config,
				   struct csm_stack *stack,
				   atomic_bool *attached)
{
	struct csm_queue *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	net_queue_init(&q->base, &queue_ops, ep, config);
	q->stack = stack;
	q->attached = attached;
	q->deadline = CSM_NEVER;
	q->out.queue = &q->base;
	q->out.fifo = &q->fifo;
	q->out.offloads = config->rx_offloads;
	ev_io_init(&q->events, events_cb, stack->host->event_fd, EV_READ);
	ev_timer_init(&q->timer, timer_cb, 0., 0.);
	return q;
}
