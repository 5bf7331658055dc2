/* SPDX-License-Identifier: MIT */
/*
 * Bad addresses, bad lengths, buffers too small: a packet is lost and counted,
 * and the queue goes on.
 */
#include "conformance/cases.h"
#include "conformance/rig.h"

#include <stdlib.h>

static struct rig rig;

#define GOOD 0x600d

/* The queue still sends, completes and receives. */
static void check_it_lives(void)
{
	static uint32_t seq = GOOD;

	seq++;
	ck_assert(rig_wait(&rig, rig_all_complete));
	ck_assert_int_eq(rig.rx_err, 0);
	ck_assert_int_eq(rig.tx_err, 0);
	ck_assert_int_eq(rig.tx_poll_err, NET_TX_OK);
	if (rig_can_receive(&rig)) {
		rig_arrive(&rig, seq, 80);
		ck_assert(rig_wait_frame(&rig, seq, 80));
	}
	(void)rig_add_frame(&rig, seq + GOOD, 80, 0);
	ck_assert(rig_wait(&rig, rig_all_complete));
	ck_assert(rig_frames_whole(&rig.received));
}

static uint64_t tx_losses(void)
{
	const struct net_stats *stats = net_queue_stats(rig.queue);

	return stats->tx_dropped + stats->rx_dropped;
}

/* In the middle of good ones; each of its segments in turn. */
START_TEST(bad_transmit_address_loses_that_packet)
{
	if (!rig_open_queue(&rig, _i, NULL))
		return;
	rig.recycle = true;
	rig_give(&rig, 0, 64);
	for (uint32_t bad = 0; bad < 3; bad++) {
		size_t at;

		(void)rig_add_frame(&rig, 2 * bad, 90, 30);
		at = rig.seg_end;
		(void)rig_add_frame(&rig, 100, 90, 30);
		rig.segs[at + bad].gpa =
			bad == 1 ? UINT64_MAX - 10 : NET_BUFS_BAD_GPA;
		(void)rig_add_frame(&rig, 2 * bad + 1, 90, 30);
		ck_assert(rig_wait(&rig, rig_all_complete));
	}
	if (!rig.row->ignores_addresses)
		ck_assert_uint_eq(tx_losses(), 3);
	if (rig_can_see_sent(&rig)) {
		ck_assert(rig_wait_sent(&rig, 6));
		for (uint32_t i = 0; i < 6; i++)
			ck_assert(
				rig_frame_is(&rig_sent(&rig)->list[i], i, 90));
	}
	check_it_lives();
	rig_close(&rig);
}
END_TEST

START_TEST(wrong_transmit_lengths_lose_that_packet)
{
	static unsigned char frame[NET_FRAME_MAX + 1000];
	static const size_t lens[] = {1, 13, 14, NET_FRAME_MAX + 1,
				      NET_FRAME_MAX + 1000};
	/* Not for want of room. */
	struct rig_options options = {
		.n_bufs = 8,
		.buf_len = sizeof(frame),
	};
	uint32_t id;

	if (!rig_open_queue(&rig, _i, &options))
		return;
	rig.recycle = true;
	rig_give(&rig, 0, 8);
	rig_frame(frame, 1, sizeof(frame));
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++)
		(void)rig_add_packet(&rig, frame, lens[i], 0);
	id = rig_add_packet(&rig, frame, 100, 40);
	rig.metas[id].len = 99; /* its segments hold more ... */
	id = rig_add_packet(&rig, frame, 100, 40);
	rig.metas[id].len = 101; /* ... or less */
	id = rig_add_packet(&rig, frame, 100, 40);
	rig.metas[id].len = UINT32_MAX;
	ck_assert(rig_wait(&rig, rig_all_complete));
	if (!rig.row->ignores_addresses)
		ck_assert_uint_ge(tx_losses(), 5);
	for (size_t i = 0; i < rig.received.n; i++)
		free(rig.received.list[i].bytes);
	rig.received.n = 0; /* runts may have gone round */
	check_it_lives();
	rig_close(&rig);
}
END_TEST

static void some_steps(void)
{
	for (unsigned int i = 0; i < 20; i++)
		rig_step(&rig);
}

START_TEST(bad_receive_address_writes_nothing)
{
	if (!rig_open_queue(&rig, _i, NULL))
		return;
	rig.recycle = true;
	rig.bufs.faults.bad_id = 0;
	rig_give(&rig, 0, 8);
	if (rig_can_receive(&rig)) {
		rig_arrive(&rig, 1, 100);
		some_steps();
		ck_assert_uint_eq(rig.received.n, 0);
	}
	rig.bufs.faults.bad_id = -1;
	check_it_lives();
	rig_close(&rig);
}
END_TEST

/* 13-byte buffers under longer frames. */
START_TEST(tiny_buffers_get_no_part_of_a_frame)
{
	if (!rig_open_queue(&rig, _i, NULL))
		return;
	rig.recycle = true;
	rig.bufs.faults.capacity = 1;
	rig_give(&rig, 0, 8);
	if (rig_can_receive(&rig)) {
		rig_arrive(&rig, 1, 100);
		rig_arrive(&rig, 2, 1514);
		some_steps();
		ck_assert_uint_eq(rig.received.n, 0);
	}
	rig.bufs.faults.capacity = 0;
	check_it_lives();
	rig_close(&rig);
}
END_TEST

START_TEST(frame_longer_than_its_span_is_lost)
{
	struct rig_options options = {.buf_len = 100, .rx_span = 3};

	if (!rig_open_queue(&rig, _i, &options))
		return;
	rig_give(&rig, 0, 64);
	if (rig_can_receive(&rig)) {
		rig_arrive(&rig, 1, 1000);
		rig_arrive(&rig, 2, 300);
		ck_assert(rig_wait_frame(&rig, 2, 300));
		ck_assert_uint_eq(rig.received.n, 1);
		ck_assert_uint_eq(net_queue_stats(rig.queue)->rx_dropped, 1);
	}
	check_it_lives();
	rig_close(&rig);
}
END_TEST

/* The guest's memory fails at the k-th call of the pool. */
START_TEST(fault_at_any_call_loses_at_most_that_packet)
{
	if (!rig_open_queue(&rig, _i, NULL))
		return;
	rig.recycle = true;
	rig_give(&rig, 0, 8);
	for (uint32_t k = 1; k <= 4; k++) {
		rig.bufs.faults.efault_at = k;
		if (rig_can_receive(&rig)) {
			rig_arrive(&rig, k, 100);
			rig_arrive(&rig, 100 + k, 100);
			some_steps();
		}
		rig.bufs.faults.efault_at = 0;
		check_it_lives();
	}
	rig_close(&rig);
}
END_TEST

void hostile_cases(TCase *tc, int from, int to)
{
	tcase_add_loop_test(tc, bad_transmit_address_loses_that_packet, from,
			    to);
	tcase_add_loop_test(tc, wrong_transmit_lengths_lose_that_packet, from,
			    to);
	tcase_add_loop_test(tc, bad_receive_address_writes_nothing, from, to);
	tcase_add_loop_test(tc, tiny_buffers_get_no_part_of_a_frame, from, to);
	tcase_add_loop_test(tc, frame_longer_than_its_span_is_lost, from, to);
	tcase_add_loop_test(tc, fault_at_any_call_loses_at_most_that_packet,
			    from, to);
}
