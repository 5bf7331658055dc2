/* SPDX-License-Identifier: MIT */
/*
 * Lists of transmit segments.
 */
#include "net/packet.h"

#include "base/checked.h"

#include <errno.h>

int net_packet_next(const struct net_tx_seg *segs, size_t n,
		    const struct net_tx_seg **packet, size_t *n_packet)
{
	size_t n_segs;

	if (!n || segs[0].type != NET_TX_HEAD || !segs[0].meta)
		return -EINVAL;
	n_segs = segs[0].meta->n_segs;
	if (!n_segs || n_segs > n)
		return -EINVAL;
	for (size_t i = 1; i < n_segs; i++) {
		if (segs[i].type != NET_TX_TAIL)
			return -EINVAL;
	}
	*packet = segs;
	*n_packet = n_segs;
	return 0;
}

ssize_t net_packet_count(const struct net_tx_seg *segs, size_t n)
{
	const struct net_tx_seg *packet;
	ssize_t count = 0;
	size_t n_packet;

	for (; n; segs += n_packet, n -= n_packet) {
		if (net_packet_next(segs, n, &packet, &n_packet) < 0)
			return -EINVAL;
		count++;
	}
	return count;
}

ssize_t net_packet_linearize(struct net_buffer_access *pool,
			     const struct net_tx_seg *packet, size_t n,
			     void *buf, size_t size)
{
	const struct guest_mem *mem = net_pool_guest_memory(pool);
	const struct net_tx_seg *first;
	unsigned char *to = buf;
	size_t n_packet, wanted, len = 0;
	int err;

	err = net_packet_next(packet, n, &first, &n_packet);
	if (err < 0 || n_packet != n)
		return -EINVAL;
	if (!mem)
		return -ESTALE;
	wanted = first->meta->len;
	if (first->meta->vnet_hdr)
		wanted += NET_VNET_HDR_LEN;
	for (size_t i = 0; i < n; i++) {
		if (packet[i].len > size - len)
			return -EMSGSIZE;
		err = guest_mem_read(mem, packet[i].gpa, to + len,
				     packet[i].len);
		if (err < 0)
			return err;
		len += packet[i].len;
	}
	return len == wanted ? (ssize_t)len : -EINVAL;
}

int net_packet_iov(const struct guest_mem *mem, struct guest_mem_cache *cache,
		   const struct net_tx_seg *packet, size_t n, struct iovec *iov,
		   size_t *len)
{
	size_t total = 0;

	for (size_t i = 0; i < n; i++) {
		void *host =
			guest_mem_map(mem, cache, packet[i].gpa, packet[i].len);

		if (!host || !checked_add_size(total, packet[i].len, &total))
			return -EFAULT;
		iov[i].iov_base = host;
		iov[i].iov_len = packet[i].len;
	}
	*len = total;
	return 0;
}
