/* SPDX-License-Identifier: MIT */
/*
 * Clients that do with the contract what real backends and frontends will: a
 * 64 KiB GSO frame with its virtio-net header, read by one readv() into 44
 * buffers of 1.5 KiB and into one of 64 KiB, and written by one writev() from
 * transmit segments. A pipe is the network.
 */
#include "net/packet.h"
#include "net/vnet_hdr.h"
#include "support/net_bufs.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FRAME_LEN 65549 /* 64 KiB of IP packet less one, and Ethernet */
#define WHOLE_LEN (NET_VNET_HDR_LEN + FRAME_LEN)

static unsigned char wire[WHOLE_LEN], got[WHOLE_LEN];
static struct iovec iov[NET_TX_SEGS_MAX];
static struct net_tx_seg segs[NET_TX_SEGS_MAX];
static struct net_rx_id ids[64];
static int fds[2];

static const struct net_offload gso = {
	.gso = NET_GSO_TCPV4,
	.gso_ecn = true,
	.csum_needed = true,
	.csum_start = 34,
	.csum_offset = 16,
	.gso_size = 1448,
	.hdr_len = 66,
};

static void setup(void)
{
	net_vnet_hdr_build(&gso, wire);
	for (size_t i = NET_VNET_HDR_LEN; i < WHOLE_LEN; i++)
		wire[i] = (unsigned char)(i * 13 + i / 251);
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	ck_assert_int_ge(fcntl(fds[1], F_SETPIPE_SZ, 1 << 17), WHOLE_LEN);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		ids[i].v = (uint32_t)i;
}

static void teardown(void)
{
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void open_bufs(struct net_bufs *bufs, size_t n, uint32_t len)
{
	struct net_bufs_config config = {
		.n_bufs = n,
		.buf_len = len,
		.header_room = true,
		.rx_span = (uint16_t)n,
		.tx_len = 2 * WHOLE_LEN,
	};

	ck_assert_int_eq(net_bufs_init(bufs, &config), 0);
}

/* A backend that speaks the header: straight into the buffers. */
static void receive_with_header(size_t n, uint32_t buf_len)
{
	struct net_rx_packet packet = {
		.n_ids = (uint16_t)n,
		.meta = {.len = FRAME_LEN, .vnet_hdr = true},
	};
	struct net_offload seen;
	struct net_bufs bufs;
	ssize_t n_iov;

	open_bufs(&bufs, n, buf_len);
	net_bufs_note_given(&bufs, ids, n);
	ck_assert_uint_ge(net_pool_capacity(&bufs.base, ids, n), FRAME_LEN);
	n_iov = net_pool_guest_addresses(&bufs.base, ids, n, NET_ROOM_HEADER, 0,
					 iov, ARRAY_SIZE(iov));
	ck_assert_int_eq(n_iov, (ssize_t)n);
	ck_assert_int_eq(write(fds[1], wire, WHOLE_LEN), WHOLE_LEN);
	ck_assert_int_eq(readv(fds[0], iov, (int)n_iov), WHOLE_LEN);
	ck_assert_int_eq(net_bufs_take(&bufs, &packet, got, sizeof(got)),
			 WHOLE_LEN);
	ck_assert_mem_eq(got, wire, WHOLE_LEN);
	ck_assert_int_eq(net_vnet_hdr_parse(got, FRAME_LEN, &seen), 0);
	ck_assert_int_eq(seen.gso, gso.gso);
	ck_assert(seen.gso_ecn);
	ck_assert_uint_eq(bufs.violations, 0);
	ck_assert(net_bufs_guards_ok(&bufs));
	net_bufs_fini(&bufs);
}

START_TEST(gso_frame_into_44_buffers)
{
	receive_with_header(44, 1536);
}
END_TEST

START_TEST(gso_frame_into_one_buffer)
{
	receive_with_header(1, WHOLE_LEN);
}
END_TEST

/* A backend that does not: frame bytes, then metadata. The frontend makes the
 * header out of it. */
START_TEST(gso_frame_by_metadata)
{
	struct net_rx_packet packet = {
		.n_ids = 44,
		.meta = {.len = FRAME_LEN, .offload = gso},
	};
	struct iovec parts[] = {
		{wire + NET_VNET_HDR_LEN, 20000},
		{wire + NET_VNET_HDR_LEN + 20000, FRAME_LEN - 20000},
	};
	struct net_bufs bufs;

	open_bufs(&bufs, 44, 1536);
	net_bufs_note_given(&bufs, ids, 44);
	ck_assert_int_eq(net_pool_write_packet(&bufs.base, ids, 44,
					       &packet.meta, parts, 2),
			 0);
	ck_assert_int_eq(net_bufs_take(&bufs, &packet, got, sizeof(got)),
			 WHOLE_LEN);
	wire[VNET_HDR_NUM_BUFFERS] = 44; /* the frontend's word */
	ck_assert_mem_eq(got, wire, WHOLE_LEN);
	net_bufs_fini(&bufs);
}
END_TEST

/* From 45 segments, header included, in one system call. */
START_TEST(gso_frame_out_of_segments)
{
	struct net_tx_meta meta = {.vnet_hdr = true};
	struct guest_mem_cache cache = {0};
	struct net_bufs bufs;
	size_t n, len;

	open_bufs(&bufs, 1, 64);
	n = net_bufs_tx(&bufs, &meta, wire, WHOLE_LEN, 1460, segs,
			ARRAY_SIZE(segs));
	ck_assert_uint_eq(n, 45);
	ck_assert_uint_eq(meta.len, FRAME_LEN);
	ck_assert_int_eq(net_packet_count(segs, n), 1);
	ck_assert_int_eq(net_packet_iov(net_pool_guest_memory(&bufs.base),
					&cache, segs, n, iov, &len),
			 0);
	ck_assert_uint_eq(len, WHOLE_LEN);
	ck_assert_uint_eq(cache.translations, n);
	ck_assert_int_eq(writev(fds[1], iov, (int)n), WHOLE_LEN);
	ck_assert_int_eq(read(fds[0], got, sizeof(got)), WHOLE_LEN);
	ck_assert_mem_eq(got, wire, WHOLE_LEN);
	net_bufs_fini(&bufs);
}
END_TEST

START_TEST(write_packet_is_made_of_the_other_writes)
{
	struct net_bufs_config config = {
		.n_bufs = 2,
		.buf_len = 100,
		.rx_span = 2,
		.tx_len = 1,
	};
	struct net_rx_packet packet = {.n_ids = 2, .meta = {.len = 150}};
	struct net_rx_meta meta = packet.meta;
	struct iovec parts[] = {{wire, 60}, {wire + 60, 0}, {wire + 60, 90}};
	struct net_bufs bufs;

	ck_assert_int_eq(net_bufs_init(&bufs, &config), 0);
	net_bufs_note_given(&bufs, ids, 2);
	meta.len = 201; /* longer than the buffers: they stay as they are */
	ck_assert_int_eq(
		net_pool_write_packet(&bufs.base, ids, 2, &meta, parts, 3),
		-EMSGSIZE);
	ck_assert_uint_eq(bufs.calls.write_data, 0);
	meta.len = 149; /* not what the pieces hold */
	ck_assert_int_eq(
		net_pool_write_packet(&bufs.base, ids, 2, &meta, parts, 3),
		-EINVAL);
	meta.len = 151;
	ck_assert_int_eq(
		net_pool_write_packet(&bufs.base, ids, 2, &meta, parts, 3),
		-EINVAL);
	meta.len = 0;
	ck_assert_int_eq(
		net_pool_write_packet(&bufs.base, ids, 2, &meta, parts, 0),
		-EINVAL);
	ck_assert_uint_eq(bufs.bufs[0].headers, 0);
	bufs.faults.efault_at = 2;
	ck_assert_int_eq(net_pool_write_packet(&bufs.base, ids, 2, &packet.meta,
					       parts, 3),
			 -EFAULT);
	ck_assert_int_eq(net_pool_write_packet(&bufs.base, ids, 2, &packet.meta,
					       parts, 3),
			 0);
	ck_assert_uint_eq(bufs.bufs[0].headers, 1);
	ck_assert_int_eq(net_bufs_take(&bufs, &packet, got, sizeof(got)), 150);
	ck_assert_mem_eq(got, wire, 150);
	ck_assert_int_eq(net_pool_write_data(&bufs.base, ids, 2, 0, wire, 201),
			 -EINVAL);
	ck_assert_uint_eq(bufs.violations, 1); /* they are not held now */
	net_bufs_fini(&bufs);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("clients");
	TCase *tc = tcase_create("gso");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, gso_frame_into_44_buffers);
	tcase_add_test(tc, gso_frame_into_one_buffer);
	tcase_add_test(tc, gso_frame_by_metadata);
	tcase_add_test(tc, gso_frame_out_of_segments);
	tcase_add_test(tc, write_packet_is_made_of_the_other_writes);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
