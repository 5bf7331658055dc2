/* SPDX-License-Identifier: MIT */
/*
 * The start of a packet to a tap: the header that metadata becomes, the VLAN
 * tag, the IPv4 checksum, however the packet is cut into pieces.
 */
#include "backends/tap_queue.h"

#include "base/bytes.h"
#include "net/vnet_hdr.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LEN 90

static struct tap_tx tx;
static uint8_t frame[LEN], copy[LEN];
static uint8_t out[NET_VNET_HDR_LEN + LEN + NET_VLAN_TAG_LEN];

/* TCP over IPv4 (the example of RFC 1071's kind: a checksum that is known),
 * @options words of options; the field holds rubbish. */
static void make_frame(unsigned int options)
{
	static const uint8_t ip[20] = {
		0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
		0x12, 0x34, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7,
	};

	for (size_t i = 0; i < LEN; i++)
		frame[i] = (uint8_t)(i * 3);
	store_be16(frame + 12, 0x0800);
	memcpy(frame + 14, ip, sizeof(ip));
	frame[14] = (uint8_t)(0x45 + options);
	memset(frame + 34, 0, 4 * (size_t)options);
	memcpy(copy, frame, LEN);
}

/* The packet in pieces of @piece bytes; what comes out goes to @out. Returns the
 * bytes, or -errno. */
static ssize_t put(const struct net_tx_meta *meta, size_t piece)
{
	struct iovec *iov;
	struct net_iov_walk walk;
	size_t n = 0;
	int entries;

	for (size_t at = 0; at < LEN; at += piece, n++)
		tx.iov[1 + n] =
			(struct iovec){frame + at, MIN(piece, LEN - at)};
	entries = tap_tx_put_head(&tx, meta, n, &iov);
	ck_assert_mem_eq(frame, copy, LEN); /* the guest's */
	if (entries < 0)
		return entries;
	ck_assert_uint_le((size_t)entries, n + 1);
	ck_assert_ptr_eq(iov + entries, &tx.iov[1 + n]);
	walk = net_iov_walk(iov, (size_t)entries);
	return (ssize_t)net_iov_read(&walk, out, sizeof(out));
}

START_TEST(header_only)
{
	const struct net_tx_meta meta = {
		.len = LEN,
		.flags = NET_TX_IPV4 | NET_TX_TCP_CSUM,
		.l2_len = 14,
		.l3_len = 20,
		.l4_offset = 34,
	};
	uint8_t hdr[NET_VNET_HDR_LEN];

	make_frame(0);
	ck_assert_int_eq(net_vnet_hdr_from_tx(&meta, hdr), 0);
	for (size_t piece = 1; piece <= LEN; piece++) {
		ck_assert_int_eq(put(&meta, piece), NET_VNET_HDR_LEN + LEN);
		ck_assert_mem_eq(out, hdr, NET_VNET_HDR_LEN);
		ck_assert_mem_eq(out + NET_VNET_HDR_LEN, frame, LEN);
	}
}
END_TEST

START_TEST(vlan_tag)
{
	const struct net_tx_meta meta = {
		.len = LEN,
		.offload = {.csum_needed = true,
			    .csum_start = 34,
			    .csum_offset = 16,
			    .gso = NET_GSO_TCPV4,
			    .gso_size = 10,
			    .hdr_len = 54},
		.vlan = {.present = true,
			 .priority = 5,
			 .dei = true,
			 .id = 0x123},
	};
	static const uint8_t tag[] = {0x81, 0x00, 0xb1, 0x23};
	const uint8_t *sent = out + NET_VNET_HDR_LEN;

	make_frame(0);
	for (size_t piece = 1; piece <= LEN; piece++) {
		ck_assert_int_eq(put(&meta, piece), NET_VNET_HDR_LEN + LEN + 4);
		ck_assert_mem_eq(sent, frame, 12);
		ck_assert_mem_eq(sent + 12, tag, 4);
		ck_assert_mem_eq(sent + 16, frame + 12, LEN - 12);
		/* Everything is four bytes further now. */
		ck_assert_uint_eq(load_le16(out + 2), 58);
		ck_assert_uint_eq(load_le16(out + 6), 38);
		ck_assert_uint_eq(load_le16(out + 8), 16);
	}
}
END_TEST

START_TEST(ipv4_checksum)
{
	struct net_tx_meta meta = {
		.len = LEN,
		.flags = NET_TX_IPV4 | NET_TX_IPV4_CSUM,
		.l2_len = 14,
		.l3_len = 20,
	};
	const uint8_t *sent = out + NET_VNET_HDR_LEN;

	make_frame(0);
	for (size_t piece = 1; piece <= LEN; piece++) {
		ck_assert_int_eq(put(&meta, piece), NET_VNET_HDR_LEN + LEN);
		ck_assert_uint_eq(load_be16(sent + 24), 0xb861);
		ck_assert_mem_eq(sent, frame, 24);
		ck_assert_mem_eq(sent + 26, frame + 26, LEN - 26);
	}
	/* Behind a tag. */
	meta.vlan = (struct net_vlan){.present = true, .id = 7};
	ck_assert_int_eq(put(&meta, 7), NET_VNET_HDR_LEN + LEN + 4);
	ck_assert_uint_eq(load_be16(sent + 28), 0xb861);
	ck_assert_mem_eq(sent + 30, frame + 26, LEN - 26);
	/* With the longest header there is. */
	meta.vlan.present = false;
	make_frame(10);
	meta.l3_len = 60;
	ck_assert_int_eq(put(&meta, 40), NET_VNET_HDR_LEN + LEN);
	ck_assert_uint_eq(load_be16(sent + 24), 0xae61);
}
END_TEST

/* Metadata that does not fit the frame: refused, whatever it says. */
START_TEST(contradictions)
{
	struct net_tx_meta meta = {
		.len = LEN,
		.flags = NET_TX_IPV4 | NET_TX_IPV4_CSUM,
		.l2_len = 14,
		.l3_len = 20,
	};

	make_frame(0);
	for (unsigned int l2 = 0; l2 <= UINT8_MAX; l2++) {
		for (unsigned int l3 = 0; l3 < 300; l3++) {
			bool good = l2 == 14 && l3 == 20;

			meta.l2_len = (uint8_t)l2;
			meta.l3_len = (uint16_t)l3;
			ck_assert_int_eq(put(&meta, 30),
					 good ? NET_VNET_HDR_LEN + LEN
					      : -EINVAL);
		}
	}
	meta.l2_len = 14;
	meta.l3_len = 20;
	meta.len = 33;
	ck_assert_int_eq(put(&meta, 30), -EINVAL);
	meta = (struct net_tx_meta){.len = 11, .vlan = {.present = true}};
	ck_assert_int_eq(put(&meta, 30), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tap_tx_head");
	TCase *tc = tcase_create("head");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, header_only);
	tcase_add_test(tc, vlan_tag);
	tcase_add_test(tc, ipv4_checksum);
	tcase_add_test(tc, contradictions);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
