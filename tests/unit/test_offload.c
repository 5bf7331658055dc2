/* SPDX-License-Identifier: MIT */
/*
 * Wishes turned into flags and back, checksums computed, VLAN tags in and out.
 */
#include "net/offload.h"

#include "base/bytes.h"
#include "support/frames.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint8_t frame[FRAME_ROOM];

static const struct frame_shape shapes[] = {
	{.payload = 999},
	{.payload = 1000, .udp = true, .tags = {0x88a8, 0x8100}},
	{.payload = 1001, .ipv6 = true, .tags = {0x8100}},
	{.payload = 1002, .ipv6 = true, .udp = true, .extension = 60},
	{.payload = 5000, .gso_size = 1448, .tcp_flags = 0x80},
	{.payload = 5000, .gso_size = 1428, .ipv6 = true},
	{.payload = 5000, .gso_size = 1472, .udp = true, .tags = {0x8100}},
	{.payload = 5000, .gso_size = 1452, .udp = true, .ipv6 = true},
};

static struct net_tx_meta flags_of(size_t len, struct net_offload offload,
				   int wanted)
{
	struct net_tx_meta meta = {.len = (uint32_t)len, .offload = offload};
	struct net_headers h;

	ck_assert_int_eq(net_headers_parse(frame, len, &h), 0);
	ck_assert_int_eq(net_offload_to_flags(&h, &meta), wanted);
	return meta;
}

START_TEST(flags_say_the_same)
{
	struct net_offload offload, back;
	size_t len = frame_make(&shapes[_i], frame, &offload);
	struct net_tx_meta meta = flags_of(len, offload, 0);

	/* Flags know no ECN: that is said besides. */
	meta.offload = (struct net_offload){.gso_ecn = offload.gso_ecn};
	ck_assert_int_eq(net_offload_of_tx(&meta, &back), 0);
	ck_assert_mem_eq(&back, &offload, sizeof(back));
	meta.offload = offload;
	ck_assert_int_eq(net_offload_of_tx(&meta, &back), 0);
	ck_assert_mem_eq(&back, &offload, sizeof(back));
	ck_assert(!net_offload_wants_ipv4(&meta));
}
END_TEST

START_TEST(no_flag_for_what_is_odd)
{
	static const struct frame_shape tcp = {.payload = 500};
	static const struct frame_shape routed = {
		.payload = 500, .ipv6 = true, .extension = 43};
	struct net_offload offload, odd;
	size_t len = frame_make(&tcp, frame, &offload);

	odd = offload;
	odd.csum_offset = 8; /* as SCTP has it */
	ck_assert_uint_eq(flags_of(len, odd, 0).flags, 0);
	odd.csum_offset = 6; /* UDP's */
	ck_assert_uint_eq(flags_of(len, odd, 0).flags, 0);
	odd = offload;
	odd.csum_start += 20; /* further in, as in a tunnel */
	ck_assert_uint_eq(flags_of(len, odd, 0).flags, 0);
	store_be16(frame + 20, 0x2000); /* a fragment */
	ck_assert_uint_eq(flags_of(len, offload, 0).flags, 0);
	store_be16(frame + 12, 0x8847); /* MPLS */
	ck_assert_uint_eq(flags_of(len, offload, 0).flags, 0);
	len = frame_make(&routed, frame, &offload);
	ck_assert_uint_ne(flags_of(len, offload, 0).flags, 0);
	frame[57] = 1;
	ck_assert_uint_eq(flags_of(len, offload, 0).flags, 0);
	offload.gso = NET_GSO_TCPV6;
	offload.gso_size = 100;
	flags_of(len, offload, -EINVAL);
}
END_TEST

START_TEST(ipv4_checksum_alone)
{
	struct net_tx_meta meta = {.flags = NET_TX_IPV4 | NET_TX_IPV4_CSUM};
	struct net_offload offload;
	uint16_t right;

	ck_assert(net_offload_wants_ipv4(&meta));
	meta.flags |= NET_TX_TSO;
	ck_assert(!net_offload_wants_ipv4(&meta));
	frame_make(&shapes[0], frame, &offload);
	right = load_be16(frame + 24);
	store_be16(frame + 24, 0x1234);
	net_offload_finish_ipv4(frame + 14, 20);
	ck_assert_uint_eq(load_be16(frame + 24), right);
}
END_TEST

START_TEST(checksums_are_right)
{
	static const size_t pieces[] = {FRAME_ROOM, 35, 7, 1};
	static struct iovec iov[2000];
	const struct frame_shape *shape = &shapes[_i];
	struct net_offload offload;
	size_t header_len;

	for (size_t k = 0; k < ARRAY_SIZE(pieces); k++) {
		size_t n = 0, len = frame_make(shape, frame, &offload);

		for (size_t at = 0; at < len; at += iov[n++].iov_len)
			iov[n] = (struct iovec){frame + at,
						MIN(pieces[k], len - at)};
		ck_assert_int_eq(net_offload_finish(&offload, iov, n), 0);
		ck_assert_ptr_null(frame_fault(frame, len, &header_len));
	}
}
END_TEST

START_TEST(odd_places)
{
	struct iovec iov = {frame, 100};
	struct net_offload offload = {
		.csum_needed = true, .csum_start = 33, .csum_offset = 10};
	uint16_t check;

	for (size_t i = 0; i < 100; i++)
		frame[i] = (uint8_t)(i * 31);
	ck_assert_int_eq(net_offload_checksum(&offload, &iov, 1, &check), 0);
	ck_assert_uint_eq(check, (uint16_t)~frame_naive_sum(0, frame + 33, 67));
	offload.csum_offset = 65; /* the last two bytes */
	ck_assert_int_eq(net_offload_finish(&offload, &iov, 1), 0);
	offload.csum_offset = 66;
	ck_assert_int_eq(net_offload_checksum(&offload, &iov, 1, &check),
			 -EINVAL);
	offload.csum_offset = 0xffff;
	offload.csum_start = 0xffff;
	ck_assert_int_eq(net_offload_finish(&offload, &iov, 1), -EINVAL);
	/* A sum of 0xffff would be "no checksum". */
	memset(frame, 0, 100);
	store_be16(frame + 50, 0xffff);
	offload.csum_start = 34;
	offload.csum_offset = 6;
	ck_assert_int_eq(net_offload_checksum(&offload, &iov, 1, &check), 0);
	ck_assert_uint_eq(check, 0xffff);
}
END_TEST

START_TEST(tags_in_and_out)
{
	static const struct frame_shape plain = {.payload = 100};
	static const struct frame_shape qinq = {.payload = 100,
						.tags = {0x88a8, 0x8100}};
	static uint8_t before[FRAME_ROOM];
	struct net_vlan vlan = {
		.present = true, .dei = true, .priority = 5, .id = 0xabc};
	struct net_vlan seen;
	struct net_offload offload, shifted;
	size_t len = frame_make(&plain, frame, &offload);

	memcpy(before, frame, len);
	ck_assert(!net_vlan_parse(frame, len, &seen));
	ck_assert(!seen.present);
	net_vlan_insert(frame, len, &vlan);
	ck_assert_uint_eq(load_be32(frame + 12), 0x8100babc);
	ck_assert_mem_eq(frame + 16, before + 12, len - 12);
	ck_assert(net_vlan_parse(frame, len + 4, &seen));
	ck_assert(seen.present && seen.dei && seen.priority == 5 &&
		  seen.id == 0xabc);
	shifted = offload;
	shifted.gso = NET_GSO_TCPV4;
	shifted.hdr_len = 54;
	ck_assert_int_eq(net_vlan_shift(&shifted, NET_VLAN_TAG_LEN), 0);
	ck_assert_uint_eq(shifted.csum_start, offload.csum_start + 4U);
	ck_assert_uint_eq(shifted.hdr_len, 58);
	net_vlan_strip(frame, len + 4);
	ck_assert_mem_eq(frame, before, len);
	shifted.csum_start = 65533;
	ck_assert_int_eq(net_vlan_shift(&shifted, NET_VLAN_TAG_LEN), -EINVAL);
	shifted.csum_start = 16;
	ck_assert_int_eq(net_vlan_shift(&shifted, -NET_VLAN_TAG_LEN), -EINVAL);
	/* A service tag is no customer tag. */
	len = frame_make(&qinq, frame, &offload);
	ck_assert(!net_vlan_parse(frame, len, &seen));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("offload");
	TCase *tc = tcase_create("offload");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, flags_say_the_same, 0, ARRAY_SIZE(shapes));
	tcase_add_test(tc, no_flag_for_what_is_odd);
	tcase_add_test(tc, ipv4_checksum_alone);
	tcase_add_loop_test(tc, checksums_are_right, 0, 4);
	tcase_add_test(tc, odd_places);
	tcase_add_test(tc, tags_in_and_out);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
