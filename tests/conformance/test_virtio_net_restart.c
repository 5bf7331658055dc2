/* SPDX-License-Identifier: MIT */
/*
 * Restarts of the endpoint under a running virtio-net device: because it asks
 * for one or because it has failed, with packets in flight, and with the guest
 * stopping in the middle. The rings stay; nothing is lost that was not taken,
 * and nothing is completed twice.
 */
#include "base/bytes.h"
#include "conformance/script_nic.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

/* Receive buffers are given again in ring order, packets that the old queue had
 * taken are completed once, those that it had not are sent by the new one. */
START_TEST(restart_loses_nothing)
{
	uint16_t heads[20], head;
	uint32_t len;

	script->tx = SCRIPT_TX_HELD;
	nic_begin();
	for (int k = 0; k < 20; k++) {
		heads[k] = vnic.rx[0].free_head;
		vnic_post(&vnic, 1, 2000, 0);
	}
	vnic_run(&vnic);
	/* Three are used before, out of the order of their heads. */
	for (int k = 0; k < 3; k++)
		ck_assert_int_eq(script_queue_arrive(nic_queue(), out, 60), 0);
	vnic_run(&vnic);
	for (int k = 0; k < 3; k++) {
		ck_assert(ring_driver_collect(&vnic.rx[0], &head, &len));
		ck_assert_uint_eq(head, heads[k]);
		vnic_post(&vnic, 1, 2000, 0);
	}
	nic_queue()->tx_room = 4;
	for (uint32_t k = 0; k < 10; k++)
		nic_send(k);
	vnic_run(&vnic);
	ck_assert_uint_eq(nic_queue()->n_flying, 4);
	script_queue_complete(nic_queue(), 0);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic_reap(&vnic), 1);
	if (_i)
		guest_ram_move(&vnic.ram);
	script->tx = SCRIPT_TX_NOW;
	nic_raise(NET_ACTION_RESTART_REQUIRED, true);
	vnic_run(&vnic);
	ck_assert_uint_eq(script->n_get_queues, 2);
	ck_assert_uint_eq(script->n_stop, 1);
	/* Three in flight are lost, six go out. */
	ck_assert_uint_eq(vnic_reap(&vnic), 9);
	ck_assert_uint_eq(vnic_stats(&vnic)->tx_lost, 3);
	for (uint32_t k = 4; k < 10; k++)
		ck_assert_int_eq(nic_take(), k);
	ck_assert_int_eq(nic_take(), -1);
	ck_assert_uint_eq(nic_queue()->given, 20);
	for (int k = 0; k < 20; k++) {
		ck_assert_int_eq(script_queue_arrive(nic_queue(), out, 60), 0);
		vnic_run(&vnic);
		ck_assert(ring_driver_collect(&vnic.rx[0], &head, &len));
		ck_assert_uint_eq(head, heads[(k + 3) % 20]);
		ck_assert_uint_eq(len, 72);
	}
	nic_expect_alive();
}
END_TEST

/* A packet that was dropped behind the tail is not completed again. */
START_TEST(drops_in_the_tail_are_done_once)
{
	nic_begin();
	nic_queue()->tx_room = 1;
	for (uint32_t k = 0; k < 6; k++) {
		store_le32(out + 14, k);
		vnic_queue(&vnic, NULL, out, k % 2 ? 5 : 60, 0);
	}
	ring_driver_show(&vnic.tx[0]);
	vnic_run(&vnic);
	/* 0 was sent, 2 and 4 wait, 1, 3 and 5 are runts. */
	ck_assert_uint_eq(vnic_reap(&vnic), 4);
	nic_raise(NET_ACTION_RESTART_REQUIRED, true);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic_reap(&vnic), 2);
	ck_assert_int_eq(nic_take(), 2);
	ck_assert_int_eq(nic_take(), 4);
	ck_assert_int_eq(nic_take(), -1);
	ck_assert_uint_eq(vnic_stats(&vnic)->tx_lost, 0);
	ck_assert_uint_eq(vnic_stats(&vnic)->tx_packets, 3);
	nic_expect_alive();
}
END_TEST

/* Nor one between packets that are in flight. */
START_TEST(drops_among_those_in_flight_are_done_once)
{
	script->tx = SCRIPT_TX_HELD;
	nic_begin();
	for (uint32_t k = 0; k < 7; k++)
		vnic_queue(&vnic, NULL, out, k % 2 ? 5 : 60, 0);
	ring_driver_show(&vnic.tx[0]);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic_reap(&vnic), 3);
	nic_raise(NET_ACTION_RESTART_REQUIRED, true);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic_reap(&vnic), 4);
	ck_assert_uint_eq(vnic_stats(&vnic)->tx_lost, 4);
	nic_expect_alive();
}
END_TEST

/* The queue fails in each of its ops: a new one takes over. */
START_TEST(failures_are_restarts)
{
	nic_begin();
	vnic_post(&vnic, 4, 2000, 0);
	vnic_run(&vnic);
	if (_i == 0)
		nic_queue()->tx_err = -EIO;
	else if (_i == 1)
		nic_queue()->rx_err = -EIO;
	else
		nic_queue()->tx_poll_err = NET_TX_TRY_RESTART;
	nic_send(9);
	vnic_run(&vnic);
	ck_assert_uint_eq(script->n_get_queues, 2);
	ck_assert_uint_eq(vnic_reap(&vnic), 1);
	ck_assert_uint_eq(nic_queue()->given, 4);
	if (_i < 2) /* nothing was taken, so it goes out now */
		ck_assert_int_eq(nic_take(), 9);
	nic_expect_alive();
}
END_TEST

/* The guest makes @n packets available in the ring of one of two pairs. */
static void send_on(uint16_t pair, unsigned int n)
{
	const struct ring_piece piece = {vnic.tx_buf, 72, false};

	while (n--)
		ring_driver_add(&vnic.tx[pair], &piece, 1, false);
	(void)ring_driver_show(&vnic.tx[pair]);
}

static unsigned int reap_from(uint16_t pair)
{
	unsigned int n = 0;
	uint32_t len;
	uint16_t head;

	while (ring_driver_collect(&vnic.tx[pair], &head, &len))
		n++;
	return n;
}

static uint64_t lost_by(uint16_t pair)
{
	return net_stat_get(&virtio_net_stats(vnic.device, pair)->tx_lost);
}

static void begin_two_pairs(void)
{
	vnic_unplug(&vnic);
	script->tx = SCRIPT_TX_HELD;
	vnic_plug(&vnic, &script->base, 2, NIC_SIZE, false);
	nic_begin();
	ck_assert_uint_eq(script->base.live_queues, 2);
	script->n_get_queues = 1;
	script->queues[1]->tx_room = 2;
	send_on(0, 3);
	send_on(1, 5);
	vnic_run(&vnic);
	ck_assert_uint_eq(script->queues[0]->n_flying, 3);
	ck_assert_uint_eq(script->queues[1]->n_flying, 2);
}

/* One pair's queue wants a restart: both get new ones, what was in flight in
 * either is complete once, what was not taken goes out. */
START_TEST(restart_of_one_pair_is_of_both)
{
	begin_two_pairs();
	script->tx = SCRIPT_TX_NOW;
	script->queues[_i]->tx_poll_err = NET_TX_TRY_RESTART;
	eventfd_signal(vnic.tx[_i].kick_fd);
	vnic_run(&vnic);
	ck_assert_uint_eq(script->n_get_queues, 2);
	ck_assert_uint_eq(script->base.live_queues, 2);
	ck_assert_uint_eq(reap_from(0), 3);
	ck_assert_uint_eq(reap_from(1), 5);
	ck_assert_uint_eq(lost_by(0), 3);
	ck_assert_uint_eq(lost_by(1), 2);
	send_on(0, 1);
	send_on(1, 1);
	vnic_run(&vnic);
	ck_assert_uint_eq(reap_from(0), 1);
	ck_assert_uint_eq(reap_from(1), 1);
	ck_assert_uint_eq(vnic.needs_reset, 0);
}
END_TEST

/* Both at once: one restart. */
START_TEST(two_pairs_restart_once)
{
	begin_two_pairs();
	script->tx = SCRIPT_TX_NOW;
	for (int pair = 0; pair < 2; pair++) {
		script->queues[pair]->tx_poll_err = NET_TX_TRY_RESTART;
		eventfd_signal(vnic.tx[pair].kick_fd);
	}
	vnic_run(&vnic);
	ck_assert_uint_eq(script->n_get_queues, 2);
	ck_assert_uint_eq(reap_from(0), 3);
	ck_assert_uint_eq(reap_from(1), 5);
}
END_TEST

/* One pair's queue is lost for good: the device stands still until the guest
 * resets it, and nothing is completed behind its back. */
START_TEST(fatal_failure_of_one_pair)
{
	begin_two_pairs();
	script->queues[_i]->tx_poll_err = NET_TX_FATAL;
	eventfd_signal(vnic.tx[_i].kick_fd);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic.needs_reset, 1);
	ck_assert_uint_eq(script->base.live_queues, 0);
	ck_assert_uint_eq(script->n_get_queues, 1);
	ck_assert_uint_eq(vnic.events[0].queue, (uint16_t)_i);
	ck_assert_uint_eq(reap_from(0) + reap_from(1), 0);
	vnic_stop(&vnic);
	vnic.needs_reset = 0;
	nic_begin();
	nic_expect_alive();
}
END_TEST

START_TEST(fatal_failure_asks_for_a_reset)
{
	nic_begin();
	nic_queue()->tx_poll_err = NET_TX_FATAL;
	nic_send(1);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic.needs_reset, 1);
	ck_assert_uint_eq(script->n_get_queues, 1);
	ck_assert_uint_eq(script->n_stop, 1);
	vnic_stop(&vnic);
	ck_assert_uint_eq(script->n_stop, 1);
	vnic.needs_reset = 0;
	nic_begin();
	nic_expect_alive();
}
END_TEST

/* An endpoint that fails again and again is not restarted for ever. */
START_TEST(restarts_end)
{
	nic_begin();
	for (int k = 0; k < 100 && script->queues[0]; k++) {
		nic_queue()->tx_poll_err = NET_TX_TRY_RESTART;
		nic_send(1);
		vnic_run(&vnic);
		vnic_reap(&vnic);
	}
	ck_assert_uint_eq(vnic.needs_reset, 1);
	ck_assert_uint_lt(script->n_get_queues, 30);
}
END_TEST

START_TEST(restart_that_fails_asks_for_a_reset)
{
	nic_begin();
	script->get_queues_err = -ENODEV;
	nic_raise(NET_ACTION_RESTART_REQUIRED, true);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic.needs_reset, 1);
	vnic_stop(&vnic);
	vnic.needs_reset = 0;
	script->get_queues_err = 0;
	nic_begin();
	nic_expect_alive();
}
END_TEST

/* The guest stops while a restart waits for the endpoint: at its stop (0), at
 * its queues, which come (1) or not (2), or when they have failed (3). */
START_TEST(stop_during_restart)
{
	nic_begin();
	script->hold = true;
	nic_raise(NET_ACTION_RESTART_REQUIRED, true);
	vnic_run(&vnic);
	ck_assert_uint_eq(script->n_stop, 1);
	if (_i > 0) {
		script_endpoint_answer(script, 0);
		script->hold = _i != 3;
		script->get_queues_err = _i == 1 ? 0 : -EIO;
		vnic_run(&vnic);
		ck_assert_uint_eq(script->n_get_queues, 2);
	}
	vnic_begin_stop(&vnic);
	vnic_run(&vnic);
	if (_i < 3) {
		ck_assert(!vnic.done);
		script->hold = false;
		script_endpoint_answer(script, _i == 2 ? -EIO : 0);
		vnic_run(&vnic);
	}
	ck_assert(vnic.done);
	ck_assert_int_eq(vnic.err, 0);
	ck_assert_uint_eq(vnic.needs_reset, _i == 3 ? 1 : 0);
	ck_assert_uint_eq(script->base.live_queues, 0);
	ck_assert_uint_eq(script->n_get_queues, _i == 0 ? 1 : 2);
	script->get_queues_err = 0;
	vnic.needs_reset = 0;
	nic_begin();
	nic_expect_alive();
}
END_TEST

/* Restarts asked for during a restart are one more. */
START_TEST(restart_during_restart)
{
	nic_begin();
	script->hold = true;
	nic_raise(NET_ACTION_RESTART_REQUIRED, true);
	vnic_run(&vnic);
	nic_raise(NET_ACTION_RESTART_REQUIRED, true);
	script_endpoint_answer(script, 0); /* stop */
	vnic_run(&vnic);
	nic_raise(NET_ACTION_RESTART_REQUIRED, true);
	nic_raise(NET_ACTION_RESTART_REQUIRED, true);
	vnic_run(&vnic);
	script->hold = false;
	script_endpoint_answer(script, 0); /* queues */
	vnic_run(&vnic);
	ck_assert_uint_eq(script->n_get_queues, 3);
	nic_expect_alive();
}
END_TEST

/* Answers what the endpoint holds back. True: the device has answered too. */
static bool answered(void *arg)
{
	UNUSED(arg);
	if (script->answer_waits)
		script_endpoint_answer(script, 0);
	return vnic.done;
}

/* The same with an endpoint that answers late and fails now and then: the guest
 * starts and stops in the middle of everything. */
START_TEST(any_order_with_a_slow_endpoint)
{
	unsigned int seed = (unsigned int)_i + 100;

	for (int step = 0; step < 3000; step++) {
		script->hold = rand_r(&seed) % 2;
		switch (rand_r(&seed) % 8) {
		case 0:
		case 1:
			nic_raise(NET_ACTION_RESTART_REQUIRED, true);
			break;
		case 2:
			if (script->queues[0])
				script->queues[0]->tx_poll_err =
					NET_TX_TRY_RESTART;
			break;
		case 3:
			if (!vnic.running)
				break;
			vnic_begin_stop(&vnic);
			ck_assert(vnic_run_until(&vnic, answered, NULL));
			ck_assert_int_eq(vnic.err, 0);
			ck_assert_uint_eq(script->base.live_queues, 0);
			break;
		case 4:
		case 5:
			if (script->answer_waits)
				script_endpoint_answer(script, 0);
			break;
		default:
			if (vnic.running && vnic.tx[0].n_free >= 2)
				nic_send(1);
			break;
		}
		if (!vnic.running) {
			vnic_begin_start(&vnic, NIC_RINGS);
			ck_assert(vnic_run_until(&vnic, answered, NULL));
			ck_assert_int_eq(vnic.err, 0);
		}
		for (unsigned int k = rand_r(&seed) % 4; k; k--)
			loop_run_once(&vnic.loop);
		(void)vnic_reap(&vnic);
	}
	script->hold = false;
	vnic_begin_stop(&vnic);
	ck_assert(vnic_run_until(&vnic, answered, NULL));
	vnic.needs_reset = 0;
	nic_begin();
	nic_expect_alive();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("virtio-net, restarts");
	TCase *tc = tcase_create("restarts");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, nic_setup, nic_teardown);
	tcase_add_loop_test(tc, restart_loses_nothing, 0, 2);
	tcase_add_test(tc, drops_in_the_tail_are_done_once);
	tcase_add_test(tc, drops_among_those_in_flight_are_done_once);
	tcase_add_loop_test(tc, failures_are_restarts, 0, 3);
	tcase_add_loop_test(tc, restart_of_one_pair_is_of_both, 0, 2);
	tcase_add_test(tc, two_pairs_restart_once);
	tcase_add_loop_test(tc, fatal_failure_of_one_pair, 0, 2);
	tcase_add_test(tc, fatal_failure_asks_for_a_reset);
	tcase_add_test(tc, restarts_end);
	tcase_add_test(tc, restart_that_fails_asks_for_a_reset);
	tcase_add_loop_test(tc, stop_during_restart, 0, 4);
	tcase_add_test(tc, restart_during_restart);
	tcase_add_loop_test(tc, any_order_with_a_slow_endpoint, 0, 4);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return test_run(suite());
}
