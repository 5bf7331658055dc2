/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_VIRTIO_NET_TX_H
#define EVNIC_VIRTIO_NET_TX_H

/*
 * The transmit queue of a virtio-net queue pair: from chains to segments.
 *
 * Thread: started and finished on the control loop while nothing runs;
 * everything else on the pair's loop.
 *
 * A packet's id is its place in the order in which the guest made it available,
 * modulo the size of the ring.
 */

#include "net/types.h"
#include "virtio/net.h"
#include "virtio/split_ring.h"

struct virtio_net_tx_slot;

/* @setup: as the guest has set the queue up. @slots: ring.size packets: those
 * from @first to @end are not complete, those before @next have been handed out
 * (all three run freely). @vnet_hdr: the endpoint's queue gets the headers.
 * @scratch: ring.size segments. */
struct virtio_net_tx {
	struct virtio_queue_setup setup;
	struct split_ring ring;
	const struct guest_mem *mem;
	uint64_t generation;
	uint64_t features;
	bool vnet_hdr;
	struct virtio_net_tx_slot *slots;
	struct desc_seg *scratch;
	uint32_t first, next, end;
	struct net_stats *stats;
};

/* Maps the ring and makes the tables. 0 or -errno. @stats: borrowed. */
int virtio_net_tx_start(struct virtio_net_tx *tx, const struct guest_mem *mem,
			const struct virtio_queue_setup *setup,
			uint64_t features, bool vnet_hdr,
			struct net_stats *stats) MUST_CHECK;
void virtio_net_tx_fini(struct virtio_net_tx *tx);

/* The endpoint's queue is gone. @tail: the first packet that it had not taken;
 * that one and those after it are handed out again. */
void virtio_net_tx_rewind(struct virtio_net_tx *tx, struct net_tx_id tail);

/* A new endpoint queue is going to be driven: what the last one had taken and
 * not completed is completed now. 0, or -EFAULT (the memory table has changed,
 * and the ring is not in it any more). */
int virtio_net_tx_resume(struct virtio_net_tx *tx) MUST_CHECK;

/* As net_worker_ops. */
size_t virtio_net_tx_fetch(struct virtio_net_tx *tx, struct net_tx_seg *segs,
			   size_t max, size_t max_packets);
void virtio_net_tx_done(struct virtio_net_tx *tx, const struct net_tx_id *ids,
			size_t n);

/* Asks for kicks. True: there are packets to fetch. */
bool virtio_net_tx_arm(struct virtio_net_tx *tx);

#endif
