/* SPDX-License-Identifier: MIT */
/*
 * The pool between a software queue and its inner queue.
 *
 * Memory: a table of the guest's regions and the bounce. Guest memory may
 * change between two ops; then its generation differs and the table is built
 * again, which raises the table's own generation: who caches a translation
 * notices.
 *
 * Receive: the inner queue says what a frame is when all its bytes are in place,
 * by write_header or by a virtio-net header of its own. There a checksum that is
 * still needed is computed, if the frontend does not do it. A frame that was
 * merged out of several cannot be cut in place: write_header refuses it, and the
 * inner queue drops and counts it as one that does not fit.
 */
#include "backends/software_pool.h"

#include "net/iov.h"
#include "net/offload.h"
#include "net/vnet_hdr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct software_pool *self(struct net_buffer_access *pool)
{
	return container_of(pool, struct software_pool, base);
}

/* What has no room in the table is as if it were not there. */
static void build_table(struct software_pool *pool,
			const struct guest_mem *source)
{
	struct guest_mem_region bounce = {
		.gpa = SOFTWARE_BOUNCE_GPA,
		.size = (uint64_t)SOFTWARE_SLOTS * SOFTWARE_SLOT_LEN,
		.host = pool->bounce,
		.fd = -1,
	};

	guest_mem_clear(&pool->mem);
	(void)!guest_mem_add(&pool->mem, &bounce);
	for (size_t i = 0; i < source->n_regions; i++)
		(void)!guest_mem_add(&pool->mem, &source->regions[i]);
	pool->source = source;
	pool->generation = source->generation;
}

static const struct guest_mem *pool_guest_memory(struct net_buffer_access *base)
{
	struct software_pool *pool = self(base);
	const struct guest_mem *source = net_pool_guest_memory(pool->outer);

	if (!source)
		return NULL;
	if (source != pool->source || source->generation != pool->generation)
		build_table(pool, source);
	return &pool->mem;
}

static uint32_t pool_capacity(struct net_buffer_access *base,
			      const struct net_rx_id *ids, size_t n)
{
	return net_pool_capacity(self(base)->outer, ids, n);
}

static ssize_t pool_guest_addresses(struct net_buffer_access *base,
				    const struct net_rx_id *ids, size_t n,
				    enum net_room room, uint32_t offset,
				    struct iovec *iov, size_t max)
{
	return net_pool_guest_addresses(self(base)->outer, ids, n, room, offset,
					iov, max);
}

static ssize_t pool_packet_addresses(struct net_buffer_access *base,
				     const struct net_rx_packet *packet,
				     enum net_room room, struct iovec *iov,
				     size_t max)
{
	return net_pool_packet_addresses(self(base)->outer, packet, room, iov,
					 max);
}

static int pool_write_data(struct net_buffer_access *base,
			   const struct net_rx_id *ids, size_t n,
			   uint32_t offset, const void *data, size_t len)
{
	return net_pool_write_data(self(base)->outer, ids, n, offset, data,
				   len);
}

/* Does the frontend take frames that were merged like this? */
static bool takes_gso(const struct net_rx_offloads *rx,
		      const struct net_offload *offload)
{
	if (offload->gso_ecn && !rx->ecn)
		return false;
	switch (offload->gso) {
	case NET_GSO_NONE:
		return true;
	case NET_GSO_TCPV4:
		return rx->tso4;
	case NET_GSO_TCPV6:
		return rx->tso6;
	case NET_GSO_UDP:
		return rx->uso;
	case NET_GSO_UDP_FRAG:
		break;
	}
	return false;
}

static bool takes(const struct net_rx_offloads *rx,
		  const struct net_offload *offload)
{
	return takes_gso(rx, offload) && (rx->csum || !offload->csum_needed);
}

/* Computes the checksum of the first @len bytes at pool->iov[0] to
 * pool->iov[@n - 1]. */
static int finish(struct software_pool *pool, size_t n, size_t len,
		  struct net_offload *offload)
{
	size_t i = 0;
	int err;

	while (i < n && len) {
		pool->iov[i].iov_len = MIN(pool->iov[i].iov_len, len);
		len -= pool->iov[i++].iov_len;
	}
	err = net_offload_finish(offload, pool->iov, i);
	offload->csum_needed = false;
	return err;
}

static int pool_write_header(struct net_buffer_access *base,
			     const struct net_rx_id *ids, size_t n,
			     const struct net_rx_meta *meta)
{
	struct software_pool *pool = self(base);
	struct net_rx_meta finished = *meta;
	ssize_t count;
	int err;

	if (takes(&pool->rx, &meta->offload))
		return net_pool_write_header(pool->outer, ids, n, meta);
	if (!takes_gso(&pool->rx, &meta->offload))
		return -EINVAL;
	count = net_pool_guest_addresses(pool->outer, ids, n, NET_ROOM_FRAME, 0,
					 pool->iov, ARRAY_SIZE(pool->iov));
	if (count < 0)
		return (int)count;
	if ((size_t)count > ARRAY_SIZE(pool->iov))
		return -EINVAL;
	err = finish(pool, (size_t)count, meta->len, &finished.offload);
	if (err < 0)
		return err;
	finished.l4_csum = NET_CSUM_GOOD;
	return net_pool_write_header(pool->outer, ids, n, &finished);
}

static const struct net_buffer_access_ops pool_ops = {
	.guest_memory = pool_guest_memory,
	.capacity = pool_capacity,
	.guest_addresses = pool_guest_addresses,
	.packet_addresses = pool_packet_addresses,
	.write_data = pool_write_data,
	.write_header = pool_write_header,
};

int software_pool_init(struct software_pool *pool,
		       const struct net_rx_offloads *rx)
{
	memset(pool, 0, sizeof(*pool));
	pool->base.ops = &pool_ops;
	pool->rx = *rx;
	guest_mem_init(&pool->mem);
	pool->bounce = calloc(SOFTWARE_SLOTS, SOFTWARE_SLOT_LEN);
	return pool->bounce ? 0 : -ENOMEM;
}

void software_pool_fini(struct software_pool *pool)
{
	free(pool->bounce);
	pool->bounce = NULL;
}

struct net_buffer_access *software_pool_lend(struct software_pool *pool,
					     struct net_buffer_access *outer)
{
	pool->outer = outer;
	return &pool->base;
}

/* Takes the header off the front of pool->iov. Returns how many entries are
 * left, at pool->iov[0]. */
static size_t skip_header(struct software_pool *pool, size_t n)
{
	size_t left = NET_VNET_HDR_LEN, i = 0;

	while (i < n && left >= pool->iov[i].iov_len)
		left -= pool->iov[i++].iov_len;
	memmove(pool->iov, pool->iov + i, (n - i) * sizeof(pool->iov[0]));
	if (i < n) {
		pool->iov[0].iov_base =
			(unsigned char *)pool->iov[0].iov_base + left;
		pool->iov[0].iov_len -= left;
	}
	return n - i;
}

/* 0: the frame is as the frontend wants it. */
static int finish_in_place(struct software_pool *pool,
			   const struct net_rx_packet *packet)
{
	uint8_t hdr[NET_VNET_HDR_LEN];
	struct net_iov_walk header;
	struct net_offload offload;
	struct iovec first;
	ssize_t count;
	int err;

	count = net_pool_packet_addresses(pool->outer, packet, NET_ROOM_HEADER,
					  pool->iov, ARRAY_SIZE(pool->iov));
	if (count <= 0 || (size_t)count > ARRAY_SIZE(pool->iov))
		return -EINVAL;
	first = pool->iov[0];
	header = net_iov_walk(pool->iov, (size_t)count);
	if (net_iov_read(&header, hdr, sizeof(hdr)) != sizeof(hdr))
		return -EINVAL;
	err = net_vnet_hdr_parse(hdr, packet->meta.len, &offload);
	if (err < 0)
		return err;
	if (takes(&pool->rx, &offload))
		return 0;
	/* A header in pieces is not worth its code: no guest has such. */
	if (!takes_gso(&pool->rx, &offload) || first.iov_len < sizeof(hdr))
		return -EINVAL;
	err = finish(pool, skip_header(pool, (size_t)count), packet->meta.len,
		     &offload);
	if (err < 0)
		return err;
	net_vnet_hdr_build(&offload, hdr);
	hdr[0] |= VNET_HDR_F_DATA_VALID;
	memcpy(first.iov_base, hdr, VNET_HDR_NUM_BUFFERS);
	return 0;
}

void software_pool_finish_packet(struct software_pool *pool,
				 struct net_rx_packet *packet,
				 struct net_stats *stats)
{
	if (!packet->meta.len || finish_in_place(pool, packet) == 0)
		return;
	packet->meta.len = 0;
	net_stat_add(&stats->rx_dropped, 1);
}
