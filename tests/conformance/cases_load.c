/* SPDX-License-Identifier: MIT */
/*
 * Under load: queues that are replaced with everything in flight, and several
 * queues at once, each on a thread of its own or all on one.
 */
#include "conformance/cases.h"
#include "conformance/rig.h"

#include <stdlib.h>

static struct rig rig, other;

/* Work in both directions, and no end of it waited for. */
static void some_load(uint32_t first)
{
	rig_give(&rig, 0, 16);
	for (uint32_t i = 0; i < 16; i++) {
		(void)rig_add_frame(&rig, first + i, 100, 30);
		if (rig.row->arrive)
			rig_arrive(&rig, first + 16 + i, 100);
		if (i % 4 == 0)
			rig_step(&rig);
	}
}

static unsigned int count(enum rig_tx_state state)
{
	unsigned int n = 0;

	for (size_t i = 0; i < rig.n_packets; i++)
		n += rig.tx_state[i] == state;
	return n;
}

/* Each packet is completed once or not at all, each frame is whole and has come
 * once; and after every restart the queue works. */
START_TEST(restarts_under_load)
{
	if (!rig_open_queue(&rig, _i, NULL))
		return;
	rig.recycle = true;
	for (uint32_t round = 0; round < 8; round++) {
		some_load(round * 100);
		ck_assert_uint_eq(count(RIG_TX_DONE) + count(RIG_TX_FLIES) +
					  count(RIG_TX_WAITS),
				  rig.n_packets);
		rig_destroy_queue(&rig, rig.queue);
		if (round % 2)
			ck_assert_int_eq(rig_stop(&rig), 0);
		rig_forget_packets(&rig);
		rig_make_queue(&rig);
	}
	rig_give(&rig, 0, 16);
	(void)rig_add_frame(&rig, 5000, 100, 30);
	ck_assert(rig_wait(&rig, rig_all_complete));
	if (rig_can_receive(&rig)) {
		rig_arrive(&rig, 5001, 100);
		ck_assert(rig_wait_frame(&rig, 5001, 100));
	}
	ck_assert(rig_frames_whole(&rig.received));
	rig_close(&rig);
}
END_TEST

static bool is_done(struct rig *r)
{
	return rig_all_complete(r) &&
	       (!r->row->loops_back || r->received.n == r->n_packets);
}

/* Two queues at work at the same time: each has its own frames, completions and
 * counters. */
START_TEST(queues_work_side_by_side)
{
	if (!rig_open(&rig, _i, NULL))
		return;
	if (rig.row->multiqueue.max_queues < 2) {
		rig_close(&rig);
		return;
	}
	rig_open_beside(&other, &rig);
	for (uint32_t round = 0; round < 4; round++) {
		rig_make_both(&rig, &other);
		rig_give(&rig, 0, 64);
		rig_give(&other, 0, 64);
		for (uint32_t i = 0; i < 40; i++) {
			(void)rig_add_frame(&rig, i, 200, 30);
			(void)rig_add_frame(&other, 1000 + i, 200, 30);
		}
		ck_assert(rig_both_until(&rig, &other, is_done));
		for (uint32_t i = 0; i < rig.received.n; i++) {
			ck_assert(rig_frame_is(&rig.received.list[i], i, 200));
			ck_assert(rig_frame_is(&other.received.list[i],
					       1000 + i, 200));
		}
		ck_assert_uint_eq(net_queue_stats(rig.queue)->tx_packets, 40);
		ck_assert_uint_eq(net_queue_stats(other.queue)->tx_packets, 40);
		rig_destroy_queue(&rig, rig.queue);
		rig_destroy_queue(&other, other.queue);
		rig_forget_packets(&rig);
		rig_forget_packets(&other);
		rig_forget_frames(&rig);
		rig_forget_frames(&other);
	}
	rig_close_beside(&other);
	rig_close(&rig);
}
END_TEST

void load_cases(TCase *tc, int from, int to)
{
	tcase_add_loop_test(tc, restarts_under_load, from, to);
	tcase_add_loop_test(tc, queues_work_side_by_side, from, to);
}
