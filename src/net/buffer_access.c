/* SPDX-License-Identifier: MIT */
/*
 * BufferAccess: the wrappers, and what a frontend may leave out.
 */
#include "net/buffer_access.h"

#include <errno.h>

const struct guest_mem *net_pool_guest_memory(struct net_buffer_access *pool)
{
	return pool->ops->guest_memory(pool);
}

uint32_t net_pool_capacity(struct net_buffer_access *pool,
			   const struct net_rx_id *ids, size_t n)
{
	return pool->ops->capacity(pool, ids, n);
}

ssize_t net_pool_guest_addresses(struct net_buffer_access *pool,
				 const struct net_rx_id *ids, size_t n,
				 enum net_room room, uint32_t offset,
				 struct iovec *iov, size_t max)
{
	return pool->ops->guest_addresses(pool, ids, n, room, offset, iov, max);
}

ssize_t net_pool_packet_addresses(struct net_buffer_access *pool,
				  const struct net_rx_packet *packet,
				  enum net_room room, struct iovec *iov,
				  size_t max)
{
	return pool->ops->packet_addresses(pool, packet, room, iov, max);
}

int net_pool_write_data(struct net_buffer_access *pool,
			const struct net_rx_id *ids, size_t n, uint32_t offset,
			const void *data, size_t len)
{
	return pool->ops->write_data(pool, ids, n, offset, data, len);
}

int net_pool_write_header(struct net_buffer_access *pool,
			  const struct net_rx_id *ids, size_t n,
			  const struct net_rx_meta *meta)
{
	return pool->ops->write_header(pool, ids, n, meta);
}

/* Checks the length first, so that a packet which does not fit leaves the
 * buffers as they were. */
static int write_packet_by_pieces(struct net_buffer_access *pool,
				  const struct net_rx_id *ids, size_t n,
				  const struct net_rx_meta *meta,
				  const struct iovec *iov, size_t n_iov)
{
	uint32_t offset = 0;

	if (meta->len > net_pool_capacity(pool, ids, n))
		return -EMSGSIZE;
	for (size_t i = 0; i < n_iov; i++) {
		int err;

		if (iov[i].iov_len > meta->len - offset)
			return -EINVAL;
		err = net_pool_write_data(pool, ids, n, offset, iov[i].iov_base,
					  iov[i].iov_len);
		if (err < 0)
			return err;
		offset += (uint32_t)iov[i].iov_len;
	}
	if (offset != meta->len)
		return -EINVAL;
	return net_pool_write_header(pool, ids, n, meta);
}

int net_pool_write_packet(struct net_buffer_access *pool,
			  const struct net_rx_id *ids, size_t n,
			  const struct net_rx_meta *meta,
			  const struct iovec *iov, size_t n_iov)
{
	if (pool->ops->write_packet)
		return pool->ops->write_packet(pool, ids, n, meta, iov, n_iov);
	return write_packet_by_pieces(pool, ids, n, meta, iov, n_iov);
}
