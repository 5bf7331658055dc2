/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_NET_PACKET_H
#define EVNIC_NET_PACKET_H

/*
 * Lists of transmit segments.
 *
 * Errors, never assertions: a list that is not whole packets is -EINVAL.
 */

#include "net/buffer_access.h"
#include "net/types.h"

/* The number of packets in @segs, or -EINVAL. */
ssize_t net_packet_count(const struct net_tx_seg *segs, size_t n);

/* The first packet of @segs: its segments go to *@packet and *@n_packet, the
 * others to the caller's next turn. 0, or -EINVAL. */
int net_packet_next(const struct net_tx_seg *segs, size_t n,
		    const struct net_tx_seg **packet,
		    size_t *n_packet) MUST_CHECK;

/* Copies the packet's bytes (the virtio-net header included, if it has one) to
 * @buf. Returns how many, -EMSGSIZE (more than @size), -EFAULT (outside guest
 * memory), -EINVAL (not a packet, or not as long as its head says). */
ssize_t net_packet_linearize(struct net_buffer_access *pool,
			     const struct net_tx_seg *packet, size_t n,
			     void *buf, size_t size);

/* Writes where the packet's bytes are to @iov (room for @n). 0 and the total
 * in *@len; -EFAULT. The pointers are good until the queue's op returns. */
int net_packet_iov(const struct guest_mem *mem, struct guest_mem_cache *cache,
		   const struct net_tx_seg *packet, size_t n, struct iovec *iov,
		   size_t *len) MUST_CHECK;

#endif
