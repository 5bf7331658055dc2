/* SPDX-License-Identifier: MIT */
/*
 * The virtio-net header into metadata and back.
 */
#include "net/vnet_hdr.h"

#include "support/frames.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LEN 2000

/* flags, gso_type, hdr_len, gso_size, csum_start, csum_offset, num_buffers */
#define HDR(flags, gso, hdr_len, size, start, offset)                        \
	{                                                                    \
		(flags), (gso), (hdr_len)&0xff, (hdr_len) >> 8, (size)&0xff, \
			(size) >> 8, (start)&0xff, (start) >> 8,             \
			(offset)&0xff, (offset) >> 8, 0, 0                   \
	}

static const uint8_t plain[NET_VNET_HDR_LEN];

static const struct frame_shape tcp4 = {.tcp_options = 12, .payload = 1934};
static const struct frame_shape tcp6 = {
	.ipv6 = true,
	.tcp_options = 12,
	.payload = 1914,
};
static const struct frame_shape udp4 = {.udp = true, .payload = 1958};
static const struct frame_shape udp6 = {
	.ipv6 = true,
	.udp = true,
	.payload = 1938,
};

/* The header of a frame of this shape, of LEN bytes. */
static int to_tx(const uint8_t *hdr, const struct frame_shape *shape,
		 struct net_tx_meta *meta)
{
	static uint8_t frame[FRAME_ROOM];
	struct net_offload offload;

	ck_assert_uint_eq(frame_make(shape, frame, &offload), LEN);
	*meta = (struct net_tx_meta){.len = LEN};
	return net_vnet_hdr_to_tx(hdr, frame, LEN, meta);
}

/* Everything that a header can say, there and back without loss. */
START_TEST(nothing_is_lost)
{
	static const uint8_t headers[][NET_VNET_HDR_LEN] = {
		HDR(0, 0, 0, 0, 0, 0),
		HDR(1, 0, 0, 0, 34, 16),
		HDR(1, 0, 0, 0, 38, 6),	     /* one VLAN tag, UDP */
		HDR(1, 0, 0, 0, 34, 8),	     /* SCTP */
		HDR(1, 0, 0, 0, 42, 16),     /* two VLAN tags */
		HDR(1, 1, 66, 1448, 34, 16), /* TSO4 */
		HDR(1, 0x81, 54, 1448, 34, 16),
		HDR(1, 4, 86, 1428, 54, 16), /* TSO6 */
		HDR(1, 3, 42, 1480, 34, 6),  /* UFO */
		HDR(1, 5, 42, 1472, 34, 6),  /* USO */
		HDR(0, 1, 66, 1448, 0, 0),   /* merged, checksum settled */
	};
	struct net_offload offload;
	uint8_t out[NET_VNET_HDR_LEN];

	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		ck_assert_int_eq(net_vnet_hdr_parse(headers[i], LEN, &offload),
				 0);
		net_vnet_hdr_build(&offload, out);
		ck_assert_mem_eq(out, headers[i], sizeof(out));
	}
}
END_TEST

START_TEST(received_headers_come_back)
{
	static const uint8_t headers[][NET_VNET_HDR_LEN] = {
		HDR(0, 0, 0, 0, 0, 0),
		HDR(2, 0, 0, 0, 0, 0), /* DATA_VALID */
		HDR(1, 1, 66, 1448, 34, 16),
		HDR(2, 1, 66, 1448, 0, 0),
		HDR(1, 0, 0, 0, 34, 6), /* UDP, or DCCP */
		HDR(1, 5, 42, 1472, 34, 6),
		HDR(1, 0, 0, 0, 34, 8),
	};
	static const enum net_l4_proto protocols[ARRAY_SIZE(headers)] = {
		[2] = NET_L4_TCP,
		[3] = NET_L4_TCP,
		[5] = NET_L4_UDP,
	};
	uint8_t out[NET_VNET_HDR_LEN];

	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		struct net_rx_meta meta;

		memset(&meta, 0xff, sizeof(meta)); /* all of it is set */
		meta.len = LEN;
		ck_assert_int_eq(net_vnet_hdr_to_rx(headers[i], &meta), 0);
		net_vnet_hdr_from_rx(&meta, out);
		ck_assert_mem_eq(out, headers[i], sizeof(out));
		ck_assert_int_eq(meta.l4_proto, protocols[i]);
		ck_assert_int_eq(meta.ip_csum, NET_CSUM_UNKNOWN);
	}
}
END_TEST

START_TEST(data_valid_is_about_one_level)
{
	struct net_rx_meta meta = {.len = LEN, .l4_csum = NET_CSUM_GOOD};
	uint8_t out[NET_VNET_HDR_LEN];

	net_vnet_hdr_from_rx(&meta, out); /* IPv6 has no other */
	ck_assert_uint_eq(out[0], VNET_HDR_F_DATA_VALID);
	meta.ip_csum = NET_CSUM_BAD;
	net_vnet_hdr_from_rx(&meta, out);
	ck_assert_uint_eq(out[0], 0);
	meta.ip_csum = NET_CSUM_GOOD;
	meta.l4_csum = NET_CSUM_VALIDATED_BUT_WRONG;
	net_vnet_hdr_from_rx(&meta, out);
	ck_assert_uint_eq(out[0], VNET_HDR_F_DATA_VALID);
	meta.l4_csum = NET_CSUM_BAD;
	net_vnet_hdr_from_rx(&meta, out);
	ck_assert_uint_eq(out[0], 0);
	meta.l4_csum = NET_CSUM_UNKNOWN;
	net_vnet_hdr_from_rx(&meta, out);
	ck_assert_mem_eq(out, plain, sizeof(out));
}
END_TEST

START_TEST(contradictions_are_refused)
{
	static const uint8_t headers[][NET_VNET_HDR_LEN] = {
		HDR(0, 2, 0, 0, 0, 0), /* no such GSO type */
		HDR(0, 0x7f, 0, 0, 0, 0),
		HDR(0, 0x80, 0, 0, 0, 0),    /* ECN of nothing */
		HDR(1, 1, 66, 0, 34, 16),    /* GSO without a size */
		HDR(1, 0, 0, 0, LEN - 2, 1), /* the field is beyond the end */
		HDR(1, 0, 0, 0, 0xffff, 0xffff),
		HDR(1, 0, 0, 0, LEN, 0),
	};
	struct net_rx_meta rx = {.len = LEN};
	struct net_tx_meta tx;
	struct net_offload offload;

	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		ck_assert_int_eq(net_vnet_hdr_parse(headers[i], LEN, &offload),
				 -EINVAL);
		ck_assert_int_eq(net_vnet_hdr_to_rx(headers[i], &rx), -EINVAL);
		ck_assert_int_eq(to_tx(headers[i], &tcp4, &tx), -EINVAL);
	}
	ck_assert_int_eq(net_vnet_hdr_parse(plain, 0, &offload), 0);
}
END_TEST

START_TEST(gso_must_agree_with_its_frame)
{
	static const struct {
		uint8_t hdr[NET_VNET_HDR_LEN];
		const struct frame_shape *shape;
		int err;
	} cases[] = {
		{HDR(1, 1, 66, 1448, 34, 16), &tcp4, 0},
		{HDR(1, 1, 66, 1448, 34, 16), &udp4, -EINVAL},
		{HDR(0, 1, 66, 1448, 34, 16), &tcp4, -EINVAL}, /* no csum */
		{HDR(1, 1, 66, 1448, 34, 6), &tcp4, -EINVAL},  /* UDP's */
		{HDR(1, 1, 66, 1448, 54, 16), &tcp6, -EINVAL}, /* TSO4 in v6 */
		{HDR(1, 4, 86, 1428, 34, 16), &tcp4, -EINVAL},
		{HDR(1, 4, 86, 1428, 54, 16), &tcp6, 0},
		{HDR(1, 4, 86, 1428, 53, 16), &tcp6, -EINVAL},
		{HDR(1, 5, 42, 1472, 34, 6), &udp4, 0},
		{HDR(1, 5, 62, 1472, 54, 6), &udp6, 0},
		{HDR(1, 5, 42, 1472, 34, 6), &tcp4, -EINVAL},
		{HDR(1, 5, 42, 1472, 34, 16), &udp4, -EINVAL},
		{HDR(1, 5, 42, 1472, 14, 6), &udp4, -EINVAL}, /* no L3 */
		{HDR(1, 3, 42, 1472, 34, 6), &udp4, -EINVAL}, /* no flag */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct net_tx_meta meta;

		ck_assert_int_eq(to_tx(cases[i].hdr, cases[i].shape, &meta),
				 cases[i].err);
	}
}
END_TEST

START_TEST(flags_follow_from_the_header)
{
	static const uint8_t tso4[] = HDR(1, 1, 66, 1448, 34, 16);
	static const uint8_t bad_hint[] = HDR(1, 1, 9999, 1448, 34, 16);
	static const uint8_t tso6[] = HDR(1, 4, 86, 1428, 54, 16);
	static const uint8_t uso[] = HDR(1, 5, 42, 1472, 34, 6);
	static const uint8_t csum[] = HDR(1, 0, 0, 0, 34, 6);
	static const uint8_t sctp[] = HDR(1, 0, 0, 0, 34, 8);
	struct net_tx_meta meta;
	uint8_t out[NET_VNET_HDR_LEN];

	ck_assert_int_eq(to_tx(tso4, &tcp4, &meta), 0);
	ck_assert_uint_eq(meta.flags, NET_TX_IPV4 | NET_TX_TCP_CSUM |
					      NET_TX_TSO | NET_TX_IPV4_CSUM);
	ck_assert_uint_eq(meta.l2_len, 14);
	ck_assert_uint_eq(meta.l3_len, 20);
	ck_assert_uint_eq(meta.l4_len, 32);
	ck_assert_uint_eq(meta.l4_offset, 34);
	ck_assert_uint_eq(meta.mss, 1448);
	/* The header's length is a hint; the frame knows. */
	ck_assert_int_eq(to_tx(bad_hint, &tcp4, &meta), 0);
	ck_assert_int_eq(net_vnet_hdr_from_tx(&meta, out), 0);
	ck_assert_mem_eq(out, tso4, sizeof(out));
	ck_assert_int_eq(to_tx(tso6, &tcp6, &meta), 0);
	ck_assert_uint_eq(meta.flags,
			  NET_TX_IPV6 | NET_TX_TCP_CSUM | NET_TX_TSO);
	ck_assert_int_eq(to_tx(uso, &udp4, &meta), 0);
	ck_assert_uint_eq(meta.flags, NET_TX_IPV4 | NET_TX_UDP_CSUM |
					      NET_TX_USO | NET_TX_IPV4_CSUM);
	ck_assert_uint_eq(meta.l4_len, 8);
	ck_assert_int_eq(to_tx(csum, &udp4, &meta), 0);
	ck_assert_uint_eq(meta.flags, NET_TX_IPV4 | NET_TX_UDP_CSUM);
	/* No flag for it, and it is not forgotten. */
	ck_assert_int_eq(to_tx(sctp, &tcp4, &meta), 0);
	ck_assert_uint_eq(meta.flags, 0);
	ck_assert_int_eq(net_vnet_hdr_from_tx(&meta, out), 0);
	ck_assert_mem_eq(out, sctp, sizeof(out));
}
END_TEST

/* Of a frontend that has only flags (no header of its own). */
START_TEST(header_follows_from_the_flags)
{
	static const uint8_t tso4[] = HDR(1, 1, 66, 1448, 34, 16);
	static const uint8_t tso6[] = HDR(1, 4, 86, 1428, 54, 16);
	static const uint8_t uso6[] = HDR(1, 5, 62, 1472, 54, 6);
	static const uint8_t udp[] = HDR(1, 0, 0, 0, 34, 6);
	struct net_tx_meta meta = {
		.len = LEN,
		.flags = NET_TX_IPV4 | NET_TX_TCP_CSUM | NET_TX_TSO,
		.l2_len = 14,
		.l3_len = 20,
		.l4_len = 32,
		.mss = 1448,
	};
	uint8_t out[NET_VNET_HDR_LEN];

	ck_assert_int_eq(net_vnet_hdr_from_tx(&meta, out), 0);
	ck_assert_mem_eq(out, tso4, sizeof(out));
	ck_assert_int_eq(net_tx_l3_proto(&meta), NET_L3_IPV4);
	meta.flags = NET_TX_IPV6 | NET_TX_TCP_CSUM | NET_TX_TSO;
	meta.l3_len = 40;
	meta.mss = 1428;
	ck_assert_int_eq(net_vnet_hdr_from_tx(&meta, out), 0);
	ck_assert_mem_eq(out, tso6, sizeof(out));
	ck_assert_int_eq(net_tx_l3_proto(&meta), NET_L3_IPV6);
	meta.flags = NET_TX_IPV6 | NET_TX_UDP_CSUM | NET_TX_USO;
	meta.l4_len = 8;
	meta.mss = 1472;
	ck_assert_int_eq(net_vnet_hdr_from_tx(&meta, out), 0);
	ck_assert_mem_eq(out, uso6, sizeof(out));
	meta.flags = NET_TX_IPV4 | NET_TX_UDP_CSUM;
	meta.l3_len = 20;
	ck_assert_int_eq(net_vnet_hdr_from_tx(&meta, out), 0);
	ck_assert_mem_eq(out, udp, sizeof(out));
	meta.flags = 0;
	ck_assert_int_eq(net_tx_l3_proto(&meta), NET_L3_UNKNOWN);
	ck_assert_int_eq(net_vnet_hdr_from_tx(&meta, out), 0);
	ck_assert_mem_eq(out, plain, sizeof(out));
	/* What the header cannot say is not left out. */
	meta.flags = NET_TX_IPV4 | NET_TX_IPV4_CSUM;
	ck_assert_int_eq(net_vnet_hdr_from_tx(&meta, out), -EINVAL);
	meta.flags = NET_TX_IPV4 | NET_TX_TCP_CSUM | NET_TX_UDP_CSUM;
	ck_assert_int_eq(net_vnet_hdr_from_tx(&meta, out), -EINVAL);
	meta.flags = NET_TX_IPV4 | NET_TX_TSO;
	meta.mss = 0;
	ck_assert_int_eq(net_vnet_hdr_from_tx(&meta, out), -EINVAL);
	meta.mss = 1448;
	meta.l3_len = UINT16_MAX;
	ck_assert_int_eq(net_vnet_hdr_from_tx(&meta, out), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vnet_hdr");
	TCase *tc = tcase_create("vnet_hdr");

	tcase_add_test(tc, nothing_is_lost);
	tcase_add_test(tc, received_headers_come_back);
	tcase_add_test(tc, data_valid_is_about_one_level);
	tcase_add_test(tc, contradictions_are_refused);
	tcase_add_test(tc, gso_must_agree_with_its_frame);
	tcase_add_test(tc, flags_follow_from_the_header);
	tcase_add_test(tc, header_follows_from_the_flags);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
