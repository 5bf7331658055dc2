/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_VIRTIO_DESC_CHAIN_H
#define EVNIC_VIRTIO_DESC_CHAIN_H

/*
 * Descriptor chains of a split virtqueue (virtio 1.2, 2.7.5), copied out of
 * guest memory and checked.
 *
 * Each descriptor is copied once and the copy is checked; nothing of the table
 * is read again. What a chain may be is checked here: its shape and the number
 * of its descriptors. Whether its addresses lie in guest memory is found out by
 * whoever uses them.
 *
 * Thread: the queue's loop.
 */

#include "base/guest_mem.h"

#include <stdbool.h>
#include <stdint.h>

/* A stretch of guest memory that a descriptor names; not empty. */
struct desc_seg {
	uint64_t gpa;
	uint32_t len;
};

/* Where descriptors are. @desc: the mapped table of @size descriptors.
 * @indirect: VIRTIO_F_INDIRECT_DESC was accepted; @mem and @cache find the
 * indirect tables. */
struct desc_table {
	const unsigned char *desc;
	uint16_t size;
	bool indirect;
	const struct guest_mem *mem;
	struct guest_mem_cache *cache;
};

/* A chain: first @n_read segments for the device to read, @read_len bytes, then
 * @n_write to write. Empty descriptors are left out. @misordered: something to
 * read came after something to write (2.7.4.2 forbids it). The sums cannot
 * wrap: a chain has at most 2^15 descriptors of less than 2^32 bytes. */
struct desc_chain {
	uint16_t head;
	uint16_t n_read, n_write;
	uint64_t read_len, write_len;
	bool misordered;
};

/* Copies the chain that starts at @head (less than table->size) to @chain and
 * its segments to @segs, which has room for table->size. NULL, or what is
 * wrong: the guest has broken the queue. */
const char *desc_chain_copy(const struct desc_table *table, uint16_t head,
			    struct desc_chain *chain,
			    struct desc_seg *segs) MUST_CHECK;

#endif
