/* SPDX-License-Identifier: MIT */
/*
 * Software offloads: an inner queue that can do little gets finished packets,
 * the frontend gets each of its packets completed once.
 */
#include "backends/software.h"

#include "backends/software_pool.h"
#include "base/bytes.h"
#include "net/headers.h"
#include "net/offload.h"
#include "net/vnet_hdr.h"
#include "net/wrapper.h"
#include "support/frames.h"
#include "support/net_bufs.h"
#include "support/run.h"
#include "support/script_endpoint.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PACKETS 64
#define SEGS	8192

static const struct net_tx_offloads all_tx = {true, true, true, true, true};

static struct loop loop;
static struct script_endpoint *script;
static struct net_endpoint *ep;
static struct net_queue *queue;
static struct script_queue *inner;
static struct net_bufs bufs;

static struct net_tx_meta metas[PACKETS];
static uint32_t n_packets;
static struct net_tx_seg segs[SEGS];
static size_t seg_first, seg_end;
static unsigned int completions[PACKETS];
static uint32_t order[PACKETS];
static size_t n_order;
static bool at_once;

static uint8_t frame[NET_VNET_HDR_LEN + FRAME_ROOM];
static uint8_t got[NET_VNET_HDR_LEN + FRAME_ROOM];

static void done_cb(void *arg, int err)
{
	*(int *)arg = err;
}

static void ready_cb(struct net_queue_client *client)
{
	UNUSED(client);
}

static struct net_queue_client client = {ready_cb};

static void setup(void)
{
	static const struct net_bufs_config config = {
		.n_bufs = 64,
		.buf_len = 2048,
		.header_room = true,
		.rx_span = 40,
		.tx_len = 8 << 20,
	};

	ck_assert_int_eq(loop_init(&loop), 0);
	ck_assert_int_eq(script_endpoint_create(&loop, &script), 0);
	ck_assert_int_eq(software_endpoint_create(&loop, &script->base, &ep),
			 0);
	ck_assert_int_eq(net_bufs_init(&bufs, &config), 0);
	memset(completions, 0, sizeof(completions));
	n_packets = 0;
	seg_first = 0;
	seg_end = 0;
	n_order = 0;
	at_once = false;
	queue = NULL;
}

static void teardown(void)
{
	if (queue)
		net_queue_destroy(queue);
	ck_assert_uint_eq(bufs.violations, 0);
	ck_assert(net_bufs_guards_ok(&bufs));
	net_bufs_fini(&bufs);
	net_endpoint_destroy(ep);
	loop_fini(&loop);
}

static void open_queue(bool vnet_hdr, struct net_rx_offloads rx)
{
	struct net_queue_config config = {
		.loop = &loop,
		.client = &client,
		.vnet_hdr = vnet_hdr,
		.rx_span = 40,
		.rx_offloads = rx,
	};
	int err = 1;

	ck_assert_int_eq(net_endpoint_get_queues(ep, &config, 1, NULL, &queue,
						 done_cb, &err),
			 0);
	for (int i = 0; i < 10; i++)
		loop_run_once(&loop);
	ck_assert_int_eq(err, 0);
	inner = script->queues[0];
}

static void open_plain(bool vnet_hdr)
{
	open_queue(vnet_hdr, (struct net_rx_offloads){0});
}

/* Prepares a packet of these @len bytes of frame. */
static uint32_t add(const struct net_offload *offload, size_t len, size_t piece)
{
	struct net_tx_meta *meta = &metas[n_packets];
	struct net_headers h;
	uint8_t *bytes = frame + NET_VNET_HDR_LEN;
	size_t n;

	*meta = (struct net_tx_meta){
		.id.v = n_packets,
		.vnet_hdr = queue->config.vnet_hdr,
	};
	if (meta->vnet_hdr) {
		net_vnet_hdr_build(offload, frame);
		bytes -= NET_VNET_HDR_LEN;
		len += NET_VNET_HDR_LEN;
	} else {
		meta->offload = *offload;
		ck_assert_int_eq(net_headers_parse(bytes, len, &h), 0);
		ck_assert_int_eq(net_offload_to_flags(&h, meta), 0);
	}
	n = net_bufs_tx(&bufs, meta, bytes, len, piece, segs + seg_end,
			SEGS - seg_end);
	ck_assert_uint_ne(n, 0);
	seg_end += n;
	return n_packets++;
}

static uint32_t add_shape(const struct frame_shape *shape, size_t piece)
{
	struct net_offload offload;
	size_t len = frame_make(shape, frame + NET_VNET_HDR_LEN, &offload);

	return add(&offload, len, piece);
}

static void completed(uint32_t id)
{
	ck_assert_uint_lt(id, n_packets);
	ck_assert_uint_eq(completions[id]++, 0);
	order[n_order++] = id;
}

static void offer(void)
{
	struct net_tx_taken taken;

	ck_assert_int_eq(net_queue_tx_avail(queue, &bufs.base, segs + seg_first,
					    seg_end - seg_first, &taken),
			 0);
	for (size_t i = seg_first; i < seg_first + taken.n_segs; i++) {
		if (segs[i].type == NET_TX_HEAD && taken.completed)
			completed(segs[i].meta->id.v);
	}
	if (taken.n_segs)
		at_once = taken.completed;
	seg_first += taken.n_segs;
}

static void poll(void)
{
	struct net_tx_id ids[7];
	size_t n;

	do {
		ck_assert_int_eq(net_queue_tx_poll(queue, &bufs.base, ids,
						   ARRAY_SIZE(ids), &n),
				 NET_TX_OK);
		for (size_t i = 0; i < n; i++)
			completed(ids[i].v);
	} while (n == ARRAY_SIZE(ids));
}

/* As long as there is something to do. */
static void run(void)
{
	for (int i = 0; i < 10000; i++) {
		if (seg_first < seg_end)
			offer();
		poll();
		if (!net_queue_poll_ready(queue, &bufs.base))
			return;
	}
	ck_abort_msg("it never ends");
}

/* The next frame that the inner queue was given: finished. Returns its length,
 * 0: there is none. */
static size_t take(struct net_tx_meta *meta, size_t *header_len)
{
	ssize_t len = script_queue_take(inner, got, sizeof(got), meta);
	const char *fault;

	if (len == -EAGAIN)
		return 0;
	ck_assert_int_gt(len, 0);
	if (meta->vnet_hdr) {
		static const uint8_t nothing[NET_VNET_HDR_LEN];

		ck_assert_mem_eq(got, nothing, sizeof(nothing));
		len -= NET_VNET_HDR_LEN;
		memmove(got, got + NET_VNET_HDR_LEN, (size_t)len);
	}
	ck_assert_uint_eq(meta->flags, 0);
	ck_assert(!meta->offload.csum_needed);
	ck_assert_int_eq(meta->offload.gso, NET_GSO_NONE);
	ck_assert_uint_eq(meta->len, (size_t)len);
	fault = frame_fault(got, (size_t)len, header_len);
	if (fault)
		ck_abort_msg("%s", fault);
	return (size_t)len;
}

/* The inner queue has got a frame of this shape, in as many packets as it
 * takes. */
static void check_sent(const struct frame_shape *shape)
{
	size_t at = 0, wrong = 0, len, header_len;
	struct net_tx_meta meta;

	do {
		len = take(&meta, &header_len);
		ck_assert_uint_ne(len, 0);
		if (shape->gso_size)
			ck_assert_uint_le(len - header_len, shape->gso_size);
		for (size_t i = header_len; i < len; i++)
			wrong += got[i] != frame_payload_byte(at++);
	} while (at < shape->payload);
	ck_assert_uint_eq(at, shape->payload);
	ck_assert_uint_eq(wrong, 0);
}

static const struct frame_shape shapes[] = {
	{.payload = 100},
	{.payload = 1000, .udp = true, .tags = {0x8100}},
	{.payload = 40000, .gso_size = 1448, .tcp_options = 12},
	{.payload = 1001, .ipv6 = true, .tags = {0x88a8, 0x8100}},
	{.payload = 60000, .gso_size = 1428, .ipv6 = true, .extension = 60},
	{.payload = 30001, .gso_size = 1472, .udp = true},
	{.payload = 999, .gso_size = 1452, .udp = true, .ipv6 = true},
	{.payload = 3, .tcp_flags = 0x11},
	{.payload = 64000, .gso_size = 536, .tcp_flags = 0x99},
};

static const size_t pieces[] = {0, 65, 1000, 4096, 12, 1514};

/* Every kind of inner queue under every kind of frontend. */
START_TEST(finished_packets_only)
{
	bool outer_hdr = _i & 1;
	enum script_tx tx = _i & 4 ? SCRIPT_TX_SOON : SCRIPT_TX_NOW;
	size_t n = ARRAY_SIZE(shapes);

	script->vnet_hdr = _i & 2;
	script->tx = tx;
	open_plain(outer_hdr);
	ck_assert_int_eq(inner->base.config.vnet_hdr,
			 outer_hdr && script->vnet_hdr);
	for (size_t k = 0; k < ARRAY_SIZE(pieces); k++) {
		for (size_t i = 0; i < n; i++)
			add_shape(&shapes[i],
				  shapes[i].payload > 5000 && pieces[k] < 100
					  ? 100
					  : pieces[k]);
		run();
		for (size_t i = 0; i < n; i++)
			check_sent(&shapes[i]);
		ck_assert_uint_eq(n_order, n_packets);
		ck_assert(at_once == (tx == SCRIPT_TX_NOW));
		seg_first = 0;
		seg_end = 0;
		n_packets = 0;
		n_order = 0;
		memset(completions, 0, sizeof(completions));
		net_bufs_tx_reset(&bufs);
	}
}
END_TEST

/* What the inner queue can do it is left to do. */
START_TEST(passes_unchanged)
{
	static const struct frame_shape shape = {.payload = 9000,
						 .gso_size = 1000};
	struct net_offload offload;
	struct net_tx_meta meta;
	bool outer_hdr = _i & 1;
	size_t len;

	script->vnet_hdr = _i & 2;
	script->tx_offloads = all_tx;
	script->tx_offloads.uso = !(_i & 4); /* then each packet is seen */
	open_plain(outer_hdr);
	len = frame_make(&shape, frame + NET_VNET_HDR_LEN, &offload);
	add_shape(&shape, 100);
	run();
	ck_assert_uint_eq(completions[0], 1);
	if (outer_hdr && script->vnet_hdr) {
		ck_assert_int_eq(
			script_queue_take(inner, got, sizeof(got), &meta),
			(int)len + NET_VNET_HDR_LEN);
		ck_assert(meta.vnet_hdr);
		ck_assert_mem_eq(got, frame, len + NET_VNET_HDR_LEN);
	} else {
		ck_assert_int_eq(
			script_queue_take(inner, got, sizeof(got), &meta),
			(int)len);
		ck_assert(!meta.vnet_hdr);
		ck_assert_mem_eq(got, frame + NET_VNET_HDR_LEN, len);
		ck_assert(meta.flags & NET_TX_TSO);
		ck_assert_uint_eq(meta.mss, 1000);
		ck_assert_mem_eq(&meta.offload, &offload, sizeof(offload));
	}
}
END_TEST

START_TEST(only_what_is_lacking)
{
	static const struct frame_shape uso = {
		.payload = 9000, .gso_size = 1000, .udp = true};
	static const struct frame_shape tso = {.payload = 9000,
					       .gso_size = 1000};
	struct net_tx_meta meta;

	script->tx_offloads = all_tx;
	script->tx_offloads.uso = false;
	open_plain(true);
	add_shape(&uso, 0);
	add_shape(&tso, 0);
	run();
	check_sent(&uso);
	ck_assert_int_gt(script_queue_take(inner, got, sizeof(got), &meta),
			 9000);
	ck_assert_int_eq(script_queue_take(inner, got, sizeof(got), &meta),
			 -EAGAIN);
}
END_TEST

/* A checksum that no flag can tell is not left to an inner queue that goes by
 * flags. */
START_TEST(odd_checksums)
{
	static const struct frame_shape shape = {.payload = 500};
	struct net_offload offload;
	struct net_tx_meta meta;
	uint16_t right;
	size_t len;

	script->vnet_hdr = _i & 1;
	if (_i & 2)
		script->tx_offloads = all_tx;
	open_plain(true);
	len = frame_make(&shape, frame + NET_VNET_HDR_LEN, &offload);
	offload.csum_start = 33;
	offload.csum_offset = 60;
	right = (uint16_t)~frame_naive_sum(0, frame + NET_VNET_HDR_LEN + 33,
					   len - 33);
	add(&offload, len, 50);
	run();
	ck_assert_int_gt(script_queue_take(inner, got, sizeof(got), &meta), 0);
	if (_i == 3) { /* it goes by headers */
		ck_assert(meta.vnet_hdr && got[0] == VNET_HDR_F_NEEDS_CSUM);
		return;
	}
	ck_assert_uint_eq(
		load_be16(got + 93 + (meta.vnet_hdr ? NET_VNET_HDR_LEN : 0)),
		right);
}
END_TEST

START_TEST(what_cannot_be_granted_is_lost)
{
	static const struct frame_shape shape = {.payload = 9000,
						 .gso_size = 1000};
	struct net_offload offload, good;
	size_t len;

	script->tx = _i & 1 ? SCRIPT_TX_SOON : SCRIPT_TX_NOW;
	open_plain(true);
	len = frame_make(&shape, frame + NET_VNET_HDR_LEN, &good);
	add(&good, len, 1000);
	offload = good;
	offload.gso = NET_GSO_UDP_FRAG;
	add(&offload, len, 1000);
	offload.gso = NET_GSO_TCPV6;
	add(&offload, len, 1000);
	offload = good;
	offload.csum_start += 4;
	add(&offload, len, 1000);
	offload = (struct net_offload){.csum_needed = true, .csum_start = 5000};
	add(&offload, len, 1000);
	offload.csum_start = 65000; /* beyond its end */
	add(&offload, len, 1000);
	add(&good, len, 1000);
	run();
	check_sent(&shape);
	check_sent(&shape);
	ck_assert_uint_eq(n_order, 7);
	for (uint32_t i = 0; i < 7; i++)
		ck_assert_uint_eq(order[i], i);
	ck_assert_uint_eq(net_stat_get(&queue->stats->tx_bad_header), 5);
}
END_TEST

/* A guest that names the addresses of our own headers gets nothing. */
START_TEST(bounce_is_not_for_guests)
{
	static const struct frame_shape shape = {.payload = 100};
	uint32_t id;

	open_plain(_i & 1);
	add_shape(&shape, 0);
	run();
	check_sent(&shape);
	id = add_shape(&shape, 0);
	segs[seg_end - 1].gpa = SOFTWARE_BOUNCE_GPA;
	run();
	ck_assert_uint_eq(completions[id], 1);
	ck_assert_uint_eq(net_stat_get(&queue->stats->tx_dropped), 1);
	ck_assert_int_eq(script_queue_take(inner, got, sizeof(got), NULL),
			 -EAGAIN);
}
END_TEST

/* The inner queue stops in the middle of a frame, each time elsewhere. */
START_TEST(goes_on_after_back_pressure)
{
	size_t room = (size_t)_i / 3;

	script->tx = (enum script_tx[]){SCRIPT_TX_NOW, SCRIPT_TX_SOON,
					SCRIPT_TX_HELD}[_i % 3];
	open_plain(true);
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		add_shape(&shapes[i], 1000);
	for (int turn = 0; turn < 1000 && n_order < n_packets; turn++) {
		inner->tx_room = room;
		run();
		while (inner->n_flying)
			script_queue_complete(inner, 0);
	}
	ck_assert_uint_eq(n_order, n_packets);
	for (uint32_t i = 0; i < n_packets; i++)
		ck_assert_uint_eq(order[i], i);
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		check_sent(&shapes[i]);
}
END_TEST

/* Complete when all cuts are, whatever their order. */
START_TEST(complete_with_the_last_cut)
{
	static const struct frame_shape shape = {.payload = 1000,
						 .gso_size = 100};
	size_t steps;

	script->tx = SCRIPT_TX_HELD;
	script->ordered = _i & 1;
	open_plain(true);
	add_shape(&shape, 0);
	add_shape(&shape, 0);
	run();
	ck_assert_uint_eq(seg_first, seg_end);
	ck_assert_uint_eq(inner->n_flying, 20);
	for (steps = 0; steps < 10; steps++) { /* the second one's */
		ck_assert_uint_eq(n_order, 0);
		script_queue_complete(inner, 10);
		run();
	}
	ck_assert_uint_eq(n_order, script->ordered ? 0 : 1);
	for (; steps < 20; steps++) {
		ck_assert_uint_eq(completions[0], 0);
		script_queue_complete(inner, inner->n_flying - 1);
		run();
	}
	ck_assert_uint_eq(n_order, 2);
	ck_assert_uint_eq(order[0], script->ordered ? 0 : 1);
}
END_TEST

/* More cuts than slots, none of which comes back at first. */
START_TEST(waits_for_slots)
{
	static const struct frame_shape shape = {.payload = 600, .gso_size = 1};

	script->tx = SCRIPT_TX_HELD;
	open_plain(true);
	add_shape(&shape, 0);
	add_shape(&shapes[0], 0);
	run();
	ck_assert_uint_eq(inner->n_flying, SOFTWARE_SLOTS);
	ck_assert_uint_eq(n_order, 0);
	for (int i = 0; i < 300; i++) { /* one comes back, one goes out */
		script_queue_complete(inner, 0);
		run();
		ck_assert_uint_eq(inner->n_flying, SOFTWARE_SLOTS);
	}
	while (inner->n_flying) {
		script_queue_complete(inner, 0);
		run();
	}
	ck_assert_uint_eq(n_order, 2);
	check_sent(&shape);
	check_sent(&shapes[0]);
}
END_TEST

/* A frame with the smallest cuts does not hold the loop. */
START_TEST(work_is_bounded)
{
	static const struct frame_shape shape = {.payload = 10000,
						 .gso_size = 1};
	unsigned int turns = 0;

	open_plain(true);
	add_shape(&shape, 0);
	while (seg_first < seg_end) {
		uint64_t before = net_stat_get(&queue->stats->tx_packets);

		offer();
		ck_assert_uint_le(
			net_stat_get(&queue->stats->tx_packets) - before, 256);
		if (seg_first < seg_end)
			ck_assert(net_queue_poll_ready(queue, &bufs.base));
		turns++;
	}
	ck_assert_uint_ge(turns, 10000 / 256);
	ck_assert_uint_eq(completions[0], 1);
	check_sent(&shape);
}
END_TEST

/* The frontend forgets a frame of which a part was sent. */
START_TEST(abandoned_in_the_middle)
{
	static const struct frame_shape shape = {.payload = 1000,
						 .gso_size = 100};

	script->tx = SCRIPT_TX_HELD;
	open_plain(true);
	add_shape(&shape, 0);
	inner->tx_room = 5;
	run();
	ck_assert_uint_eq(seg_first, 0);
	seg_first = seg_end;
	add_shape(&shapes[0], 0);
	inner->tx_room = SIZE_MAX;
	run();
	while (inner->n_flying)
		script_queue_complete(inner, 0);
	run();
	ck_assert_uint_eq(completions[0], 0);
	ck_assert_uint_eq(completions[1], 1);
}
END_TEST

/* Guest memory is built up anew while a frame is half sent. */
START_TEST(memory_moves)
{
	static const struct frame_shape shape = {.payload = 5000,
						 .gso_size = 1000};
	struct guest_mem_region regions[2];
	unsigned char *moved = malloc(8 << 20);

	ck_assert_ptr_nonnull(moved);
	open_plain(true);
	add_shape(&shape, 700);
	inner->tx_room = 2;
	run();
	memcpy(regions, bufs.mem.regions, sizeof(regions));
	memcpy(moved, bufs.tx, 8 << 20);
	memset(bufs.tx, 0xee, 8 << 20);
	guest_mem_clear(&bufs.mem);
	regions[1].host = moved;
	ck_assert_int_eq(guest_mem_add(&bufs.mem, &regions[0]), 0);
	ck_assert_int_eq(guest_mem_add(&bufs.mem, &regions[1]), 0);
	inner->tx_room = SIZE_MAX;
	run();
	check_sent(&shape);
	net_queue_destroy(queue);
	queue = NULL;
	free(moved);
}
END_TEST

/* The flags' own wish, which no header can say. */
START_TEST(ipv4_checksums)
{
	static const struct frame_shape shape = {.payload = 100,
						 .ipv4_options = 8};
	static const struct net_offload none;
	struct net_offload offload;
	size_t len = frame_make(&shape, frame + NET_VNET_HDR_LEN, &offload);
	uint32_t id;

	open_plain(false);
	store_be16(frame + NET_VNET_HDR_LEN + 24, 0xdead);
	id = add(&none, len, 0);
	metas[id].flags = NET_TX_IPV4 | NET_TX_IPV4_CSUM | NET_TX_TCP_CSUM;
	metas[id].l2_len = 14;
	metas[id].l3_len = 28;
	metas[id].l4_len = 20;
	run();
	check_sent(&shape);
}
END_TEST

static size_t receive(struct net_rx_packet *packet)
{
	size_t n;

	ck_assert_int_eq(net_queue_rx_poll(queue, &bufs.base, packet, 1, &n),
			 0);
	return n;
}

/* Frames that the frontend did not ask for unfinished, told by metadata. */
START_TEST(received_by_metadata)
{
	static const struct frame_shape tcp = {.payload = 3000};
	static const struct frame_shape merged = {.payload = 3000,
						  .gso_size = 1000};
	struct net_rx_packet packet;
	size_t len, header_len;

	script->vnet_hdr = false;
	script->rx_offloads =
		(struct net_rx_offloads){.csum = true, .tso4 = true};
	open_plain(true);
	net_bufs_give(&bufs, queue, 0, 20);
	len = frame_make(&tcp, frame, &inner->rx_meta.offload);
	ck_assert_int_eq(script_queue_arrive(inner, frame, len), 0);
	ck_assert_uint_eq(receive(&packet), 1);
	ck_assert_int_eq(net_bufs_take(&bufs, &packet, got, sizeof(got)),
			 (int)len + NET_VNET_HDR_LEN);
	ck_assert_uint_eq(got[0] & VNET_HDR_F_NEEDS_CSUM, 0);
	ck_assert_ptr_null(
		frame_fault(got + NET_VNET_HDR_LEN, len, &header_len));

	len = frame_make(&merged, frame, &inner->rx_meta.offload);
	ck_assert_int_eq(script_queue_arrive(inner, frame, len), 0);
	ck_assert_uint_eq(receive(&packet), 0);
	ck_assert_uint_eq(net_stat_get(&queue->stats->rx_dropped), 1);
}
END_TEST

/* And by a header that came with the frame. */
START_TEST(received_by_header)
{
	static const struct frame_shape tcp = {.payload = 3000};
	static const struct frame_shape merged = {.payload = 3000,
						  .gso_size = 1000};
	const struct frame_shape *wanted[] = {&tcp, &merged, &tcp};
	struct net_rx_packet packet;
	struct net_offload offload;
	size_t len, header_len;

	script->rx_offloads =
		(struct net_rx_offloads){.csum = true, .tso4 = true};
	open_queue(true,
		   (struct net_rx_offloads){.csum = _i & 1, .tso4 = _i & 2});
	inner->rx_header = true;
	net_bufs_give(&bufs, queue, 0, 20);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		len = frame_make(wanted[i], frame + NET_VNET_HDR_LEN, &offload);
		net_vnet_hdr_build(&offload, frame);
		len += NET_VNET_HDR_LEN;
		ck_assert_int_eq(script_queue_arrive(inner, frame, len), 0);
		ck_assert_uint_eq(receive(&packet), 1);
		if (wanted[i] == &merged && !(_i & 2)) {
			ck_assert_uint_eq(packet.meta.len, 0);
			ck_assert_int_ge(
				net_bufs_take(&bufs, &packet, got, sizeof(got)),
				0);
			continue;
		}
		ck_assert_int_eq(
			net_bufs_take(&bufs, &packet, got, sizeof(got)),
			(int)len);
		if (_i & 1) { /* untouched */
			ck_assert_mem_eq(got, frame, len);
			continue;
		}
		ck_assert_uint_eq(got[0] & VNET_HDR_F_NEEDS_CSUM, 0);
		ck_assert_ptr_null(frame_fault(got + NET_VNET_HDR_LEN,
					       len - NET_VNET_HDR_LEN,
					       &header_len));
	}
	ck_assert_uint_eq(net_stat_get(&queue->stats->rx_dropped),
			  _i & 2 ? 0 : 1);
}
END_TEST

START_TEST(unwraps)
{
	struct net_endpoint *inside = software_endpoint_unwrap(ep);

	ck_assert_ptr_eq(inside, &script->base);
	net_endpoint_raise(inside, net_action_link(false));
	for (int i = 0; i < 10; i++)
		loop_run_once(&loop);
	ck_assert_int_eq(software_endpoint_create(&loop, inside, &ep), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("software");
	TCase *tc = tcase_create("software");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, finished_packets_only, 0, 8);
	tcase_add_loop_test(tc, passes_unchanged, 0, 8);
	tcase_add_test(tc, only_what_is_lacking);
	tcase_add_loop_test(tc, odd_checksums, 0, 4);
	tcase_add_loop_test(tc, what_cannot_be_granted_is_lost, 0, 2);
	tcase_add_loop_test(tc, bounce_is_not_for_guests, 0, 2);
	tcase_add_loop_test(tc, goes_on_after_back_pressure, 3, 3 * 14);
	tcase_add_loop_test(tc, complete_with_the_last_cut, 0, 2);
	tcase_add_test(tc, waits_for_slots);
	tcase_add_test(tc, work_is_bounded);
	tcase_add_test(tc, abandoned_in_the_middle);
	tcase_add_test(tc, memory_moves);
	tcase_add_test(tc, ipv4_checksums);
	tcase_add_test(tc, received_by_metadata);
	tcase_add_loop_test(tc, received_by_header, 0, 4);
	tcase_add_test(tc, unwraps);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
