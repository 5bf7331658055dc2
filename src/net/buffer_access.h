/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_NET_BUFFER_ACCESS_H
#define EVNIC_NET_BUFFER_ACCESS_H

/*
 * BufferAccess ("the pool"): how a backend reaches the guest's buffers.
 *
 * Owner: the frontend, one for each queue, on the queue's loop. A queue gets it
 * as an argument and must not keep it: after the call it is expired, and in
 * debug builds each use of an expired pool fails with -ESTALE and is counted.
 *
 * A list of receive buffers {@ids, @n} is to be read as one packet: the first
 * buffer holds the virtio-net header (if the frontend has one) and the start
 * of the frame, the others go on with it. @n beyond 1 only within the queue's
 * rx_span. The ids are buffers that the queue holds.
 */

#include "base/guest_mem.h"
#include "net/types.h"

#include <sys/types.h>
#include <sys/uio.h>

struct net_buffer_access;

/* Where the addresses of guest_addresses() start. */
enum net_room {
	NET_ROOM_FRAME,	 /* at the first byte of the frame */
	NET_ROOM_HEADER, /* at the virtio-net header, NET_VNET_HDR_LEN bytes
			  * before the frame; vnet_hdr mode only */
};

/* What a frontend implements; called through the functions below. */
struct net_buffer_access_ops {
	const struct guest_mem *(*guest_memory)(struct net_buffer_access *pool);
	uint32_t (*capacity)(struct net_buffer_access *pool,
			     const struct net_rx_id *ids, size_t n);
	ssize_t (*guest_addresses)(struct net_buffer_access *pool,
				   const struct net_rx_id *ids, size_t n,
				   enum net_room room, uint32_t offset,
				   struct iovec *iov, size_t max);
	int (*write_data)(struct net_buffer_access *pool,
			  const struct net_rx_id *ids, size_t n,
			  uint32_t offset, const void *data, size_t len);
	int (*write_header)(struct net_buffer_access *pool,
			    const struct net_rx_id *ids, size_t n,
			    const struct net_rx_meta *meta);
	ssize_t (*packet_addresses)(struct net_buffer_access *pool,
				    const struct net_rx_packet *packet,
				    enum net_room room, struct iovec *iov,
				    size_t max);
	/* Optional; default: write_data of each piece, then write_header. */
	int (*write_packet)(struct net_buffer_access *pool,
			    const struct net_rx_id *ids, size_t n,
			    const struct net_rx_meta *meta,
			    const struct iovec *iov, size_t n_iov);
};

struct net_buffer_access {
	const struct net_buffer_access_ops *ops;
};

/* Guest memory, for the addresses in transmit segments. */
const struct guest_mem *net_pool_guest_memory(struct net_buffer_access *pool);

/* The longest frame that the buffers hold as one packet. */
uint32_t net_pool_capacity(struct net_buffer_access *pool,
			   const struct net_rx_id *ids, size_t n);

/* Writes to @iov where the packet's bytes go, from @offset (counted from
 * @room's start) to the end of the last buffer. Returns the number of entries
 * that describe all of it; if it is beyond @max, the first @max are written.
 * The pointers are good until the queue's op returns. -EFAULT: an address
 * outside guest memory. */
ssize_t net_pool_guest_addresses(struct net_buffer_access *pool,
				 const struct net_rx_id *ids, size_t n,
				 enum net_room room, uint32_t offset,
				 struct iovec *iov, size_t max);

/* As net_pool_guest_addresses(), but where the bytes of a received packet are:
 * one that rx_poll has returned in this very op, seen by a wrapper on its way
 * to the frontend. From @room's start to the end of the frame. */
ssize_t net_pool_packet_addresses(struct net_buffer_access *pool,
				  const struct net_rx_packet *packet,
				  enum net_room room, struct iovec *iov,
				  size_t max);

/* Copies bytes of the frame to their place, @offset bytes into the frame. 0,
 * -EMSGSIZE (beyond the buffers), -EFAULT. */
int net_pool_write_data(struct net_buffer_access *pool,
			const struct net_rx_id *ids, size_t n, uint32_t offset,
			const void *data, size_t len) MUST_CHECK;

/* Stores what the frontend's protocol says about a packet; once for each
 * packet, after its data. Not in vnet_hdr mode when the backend has written
 * the header itself. 0, -EINVAL (empty, or longer than the buffers), -EFAULT. */
int net_pool_write_header(struct net_buffer_access *pool,
			  const struct net_rx_id *ids, size_t n,
			  const struct net_rx_meta *meta) MUST_CHECK;

/* Writes a whole packet: the bytes of @iov, meta->len in all, then the
 * header. */
int net_pool_write_packet(struct net_buffer_access *pool,
			  const struct net_rx_id *ids, size_t n,
			  const struct net_rx_meta *meta,
			  const struct iovec *iov, size_t n_iov) MUST_CHECK;

#endif
