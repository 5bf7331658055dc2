/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_SOFTWARE_POOL_H
#define EVNIC_BACKENDS_SOFTWARE_POOL_H

/*
 * The pool that a software queue's inner queue sees: the frontend's, with one
 * more region of memory behind the guest's, and a look at received headers.
 *
 * The region is the bounce: the headers that software has written, which the
 * inner queue takes by address like everything else. It lies where no guest has
 * memory; what comes from outside is looked up in the guest's own table first.
 *
 * Thread: the queue's loop.
 */

#include "net/buffer_access.h"
#include "net/stats.h"

/* Room for the virtio-net header and NET_HEADERS_MAX bytes of frame. */
#define SOFTWARE_SLOT_LEN 256
#define SOFTWARE_SLOTS	  256

/* Beyond the 52 bits of a physical address. */
#define SOFTWARE_BOUNCE_GPA (1ULL << 62)

/* The most places that a received frame may lie in, if it is to be finished. */
#define SOFTWARE_RX_IOV 1024

/* @outer: the frontend's pool, while an op runs. @mem: the guest's regions, as
 * of @source at @generation, and the bounce. @rx: what the frontend takes. */
struct software_pool {
	struct net_buffer_access base;
	struct net_buffer_access *outer;
	struct guest_mem mem;
	const struct guest_mem *source;
	uint64_t generation;
	struct net_rx_offloads rx;
	unsigned char *bounce;
	struct iovec iov[SOFTWARE_RX_IOV];
};

/* 0 or -ENOMEM. */
int software_pool_init(struct software_pool *pool,
		       const struct net_rx_offloads *rx) MUST_CHECK;
void software_pool_fini(struct software_pool *pool);

/* The pool for an inner op, while @outer is good. */
struct net_buffer_access *software_pool_lend(struct software_pool *pool,
					     struct net_buffer_access *outer);

/* A slot's bytes, and where the inner queue finds them. */
static inline unsigned char *software_pool_slot(struct software_pool *pool,
						uint16_t slot)
{
	return pool->bounce + (size_t)slot * SOFTWARE_SLOT_LEN;
}

static inline uint64_t software_pool_slot_gpa(uint16_t slot)
{
	return SOFTWARE_BOUNCE_GPA + (uint64_t)slot * SOFTWARE_SLOT_LEN;
}

/* A packet that came with its virtio-net header in place: finishes it if the
 * frontend does not take it as it is. One that cannot be finished is emptied
 * (meta.len 0). Within an op. */
void software_pool_finish_packet(struct software_pool *pool,
				 struct net_rx_packet *packet,
				 struct net_stats *stats);

#endif
