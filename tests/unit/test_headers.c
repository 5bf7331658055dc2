/* SPDX-License-Identifier: MIT */
/*
 * The headers of frames: tags, options, extension headers, fragments, and
 * frames that end too soon.
 */
#include "net/headers.h"

#include "base/bytes.h"
#include "support/frames.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint8_t frame[FRAME_ROOM];

static struct net_headers parse(size_t len)
{
	struct net_headers h;

	ck_assert_int_eq(net_headers_parse(frame, len, &h), 0);
	return h;
}

START_TEST(where_headers_are)
{
	static const struct {
		struct frame_shape shape;
		unsigned int tags, l2, l3, l4;
	} cases[] = {
		{{.payload = 9}, 0, 14, 20, 20},
		{{.payload = 9, .tags = {0x8100}}, 1, 18, 20, 20},
		{{.payload = 9, .tags = {0x88a8, 0x8100}}, 2, 22, 20, 20},
		{{.tags = {0x88a8}, .tcp_options = 40}, 1, 18, 20, 60},
		{{.ipv4_options = 40, .udp = true}, 0, 14, 60, 8},
		{{.ipv6 = true, .udp = true}, 0, 14, 40, 8},
		{{.ipv6 = true, .extension = 60}, 0, 14, 48, 20},
		{{.ipv6 = true, .tags = {0x88a8, 0x88a8, 0x8100}},
		 3,
		 26,
		 40,
		 20},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct frame_shape *shape = &cases[i].shape;
		struct net_offload offload;
		size_t len = frame_make(shape, frame, &offload);
		struct net_headers h = parse(len);

		ck_assert_uint_eq(h.n_tags, cases[i].tags);
		ck_assert_uint_eq(h.l2_len, cases[i].l2);
		ck_assert_uint_eq(h.l3_len, cases[i].l3);
		ck_assert_uint_eq(h.l4_len, cases[i].l4);
		ck_assert_int_eq(h.l3, shape->ipv6 ? NET_L3_IPV6 : NET_L3_IPV4);
		ck_assert_int_eq(h.l4, shape->udp ? NET_L4_UDP : NET_L4_TCP);
		ck_assert_uint_eq(h.ip_len, len - h.l2_len);
		ck_assert_uint_eq(net_headers_l4_offset(&h),
				  offload.csum_start);
		ck_assert_uint_eq(net_headers_csum_offset(h.l4),
				  offload.csum_offset);
		ck_assert(!h.is_fragment && !h.is_routed);
	}
}
END_TEST

START_TEST(parts_of_datagrams)
{
	static const struct frame_shape v4 = {.payload = 100};
	static const struct frame_shape v6 = {
		.ipv6 = true, .extension = 44, .payload = 100};
	struct net_offload offload;
	struct net_headers h;
	size_t len;

	len = frame_make(&v4, frame, &offload);
	store_be16(frame + 20, 0x2000); /* the first of several */
	h = parse(len);
	ck_assert(h.is_fragment && h.l4 == NET_L4_UNKNOWN);
	ck_assert_int_eq(h.l3, NET_L3_IPV4);
	store_be16(frame + 20, 0x0001); /* the last */
	h = parse(len);
	ck_assert(h.is_fragment && h.l4 == NET_L4_UNKNOWN);

	len = frame_make(&v6, frame, &offload);
	store_be16(frame + 56, 0); /* the only one */
	h = parse(len);
	ck_assert(!h.is_fragment && h.l4 == NET_L4_TCP);
	store_be16(frame + 56, 1);
	h = parse(len);
	ck_assert(h.is_fragment && h.l4 == NET_L4_UNKNOWN);
	store_be16(frame + 56, 8);
	h = parse(len);
	ck_assert(h.is_fragment && h.l4 == NET_L4_UNKNOWN);
}
END_TEST

START_TEST(routes)
{
	static const struct frame_shape v6 = {
		.ipv6 = true, .extension = 43, .payload = 100};
	struct net_offload offload;
	size_t len = frame_make(&v6, frame, &offload);

	frame[57] = 0; /* segments left */
	ck_assert(!parse(len).is_routed);
	frame[57] = 1;
	ck_assert(parse(len).is_routed);
	ck_assert_int_eq(parse(len).l4, NET_L4_TCP);
}
END_TEST

START_TEST(what_is_cut_off_is_unknown)
{
	static const struct frame_shape shape = {
		.ipv6 = true, .extension = 60, .tags = {0x8100}};
	struct net_offload offload;
	size_t len = frame_make(&shape, frame, &offload);
	struct net_headers h;

	for (size_t n = 0; n < 14; n++)
		ck_assert_int_eq(net_headers_parse(frame, n, &h), -EINVAL);
	for (size_t n = 14; n < len; n++) {
		uint8_t *copy = malloc(n); /* AddressSanitizer looks */

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, frame, n);
		ck_assert_int_eq(net_headers_parse(copy, n, &h), 0);
		ck_assert_int_eq(h.l4, NET_L4_UNKNOWN);
		ck_assert_int_eq(h.l3,
				 n < 18 + 40 ? NET_L3_UNKNOWN : NET_L3_IPV6);
		free(copy);
	}
}
END_TEST

START_TEST(contradictions_are_unknown)
{
	static const struct frame_shape v4 = {.payload = 100};
	struct net_offload offload;
	size_t len = frame_make(&v4, frame, &offload);

	frame[14] = 0x44; /* a header of 16 bytes */
	ck_assert_int_eq(parse(len).l3, NET_L3_UNKNOWN);
	frame[14] = 0x65; /* version 6 in IPv4 */
	ck_assert_int_eq(parse(len).l3, NET_L3_UNKNOWN);
	frame[14] = 0x45;
	frame[46] = 0x40; /* a TCP header of 16 bytes */
	ck_assert_int_eq(parse(len).l4, NET_L4_UNKNOWN);
	frame[46] = 0x50;
	frame[23] = 132; /* SCTP */
	ck_assert_int_eq(parse(len).l4, NET_L4_UNKNOWN);
	ck_assert_uint_eq(parse(len).protocol, 132);
	store_be16(frame + 12, 0x8847); /* MPLS */
	ck_assert_int_eq(parse(len).l3, NET_L3_UNKNOWN);
	ck_assert_uint_eq(parse(len).ethertype, 0x8847);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("headers");
	TCase *tc = tcase_create("headers");

	tcase_add_test(tc, where_headers_are);
	tcase_add_test(tc, parts_of_datagrams);
	tcase_add_test(tc, routes);
	tcase_add_test(tc, what_is_cut_off_is_unknown);
	tcase_add_test(tc, contradictions_are_unknown);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
