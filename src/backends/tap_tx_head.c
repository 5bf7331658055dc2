/* SPDX-License-Identifier: MIT */
/*
 * The start of a packet that comes with metadata instead of a virtio-net header.
 *
 * The kernel gets a header that says the same. Two things that metadata can ask
 * for it does not do: it takes a VLAN tag only in the frame, and it leaves the
 * IPv4 header's checksum alone (unless it cuts the frame). Then the frame's
 * start is copied and changed in the copy, since the frame is the guest's; the
 * rest goes out from where it is.
 */
#include "backends/tap_queue.h"

#include "net/offload.h"
#include "net/vnet_hdr.h"

#include <errno.h>

/* How many bytes of the frame have to be copied, or -EINVAL. */
static ssize_t copied_len(const struct net_tx_meta *meta)
{
	size_t len = 0;

	if (meta->vlan.present)
		len = NET_VLAN_AT;
	if (net_offload_wants_ipv4(meta)) {
		if (meta->l2_len < NET_ETHERNET_LEN ||
		    meta->l3_len < NET_IPV4_LEN_MIN ||
		    meta->l3_len > TAP_TX_IPV4_MAX)
			return -EINVAL;
		len = (size_t)meta->l2_len + meta->l3_len;
	}
	return len <= meta->len ? (ssize_t)len : -EINVAL;
}

/* Does to the @len bytes at @frame what the kernel would not. */
static int change(const struct net_tx_meta *meta, uint8_t *frame, size_t len)
{
	uint8_t *ip = frame + meta->l2_len;

	if (net_offload_wants_ipv4(meta)) {
		if (ip[0] >> 4 != 4 || (ip[0] & 15U) * 4 != meta->l3_len)
			return -EINVAL;
		net_offload_finish_ipv4(ip, meta->l3_len);
	}
	if (meta->vlan.present)
		net_vlan_insert(frame, len, &meta->vlan);
	return 0;
}

static int make_header(const struct net_tx_meta *meta,
		       uint8_t hdr[NET_VNET_HDR_LEN])
{
	struct net_offload offload;
	int err = net_offload_of_tx(meta, &offload);

	if (!err && meta->vlan.present)
		err = net_vlan_shift(&offload, NET_VLAN_TAG_LEN);
	if (!err)
		net_vnet_hdr_build(&offload, hdr);
	return err;
}

int tap_tx_put_head(struct tap_tx *tx, const struct net_tx_meta *meta, size_t n,
		    struct iovec **iov)
{
	struct net_iov_walk walk = net_iov_walk(&tx->iov[1], n);
	uint8_t *frame = tx->head + NET_VNET_HDR_LEN;
	ssize_t copied = copied_len(meta);
	struct iovec *rest;
	int err;

	if (copied < 0)
		return (int)copied;
	err = make_header(meta, tx->head);
	if (err < 0)
		return err;
	if (net_iov_read(&walk, frame, (size_t)copied) != (size_t)copied)
		return -EINVAL;
	err = change(meta, frame, (size_t)copied);
	if (err < 0)
		return err;
	if (meta->vlan.present)
		copied += NET_VLAN_TAG_LEN;
	/* The head takes the place before what is left. */
	rest = &tx->iov[walk.iov - tx->iov];
	rest->iov_base = (uint8_t *)rest->iov_base + walk.skip;
	rest->iov_len -= walk.skip;
	*iov = rest - 1;
	**iov = (struct iovec){tx->head, NET_VNET_HDR_LEN + (size_t)copied};
	return (int)(&tx->iov[n + 1] - *iov);
}
