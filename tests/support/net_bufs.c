/* SPDX-License-Identifier: MIT */
/*
 * A BufferAccess over plain memory.
 *
 * Receive memory is a row of pieces, each followed by GUARD bytes of a fixed
 * value: a write one byte beyond a piece is seen. A position in a packet is
 * turned into an address by stretch(), everything else is built on it.
 */
#include "support/net_bufs.h"

#include "base/checked.h"
#include "net/vnet_hdr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GUARD	   16
#define GUARD_BYTE 0xa5

static struct net_bufs *self(struct net_buffer_access *pool)
{
	return container_of(pool, struct net_bufs, base);
}

static uint32_t piece_len(const struct net_bufs *b)
{
	return b->config.piece ? b->config.piece : b->config.buf_len;
}

static size_t pieces_of(const struct net_bufs *b)
{
	return (b->config.buf_len + piece_len(b) - 1) / piece_len(b);
}

static uint32_t room(const struct net_bufs *b)
{
	return b->config.header_room ? NET_VNET_HDR_LEN : 0;
}

/* All bytes of the buffers, the header's room included. */
static uint64_t total_len(const struct net_bufs *b, const struct net_rx_id *ids,
			  size_t n)
{
	uint64_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += b->bufs[ids[i].v].len;
	if (b->faults.capacity)
		total = MIN(total, (uint64_t)b->faults.capacity + room(b));
	return total;
}

/* The longest stretch of one piece at byte @at of the packet. False: @at is
 * beyond the end. */
static bool stretch(const struct net_bufs *b, const struct net_rx_id *ids,
		    size_t n, uint64_t at, uint64_t *gpa, uint32_t *len)
{
	uint64_t total = total_len(b, ids, n), left = total - at;
	uint32_t size = piece_len(b);
	size_t which = 0, slot;

	if (at >= total)
		return false;
	while (at >= b->bufs[ids[which].v].len)
		at -= b->bufs[ids[which++].v].len;
	slot = ids[which].v * pieces_of(b) + at / size;
	*gpa = NET_BUFS_RX_GPA + slot * (size + GUARD) + at % size;
	*len = (uint32_t)MIN(size - at % size,
			     (uint64_t)b->bufs[ids[which].v].len - at);
	*len = (uint32_t)MIN(*len, left);
	if (b->faults.bad_id == ids[which].v)
		*gpa = NET_BUFS_BAD_GPA;
	return true;
}

/* May the backend name these buffers? */
static bool may_use(struct net_bufs *b, const struct net_rx_id *ids, size_t n)
{
	bool ok = n && n <= b->config.rx_span;

	for (size_t i = 0; ok && i < n; i++)
		ok = ids[i].v < b->config.n_bufs && b->bufs[ids[i].v].held;
	b->violations += !ok;
	return ok;
}

static bool fault_now(struct net_bufs *b)
{
	return b->faults.efault_at && --b->faults.efault_at == 0;
}

static const struct guest_mem *op_guest_memory(struct net_buffer_access *pool)
{
	self(pool)->calls.guest_memory++;
	return &self(pool)->mem;
}

static uint32_t op_capacity(struct net_buffer_access *pool,
			    const struct net_rx_id *ids, size_t n)
{
	struct net_bufs *b = self(pool);
	uint64_t total;

	b->calls.capacity++;
	if (!may_use(b, ids, n))
		return 0;
	total = total_len(b, ids, n);
	return total > room(b) ? (uint32_t)(total - room(b)) : 0;
}

static ssize_t op_guest_addresses(struct net_buffer_access *pool,
				  const struct net_rx_id *ids, size_t n,
				  enum net_room from, uint32_t offset,
				  struct iovec *iov, size_t max)
{
	struct net_bufs *b = self(pool);
	uint64_t gpa, at = offset;
	size_t count = 0;
	uint32_t len;

	b->calls.guest_addresses++;
	if (!may_use(b, ids, n))
		return -EINVAL;
	if (from == NET_ROOM_HEADER && !room(b)) {
		b->violations++;
		return -EINVAL;
	}
	if (fault_now(b))
		return -EFAULT;
	if (from == NET_ROOM_FRAME)
		at += room(b);
	for (; stretch(b, ids, n, at, &gpa, &len); at += len, count++) {
		void *host = guest_mem_map(&b->mem, &b->cache, gpa, len);

		if (!host)
			return -EFAULT;
		if (count < max)
			iov[count] = (struct iovec){host, len};
	}
	return (ssize_t)count;
}

static ssize_t op_packet_addresses(struct net_buffer_access *pool,
				   const struct net_rx_packet *packet,
				   enum net_room from, struct iovec *iov,
				   size_t max)
{
	struct net_bufs *b = self(pool);
	uint64_t left = packet->meta.len, at = 0, gpa;
	size_t first = 0, count = 0;
	uint32_t len;

	while (first < b->n_order && b->order[first].v != packet->first.v)
		first++;
	if (packet->n_ids > b->n_order - first ||
	    !may_use(b, &b->order[first], packet->n_ids))
		return -EINVAL;
	if (from == NET_ROOM_FRAME)
		at = room(b);
	else
		left += room(b);
	while (left &&
	       stretch(b, &b->order[first], packet->n_ids, at, &gpa, &len)) {
		len = (uint32_t)MIN((uint64_t)len, left);
		if (count < max)
			iov[count] = (struct iovec){
				guest_mem_map(&b->mem, &b->cache, gpa, len),
				len};
		count++;
		at += len;
		left -= len;
	}
	return (ssize_t)count;
}

static int store(struct net_bufs *b, const struct net_rx_id *ids, size_t n,
		 uint64_t at, const unsigned char *from, size_t len)
{
	uint64_t gpa;
	uint32_t part;

	if (len > total_len(b, ids, n) || at > total_len(b, ids, n) - len)
		return -EMSGSIZE;
	for (; len; from += part, at += part, len -= part) {
		if (!stretch(b, ids, n, at, &gpa, &part))
			return -EMSGSIZE;
		part = (uint32_t)MIN((size_t)part, len);
		if (guest_mem_write(&b->mem, gpa, from, part) < 0)
			return -EFAULT;
	}
	return 0;
}

static int op_write_data(struct net_buffer_access *pool,
			 const struct net_rx_id *ids, size_t n, uint32_t offset,
			 const void *data, size_t len)
{
	struct net_bufs *b = self(pool);

	b->calls.write_data++;
	if (!may_use(b, ids, n))
		return -EINVAL;
	b->violations += b->bufs[ids[0].v].headers != 0;
	if (fault_now(b))
		return -EFAULT;
	return store(b, ids, n, (uint64_t)offset + room(b), data, len);
}

static int op_write_header(struct net_buffer_access *pool,
			   const struct net_rx_id *ids, size_t n,
			   const struct net_rx_meta *meta)
{
	struct net_bufs *b = self(pool);
	uint8_t hdr[NET_VNET_HDR_LEN];
	struct net_bufs_buf *buf;

	b->calls.write_header++;
	if (!may_use(b, ids, n))
		return -EINVAL;
	buf = &b->bufs[ids[0].v];
	b->violations += buf->headers != 0;
	if (fault_now(b))
		return -EFAULT;
	if (!meta->len || meta->len + (uint64_t)room(b) > total_len(b, ids, n))
		return -EINVAL;
	if (room(b)) {
		net_vnet_hdr_from_rx(meta, hdr);
		hdr[VNET_HDR_NUM_BUFFERS] = (uint8_t)n;
		hdr[VNET_HDR_NUM_BUFFERS + 1] = (uint8_t)(n >> 8);
		if (store(b, ids, n, 0, hdr, sizeof(hdr)) < 0)
			return -EFAULT;
	}
	buf->headers++;
	buf->meta = *meta;
	buf->meta_ids = n;
	return 0;
}

static const struct net_buffer_access_ops ops = {
	.guest_memory = op_guest_memory,
	.capacity = op_capacity,
	.guest_addresses = op_guest_addresses,
	.packet_addresses = op_packet_addresses,
	.write_data = op_write_data,
	.write_header = op_write_header,
};

static int add_region(struct net_bufs *b, uint64_t gpa, unsigned char *host,
		      size_t len)
{
	struct guest_mem_region region = {
		.gpa = gpa,
		.size = len,
		.host = host,
		.fd = -1,
	};

	return guest_mem_add(&b->mem, &region);
}

int net_bufs_init(struct net_bufs *b, const struct net_bufs_config *config)
{
	size_t slots;

	memset(b, 0, sizeof(*b));
	b->base.ops = &ops;
	b->config = *config;
	b->faults.bad_id = -1;
	guest_mem_init(&b->mem);
	slots = config->n_bufs * pieces_of(b);
	b->rx_len = slots * (piece_len(b) + GUARD);
	b->rx = malloc(b->rx_len);
	b->tx = malloc(config->tx_len);
	b->bufs = calloc(config->n_bufs, sizeof(*b->bufs));
	b->order = calloc(config->n_bufs, sizeof(*b->order));
	if (!b->rx || !b->tx || !b->bufs || !b->order ||
	    add_region(b, NET_BUFS_RX_GPA, b->rx, b->rx_len) < 0 ||
	    add_region(b, NET_BUFS_TX_GPA, b->tx, config->tx_len) < 0) {
		net_bufs_fini(b);
		return -ENOMEM;
	}
	memset(b->rx, GUARD_BYTE, b->rx_len);
	for (size_t i = 0; i < config->n_bufs; i++)
		b->bufs[i].len = config->buf_len;
	return 0;
}

void net_bufs_fini(struct net_bufs *b)
{
	guest_mem_clear(&b->mem);
	free(b->rx);
	free(b->tx);
	free(b->bufs);
	free(b->order);
	b->rx = NULL;
	b->tx = NULL;
	b->bufs = NULL;
	b->order = NULL;
}

void net_bufs_set_len(struct net_bufs *b, uint32_t id, uint32_t len)
{
	b->bufs[id].len = MIN(len, b->config.buf_len);
}

void net_bufs_note_given(struct net_bufs *b, const struct net_rx_id *ids,
			 size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct net_bufs_buf *buf = &b->bufs[ids[i].v];

		buf->held = true;
		buf->headers = 0;
		b->order[b->n_order++] = ids[i];
	}
}

void net_bufs_give(struct net_bufs *b, struct net_queue *queue, uint32_t first,
		   size_t n)
{
	struct net_rx_id id;

	for (size_t i = 0; i < n; i++) {
		id.v = first + (uint32_t)i;
		net_bufs_note_given(b, &id, 1);
		net_queue_rx_avail(queue, &b->base, &id, 1);
	}
}

void net_bufs_reclaim(struct net_bufs *b)
{
	for (size_t i = 0; i < b->config.n_bufs; i++)
		b->bufs[i].held = false;
	b->n_order = 0;
}

static ssize_t load(const struct net_bufs *b, const struct net_rx_id *ids,
		    size_t n, unsigned char *to, size_t len)
{
	uint64_t gpa;
	uint32_t part;

	for (size_t at = 0; at < len; at += part) {
		if (!stretch(b, ids, n, at, &gpa, &part))
			return -EPROTO;
		part = (uint32_t)MIN((size_t)part, len - at);
		if (guest_mem_read(&b->mem, gpa, to + at, part) < 0)
			return -EPROTO;
	}
	return (ssize_t)len;
}

ssize_t net_bufs_take(struct net_bufs *b, const struct net_rx_packet *packet,
		      void *buf, size_t size)
{
	size_t at = 0, n = packet->n_ids;
	size_t len = packet->meta.len + room(b);
	const struct net_bufs_buf *first;
	ssize_t got;

	while (at < b->n_order && b->order[at].v != packet->first.v)
		at++;
	if (!n || at == b->n_order || n > b->n_order - at || len > size)
		return -EPROTO;
	first = &b->bufs[packet->first.v];
	if (!packet->meta.vnet_hdr &&
	    (first->headers != 1 || first->meta_ids != n ||
	     first->meta.len != packet->meta.len))
		return -EPROTO;
	got = load(b, &b->order[at], n, buf, len);
	for (size_t i = at; i < at + n; i++)
		b->bufs[b->order[i].v].held = false;
	memmove(&b->order[at], &b->order[at + n],
		(b->n_order - at - n) * sizeof(b->order[0]));
	b->n_order -= n;
	return got;
}

size_t net_bufs_tx(struct net_bufs *b, struct net_tx_meta *meta,
		   const void *bytes, size_t len, size_t piece,
		   struct net_tx_seg *segs, size_t max)
{
	size_t n = 0, done = 0, start = b->tx_used;

	if (len > b->config.tx_len - start)
		return 0;
	memcpy(b->tx + start, bytes, len);
	do {
		size_t part = piece ? MIN(piece, len - done) : len;

		if (n == max)
			return 0;
		segs[n] = (struct net_tx_seg){
			.gpa = NET_BUFS_TX_GPA + start + done,
			.len = (uint32_t)part,
			.type = n ? NET_TX_TAIL : NET_TX_HEAD,
			.meta = n ? NULL : meta,
		};
		done += part;
		n++;
	} while (done < len);
	b->tx_used += len;
	meta->len = (uint32_t)(len - (meta->vnet_hdr ? NET_VNET_HDR_LEN : 0));
	meta->n_segs = (uint16_t)n;
	return n;
}

void net_bufs_tx_reset(struct net_bufs *b)
{
	b->tx_used = 0;
}

bool net_bufs_guards_ok(const struct net_bufs *b)
{
	size_t step = piece_len(b) + GUARD;

	for (size_t at = 0; at < b->rx_len; at += step) {
		for (size_t i = piece_len(b); i < step; i++) {
			if (b->rx[at + i] != GUARD_BYTE)
				return false;
		}
	}
	return true;
}
