/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_VIRTIO_NET_RX_H
#define EVNIC_VIRTIO_NET_RX_H

/*
 * The receive queue of a virtio-net queue pair: the guest's buffers, and the
 * BufferAccess through which the endpoint's queue fills them.
 *
 * Thread: started and finished on the control loop while nothing runs;
 * everything else on the pair's loop.
 *
 * A receive buffer's id is its place in the order in which the guest made them
 * available, modulo the size of the ring. The endpoint is ordered, so buffers
 * are done in that order too, and both tables are rings.
 */

#include "net/buffer_access.h"
#include "net/rx_filter.h"
#include "virtio/net.h"
#include "virtio/split_ring.h"

struct virtio_net_rx_buf;
struct virtio_net_rx_seg;

/* @setup: as the guest has set the queue up. @bufs: ring.size buffers, those
 * from @first to @end held, those before @given by the endpoint's queue (all
 * three run freely). @segs: the stretches of the buffers held, translated, in a
 * ring of @n_segs; @seg_end runs freely. @held: bytes of the buffers held.
 * @scratch: ring.size segments. @filter: which frames the guest gets; set before
 * the first of them. */
struct virtio_net_rx {
	struct net_buffer_access pool;
	struct virtio_queue_setup setup;
	struct split_ring ring;
	const struct guest_mem *mem;
	struct guest_mem_cache cache;
	uint64_t generation;
	uint64_t features;
	struct virtio_net_rx_buf *bufs;
	struct virtio_net_rx_seg *segs;
	struct desc_seg *scratch;
	uint32_t n_segs;
	uint32_t first, given, end;
	uint32_t seg_end;
	uint64_t held;
	struct net_rx_filter filter;
	struct net_stats *stats;
};

/* Maps the ring and makes the tables. 0 or -errno. @stats: borrowed. */
int virtio_net_rx_start(struct virtio_net_rx *rx, const struct guest_mem *mem,
			const struct virtio_queue_setup *setup,
			uint64_t features, struct net_stats *stats) MUST_CHECK;
void virtio_net_rx_fini(struct virtio_net_rx *rx);

/* A new endpoint queue is going to be driven: what the last one held is given
 * again, in the same order. 0, or -EFAULT (the memory table has changed, and
 * the ring is not in it any more). */
int virtio_net_rx_resume(struct virtio_net_rx *rx) MUST_CHECK;

/* As net_worker_ops. */
size_t virtio_net_rx_fetch(struct virtio_net_rx *rx, struct net_rx_id *ids,
			   size_t max);
void virtio_net_rx_done(struct virtio_net_rx *rx,
			const struct net_rx_packet *packets, size_t n);

/* Asks for kicks, if more buffers would help. True: there are some to fetch. */
bool virtio_net_rx_arm(struct virtio_net_rx *rx);

#endif
