/* SPDX-License-Identifier: MIT */
/*
 * Frames of TCP and UDP, and a judge of them.
 */
#include "support/frames.h"

#include "base/bytes.h"

#include <string.h>

#define PROTO_TCP   6
#define PROTO_UDP   17
#define HOP_BY_HOP  0
#define ROUTING	    43
#define DESTINATION 60

uint16_t frame_naive_sum(uint32_t start, const uint8_t *bytes, size_t len)
{
	uint32_t sum = start;

	for (size_t i = 0; i < len; i++) {
		sum += i & 1 ? bytes[i] : (uint32_t)bytes[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

uint8_t frame_payload_byte(size_t i)
{
	return (uint8_t)(i * 7 + (i >> 8) * 13 + 5);
}

static size_t put_link(const struct frame_shape *shape, uint8_t *p)
{
	static const uint8_t addresses[12] = {2, 0, 0, 0, 0, 1,
					      2, 0, 0, 0, 0, 2};
	size_t at = sizeof(addresses);

	memcpy(p, addresses, sizeof(addresses));
	for (size_t i = 0; shape->tags[i]; i++, at += 4) {
		store_be16(p + at, shape->tags[i]);
		store_be16(p + at + 2, (uint16_t)(5 + i));
	}
	store_be16(p + at, shape->ipv6 ? 0x86dd : 0x0800);
	return at + 2;
}

/* The sum of the pseudo header, for @len bytes. */
static uint16_t pseudo(const uint8_t *ip, uint8_t proto, size_t len)
{
	bool v6 = ip[0] >> 4 == 6;
	uint32_t start =
		proto + (uint32_t)(len & 0xffff) + (uint32_t)(len >> 16);

	return frame_naive_sum(start, ip + (v6 ? 8 : 12), v6 ? 32 : 8);
}

static size_t put_ipv4(const struct frame_shape *shape, uint8_t *p,
		       uint8_t proto, size_t l4_len)
{
	size_t len = 20 + shape->ipv4_options;

	memset(p, 1, len); /* options: NOP */
	p[0] = (uint8_t)(0x40 | len / 4);
	p[1] = 0;
	store_be16(p + 2, (uint16_t)(len + l4_len));
	store_be16(p + 4, shape->ip_id);
	store_be16(p + 6, 0x4000);
	p[8] = 64;
	p[9] = proto;
	store_be16(p + 10, 0);
	store_be32(p + 12, 0x0a000001);
	store_be32(p + 16, 0x0a000002);
	store_be16(p + 10, (uint16_t)~frame_naive_sum(0, p, len));
	return len;
}

static size_t put_ipv6(const struct frame_shape *shape, uint8_t *p,
		       uint8_t proto, size_t l4_len)
{
	size_t len = shape->extension ? 48 : 40;

	memset(p, 0, len);
	p[0] = 0x60;
	store_be16(p + 4, (uint16_t)(len - 40 + l4_len));
	p[6] = shape->extension ? shape->extension : proto;
	p[7] = 64;
	p[8] = 0xfd;
	p[23] = 1;
	p[24] = 0xfd;
	p[39] = 2;
	if (shape->extension)
		p[40] = proto;
	if (shape->extension == HOP_BY_HOP || shape->extension == DESTINATION) {
		p[42] = 1; /* PadN */
		p[43] = 4;
	}
	return len;
}

static size_t put_l4(const struct frame_shape *shape, uint8_t *p)
{
	size_t len = 20 + shape->tcp_options;

	store_be16(p, 1000);
	store_be16(p + 2, 2000);
	if (shape->udp) {
		store_be16(p + 4, (uint16_t)(8 + shape->payload));
		return 8;
	}
	memset(p + 4, 1, len - 4); /* options: NOP */
	store_be32(p + 4, shape->seq);
	store_be32(p + 8, 77);
	p[12] = (uint8_t)(len / 4 << 4);
	p[13] = shape->tcp_flags;
	store_be16(p + 14, 512);
	store_be16(p + 18, 0);
	return len;
}

size_t frame_make(const struct frame_shape *shape, uint8_t *frame,
		  struct net_offload *offload)
{
	uint8_t proto = shape->udp ? PROTO_UDP : PROTO_TCP;
	size_t l4_hdr = shape->udp ? 8 : 20 + shape->tcp_options;
	size_t l4_len = l4_hdr + shape->payload;
	size_t l2 = put_link(shape, frame);
	size_t l3 = shape->ipv6 ? put_ipv6(shape, frame + l2, proto, l4_len)
				: put_ipv4(shape, frame + l2, proto, l4_len);
	uint8_t *l4 = frame + l2 + l3;

	(void)put_l4(shape, l4);
	for (size_t i = 0; i < shape->payload; i++)
		l4[l4_hdr + i] = frame_payload_byte(i);
	*offload = (struct net_offload){
		.csum_needed = true,
		.csum_start = (uint16_t)(l2 + l3),
		.csum_offset = shape->udp ? 6 : 16,
	};
	store_be16(l4 + offload->csum_offset,
		   pseudo(frame + l2, proto, l4_len));
	if (shape->gso_size) {
		offload->gso = shape->udp    ? NET_GSO_UDP
			       : shape->ipv6 ? NET_GSO_TCPV6
					     : NET_GSO_TCPV4;
		offload->gso_ecn = (shape->tcp_flags & 0x80) != 0;
		offload->gso_size = shape->gso_size;
		offload->hdr_len = (uint16_t)(l2 + l3 + l4_hdr);
	}
	return l2 + l3 + l4_len;
}

static const char *l4_fault(const uint8_t *ip, uint8_t proto, const uint8_t *p,
			    size_t len, size_t *header_len)
{
	if (proto == PROTO_UDP) {
		*header_len = 8;
		if (len < 8 || load_be16(p + 4) != len)
			return "UDP length";
		if (!load_be16(p + 6))
			return "no UDP checksum";
	} else {
		if (proto != PROTO_TCP || len < 20)
			return "TCP header";
		*header_len = (size_t)(p[12] >> 4) * 4;
		if (*header_len < 20 || *header_len > len)
			return "TCP header";
	}
	if (frame_naive_sum(pseudo(ip, proto, len), p, len) != 0xffff)
		return "checksum";
	return NULL;
}

const char *frame_fault(const uint8_t *frame, size_t len, size_t *header_len)
{
	size_t l2 = 14, l3;
	const uint8_t *ip;
	uint8_t proto;
	const char *fault;

	*header_len = 0;
	while (load_be16(frame + l2 - 2) == 0x8100 ||
	       load_be16(frame + l2 - 2) == 0x88a8)
		l2 += 4;
	ip = frame + l2;
	if (load_be16(ip - 2) == 0x0800) {
		l3 = (size_t)(ip[0] & 0xf) * 4;
		if (l3 < 20 || l3 > len - l2)
			return "IPv4 header";
		proto = ip[9];
		if (load_be16(ip + 2) != len - l2)
			return "IPv4 length";
		if (frame_naive_sum(0, ip, l3) != 0xffff)
			return "IPv4 checksum";
	} else {
		l3 = 40;
		proto = ip[6];
		if (load_be16(ip + 4) != len - l2 - 40U)
			return "IPv6 length";
		while (proto == HOP_BY_HOP || proto == ROUTING ||
		       proto == DESTINATION) {
			if (l3 + 8 > len - l2)
				return "IPv6 extension header";
			proto = ip[l3];
			l3 += 8U * (ip[l3 + 1] + 1U);
		}
		if (l3 > len - l2)
			return "IPv6 extension header";
	}
	fault = l4_fault(ip, proto, ip + l3, len - l2 - l3, header_len);
	*header_len += l2 + l3;
	return fault;
}
