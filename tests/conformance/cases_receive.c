/* SPDX-License-Identifier: MIT */
/*
 * Receiving: buffers, their order, frames over several of them.
 */
#include "conformance/cases.h"
#include "conformance/rig.h"

#include <stdlib.h>

static struct rig rig;

START_TEST(buffers_may_come_before_the_first_poll)
{
	if (!rig_open_queue(&rig, _i, NULL))
		return;
	rig_give(&rig, 0, 8);
	if (rig_can_receive(&rig)) {
		rig_arrive(&rig, 1, 60);
		ck_assert(rig_wait_received(&rig, 1));
		ck_assert(rig_frame_is(&rig.received.list[0], 1, 60));
	}
	rig_close(&rig);
}
END_TEST

static void receive_many(int index, const struct rig_options *options)
{
	static const size_t lens[] = {60,  18,	61,   64,   199, 200,
				      201, 512, 1000, 1513, 1514};
	size_t n = 44;

	if (!rig_open_queue(&rig, index, options))
		return;
	rig.recycle = true;
	rig_give(&rig, 0, rig.options.n_bufs);
	if (!rig_can_receive(&rig)) {
		rig_close(&rig);
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		rig_arrive(&rig, i, lens[i % ARRAY_SIZE(lens)]);
	ck_assert(rig_wait_received(&rig, n));
	for (uint32_t i = 0; i < n; i++)
		ck_assert(rig_frame_is(&rig.received.list[i], i,
				       lens[i % ARRAY_SIZE(lens)]));
	ck_assert_uint_eq(rig.received.n, n);
	ck_assert_uint_eq(net_queue_stats(rig.queue)->rx_packets, n);
	rig_close(&rig);
}

/* With fewer buffers than frames: a buffer comes back only after it was
 * returned, and the bytes and the order are right. */
START_TEST(received_in_order_into_returned_buffers)
{
	struct rig_options options = {.n_bufs = 7};

	receive_many(_i, &options);
}
END_TEST

START_TEST(received_over_several_buffers)
{
	struct rig_options options = {
		.n_bufs = 512,
		.buf_len = 200,
		.rx_span = 16,
	};

	receive_many(_i, &options);
}
END_TEST

START_TEST(received_into_buffers_of_pieces)
{
	struct rig_options options = {.piece = 100};

	receive_many(_i, &options);
}
END_TEST

START_TEST(frames_wait_for_buffers)
{
	if (!rig_open_queue(&rig, _i, NULL))
		return;
	if (!rig_can_receive(&rig)) {
		rig_close(&rig);
		return;
	}
	for (uint32_t i = 0; i < 3; i++)
		rig_arrive(&rig, i, 100);
	for (unsigned int i = 0; i < 10; i++)
		rig_step(&rig);
	ck_assert_uint_eq(rig.received.n, 0);
	rig_give(&rig, 0, 1);
	ck_assert(rig_wait_received(&rig, 1));
	rig_give(&rig, 1, 2);
	ck_assert(rig_wait_received(&rig, 3));
	for (uint32_t i = 0; i < 3; i++)
		ck_assert(rig_frame_is(&rig.received.list[i], i, 100));
	rig_close(&rig);
}
END_TEST

/* Armed by poll_ready, told once, from the loop, and not when nothing is
 * there. */
START_TEST(ready_is_told_once)
{
	if (!rig_open_queue(&rig, _i, NULL))
		return;
	if (!rig.row->arrive) {
		rig_close(&rig);
		return;
	}
	rig_give(&rig, 0, 8);
	ck_assert(rig_wait_quiet(&rig));
	atomic_store(&rig.ready, 0);
	rig_run_loops(&rig, 10);
	ck_assert_uint_eq(atomic_load(&rig.ready), 0);
	rig_arrive(&rig, 1, 60);
	ck_assert(rig_wait_ready(&rig));
	rig_arrive(&rig, 2, 60);
	rig_run_loops(&rig, 10);
	ck_assert_uint_eq(atomic_load(&rig.ready), 1);
	ck_assert(rig_wait_frame(&rig, 2, 60));
	rig_close(&rig);
}
END_TEST

void receive_cases(TCase *tc, int from, int to)
{
	tcase_add_loop_test(tc, buffers_may_come_before_the_first_poll, from,
			    to);
	tcase_add_loop_test(tc, received_in_order_into_returned_buffers, from,
			    to);
	tcase_add_loop_test(tc, received_over_several_buffers, from, to);
	tcase_add_loop_test(tc, received_into_buffers_of_pieces, from, to);
	tcase_add_loop_test(tc, frames_wait_for_buffers, from, to);
	tcase_add_loop_test(tc, ready_is_told_once, from, to);
}
