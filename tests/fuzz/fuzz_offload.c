/* SPDX-License-Identifier: MIT */
/*
 * What is left to do on a frame, said in every way and done.
 *
 * Input: a virtio-net header, the first byte of whose num_buffers is the size of
 * pieces and whose second is laid over the flags of metadata; then the frame.
 * Whatever is accepted has to mean the same after each conversion, and the
 * checksum has to be the one that a byte-by-byte sum gives.
 */
#include "base/bytes.h"
#include "net/offload.h"
#include "net/vnet_hdr.h"
#include "support/frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what)
{
	if (condition)
		return;
	(void)fprintf(stderr, "offload: %s\n", what);
	abort();
}

static bool same(const struct net_offload *a, const struct net_offload *b)
{
	return a->gso == b->gso && a->gso_ecn == b->gso_ecn &&
	       a->csum_needed == b->csum_needed &&
	       a->csum_start == b->csum_start &&
	       a->csum_offset == b->csum_offset && a->gso_size == b->gso_size &&
	       a->hdr_len == b->hdr_len;
}

static void check_headers(const uint8_t *frame, size_t len)
{
	size_t n = MIN(len, (size_t)NET_HEADERS_MAX);
	struct net_headers h;

	if (net_headers_parse(frame, n, &h) < 0) {
		require(len < NET_ETHERNET_LEN, "a frame is not parsed");
		return;
	}
	require(h.l2_len <= n, "Ethernet header beyond the frame");
	if (h.l3 != NET_L3_UNKNOWN)
		require(net_headers_l4_offset(&h) <= n, "IP beyond the frame");
	if (h.l4 == NET_L4_UNKNOWN)
		return;
	require(h.l3 != NET_L3_UNKNOWN, "transport without IP");
	require(!h.is_fragment, "transport of a fragment");
	require(net_headers_len(&h) <= n, "transport beyond the frame");
}

static void check_rx(const uint8_t *hdr, uint32_t len)
{
	struct net_rx_meta meta = {.len = len}, again = {.len = len};
	uint8_t out[NET_VNET_HDR_LEN];

	if (net_vnet_hdr_to_rx(hdr, &meta) < 0)
		return;
	net_vnet_hdr_from_rx(&meta, out);
	require(net_vnet_hdr_to_rx(out, &again) == 0, "rx: header refused");
	require(same(&meta.offload, &again.offload), "rx: offload differs");
	if (!meta.offload.csum_needed)
		require(meta.l4_csum == again.l4_csum, "rx: state differs");
}

static void check_flags(const struct net_tx_meta *meta)
{
	struct net_tx_meta flags_only = *meta;
	struct net_offload offload;

	flags_only.offload = (struct net_offload){0};
	require(net_offload_of_tx(&flags_only, &offload) == 0,
		"tx: own flags refused");
	offload.gso_ecn = meta->offload.gso_ecn;
	if (meta->offload.gso == NET_GSO_NONE)
		offload.hdr_len = meta->offload.hdr_len;
	require(same(&offload, &meta->offload), "tx: flags say otherwise");
}

static void check_tx(const uint8_t *hdr, const uint8_t *frame, size_t len)
{
	struct net_tx_meta meta = {.len = (uint32_t)len};
	struct net_offload again;
	uint8_t out[NET_VNET_HDR_LEN];

	if (net_vnet_hdr_to_tx(hdr, frame, MIN(len, (size_t)NET_HEADERS_MAX),
			       &meta) < 0)
		return;
	require(net_vnet_hdr_from_tx(&meta, out) == 0, "tx: header refused");
	require(net_vnet_hdr_parse(out, meta.len, &again) == 0,
		"tx: header does not parse");
	require(same(&meta.offload, &again), "tx: offload differs");
	if (meta.offload.gso != NET_GSO_NONE)
		require(meta.flags & (NET_TX_TSO | NET_TX_USO),
			"tx: a large frame without a flag");
	if (meta.flags)
		check_flags(&meta);
}

/* Metadata of a frontend that knows only flags, however wrong. */
static void check_wild_flags(const uint8_t *hdr, size_t len)
{
	struct net_tx_meta meta = {
		.len = (uint32_t)len,
		.flags = hdr[11],
		.l2_len = hdr[2],
		.l4_len = hdr[3],
		.l3_len = load_le16(hdr + 6),
		.mss = load_le16(hdr + 4),
	};
	struct net_offload offload;
	uint8_t out[NET_VNET_HDR_LEN];

	if (net_vnet_hdr_from_tx(&meta, out) < 0)
		return;
	require(net_vnet_hdr_parse(out, meta.len, &offload) == 0,
		"flags: the header does not parse");
	if (meta.flags & (NET_TX_TCP_CSUM | NET_TX_UDP_CSUM))
		require(offload.csum_needed, "flags: a checksum is forgotten");
	if (meta.flags & (NET_TX_TSO | NET_TX_USO))
		require(offload.gso != NET_GSO_NONE, "flags: not cut");
	require(!net_offload_wants_ipv4(&meta), "flags: IPv4 is forgotten");
}

static void check_sum(const struct net_offload *offload, uint8_t *frame,
		      size_t len, size_t piece)
{
	static struct iovec iov[FRAME_ROOM];
	uint16_t start = offload->csum_start;
	uint8_t *field = frame + start + offload->csum_offset;
	uint16_t naive;
	size_t n = 0;

	for (size_t at = 0; at < len; at += iov[n++].iov_len)
		iov[n] = (struct iovec){frame + at, MIN(piece, len - at)};
	naive = (uint16_t)~frame_naive_sum(0, frame + start, len - start);
	require(net_offload_finish(offload, iov, n) == 0, "sum: refused");
	require(load_be16(field) == (naive ? naive : 0xffff), "sum: wrong");
}

static void check_vlan(uint8_t *frame, size_t len)
{
	static uint8_t before[FRAME_ROOM];
	struct net_vlan vlan;

	if (!net_vlan_parse(frame, len, &vlan))
		return;
	memcpy(before, frame, len);
	net_vlan_strip(frame, len);
	net_vlan_insert(frame, len - NET_VLAN_TAG_LEN, &vlan);
	require(!memcmp(before, frame, len), "vlan: not the same tag");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct net_offload offload, again;
	uint8_t hdr[NET_VNET_HDR_LEN], out[NET_VNET_HDR_LEN];
	size_t len = size - sizeof(hdr);
	uint8_t *frame;

	if (size <= sizeof(hdr) || len > NET_FRAME_MAX)
		return 0;
	memcpy(hdr, data, sizeof(hdr));
	frame = malloc(len);
	require(frame, "no memory");
	memcpy(frame, data + sizeof(hdr), len);
	check_headers(frame, len);
	check_rx(hdr, (uint32_t)len);
	check_tx(hdr, frame, len);
	check_wild_flags(hdr, len);
	if (net_vnet_hdr_parse(hdr, (uint32_t)len, &offload) == 0) {
		net_vnet_hdr_build(&offload, out);
		require(net_vnet_hdr_parse(out, (uint32_t)len, &again) == 0 &&
				same(&offload, &again),
			"header: it says otherwise");
		if (offload.csum_needed)
			check_sum(&offload, frame, len, hdr[10] + 1U);
	}
	check_vlan(frame, len);
	free(frame);
	return 0;
}
