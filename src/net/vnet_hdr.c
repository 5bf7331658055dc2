/* SPDX-License-Identifier: MIT */
/*
 * The virtio-net header and packet metadata.
 *
 * Both say the same in different words, and struct net_offload is the common
 * part: the conversions to and from it lose nothing. The flags of net_tx_meta
 * are derived from it for backends that think in protocols (net/offload.h).
 */
#include "net/vnet_hdr.h"

#include "base/bytes.h"
#include "net/headers.h"
#include "net/offload.h"

#include <errno.h>
#include <string.h>

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

int net_vnet_hdr_to_tx(const uint8_t hdr[NET_VNET_HDR_LEN],
		       const uint8_t *frame, size_t n, struct net_tx_meta *meta)
{
	struct net_headers headers;
	int err = net_vnet_hdr_parse(hdr, meta->len, &meta->offload);

	if (err < 0)
		return err;
	meta->flags = 0;
	if (!meta->offload.csum_needed && meta->offload.gso == NET_GSO_NONE)
		return 0;
	err = net_headers_parse(frame, n, &headers);
	return err < 0 ? err : net_offload_to_flags(&headers, meta);
}

int net_vnet_hdr_from_tx(const struct net_tx_meta *meta,
			 uint8_t hdr[NET_VNET_HDR_LEN])
{
	struct net_offload offload;
	int err = net_offload_of_tx(meta, &offload);

	if (err < 0 || net_offload_wants_ipv4(meta))
		return -EINVAL;
	net_vnet_hdr_build(&offload, hdr);
	return 0;
}

/* The protocol that a merged frame says itself. */
static enum net_l4_proto gso_l4(const struct net_offload *offload)
{
	switch (offload->gso) {
	case NET_GSO_TCPV4:
	case NET_GSO_TCPV6:
		return NET_L4_TCP;
	case NET_GSO_UDP:
	case NET_GSO_UDP_FRAG:
		return NET_L4_UDP;
	case NET_GSO_NONE:
		break;
	}
	return NET_L4_UNKNOWN;
}

int net_vnet_hdr_to_rx(const uint8_t hdr[NET_VNET_HDR_LEN],
		       struct net_rx_meta *meta)
{
	int err = net_vnet_hdr_parse(hdr, meta->len, &meta->offload);

	if (err < 0)
		return err;
	meta->l4_proto = gso_l4(&meta->offload);
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
