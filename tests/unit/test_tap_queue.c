/* SPDX-License-Identifier: MIT */
/*
 * The tap's queue: frames both ways, over one and over several buffers, with
 * and without headers, and everything that gets in the way.
 */
#include "backends/tap.h"
#include "base/bytes.h"
#include "net/vnet_hdr.h"

#include "support/net_bufs.h"
#include "support/run.h"
#include "support/skip.h"
#include "support/tap_host.h"

#include <check.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TAP_FLAGS   (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)
#define HOST_HDR    10
#define WAIT_MS	    2000
#define IPV4_TYPE   0x0800
#define GSO_PAYLOAD 60000

static struct loop loop;
static int tap_fd, host;
static struct net_endpoint *ep;
static struct net_queue *queue;
static struct net_bufs bufs;
static unsigned int readies;
static unsigned char frame[HOST_HDR + NET_FRAME_MAX];
static unsigned char got[NET_VNET_HDR_LEN + NET_FRAME_MAX];

static void ready_cb(struct net_queue_client *client)
{
	UNUSED(client);
	readies++;
}

static struct net_queue_client client = {.ready = ready_cb};

static void done_cb(void *arg, int err)
{
	*(int *)arg = err;
}

static void setup(void)
{
	struct tap_config config = {.fds = &tap_fd, .n_fds = 1, .link_fd = -1};
	struct tap_error err = {""};

	ck_assert_int_eq(loop_init(&loop), 0);
	tap_fd = tap_host_open("tap0", TAP_FLAGS);
	ck_assert_int_ge(tap_fd, 0);
	tap_host_set_mtu("tap0", 9000);
	tap_host_set_up("tap0", true);
	host = tap_host_socket("tap0");
	ck_assert_msg(!tap_endpoint_create(&config, &loop, &err, &ep), "%s",
		      err.text);
	readies = 0;
}

static void start(const struct net_bufs_config *config, bool vnet_hdr,
		  struct net_rx_offloads offloads)
{
	struct net_queue_config queue_config = {
		.nic = "eth0",
		.loop = &loop,
		.client = &client,
		.vnet_hdr = vnet_hdr,
		.rx_span = config->rx_span,
		.rx_offloads = offloads,
	};
	int err = 1;

	ck_assert_int_eq(net_bufs_init(&bufs, config), 0);
	ck_assert_int_eq(net_endpoint_get_queues(ep, &queue_config, 1, NULL,
						 &queue, done_cb, &err),
			 0);
	loop_run_once(&loop);
	ck_assert_int_eq(err, 0);
}

static void stop(void)
{
	int err = 1;

	net_queue_destroy(queue);
	queue = NULL;
	ck_assert_int_eq(net_endpoint_stop(ep, done_cb, &err), 0);
	loop_run_once(&loop);
	ck_assert_int_eq(err, 0);
	ck_assert(net_bufs_guards_ok(&bufs));
	ck_assert_uint_eq(bufs.violations, 0);
	net_bufs_fini(&bufs);
}

static void teardown(void)
{
	if (queue)
		stop();
	net_endpoint_destroy(ep);
	(void)close(host);
	loop_fini(&loop);
}

static const struct net_bufs_config plain = {
	.n_bufs = 8,
	.buf_len = 2048,
	.header_room = true,
	.rx_span = 1,
	.tx_len = 1 << 18,
};

static const struct net_bufs_config small_bufs = {
	.n_bufs = 64,
	.buf_len = 1536,
	.piece = 512,
	.header_room = true,
	.rx_span = 64,
	.tx_len = 1 << 18,
};

static const struct net_rx_offloads no_offloads;
static const struct net_rx_offloads all_offloads = {true, true, true, true,
						    true};

/* Puts a frame of @len bytes into @frame, with an empty header. */
static void make_frame(size_t len, unsigned int seed)
{
	unsigned char *eth = frame + HOST_HDR;

	memset(frame, 0, HOST_HDR);
	for (size_t i = 0; i < len; i++)
		eth[i] = (unsigned char)(seed + i * 7 + i / 256);
	memset(eth, 0xff, 6); /* broadcast */
	memset(eth + 6, 0x02, 6);
	store_be16(eth + 12, TAP_HOST_ETHERTYPE);
}

/* A TCP over IPv4 frame that is to be cut, with its header. */
static size_t make_gso_frame(void)
{
	unsigned char *eth = frame + HOST_HDR;
	size_t len = 14 + 20 + 20 + GSO_PAYLOAD;

	make_frame(len, 3);
	memset(eth + 14, 0, 40);
	store_be16(eth + 12, IPV4_TYPE);
	eth[14] = 0x45;
	store_be16(eth + 16, (uint16_t)(len - 14));
	eth[22] = 64;
	eth[23] = 6;
	store_be32(eth + 26, 0x0a000001);
	store_be32(eth + 30, 0x0a000002);
	eth[46] = 5 << 4;
	eth[47] = 0x10;
	frame[0] = VNET_HDR_F_NEEDS_CSUM;
	frame[1] = VNET_HDR_GSO_TCPV4;
	store_le16(frame + 2, 54);
	store_le16(frame + 4, 1448);
	store_le16(frame + 6, 34);
	store_le16(frame + 8, 16);
	return len;
}

static void host_send(size_t len)
{
	ck_assert(tap_host_send(host, frame, HOST_HDR + len));
}

static size_t poll_rx(struct net_rx_packet *packets, size_t max)
{
	size_t n;

	ck_assert_int_eq(net_queue_rx_poll(queue, &bufs.base, packets, max, &n),
			 0);
	return n;
}

/* One packet is there and is the frame of @len bytes. */
static void expect_frame(size_t len, uint16_t n_ids)
{
	struct net_rx_packet packet;
	ssize_t n;

	ck_assert_uint_eq(poll_rx(&packet, 1), 1);
	ck_assert_uint_eq(packet.meta.len, len);
	ck_assert_uint_eq(packet.n_ids, n_ids);
	n = net_bufs_take(&bufs, &packet, got, sizeof(got));
	ck_assert_int_eq(n,
			 (ssize_t)(len + (bufs.config.header_room ? 12 : 0)));
	ck_assert_mem_eq(got + (bufs.config.header_room ? 12 : 0),
			 frame + HOST_HDR, len);
}

static bool ready(void)
{
	return net_queue_poll_ready(queue, &bufs.base);
}

START_TEST(receive_one)
{
	start(&plain, true, no_offloads);
	net_bufs_give(&bufs, queue, 0, 2);
	make_frame(60, 1);
	host_send(60);
	ck_assert(ready());
	expect_frame(60, 1);
	ck_assert_uint_eq(net_queue_stats(queue)->rx_packets, 1);
	ck_assert_uint_eq(net_queue_stats(queue)->rx_bytes, 60);
}
END_TEST

START_TEST(receive_wakes)
{
	struct net_rx_packet packet;

	start(&plain, true, no_offloads);
	net_bufs_give(&bufs, queue, 0, 2);
	ck_assert_uint_eq(poll_rx(&packet, 1), 0);
	ck_assert(!ready());
	loop_run_once(&loop);
	ck_assert_uint_eq(readies, 0);
	make_frame(60, 1);
	host_send(60);
	loop_run_once(&loop);
	ck_assert_uint_eq(readies, 1);
	loop_run_once(&loop);
	ck_assert_uint_eq(readies, 1); /* one shot */
	expect_frame(60, 1);
}
END_TEST

/* Without buffers nothing is read, lost or looked at. */
START_TEST(receive_without_buffers)
{
	struct net_rx_packet packet;

	start(&plain, true, no_offloads);
	make_frame(60, 1);
	host_send(60);
	ck_assert(!ready());
	for (int i = 0; i < 3; i++)
		loop_run_once(&loop);
	ck_assert_uint_eq(readies, 0);
	ck_assert_uint_eq(poll_rx(&packet, 1), 0);
	net_bufs_give(&bufs, queue, 0, 1);
	ck_assert(ready());
	expect_frame(60, 1);
}
END_TEST

START_TEST(receive_over_buffers)
{
	start(&small_bufs, true, no_offloads);
	net_bufs_give(&bufs, queue, 0, 40);
	for (unsigned int i = 0; i < 3; i++) {
		/* The first one comes by way of the spill. */
		make_frame(9000, i);
		host_send(9000);
		expect_frame(9000, 6);
		make_frame(1536 - 12, i);
		host_send(1536 - 12);
		expect_frame(1536 - 12, 1);
		make_frame(1536 - 11, i);
		host_send(1536 - 11);
		expect_frame(1536 - 11, 2);
	}
	ck_assert_uint_eq(bufs.calls.write_data, 1);
}
END_TEST

START_TEST(receive_gso)
{
	size_t len;

	start(&small_bufs, true, all_offloads);
	net_bufs_give(&bufs, queue, 0, 64);
	len = make_gso_frame();
	host_send(len);
	expect_frame(len, (uint16_t)((len + 12 + 1535) / 1536));
	ck_assert_mem_eq(got, frame, 2); /* flags and GSO type */
	ck_assert_mem_eq(got + 4, frame + 4, 6);
	ck_assert_uint_eq(bufs.calls.write_data, 0);
}
END_TEST

/* Without the offload the kernel cuts the frame, and computes the sums. */
START_TEST(receive_gso_not_taken)
{
	struct net_rx_packet packet;
	size_t n = 0;

	start(&small_bufs, true, no_offloads);
	net_bufs_give(&bufs, queue, 0, 64);
	host_send(make_gso_frame());
	while (poll_rx(&packet, 1)) {
		ck_assert_uint_le(packet.meta.len, 14 + 20 + 20 + 1448);
		ck_assert_int_ge(
			net_bufs_take(&bufs, &packet, got, sizeof(got)), 0);
		ck_assert_uint_eq(got[0] & VNET_HDR_F_NEEDS_CSUM, 0);
		ck_assert_uint_eq(got[1], 0);
		n++;
	}
	ck_assert_uint_eq(n, (GSO_PAYLOAD + 1447) / 1448);
}
END_TEST

/* Frames that were sent before the queue was made were for somebody else. */
START_TEST(receive_nothing_old)
{
	struct net_rx_packet packet;

	host_send(make_gso_frame());
	start(&small_bufs, true, no_offloads);
	net_bufs_give(&bufs, queue, 0, 64);
	ck_assert_uint_eq(poll_rx(&packet, 1), 0);
}
END_TEST

/* A long frame waits for buffers that the guest is known to have. */
START_TEST(receive_waits)
{
	struct net_rx_packet packet;
	size_t len;

	start(&small_bufs, true, all_offloads);
	net_bufs_give(&bufs, queue, 0, 64);
	for (int i = 0; i < 54; i++) {
		make_frame(100, 1);
		host_send(100);
		expect_frame(100, 1);
	}
	len = make_gso_frame();
	host_send(len);
	ck_assert_uint_eq(poll_rx(&packet, 1), 0);
	ck_assert(!ready());
	loop_run_once(&loop);
	ck_assert_uint_eq(readies, 0);
	net_bufs_give(&bufs, queue, 0, 10);
	ck_assert_uint_eq(poll_rx(&packet, 1), 0);
	net_bufs_give(&bufs, queue, 10, 44);
	ck_assert(ready());
	expect_frame(len, (uint16_t)((len + 12 + 1535) / 1536));
	ck_assert_mem_eq(got, frame, 2);
	ck_assert_uint_eq(net_queue_stats(queue)->rx_dropped, 0);
}
END_TEST

/* It does not wait for buffers that the guest never had. */
START_TEST(receive_too_long)
{
	struct net_rx_packet packets[2];

	start(&small_bufs, true, all_offloads);
	net_bufs_give(&bufs, queue, 0, 4);
	host_send(make_gso_frame());
	make_frame(60, 1);
	host_send(60);
	ck_assert_uint_eq(poll_rx(packets, 1), 0);
	ck_assert_uint_eq(net_queue_stats(queue)->rx_dropped, 1);
	ck_assert(ready());
	expect_frame(60, 1);
}
END_TEST

/* Longer than rx_span buffers: dropped whole. */
START_TEST(receive_beyond_span)
{
	struct net_rx_packet packet;

	start(&plain, true, no_offloads);
	net_bufs_give(&bufs, queue, 0, 8);
	make_frame(2048 - 12 + 1, 1);
	host_send(2048 - 12 + 1);
	make_frame(2048 - 12, 1);
	host_send(2048 - 12);
	ck_assert_uint_eq(poll_rx(&packet, 1), 0);
	ck_assert_uint_eq(net_queue_stats(queue)->rx_dropped, 1);
	expect_frame(2048 - 12, 1);
}
END_TEST

START_TEST(receive_into_tiny_buffers)
{
	static const struct net_bufs_config tiny = {
		.n_bufs = 200,
		.buf_len = 13,
		.piece = 1,
		.header_room = true,
		.rx_span = 200,
		.tx_len = 1 << 16,
	};

	start(&tiny, true, no_offloads);
	net_bufs_give(&bufs, queue, 0, 200);
	for (unsigned int i = 0; i < 3; i++) {
		make_frame(700, i);
		host_send(700);
		expect_frame(700, 55);
		net_bufs_give(&bufs, queue, i * 55, 55);
	}
}
END_TEST

START_TEST(receive_without_header)
{
	static const struct net_bufs_config no_room = {
		.n_bufs = 8,
		.buf_len = 1024,
		.rx_span = 8,
		.tx_len = 1 << 16,
	};

	start(&no_room, false, all_offloads);
	net_bufs_give(&bufs, queue, 0, 8);
	make_frame(1024, 1);
	host_send(1024);
	expect_frame(1024, 1);
	make_frame(3000, 2);
	host_send(3000);
	expect_frame(3000, 3);
	ck_assert_uint_eq(bufs.calls.write_header, 2);
}
END_TEST

START_TEST(receive_metadata)
{
	static const struct net_bufs_config room = {
		.n_bufs = 2,
		.buf_len = 65600,
		.rx_span = 1,
		.tx_len = 1 << 16,
	};
	struct net_rx_packet packet;
	size_t len;

	start(&room, false, all_offloads);
	net_bufs_give(&bufs, queue, 0, 2);
	len = make_gso_frame();
	host_send(len);
	ck_assert_uint_eq(poll_rx(&packet, 1), 1);
	ck_assert_uint_eq(packet.meta.len, len);
	ck_assert(packet.meta.offload.csum_needed);
	ck_assert_int_eq(packet.meta.offload.gso, NET_GSO_TCPV4);
	ck_assert_uint_eq(packet.meta.offload.gso_size, 1448);
	ck_assert_uint_eq(packet.meta.offload.csum_start, 34);
	ck_assert_int_eq(packet.meta.l4_proto, NET_L4_TCP);
}
END_TEST

START_TEST(receive_bad_buffer)
{
	struct net_rx_packet packet;

	start(&plain, true, no_offloads);
	bufs.faults.bad_id = 0;
	net_bufs_give(&bufs, queue, 0, 2);
	make_frame(60, 1);
	host_send(60);
	ck_assert_uint_eq(poll_rx(&packet, 1), 0);
	ck_assert_uint_eq(net_queue_stats(queue)->rx_dropped, 1);
	ck_assert_uint_eq(poll_rx(&packet, 1), 0);
	ck_assert(!ready());
}
END_TEST

/* Room for the header only, and not even that for the frame. */
START_TEST(receive_capacity_one)
{
	struct net_rx_packet packet;

	start(&plain, true, no_offloads);
	bufs.faults.capacity = 1;
	net_bufs_give(&bufs, queue, 0, 8);
	make_frame(60, 1);
	host_send(60);
	ck_assert_uint_eq(poll_rx(&packet, 1), 0);
	ck_assert_uint_eq(net_queue_stats(queue)->rx_dropped, 1);
	bufs.faults.capacity = 0;
	host_send(60);
	expect_frame(60, 1);
}
END_TEST

/* Sends @frame, of @len bytes, as the guest does. Returns the segments taken. */
static size_t guest_send(size_t len, bool vnet_hdr, size_t piece,
			 const struct net_tx_meta *wishes)
{
	static unsigned char bytes[NET_VNET_HDR_LEN + NET_FRAME_MAX];
	struct net_tx_seg segs[256];
	struct net_tx_meta meta = wishes ? *wishes : (struct net_tx_meta){0};
	struct net_tx_taken taken;
	size_t hdr = vnet_hdr ? NET_VNET_HDR_LEN : 0, n;

	memset(bytes, 0, sizeof(bytes));
	if (vnet_hdr)
		memcpy(bytes, frame, HOST_HDR);
	memcpy(bytes + hdr, frame + HOST_HDR, len);
	meta.vnet_hdr = vnet_hdr;
	net_bufs_tx_reset(&bufs);
	n = net_bufs_tx(&bufs, &meta, bytes, hdr + len, piece, segs, 256);
	ck_assert_uint_gt(n, 0);
	ck_assert_int_eq(net_queue_tx_avail(queue, &bufs.base, segs, n, &taken),
			 0);
	ck_assert(taken.n_segs == 0 || taken.n_segs == n);
	ck_assert(taken.completed);
	return taken.n_segs;
}

static void expect_at_host(size_t len)
{
	size_t n = tap_host_receive(host, got, sizeof(got), WAIT_MS);

	ck_assert_uint_eq(n, HOST_HDR + len);
	ck_assert_mem_eq(got + HOST_HDR, frame + HOST_HDR, len);
}

START_TEST(transmit)
{
	static const size_t pieces[] = {0, 1000, 100, 13};

	start(&plain, true, no_offloads);
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		make_frame(1500, (unsigned int)i);
		ck_assert_uint_ne(guest_send(1500, true, pieces[i], NULL), 0);
		expect_at_host(1500);
		ck_assert_uint_ne(guest_send(1500, false, pieces[i], NULL), 0);
		expect_at_host(1500);
	}
	ck_assert_uint_eq(net_queue_stats(queue)->tx_packets, 8);
	ck_assert_uint_eq(net_queue_stats(queue)->tx_bytes, 8 * 1500);
}
END_TEST

/* The wish arrives with the frame, as a header or as metadata. */
START_TEST(transmit_gso)
{
	struct net_tx_meta wishes = {
		.flags = NET_TX_IPV4 | NET_TX_TCP_CSUM | NET_TX_TSO,
		.l2_len = 14,
		.l3_len = 20,
		.l4_len = 20,
		.l4_offset = 34,
		.mss = 1448,
	};
	size_t len;

	start(&plain, true, no_offloads);
	for (int i = 0; i < 2; i++) {
		len = make_gso_frame();
		/* The packet socket hands on the kernel's view of it. */
		store_be16(frame + HOST_HDR + 12, IPV4_TYPE);
		ck_assert_uint_ne(guest_send(len, !i, 4096, i ? &wishes : NULL),
				  0);
		ck_assert_int_gt(recv(host, got, sizeof(got), 0), 0);
		ck_assert_uint_eq(got[1], VNET_HDR_GSO_TCPV4);
		ck_assert_uint_eq(load_le16(got + 4), 1448);
		ck_assert_mem_eq(got + HOST_HDR + 54, frame + HOST_HDR + 54,
				 len - 54);
	}
}
END_TEST

/* A tag that is not in the frame is put there, however it is cut. */
START_TEST(transmit_vlan)
{
	static const struct net_bufs_config no_room = {
		.n_bufs = 1,
		.buf_len = 1024,
		.rx_span = 1,
		.tx_len = 1 << 18,
	};
	static const size_t pieces[] = {0, 100, 14, 12, 5};
	const struct net_tx_meta wishes = {
		.vlan = {.present = true, .priority = 3, .id = 0x234},
	};
	int tci;

	start(&no_room, false, no_offloads);
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		make_frame(1000, (unsigned int)i);
		ck_assert_uint_ne(guest_send(1000, false, pieces[i], &wishes),
				  0);
		ck_assert_uint_eq(tap_host_receive_tagged(host, got,
							  sizeof(got), WAIT_MS,
							  &tci),
				  HOST_HDR + 1000);
		ck_assert_mem_eq(got + HOST_HDR, frame + HOST_HDR, 1000);
		ck_assert_int_eq(tci, 0x6234);
	}
	ck_assert_uint_eq(net_queue_stats(queue)->tx_vlan_packets,
			  ARRAY_SIZE(pieces));
}
END_TEST

/* What the kernel refuses is gone for the guest, counted, and harmless. */
START_TEST(transmit_refused)
{
	start(&plain, true, no_offloads);
	make_frame(10, 1);
	ck_assert_uint_ne(guest_send(10, true, 0, NULL), 0); /* runt */
	make_frame(100, 1);
	frame[1] = 77; /* no such GSO type */
	ck_assert_uint_ne(guest_send(100, true, 0, NULL), 0);
	ck_assert_uint_eq(net_queue_stats(queue)->tx_dropped, 2);
	make_frame(100, 2);
	ck_assert_uint_ne(guest_send(100, true, 0, NULL), 0);
	expect_at_host(100);
}
END_TEST

/* ... and told, with the NIC's name. */
START_TEST(transmit_refused_is_logged)
{
	int saved = dup(STDERR_FILENO), fds[2];
	char line[256] = "";

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	start(&plain, true, no_offloads);
	make_frame(100, 1);
	frame[1] = 77;
	ck_assert_int_ge(dup2(fds[1], STDERR_FILENO), 0);
	ck_assert_uint_ne(guest_send(100, true, 0, NULL), 0);
	(void)dup2(saved, STDERR_FILENO);
	ck_assert_int_gt(read(fds[0], line, sizeof(line) - 1), 0);
	ck_assert_ptr_nonnull(strstr(
		line, "warning: eth0: tap0: packet of 100 bytes dropped: "));
	(void)close(saved);
	(void)close(fds[0]);
	(void)close(fds[1]);
}
END_TEST

START_TEST(transmit_bad_address)
{
	struct net_tx_meta meta = {.len = 100, .n_segs = 1};
	struct net_tx_seg seg = {
		.gpa = NET_BUFS_BAD_GPA,
		.len = 100,
		.type = NET_TX_HEAD,
		.meta = &meta,
	};
	struct net_tx_taken taken;

	start(&plain, true, no_offloads);
	ck_assert_int_eq(net_queue_tx_avail(queue, &bufs.base, &seg, 1, &taken),
			 0);
	ck_assert_uint_eq(taken.n_segs, 1);
	ck_assert_uint_eq(net_queue_stats(queue)->tx_dropped, 1);
	seg.gpa = NET_BUFS_TX_GPA;
	meta.len = 99; /* not what the segment says */
	ck_assert_int_eq(net_queue_tx_avail(queue, &bufs.base, &seg, 1, &taken),
			 0);
	ck_assert_uint_eq(taken.n_segs, 1);
	ck_assert_uint_eq(net_queue_stats(queue)->tx_dropped, 2);
}
END_TEST

/* A tap has room practically always, so a socket stands in for it. */
START_TEST(transmit_blocked)
{
	unsigned int sent = 0;
	int pair[2];

	start(&plain, true, no_offloads);
	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair),
		0);
	ck_assert_int_eq(dup2(pair[0], tap_fd), tap_fd);
	make_frame(1500, 1);
	while (guest_send(1500, true, 0, NULL)) {
		sent++;
		ck_assert_uint_lt(sent, 10000);
	}
	ck_assert_uint_gt(sent, 0);
	ck_assert(!ready());
	loop_run_once(&loop);
	ck_assert_uint_eq(readies, 0);
	/* Not asked again before there is room. */
	ck_assert_int_gt(recv(pair[1], got, sizeof(got), 0), 0);
	ck_assert_uint_eq(guest_send(1500, true, 0, NULL), 0);
	while (recv(pair[1], got, sizeof(got), 0) > 0)
		continue;
	loop_run_once(&loop);
	ck_assert_uint_eq(readies, 1);
	ck_assert(ready());
	ck_assert_uint_ne(guest_send(1500, true, 0, NULL), 0);
	ck_assert_int_eq(recv(pair[1], got, sizeof(got), 0), 1512);
	ck_assert_mem_eq(got + 12, frame + HOST_HDR, 1500);
	ck_assert_uint_eq(net_queue_stats(queue)->tx_packets, sent + 1);
	ck_assert_uint_eq(net_queue_stats(queue)->tx_dropped, 0);
	(void)close(pair[0]);
	(void)close(pair[1]);
}
END_TEST

/* Nothing that a read returns makes the queue spin or stop. */
START_TEST(receive_runt)
{
	struct net_rx_packet packets[4];
	int pair[2];

	start(&plain, true, no_offloads);
	net_bufs_give(&bufs, queue, 0, 8);
	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair),
		0);
	ck_assert_int_eq(dup2(pair[0], tap_fd), tap_fd);
	make_frame(60, 1);
	ck_assert_int_eq(send(pair[1], frame, 1, 0), 1);
	ck_assert_int_eq(send(pair[1], frame, 12 + 13, 0), 12 + 13);
	memset(got, 0, 12);
	memcpy(got + 12, frame + HOST_HDR, 60);
	ck_assert_int_eq(send(pair[1], got, 72, 0), 72);
	ck_assert_uint_eq(poll_rx(packets, 4), 1);
	ck_assert_uint_eq(packets[0].meta.len, 60);
	ck_assert_uint_eq(net_queue_stats(queue)->rx_dropped, 2);
	(void)close(pair[0]);
	(void)close(pair[1]);
}
END_TEST

/* An interface that is down loses packets, and nothing else. */
START_TEST(transmit_down)
{
	start(&plain, true, no_offloads);
	tap_host_set_up("tap0", false);
	make_frame(1500, 1);
	ck_assert_uint_ne(guest_send(1500, true, 0, NULL), 0);
	ck_assert_uint_eq(net_queue_stats(queue)->tx_dropped, 1);
	tap_host_set_up("tap0", true);
	ck_assert_uint_ne(guest_send(1500, true, 0, NULL), 0);
	expect_at_host(1500);
}
END_TEST

/* After a stop the endpoint gives queues again. */
START_TEST(again)
{
	start(&plain, true, all_offloads);
	stop();
	start(&small_bufs, true, no_offloads);
	net_bufs_give(&bufs, queue, 0, 8);
	make_frame(60, 1);
	host_send(60);
	expect_frame(60, 1);
}
END_TEST

int main(void)
{
	const char *why = tap_host_enter();
	Suite *suite;
	TCase *tc;

	if (why)
		return test_skip(why);
	suite = suite_create("tap_queue");
	tc = tcase_create("queue");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, receive_one);
	tcase_add_test(tc, receive_wakes);
	tcase_add_test(tc, receive_without_buffers);
	tcase_add_test(tc, receive_over_buffers);
	tcase_add_test(tc, receive_gso);
	tcase_add_test(tc, receive_gso_not_taken);
	tcase_add_test(tc, receive_nothing_old);
	tcase_add_test(tc, receive_waits);
	tcase_add_test(tc, receive_too_long);
	tcase_add_test(tc, receive_beyond_span);
	tcase_add_test(tc, receive_into_tiny_buffers);
	tcase_add_test(tc, receive_without_header);
	tcase_add_test(tc, receive_metadata);
	tcase_add_test(tc, receive_bad_buffer);
	tcase_add_test(tc, receive_capacity_one);
	tcase_add_test(tc, receive_runt);
	tcase_add_test(tc, transmit);
	tcase_add_test(tc, transmit_gso);
	tcase_add_test(tc, transmit_vlan);
	tcase_add_test(tc, transmit_refused);
	tcase_add_test(tc, transmit_refused_is_logged);
	tcase_add_test(tc, transmit_bad_address);
	tcase_add_test(tc, transmit_blocked);
	tcase_add_test(tc, transmit_down);
	tcase_add_test(tc, again);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
