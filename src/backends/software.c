/* SPDX-License-Identifier: MIT */
/*
 * software: the endpoint, and the parts of its queues that are not transmit.
 *
 * A queue finds out when it is made what it will have to do. If the inner queue
 * can do all that may be asked for, transmits pass it by, and if it delivers
 * only what the frontend takes, so do receives. The inner queue speaks the
 * virtio-net header if the frontend and the inner endpoint both do.
 */
#include "backends/software.h"

#include "backends/software_queue.h"

#include <errno.h>
#include <stdlib.h>

static bool queue_poll_ready(struct net_queue *queue,
			     struct net_buffer_access *pool)
{
	struct software_queue *q = software_queue_of(queue);

	if (!q->tx_passes && software_tx_is_ready(q))
		return true;
	return net_queue_poll_ready(q->base.inner, software_lend(q, pool));
}

static void queue_rx_avail(struct net_queue *queue,
			   struct net_buffer_access *pool,
			   const struct net_rx_id *ids, size_t n)
{
	struct software_queue *q = software_queue_of(queue);

	net_queue_rx_avail(q->base.inner, software_lend(q, pool), ids, n);
}

static int queue_rx_poll(struct net_queue *queue,
			 struct net_buffer_access *pool,
			 struct net_rx_packet *out, size_t max, size_t *n)
{
	struct software_queue *q = software_queue_of(queue);
	int err;

	err = net_queue_rx_poll(q->base.inner, software_lend(q, pool), out, max,
				n);
	if (q->rx_passes)
		return err;
	for (size_t i = 0; i < *n; i++) {
		if (out[i].meta.vnet_hdr)
			software_pool_finish_packet(&q->pool, &out[i],
						    queue->stats);
	}
	return err;
}

static void queue_inspect(struct net_queue *queue, struct inspect *in)
{
	struct software_queue *q = software_queue_of(queue);

	inspect_bool(in, "tx_passes", q->tx_passes);
	inspect_bool(in, "rx_passes", q->rx_passes);
	inspect_u64(in, "tx_held", q->tx.end - q->tx.first);
	net_wrapper_queue_inspect(queue, in);
}

static void queue_destroy(struct net_queue *queue)
{
	struct software_queue *q = software_queue_of(queue);

	net_wrapper_queue_fini(&q->base);
	software_pool_fini(&q->pool);
	free(q);
}

static const struct net_queue_ops queue_ops = {
	.poll_ready = queue_poll_ready,
	.rx_avail = queue_rx_avail,
	.rx_poll = queue_rx_poll,
	.tx_avail = software_tx_avail,
	.destroy = queue_destroy,
	.tx_poll = software_tx_poll,
	.inspect = queue_inspect,
	.update_target_vp = net_wrapper_update_target_vp,
};

/* Can whatever may be asked for be left to an endpoint with these offloads? A
 * virtio-net header does not ask for the IPv4 header's checksum. */
static bool does_all(const struct net_tx_offloads *tx, bool vnet_hdr)
{
	return tx->tcp && tx->udp && tx->tso && tx->uso &&
	       (vnet_hdr || tx->ipv4_header);
}

static bool is_within(const struct net_rx_offloads *a,
		      const struct net_rx_offloads *b)
{
	return a->csum <= b->csum && a->tso4 <= b->tso4 && a->tso6 <= b->tso6 &&
	       a->ecn <= b->ecn && a->uso <= b->uso;
}

static int make_queue(struct net_wrapper *w,
		      const struct net_queue_config *config, size_t index,
		      struct net_queue_config *inner_config,
		      struct net_wrapper_queue **out)
{
	struct software_queue *q = calloc(1, sizeof(*q));
	struct net_rx_offloads rx = net_endpoint_rx_offload_support(w->inner);

	UNUSED(index);
	if (!q || software_pool_init(&q->pool, &config->rx_offloads) < 0) {
		free(q);
		return -ENOMEM;
	}
	q->tx.inner = net_endpoint_tx_offload_support(w->inner);
	q->tx.inner_hdr = config->vnet_hdr && net_endpoint_vnet_hdr(w->inner);
	q->tx.ordered = net_endpoint_is_ordered(w->inner);
	q->tx_passes = q->tx.inner_hdr == config->vnet_hdr &&
		       does_all(&q->tx.inner, config->vnet_hdr);
	q->rx_passes = is_within(&rx, &config->rx_offloads);
	software_tx_init(q);
	net_queue_init(&q->base.base, &queue_ops, &w->base, config);
	inner_config->vnet_hdr = q->tx.inner_hdr;
	inner_config->stats = q->base.base.stats;
	*out = &q->base;
	return 0;
}

static bool software_vnet_hdr(const struct net_endpoint *ep)
{
	UNUSED(ep);
	return true;
}

static struct net_tx_offloads software_tx_offloads(
	const struct net_endpoint *ep)
{
	UNUSED(ep);
	return (struct net_tx_offloads){true, true, true, true, true};
}

static const struct net_endpoint_ops software_ops = {
	.type = "software",
	NET_WRAPPER_PASSES_ON,
	.vnet_hdr = software_vnet_hdr,
	.tx_offload_support = software_tx_offloads,
	.inspect = net_wrapper_inspect,
};

static void software_release(struct net_wrapper *w)
{
	free(w);
}

static const struct net_wrapper_ops wrapper_ops = {
	.make = make_queue,
	.release = software_release,
};

int software_endpoint_create(struct loop *loop, struct net_endpoint *inner,
			     struct net_endpoint **out)
{
	struct net_wrapper *w = malloc(sizeof(*w));

	if (!w)
		return -ENOMEM;
	net_wrapper_init(w, &software_ops, &wrapper_ops, loop, inner);
	*out = &w->base;
	return 0;
}

struct net_endpoint *software_endpoint_unwrap(struct net_endpoint *software)
{
	struct net_wrapper *w = net_wrapper_of(software);
	struct net_endpoint *inner = w->inner;

	net_endpoint_wait_for_action(inner, NULL, NULL);
	w->inner = NULL;
	net_endpoint_destroy(software);
	return inner;
}
