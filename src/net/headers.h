/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_NET_HEADERS_H
#define EVNIC_NET_HEADERS_H

/*
 * The headers of an Ethernet frame: where each one is and what it says.
 *
 * It reads a copy of the frame's start (guest memory may change between two
 * looks). What it does not know or what contradicts itself it calls unknown; it
 * never looks beyond the bytes it was given.
 */

#include "base/util.h"
#include "net/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As much of a frame's start as is worth copying: eight VLAN tags, an IP header
 * with options or extension headers, a TCP header with options. */
#define NET_HEADERS_MAX 240

#define NET_ETHERNET_LEN 14
#define NET_VLAN_TAG_LEN 4
#define NET_UDP_LEN	 8
#define NET_TCP_LEN_MIN	 20
#define NET_IPV4_LEN_MIN 20
#define NET_IPV6_LEN	 40

#define NET_ETHERTYPE_IPV4 0x0800
#define NET_ETHERTYPE_VLAN 0x8100
#define NET_ETHERTYPE_IPV6 0x86dd
#define NET_ETHERTYPE_QINQ 0x88a8

#define NET_PROTO_TCP 6
#define NET_PROTO_UDP 17

/* Where the checksum is in its header. */
#define NET_TCP_CSUM_OFFSET  16
#define NET_UDP_CSUM_OFFSET  6
#define NET_IPV4_CSUM_OFFSET 10

/* @l2_len: of the Ethernet header with its @n_tags VLAN tags (802.1Q, 802.1ad);
 * the IP header begins there. @ethertype: of what follows them. @l3: unknown if
 * it is not IP or the IP header is not whole. @l3_len: of the IP header with
 * options or extension headers. @ip_len: of the packet, as the IP header says,
 * its own header included; not checked. @protocol: of what follows the IP
 * header. @is_fragment: a part of a datagram. @is_routed: an IPv6 routing header
 * names the real destination. @l4: unknown if it is not TCP or UDP, a fragment,
 * or not whole. @l4_len: of its header with options. */
struct net_headers {
	enum net_l3_proto l3;
	enum net_l4_proto l4;
	uint16_t ethertype;
	uint8_t n_tags;
	uint8_t l2_len;
	uint8_t protocol;
	uint8_t l4_len;
	uint16_t l3_len;
	uint32_t ip_len;
	bool is_fragment;
	bool is_routed;
};

/* Reads the first @n bytes of a frame, all of it or NET_HEADERS_MAX.
 * -EINVAL: shorter than an Ethernet header. */
int net_headers_parse(const uint8_t *frame, size_t n,
		      struct net_headers *out) MUST_CHECK;

/* Where the transport header begins; valid if l3 is known. */
static inline uint16_t net_headers_l4_offset(const struct net_headers *h)
{
	return (uint16_t)(h->l2_len + h->l3_len);
}

/* Where the payload begins; valid if l4 is known. */
static inline uint16_t net_headers_len(const struct net_headers *h)
{
	return (uint16_t)(net_headers_l4_offset(h) + h->l4_len);
}

/* Where the checksum of the transport protocol @l4, TCP or UDP, is in its
 * header. */
static inline uint16_t net_headers_csum_offset(enum net_l4_proto l4)
{
	return l4 == NET_L4_TCP ? NET_TCP_CSUM_OFFSET : NET_UDP_CSUM_OFFSET;
}

#endif
