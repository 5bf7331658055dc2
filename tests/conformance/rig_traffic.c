/* SPDX-License-Identifier: MIT */
/*
 * The conformance rig: frames, and the ops that move them.
 */
#include "conformance/rig.h"

#include "base/bytes.h"
#include "support/count_calls.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define ETHERTYPE 0x88b5 /* for local experiments */

uint32_t rig_header_len(const struct rig *rig)
{
	return rig->mode & RIG_HEADER ? NET_VNET_HDR_LEN : 0;
}

/* Around a call of the queue: what it did in there. */
static void op_begin(struct rig *rig)
{
	rig->in_op = true;
	rig->op_allocations -= count_allocations();
	rig->op_reads -= count_guest_reads();
}

static void op_end(struct rig *rig)
{
	rig->in_op = false;
	rig->op_allocations += count_allocations();
	rig->op_reads += count_guest_reads();
}

struct give {
	struct rig *rig;
	uint32_t first;
	size_t n;
};

static void give_on_loop(void *arg)
{
	struct give *give = arg;

	op_begin(give->rig);
	net_bufs_give(&give->rig->bufs, give->rig->queue, give->first, give->n);
	op_end(give->rig);
}

void rig_give(struct rig *rig, uint32_t first, size_t n)
{
	struct give give = {rig, first, n};

	rig_call(rig, give_on_loop, &give);
}

void rig_frame(unsigned char *frame, uint32_t seq, size_t len)
{
	static const unsigned char addresses[12] = {
		0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2,
	};

	ck_assert_uint_ge(len, RIG_MIN_FRAME);
	memcpy(frame, addresses, sizeof(addresses));
	store_be16(frame + 12, ETHERTYPE);
	store_be32(frame + 14, seq);
	for (size_t i = 18; i < len; i++)
		frame[i] = (unsigned char)(i * 7 + i / 256 + seq);
}

bool rig_frame_is(const struct rig_frame *frame, uint32_t seq, size_t len)
{
	unsigned char *wanted = malloc(len);
	bool same;

	ck_assert_ptr_nonnull(wanted);
	rig_frame(wanted, seq, len);
	same = frame->len == len && !memcmp(frame->bytes, wanted, len);
	free(wanted);
	return same;
}

bool rig_frames_whole(const struct rig_frames *frames)
{
	for (size_t i = 0; i < frames->n; i++) {
		const struct rig_frame *frame = &frames->list[i];

		if (frame->len < RIG_MIN_FRAME ||
		    !rig_frame_is(frame, load_be32(frame->bytes + 14),
				  frame->len))
			return false;
	}
	return true;
}

uint32_t rig_add_packet(struct rig *rig, const void *frame, size_t len,
			size_t piece)
{
	uint32_t id = (uint32_t)rig->n_packets;
	struct net_tx_meta *meta = &rig->metas[id];
	size_t header = rig_header_len(rig), n;
	unsigned char *bytes = calloc(1, header + len);

	ck_assert_uint_lt(id, RIG_PACKETS);
	ck_assert_ptr_nonnull(bytes);
	memcpy(bytes + header, frame, len);
	if (rig->seg_first == rig->seg_end) {
		rig->seg_first = 0;
		rig->seg_end = 0;
	}
	*meta = (struct net_tx_meta){.id.v = id, .vnet_hdr = header != 0};
	n = net_bufs_tx(&rig->bufs, meta, bytes, header + len, piece,
			&rig->segs[rig->seg_end], RIG_SEGS - rig->seg_end);
	free(bytes);
	ck_assert_uint_gt(n, 0);
	rig->seg_end += n;
	rig->tx_state[id] = RIG_TX_WAITS;
	rig->n_packets++;
	return id;
}

uint32_t rig_add_frame(struct rig *rig, uint32_t seq, size_t len, size_t piece)
{
	unsigned char *frame = malloc(len);
	uint32_t id;

	ck_assert_ptr_nonnull(frame);
	rig_frame(frame, seq, len);
	id = rig_add_packet(rig, frame, len, piece);
	free(frame);
	return id;
}

static void note_taken(struct rig *rig, const struct net_tx_taken *taken)
{
	const struct net_tx_seg *segs = &rig->segs[rig->seg_first];

	rig->wrong += taken->n_segs < rig->seg_end - rig->seg_first &&
		      segs[taken->n_segs].type != NET_TX_HEAD;
	for (size_t i = 0; i < taken->n_segs; i++) {
		if (segs[i].type != NET_TX_HEAD)
			continue;
		rig->tx_state[segs[i].meta->id.v] =
			taken->completed ? RIG_TX_DONE : RIG_TX_FLIES;
		rig->now += taken->completed;
	}
	rig->seg_first += taken->n_segs;
}

static void offer_on_loop(void *arg)
{
	struct rig *rig = arg;
	struct net_tx_taken taken;
	int err;

	if (rig->seg_first == rig->seg_end)
		return;
	op_begin(rig);
	err = net_queue_tx_avail(rig->queue, &rig->bufs.base,
				 &rig->segs[rig->seg_first],
				 rig->seg_end - rig->seg_first, &taken);
	op_end(rig);
	if (err < 0)
		rig->tx_err = err;
	else
		note_taken(rig, &taken);
}

void rig_offer(struct rig *rig)
{
	rig_call(rig, offer_on_loop, rig);
}

static void keep_frame(struct rig_frames *frames, const unsigned char *bytes,
		       size_t len)
{
	struct rig_frame *frame = &frames->list[frames->n];

	if (len >= 14 && load_be16(bytes + 12) != ETHERTYPE)
		return;
	if (frames->n == RIG_FRAMES)
		abort();
	frame->bytes = malloc(len);
	if (!frame->bytes)
		abort();
	memcpy(frame->bytes, bytes, len);
	frame->len = len;
	frames->n++;
}

static void poll_received(struct rig *rig)
{
	struct net_rx_packet packets[16];
	uint32_t first;
	size_t n;
	int err;

	op_begin(rig);
	err = net_queue_rx_poll(rig->queue, &rig->bufs.base, packets,
				ARRAY_SIZE(packets), &n);
	op_end(rig);
	if (err < 0)
		rig->rx_err = err;
	for (size_t i = 0; i < n; i++) {
		ssize_t len;

		rig->wrong += rig->row->ordered &&
			      rig->bufs.order[0].v != packets[i].first.v;
		len = net_bufs_take(&rig->bufs, &packets[i], rig->scratch,
				    sizeof(rig->scratch));
		ck_assert_int_gt(len, (ssize_t)rig_header_len(rig));
		keep_frame(&rig->received, rig->scratch + rig_header_len(rig),
			   (size_t)len - rig_header_len(rig));
		first = packets[i].first.v;
		if (rig->recycle && packets[i].n_ids == 1)
			net_bufs_give(&rig->bufs, rig->queue, first, 1);
	}
}

static void poll_completed(struct rig *rig)
{
	struct net_tx_id ids[16];
	size_t n;
	enum net_tx_error err = net_queue_tx_poll(rig->queue, &rig->bufs.base,
						  ids, ARRAY_SIZE(ids), &n);

	if (err != NET_TX_OK)
		rig->tx_poll_err = err;
	for (size_t i = 0; i < n; i++) {
		if (ids[i].v >= rig->n_packets ||
		    rig->tx_state[ids[i].v] != RIG_TX_FLIES) {
			rig->wrong++;
			continue;
		}
		rig->tx_state[ids[i].v] = RIG_TX_DONE;
		rig->later++;
	}
}

static void take_sent(struct rig *rig)
{
	ssize_t len;

	if (!rig->row->sent || rig->shares_outside)
		return;
	while ((len = rig->row->sent(&rig->backend, rig->scratch,
				     sizeof(rig->scratch))) >= 0)
		keep_frame(&rig->sent, rig->scratch, (size_t)len);
}

static void poll_on_loop(void *arg)
{
	struct rig *rig = arg;

	op_begin(rig);
	rig->polled_ready = net_queue_poll_ready(rig->queue, &rig->bufs.base);
	op_end(rig);
	poll_received(rig);
	poll_completed(rig);
	take_sent(rig);
}

void rig_poll(struct rig *rig)
{
	rig_call(rig, poll_on_loop, rig);
}

void rig_turns(struct rig *rig)
{
	for (unsigned int i = 0; i < 8; i++) {
		offer_on_loop(rig);
		poll_on_loop(rig);
	}
}

void rig_step(struct rig *rig)
{
	loop_run_once(rig->control);
	rig_offer(rig);
	rig_poll(rig);
}

bool rig_all_complete(struct rig *rig)
{
	for (size_t i = 0; i < rig->n_packets; i++) {
		if (rig->tx_state[i] != RIG_TX_DONE)
			return false;
	}
	return true;
}

bool rig_can_receive(const struct rig *rig)
{
	return rig->row->arrive || rig->row->loops_back;
}

bool rig_can_see_sent(const struct rig *rig)
{
	return rig->row->sent || rig->row->loops_back;
}

struct arrival {
	struct rig *rig;
	const void *frame;
	size_t len;
};

static void arrive_on_loop(void *arg)
{
	struct arrival *a = arg;

	if (a->rig->row->arrive(&a->rig->backend, a->frame, a->len) < 0)
		abort();
}

void rig_arrive(struct rig *rig, uint32_t seq, size_t len)
{
	struct arrival arrival = {rig, NULL, len};
	unsigned char *frame;

	if (!rig->row->arrive) {
		(void)rig_add_frame(rig, seq, len, 0);
		return;
	}
	frame = malloc(len);
	ck_assert_ptr_nonnull(frame);
	rig_frame(frame, seq, len);
	arrival.frame = frame;
	rig_call(rig, arrive_on_loop, &arrival);
	free(frame);
}

const struct rig_frames *rig_sent(const struct rig *rig)
{
	return rig->row->sent ? &rig->sent : &rig->received;
}

struct squeeze {
	struct rig *rig;
	size_t room;
};

static void squeeze_on_loop(void *arg)
{
	struct squeeze *s = arg;

	s->rig->row->squeeze(&s->rig->backend, s->room);
}

void rig_squeeze(struct rig *rig, size_t room)
{
	struct squeeze squeeze = {rig, room};

	rig_call(rig, squeeze_on_loop, &squeeze);
}
