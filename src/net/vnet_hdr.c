/* SPDX-License-Identifier: MIT */
/*
 * The virtio-net header and packet metadata.
 *
 * Both say the same in different words, and struct net_offload is the common
 * part: the conversions to and from it lose nothing. The flags of net_tx_meta
 * are derived from it for backends that think in protocols.
 */
#include "net/vnet_hdr.h"

#include "base/bytes.h"

#include <errno.h>
#include <string.h>

#define TCP_CSUM_OFFSET 16
#define UDP_CSUM_OFFSET 6
#define UDP_HDR_LEN	8

static int gso_parse(uint8_t type, struct net_offload *out)
{
	out->gso_ecn = (type & VNET_HDR_GSO_ECN) != 0;
	switch (type & ~VNET_HDR_GSO_ECN) {
	case VNET_HDR_GSO_NONE:
		out->gso = NET_GSO_NONE;
		return out->gso_ecn ? -EINVAL : 0;
	case VNET_HDR_GSO_TCPV4:
		out->gso = NET_GSO_TCPV4;
		return 0;
	case VNET_HDR_GSO_TCPV6:
		out->gso = NET_GSO_TCPV6;
		return 0;
	case VNET_HDR_GSO_UDP:
		out->gso = NET_GSO_UDP_FRAG;
		return 0;
	case VNET_HDR_GSO_UDP_L4:
		out->gso = NET_GSO_UDP;
		return 0;
	default:
		return -EINVAL;
	}
}

static uint8_t gso_build(const struct net_offload *offload)
{
	static const uint8_t types[] = {
		[NET_GSO_NONE] = VNET_HDR_GSO_NONE,
		[NET_GSO_TCPV4] = VNET_HDR_GSO_TCPV4,
		[NET_GSO_TCPV6] = VNET_HDR_GSO_TCPV6,
		[NET_GSO_UDP_FRAG] = VNET_HDR_GSO_UDP,
		[NET_GSO_UDP] = VNET_HDR_GSO_UDP_L4,
	};

	return types[offload->gso] |
	       (uint8_t)(offload->gso_ecn ? VNET_HDR_GSO_ECN : 0);
}

int net_vnet_hdr_parse(const uint8_t hdr[NET_VNET_HDR_LEN], uint32_t frame_len,
		       struct net_offload *out)
{
	int err;

	memset(out, 0, sizeof(*out));
	err = gso_parse(hdr[1], out);
	if (err < 0)
		return err;
	if (hdr[0] & VNET_HDR_F_NEEDS_CSUM) {
		out->csum_needed = true;
		out->csum_start = load_le16(hdr + 6);
		out->csum_offset = load_le16(hdr + 8);
		if ((uint32_t)out->csum_start + out->csum_offset + 2 >
		    frame_len)
			return -EINVAL;
	}
	if (out->gso == NET_GSO_NONE)
		return 0;
	out->hdr_len = load_le16(hdr + 2);
	out->gso_size = load_le16(hdr + 4);
	return out->gso_size ? 0 : -EINVAL;
}

void net_vnet_hdr_build(const struct net_offload *offload,
			uint8_t hdr[NET_VNET_HDR_LEN])
{
	memset(hdr, 0, NET_VNET_HDR_LEN);
	if (offload->csum_needed) {
		hdr[0] = VNET_HDR_F_NEEDS_CSUM;
		store_le16(hdr + 6, offload->csum_start);
		store_le16(hdr + 8, offload->csum_offset);
	}
	if (offload->gso != NET_GSO_NONE) {
		hdr[1] = gso_build(offload);
		store_le16(hdr + 2, offload->hdr_len);
		store_le16(hdr + 4, offload->gso_size);
	}
}

/* The protocol whose checksum the offload asks for. */
static enum net_l4_proto offload_l4(const struct net_offload *offload)
{
	if (!offload->csum_needed)
		return NET_L4_UNKNOWN;
	if (offload->csum_offset == TCP_CSUM_OFFSET)
		return NET_L4_TCP;
	if (offload->csum_offset == UDP_CSUM_OFFSET)
		return NET_L4_UDP;
	return NET_L4_UNKNOWN;
}

/* Does the kind of GSO agree with the checksum and the IP version? 5.1.6.2.1: a
 * GSO frame needs NEEDS_CSUM. */
static bool gso_is_consistent(const struct net_offload *offload,
			      enum net_l4_proto l4, bool ipv6)
{
	switch (offload->gso) {
	case NET_GSO_NONE:
		return true;
	case NET_GSO_TCPV4:
		return l4 == NET_L4_TCP && !ipv6;
	case NET_GSO_TCPV6:
		return l4 == NET_L4_TCP && ipv6;
	case NET_GSO_UDP_FRAG:
	case NET_GSO_UDP:
		return l4 == NET_L4_UDP;
	default:
		return false;
	}
}

int net_vnet_hdr_to_tx(const uint8_t hdr[NET_VNET_HDR_LEN], uint8_t l2_len,
		       bool ipv6, struct net_tx_meta *meta)
{
	struct net_offload *offload = &meta->offload;
	int err = net_vnet_hdr_parse(hdr, meta->len, offload);
	enum net_l4_proto l4;
	uint32_t l4_len;

	if (err < 0)
		return err;
	meta->flags = 0;
	l4 = offload_l4(offload);
	if (!gso_is_consistent(offload, l4, ipv6))
		return -EINVAL;
	if (l4 == NET_L4_UNKNOWN || offload->csum_start <= l2_len)
		return offload->gso == NET_GSO_NONE ? 0 : -EINVAL;
	meta->flags = ipv6 ? NET_TX_IPV6 : NET_TX_IPV4;
	meta->flags |= l4 == NET_L4_TCP ? NET_TX_TCP_CSUM : NET_TX_UDP_CSUM;
	meta->l2_len = l2_len;
	meta->l3_len = (uint16_t)(offload->csum_start - l2_len);
	meta->l4_offset = offload->csum_start;
	if (offload->gso == NET_GSO_NONE)
		return 0;
	meta->mss = offload->gso_size;
	if (offload->gso == NET_GSO_UDP) {
		meta->flags |= NET_TX_USO;
		meta->l4_len = UDP_HDR_LEN;
	} else if (offload->gso != NET_GSO_UDP_FRAG) {
		meta->flags |= NET_TX_TSO;
		l4_len = offload->hdr_len > offload->csum_start
				 ? (uint32_t)(offload->hdr_len -
					      offload->csum_start)
				 : 0;
		meta->l4_len = l4_len <= UINT8_MAX ? (uint8_t)l4_len : 0;
	}
	if (!ipv6)
		meta->flags |= NET_TX_IPV4_CSUM;
	return 0;
}

/* What the flags ask for, in the header's terms. */
static struct net_offload offload_of_flags(const struct net_tx_meta *meta)
{
	struct net_offload out = {0};

	if (!(meta->flags &
	      (NET_TX_TCP_CSUM | NET_TX_UDP_CSUM | NET_TX_TSO | NET_TX_USO)))
		return out;
	out.csum_needed = true;
	out.csum_start = (uint16_t)(meta->l2_len + meta->l3_len);
	out.csum_offset = meta->flags & (NET_TX_UDP_CSUM | NET_TX_USO)
				  ? UDP_CSUM_OFFSET
				  : TCP_CSUM_OFFSET;
	if (!(meta->flags & (NET_TX_TSO | NET_TX_USO)))
		return out;
	out.gso_size = meta->mss;
	out.hdr_len = (uint16_t)(out.csum_start + meta->l4_len);
	if (meta->flags & NET_TX_USO)
		out.gso = NET_GSO_UDP;
	else
		out.gso = net_tx_l3_proto(meta) == NET_L3_IPV6 ? NET_GSO_TCPV6
							       : NET_GSO_TCPV4;
	return out;
}

void net_vnet_hdr_from_tx(const struct net_tx_meta *meta,
			  uint8_t hdr[NET_VNET_HDR_LEN])
{
	struct net_offload offload = meta->offload;

	if (!offload.csum_needed)
		offload = offload_of_flags(meta);
	net_vnet_hdr_build(&offload, hdr);
}

int net_vnet_hdr_to_rx(const uint8_t hdr[NET_VNET_HDR_LEN],
		       struct net_rx_meta *meta)
{
	int err = net_vnet_hdr_parse(hdr, meta->len, &meta->offload);

	if (err < 0)
		return err;
	meta->l4_proto = offload_l4(&meta->offload);
	meta->ip_csum = NET_CSUM_UNKNOWN;
	meta->l4_csum = hdr[0] & VNET_HDR_F_DATA_VALID ? NET_CSUM_GOOD
						       : NET_CSUM_UNKNOWN;
	return 0;
}

void net_vnet_hdr_from_rx(const struct net_rx_meta *meta,
			  uint8_t hdr[NET_VNET_HDR_LEN])
{
	net_vnet_hdr_build(&meta->offload, hdr);
	/* 5.1.6.4.1: of one level of checksums, not of the IPv4 header's. */
	if (!meta->offload.csum_needed && net_csum_is_valid(meta->l4_csum) &&
	    meta->ip_csum != NET_CSUM_BAD)
		hdr[0] |= VNET_HDR_F_DATA_VALID;
}
