/* SPDX-License-Identifier: MIT */
/*
 * null: takes every packet, at once and with any offload, and delivers none.
 *
 * It holds receive buffers only in the sense that it never gives them back;
 * there is nothing to remember. Its link is up.
 */
#include "backends/null.h"

#include "base/util.h"

#include <errno.h>
#include <stdlib.h>

#define MAX_QUEUES	  65535
#define INDIRECTION_TABLE 128

static bool queue_poll_ready(struct net_queue *queue,
			     struct net_buffer_access *pool)
{
	UNUSED(queue);
	UNUSED(pool);
	return false;
}

static void queue_rx_avail(struct net_queue *queue,
			   struct net_buffer_access *pool,
			   const struct net_rx_id *ids, size_t n)
{
	UNUSED(queue);
	UNUSED(pool);
	UNUSED(ids);
	UNUSED(n);
}

static int queue_rx_poll(struct net_queue *queue,
			 struct net_buffer_access *pool,
			 struct net_rx_packet *out, size_t max, size_t *n)
{
	UNUSED(queue);
	UNUSED(pool);
	UNUSED(out);
	UNUSED(max);
	*n = 0;
	return 0;
}

static int queue_tx_avail(struct net_queue *queue,
			  struct net_buffer_access *pool,
			  const struct net_tx_seg *segs, size_t n,
			  struct net_tx_taken *taken)
{
	UNUSED(pool);
	for (size_t i = 0; i < n; i++) {
		if (segs[i].type != NET_TX_HEAD)
			continue;
		net_stat_add(&queue->stats->tx_packets, 1);
		net_stat_add(&queue->stats->tx_bytes, segs[i].meta->len);
		net_stat_add(&queue->stats->tx_vlan_packets,
			     segs[i].meta->vlan.present);
	}
	taken->n_segs = n;
	taken->completed = true;
	return 0;
}

static void queue_destroy(struct net_queue *queue)
{
	free(queue);
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
	struct net_queue *queue = calloc(1, sizeof(*queue));

	UNUSED(index);
	if (!queue)
		return -ENOMEM;
	net_queue_init(queue, &queue_ops, ep, config);
	*out = queue;
	return 0;
}

static void null_get_queues(struct net_endpoint *ep,
			    const struct net_queue_config *configs, size_t n,
			    const struct net_rss_config *rss,
			    struct net_queue **out)
{
	UNUSED(rss);
	net_endpoint_make_queues(ep, configs, n, out, make_queue);
}

static void null_stop(struct net_endpoint *ep)
{
	net_endpoint_done(ep, 0);
}

static bool yes(const struct net_endpoint *ep)
{
	UNUSED(ep);
	return true;
}

static struct net_tx_offloads tx_offloads(const struct net_endpoint *ep)
{
	UNUSED(ep);
	return (struct net_tx_offloads){true, true, true, true, true};
}

static struct net_multiqueue multiqueue(const struct net_endpoint *ep)
{
	UNUSED(ep);
	return (struct net_multiqueue){MAX_QUEUES, INDIRECTION_TABLE};
}

static int get_data_path(const struct net_endpoint *ep, bool *use_vf)
{
	UNUSED(ep);
	*use_vf = false;
	return 0;
}

static void set_data_path(struct net_endpoint *ep, bool use_vf)
{
	net_endpoint_done(ep, use_vf ? -ENOTSUP : 0);
}

static void null_destroy(struct net_endpoint *ep)
{
	free(ep);
}

static const struct net_endpoint_ops null_ops = {
	.type = "null",
	.get_queues = null_get_queues,
	.stop = null_stop,
	.is_ordered = yes,
	.destroy = null_destroy,
	.vnet_hdr = yes,
	.tx_offload_support = tx_offloads,
	.multiqueue_support = multiqueue,
	.tx_fast_completions = yes,
	.get_data_path_to_guest_vf = get_data_path,
	.set_data_path_to_guest_vf = set_data_path,
};

int null_endpoint_create(struct loop *loop, struct net_endpoint **out)
{
	struct net_endpoint *ep = calloc(1, sizeof(*ep));

	if (!ep)
		return -ENOMEM;
	net_endpoint_init(ep, &null_ops, loop);
	*out = ep;
	return 0;
}
