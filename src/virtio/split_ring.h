/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_VIRTIO_SPLIT_RING_H
#define EVNIC_VIRTIO_SPLIT_RING_H

/*
 * The device's side of a split virtqueue (virtio 1.2, 2.7).
 *
 * Owner: a queue of a device. Thread: mapped on the control loop while nothing
 * runs; everything else on the queue's loop.
 *
 * A burst: fetch chains, work, put each into the used ring with
 * split_ring_put(), then split_ring_publish() once, which says whether the
 * guest is to be interrupted. Kicks are off except between split_ring_arm()
 * and split_ring_disarm().
 *
 * Broken: when the guest has made nonsense of the ring, @broken says what and
 * fetch finds nothing any more. The queue stays so until it is mapped anew.
 */

#include "virtio/desc_chain.h"
#include "virtio/device.h"

#include <stdbool.h>
#include <stdint.h>

/* The positions run freely, modulo 2^16 (as the guest's do). @in_flight: a bit
 * for each head that was fetched and not put yet. */
struct split_ring {
	struct desc_table table;
	unsigned char *avail, *used;
	uint16_t size;
	bool event_idx;
	uint16_t avail_next;	 /* the entry to fetch next */
	uint16_t avail_seen;	 /* the guest's idx, as last read */
	uint16_t used_next;	 /* entries put */
	uint16_t used_published; /* entries that the guest may see */
	uint64_t in_flight[VIRTIO_QUEUE_SIZE_MAX / 64];
	const char *broken;
	struct guest_mem_cache cache;
	uint64_t publishes, interrupts;
};

/* Maps the ring that the guest has set up and starts at its beginning. 0,
 * -EINVAL (size or alignment), -EFAULT (outside guest memory). */
int split_ring_map(struct split_ring *ring, const struct guest_mem *mem,
		   const struct virtio_queue_setup *setup,
		   uint64_t features) MUST_CHECK;

/* Finds the same ring again after the memory table has changed, and goes on
 * where it was. 0, -EFAULT. */
int split_ring_remap(struct split_ring *ring,
		     const struct virtio_queue_setup *setup) MUST_CHECK;

/* Takes the next chain that the guest has made available. @segs: room for
 * ring->size. False: there is none, or the ring is broken. */
bool split_ring_fetch(struct split_ring *ring, struct desc_chain *chain,
		      struct desc_seg *segs);

/* Copies a chain again that was fetched and not put, for a user who did not
 * keep it. Nothing that was true of the first copy need be true of this one.
 * False: the ring is broken now. */
bool split_ring_fetch_again(struct split_ring *ring, uint16_t head,
			    struct desc_chain *chain, struct desc_seg *segs);

/* Is there a chain to fetch? Always false of a broken ring. */
bool split_ring_pending(struct split_ring *ring);

/* Puts a chain that was fetched into the used ring; the guest sees it after
 * the next publish. @len: bytes written to its buffers. */
void split_ring_put(struct split_ring *ring, uint16_t head, uint32_t len);

/* Shows the guest what was put since the last time. True: it wants an
 * interrupt for it. */
bool split_ring_publish(struct split_ring *ring);

/* Asks for a kick when the guest makes the next chain available. True: it has
 * done so already, and there may be no kick for it. */
bool split_ring_arm(struct split_ring *ring);

/* No kicks, please. With EVENT_IDX there is nothing to write: the event index
 * falls behind, and the guest kicks at most once in 2^16 chains. */
void split_ring_disarm(struct split_ring *ring);

#endif
