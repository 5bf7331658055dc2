/* SPDX-License-Identifier: MIT */
/*
 * virtio-net receive (virtio 1.2, 5.1.6.3 and 5.1.6.4).
 *
 * A buffer is fetched once: its descriptors are copied and checked, its
 * addresses translated, and from then on only our own tables are used. A
 * buffer that cannot be used (no room for the header, an address outside
 * memory, descriptors in the wrong order) goes back to the guest empty and is
 * counted. Such buffers count as fetched, so a guest that offers nothing else
 * does not keep the loop.
 *
 * The table of stretches holds several rings' worth. A chain is fetched only
 * while the longest chain there can be would fit; the guest's others wait in
 * the ring until buffers are done.
 *
 * A frame that the guest's filter keeps out, or that was dropped on its way,
 * leaves its buffers to others: they are given to the endpoint's queue again,
 * after those that it has.
 *
 * A packet over several buffers (MRG_RXBUF) is put into the used ring buffer by
 * buffer and published as a whole, since the publish comes after all of it.
 */
#include "virtio/net_rx.h"

#include "base/bytes.h"
#include "net/vnet_hdr.h"
#include "virtio/net_defs.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Stretches in the table, for each entry of the ring. A power of two. */
#define SEGS_PER_ENTRY 8

/* @len: bytes in all, header included. @seg: the first of its @n_segs
 * stretches, running freely. */
struct virtio_net_rx_buf {
	uint32_t seg;
	uint32_t len;
	uint16_t n_segs;
	uint16_t head;
};

/* @host is NULL when the address is outside guest memory. */
struct virtio_net_rx_seg {
	uint64_t gpa;
	unsigned char *host;
	uint32_t len;
};

static struct virtio_net_rx *rx_of(struct net_buffer_access *pool)
{
	return container_of(pool, struct virtio_net_rx, pool);
}

static struct virtio_net_rx_buf *buf_at(const struct virtio_net_rx *rx,
					uint32_t i)
{
	return &rx->bufs[i & (rx->ring.size - 1U)];
}

static struct virtio_net_rx_seg *seg_at(const struct virtio_net_rx *rx,
					uint32_t i)
{
	return &rx->segs[i & (rx->n_segs - 1U)];
}

static uint32_t room_for_segs(const struct virtio_net_rx *rx)
{
	uint32_t first =
		rx->first == rx->end ? rx->seg_end : buf_at(rx, rx->first)->seg;

	return rx->n_segs - (rx->seg_end - first);
}

static bool can_fetch(const struct virtio_net_rx *rx)
{
	return rx->end - rx->first < rx->ring.size &&
	       room_for_segs(rx) >= rx->ring.size;
}

/* Where a walk over the bytes of a packet's buffers is. */
struct walk {
	const struct virtio_net_rx *rx;
	const struct net_rx_id *ids;
	size_t n;
	size_t buf;
	uint32_t seg;
	uint64_t skip;
};

static struct walk walk_from(const struct virtio_net_rx *rx,
			     const struct net_rx_id *ids, size_t n, uint64_t at)
{
	struct walk w = {.rx = rx, .ids = ids, .n = n, .skip = at};

	while (w.buf < n && w.skip >= buf_at(rx, ids[w.buf].v)->len)
		w.skip -= buf_at(rx, ids[w.buf++].v)->len;
	return w;
}

/* The next stretch that is not empty. */
static bool walk_next(struct walk *w, struct iovec *out)
{
	while (w->buf < w->n) {
		const struct virtio_net_rx_buf *buf =
			buf_at(w->rx, w->ids[w->buf].v);
		const struct virtio_net_rx_seg *seg;

		if (w->seg == buf->n_segs) {
			w->buf++;
			w->seg = 0;
			continue;
		}
		seg = seg_at(w->rx, buf->seg + w->seg);
		w->seg++;
		if (w->skip >= seg->len) {
			w->skip -= seg->len;
			continue;
		}
		out->iov_base = seg->host + w->skip;
		out->iov_len = seg->len - w->skip;
		w->skip = 0;
		return true;
	}
	return false;
}

/* All of the buffers: what a backend asks for most. */
static ssize_t whole_buffers(const struct virtio_net_rx *rx,
			     const struct net_rx_id *ids, size_t n,
			     struct iovec *iov, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		const struct virtio_net_rx_buf *buf = buf_at(rx, ids[i].v);

		for (uint32_t k = 0; k < buf->n_segs; k++, count++) {
			const struct virtio_net_rx_seg *seg =
				seg_at(rx, buf->seg + k);

			if (count < max)
				iov[count] =
					(struct iovec){seg->host, seg->len};
		}
	}
	return (ssize_t)count;
}

static uint64_t bytes_of(const struct virtio_net_rx *rx,
			 const struct net_rx_id *ids, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += buf_at(rx, ids[i].v)->len;
	return sum;
}

static int write_at(const struct virtio_net_rx *rx, const struct net_rx_id *ids,
		    size_t n, uint64_t at, const void *data, size_t len)
{
	struct walk w = walk_from(rx, ids, n, at);
	const unsigned char *from = data;
	struct iovec piece;

	if (len > UINT32_MAX || at + len > bytes_of(rx, ids, n))
		return -EMSGSIZE;
	while (len && walk_next(&w, &piece)) {
		size_t part = MIN(len, piece.iov_len);

		/* It may come from where the guest has also put a buffer. */
		memmove(piece.iov_base, from, part);
		from += part;
		len -= part;
	}
	return 0;
}

static const struct guest_mem *pool_guest_memory(struct net_buffer_access *pool)
{
	return rx_of(pool)->mem;
}

static uint32_t pool_capacity(struct net_buffer_access *pool,
			      const struct net_rx_id *ids, size_t n)
{
	uint64_t sum = bytes_of(rx_of(pool), ids, n);

	if (sum < NET_VNET_HDR_LEN)
		return 0;
	return (uint32_t)MIN(sum - NET_VNET_HDR_LEN, (uint64_t)UINT32_MAX);
}

static ssize_t pool_guest_addresses(struct net_buffer_access *pool,
				    const struct net_rx_id *ids, size_t n,
				    enum net_room room, uint32_t offset,
				    struct iovec *iov, size_t max)
{
	uint64_t at = (uint64_t)offset +
		      (room == NET_ROOM_FRAME ? (uint64_t)NET_VNET_HDR_LEN : 0);
	struct iovec piece;
	size_t count = 0;
	struct walk w;

	if (!at)
		return whole_buffers(rx_of(pool), ids, n, iov, max);
	w = walk_from(rx_of(pool), ids, n, at);
	while (walk_next(&w, &piece)) {
		if (count < max)
			iov[count] = piece;
		count++;
	}
	return (ssize_t)count;
}

static ssize_t pool_packet_addresses(struct net_buffer_access *pool,
				     const struct net_rx_packet *packet,
				     enum net_room room, struct iovec *iov,
				     size_t max)
{
	const struct virtio_net_rx *rx = rx_of(pool);
	uint64_t left = packet->meta.len;
	size_t count = 0;

	if (room == NET_ROOM_HEADER)
		left += NET_VNET_HDR_LEN;
	for (uint16_t i = 0; i < packet->n_ids && left; i++) {
		struct net_rx_id id = {(packet->first.v + i) &
				       (rx->ring.size - 1U)};
		struct walk w = walk_from(
			rx, &id, 1,
			i || room == NET_ROOM_HEADER ? 0 : NET_VNET_HDR_LEN);
		struct iovec piece;

		while (left && walk_next(&w, &piece)) {
			piece.iov_len = MIN((uint64_t)piece.iov_len, left);
			left -= piece.iov_len;
			if (count < max)
				iov[count] = piece;
			count++;
		}
	}
	return (ssize_t)count;
}

static int pool_write_data(struct net_buffer_access *pool,
			   const struct net_rx_id *ids, size_t n,
			   uint32_t offset, const void *data, size_t len)
{
	return write_at(rx_of(pool), ids, n,
			(uint64_t)offset + NET_VNET_HDR_LEN, data, len);
}

static int pool_write_header(struct net_buffer_access *pool,
			     const struct net_rx_id *ids, size_t n,
			     const struct net_rx_meta *meta)
{
	struct virtio_net_rx *rx = rx_of(pool);
	uint8_t hdr[NET_VNET_HDR_LEN];

	if (!meta->len || meta->len > pool_capacity(pool, ids, n))
		return -EINVAL;
	net_vnet_hdr_from_rx(meta, hdr);
	if (!(rx->features & VIRTIO_NET_F_GUEST_CSUM))
		hdr[0] = 0; /* 5.1.6.4.1 */
	store_le16(hdr + VNET_HDR_NUM_BUFFERS, (uint16_t)n);
	return write_at(rx, ids, n, 0, hdr, sizeof(hdr));
}

static const struct net_buffer_access_ops pool_ops = {
	.guest_memory = pool_guest_memory,
	.capacity = pool_capacity,
	.guest_addresses = pool_guest_addresses,
	.packet_addresses = pool_packet_addresses,
	.write_data = pool_write_data,
	.write_header = pool_write_header,
};

int virtio_net_rx_start(struct virtio_net_rx *rx, const struct guest_mem *mem,
			const struct virtio_queue_setup *setup,
			uint64_t features, struct net_stats *stats)
{
	int err;

	memset(rx, 0, sizeof(*rx));
	rx->pool.ops = &pool_ops;
	rx->setup = *setup;
	rx->mem = mem;
	rx->generation = mem->generation;
	rx->features = features;
	rx->stats = stats;
	err = split_ring_map(&rx->ring, mem, setup, features);
	if (err < 0)
		return err;
	rx->n_segs = SEGS_PER_ENTRY * (uint32_t)setup->size;
	rx->bufs = calloc(setup->size, sizeof(*rx->bufs));
	rx->segs = calloc(rx->n_segs, sizeof(*rx->segs));
	rx->scratch = calloc(setup->size, sizeof(*rx->scratch));
	if (rx->bufs && rx->segs && rx->scratch)
		return 0;
	virtio_net_rx_fini(rx);
	return -ENOMEM;
}

void virtio_net_rx_fini(struct virtio_net_rx *rx)
{
	free(rx->bufs);
	free(rx->segs);
	free(rx->scratch);
	rx->bufs = NULL;
	rx->segs = NULL;
	rx->scratch = NULL;
}

int virtio_net_rx_resume(struct virtio_net_rx *rx)
{
	int err;

	rx->given = rx->first;
	if (rx->generation == rx->mem->generation)
		return 0;
	for (uint32_t i = rx->first; i != rx->end; i++) {
		const struct virtio_net_rx_buf *buf = buf_at(rx, i);

		for (uint32_t k = 0; k < buf->n_segs; k++) {
			struct virtio_net_rx_seg *seg =
				seg_at(rx, buf->seg + k);

			seg->host = guest_mem_map(rx->mem, &rx->cache, seg->gpa,
						  seg->len);
			if (!seg->host)
				return -EFAULT;
		}
	}
	err = split_ring_remap(&rx->ring, &rx->setup);
	if (!err)
		rx->generation = rx->mem->generation;
	return err;
}

/* Adds a chain to the tables. False: it cannot be used. */
static bool take(struct virtio_net_rx *rx, const struct desc_chain *chain)
{
	struct virtio_net_rx_buf *buf = buf_at(rx, rx->end);
	const struct desc_seg *from = rx->scratch + chain->n_read;

	if (chain->misordered || chain->write_len < NET_VNET_HDR_LEN)
		return false;
	for (uint32_t i = 0; i < chain->n_write; i++) {
		struct virtio_net_rx_seg *seg = seg_at(rx, rx->seg_end + i);

		seg->gpa = from[i].gpa;
		seg->len = from[i].len;
		seg->host =
			guest_mem_map(rx->mem, &rx->cache, seg->gpa, seg->len);
		if (!seg->host)
			return false;
	}
	buf->seg = rx->seg_end;
	buf->n_segs = chain->n_write;
	buf->len = (uint32_t)MIN(chain->write_len, (uint64_t)UINT32_MAX);
	buf->head = chain->head;
	rx->held += buf->len;
	rx->seg_end += chain->n_write;
	rx->end++;
	return true;
}

size_t virtio_net_rx_fetch(struct virtio_net_rx *rx, struct net_rx_id *ids,
			   size_t max)
{
	struct desc_chain chain;
	size_t refused = 0, n = 0;

	while (n + refused < max) {
		if (rx->given == rx->end) {
			if (!can_fetch(rx) ||
			    !split_ring_fetch(&rx->ring, &chain, rx->scratch))
				break;
			if (!take(rx, &chain)) {
				split_ring_put(&rx->ring, chain.head, 0);
				net_stat_add(&rx->stats->rx_bad_buffers, 1);
				refused++;
				continue;
			}
		}
		ids[n++].v = rx->given++ & (rx->ring.size - 1U);
	}
	return n;
}

/* Copies the first bytes of a packet; returns how many. */
static size_t copy_start(const struct virtio_net_rx *rx,
			 const struct net_rx_packet *packet, uint8_t *start,
			 size_t max)
{
	size_t len = MIN(max, (size_t)packet->meta.len);
	size_t n = 0;

	for (uint16_t i = 0; i < packet->n_ids && n < len; i++) {
		struct net_rx_id id = {packet->first.v + i};
		struct walk w = walk_from(rx, &id, 1, i ? 0 : NET_VNET_HDR_LEN);
		struct iovec piece;

		while (n < len && walk_next(&w, &piece)) {
			size_t part = MIN(piece.iov_len, len - n);

			memcpy(start + n, piece.iov_base, part);
			n += part;
		}
	}
	return n;
}

static bool is_wanted(const struct virtio_net_rx *rx,
		      const struct net_rx_packet *packet)
{
	uint8_t start[NET_RX_FILTER_BYTES];
	size_t len;

	if (net_rx_filter_is_open(&rx->filter))
		return true;
	len = copy_start(rx, packet, start, sizeof(start));
	return net_rx_filter_passes(&rx->filter, start, len,
				    &packet->meta.vlan);
}

/* The oldest @n buffers, of a frame that is not wanted, go to the end of the
 * line. Where the table of stretches is full, they are copied onto
 * themselves. */
static void give_again(struct virtio_net_rx *rx, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		struct virtio_net_rx_buf buf = *buf_at(rx, rx->first++);
		uint32_t from = buf.seg;

		buf.seg = rx->seg_end;
		for (uint16_t k = 0; k < buf.n_segs; k++)
			*seg_at(rx, rx->seg_end++) = *seg_at(rx, from + k);
		*buf_at(rx, rx->end++) = buf;
	}
}

/* Completes the header that the endpoint's queue has written by itself. */
static void patch_header(struct virtio_net_rx *rx,
			 const struct net_rx_packet *packet)
{
	static const uint8_t no_flags;
	uint8_t num_buffers[2];

	/* The header stands in the first buffer: fetch saw to that. */
	store_le16(num_buffers, packet->n_ids);
	(void)write_at(rx, &packet->first, 1, VNET_HDR_NUM_BUFFERS, num_buffers,
		       sizeof(num_buffers));
	if (!(rx->features & VIRTIO_NET_F_GUEST_CSUM))
		(void)write_at(rx, &packet->first, 1, 0, &no_flags,
			       sizeof(no_flags));
}

static void done_one(struct virtio_net_rx *rx,
		     const struct net_rx_packet *packet)
{
	uint64_t left = (uint64_t)packet->meta.len + NET_VNET_HDR_LEN;

	assert(packet->first.v == (rx->first & (rx->ring.size - 1U)));
	assert(packet->n_ids && packet->n_ids <= rx->given - rx->first);
	if (!packet->meta.len || !is_wanted(rx, packet)) {
		give_again(rx, packet->n_ids);
		net_stat_add(&rx->stats->rx_filtered, packet->meta.len != 0);
		return;
	}
	if (packet->meta.vnet_hdr)
		patch_header(rx, packet);
	for (uint16_t i = 0; i < packet->n_ids; i++) {
		const struct virtio_net_rx_buf *buf = buf_at(rx, rx->first++);
		uint32_t len = (uint32_t)MIN(left, (uint64_t)buf->len);

		split_ring_put(&rx->ring, buf->head, len);
		rx->held -= buf->len;
		left -= len;
	}
	assert(!left);
}

void virtio_net_rx_done(struct virtio_net_rx *rx,
			const struct net_rx_packet *packets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		done_one(rx, &packets[i]);
}

bool virtio_net_rx_arm(struct virtio_net_rx *rx)
{
	/* While any frame would fit, whoever fills buffers waits for frames and
	 * not for buffers; more of them are fetched when one has come. */
	if (rx->held >= NET_VNET_HDR_LEN + NET_FRAME_MAX)
		return false;
	/* Without room there is nothing that a kick could help. */
	return can_fetch(rx) && split_ring_arm(&rx->ring);
}
