/* SPDX-License-Identifier: MIT */
/*
 * Frames of a guest as the user network reads them: where the payload is, and
 * what does not come through.
 */
#include "backends/consomme/in.h"

#include "base/bytes.h"
#include "net/offload.h"
#include "support/frames.h"
#include "support/run.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* The destination of frame_make()'s frames. */
static const uint8_t ours[6] = {2, 0, 0, 0, 0, 1};

static uint8_t frame[FRAME_ROOM];
static struct csm_in in;

/* Makes a finished frame, or with @ready false one whose checksum is still to
 * be computed; its length. */
static size_t make(struct frame_shape shape, struct net_tx_meta *meta,
		   bool ready)
{
	struct iovec iov = {.iov_base = frame};

	*meta = (struct net_tx_meta){0};
	iov.iov_len = frame_make(&shape, frame, &meta->offload);
	meta->len = (uint32_t)iov.iov_len;
	if (ready) {
		ck_assert_int_eq(net_offload_finish(&meta->offload, &iov, 1),
				 0);
		meta->offload = (struct net_offload){0};
	}
	return iov.iov_len;
}

/* Reads the frame in pieces of @piece bytes. */
static enum csm_drop parse(const struct net_tx_meta *meta, size_t piece)
{
	static struct iovec iov[FRAME_ROOM];
	size_t n = 0;

	for (size_t at = 0; at < meta->len; at += piece)
		iov[n++] =
			(struct iovec){frame + at, MIN(piece, meta->len - at)};
	return csm_in_parse(&in, ours, meta, iov, n);
}

static const struct frame_shape shapes[] = {
	{.payload = 100},
	{.payload = 1},
	{.payload = 0, .tcp_options = 40},
	{.payload = 1400, .ipv4_options = 40},
	{.payload = 100, .udp = true},
	{.payload = 0, .udp = true},
	{.payload = 100, .ipv6 = true},
	{.payload = 33, .ipv6 = true, .udp = true},
	{.payload = 33, .ipv6 = true, .extension = 60},
};

START_TEST(payload_is_found)
{
	static const size_t pieces[] = {1, 7, 64, 100000};

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		for (size_t j = 0; j < 2 * ARRAY_SIZE(pieces); j++) {
			struct net_tx_meta meta;
			uint8_t payload[2048];

			(void)make(shapes[i], &meta, j & 1);
			ck_assert_int_eq(parse(&meta, pieces[j / 2]),
					 CSM_IN_OK);
			ck_assert_uint_eq(in.payload_len, shapes[i].payload);
			ck_assert_uint_eq(
				csm_in_copy(&in, payload, sizeof(payload)),
				shapes[i].payload);
			for (size_t k = 0; k < shapes[i].payload; k++)
				ck_assert_uint_eq(payload[k],
						  frame_payload_byte(k));
			ck_assert_uint_eq(in.src_port, 1000);
			ck_assert_uint_eq(in.dst_port, 2000);
			ck_assert(in.v6 == shapes[i].ipv6);
			ck_assert_uint_eq(in.src.b[15], 1);
			ck_assert_uint_eq(in.dst.b[15], 2);
			ck_assert_uint_eq(in.ttl, 64);
		}
	}
}
END_TEST

/* The Ethernet padding of a short frame is not payload. */
START_TEST(padding_is_left_off)
{
	struct net_tx_meta meta;
	size_t len = make((struct frame_shape){.payload = 2}, &meta, true);

	memset(frame + len, 0xa5, 4);
	meta.len += 4;
	ck_assert_int_eq(parse(&meta, 1000), CSM_IN_OK);
	ck_assert_uint_eq(in.payload_len, 2);
}
END_TEST

START_TEST(gso_frame_is_one_packet)
{
	struct frame_shape shape = {.payload = 60000, .gso_size = 1448};
	struct net_tx_meta meta;

	(void)make(shape, &meta, false);
	ck_assert_int_eq(parse(&meta, 4096), CSM_IN_OK);
	ck_assert_uint_eq(in.payload_len, 60000);
	ck_assert_uint_eq(in.gso_size, 1448);
}
END_TEST

START_TEST(every_damaged_byte_is_seen)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct net_tx_meta meta;
		size_t len = make(shapes[i], &meta, true);
		size_t from = 14 + (shapes[i].ipv6 ? 40 : 0);

		for (size_t at = from; at < len; at++) {
			/* The extension header is not summed up. */
			if (shapes[i].extension && at < 14 + 48)
				continue;
			frame[at] ^= 0x10;
			ck_assert_msg(parse(&meta, 1000) != CSM_IN_OK,
				      "shape %zu, byte %zu", i, at);
			frame[at] ^= 0x10;
		}
		ck_assert_int_eq(parse(&meta, 1000), CSM_IN_OK);
	}
}
END_TEST

/* However a frame is cut off, it is dropped and nothing beyond it is read. */
START_TEST(cut_off_anywhere)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct net_tx_meta meta;
		size_t len = make(shapes[i], &meta, true);
		uint8_t *copy;

		for (size_t n = 1; n < len; n++) {
			struct iovec iov;

			copy = malloc(n);
			ck_assert_ptr_nonnull(copy);
			memcpy(copy, frame, n);
			iov = (struct iovec){copy, n};
			meta.len = (uint32_t)n;
			ck_assert_int_ne(
				csm_in_parse(&in, ours, &meta, &iov, 1),
				CSM_IN_OK);
			free(copy);
		}
	}
}
END_TEST

/* Makes a plain IPv4 frame, changes it, and says what becomes of it. */
static enum csm_drop changed(size_t at, uint8_t value, bool fix)
{
	struct net_tx_meta meta;

	(void)make((struct frame_shape){.payload = 10}, &meta, true);
	frame[at] = value;
	if (fix)
		net_offload_finish_ipv4(frame + 14, 20);
	return parse(&meta, 1000);
}

START_TEST(what_does_not_come_through)
{
	struct net_tx_meta meta;

	ck_assert_int_eq(changed(0, 4, false), CSM_DROP_MAC);
	ck_assert_int_eq(changed(12, 0x99, false), CSM_DROP_PROTOCOL);
	ck_assert_int_eq(changed(14 + 7, 1, true), CSM_DROP_FRAGMENT);
	ck_assert_int_eq(changed(14 + 6, 0x20, true), CSM_DROP_FRAGMENT);
	ck_assert_int_eq(changed(14 + 3, 10, true), CSM_DROP_HEADER);
	ck_assert_int_eq(changed(14 + 2, 1, true), CSM_DROP_HEADER);
	ck_assert_int_eq(changed(14 + 12, 127, true), CSM_DROP_SOURCE);
	ck_assert_int_eq(changed(14 + 12, 224, true), CSM_DROP_SOURCE);
	ck_assert_int_eq(changed(14 + 8, 1, false), CSM_DROP_CHECKSUM);
	(void)make((struct frame_shape){.payload = 9, .tags = {0x8100}}, &meta,
		   true);
	ck_assert_int_eq(parse(&meta, 1000), CSM_DROP_PROTOCOL);
	(void)make((struct frame_shape){.payload = 9}, &meta, true);
	meta.vlan.present = true;
	ck_assert_int_eq(parse(&meta, 1000), CSM_DROP_PROTOCOL);
}
END_TEST

/* ::ffff:127.0.0.1 is not another way to the host's loopback. */
START_TEST(no_ipv4_within_ipv6)
{
	static const uint8_t mapped[16] = {[10] = 0xff, 0xff, 127, 0, 0, 1};
	struct frame_shape shape = {.payload = 10, .ipv6 = true};
	struct net_tx_meta meta;

	for (size_t at = 14 + 8; at <= 14 + 24; at += 16) {
		(void)make(shape, &meta, false);
		memcpy(frame + at, mapped, sizeof(mapped));
		ck_assert_int_eq(parse(&meta, 1000), CSM_DROP_SOURCE);
	}
}
END_TEST

/* A UDP length may say less than the IP header, never more. */
START_TEST(udp_length)
{
	struct frame_shape shape = {.payload = 10, .udp = true};
	struct net_tx_meta meta;

	for (uint16_t said = 0; said < 30; said++) {
		enum csm_drop drop;

		(void)make(shape, &meta, true);
		store_be16(frame + 14 + 20 + 4, said);
		store_be16(frame + 14 + 20 + 6, 0); /* no checksum */
		drop = parse(&meta, 1000);
		if (said < 8 || said > 18) {
			ck_assert_int_eq(drop, CSM_DROP_HEADER);
			continue;
		}
		ck_assert_int_eq(drop, CSM_IN_OK);
		ck_assert_uint_eq(in.payload_len, said - 8);
	}
}
END_TEST

START_TEST(arp_is_what_follows_the_link_header)
{
	struct net_tx_meta meta = {.len = 42};

	memset(frame, 0xff, 6);
	memset(frame + 6, 2, 6);
	store_be16(frame + 12, 0x0806);
	frame[14] = 0x5a;
	ck_assert_int_eq(parse(&meta, 5), CSM_IN_OK);
	ck_assert_uint_eq(in.ethertype, NET_ETHERTYPE_ARP);
	ck_assert_uint_eq(in.payload_len, 28);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("csm_in");
	TCase *tc = tcase_create("in");

	tcase_add_test(tc, payload_is_found);
	tcase_add_test(tc, padding_is_left_off);
	tcase_add_test(tc, gso_frame_is_one_packet);
	tcase_add_test(tc, every_damaged_byte_is_seen);
	tcase_add_test(tc, cut_off_anywhere);
	tcase_add_test(tc, what_does_not_come_through);
	tcase_add_test(tc, no_ipv4_within_ipv6);
	tcase_add_test(tc, udp_length);
	tcase_add_test(tc, arp_is_what_follows_the_link_header);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
