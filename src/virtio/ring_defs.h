/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_VIRTIO_RING_DEFS_H
#define EVNIC_VIRTIO_RING_DEFS_H

/*
 * Layout of the split virtqueue (virtio 1.2, 2.7). Every field is little
 * endian. Offsets and sizes are bytes.
 */

#include <stddef.h>
#include <stdint.h>

/* Descriptor table (2.7.5): addr u64, len u32, flags u16, next u16. */
#define VRING_DESC_SIZE	      16
#define VRING_DESC_ADDR	      0
#define VRING_DESC_LEN	      8
#define VRING_DESC_FLAGS      12
#define VRING_DESC_NEXT	      14
#define VRING_DESC_F_NEXT     1
#define VRING_DESC_F_WRITE    2
#define VRING_DESC_F_INDIRECT 4

/* Avail ring (2.7.6): flags u16, idx u16, a head u16 for each entry, and
 * used_event u16. */
#define VRING_AVAIL_FLAGS	   0
#define VRING_AVAIL_IDX		   2
#define VRING_AVAIL_RING	   4
#define VRING_AVAIL_F_NO_INTERRUPT 1

/* Used ring (2.7.8): flags u16, idx u16, {head u32, len u32} for each entry,
 * and avail_event u16. */
#define VRING_USED_FLAGS       0
#define VRING_USED_IDX	       2
#define VRING_USED_RING	       4
#define VRING_USED_ELEM_SIZE   8
#define VRING_USED_F_NO_NOTIFY 1

/* Alignments (2.7). */
#define VRING_DESC_ALIGN  16
#define VRING_AVAIL_ALIGN 2
#define VRING_USED_ALIGN  4

static inline size_t vring_desc_bytes(uint16_t size)
{
	return (size_t)VRING_DESC_SIZE * size;
}

static inline size_t vring_used_event(uint16_t size)
{
	return VRING_AVAIL_RING + 2 * (size_t)size;
}

static inline size_t vring_avail_bytes(uint16_t size)
{
	return vring_used_event(size) + 2;
}

static inline size_t vring_avail_event(uint16_t size)
{
	return VRING_USED_RING + VRING_USED_ELEM_SIZE * (size_t)size;
}

static inline size_t vring_used_bytes(uint16_t size)
{
	return vring_avail_event(size) + 2;
}

#endif
