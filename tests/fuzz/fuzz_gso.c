/* SPDX-License-Identifier: MIT */
/*
 * Cutting frames in software.
 *
 * Input: a virtio-net header, whose num_buffers is the size of the pieces in
 * which the frame lies; then the frame. If the frame is accepted, its packets
 * hold its payload, byte for byte and none twice; each is as long as its headers
 * say and no longer than was asked for; all checksums are right. Cutting is
 * broken off and resumed on the way.
 */
#include "net/gso.h"

#include "base/bytes.h"
#include "net/vnet_hdr.h"
#include "support/frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t packet[FRAME_ROOM];
static struct iovec iov[FRAME_ROOM];

static void require(bool condition, const char *what)
{
	if (condition)
		return;
	(void)fprintf(stderr, "gso: %s\n", what);
	abort();
}

/* The sum of pseudo header, transport header and payload. */
static uint16_t l4_sum(const struct net_headers *h, size_t len)
{
	const uint8_t *ip = packet + h->l2_len;
	const uint8_t *l4 = packet + net_headers_l4_offset(h);
	size_t l4_len = len - net_headers_l4_offset(h);
	bool v6 = h->l3 == NET_L3_IPV6;
	uint16_t pseudo =
		frame_naive_sum(h->protocol + (uint32_t)(l4_len & 0xffff) +
					(uint32_t)(l4_len >> 16),
				ip + (v6 ? 8 : 12), v6 ? 32 : 8);

	return frame_naive_sum(pseudo, l4, l4_len);
}

static void check_packet(const struct net_gso *gso, size_t len)
{
	const uint8_t *ip = packet + gso->h.l2_len;
	const uint8_t *l4 = packet + net_headers_l4_offset(&gso->h);
	struct net_headers h;

	require(net_headers_parse(packet, len, &h) == 0, "not a frame");
	require(h.l3 == gso->h.l3 && h.l4 == gso->h.l4 &&
			h.l3_len == gso->h.l3_len && h.l4_len == gso->h.l4_len,
		"other headers");
	require(h.ip_len == len - h.l2_len, "IP length");
	if (h.l3 == NET_L3_IPV4)
		require(frame_naive_sum(0, ip, h.l3_len) == 0xffff,
			"IPv4 checksum");
	if (h.l4 == NET_L4_UDP) {
		require(load_be16(l4 + 4) == len - net_headers_l4_offset(&h),
			"UDP length");
		require(load_be16(l4 + 6) != 0, "no UDP checksum");
	} else {
		require(load_be32(l4 + 4) ==
				load_be32(gso->header +
					  net_headers_l4_offset(&h) + 4) +
					(gso->index - 1) * gso->size,
			"sequence number");
	}
	require(l4_sum(&h, len) == 0xffff, "checksum");
}

/* All packets, with a pause before every @pause-th. */
static void cut(struct net_gso *gso, size_t n, const uint8_t *frame,
		uint32_t pause)
{
	struct net_gso_packet out;
	size_t sum = 0, count = 0;

	while (net_gso_next(gso, packet, &out)) {
		size_t len = out.header_len + out.payload_len;

		require(out.payload_len <= gso->size, "too long");
		require(out.payload_at == gso->header_len + sum, "a gap");
		require(net_iov_read(&out.payload, packet + out.header_len,
				     out.payload_len) == out.payload_len,
			"payload is missing");
		require(!memcmp(packet + out.header_len, frame + out.payload_at,
				out.payload_len),
			"other payload");
		check_packet(gso, len);
		sum += out.payload_len;
		count++;
		if (gso->index % pause == 0 && gso->index < gso->count)
			require(net_gso_resume(gso, iov, n) == 0,
				"it does not go on");
	}
	require(sum == gso->payload_len, "payload is lost");
	require(count == gso->count, "another number of packets");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct net_offload offload;
	struct net_gso gso;
	size_t len = size - NET_VNET_HDR_LEN, piece, n = 0;
	uint8_t *frame;

	if (size <= NET_VNET_HDR_LEN || len > NET_FRAME_MAX ||
	    net_vnet_hdr_parse(data, (uint32_t)len, &offload) < 0)
		return 0;
	frame = malloc(len);
	require(frame, "no memory");
	memcpy(frame, data + NET_VNET_HDR_LEN, len);
	piece = load_le16(data + VNET_HDR_NUM_BUFFERS) + 1U;
	for (size_t at = 0; at < len; at += iov[n++].iov_len)
		iov[n] = (struct iovec){frame + at, MIN(piece, len - at)};
	if (net_gso_init(&gso, &offload, iov, n) == 0) {
		require(gso.header_len <= len, "headers beyond the frame");
		require(gso.header_len + gso.payload_len == len, "length");
		cut(&gso, n, frame, (uint32_t)(piece % 7) + 1);
	}
	free(frame);
	return 0;
}
