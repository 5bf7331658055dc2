/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_SUPPORT_NET_BUFS_H
#define EVNIC_TESTS_SUPPORT_NET_BUFS_H

/*
 * A BufferAccess over plain memory, for tests: a frontend without a ring.
 *
 * It has guest memory of its own: receive buffers (each in one or more pieces,
 * with guard bytes after every piece) and a stretch of transmit memory. It
 * records what a backend does with it, counts what a backend must not do, and
 * misbehaves on request.
 *
 * Thread: that of the queue.
 */

#include "base/guest_mem.h"
#include "net/buffer_access.h"
#include "net/queue.h"

#define NET_BUFS_RX_GPA 0x100000ULL
#define NET_BUFS_TX_GPA 0x40000000ULL
/* No memory is here. */
#define NET_BUFS_BAD_GPA 0x7000000000ULL

/* @n_bufs: receive buffers, ids 0 to n_bufs - 1. @buf_len: bytes of each, the
 * header's room included. @piece: bytes of each piece of a buffer; 0: one
 * piece. @header_room: the first NET_VNET_HDR_LEN bytes of a packet are a
 * virtio-net header. @rx_span: as in the queue's configuration. @tx_len: bytes
 * of transmit memory. */
struct net_bufs_config {
	size_t n_bufs;
	uint32_t buf_len;
	uint32_t piece;
	bool header_room;
	uint16_t rx_span;
	size_t tx_len;
};

/* The calls that a backend has made. */
struct net_bufs_calls {
	unsigned int guest_memory, capacity, guest_addresses;
	unsigned int write_data, write_header, write_packet;
};

/* @bad_id: this buffer's address lies outside guest memory; -1: none.
 * @capacity: packets have room for this many bytes at most; 0: no limit.
 * @efault_at: of the calls of guest_addresses, write_data and write_header from
 * now on, this one (the first is 1) fails with -EFAULT; 0: none. */
struct net_bufs_faults {
	int64_t bad_id;
	uint32_t capacity;
	unsigned int efault_at;
};

/* One receive buffer. @meta, @meta_ids: from write_header, if this is the first
 * buffer of a packet. */
struct net_bufs_buf {
	uint32_t len;
	bool held;
	unsigned int headers;
	struct net_rx_meta meta;
	size_t meta_ids;
};

struct net_bufs {
	struct net_buffer_access base;
	struct net_bufs_config config;
	struct guest_mem mem;
	struct guest_mem_cache cache;
	unsigned char *rx, *tx;
	size_t rx_len, tx_used;
	struct net_bufs_buf *bufs;
	struct net_rx_id *order; /* held buffers, oldest first */
	size_t n_order;
	struct net_bufs_calls calls;
	struct net_bufs_faults faults;
	/* What a backend must not do: use of a buffer that it does not hold,
	 * lists longer than rx_span, data after the header, two headers. */
	unsigned int violations;
};

/* 0 or -ENOMEM. */
int net_bufs_init(struct net_bufs *bufs,
		  const struct net_bufs_config *config) MUST_CHECK;
void net_bufs_fini(struct net_bufs *bufs);

/* Makes a buffer shorter than the others. */
void net_bufs_set_len(struct net_bufs *bufs, uint32_t id, uint32_t len);

/* Gives buffers @first to @first + @n - 1 to the queue. */
void net_bufs_give(struct net_bufs *bufs, struct net_queue *queue,
		   uint32_t first, size_t n);

/* As a frontend would note buffers that somebody else gives (the worker). */
void net_bufs_note_given(struct net_bufs *bufs, const struct net_rx_id *ids,
			 size_t n);

/* The queue is gone: all buffers are ours again. */
void net_bufs_reclaim(struct net_bufs *bufs);

/* Takes the buffers of a received packet back and copies the frame (with the
 * header in front, if there is room for one) to @buf. Returns the bytes, or
 * -EPROTO: the packet names buffers that were not given, not in this order, or
 * not in agreement with write_header. */
ssize_t net_bufs_take(struct net_bufs *bufs, const struct net_rx_packet *packet,
		      void *buf, size_t size);

/* Puts a packet's bytes (the header first, if meta->vnet_hdr) into transmit
 * memory and describes them by segments of at most @piece bytes (0: one).
 * Sets meta->len and meta->n_segs; the caller sets the rest. Returns the
 * number of segments, 0 if there is no room. */
size_t net_bufs_tx(struct net_bufs *bufs, struct net_tx_meta *meta,
		   const void *bytes, size_t len, size_t piece,
		   struct net_tx_seg *segs, size_t max);

/* Forgets what was put there. */
void net_bufs_tx_reset(struct net_bufs *bufs);

/* Are all guard bytes as they were? */
bool net_bufs_guards_ok(const struct net_bufs *bufs);

#endif
