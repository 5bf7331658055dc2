/* SPDX-License-Identifier: MIT */
/*
 * Split virtqueue, the device's side.
 *
 * Guest memory is shared with the guest's CPUs, so the words that both sides
 * write are read and written with atomics. The pairs:
 *
 *   avail.idx    our acquire load with the guest's release store (its write
 *                barrier between descriptors and idx): what the idx covers is
 *                seen as the guest wrote it.
 *   used.idx     our release store with the guest's acquire load: what the idx
 *                covers is written before.
 *   used.idx, then used_event or avail.flags: a sequentially consistent fence
 *                pairs with the guest's fence between its store of used_event
 *                and its load of used.idx. One of the two sees the other's
 *                store, so no interrupt is lost (virtio 1.2, 2.7.7).
 *   avail_event or used.flags, then avail.idx: the same for kicks (2.7.10).
 *
 * The guest can write anything anywhere at any time. The ring's addresses and
 * size are fixed while it is mapped; indices are masked or compared before use;
 * a head is accepted only if it is not in flight, which bounds what is in
 * flight by the size of the ring.
 */
#include "virtio/split_ring.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "virtio/ring_defs.h"

#include <errno.h>
#include <string.h>

static uint16_t word_load(const unsigned char *p, int order)
{
	return le16toh(
		__atomic_load_n((const uint16_t *)(const void *)p, order));
}

static void word_store(unsigned char *p, uint16_t v, int order)
{
	__atomic_store_n((uint16_t *)(void *)p, htole16(v), order);
}

static void break_ring(struct split_ring *ring, const char *why)
{
	ring->broken = why;
}

static void *map_part(struct split_ring *ring, uint64_t gpa, size_t len,
		      unsigned int align)
{
	void *p = guest_mem_map(ring->table.mem, &ring->cache, gpa, len);

	/* Regions begin on pages, so that this is about the host too. */
	return (uintptr_t)p % align ? NULL : p;
}

int split_ring_remap(struct split_ring *ring,
		     const struct virtio_queue_setup *setup)
{
	ring->table.desc =
		map_part(ring, setup->desc, vring_desc_bytes(ring->size),
			 VRING_DESC_ALIGN);
	ring->avail =
		map_part(ring, setup->avail, vring_avail_bytes(ring->size),
			 VRING_AVAIL_ALIGN);
	ring->used = map_part(ring, setup->used, vring_used_bytes(ring->size),
			      VRING_USED_ALIGN);
	return ring->table.desc && ring->avail && ring->used ? 0 : -EFAULT;
}

int split_ring_map(struct split_ring *ring, const struct guest_mem *mem,
		   const struct virtio_queue_setup *setup, uint64_t features)
{
	memset(ring, 0, sizeof(*ring));
	if (!is_power_of_two(setup->size) ||
	    setup->size > VIRTIO_QUEUE_SIZE_MAX ||
	    setup->desc % VRING_DESC_ALIGN ||
	    setup->avail % VRING_AVAIL_ALIGN || setup->used % VRING_USED_ALIGN)
		return -EINVAL;
	ring->size = setup->size;
	ring->event_idx = (features & VIRTIO_F_EVENT_IDX) != 0;
	ring->table.size = setup->size;
	ring->table.indirect = (features & VIRTIO_F_INDIRECT_DESC) != 0;
	ring->table.mem = mem;
	ring->table.cache = &ring->cache;
	return split_ring_remap(ring, setup);
}

/* Reads the guest's idx. True: it covers more than was fetched. */
static bool look(struct split_ring *ring)
{
	uint16_t idx =
		word_load(ring->avail + VRING_AVAIL_IDX, __ATOMIC_ACQUIRE);

	if ((uint16_t)(idx - ring->avail_next) > ring->size) {
		break_ring(ring, "avail index jumps by more than the size");
		return false;
	}
	ring->avail_seen = idx;
	return idx != ring->avail_next;
}

bool split_ring_pending(struct split_ring *ring)
{
	if (ring->broken)
		return false;
	return ring->avail_next != ring->avail_seen || look(ring);
}

static uint64_t head_bit(uint16_t head)
{
	return 1ULL << (head % 64);
}

static bool is_in_flight(const struct split_ring *ring, uint16_t head)
{
	return (ring->in_flight[head / 64] & head_bit(head)) != 0;
}

bool split_ring_fetch_again(struct split_ring *ring, uint16_t head,
			    struct desc_chain *chain, struct desc_seg *segs)
{
	const char *wrong;

	if (ring->broken)
		return false;
	wrong = desc_chain_copy(&ring->table, head, chain, segs);
	if (wrong)
		break_ring(ring, wrong);
	return !wrong;
}

bool split_ring_fetch(struct split_ring *ring, struct desc_chain *chain,
		      struct desc_seg *segs)
{
	uint16_t head, slot;

	if (!split_ring_pending(ring))
		return false;
	slot = ring->avail_next & (uint16_t)(ring->size - 1);
	head = word_load(ring->avail + VRING_AVAIL_RING + 2 * (size_t)slot,
			 __ATOMIC_RELAXED);
	if (head >= ring->size) {
		break_ring(ring, "head outside the descriptor table");
		return false;
	}
	if (is_in_flight(ring, head)) {
		break_ring(ring, "head made available twice");
		return false;
	}
	if (!split_ring_fetch_again(ring, head, chain, segs))
		return false;
	ring->in_flight[head / 64] |= head_bit(head);
	ring->avail_next++;
	return true;
}

void split_ring_put(struct split_ring *ring, uint16_t head, uint32_t len)
{
	size_t slot = ring->used_next & (uint16_t)(ring->size - 1);
	unsigned char *elem =
		ring->used + VRING_USED_RING + VRING_USED_ELEM_SIZE * slot;

	store_le32(elem, head);
	store_le32(elem + 4, len);
	ring->in_flight[head / 64] &= ~head_bit(head);
	ring->used_next++;
}

/* Does the guest want an interrupt for entries [@old, @now)? */
static bool wants_interrupt(const struct split_ring *ring, uint16_t old,
			    uint16_t now)
{
	uint16_t event;

	if (!ring->event_idx)
		return !(word_load(ring->avail + VRING_AVAIL_FLAGS,
				   __ATOMIC_RELAXED) &
			 VRING_AVAIL_F_NO_INTERRUPT);
	event = word_load(ring->avail + vring_used_event(ring->size),
			  __ATOMIC_RELAXED);
	return (uint16_t)(now - event - 1) < (uint16_t)(now - old);
}

bool split_ring_publish(struct split_ring *ring)
{
	uint16_t old = ring->used_published;
	uint16_t now = ring->used_next;

	if (old == now)
		return false;
	word_store(ring->used + VRING_USED_IDX, now, __ATOMIC_RELEASE);
	ring->used_published = now;
	ring->publishes++;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!wants_interrupt(ring, old, now))
		return false;
	ring->interrupts++;
	return true;
}

bool split_ring_arm(struct split_ring *ring)
{
	if (ring->broken)
		return false;
	if (ring->event_idx)
		word_store(ring->used + vring_avail_event(ring->size),
			   ring->avail_next, __ATOMIC_RELAXED);
	else
		word_store(ring->used + VRING_USED_FLAGS, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return split_ring_pending(ring);
}

void split_ring_disarm(struct split_ring *ring)
{
	if (!ring->event_idx)
		word_store(ring->used + VRING_USED_FLAGS,
			   VRING_USED_F_NO_NOTIFY, __ATOMIC_RELAXED);
}
