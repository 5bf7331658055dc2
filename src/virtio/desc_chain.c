/* SPDX-License-Identifier: MIT */
/*
 * Descriptor chains: one walk, one copy of each descriptor.
 *
 * A walk reads at most as many descriptors as the queue has (virtio 1.2,
 * 2.7.5.1: a chain is no longer than that), so a loop ends as a chain that is
 * too long. An indirect table takes the walk over for its rest: a descriptor
 * that names one ends the main chain (2.7.5.3.1: not both INDIRECT and NEXT),
 * and a table inside a table is refused.
 */
#include "virtio/desc_chain.h"

#include "base/bytes.h"
#include "virtio/ring_defs.h"

#include <string.h>

struct desc {
	uint64_t gpa;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

/* The table that the walk is in: the queue's or an indirect one. */
struct walk {
	const unsigned char *desc;
	uint32_t size;
	bool inside;
};

/* The one read of a descriptor. The fence keeps the compiler from reading guest
 * memory again in place of the copy. */
static struct desc desc_copy(const unsigned char *table, uint32_t i)
{
	unsigned char raw[VRING_DESC_SIZE];

	memcpy(raw, table + (size_t)i * VRING_DESC_SIZE, sizeof(raw));
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	return (struct desc){
		.gpa = load_le64(raw + VRING_DESC_ADDR),
		.len = load_le32(raw + VRING_DESC_LEN),
		.flags = load_le16(raw + VRING_DESC_FLAGS),
		.next = load_le16(raw + VRING_DESC_NEXT),
	};
}

static const char *enter(const struct desc_table *table,
			 const struct desc *desc, struct walk *walk)
{
	if (!table->indirect)
		return "indirect descriptor without VIRTIO_F_INDIRECT_DESC";
	if (walk->inside)
		return "indirect table inside an indirect table";
	if (desc->flags & VRING_DESC_F_NEXT)
		return "indirect descriptor with a next one";
	if (!desc->len || desc->len % VRING_DESC_SIZE)
		return "indirect table of an odd size";
	if (desc->len / VRING_DESC_SIZE > table->size)
		return "indirect table larger than the queue";
	walk->desc =
		guest_mem_map(table->mem, table->cache, desc->gpa, desc->len);
	if (!walk->desc)
		return "indirect table outside guest memory";
	walk->size = desc->len / VRING_DESC_SIZE;
	walk->inside = true;
	return NULL;
}

static void add(struct desc_chain *chain, struct desc_seg *segs,
		const struct desc *desc)
{
	if (!desc->len)
		return;
	segs[chain->n_read + chain->n_write] = (struct desc_seg){
		.gpa = desc->gpa,
		.len = desc->len,
	};
	if (desc->flags & VRING_DESC_F_WRITE) {
		chain->n_write++;
		chain->write_len += desc->len;
	} else {
		chain->misordered |= chain->n_write > 0;
		chain->n_read++;
		chain->read_len += desc->len;
	}
}

const char *desc_chain_copy(const struct desc_table *table, uint16_t head,
			    struct desc_chain *chain, struct desc_seg *segs)
{
	struct walk walk = {.desc = table->desc, .size = table->size};
	uint32_t left = table->size;
	uint32_t at = head;
	const char *wrong;

	*chain = (struct desc_chain){.head = head};
	while (left) {
		struct desc desc = desc_copy(walk.desc, at);

		if (desc.flags & VRING_DESC_F_INDIRECT) {
			wrong = enter(table, &desc, &walk);
			if (wrong)
				return wrong;
			at = 0;
			continue;
		}
		add(chain, segs, &desc);
		left--;
		if (!(desc.flags & VRING_DESC_F_NEXT))
			return NULL;
		at = desc.next;
		if (at >= walk.size)
			return "next descriptor outside its table";
	}
	return "descriptor chain longer than the queue";
}
