/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_RSS_FRAMES_H
#define EVNIC_TESTS_RSS_FRAMES_H

/*
 * Frames for receive-side scaling, put together header by header.
 */

#include "net/rss.h"

/* The key of the published vectors. */
extern const uint8_t rss_verification_key[NET_RSS_KEY_LEN];

struct rss_frame {
	uint8_t bytes[8192];
	size_t len;
};

/* An IPv6 extension header of @len bytes; its first two are filled in. */
struct rss_ext {
	uint8_t type;
	uint8_t len;
	uint8_t bytes[256];
};

/* Ethernet with @tags VLAN tags; the next header tells the EtherType. */
void rss_frame_begin(struct rss_frame *frame, int tags);

/* @frag: flags and offset. @options: words of options. */
void rss_frame_ipv4(struct rss_frame *frame, uint8_t proto, const uint8_t *src,
		    const uint8_t *dst, uint16_t frag, uint8_t options);
void rss_frame_ipv6(struct rss_frame *frame, uint8_t next, const uint8_t *src,
		    const uint8_t *dst);
void rss_frame_ext(struct rss_frame *frame, const struct rss_ext *ext,
		   uint8_t next);
void rss_frame_ports(struct rss_frame *frame, uint16_t src, uint16_t dst);

#endif
