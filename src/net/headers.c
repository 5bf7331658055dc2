/* SPDX-License-Identifier: MIT */
/*
 * The headers of an Ethernet frame (IEEE 802.1Q, RFC 791, 8200, 9293, 768).
 *
 * Each step has the rest of the bytes and says how many are its own. A step
 * that cannot be sure leaves what it would have told unknown, and the steps
 * after it are not taken.
 */
#include "net/headers.h"

#include "base/bytes.h"

#include <errno.h>
#include <string.h>

/* More tags than anybody stacks. */
#define TAGS_MAX 8

#define IPV4_FRAGMENT 0x3fff /* more fragments, and the offset */
#define IPV6_FRAGMENT 0xfff9 /* the offset, and more fragments */

/* Next headers of IPv6 that are part of the IP header. */
#define HOP_BY_HOP  0
#define ROUTING	    43
#define FRAGMENT    44
#define AUTH	    51
#define DESTINATION 60

static void parse_tcp(const uint8_t *p, size_t n, struct net_headers *h)
{
	size_t len;

	if (n < NET_TCP_LEN_MIN)
		return;
	len = (size_t)(p[12] >> 4) * 4;
	if (len < NET_TCP_LEN_MIN || len > n)
		return;
	h->l4 = NET_L4_TCP;
	h->l4_len = (uint8_t)len;
}

static void parse_l4(const uint8_t *p, size_t n, struct net_headers *h)
{
	if (h->is_fragment)
		return;
	if (h->protocol == NET_PROTO_TCP) {
		parse_tcp(p, n, h);
	} else if (h->protocol == NET_PROTO_UDP && n >= NET_UDP_LEN) {
		h->l4 = NET_L4_UDP;
		h->l4_len = NET_UDP_LEN;
	}
}

static void parse_ipv4(const uint8_t *p, size_t n, struct net_headers *h)
{
	size_t len;

	if (n < NET_IPV4_LEN_MIN || p[0] >> 4 != 4)
		return;
	len = (size_t)(p[0] & 0xf) * 4;
	if (len < NET_IPV4_LEN_MIN || len > n)
		return;
	h->l3 = NET_L3_IPV4;
	h->l3_len = (uint16_t)len;
	h->ip_len = load_be16(p + 2);
	h->protocol = p[9];
	h->is_fragment = (load_be16(p + 6) & IPV4_FRAGMENT) != 0;
	parse_l4(p + len, n - len, h);
}

/* The length of the extension header of kind @kind at @p, 0 if it is none. */
static size_t extension_len(uint8_t kind, const uint8_t *p)
{
	switch (kind) {
	case HOP_BY_HOP:
	case ROUTING:
	case DESTINATION:
		return ((size_t)p[1] + 1) * 8;
	case FRAGMENT:
		return 8;
	case AUTH:
		return ((size_t)p[1] + 2) * 4;
	default:
		return 0;
	}
}

/* Every kind has at least eight bytes. False: what stands here is not a whole
 * extension header. */
static bool parse_extension(const uint8_t *p, size_t n, struct net_headers *h,
			    size_t *len)
{
	*len = n < 8 ? 0 : extension_len(h->protocol, p);
	if (!*len || *len > n)
		return false;
	if (h->protocol == ROUTING && p[3])
		h->is_routed = true;
	if (h->protocol == FRAGMENT && (load_be16(p + 2) & IPV6_FRAGMENT))
		h->is_fragment = true;
	h->protocol = p[0];
	return true;
}

static void parse_ipv6(const uint8_t *p, size_t n, struct net_headers *h)
{
	size_t at = NET_IPV6_LEN, len;

	if (n < NET_IPV6_LEN || p[0] >> 4 != 6)
		return;
	h->l3 = NET_L3_IPV6;
	h->ip_len = (uint32_t)load_be16(p + 4) + NET_IPV6_LEN;
	h->protocol = p[6];
	/* What follows the first header of a fragment may be its middle. */
	while (!h->is_fragment && parse_extension(p + at, n - at, h, &len))
		at += len;
	h->l3_len = (uint16_t)at;
	parse_l4(p + at, n - at, h);
}

static bool is_tag(uint16_t ethertype)
{
	return ethertype == NET_ETHERTYPE_VLAN ||
	       ethertype == NET_ETHERTYPE_QINQ;
}

int net_headers_parse(const uint8_t *frame, size_t n, struct net_headers *out)
{
	struct net_headers *h = out;

	memset(h, 0, sizeof(*h));
	if (n < NET_ETHERNET_LEN)
		return -EINVAL;
	n = MIN(n, (size_t)NET_HEADERS_MAX);
	h->l2_len = NET_ETHERNET_LEN;
	h->ethertype = load_be16(frame + h->l2_len - 2);
	while (is_tag(h->ethertype) && h->n_tags < TAGS_MAX &&
	       n >= (size_t)h->l2_len + NET_VLAN_TAG_LEN) {
		h->n_tags++;
		h->l2_len = (uint8_t)(h->l2_len + NET_VLAN_TAG_LEN);
		h->ethertype = load_be16(frame + h->l2_len - 2);
	}
	if (h->ethertype == NET_ETHERTYPE_IPV4)
		parse_ipv4(frame + h->l2_len, n - h->l2_len, h);
	else if (h->ethertype == NET_ETHERTYPE_IPV6)
		parse_ipv6(frame + h->l2_len, n - h->l2_len, h);
	return 0;
}
