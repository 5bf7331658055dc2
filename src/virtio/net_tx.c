/* SPDX-License-Identifier: MIT */
/*
 * virtio-net transmit (virtio 1.2, 5.1.6.1 and 5.1.6.2).
 *
 * Each packet has a slot from the time it is fetched until it is complete. The
 * slot keeps the head of its chain and the metadata; the segments go to the
 * worker. A packet that could not be handed out (no room in the worker's list)
 * or was not taken by a queue that is gone is copied from the ring again, and
 * checked again.
 *
 * In vnet_hdr mode the segments are the whole chain, and nothing of the packet
 * is read. Otherwise the header and the start of the frame are copied out, the
 * header is turned into metadata, and the segments begin after it.
 *
 * A packet that cannot be sent is dropped: completed at once, counted by
 * reason. It counts as fetched, so a guest that sends nothing else does not
 * keep the loop.
 */
#include "virtio/net_tx.h"

#include "net/headers.h"
#include "net/vnet_hdr.h"
#include "virtio/net_defs.h"
#include "virtio/net_features.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(VIRTIO_QUEUE_SIZE_MAX <= NET_TX_SEGS_MAX,
	       "the longest chain fits the worker's list");

struct virtio_net_tx_slot {
	uint16_t head;
	bool done;
	struct net_tx_meta meta;
};

static struct virtio_net_tx_slot *slot_at(const struct virtio_net_tx *tx,
					  uint32_t i)
{
	return &tx->slots[i & (tx->ring.size - 1U)];
}

int virtio_net_tx_start(struct virtio_net_tx *tx, const struct guest_mem *mem,
			const struct virtio_queue_setup *setup,
			uint64_t features, bool vnet_hdr,
			struct net_stats *stats)
{
	int err;

	memset(tx, 0, sizeof(*tx));
	tx->setup = *setup;
	tx->mem = mem;
	tx->generation = mem->generation;
	tx->features = features;
	tx->vnet_hdr = vnet_hdr;
	tx->stats = stats;
	err = split_ring_map(&tx->ring, mem, setup, features);
	if (err < 0)
		return err;
	tx->slots = calloc(setup->size, sizeof(*tx->slots));
	tx->scratch = calloc(setup->size, sizeof(*tx->scratch));
	if (tx->slots && tx->scratch)
		return 0;
	virtio_net_tx_fini(tx);
	return -ENOMEM;
}

void virtio_net_tx_fini(struct virtio_net_tx *tx)
{
	free(tx->slots);
	free(tx->scratch);
	tx->slots = NULL;
	tx->scratch = NULL;
}

/* Frees the slots of the oldest packets that are complete. */
static void retire(struct virtio_net_tx *tx)
{
	while (tx->first != tx->next && slot_at(tx, tx->first)->done)
		tx->first++;
}

static void complete(struct virtio_net_tx *tx, struct virtio_net_tx_slot *slot)
{
	split_ring_put(&tx->ring, slot->head, 0);
	slot->done = true;
	retire(tx);
}

void virtio_net_tx_rewind(struct virtio_net_tx *tx, struct net_tx_id tail)
{
	tx->next = tx->first + ((tail.v - tx->first) & (tx->ring.size - 1U));
}

int virtio_net_tx_resume(struct virtio_net_tx *tx)
{
	int err;

	if (tx->generation != tx->mem->generation) {
		err = split_ring_remap(&tx->ring, &tx->setup);
		if (err < 0)
			return err;
		tx->generation = tx->mem->generation;
	}
	for (uint32_t i = tx->first; i != tx->next; i++) {
		if (slot_at(tx, i)->done)
			continue;
		complete(tx, slot_at(tx, i));
		net_stat_add(&tx->stats->tx_lost, 1);
	}
	return 0;
}

/* Copies the first bytes of the chain. Returns how many, at most @max; 0 for an
 * address outside memory. */
static size_t peek(const struct virtio_net_tx *tx,
		   const struct desc_chain *chain, uint8_t *buf, size_t max)
{
	size_t n = 0;

	for (uint32_t i = 0; i < chain->n_read && n < max; i++) {
		size_t part = MIN((size_t)tx->scratch[i].len, max - n);

		if (guest_mem_read(tx->mem, tx->scratch[i].gpa, buf + n, part) <
		    0)
			return 0;
		n += part;
	}
	return n;
}

/* Takes the header off the chain's segments. */
static void strip_header(struct desc_chain *chain, struct desc_seg *segs)
{
	uint32_t left = NET_VNET_HDR_LEN;
	uint16_t skip = 0;

	while (left >= segs[skip].len)
		left -= segs[skip++].len;
	segs[skip].gpa += left;
	segs[skip].len -= left;
	chain->n_read = (uint16_t)(chain->n_read - skip);
	memmove(segs, segs + skip, chain->n_read * sizeof(*segs));
}

/* Turns the header into metadata. False: the packet cannot be sent. */
static bool read_header(struct virtio_net_tx *tx, struct desc_chain *chain,
			struct net_tx_meta *meta)
{
	uint8_t start[NET_VNET_HDR_LEN + NET_HEADERS_MAX];
	size_t n = peek(tx, chain, start, sizeof(start));

	if (!n) {
		net_stat_add(&tx->stats->tx_bad_address, 1);
		return false;
	}
	if (net_vnet_hdr_to_tx(start, start + NET_VNET_HDR_LEN,
			       n - NET_VNET_HDR_LEN, meta) < 0 ||
	    !virtio_net_features_allow(tx->features, &meta->offload)) {
		net_stat_add(&tx->stats->tx_bad_header, 1);
		return false;
	}
	strip_header(chain, tx->scratch);
	return true;
}

/* Can a chain of this shape be sent? */
static bool has_right_shape(struct virtio_net_tx *tx,
			    const struct desc_chain *chain)
{
	_Atomic uint64_t *reason = NULL;

	if (chain->misordered)
		reason = &tx->stats->tx_misordered;
	else if (chain->read_len < NET_VNET_HDR_LEN)
		reason = &tx->stats->tx_no_header;
	else if (chain->read_len < NET_VNET_HDR_LEN + VIRTIO_NET_FRAME_MIN)
		reason = &tx->stats->tx_runt;
	else if (chain->read_len > NET_VNET_HDR_LEN + NET_FRAME_MAX)
		reason = &tx->stats->tx_oversize;
	if (reason)
		net_stat_add(reason, 1);
	return !reason;
}

/* Writes the packet's segments to @segs. Returns how many, 0: it was counted
 * as one that cannot be sent. */
static size_t prepare(struct virtio_net_tx *tx, uint32_t i,
		      struct desc_chain *chain, struct net_tx_seg *segs)
{
	struct net_tx_meta *meta = &slot_at(tx, i)->meta;

	if (!has_right_shape(tx, chain))
		return 0;
	*meta = (struct net_tx_meta){
		.id.v = i & (tx->ring.size - 1U),
		.len = (uint32_t)chain->read_len - NET_VNET_HDR_LEN,
		.vnet_hdr = tx->vnet_hdr,
	};
	if (!tx->vnet_hdr && !read_header(tx, chain, meta))
		return 0;
	meta->n_segs = chain->n_read;
	for (uint16_t k = 0; k < chain->n_read; k++)
		segs[k] = (struct net_tx_seg){
			.gpa = tx->scratch[k].gpa,
			.len = tx->scratch[k].len,
			.type = k ? NET_TX_TAIL : NET_TX_HEAD,
			.meta = k ? NULL : meta,
		};
	return meta->n_segs;
}

/* Copies the chain of the next packet to hand out, from a slot or from the
 * ring. */
static bool next_chain(struct virtio_net_tx *tx, struct desc_chain *chain)
{
	while (tx->next != tx->end && slot_at(tx, tx->next)->done)
		tx->next++; /* dropped before the rewind */
	retire(tx);
	if (tx->next != tx->end)
		return split_ring_fetch_again(&tx->ring,
					      slot_at(tx, tx->next)->head,
					      chain, tx->scratch);
	if (tx->end - tx->first == tx->ring.size ||
	    !split_ring_fetch(&tx->ring, chain, tx->scratch))
		return false;
	slot_at(tx, tx->end)->head = chain->head;
	slot_at(tx, tx->end)->done = false;
	tx->end++;
	return true;
}

size_t virtio_net_tx_fetch(struct virtio_net_tx *tx, struct net_tx_seg *segs,
			   size_t max, size_t max_packets)
{
	struct desc_chain chain;
	size_t total = 0;

	for (size_t i = 0; i < max_packets; i++) {
		uint32_t at;
		size_t n;

		if (!next_chain(tx, &chain) || chain.n_read > max - total)
			break;
		at = tx->next++;
		n = prepare(tx, at, &chain, segs + total);
		if (!n)
			complete(tx, slot_at(tx, at));
		total += n;
	}
	return total;
}

void virtio_net_tx_done(struct virtio_net_tx *tx, const struct net_tx_id *ids,
			size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct virtio_net_tx_slot *slot = slot_at(tx, ids[i].v);

		complete(tx, slot);
	}
}

bool virtio_net_tx_arm(struct virtio_net_tx *tx)
{
	if (tx->next != tx->end)
		return !tx->ring.broken;
	return tx->end - tx->first < tx->ring.size && split_ring_arm(&tx->ring);
}
