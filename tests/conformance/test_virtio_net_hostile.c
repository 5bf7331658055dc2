/* SPDX-License-Identifier: MIT */
/*
 * virtio-net against a guest that lies: each lie ends in a drop that is counted
 * or in a queue that is broken, and what is honest beside it goes on.
 *
 * Each case runs twice: with an endpoint that takes the virtio-net header as it
 * is, and with one that gets metadata.
 */
#include "base/bytes.h"
#include "net/vnet_hdr.h"
#include "net/worker.h"
#include "support/mem_watch.h"
#include "support/run.h"
#include "support/script_endpoint.h"
#include "support/vnic.h"
#include "virtio/ring_defs.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RINGS  (VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC)
#define SIZE   64
#define NO_GPA 0x7000000000ULL

static struct vnic vnic;
static struct script_endpoint *script;
static uint8_t hdr[VNIC_HDR_LEN];
static unsigned char out[VNIC_BUF_LEN], in[VNIC_BUF_LEN];

static void setup(void)
{
	vnic_init(&vnic);
	ck_assert_int_eq(script_endpoint_create(&vnic.loop, &script), 0);
	memset(hdr, 0, sizeof(hdr));
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (unsigned char)(i * 3);
	store_be16(out + 12, 0x0800);
}

static void teardown(void)
{
	vnic_unplug(&vnic);
	net_endpoint_destroy(&script->base);
	vnic_fini(&vnic);
}

static void begin(int vnet_hdr, uint64_t features)
{
	script->vnet_hdr = vnet_hdr != 0;
	vnic_plug(&vnic, &script->base, 1, SIZE, false);
	ck_assert_int_eq(vnic_start(&vnic, features | RINGS), 0);
}

static struct script_queue *queue(void)
{
	ck_assert_ptr_nonnull(script->queues[0]);
	return script->queues[0];
}

/* Everything still works: a frame goes through. */
static void expect_alive(void)
{
	size_t skip = script->vnet_hdr ? VNIC_HDR_LEN : 0;

	vnic_send(&vnic, NULL, out, 100, 0);
	vnic_run(&vnic);
	ck_assert_int_eq(script_queue_take(queue(), in, sizeof(in), NULL),
			 (ssize_t)(100 + skip));
	ck_assert_mem_eq(in + skip, out, 100);
	ck_assert_uint_eq(vnic_reap(&vnic), 1);
	ck_assert_uint_eq(vnic.needs_reset, 0);
}

/* The chains that were queued are dropped, and counted as @counter says. */
static void expect_drops(const _Atomic uint64_t *counter, unsigned int n)
{
	ring_driver_show(&vnic.tx[0]);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic_reap(&vnic), n);
	ck_assert_uint_eq(net_stat_get(counter), n);
	ck_assert_uint_eq(queue()->base.stats->tx_packets, 0);
	ck_assert_int_eq(script_queue_take(queue(), in, sizeof(in), NULL),
			 -EAGAIN);
	expect_alive();
}

static void add_tx(const struct ring_piece *pieces, uint16_t n)
{
	ck_assert_uint_ne(ring_driver_add(&vnic.tx[0], pieces, n, false),
			  RING_DRIVER_NONE);
}

START_TEST(header_over_ten_descriptors)
{
	static const uint32_t lens[] = {1, 2, 1, 1, 1, 1, 2, 1, 1, 1};
	struct ring_piece pieces[11];
	struct net_tx_meta meta;
	size_t skip, at = 0;

	begin(_i, 0);
	skip = _i ? VNIC_HDR_LEN : 0;
	memcpy(guest_ram_at(&vnic.ram, vnic.tx_buf + VNIC_HDR_LEN), out, 200);
	for (size_t k = 0; k < 10; k++) {
		pieces[k] =
			(struct ring_piece){vnic.tx_buf + at, lens[k], false};
		at += lens[k];
	}
	ck_assert_uint_eq(at, VNIC_HDR_LEN);
	pieces[10] = (struct ring_piece){vnic.tx_buf + at, 200, false};
	add_tx(pieces, 11);
	ring_driver_show(&vnic.tx[0]);
	vnic_run(&vnic);
	ck_assert_int_eq(script_queue_take(queue(), in, sizeof(in), &meta),
			 (ssize_t)(200 + skip));
	ck_assert_mem_eq(in + skip, out, 200);
	ck_assert_uint_eq(meta.n_segs, _i ? 11 : 1);
	ck_assert_uint_eq(vnic_reap(&vnic), 1);
}
END_TEST

START_TEST(short_chains_are_dropped)
{
	begin(_i, 0);
	for (uint32_t len = 1; len < VNIC_HDR_LEN; len++)
		add_tx(&(struct ring_piece){vnic.tx_buf, len, false}, 1);
	/* Nothing but empty descriptors, or but room to write. */
	add_tx(&(struct ring_piece){vnic.tx_buf, 0, false}, 1);
	add_tx(&(struct ring_piece){vnic.tx_buf, 2000, true}, 1);
	expect_drops(&vnic_stats(&vnic)->tx_no_header, 13);
}
END_TEST

START_TEST(runts_are_dropped)
{
	begin(_i, 0);
	for (uint32_t len = 0; len < VIRTIO_NET_FRAME_MIN; len++)
		add_tx(&(struct ring_piece){vnic.tx_buf, VNIC_HDR_LEN + len,
					    false},
		       1);
	expect_drops(&vnic_stats(&vnic)->tx_runt, VIRTIO_NET_FRAME_MIN);
}
END_TEST

START_TEST(giants_are_dropped)
{
	const uint32_t most = NET_FRAME_MAX + VNIC_HDR_LEN;
	const struct ring_piece sums[] = {
		{0, most, false},	{0, 1, false},
		{0, UINT32_MAX, false}, {0, UINT32_MAX - 100, false},
		{0, 4096, false},
	};
	struct ring_piece pieces[5];

	begin(_i, 0);
	memcpy(pieces, sums, sizeof(sums));
	for (int k = 0; k < 5; k++)
		pieces[k].gpa = vnic.tx_buf;
	add_tx(pieces, 2);     /* one too many */
	add_tx(pieces + 2, 1); /* four gigabytes */
	add_tx(pieces + 2, 3); /* a sum that wraps 32 bits to a good one */
	expect_drops(&vnic_stats(&vnic)->tx_oversize, 3);
	/* And the largest there may be goes through. */
	add_tx(pieces, 1);
	ring_driver_show(&vnic.tx[0]);
	vnic_run(&vnic);
	ck_assert_int_gt(script_queue_take(queue(), in, sizeof(in), NULL),
			 NET_FRAME_MAX - 1);
}
END_TEST

START_TEST(misordered_chains_are_dropped)
{
	struct ring_piece pieces[3];

	begin(_i, 0);
	pieces[0] = (struct ring_piece){vnic.tx_buf, 12, false};
	pieces[1] = (struct ring_piece){vnic.tx_buf, 10, true};
	pieces[2] = (struct ring_piece){vnic.tx_buf, 100, false};
	add_tx(pieces, 3);
	add_tx(pieces + 1, 2);
	expect_drops(&vnic_stats(&vnic)->tx_misordered, 2);
}
END_TEST

/* Addresses outside memory, in the header and in the frame: the packet is
 * gone, by us or by the backend, and completed. */
START_TEST(bad_addresses_are_dropped)
{
	static const uint64_t bad[] = {
		0, NO_GPA, UINT64_MAX, UINT64_MAX - 50, 1ULL << 63,
	};
	struct ring_piece pieces[2];

	begin(_i, 0);
	for (size_t k = 0; k < ARRAY_SIZE(bad); k++) {
		for (int at = 0; at < 2; at++) {
			pieces[0] = (struct ring_piece){vnic.tx_buf, 50, false};
			pieces[1] = (struct ring_piece){vnic.tx_buf, 50, false};
			pieces[at].gpa = bad[k];
			add_tx(pieces, 2);
		}
	}
	ring_driver_show(&vnic.tx[0]);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic_reap(&vnic), 10);
	ck_assert_uint_eq(vnic_stats(&vnic)->tx_bad_address +
				  queue()->base.stats->tx_errors,
			  10);
	expect_alive();
}
END_TEST

/* What was not negotiated is refused where we read headers. */
START_TEST(headers_beyond_the_features_are_dropped)
{
	static const struct {
		uint8_t flags, gso;
		uint16_t start, offset, size;
		uint64_t features;
	} lies[] = {
		{VNET_HDR_F_NEEDS_CSUM, 0, 34, 16, 0, 0},
		{VNET_HDR_F_NEEDS_CSUM, 0, 99, 0, 0, VIRTIO_NET_F_CSUM},
		{VNET_HDR_F_NEEDS_CSUM, 0, 65535, 65535, 0, VIRTIO_NET_F_CSUM},
		{VNET_HDR_F_NEEDS_CSUM, VNET_HDR_GSO_TCPV4, 34, 16, 1400,
		 VIRTIO_NET_F_CSUM},
		{VNET_HDR_F_NEEDS_CSUM, VNET_HDR_GSO_TCPV4, 34, 16, 0,
		 VIRTIO_NET_F_CSUM | VIRTIO_NET_F_HOST_TSO4},
		{VNET_HDR_F_NEEDS_CSUM, VNET_HDR_GSO_TCPV4 | VNET_HDR_GSO_ECN,
		 34, 16, 1400, VIRTIO_NET_F_CSUM | VIRTIO_NET_F_HOST_TSO4},
		{0, VNET_HDR_GSO_TCPV4, 34, 16, 1400,
		 VIRTIO_NET_F_CSUM | VIRTIO_NET_F_HOST_TSO4},
		{VNET_HDR_F_NEEDS_CSUM, VNET_HDR_GSO_UDP_L4, 34, 6, 1400,
		 VIRTIO_NET_F_CSUM},
		{VNET_HDR_F_NEEDS_CSUM, VNET_HDR_GSO_UDP, 34, 6, 1400,
		 VIRTIO_NET_F_CSUM | VIRTIO_NET_F_HOST_USO},
		{VNET_HDR_F_NEEDS_CSUM, 0x42, 34, 6, 1400, VIRTIO_NET_F_CSUM},
	};

	begin(0, lies[_i].features);
	hdr[0] = lies[_i].flags;
	hdr[1] = lies[_i].gso;
	store_le16(hdr + 4, lies[_i].size);
	store_le16(hdr + 6, lies[_i].start);
	store_le16(hdr + 8, lies[_i].offset);
	vnic_queue(&vnic, hdr, out, 100, 0);
	expect_drops(&vnic_stats(&vnic)->tx_bad_header, 1);
}
END_TEST

/* Headers of IPv4 and TCP at @ip, of a frame of @len bytes. */
static void make_tcp(size_t ip, size_t len)
{
	memset(out + ip, 0, 40);
	out[ip] = 0x45;
	store_be16(out + ip + 2, (uint16_t)(len - ip));
	out[ip + 9] = 6;
	out[ip + 20 + 12] = 0x50;
}

START_TEST(metadata_says_what_the_header_said)
{
	struct net_tx_meta meta;

	begin(0, VIRTIO_NET_F_CSUM | VIRTIO_NET_F_HOST_TSO4);
	hdr[0] = VNET_HDR_F_NEEDS_CSUM;
	hdr[1] = VNET_HDR_GSO_TCPV4;
	store_le16(hdr + 2, 58);
	store_le16(hdr + 4, 1000);
	store_le16(hdr + 6, 38);
	store_le16(hdr + 8, 16);
	store_be16(out + 12, 0x8100); /* a VLAN tag, then IPv4 */
	store_be16(out + 16, 0x0800);
	make_tcp(18, 3000);
	vnic_send(&vnic, hdr, out, 3000, 100);
	vnic_run(&vnic);
	ck_assert_int_eq(script_queue_take(queue(), in, sizeof(in), &meta),
			 3000);
	ck_assert_mem_eq(in, out, 3000);
	ck_assert_uint_eq(meta.l2_len, 18);
	ck_assert_uint_eq(meta.l3_len, 20);
	ck_assert_uint_eq(meta.l4_len, 20);
	ck_assert_uint_eq(meta.mss, 1000);
	ck_assert(meta.flags & NET_TX_TSO);
	ck_assert(meta.flags & NET_TX_IPV4);
	ck_assert_int_eq(meta.offload.gso, NET_GSO_TCPV4);
	ck_assert_uint_eq(meta.offload.csum_start, 38);
}
END_TEST

/* Reads that began at each byte of the header. */
static unsigned int header_reads[VNIC_HDR_LEN];

/* Turns the header into nonsense as soon as it was looked at. */
static void scramble_header(void *arg, const unsigned char *at, bool write)
{
	size_t offset = (size_t)(at - vnic.ram.view) -
			(size_t)(vnic.tx_buf - vnic.ram.base);

	UNUSED(arg);
	if (write || offset >= VNIC_HDR_LEN)
		return;
	header_reads[offset]++;
	vnic.ram.bytes[at - vnic.ram.view] = 0xff;
}

START_TEST(header_is_read_once)
{
	struct net_tx_meta meta;

	begin(_i, VIRTIO_NET_F_CSUM);
	hdr[0] = VNET_HDR_F_NEEDS_CSUM;
	store_le16(hdr + 6, 34);
	store_le16(hdr + 8, 16);
	make_tcp(14, 100);
	vnic_send(&vnic, hdr, out, 100, 0);
	memset(header_reads, 0, sizeof(header_reads));
	queue()->tx_room = 0; /* nobody reads the frame */
	mem_watch_begin(vnic.ram.view, vnic.ram.size, scramble_header, NULL);
	vnic_run(&vnic);
	mem_watch_end();
	ck_assert_uint_eq(header_reads[0], _i ? 0 : 1);
	for (size_t k = 1; k < VNIC_HDR_LEN; k++)
		ck_assert_uint_le(header_reads[k], _i ? 0 : 1);
	if (_i)
		return;
	script_queue_grant(queue(), 1);
	vnic_run(&vnic);
	ck_assert_int_eq(script_queue_take(queue(), in, sizeof(in), &meta),
			 100);
	ck_assert(meta.flags & NET_TX_TCP_CSUM);
	ck_assert_uint_eq(meta.offload.csum_start, 34);
}
END_TEST

/* Receive buffers that cannot be used come back empty; the good ones among
 * them are filled. */
START_TEST(bad_receive_buffers_come_back)
{
	struct ring_driver *drv = &vnic.rx[0];
	struct ring_piece bad[][2] = {
		{{0, 5, true}, {0, 6, true}},
		{{0, 2000, false}, {0, 0, true}},
		{{0, 2000, true}, {0, 10, false}},
		{{0, 12, true}, {NO_GPA, 2000, true}},
		{{0, 12, true}, {UINT64_MAX - 10, 2000, true}},
		{{0, UINT32_MAX, true}, {0, 12, true}},
	};
	uint16_t head;
	uint32_t len;

	begin(_i & 1, _i & 2 ? VIRTIO_NET_F_MRG_RXBUF : 0);
	for (size_t k = 0; k < ARRAY_SIZE(bad); k++) {
		for (int p = 0; p < 2; p++) {
			if (!bad[k][p].gpa)
				bad[k][p].gpa = vnic.tx_buf;
		}
		ck_assert_uint_ne(ring_driver_add(drv, bad[k], 2, false),
				  RING_DRIVER_NONE);
	}
	vnic_post(&vnic, 1, 2000, 0);
	vnic_run(&vnic);
	for (size_t k = 0; k < ARRAY_SIZE(bad); k++) {
		ck_assert(ring_driver_collect(drv, &head, &len));
		ck_assert_uint_eq(len, 0);
	}
	ck_assert(!ring_driver_collect(drv, &head, &len));
	ck_assert_uint_eq(vnic_stats(&vnic)->rx_bad_buffers, ARRAY_SIZE(bad));
	ck_assert_int_eq(script_queue_arrive(queue(), out, 500), 0);
	vnic_run(&vnic);
	ck_assert_int_eq(vnic_receive(&vnic, hdr, in, sizeof(in), NULL), 500);
	ck_assert_mem_eq(in, out, 500);
	expect_alive();
}
END_TEST

/* Frames that do not fit are dropped, and their buffers stay for others. */
START_TEST(frames_beyond_the_buffers_are_dropped)
{
	begin(0, _i ? VIRTIO_NET_F_MRG_RXBUF : 0);
	vnic_post(&vnic, 4, 13, 0);
	ck_assert_int_eq(script_queue_arrive(queue(), out, 1500), 0);
	vnic_run(&vnic);
	/* With MRG_RXBUF it waits for more buffers. */
	ck_assert_uint_eq(queue()->dropped, _i ? 0 : 1);
	ck_assert(!ring_driver_collect(&vnic.rx[0], &(uint16_t){0},
				       &(uint32_t){0}));
	if (_i)
		vnic_post(&vnic, 1, 2000, 0);
	else
		ck_assert_int_eq(script_queue_arrive(queue(), out, 1), 0);
	vnic_run(&vnic);
	ck_assert_int_eq(vnic_receive(&vnic, hdr, in, sizeof(in), NULL),
			 _i ? 1500 : 1);
	ck_assert_mem_eq(in, out, _i ? 1500 : 1);
}
END_TEST

/* A guest that sends nothing but what is dropped does not keep the loop: other
 * watchers get their turn between two batches. */
START_TEST(drops_do_not_keep_the_loop)
{
	const uint16_t many = 1024;
	struct ring_driver *drv = &vnic.tx[0];

	script->vnet_hdr = _i != 0;
	vnic_plug(&vnic, &script->base, 1, many, false);
	ck_assert_int_eq(vnic_start(&vnic, RINGS), 0);
	vnic_run(&vnic);
	/* The same head again and again: complete, hence free, each time. */
	ring_driver_write_desc(drv, drv->desc, 0, vnic.tx_buf, 5, 0, 0);
	for (uint16_t k = 0; k < many; k++)
		ring_driver_offer(drv, 0);
	ring_driver_show(drv);
	for (uint16_t k = 1; k <= 4; k++) {
		uint16_t before = ring_driver_device_idx(drv);

		loop_run_once(&vnic.loop);
		ck_assert_uint_le(
			(uint16_t)(ring_driver_device_idx(drv) - before),
			2 * NET_WORKER_BATCH);
	}
	vnic_run(&vnic);
	ck_assert_uint_eq(ring_driver_device_idx(drv), many);
	ck_assert_uint_eq(vnic_stats(&vnic)->tx_no_header, many);
}
END_TEST

/* Ways to break a ring; each leaves the other ring as it is. */
enum lie {
	LIE_JUMP,
	LIE_HEAD,
	LIE_NEXT,
	LIE_LOOP,
	LIE_INDIRECT_SIZE,
	LIE_INDIRECT_MEMORY,
	LIE_TWICE,
	LIES,
};

static void tell(struct ring_driver *drv, enum lie lie)
{
	uint64_t buf = vnic.tx_buf;

	switch (lie) {
	case LIE_JUMP:
		ring_driver_set_idx(drv, 5000);
		eventfd_signal(drv->kick_fd);
		return;
	case LIE_HEAD:
		ring_driver_offer(drv, 60000);
		break;
	case LIE_NEXT:
		ring_driver_write_desc(drv, drv->desc, 0, buf, 50,
				       VRING_DESC_F_NEXT, 65535);
		ring_driver_offer(drv, 0);
		break;
	case LIE_LOOP:
		ring_driver_write_desc(drv, drv->desc, 0, buf, 50,
				       VRING_DESC_F_NEXT, 0);
		ring_driver_offer(drv, 0);
		break;
	case LIE_INDIRECT_SIZE:
		ring_driver_write_desc(drv, drv->desc, 0, buf, 50,
				       VRING_DESC_F_INDIRECT, 0);
		ring_driver_offer(drv, 0);
		break;
	case LIE_INDIRECT_MEMORY:
		ring_driver_write_desc(drv, drv->desc, 0, NO_GPA, 64,
				       VRING_DESC_F_INDIRECT, 0);
		ring_driver_offer(drv, 0);
		break;
	case LIE_TWICE:
		/* In flight, since the endpoint holds it. */
		ring_driver_write_desc(
			drv, drv->desc, 0, buf, 50,
			drv == &vnic.rx[0] ? VRING_DESC_F_WRITE : 0, 0);
		ring_driver_offer(drv, 0);
		ring_driver_offer(drv, 0);
		break;
	case LIES:
		break;
	}
	ring_driver_show(drv);
}

START_TEST(a_broken_ring_asks_for_a_reset)
{
	struct ring_driver *drv = _i & 1 ? &vnic.rx[0] : &vnic.tx[0];

	script->tx = SCRIPT_TX_HELD;
	begin(_i & 2, 0);
	vnic_run(&vnic);
	tell(drv, (enum lie)(_i >> 2));
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic.needs_reset, 1);
	/* It stands still: nothing is sent, and nobody is told twice. */
	ck_assert_ptr_null(script->queues[0]);
	ring_driver_set_idx(drv, 777);
	eventfd_signal(vnic.rx[0].kick_fd);
	eventfd_signal(vnic.tx[0].kick_fd);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic.needs_reset, 1);
	vnic_stop(&vnic);
	/* A reset revives it. */
	script->tx = SCRIPT_TX_NOW;
	vnic.needs_reset = 0;
	ck_assert_int_eq(vnic_start(&vnic, RINGS), 0);
	expect_alive();
	ck_assert_int_eq(script->base.request_pending, false);
}
END_TEST

START_TEST(rings_outside_memory_do_not_start)
{
	struct virtio_queue_setup queues[2];
	struct virtio_start start = {
		.features = RINGS,
		.mem = &vnic.ram.mem,
		.queues = queues,
		.n_queues = 2,
	};
	struct virtio_queue_setup *bad;

	begin(0, 0);
	for (int k = 0; k < 2; k++) {
		for (int what = 0; what < 4; what++) {
			vnic_stop(&vnic);
			queues[0] = ring_driver_setup(&vnic.rx[0]);
			queues[1] = ring_driver_setup(&vnic.tx[0]);
			bad = &queues[k];
			if (what == 0)
				bad->desc = NO_GPA;
			else if (what == 1)
				bad->avail++;
			else if (what == 2)
				bad->used = UINT64_MAX - 3;
			else
				bad->enabled = false;
			ck_assert_int_lt(vnic_start_with(&vnic, &start), 0);
			ck_assert_uint_eq(script->base.live_queues, 0);
			ck_assert_int_eq(vnic_start(&vnic, RINGS), 0);
			expect_alive();
		}
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("virtio-net, hostile guest");
	TCase *tc = tcase_create("hostile guest");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, header_over_ten_descriptors, 0, 2);
	tcase_add_loop_test(tc, short_chains_are_dropped, 0, 2);
	tcase_add_loop_test(tc, runts_are_dropped, 0, 2);
	tcase_add_loop_test(tc, giants_are_dropped, 0, 2);
	tcase_add_loop_test(tc, misordered_chains_are_dropped, 0, 2);
	tcase_add_loop_test(tc, bad_addresses_are_dropped, 0, 2);
	tcase_add_loop_test(tc, headers_beyond_the_features_are_dropped, 0, 10);
	tcase_add_test(tc, metadata_says_what_the_header_said);
	tcase_add_loop_test(tc, header_is_read_once, 0, 2);
	tcase_add_loop_test(tc, bad_receive_buffers_come_back, 0, 4);
	tcase_add_loop_test(tc, frames_beyond_the_buffers_are_dropped, 0, 2);
	tcase_add_loop_test(tc, drops_do_not_keep_the_loop, 0, 2);
	tcase_add_loop_test(tc, a_broken_ring_asks_for_a_reset, 0, 4 * LIES);
	tcase_add_test(tc, rings_outside_memory_do_not_start);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return test_run(suite());
}
