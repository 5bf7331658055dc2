/* SPDX-License-Identifier: MIT */
/*
 * Frames for receive-side scaling.
 */
#include "support/rss_frames.h"

#include "base/bytes.h"

#include <netinet/in.h>
#include <string.h>

const uint8_t rss_verification_key[NET_RSS_KEY_LEN] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
	0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
	0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
	0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static void put(struct rss_frame *frame, const void *bytes, size_t len)
{
	memcpy(frame->bytes + frame->len, bytes, len);
	frame->len += len;
}

void rss_frame_begin(struct rss_frame *frame, int tags)
{
	memset(frame, 0, sizeof(*frame));
	memset(frame->bytes, 0xff, 6);
	frame->bytes[6] = 2;
	frame->len = 12;
	for (int i = 0; i < tags; i++) {
		store_be16(frame->bytes + frame->len,
			   i + 1 < tags ? 0x88a8 : 0x8100);
		frame->bytes[frame->len + 3] = (uint8_t)(i + 5);
		frame->len += 4;
	}
	frame->len += 2;
}

void rss_frame_ipv4(struct rss_frame *frame, uint8_t proto, const uint8_t *src,
		    const uint8_t *dst, uint16_t frag, uint8_t options)
{
	uint8_t ip[60] = {(uint8_t)(0x45 + options)};
	size_t len = 20 + 4U * options;

	store_be16(frame->bytes + frame->len - 2, 0x0800);
	store_be16(ip + 2, (uint16_t)(len + 20));
	store_be16(ip + 6, frag);
	ip[8] = 64;
	ip[9] = proto;
	memcpy(ip + 12, src, 4);
	memcpy(ip + 16, dst, 4);
	put(frame, ip, len);
}

void rss_frame_ipv6(struct rss_frame *frame, uint8_t next, const uint8_t *src,
		    const uint8_t *dst)
{
	uint8_t ip[40] = {0x60};

	store_be16(frame->bytes + frame->len - 2, 0x86dd);
	ip[6] = next;
	ip[7] = 64;
	memcpy(ip + 8, src, 16);
	memcpy(ip + 24, dst, 16);
	put(frame, ip, sizeof(ip));
}

void rss_frame_ext(struct rss_frame *frame, const struct rss_ext *ext,
		   uint8_t next)
{
	uint8_t *at = frame->bytes + frame->len;

	put(frame, ext->bytes, ext->len);
	at[0] = next;
	if (ext->type == IPPROTO_AH)
		at[1] = (uint8_t)(ext->len / 4 - 2);
	else if (ext->type != IPPROTO_FRAGMENT)
		at[1] = (uint8_t)(ext->len / 8 - 1);
}

void rss_frame_ports(struct rss_frame *frame, uint16_t src, uint16_t dst)
{
	uint8_t ports[4];

	store_be16(ports, src);
	store_be16(ports + 2, dst);
	put(frame, ports, sizeof(ports));
}
