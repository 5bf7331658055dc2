/* SPDX-License-Identifier: MIT */
/*
 * Software offloads under a stream of operations of frontend and endpoint.
 *
 * First byte: virtio-net headers on the outside (bit 0) and on the inside (1),
 * order (2), when packets complete (3, 4), what the endpoint can do (5-7). Each
 * operation is a byte and its operands. Every packet is completed once, in order
 * if the endpoint is ordered; whoever waits is told; at the end nothing is left.
 */
#include "backends/software.h"
#include "backends/software_queue.h"
#include "base/bytes.h"
#include "fuzz/input.h"
#include "net/vnet_hdr.h"
#include "support/frames.h"
#include "support/net_bufs.h"
#include "support/script_endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PACKETS	  48
#define SEGS	  4096
#define FRAME_MAX 3000

struct stream {
	struct fuzz_input input;
	struct loop loop;
	struct script_endpoint *script;
	struct net_endpoint *ep;
	struct net_queue_client client;
	struct net_queue *queue;
	struct script_queue *inner;
	struct net_bufs bufs;
	struct net_tx_meta metas[PACKETS];
	bool done[PACKETS];
	uint32_t n_packets, n_done;
	struct net_tx_seg segs[SEGS];
	size_t seg_first, seg_end;
	int err;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what)
{
	if (condition)
		return;
	(void)fprintf(stderr, "software: %s\n", what);
	abort();
}

static uint64_t take(struct stream *s, size_t n)
{
	return fuzz_take(&s->input, n);
}

/* What passes by software is in whatever order the endpoint has. */
static void complete(struct stream *s, uint32_t id)
{
	bool ordered =
		s->script->ordered && !software_queue_of(s->queue)->tx_passes;

	require(id < s->n_packets, "a packet that was never sent");
	require(!s->done[id], "completed twice");
	require(!ordered || id == s->n_done, "out of order");
	s->done[id] = true;
	s->n_done++;
}

static void offer(struct stream *s)
{
	struct net_tx_taken taken;
	size_t n = s->seg_end - s->seg_first;

	if (!n)
		return;
	if (net_queue_tx_avail(s->queue, &s->bufs.base, s->segs + s->seg_first,
			       n, &taken) < 0)
		return;
	for (size_t i = 0; i < taken.n_segs; i++) {
		const struct net_tx_seg *seg = &s->segs[s->seg_first + i];

		if (taken.completed && seg->type == NET_TX_HEAD)
			complete(s, seg->meta->id.v);
	}
	s->seg_first += taken.n_segs;
}

static void poll(struct stream *s, size_t max)
{
	struct net_tx_id ids[8];
	size_t n;

	(void)!net_queue_tx_poll(s->queue, &s->bufs.base, ids,
				 MIN(max, ARRAY_SIZE(ids)), &n);
	for (size_t i = 0; i < n; i++)
		complete(s, ids[i].v);
}

/* A packet: its header's bytes, or flags that follow from them; a frame of the
 * stream's bytes and then of one value; pieces; perhaps a bad address. */
static void add(struct stream *s)
{
	static uint8_t bytes[NET_VNET_HDR_LEN + FRAME_MAX];
	struct net_tx_meta *meta = &s->metas[s->n_packets];
	size_t len = take(s, 2) % FRAME_MAX + 1, given = take(s, 1);
	size_t piece = take(s, 2), n, at;

	if (s->n_packets == PACKETS)
		return;
	memset(bytes, 0x5a, sizeof(bytes));
	for (size_t i = 0; i < NET_VNET_HDR_LEN + MIN(given, len); i++)
		bytes[i] = (uint8_t)take(s, 1);
	*meta = (struct net_tx_meta){
		.id.v = s->n_packets,
		.vnet_hdr = s->queue->config.vnet_hdr,
	};
	at = meta->vnet_hdr ? 0 : NET_VNET_HDR_LEN;
	if (at) {
		meta->flags = bytes[0];
		meta->l2_len = bytes[1];
		meta->l3_len = load_le16(bytes + 2);
		meta->l4_len = bytes[4];
		meta->mss = load_le16(bytes + 6);
	}
	/* No more segments than there is room for. */
	piece = MAX(piece, (size_t)40);
	n = net_bufs_tx(&s->bufs, meta, bytes + at, len + NET_VNET_HDR_LEN - at,
			piece, s->segs + s->seg_end, SEGS - s->seg_end);
	if (!n)
		return;
	if (given == 0xff)
		s->segs[s->seg_end + n - 1].gpa = SOFTWARE_BOUNCE_GPA;
	s->seg_end += n;
	s->n_packets++;
}

static void operate(struct stream *s)
{
	uint64_t op = take(s, 1);

	switch (op % 8) {
	case 0:
	case 1:
		add(s);
		break;
	case 2:
		offer(s);
		break;
	case 3:
		poll(s, op / 8);
		break;
	case 4:
		s->inner->tx_room = op / 8;
		break;
	case 5:
		if (s->inner->n_flying)
			script_queue_complete(
				s->inner,
				s->script->ordered
					? 0
					: (op / 8) % s->inner->n_flying);
		break;
	case 6:
		s->inner->tx_err = op & 8 ? -EIO : 0;
		break;
	default:
		s->inner->tx = (enum script_tx)((op / 8) % 3);
		break;
	}
}

static void ready_cb(struct net_queue_client *client)
{
	UNUSED(client);
}

static void done_cb(void *arg, int err)
{
	((struct stream *)arg)->err = err;
}

static void begin(struct stream *s, unsigned int mode)
{
	static const struct net_bufs_config config = {
		.n_bufs = 1,
		.buf_len = 2048,
		.header_room = true,
		.rx_span = 1,
		.tx_len = PACKETS * (FRAME_MAX + NET_VNET_HDR_LEN),
	};
	struct net_queue_config queue_config = {
		.loop = &s->loop,
		.client = &s->client,
		.rx_span = 1,
		.vnet_hdr = mode & 1,
	};

	s->client.ready = ready_cb;
	s->err = 1;
	require(loop_init(&s->loop) == 0 &&
			script_endpoint_create(&s->loop, &s->script) == 0 &&
			software_endpoint_create(&s->loop, &s->script->base,
						 &s->ep) == 0 &&
			net_bufs_init(&s->bufs, &config) == 0,
		"no memory");
	s->script->vnet_hdr = mode & 2;
	s->script->ordered = mode & 4;
	s->script->tx = (enum script_tx)((mode >> 3 & 3) % 3);
	s->script->tx_offloads = (struct net_tx_offloads){
		.tcp = mode & 32,
		.udp = mode & 32,
		.tso = mode & 64,
		.uso = mode & 128,
	};
	require(net_endpoint_get_queues(s->ep, &queue_config, 1, NULL,
					&s->queue, done_cb, s) == 0,
		"no queue");
	while (s->err > 0)
		loop_run_once(&s->loop);
	require(!s->err, "no queue");
	s->inner = s->script->queues[0];
}

/* All goes out, if whoever waits is told. */
static void drain(struct stream *s)
{
	s->inner->tx_err = 0;
	s->inner->tx_room = SIZE_MAX;
	for (int i = 0; i < 100000; i++) {
		offer(s);
		while (s->inner->n_flying)
			script_queue_complete(s->inner, 0);
		poll(s, SIZE_MAX);
		if (!net_queue_poll_ready(s->queue, &s->bufs.base))
			break;
	}
	require(s->seg_first == s->seg_end, "packets are stuck");
	require(s->n_done == s->n_packets, "packets are not completed");
}

static void end(struct stream *s)
{
	struct software_queue *q = software_queue_of(s->queue);

	require(q->tx.n_free == SOFTWARE_SLOTS, "slots are lost");
	require(q->tx.first == q->tx.end, "packets are kept");
	require(s->bufs.violations == 0, "buffers");
	net_queue_destroy(s->queue);
	net_endpoint_destroy(s->ep);
	net_bufs_fini(&s->bufs);
	loop_fini(&s->loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stream *s = calloc(1, sizeof(*s));

	require(s, "no memory");
	s->input.data = data;
	s->input.size = size;
	begin(s, (unsigned int)take(s, 1));
	while (s->input.size)
		operate(s);
	drain(s);
	end(s);
	free(s);
	return 0;
}
