/* SPDX-License-Identifier: MIT */
/*
 * Queue: the wrappers.
 *
 * In debug builds a queue never sees the frontend's pool but a lease of it,
 * which works only while an op runs. A backend that keeps the pointer is found
 * by its first use of it.
 */
#include "net/queue.h"

#include "net/endpoint.h"
#include "net/packet.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#ifndef NDEBUG

static atomic_ullong expired_uses;

uint64_t net_pool_expired_uses(void)
{
	return atomic_load_explicit(&expired_uses, memory_order_relaxed);
}

/* The pool behind a lease, or NULL if the lease has expired. */
static struct net_buffer_access *leased(struct net_buffer_access *base)
{
	struct net_pool_lease *lease =
		container_of(base, struct net_pool_lease, base);

	if (!lease->pool)
		atomic_fetch_add_explicit(&expired_uses, 1,
					  memory_order_relaxed);
	return lease->pool;
}

static const struct guest_mem *lease_guest_memory(struct net_buffer_access *p)
{
	struct net_buffer_access *pool = leased(p);

	return pool ? net_pool_guest_memory(pool) : NULL;
}

static uint32_t lease_capacity(struct net_buffer_access *p,
			       const struct net_rx_id *ids, size_t n)
{
	struct net_buffer_access *pool = leased(p);

	return pool ? net_pool_capacity(pool, ids, n) : 0;
}

static ssize_t lease_guest_addresses(struct net_buffer_access *p,
				     const struct net_rx_id *ids, size_t n,
				     enum net_room room, uint32_t offset,
				     struct iovec *iov, size_t max)
{
	struct net_buffer_access *pool = leased(p);

	return pool ? net_pool_guest_addresses(pool, ids, n, room, offset, iov,
					       max)
		    : -ESTALE;
}

static ssize_t lease_packet_addresses(struct net_buffer_access *p,
				      const struct net_rx_packet *packet,
				      enum net_room room, struct iovec *iov,
				      size_t max)
{
	struct net_buffer_access *pool = leased(p);

	return pool ? net_pool_packet_addresses(pool, packet, room, iov, max)
		    : -ESTALE;
}

static int lease_write_data(struct net_buffer_access *p,
			    const struct net_rx_id *ids, size_t n,
			    uint32_t offset, const void *data, size_t len)
{
	struct net_buffer_access *pool = leased(p);

	return pool ? net_pool_write_data(pool, ids, n, offset, data, len)
		    : -ESTALE;
}

static int lease_write_header(struct net_buffer_access *p,
			      const struct net_rx_id *ids, size_t n,
			      const struct net_rx_meta *meta)
{
	struct net_buffer_access *pool = leased(p);

	return pool ? net_pool_write_header(pool, ids, n, meta) : -ESTALE;
}

static int lease_write_packet(struct net_buffer_access *p,
			      const struct net_rx_id *ids, size_t n,
			      const struct net_rx_meta *meta,
			      const struct iovec *iov, size_t n_iov)
{
	struct net_buffer_access *pool = leased(p);

	return pool ? net_pool_write_packet(pool, ids, n, meta, iov, n_iov)
		    : -ESTALE;
}

static const struct net_buffer_access_ops lease_ops = {
	.guest_memory = lease_guest_memory,
	.capacity = lease_capacity,
	.guest_addresses = lease_guest_addresses,
	.packet_addresses = lease_packet_addresses,
	.write_data = lease_write_data,
	.write_header = lease_write_header,
	.write_packet = lease_write_packet,
};

static struct net_buffer_access *lend(struct net_queue *queue,
				      struct net_buffer_access *pool)
{
	queue->lease.base.ops = &lease_ops;
	queue->lease.pool = pool;
	return &queue->lease.base;
}

static void expire(struct net_queue *queue)
{
	queue->lease.pool = NULL;
}

#else

static struct net_buffer_access *lend(struct net_queue *queue,
				      struct net_buffer_access *pool)
{
	UNUSED(queue);
	return pool;
}

static void expire(struct net_queue *queue)
{
	UNUSED(queue);
}

#endif

void net_queue_init(struct net_queue *queue, const struct net_queue_ops *ops,
		    struct net_endpoint *endpoint,
		    const struct net_queue_config *config)
{
	assert(ops->poll_ready && ops->rx_avail && ops->rx_poll &&
	       ops->tx_avail && ops->destroy);
	memset(queue, 0, sizeof(*queue));
	queue->ops = ops;
	queue->endpoint = endpoint;
	queue->config = *config;
	queue->stats = config->stats ? config->stats : &queue->own_stats;
	net_endpoint_queue_born(endpoint);
}

bool net_queue_poll_ready(struct net_queue *queue,
			  struct net_buffer_access *pool)
{
	bool ready = queue->ops->poll_ready(queue, lend(queue, pool));

	expire(queue);
	return ready;
}

void net_queue_rx_avail(struct net_queue *queue, struct net_buffer_access *pool,
			const struct net_rx_id *ids, size_t n)
{
	queue->ops->rx_avail(queue, lend(queue, pool), ids, n);
	expire(queue);
}

int net_queue_rx_poll(struct net_queue *queue, struct net_buffer_access *pool,
		      struct net_rx_packet *out, size_t max, size_t *n)
{
	int err;

	*n = 0;
	err = queue->ops->rx_poll(queue, lend(queue, pool), out, max, n);
	expire(queue);
	return err;
}

int net_queue_tx_avail(struct net_queue *queue, struct net_buffer_access *pool,
		       const struct net_tx_seg *segs, size_t n,
		       struct net_tx_taken *taken)
{
	int err;

	assert(net_packet_count(segs, n) >= 0);
	*taken = (struct net_tx_taken){0};
	err = queue->ops->tx_avail(queue, lend(queue, pool), segs, n, taken);
	expire(queue);
	assert(taken->n_segs <= n);
	assert(taken->n_segs == n || segs[taken->n_segs].type == NET_TX_HEAD);
	return err;
}

enum net_tx_error net_queue_tx_poll(struct net_queue *queue,
				    struct net_buffer_access *pool,
				    struct net_tx_id *out, size_t max,
				    size_t *n)
{
	enum net_tx_error err;

	*n = 0;
	if (!queue->ops->tx_poll)
		return NET_TX_OK;
	err = queue->ops->tx_poll(queue, lend(queue, pool), out, max, n);
	expire(queue);
	return err;
}

void net_queue_update_target_vp(struct net_queue *queue, uint32_t vp)
{
	queue->config.target_vp = vp;
	if (queue->ops->update_target_vp)
		queue->ops->update_target_vp(queue, vp);
}

void net_queue_inspect(struct net_queue *queue, struct inspect *in)
{
	inspect_str(in, "endpoint", net_endpoint_type(queue->endpoint));
	inspect_u64(in, "target_vp", queue->config.target_vp);
	inspect_bool(in, "vnet_hdr", queue->config.vnet_hdr);
	inspect_u64(in, "rx_span", queue->config.rx_span);
	if (queue->ops->inspect)
		queue->ops->inspect(queue, in);
}

const struct net_stats *net_queue_stats(const struct net_queue *queue)
{
	return queue->stats;
}

void net_queue_destroy(struct net_queue *queue)
{
	struct net_endpoint *endpoint = queue->endpoint;

	queue->ops->destroy(queue);
	net_endpoint_queue_died(endpoint);
}
