/* SPDX-License-Identifier: MIT */
/*
 * Transmitting: taking, completing, pushing back, and what it may cost.
 */
#include "conformance/cases.h"
#include "conformance/rig.h"

#include <stdlib.h>

static struct rig rig;

static const size_t lens[] = {60, 18, 61, 200, 777, 1500, 1514};
static const size_t pieces[] = {0, 7, 1, 60, 100, 1000};

static size_t len_of(uint32_t i)
{
	return lens[i % ARRAY_SIZE(lens)];
}

static void add_many(uint32_t first, uint32_t n)
{
	for (uint32_t i = first; i < first + n; i++) {
		size_t piece = pieces[i % ARRAY_SIZE(pieces)];

		/* No more segments than a packet may have. */
		if (piece == 1 && len_of(i) > 1000)
			piece = 2;
		(void)rig_add_frame(&rig, i, len_of(i), piece);
	}
}

START_TEST(sent_in_order_and_whole)
{
	if (!rig_open_queue(&rig, _i, NULL))
		return;
	rig.recycle = true;
	rig_give(&rig, 0, 64);
	if (rig_can_see_sent(&rig)) {
		add_many(0, 20);
		ck_assert(rig_wait_sent(&rig, 20));
		for (uint32_t i = 0; i < 20; i++)
			ck_assert(rig_frame_is(&rig_sent(&rig)->list[i], i,
					       len_of(i)));
		ck_assert(rig_wait(&rig, rig_all_complete));
		ck_assert_uint_eq(net_queue_stats(rig.queue)->tx_packets, 20);
	}
	rig_close(&rig);
}
END_TEST

/* rig_close() checks that no completion was wrong: of a packet that tx_avail
 * has completed, or a second one. */
START_TEST(completed_exactly_once)
{
	if (!rig_open_queue(&rig, _i, NULL))
		return;
	rig.recycle = true;
	rig_give(&rig, 0, 64);
	for (uint32_t round = 0; round < 3; round++) {
		add_many(round * 10, 10);
		rig_offer(&rig);
		ck_assert(rig_wait(&rig, rig_all_complete));
		for (unsigned int i = 0; i < 5; i++)
			rig_step(&rig);
		ck_assert_uint_eq(rig.now + rig.later, (round + 1) * 10);
	}
	rig_close(&rig);
}
END_TEST

/* Leaves room for @room packets: by buffers in a loop. */
static void leave_room(size_t room)
{
	static uint32_t next;

	if (rig.row->squeeze) {
		rig_squeeze(&rig, room);
		return;
	}
	if (room > 8)
		room = 8;
	rig_give(&rig, next, room);
	next += (uint32_t)room;
}

START_TEST(pushes_back_on_packet_boundaries)
{
	if (!rig_open_queue(&rig, _i, NULL))
		return;
	if (!rig.row->squeeze && !rig.row->loops_back) {
		rig_close(&rig);
		return;
	}
	leave_room(2);
	for (uint32_t i = 0; i < 5; i++)
		(void)rig_add_frame(&rig, i, 100, 30); /* 4 segments or 5 */
	rig_offer(&rig);
	ck_assert_uint_eq(rig.seg_first, 2 * rig.metas[0].n_segs);
	ck_assert_int_ne(rig.tx_state[1], RIG_TX_WAITS);
	ck_assert_int_eq(rig.tx_state[2], RIG_TX_WAITS);
	rig_poll(&rig);
	rig_offer(&rig); /* nothing has changed */
	ck_assert_uint_eq(rig.seg_first, 2 * rig.metas[0].n_segs);
	rig_poll(&rig);
	ck_assert(!rig.polled_ready); /* a tail is no reason to poll */
	leave_room(1);
	rig_poll(&rig);
	ck_assert(rig.polled_ready); /* there is room again */
	rig_offer(&rig);
	ck_assert_uint_eq(rig.seg_first, 3 * rig.metas[0].n_segs);
	leave_room(SIZE_MAX);
	ck_assert(rig_wait(&rig, rig_all_complete));
	ck_assert(rig_wait_sent(&rig, 5));
	for (uint32_t i = 0; i < 5; i++)
		ck_assert(rig_frame_is(&rig_sent(&rig)->list[i], i, 100));
	ck_assert_uint_eq(rig.now + rig.later, 5);
	rig_close(&rig);
}
END_TEST

/* No copy out of guest memory; the scripted endpoint does copy, and shows that
 * the count counts. */
START_TEST(nothing_is_copied_between_frontend_and_backend)
{
	if (!rig_open_queue(&rig, _i, NULL))
		return;
	rig_give(&rig, 0, 64);
	add_many(0, 20);
	ck_assert(rig_wait(&rig, rig_all_complete));
	if (rig.row->reads_sent)
		ck_assert_uint_ge(rig.op_reads, 20);
	else
		ck_assert_uint_eq(rig.op_reads, 0);
	rig_close(&rig);
}
END_TEST

START_TEST(nothing_is_allocated_for_a_packet)
{
	unsigned long before;

	if (!rig_open_queue(&rig, _i, NULL))
		return;
	rig.recycle = true;
	rig_give(&rig, 0, 64);
	for (uint32_t round = 0; round < 2; round++) {
		before = rig.op_allocations;
		add_many(round * 20, 20);
		if (rig.row->arrive) {
			rig_arrive(&rig, 1000 + round, 100);
			ck_assert(rig_wait_frame(&rig, 1000 + round, 100));
		}
		ck_assert(rig_wait(&rig, rig_all_complete));
	}
	/* The second round: the first may have made room for good. */
	if (rig.row->allocates)
		ck_assert_uint_ge(rig.op_allocations - before, 20);
	else
		ck_assert_uint_eq(rig.op_allocations - before, 0);
	rig_close(&rig);
}
END_TEST

#ifndef NDEBUG
START_TEST(pool_is_not_used_after_the_call)
{
	if (!rig_open_queue(&rig, _i, NULL))
		return;
	rig_give(&rig, 0, 64);
	add_many(0, 20);
	if (rig_can_receive(&rig)) {
		rig_arrive(&rig, 1000, 100);
		ck_assert(rig_wait_frame(&rig, 1000, 100));
	}
	ck_assert(rig_wait(&rig, rig_all_complete));
	rig_run_loops(&rig, 10);
	rig_close(&rig);
	ck_assert_uint_eq(net_pool_expired_uses(), 0);
}
END_TEST
#endif

void transmit_cases(TCase *tc, int from, int to)
{
	tcase_add_loop_test(tc, sent_in_order_and_whole, from, to);
	tcase_add_loop_test(tc, completed_exactly_once, from, to);
	tcase_add_loop_test(tc, pushes_back_on_packet_boundaries, from, to);
	tcase_add_loop_test(tc, nothing_is_copied_between_frontend_and_backend,
			    from, to);
	tcase_add_loop_test(tc, nothing_is_allocated_for_a_packet, from, to);
#ifndef NDEBUG
	tcase_add_loop_test(tc, pool_is_not_used_after_the_call, from, to);
#endif
}
