/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_SOFTWARE_QUEUE_H
#define EVNIC_BACKENDS_SOFTWARE_QUEUE_H

/*
 * The queue of a software endpoint: what its files share.
 *
 * Thread: the queue's loop.
 */

#include "backends/software_pool.h"
#include "net/gso.h"
#include "net/wrapper.h"

/* Packets that were handed out by the frontend and not yet told complete. A
 * power of two, no more than slots. */
#define SOFTWARE_PACKETS 256
/* Inner packets that are offered at once. */
#define SOFTWARE_BATCH 64
/* Inner packets that one op makes at most: a large frame with tiny cuts must not
 * hold the loop. */
#define SOFTWARE_BUDGET 256

/* An inner packet. @meta: of its head. @packet: whose part it is, a number in
 * software_tx.packets. */
struct software_slot {
	struct net_tx_meta meta;
	uint32_t packet;
};

/* A packet of the frontend. @in_flight: its inner packets that the inner queue
 * has taken and not completed. @ended: it has taken the last one. @told: the
 * frontend knows that it is complete, or need not. */
struct software_packet {
	struct net_tx_id id;
	uint32_t in_flight;
	bool ended;
	bool told;
};

/* A step on the way of a packet: an inner packet in @slot of @n_segs segments,
 * or (@n_segs 0) none: the packet is lost, @why is counted. @gso_index: which of
 * the cuts. @outer_segs: of a packet's last step, the segments it had. */
struct software_step {
	uint32_t packet;
	uint16_t slot;
	uint16_t n_segs;
	uint16_t outer_segs;
	uint32_t gso_index;
	_Atomic uint64_t *why;
};

/* What is being offered: steps and their segments. */
struct software_batch {
	struct software_step steps[SOFTWARE_BATCH];
	size_t n_steps;
	struct net_tx_seg segs[2 * NET_TX_SEGS_MAX];
	size_t n_segs;
	bool full; /* no more steps now */
};

/* Where a walk over segments is. */
struct software_segs {
	const struct net_tx_seg *segs;
	size_t n;
	uint32_t skip;
};

/* @inner: what the inner queue takes. @inner_hdr: it gets virtio-net headers.
 * @ordered: packets complete in their order. @first, @end: numbers of the
 * packets not told, running freely. @partial: packet @end - 1 is cut by @gso,
 * and only a part of it was taken by the inner queue; its frontend will offer
 * it again. @more: there is work that nobody will tell us of. @starved: steps
 * waited for slots. @iov: the bytes of the packet in hand. */
struct software_tx {
	struct net_tx_offloads inner;
	bool inner_hdr;
	bool ordered;
	struct software_slot slots[SOFTWARE_SLOTS];
	uint16_t free[SOFTWARE_SLOTS];
	size_t n_free;
	struct software_packet packets[SOFTWARE_PACKETS];
	uint32_t first, end;
	struct net_gso gso;
	struct software_segs payload;
	bool partial;
	bool more, starved;
	size_t budget;
	struct software_batch batch;
	struct guest_mem_cache cache;
	struct iovec iov[NET_TX_SEGS_MAX];
};

/* @tx_passes: the inner queue takes whatever may come. @rx_passes: it delivers
 * only what the frontend takes. */
struct software_queue {
	struct net_wrapper_queue base;
	bool tx_passes, rx_passes;
	struct software_pool pool;
	struct software_tx tx;
};

static inline struct software_queue *software_queue_of(struct net_queue *queue)
{
	return container_of(net_wrapper_queue_of(queue), struct software_queue,
			    base);
}

/* The pool for the inner queue's ops. */
static inline struct net_buffer_access *software_lend(
	struct software_queue *q, struct net_buffer_access *pool)
{
	return q->tx_passes && q->rx_passes
		       ? pool
		       : software_pool_lend(&q->pool, pool);
}

/* Before the first op. */
void software_tx_init(struct software_queue *q);
/* Is there work that the inner queue will not tell of? */
bool software_tx_is_ready(const struct software_queue *q);
int software_tx_avail(struct net_queue *queue, struct net_buffer_access *pool,
		      const struct net_tx_seg *segs, size_t n,
		      struct net_tx_taken *taken);
enum net_tx_error software_tx_poll(struct net_queue *queue,
				   struct net_buffer_access *pool,
				   struct net_tx_id *out, size_t max,
				   size_t *n);

/* Adds the steps of a packet of the frontend to the batch, as many as there is
 * room for: software_step.c. @number: its number among the packets. */
void software_steps_add(struct software_queue *q,
			const struct net_tx_seg *packet, uint16_t n,
			uint32_t number);
/* Those of the partial packet that are left. */
void software_steps_resume(struct software_queue *q,
			   const struct net_tx_seg *packet, uint16_t n,
			   uint32_t number);

#endif
