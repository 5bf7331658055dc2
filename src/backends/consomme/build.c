/* SPDX-License-Identifier: MIT */
/*
 * Ethernet, IPv4 (RFC 791, without options, never to be fragmented) and IPv6
 * (RFC 8200) headers, UDP and ICMP messages around small payloads.
 */
#include "backends/consomme/build.h"

#include "backends/consomme/stack.h"
#include "base/bytes.h"
#include "net/checksum.h"
#include "net/offload.h"

#include <netinet/in.h>
#include <string.h>

#define IPV4_DF 0x4000

static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

size_t csm_build_ip_len(bool v6)
{
	return NET_ETHERNET_LEN +
	       (size_t)(v6 ? NET_IPV6_LEN : NET_IPV4_LEN_MIN);
}

static void build_ipv4(uint8_t *ip, uint8_t protocol, uint8_t ttl,
		       const struct csm_addr *src, const struct csm_addr *dst,
		       size_t len)
{
	ip[0] = 0x45;
	ip[1] = 0;
	store_be16(ip + 2, (uint16_t)(NET_IPV4_LEN_MIN + len));
	store_be16(ip + 4, 0);
	store_be16(ip + 6, IPV4_DF);
	ip[8] = ttl;
	ip[9] = protocol;
	store_be16(ip + NET_IPV4_CSUM_OFFSET, 0);
	memcpy(ip + 12, csm_addr_bytes4(src), 4);
	memcpy(ip + 16, csm_addr_bytes4(dst), 4);
	net_offload_finish_ipv4(ip, NET_IPV4_LEN_MIN);
}

static void build_ipv6(uint8_t *ip, uint8_t protocol, uint8_t ttl,
		       const struct csm_addr *src, const struct csm_addr *dst,
		       size_t len)
{
	store_be32(ip, 6u << 28);
	store_be16(ip + 4, (uint16_t)len);
	ip[6] = protocol;
	ip[7] = ttl;
	memcpy(ip + 8, src->b, 16);
	memcpy(ip + 24, dst->b, 16);
}

size_t csm_build_ip(const struct csm_stack *stack, uint8_t *at,
		    const uint8_t mac[6], uint8_t protocol, uint8_t ttl,
		    const struct csm_addr *src, const struct csm_addr *dst,
		    size_t len)
{
	bool v6 = !csm_addr_is4(dst);

	memcpy(at, mac, 6);
	memcpy(at + 6, stack->config->mac, 6);
	store_be16(at + 12, v6 ? NET_ETHERTYPE_IPV6 : NET_ETHERTYPE_IPV4);
	if (v6)
		build_ipv6(at + NET_ETHERNET_LEN, protocol, ttl, src, dst, len);
	else
		build_ipv4(at + NET_ETHERNET_LEN, protocol, ttl, src, dst, len);
	return csm_build_ip_len(v6);
}

static void add_pseudo(struct net_csum *sum, uint8_t protocol,
		       const struct csm_addr *src, const struct csm_addr *dst,
		       size_t len)
{
	uint8_t addresses[32];

	if (csm_addr_is4(dst)) {
		memcpy(addresses, csm_addr_bytes4(src), 4);
		memcpy(addresses + 4, csm_addr_bytes4(dst), 4);
		net_csum_add_pseudo_v4(sum, addresses, protocol, (uint32_t)len);
		return;
	}
	memcpy(addresses, src->b, 16);
	memcpy(addresses + 16, dst->b, 16);
	net_csum_add_pseudo_v6(sum, addresses, protocol, (uint32_t)len);
}

uint16_t csm_build_pseudo(uint8_t protocol, const struct csm_addr *src,
			  const struct csm_addr *dst, size_t len)
{
	struct net_csum sum = {0};

	add_pseudo(&sum, protocol, src, dst, len);
	return net_csum_fold(&sum);
}

uint8_t *csm_frame_begin(struct csm_frame *frame, const struct csm_stack *stack,
			 uint8_t protocol, size_t l4_len, uint16_t csum_offset,
			 const struct csm_addr *src, const struct csm_addr *dst,
			 uint32_t payload)
{
	size_t len = l4_len + payload;
	size_t at = csm_build_ip(stack, frame->head, stack->guest_mac, protocol,
				 CSM_TTL, src, dst, len);

	frame->head_len = (uint16_t)(at + l4_len);
	frame->payload = payload;
	frame->csum_start = (uint16_t)at;
	frame->csum_offset = csum_offset;
	frame->gso = NET_GSO_NONE;
	frame->gso_size = 0;
	store_be16(frame->head + at + csum_offset,
		   csm_build_pseudo(protocol, src, dst, len));
	return frame->head + at;
}

void csm_build_udp_reply(struct csm_stack *stack, const struct csm_addr *src,
			 uint16_t src_port, const struct csm_addr *dst,
			 uint16_t dst_port, const void *payload, size_t len)
{
	const uint8_t *mac =
		csm_addr_is_multicast(dst) ? broadcast : stack->guest_mac;
	size_t n = NET_UDP_LEN + len;
	uint8_t frame[CSM_REPLY_MAX];
	struct net_csum sum = {0};
	uint8_t *udp;

	if (csm_build_ip_len(true) + n > sizeof(frame)) {
		stack->count.no_replies++;
		return;
	}
	udp = frame + csm_build_ip(stack, frame, mac, IPPROTO_UDP, CSM_TTL, src,
				   dst, n);
	store_be16(udp, src_port);
	store_be16(udp + 2, dst_port);
	store_be16(udp + 4, (uint16_t)n);
	store_be16(udp + NET_UDP_CSUM_OFFSET, 0);
	memcpy(udp + NET_UDP_LEN, payload, len);
	add_pseudo(&sum, IPPROTO_UDP, src, dst, n);
	net_csum_add(&sum, udp, n);
	store_be16(udp + NET_UDP_CSUM_OFFSET, net_csum_finish_udp(&sum));
	csm_reply(stack, frame, (size_t)(udp - frame) + n);
}

void csm_build_icmp_reply(struct csm_stack *stack, const uint8_t mac[6],
			  uint8_t ttl, const struct csm_addr *src,
			  const struct csm_addr *dst, const void *message,
			  size_t len)
{
	bool v6 = !csm_addr_is4(dst);
	uint8_t protocol = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	uint8_t frame[CSM_REPLY_MAX];
	struct net_csum sum = {0};
	uint8_t *icmp;

	if (len < 4 || csm_build_ip_len(true) + len > sizeof(frame)) {
		stack->count.no_replies++;
		return;
	}
	icmp = frame +
	       csm_build_ip(stack, frame, mac, protocol, ttl, src, dst, len);
	memcpy(icmp, message, len);
	store_be16(icmp + 2, 0);
	if (v6)
		add_pseudo(&sum, protocol, src, dst, len);
	net_csum_add(&sum, icmp, len);
	store_be16(icmp + 2, net_csum_finish(&sum));
	csm_reply(stack, frame, (size_t)(icmp - frame) + len);
}
