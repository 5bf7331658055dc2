/* SPDX-License-Identifier: MIT */
/*
 * The internet checksum against one that goes byte by byte.
 */
#include "net/checksum.h"

#include "base/bytes.h"
#include "support/frames.h"
#include "support/run.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define LEN 4096

static uint8_t bytes[LEN];

static void fill(unsigned int seed)
{
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)((i * 2654435761U + seed) >> 7);
}

START_TEST(every_length_and_alignment)
{
	fill(1);
	for (size_t at = 0; at < 9; at++) {
		for (size_t len = 0; len < 300; len++) {
			struct net_csum csum = {0};

			net_csum_add(&csum, bytes + at, len);
			ck_assert_uint_eq(net_csum_fold(&csum),
					  frame_naive_sum(0, bytes + at, len));
		}
	}
}
END_TEST

/* Carries from every bit: the sum of ones is one. */
START_TEST(no_carry_is_lost)
{
	struct net_csum csum = {0};

	memset(bytes, 0xff, sizeof(bytes));
	for (int i = 0; i < 100000; i++)
		net_csum_add(&csum, bytes, sizeof(bytes));
	ck_assert_uint_eq(net_csum_fold(&csum), 0xffff);
	ck_assert_uint_eq(net_csum_finish(&csum), 0);
	ck_assert_uint_eq(net_csum_finish_udp(&csum), 0xffff);
	net_csum_add_u16(&csum, 5);
	ck_assert_uint_eq(net_csum_fold(&csum), 5);
}
END_TEST

/* Stretches of any lengths are as good as one. */
START_TEST(odd_boundaries)
{
	struct iovec iov[64];

	for (unsigned int seed = 0; seed < 200; seed++) {
		unsigned int next = seed;
		struct net_csum csum = {0};
		struct net_iov_walk walk;
		size_t at = 0, n = 0;

		fill(seed);
		while (n < ARRAY_SIZE(iov)) {
			next = next * 1103515245U + 12345U;
			iov[n++] = (struct iovec){bytes + at, next >> 16 & 63};
			at += iov[n - 1].iov_len;
		}
		walk = net_iov_walk(iov, n);
		ck_assert(net_iov_skip(&walk, 3));
		ck_assert(net_csum_add_walk(&csum, &walk, 501));
		ck_assert(net_csum_add_walk(&csum, &walk, at - 504));
		ck_assert_uint_eq(net_csum_fold(&csum),
				  frame_naive_sum(0, bytes + 3, at - 3));
		ck_assert(!net_csum_add_walk(&csum, &walk, 1));
	}
}
END_TEST

START_TEST(pseudo_headers)
{
	uint8_t wire[40];
	struct net_csum v4 = {0}, v6 = {0};

	fill(3);
	memcpy(wire, bytes, 8);
	store_be16(wire + 8, 6);
	store_be16(wire + 10, 1234);
	net_csum_add_pseudo_v4(&v4, bytes, 6, 1234);
	ck_assert_uint_eq(net_csum_fold(&v4), frame_naive_sum(0, wire, 12));
	memcpy(wire, bytes, 32);
	store_be32(wire + 32, 70000);
	store_be32(wire + 36, 17);
	net_csum_add_pseudo_v6(&v6, bytes, 17, 70000);
	ck_assert_uint_eq(net_csum_fold(&v6), frame_naive_sum(0, wire, 40));
}
END_TEST

/* RFC 1071, 3. */
START_TEST(published_example)
{
	static const uint8_t data[] = {0, 1, 0xf2, 3, 0xf4, 0xf5, 0xf6, 0xf7};
	struct net_csum csum = {0};

	net_csum_add(&csum, data, sizeof(data));
	ck_assert_uint_eq(net_csum_fold(&csum), 0xddf2);
}
END_TEST

START_TEST(changed_words)
{
	fill(4);
	for (size_t at = 0; at < 200; at += 2) {
		struct net_csum before = {0}, after = {0};
		uint16_t from = load_be16(bytes + at);
		uint16_t to = (uint16_t)(from * 77 + at);

		net_csum_add(&before, bytes, 256);
		store_be16(bytes + at, to);
		net_csum_add(&after, bytes, 256);
		ck_assert_uint_eq(
			net_csum_update(net_csum_finish(&before), from, to),
			net_csum_finish(&after));
	}
	/* RFC 1624, 4. */
	ck_assert_uint_eq(net_csum_update(0xdd2f, 0x5555, 0x3285), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("checksum");
	TCase *tc = tcase_create("checksum");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, every_length_and_alignment);
	tcase_add_test(tc, no_carry_is_lost);
	tcase_add_test(tc, odd_boundaries);
	tcase_add_test(tc, pseudo_headers);
	tcase_add_test(tc, published_example);
	tcase_add_test(tc, changed_words);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
