/* SPDX-License-Identifier: MIT */
/*
 * Lists of transmit segments: whole packets, or an error.
 */
#include "net/packet.h"
#include "support/net_bufs.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct net_tx_meta metas[4];
static struct net_tx_seg segs[16];
static struct net_bufs bufs;
static unsigned char bytes[300], out[400];

/* Packets of 3, 1 and 2 segments: 60, 10 and 30 bytes. */
static void setup(void)
{
	struct net_bufs_config config = {1, 64, 0, false, 1, 4096};
	size_t n = 0;

	ck_assert_int_eq(net_bufs_init(&bufs, &config), 0);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	n += net_bufs_tx(&bufs, &metas[0], bytes, 60, 25, segs + n, 16 - n);
	n += net_bufs_tx(&bufs, &metas[1], bytes + 60, 10, 0, segs + n, 16 - n);
	n += net_bufs_tx(&bufs, &metas[2], bytes + 70, 30, 15, segs + n,
			 16 - n);
	ck_assert_uint_eq(n, 6);
}

static void teardown(void)
{
	net_bufs_fini(&bufs);
}

START_TEST(packets_are_counted)
{
	ck_assert_int_eq(net_packet_count(segs, 0), 0);
	ck_assert_int_eq(net_packet_count(segs, 6), 3);
	ck_assert_int_eq(net_packet_count(segs, 4), 2);
	ck_assert_int_eq(net_packet_count(segs, 5), -EINVAL);	  /* cut off */
	ck_assert_int_eq(net_packet_count(segs + 1, 5), -EINVAL); /* a tail */
	metas[0].n_segs = 0;
	ck_assert_int_eq(net_packet_count(segs, 6), -EINVAL);
	metas[0].n_segs = 2; /* its third is then nobody's */
	ck_assert_int_eq(net_packet_count(segs, 6), -EINVAL);
	metas[0].n_segs = 4; /* takes the next one's head */
	ck_assert_int_eq(net_packet_count(segs, 6), -EINVAL);
	metas[0].n_segs = UINT16_MAX;
	ck_assert_int_eq(net_packet_count(segs, 6), -EINVAL);
}
END_TEST

START_TEST(next_packet_is_cut_off)
{
	const struct net_tx_seg *packet = NULL;
	size_t n = 0;

	ck_assert_int_eq(net_packet_next(segs, 6, &packet, &n), 0);
	ck_assert_ptr_eq(packet, segs);
	ck_assert_uint_eq(n, 3);
	ck_assert_int_eq(net_packet_next(segs + 3, 3, &packet, &n), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(net_packet_next(segs, 0, &packet, &n), -EINVAL);
	ck_assert_int_eq(net_packet_next(segs, 2, &packet, &n), -EINVAL);
	segs[1].meta = &metas[0]; /* which makes no head of a tail */
	metas[0].n_segs = 2;
	ck_assert_int_eq(net_packet_next(segs + 1, 5, &packet, &n), -EINVAL);
	segs[3].meta = NULL;
	ck_assert_int_eq(net_packet_next(segs + 3, 3, &packet, &n), -EINVAL);
}
END_TEST

START_TEST(linearize_copies_or_errs)
{
	struct net_buffer_access *pool = &bufs.base;

	ck_assert_int_eq(net_packet_linearize(pool, segs, 3, out, 60), 60);
	ck_assert_mem_eq(out, bytes, 60);
	ck_assert_int_eq(net_packet_linearize(pool, segs + 4, 2, out, 400), 30);
	ck_assert_mem_eq(out, bytes + 70, 30);
	ck_assert_int_eq(net_packet_linearize(pool, segs, 3, out, 59),
			 -EMSGSIZE);
	ck_assert_int_eq(net_packet_linearize(pool, segs, 4, out, 400),
			 -EINVAL); /* more than a packet */
	ck_assert_int_eq(net_packet_linearize(pool, segs, 2, out, 400),
			 -EINVAL); /* less */
	metas[0].len = 61;
	ck_assert_int_eq(net_packet_linearize(pool, segs, 3, out, 400),
			 -EINVAL);
	metas[0].len = 60;
	metas[0].vnet_hdr = true; /* 12 of the 60 are then the header */
	ck_assert_int_eq(net_packet_linearize(pool, segs, 3, out, 400),
			 -EINVAL);
	metas[0].len = 48;
	ck_assert_int_eq(net_packet_linearize(pool, segs, 3, out, 400), 60);
	segs[1].gpa = NET_BUFS_BAD_GPA;
	ck_assert_int_eq(net_packet_linearize(pool, segs, 3, out, 400),
			 -EFAULT);
	segs[1].len = UINT32_MAX;
	ck_assert_int_eq(net_packet_linearize(pool, segs, 3, out, 400),
			 -EMSGSIZE);
}
END_TEST

START_TEST(iov_points_into_guest_memory)
{
	struct guest_mem_cache cache = {0};
	struct iovec iov[3];
	size_t len;

	ck_assert_int_eq(net_packet_iov(&bufs.mem, &cache, segs, 3, iov, &len),
			 0);
	ck_assert_uint_eq(len, 60);
	ck_assert_ptr_eq(iov[0].iov_base, bufs.tx);
	ck_assert_ptr_eq(iov[2].iov_base, bufs.tx + 50);
	ck_assert_uint_eq(iov[2].iov_len, 10);
	ck_assert_uint_eq(cache.translations, 3);
	segs[2].len = 5000; /* beyond the region */
	ck_assert_int_eq(net_packet_iov(&bufs.mem, &cache, segs, 3, iov, &len),
			 -EFAULT);
	segs[2].gpa = UINT64_MAX;
	ck_assert_int_eq(net_packet_iov(&bufs.mem, &cache, segs, 3, iov, &len),
			 -EFAULT);
}
END_TEST

START_TEST(checksum_states)
{
	ck_assert(net_csum_is_valid(NET_CSUM_GOOD));
	ck_assert(net_csum_is_valid(NET_CSUM_VALIDATED_BUT_WRONG));
	ck_assert(!net_csum_is_valid(NET_CSUM_UNKNOWN));
	ck_assert(!net_csum_is_valid(NET_CSUM_BAD));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("packet");
	TCase *tc = tcase_create("packet");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, packets_are_counted);
	tcase_add_test(tc, next_packet_is_cut_off);
	tcase_add_test(tc, linearize_copies_or_errs);
	tcase_add_test(tc, iov_points_into_guest_memory);
	tcase_add_test(tc, checksum_states);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
