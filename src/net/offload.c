/* SPDX-License-Identifier: MIT */
/*
 * What is left to do on a frame.
 *
 * The header's terms (start here, store there) fit any protocol; the flags know
 * four. So flags come from an offload only after a look at the frame has shown
 * that they mean the same, and a backend that must go by flags is never given
 * less than was asked for without its knowing.
 */
#include "net/offload.h"

#include "base/bytes.h"
#include "net/checksum.h"

#include <errno.h>
#include <string.h>

/* Does the checksum that is asked for belong to the frame's TCP or UDP? */
static bool is_l4_checksum(const struct net_offload *offload,
			   const struct net_headers *h)
{
	return offload->csum_needed && h->l4 != NET_L4_UNKNOWN &&
	       offload->csum_start == net_headers_l4_offset(h) &&
	       offload->csum_offset == net_headers_csum_offset(h->l4);
}

/* Is the frame what the GSO type says? virtio 1.2, 5.1.6.2.1: such a frame
 * needs its checksum computed. */
static bool gso_fits(const struct net_offload *offload,
		     const struct net_headers *h)
{
	if (!is_l4_checksum(offload, h) || h->is_routed || !offload->gso_size)
		return false;
	switch (offload->gso) {
	case NET_GSO_TCPV4:
		return h->l3 == NET_L3_IPV4 && h->l4 == NET_L4_TCP;
	case NET_GSO_TCPV6:
		return h->l3 == NET_L3_IPV6 && h->l4 == NET_L4_TCP;
	case NET_GSO_UDP:
		return h->l4 == NET_L4_UDP;
	case NET_GSO_NONE:
	case NET_GSO_UDP_FRAG:
		break;
	}
	return false;
}

int net_offload_to_flags(const struct net_headers *h, struct net_tx_meta *meta)
{
	struct net_offload *offload = &meta->offload;

	meta->flags = 0;
	if (offload->gso != NET_GSO_NONE && !gso_fits(offload, h))
		return -EINVAL;
	if (!is_l4_checksum(offload, h) || h->is_routed)
		return 0;
	meta->flags = h->l3 == NET_L3_IPV6 ? NET_TX_IPV6 : NET_TX_IPV4;
	meta->flags |= h->l4 == NET_L4_TCP ? NET_TX_TCP_CSUM : NET_TX_UDP_CSUM;
	meta->l2_len = h->l2_len;
	meta->l3_len = h->l3_len;
	meta->l4_len = h->l4_len;
	meta->l4_offset = net_headers_l4_offset(h);
	if (offload->gso == NET_GSO_NONE)
		return 0;
	meta->flags |= h->l4 == NET_L4_TCP ? NET_TX_TSO : NET_TX_USO;
	if (h->l3 == NET_L3_IPV4)
		meta->flags |= NET_TX_IPV4_CSUM;
	meta->mss = offload->gso_size;
	offload->hdr_len = net_headers_len(h);
	return 0;
}

#define TCP_FLAGS (NET_TX_TCP_CSUM | NET_TX_TSO)
#define UDP_FLAGS (NET_TX_UDP_CSUM | NET_TX_USO)
#define GSO_FLAGS (NET_TX_TSO | NET_TX_USO)

static enum net_gso_type gso_of_flags(const struct net_tx_meta *meta)
{
	if (meta->flags & NET_TX_USO)
		return NET_GSO_UDP;
	return net_tx_l3_proto(meta) == NET_L3_IPV6 ? NET_GSO_TCPV6
						    : NET_GSO_TCPV4;
}

static int offload_of_flags(const struct net_tx_meta *meta,
			    struct net_offload *out)
{
	uint32_t l4 = (uint32_t)meta->l2_len + meta->l3_len;
	uint32_t end = l4 + meta->l4_len;
	enum net_l4_proto proto =
		meta->flags & TCP_FLAGS ? NET_L4_TCP : NET_L4_UDP;

	if (!(meta->flags & (TCP_FLAGS | UDP_FLAGS)))
		return 0;
	if (((meta->flags & TCP_FLAGS) && (meta->flags & UDP_FLAGS)) ||
	    meta->l2_len < NET_ETHERNET_LEN || !meta->l3_len ||
	    end > UINT16_MAX ||
	    l4 + net_headers_csum_offset(proto) + 2 > meta->len)
		return -EINVAL;
	out->csum_needed = true;
	out->csum_start = (uint16_t)l4;
	out->csum_offset = net_headers_csum_offset(proto);
	if (!(meta->flags & GSO_FLAGS))
		return 0;
	if (!meta->mss || end > meta->len ||
	    net_tx_l3_proto(meta) == NET_L3_UNKNOWN)
		return -EINVAL;
	out->gso = gso_of_flags(meta);
	out->gso_ecn = out->gso != NET_GSO_UDP && meta->offload.gso_ecn;
	out->gso_size = meta->mss;
	out->hdr_len = (uint16_t)end;
	return 0;
}

int net_offload_of_tx(const struct net_tx_meta *meta, struct net_offload *out)
{
	*out = meta->offload;
	if (out->csum_needed || out->gso != NET_GSO_NONE)
		return 0;
	*out = (struct net_offload){0};
	return offload_of_flags(meta, out);
}

void net_offload_to_rx(const struct net_headers *h, struct net_rx_meta *meta)
{
	meta->l4_proto = h->l4;
}

int net_offload_checksum(const struct net_offload *offload,
			 const struct iovec *iov, size_t n, uint16_t *check)
{
	struct net_iov_walk walk = net_iov_walk(iov, n);
	struct net_csum csum = {0};
	size_t len = net_iov_len(iov, n);

	if ((size_t)offload->csum_start + offload->csum_offset + 2 > len ||
	    !net_iov_skip(&walk, offload->csum_start) ||
	    !net_csum_add_walk(&csum, &walk, len - offload->csum_start))
		return -EINVAL;
	*check = net_csum_finish_udp(&csum);
	return 0;
}

int net_offload_finish(const struct net_offload *offload,
		       const struct iovec *iov, size_t n)
{
	struct net_iov_walk walk = net_iov_walk(iov, n);
	uint16_t check;
	uint8_t bytes[2];
	int err = net_offload_checksum(offload, iov, n, &check);

	if (err < 0)
		return err;
	store_be16(bytes, check);
	if (!net_iov_skip(&walk,
			  (size_t)offload->csum_start + offload->csum_offset) ||
	    !net_iov_write(&walk, bytes, sizeof(bytes)))
		return -EINVAL;
	return 0;
}

void net_offload_finish_ipv4(uint8_t *ip, size_t len)
{
	struct net_csum csum = {0};

	store_be16(ip + NET_IPV4_CSUM_OFFSET, 0);
	net_csum_add(&csum, ip, len);
	store_be16(ip + NET_IPV4_CSUM_OFFSET, net_csum_finish(&csum));
}

#define DEI 0x1000

void net_vlan_build(const struct net_vlan *vlan, uint8_t tag[NET_VLAN_TAG_LEN])
{
	store_be16(tag, NET_ETHERTYPE_VLAN);
	store_be16(tag + 2,
		   (uint16_t)((vlan->priority & 7) << 13 |
			      (vlan->dei ? DEI : 0) | (vlan->id & 0xfff)));
}

bool net_vlan_parse(const uint8_t *frame, size_t n, struct net_vlan *vlan)
{
	uint16_t tci;

	*vlan = (struct net_vlan){0};
	if (n < NET_ETHERNET_LEN + NET_VLAN_TAG_LEN ||
	    load_be16(frame + NET_VLAN_AT) != NET_ETHERTYPE_VLAN)
		return false;
	tci = load_be16(frame + NET_VLAN_AT + 2);
	vlan->present = true;
	vlan->priority = (uint8_t)(tci >> 13);
	vlan->dei = (tci & DEI) != 0;
	vlan->id = tci & 0xfff;
	return true;
}

void net_vlan_insert(uint8_t *frame, size_t len, const struct net_vlan *vlan)
{
	memmove(frame + NET_VLAN_AT + NET_VLAN_TAG_LEN, frame + NET_VLAN_AT,
		len - NET_VLAN_AT);
	net_vlan_build(vlan, frame + NET_VLAN_AT);
}

void net_vlan_strip(uint8_t *frame, size_t len)
{
	memmove(frame + NET_VLAN_AT, frame + NET_VLAN_AT + NET_VLAN_TAG_LEN,
		len - NET_VLAN_AT - NET_VLAN_TAG_LEN);
}

static bool shift(uint16_t *at, int bytes)
{
	int moved = *at + bytes;

	if (moved < NET_ETHERNET_LEN || moved > UINT16_MAX)
		return false;
	*at = (uint16_t)moved;
	return true;
}

int net_vlan_shift(struct net_offload *offload, int bytes)
{
	if (offload->csum_needed && !shift(&offload->csum_start, bytes))
		return -EINVAL;
	if (offload->gso != NET_GSO_NONE && offload->hdr_len &&
	    !shift(&offload->hdr_len, bytes))
		return -EINVAL;
	return 0;
}
