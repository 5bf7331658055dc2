/* SPDX-License-Identifier: MIT */
/*
 * loopback: what a queue transmits it receives.
 *
 * A packet is taken when there are receive buffers for all of it and left with
 * the frontend otherwise (back-pressure), so nothing is lost for want of
 * buffers. A packet that could never be delivered (a bad address, longer than
 * rx_span buffers, longer than a frame can be) is dropped and counted. The
 * bytes go from the guest's transmit buffers to its receive buffers in one
 * copy.
 *
 * It offers no offloads, so no frame arrives unfinished.
 */
#include "backends/loopback.h"

#include "base/util.h"
#include "net/packet.h"
#include "net/rx_fifo.h"

#include <errno.h>
#include <stdlib.h>

#define MAX_QUEUES	  65535
#define INDIRECTION_TABLE 64

/* @done: packets written to their buffers and not yet polled, oldest first, a
 * ring of as many as it has ever held buffers. */
struct loopback_queue {
	struct net_queue base;
	struct net_rx_fifo fifo;
	struct guest_mem_cache cache;
	struct net_rx_packet *done;
	size_t done_size, done_first, done_count;
	bool starved; /* a packet was refused for want of buffers ... */
	bool retry;   /* ... and buffers have come since */
	struct net_rx_id ids[NET_TX_SEGS_MAX];
	struct iovec iov[NET_TX_SEGS_MAX];
};

static struct loopback_queue *loopback(struct net_queue *queue)
{
	return container_of(queue, struct loopback_queue, base);
}

static bool queue_poll_ready(struct net_queue *queue,
			     struct net_buffer_access *pool)
{
	struct loopback_queue *q = loopback(queue);

	UNUSED(pool);
	return q->done_count || q->retry;
}

/* Every packet takes at least one buffer, so room for one result per buffer
 * held is room enough. */
static int reserve_results(struct loopback_queue *q, size_t wanted)
{
	struct net_rx_packet *done;
	size_t size = q->done_size ? q->done_size : 256;

	if (wanted <= q->done_size)
		return 0;
	while (size < wanted)
		size *= 2;
	done = calloc(size, sizeof(*done));
	if (!done)
		return -ENOMEM;
	for (size_t i = 0; i < q->done_count; i++)
		done[i] = q->done[(q->done_first + i) & (q->done_size - 1)];
	free(q->done);
	q->done = done;
	q->done_size = size;
	q->done_first = 0;
	return 0;
}

static void queue_rx_avail(struct net_queue *queue,
			   struct net_buffer_access *pool,
			   const struct net_rx_id *ids, size_t n)
{
	struct loopback_queue *q = loopback(queue);

	UNUSED(pool);
	q->retry = q->starved;
	if (reserve_results(q, q->fifo.count + q->done_count + n) < 0 ||
	    net_rx_fifo_push(&q->fifo, ids, n) < 0)
		net_stat_add(&queue->stats->rx_errors, n);
}

static int queue_rx_poll(struct net_queue *queue,
			 struct net_buffer_access *pool,
			 struct net_rx_packet *out, size_t max, size_t *n)
{
	struct loopback_queue *q = loopback(queue);

	UNUSED(pool);
	for (*n = 0; *n < max && q->done_count; (*n)++) {
		out[*n] = q->done[q->done_first];
		q->done_first = (q->done_first + 1) & (q->done_size - 1);
		q->done_count--;
	}
	return 0;
}

/* Finds the packet's bytes. An error: it cannot be sent. */
static int locate(struct loopback_queue *q, struct net_buffer_access *pool,
		  const struct net_tx_seg *packet, size_t n_segs)
{
	size_t len;
	int err;

	if (packet->meta->len > NET_FRAME_MAX || n_segs > ARRAY_SIZE(q->iov))
		return -EMSGSIZE;
	err = net_packet_iov(net_pool_guest_memory(pool), &q->cache, packet,
			     n_segs, q->iov, &len);
	if (err < 0)
		return err;
	return len && len == packet->meta->len ? 0 : -EINVAL;
}

/* Copies a packet of @n_iov pieces to its buffers. -EAGAIN: wait for buffers;
 * another error: it cannot be received. */
static int deliver(struct loopback_queue *q, struct net_buffer_access *pool,
		   const struct net_tx_meta *tx, size_t n_iov)
{
	struct net_rx_meta rx = {.len = tx->len, .vlan = tx->vlan};
	size_t span = MIN((size_t)q->base.config.rx_span, ARRAY_SIZE(q->ids));
	ssize_t n = net_rx_fifo_fit(&q->fifo, pool, span, rx.len, q->ids);
	size_t at;
	int err;

	if (n < 0)
		return (int)n;
	err = net_pool_write_packet(pool, q->ids, (size_t)n, &rx, q->iov,
				    n_iov);
	if (err < 0)
		return err;
	at = (q->done_first + q->done_count) & (q->done_size - 1);
	q->done[at] = (struct net_rx_packet){
		.first = q->ids[0],
		.n_ids = (uint16_t)n,
		.meta = rx,
	};
	q->done_count++;
	net_rx_fifo_pop(&q->fifo, (size_t)n);
	return 0;
}

static void count_sent(struct net_stats *stats, const struct net_tx_meta *meta)
{
	net_stat_add(&stats->tx_packets, 1);
	net_stat_add(&stats->tx_bytes, meta->len);
	net_stat_add(&stats->tx_vlan_packets, meta->vlan.present);
}

static void count_received(struct net_stats *stats,
			   const struct net_tx_meta *meta)
{
	net_stat_add(&stats->rx_packets, 1);
	net_stat_add(&stats->rx_bytes, meta->len);
	net_stat_add(&stats->rx_vlan_packets, meta->vlan.present);
}

/* Moves one packet. False: it waits for buffers. */
static bool move(struct loopback_queue *q, struct net_buffer_access *pool,
		 const struct net_tx_seg *packet, size_t n_segs)
{
	struct net_stats *stats = q->base.stats;
	int err;

	if (locate(q, pool, packet, n_segs) < 0) {
		net_stat_add(&stats->tx_errors, 1);
		net_stat_add(&stats->tx_dropped, 1);
		return true;
	}
	err = deliver(q, pool, packet->meta, n_segs);
	if (err == -EAGAIN)
		return false;
	count_sent(stats, packet->meta);
	if (err < 0)
		net_stat_add(&stats->rx_dropped, 1);
	else
		count_received(stats, packet->meta);
	return true;
}

static int queue_tx_avail(struct net_queue *queue,
			  struct net_buffer_access *pool,
			  const struct net_tx_seg *segs, size_t n,
			  struct net_tx_taken *taken)
{
	struct loopback_queue *q = loopback(queue);
	const struct net_tx_seg *packet;
	size_t n_packet;
	int err;

	taken->completed = true;
	q->starved = false;
	q->retry = false;
	while (taken->n_segs < n) {
		err = net_packet_next(segs + taken->n_segs, n - taken->n_segs,
				      &packet, &n_packet);
		if (err < 0)
			return taken->n_segs ? 0 : err;
		if (!move(q, pool, packet, n_packet)) {
			q->starved = true;
			break;
		}
		taken->n_segs += n_packet;
	}
	return 0;
}

static void queue_destroy(struct net_queue *queue)
{
	struct loopback_queue *q = loopback(queue);

	net_rx_fifo_fini(&q->fifo);
	free(q->done);
	free(q);
}

static const struct net_queue_ops queue_ops = {
	.poll_ready = queue_poll_ready,
	.rx_avail = queue_rx_avail,
	.rx_poll = queue_rx_poll,
	.tx_avail = queue_tx_avail,
	.destroy = queue_destroy,
};

static int make_queue(struct net_endpoint *ep,
		      const struct net_queue_config *config, size_t index,
		      struct net_queue **out)
{
	struct loopback_queue *q = calloc(1, sizeof(*q));

	UNUSED(index);
	if (!q)
		return -ENOMEM;
	net_queue_init(&q->base, &queue_ops, ep, config);
	*out = &q->base;
	return 0;
}

static void loopback_get_queues(struct net_endpoint *ep,
				const struct net_queue_config *configs,
				size_t n, const struct net_rss_config *rss,
				struct net_queue **out)
{
	UNUSED(rss);
	net_endpoint_make_queues(ep, configs, n, out, make_queue);
}

static void loopback_stop(struct net_endpoint *ep)
{
	net_endpoint_done(ep, 0);
}

static bool is_ordered(const struct net_endpoint *ep)
{
	UNUSED(ep);
	return true;
}

static struct net_multiqueue multiqueue(const struct net_endpoint *ep)
{
	UNUSED(ep);
	return (struct net_multiqueue){MAX_QUEUES, INDIRECTION_TABLE};
}

static void loopback_destroy(struct net_endpoint *ep)
{
	free(ep);
}

static const struct net_endpoint_ops loopback_ops = {
	.type = "loopback",
	.get_queues = loopback_get_queues,
	.stop = loopback_stop,
	.is_ordered = is_ordered,
	.destroy = loopback_destroy,
	.multiqueue_support = multiqueue,
};

int loopback_endpoint_create(struct loop *loop, struct net_endpoint **out)
{
	struct net_endpoint *ep = calloc(1, sizeof(*ep));

	if (!ep)
		return -ENOMEM;
	net_endpoint_init(ep, &loopback_ops, loop);
	*out = ep;
	return 0;
}
