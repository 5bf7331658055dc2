/* SPDX-License-Identifier: MIT */
/*
 * Cutting frames: every packet is whole, and together they are the frame.
 */
#include "net/gso.h"

#include "base/bytes.h"
#include "support/frames.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint8_t frame[FRAME_ROOM];
static uint8_t packet[FRAME_ROOM];

/* Cuts @frame up in pieces of @piece bytes. Returns how many. */
static size_t cut_up(size_t len, size_t piece, struct iovec *iov)
{
	size_t n = 0;

	for (size_t at = 0; at < len; at += iov[n++].iov_len)
		iov[n] = (struct iovec){frame + at, MIN(piece, len - at)};
	return n;
}

/* The next packet, in one place. 0: there are no more. */
static size_t next(struct net_gso *gso)
{
	struct net_gso_packet out;
	size_t len;

	if (!net_gso_next(gso, packet, &out))
		return 0;
	len = out.header_len;
	ck_assert_uint_eq(
		net_iov_read(&out.payload, packet + len, out.payload_len),
		out.payload_len);
	ck_assert_mem_eq(packet + len, frame + out.payload_at, out.payload_len);
	return len + out.payload_len;
}

static const struct frame_shape shapes[] = {
	{.gso_size = 1448, .tcp_options = 12, .payload = 64000},
	{.gso_size = 1448, .payload = 1449, .tcp_flags = 0x99},
	{.gso_size = 1448, .payload = 1448},
	{.gso_size = 1448, .payload = 0},
	{.gso_size = 1, .payload = 300, .ip_id = 65500, .seq = 0xffffff00},
	{.gso_size = 777, .payload = 5000, .tags = {0x8100}},
	{.gso_size = 777, .payload = 5000, .tags = {0x88a8, 0x8100}},
	{.gso_size = 777, .payload = 5000, .ipv4_options = 40},
	{.gso_size = 777, .payload = 5000, .tcp_options = 40},
	{.gso_size = 1428, .payload = 64000, .ipv6 = true},
	{.gso_size = 1428, .payload = 64000, .ipv6 = true, .extension = 60},
	{.gso_size = 999, .payload = 9000, .ipv6 = true, .tags = {0x88a8}},
	{.gso_size = 1472, .payload = 60000, .udp = true},
	{.gso_size = 1471, .payload = 60001, .udp = true, .tags = {0x8100}},
	{.gso_size = 1, .payload = 70, .udp = true},
	{.gso_size = 1452, .payload = 60000, .udp = true, .ipv6 = true},
	{.gso_size = 100,
	 .payload = 999,
	 .udp = true,
	 .ipv6 = true,
	 .extension = 43},
};

START_TEST(packets_are_whole)
{
	static const size_t pieces[] = {FRAME_ROOM, 4096, 1000, 61, 7};
	static struct iovec iov[FRAME_ROOM / 7 + 1];
	const struct frame_shape *shape = &shapes[_i];

	for (size_t k = 0; k < ARRAY_SIZE(pieces); k++) {
		struct net_offload offload;
		struct net_gso gso;
		size_t n, len, header_len, got, sum = 0, count = 0;

		len = frame_make(shape, frame, &offload);
		n = cut_up(len, pieces[k], iov);
		ck_assert_int_eq(net_gso_init(&gso, &offload, iov, n), 0);
		while ((got = next(&gso)) != 0) {
			ck_assert_ptr_null(
				frame_fault(packet, got, &header_len));
			ck_assert_uint_le(got - header_len, shape->gso_size);
			sum += got - header_len;
			count++;
		}
		ck_assert_uint_eq(sum, shape->payload);
		ck_assert_uint_eq(count, gso.count);
	}
}
END_TEST

START_TEST(fields_of_tcp)
{
	static const struct frame_shape shape = {
		.gso_size = 100,
		.payload = 350,
		.tcp_flags = 0x80 | 0x40 | 0x10 | 0x08 | 0x01,
		.ip_id = 0xffff,
		.seq = 0xffffff9c,
	};
	static const uint8_t flags[] = {0xd0, 0x50, 0x50, 0x59};
	static const uint16_t ids[] = {0xffff, 0, 1, 2};
	static const uint32_t seqs[] = {0xffffff9c, 0, 100, 200};
	struct net_offload offload;
	struct iovec iov = {frame, frame_make(&shape, frame, &offload)};
	struct net_gso gso;

	ck_assert_int_eq(net_gso_init(&gso, &offload, &iov, 1), 0);
	ck_assert_uint_eq(gso.count, 4);
	for (size_t i = 0; i < 4; i++) {
		ck_assert_uint_eq(next(&gso), 54U + (i < 3 ? 100 : 50));
		ck_assert_uint_eq(load_be16(packet + 18), ids[i]);
		ck_assert_uint_eq(load_be32(packet + 38), seqs[i]);
		ck_assert_uint_eq(packet[47], flags[i]);
	}
	ck_assert_uint_eq(next(&gso), 0);
}
END_TEST

START_TEST(goes_on_after_a_pause)
{
	static const struct frame_shape shape = {.gso_size = 100,
						 .payload = 1000};
	static uint8_t all[10][200];
	struct net_offload offload;
	struct iovec iov = {frame, frame_make(&shape, frame, &offload)};
	struct net_gso gso;

	ck_assert_int_eq(net_gso_init(&gso, &offload, &iov, 1), 0);
	for (size_t i = 0; i < 10; i++)
		memcpy(all[i], packet, next(&gso));
	for (uint32_t i = 10; i-- > 0;) {
		gso.index = i;
		ck_assert_int_eq(net_gso_resume(&gso, &iov, 1), 0);
		ck_assert_uint_eq(next(&gso), 154);
		ck_assert_mem_eq(packet, all[i], 154);
	}
	iov.iov_len--;
	ck_assert_int_eq(net_gso_resume(&gso, &iov, 1), -EINVAL);
}
END_TEST

START_TEST(headers_are_copied_once)
{
	static const struct frame_shape shape = {.gso_size = 100,
						 .payload = 1000};
	struct net_offload offload;
	size_t header_len, len = frame_make(&shape, frame, &offload);
	struct iovec iov = {frame, len};
	struct net_gso gso;

	ck_assert_int_eq(net_gso_init(&gso, &offload, &iov, 1), 0);
	memset(frame, 0xff, 54);
	while ((len = next(&gso)) != 0)
		ck_assert_ptr_null(frame_fault(packet, len, &header_len));
}
END_TEST

START_TEST(what_it_is_not_is_refused)
{
	static const struct frame_shape tcp = {.gso_size = 100,
					       .payload = 1000};
	static const struct frame_shape routed = {.gso_size = 100,
						  .payload = 1000,
						  .ipv6 = true,
						  .extension = 43};
	static const struct frame_shape long_udp = {
		.gso_size = 65535, .payload = 65510, .udp = true};
	struct net_offload good, offload;
	struct iovec iov = {frame, frame_make(&tcp, frame, &good)};
	struct net_gso gso;

	offload = good;
	offload.gso = NET_GSO_NONE;
	ck_assert_int_eq(net_gso_init(&gso, &offload, &iov, 1), -EINVAL);
	offload.gso = NET_GSO_UDP;
	ck_assert_int_eq(net_gso_init(&gso, &offload, &iov, 1), -EINVAL);
	offload.gso = NET_GSO_UDP_FRAG;
	ck_assert_int_eq(net_gso_init(&gso, &offload, &iov, 1), -EINVAL);
	offload.gso = NET_GSO_TCPV6;
	ck_assert_int_eq(net_gso_init(&gso, &offload, &iov, 1), -EINVAL);
	offload = good;
	offload.gso_size = 0;
	ck_assert_int_eq(net_gso_init(&gso, &offload, &iov, 1), -EINVAL);
	offload = good;
	offload.csum_start++;
	ck_assert_int_eq(net_gso_init(&gso, &offload, &iov, 1), -EINVAL);
	store_be16(frame + 20, 0x2000); /* a fragment */
	ck_assert_int_eq(net_gso_init(&gso, &good, &iov, 1), -EINVAL);
	store_be16(frame + 20, 0x4000);
	ck_assert_int_eq(net_gso_init(&gso, &good, &iov, 1), 0);
	for (iov.iov_len = 0; iov.iov_len < 54; iov.iov_len++)
		ck_assert_int_eq(net_gso_init(&gso, &good, &iov, 1), -EINVAL);
	ck_assert_int_eq(net_gso_init(&gso, &good, &iov, 1), 0);

	/* With a routing header the destination is not where it seems. */
	iov.iov_len = frame_make(&routed, frame, &good);
	frame[14 + 40 + 3] = 1;
	ck_assert_int_eq(net_gso_init(&gso, &good, &iov, 1), -EINVAL);
	iov.iov_len = frame_make(&long_udp, frame, &good);
	ck_assert_int_eq(net_gso_init(&gso, &good, &iov, 1), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gso");
	TCase *tc = tcase_create("gso");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, packets_are_whole, 0, ARRAY_SIZE(shapes));
	tcase_add_test(tc, fields_of_tcp);
	tcase_add_test(tc, goes_on_after_a_pause);
	tcase_add_test(tc, headers_are_copied_once);
	tcase_add_test(tc, what_it_is_not_is_refused);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
