/* SPDX-License-Identifier: MIT */
/*
 * Reading a frame of the guest's.
 *
 * The first bytes are copied, and all that is decided is decided on the copy:
 * link addresses, the IP header with its length and checksum, the transport
 * header. Checksums are verified unless the guest has left them to us, which it
 * does only for frames that nobody can have damaged.
 */
#include "backends/consomme/in.h"

#include "base/bytes.h"
#include "net/checksum.h"
#include "net/offload.h"

#include <netinet/in.h>
#include <string.h>

/* For us, or for all, or for many. */
static bool is_for_us(const uint8_t *frame, const uint8_t mac[6])
{
	return (frame[0] & 1) || memcmp(frame, mac, 6) == 0;
}

/* May the packet have those addresses? An IPv4 address in an IPv6 packet would be
 * taken for what it stands for, here and by the host's sockets. */
static bool is_possible(const struct csm_in *in)
{
	if (in->v6 && (csm_addr_is4(&in->src) || csm_addr_is4(&in->dst)))
		return false;
	if (csm_addr_is_multicast(&in->src) || csm_addr_is_loopback(&in->src))
		return false;
	if (!csm_addr_is_any(&in->src))
		return true;
	return in->v6 ? in->protocol == IPPROTO_ICMPV6
		      : in->protocol == IPPROTO_UDP;
}

/* The IP header's fields, and whether the header is sound. */
static enum csm_drop read_ip(struct csm_in *in, const struct net_headers *h,
			     bool sum_is_ours)
{
	const uint8_t *ip = in->head + in->ip_at;
	struct net_csum sum = {0};

	if (in->v6) {
		in->src = csm_addr_from6(ip + 8);
		in->dst = csm_addr_from6(ip + 24);
		in->ttl = ip[7];
		return CSM_IN_OK;
	}
	in->src = csm_addr_from4(ip + 12);
	in->dst = csm_addr_from4(ip + 16);
	in->ttl = ip[8];
	net_csum_add(&sum, ip, h->l3_len);
	if (!sum_is_ours && net_csum_finish(&sum) != 0)
		return CSM_DROP_CHECKSUM;
	return CSM_IN_OK;
}

static bool has_checksum(const struct csm_in *in)
{
	switch (in->protocol) {
	case IPPROTO_UDP:
		return in->v6 ||
		       load_be16(in->head + in->l4_at + NET_UDP_CSUM_OFFSET);
	case IPPROTO_TCP:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return true;
	default:
		return false;
	}
}

/* Sums up the transport header and what follows it, @len bytes at the walk. */
static bool checksum_is_good(const struct csm_in *in, struct net_iov_walk walk,
			     uint32_t len)
{
	const uint8_t *ip = in->head + in->ip_at;
	struct net_csum sum = {0};

	if (!has_checksum(in))
		return true;
	if (in->v6)
		net_csum_add_pseudo_v6(&sum, ip + 8, in->protocol, len);
	else if (in->protocol != IPPROTO_ICMP)
		net_csum_add_pseudo_v4(&sum, ip + 12, in->protocol, len);
	return net_csum_add_walk(&sum, &walk, len) &&
	       net_csum_finish(&sum) == 0;
}

/* Ports, the header's length and what it says about the payload. */
static enum csm_drop read_l4(struct csm_in *in, const struct net_headers *h,
			     uint32_t len)
{
	const uint8_t *l4 = in->head + in->l4_at;
	uint16_t said;

	in->payload_len = len;
	if (in->protocol != IPPROTO_TCP && in->protocol != IPPROTO_UDP)
		return CSM_IN_OK;
	if (h->l4 == NET_L4_UNKNOWN || h->l4_len > len)
		return CSM_DROP_HEADER;
	in->src_port = load_be16(l4);
	in->dst_port = load_be16(l4 + 2);
	in->l4_len = h->l4_len;
	in->payload_len = len - h->l4_len;
	if (in->protocol == IPPROTO_TCP)
		return CSM_IN_OK;
	said = load_be16(l4 + 4);
	if (said < NET_UDP_LEN || said > len)
		return CSM_DROP_HEADER;
	if (!in->gso_size)
		in->payload_len = said - (uint32_t)NET_UDP_LEN;
	return CSM_IN_OK;
}

static enum csm_drop parse_ip(struct csm_in *in, const struct net_headers *h,
			      const struct net_tx_meta *meta,
			      const struct net_offload *offload)
{
	bool ours = (meta->flags & NET_TX_IPV4_CSUM) ||
		    offload->gso != NET_GSO_NONE;
	uint32_t len;
	enum csm_drop drop;

	if (h->is_routed || h->ip_len < h->l3_len ||
	    h->ip_len > meta->len - h->l2_len)
		return CSM_DROP_HEADER;
	in->v6 = h->l3 == NET_L3_IPV6;
	in->ip_at = h->l2_len;
	in->l4_at = net_headers_l4_offset(h);
	in->protocol = h->protocol;
	drop = read_ip(in, h, ours);
	if (drop != CSM_IN_OK)
		return drop;
	if (h->is_fragment)
		return CSM_DROP_FRAGMENT;
	if (!is_possible(in))
		return CSM_DROP_SOURCE;
	len = h->ip_len - h->l3_len;
	if (offload->gso != NET_GSO_NONE)
		in->gso_size = offload->gso_size;
	drop = read_l4(in, h, len);
	if (drop != CSM_IN_OK)
		return drop;
	if (!net_iov_skip(&in->payload, in->l4_at))
		return CSM_DROP_RUNT;
	if (!offload->csum_needed && !checksum_is_good(in, in->payload, len))
		return CSM_DROP_CHECKSUM;
	return net_iov_skip(&in->payload, in->l4_len) ? CSM_IN_OK
						      : CSM_DROP_RUNT;
}

enum csm_drop csm_in_parse(struct csm_in *out, const uint8_t mac[6],
			   const struct net_tx_meta *meta,
			   const struct iovec *iov, size_t n_iov)
{
	struct net_iov_walk walk = net_iov_walk(iov, n_iov);
	struct net_offload offload;
	struct net_headers h;

	*out = (struct csm_in){.payload = walk};
	out->n_head = net_iov_read(&walk, out->head, sizeof(out->head));
	if (net_headers_parse(out->head, out->n_head, &h) < 0)
		return CSM_DROP_RUNT;
	if (!is_for_us(out->head, mac))
		return CSM_DROP_MAC;
	if (meta->vlan.present || h.n_tags)
		return CSM_DROP_PROTOCOL;
	if (net_offload_of_tx(meta, &offload) < 0)
		return CSM_DROP_HEADER;
	out->ethertype = h.ethertype;
	if (h.ethertype == NET_ETHERTYPE_ARP) {
		out->payload_len = meta->len - NET_ETHERNET_LEN;
		return net_iov_skip(&out->payload, NET_ETHERNET_LEN)
			       ? CSM_IN_OK
			       : CSM_DROP_RUNT;
	}
	if (h.ethertype != NET_ETHERTYPE_IPV4 &&
	    h.ethertype != NET_ETHERTYPE_IPV6)
		return CSM_DROP_PROTOCOL;
	if (h.l3 == NET_L3_UNKNOWN)
		return CSM_DROP_HEADER;
	return parse_ip(out, &h, meta, &offload);
}
