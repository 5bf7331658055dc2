/* SPDX-License-Identifier: MIT */
/*
 * What whoever runs the machine does to a virtio-net device: pause and resume,
 * links, events and inspection, while the guest and the endpoint do what they
 * do.
 */
#include "base/bytes.h"
#include "conformance/script_nic.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static unsigned int n_paused, n_resumed, n_looked;

static void paused(void *arg)
{
	UNUSED(arg);
	n_paused++;
}

static void resumed(void *arg)
{
	UNUSED(arg);
	n_resumed++;
}

static void looked(void *arg)
{
	UNUSED(arg);
	n_looked++;
}

static void setup(void)
{
	n_paused = 0;
	n_resumed = 0;
	n_looked = 0;
	nic_setup();
}

static bool has_paused(void *arg)
{
	UNUSED(arg);
	return n_paused != 0;
}

static bool has_resumed(void *arg)
{
	UNUSED(arg);
	return n_resumed != 0;
}

static bool has_looked(void *arg)
{
	UNUSED(arg);
	return n_looked != 0;
}

static void begin_pause(void)
{
	n_paused = 0;
	ck_assert_int_eq(virtio_net_pause(vnic.device, paused, NULL), 0);
	ck_assert_uint_eq(n_paused, 0);
}

static void begin_resume(void)
{
	n_resumed = 0;
	ck_assert_int_eq(virtio_net_resume(vnic.device, resumed, NULL), 0);
	ck_assert_uint_eq(n_resumed, 0);
}

static void do_pause(void)
{
	begin_pause();
	ck_assert(vnic_run_until(&vnic, has_paused, NULL));
	ck_assert_uint_eq(script->base.live_queues, 0);
}

static void do_resume(void)
{
	begin_resume();
	ck_assert(vnic_run_until(&vnic, has_resumed, NULL));
}

/* Buffers stay with the device, packets in flight are completed once, those
 * that were not taken and those sent meanwhile go out after the resume. */
START_TEST(pause_keeps_the_rings)
{
	script->tx = SCRIPT_TX_HELD;
	nic_begin();
	vnic_post(&vnic, 20, 2000, 0);
	vnic_run(&vnic);
	nic_queue()->tx_room = 3;
	for (uint32_t k = 0; k < 5; k++)
		nic_send(k);
	vnic_run(&vnic);
	ck_assert_uint_eq(nic_queue()->n_flying, 3);
	do_pause();
	ck_assert_uint_eq(script->n_stop, 1);
	ck_assert_uint_eq(vnic_reap(&vnic), 0);
	nic_send(5);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic_reap(&vnic), 0);
	script->tx = SCRIPT_TX_NOW;
	do_resume();
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic_reap(&vnic), 6);
	ck_assert_uint_eq(vnic_stats(&vnic)->tx_lost, 3);
	for (uint32_t k = 3; k < 6; k++)
		ck_assert_int_eq(nic_take(), k);
	ck_assert_uint_eq(nic_queue()->given, 20);
	nic_expect_alive();
}
END_TEST

START_TEST(pausing_twice_is_no_error)
{
	do_resume();
	nic_begin();
	do_resume();
	ck_assert_uint_eq(script->n_get_queues, 1);
	do_pause();
	do_pause();
	ck_assert_uint_eq(script->n_stop, 1);
	do_resume();
	nic_expect_alive();
}
END_TEST

START_TEST(one_request_at_a_time)
{
	nic_begin();
	begin_pause();
	ck_assert_int_eq(virtio_net_pause(vnic.device, paused, NULL), -EBUSY);
	ck_assert_int_eq(virtio_net_resume(vnic.device, resumed, NULL), -EBUSY);
	vnic_run(&vnic);
	ck_assert_uint_eq(n_paused, 1);
	ck_assert_uint_eq(n_resumed, 0);
	do_resume();
	nic_expect_alive();
}
END_TEST

/* A guest that starts while the device is paused is answered, and served after
 * the resume; it may stop again as well. */
START_TEST(guest_starts_while_paused)
{
	do_pause();
	nic_begin();
	ck_assert_uint_eq(script->n_get_queues, 0);
	nic_send(1);
	vnic_run(&vnic);
	vnic_stop(&vnic);
	nic_begin();
	nic_send(2);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic_reap(&vnic), 0);
	do_resume();
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic_reap(&vnic), 1);
	ck_assert_int_eq(nic_take(), 2);
	ck_assert_uint_eq(script->n_get_queues, 1);
	nic_expect_alive();
}
END_TEST

/* A pause comes while the endpoint has not answered: the start (0), the restart
 * (1: its stop, 2: its queues) or the guest's stop (3). The resume comes while
 * its queues have not (4). */
START_TEST(pause_waits_for_the_endpoint)
{
	if (_i == 0) {
		script->hold = true;
		vnic_begin_start(&vnic, NIC_RINGS);
	} else {
		nic_begin();
		script->hold = true;
	}
	if (_i == 1 || _i == 2)
		nic_raise(NET_ACTION_RESTART_REQUIRED, true);
	if (_i == 3)
		vnic_begin_stop(&vnic);
	vnic_run(&vnic);
	if (_i == 2) {
		script_endpoint_answer(script, 0);
		vnic_run(&vnic);
		ck_assert_uint_eq(script->n_get_queues, 2);
	}
	begin_pause();
	vnic_run(&vnic);
	ck_assert_uint_eq(n_paused, 0);
	while (script->answer_waits) {
		script_endpoint_answer(script, 0);
		vnic_run(&vnic);
	}
	ck_assert_uint_eq(n_paused, 1);
	ck_assert_uint_eq(script->base.live_queues, 0);
	ck_assert(vnic.done);
	ck_assert_int_eq(vnic.err, 0);
	begin_resume();
	vnic_run(&vnic);
	ck_assert_uint_eq(n_resumed, _i == 3);
	if (_i != 3)
		script_endpoint_answer(script, 0);
	script->hold = false;
	vnic_run(&vnic);
	ck_assert_uint_eq(n_resumed, 1);
	if (_i == 3)
		nic_begin();
	nic_expect_alive();
}
END_TEST

/* A start that fails while it is to be paused: both are answered. */
START_TEST(start_fails_under_a_pause)
{
	script->hold = true;
	script->get_queues_err = -EIO;
	vnic_begin_start(&vnic, NIC_RINGS);
	vnic_run(&vnic);
	begin_pause();
	script->hold = false;
	script->get_queues_err = 0;
	script_endpoint_answer(script, -EIO);
	vnic_run(&vnic);
	ck_assert(vnic.done);
	ck_assert_int_eq(vnic.err, -EIO);
	ck_assert_uint_eq(n_paused, 1);
	vnic.running = false;
	do_resume();
	nic_begin();
	nic_expect_alive();
}
END_TEST

/* The guest is told if there are no queues to go on with. */
START_TEST(resume_that_fails_asks_for_a_reset)
{
	nic_begin();
	do_pause();
	script->get_queues_err = -ENODEV;
	do_resume();
	ck_assert_uint_eq(vnic.needs_reset, 1);
	ck_assert_uint_eq(vnic.n_events, 1);
	ck_assert_int_eq(vnic.events[0].type, NET_EVENT_QUEUE_BROKEN);
	script->get_queues_err = 0;
	vnic_stop(&vnic);
	vnic.needs_reset = 0;
	nic_begin();
	nic_expect_alive();
}
END_TEST

/* What the endpoint wants while the device is paused waits. */
START_TEST(restart_while_paused)
{
	nic_begin();
	do_pause();
	nic_raise(NET_ACTION_RESTART_REQUIRED, true);
	vnic_run(&vnic);
	ck_assert_uint_eq(script->n_get_queues, 1);
	do_resume();
	vnic_run(&vnic);
	ck_assert_uint_eq(script->n_get_queues, 2);
	nic_expect_alive();
}
END_TEST

static bool completed(void *arg)
{
	return ring_driver_device_idx(&vnic.tx[0]) == *(uint16_t *)arg;
}

static bool all_answered(void *arg)
{
	UNUSED(arg);
	if (script->answer_waits)
		script_endpoint_answer(script, 0);
	return vnic.done;
}

/* Pauses and resumes among everything else, on one thread and on two; every
 * request is answered, every packet completed once. */
START_TEST(any_order_with_pauses)
{
	unsigned int seed = (unsigned int)_i + 7;
	uint16_t sent = 0;
	unsigned int asked = 0, kind = 0;

	vnic_unplug(&vnic);
	vnic_plug(&vnic, &script->base, 1, NIC_SIZE, _i % 2);
	vnic_begin_start(&vnic, NIC_RINGS);
	for (int step = 0; step < 3000; step++) {
		script->hold = rand_r(&seed) % 4 == 0;
		switch (rand_r(&seed) % 10) {
		case 0:
			nic_raise(NET_ACTION_RESTART_REQUIRED, true);
			break;
		case 1:
		case 2:
			if (asked > n_paused + n_resumed)
				break;
			asked++;
			kind = !kind;
			ck_assert_int_eq(kind ? virtio_net_pause(vnic.device,
								 paused, NULL)
					      : virtio_net_resume(vnic.device,
								  resumed,
								  NULL),
					 0);
			break;
		case 3:
			if (!vnic.running || !vnic.done)
				break;
			vnic_begin_stop(&vnic);
			ck_assert(vnic_run_until(&vnic, all_answered, NULL));
			ck_assert_uint_eq(script->base.live_queues, 0);
			break;
		case 4:
			if (script->answer_waits)
				script_endpoint_answer(script, 0);
			break;
		default:
			if (vnic.done && vnic.running &&
			    vnic.tx[0].n_free >= 2) {
				nic_send(1);
				sent++;
			}
			break;
		}
		if (!vnic.running) {
			vnic_begin_start(&vnic, NIC_RINGS);
			sent = 0;
		}
		for (unsigned int k = rand_r(&seed) % 6; k; k--)
			loop_run_once(&vnic.loop);
		(void)vnic_reap(&vnic);
	}
	script->hold = false;
	ck_assert(vnic_run_until(&vnic, all_answered, NULL));
	while (asked > n_paused + n_resumed) {
		(void)all_answered(NULL);
		loop_run_once(&vnic.loop);
	}
	if (kind)
		do_resume();
	ck_assert(vnic_run_until(&vnic, completed, &sent));
	ck_assert_uint_eq(vnic.needs_reset, 0);
}
END_TEST

/* A device goes while its answers are under way: nobody is called, nothing is
 * left. */
START_TEST(destroyed_before_the_answers)
{
	struct inspect tree;

	vnic_unplug(&vnic);
	vnic_plug(&vnic, &script->base, 2, NIC_SIZE, _i);
	inspect_init(&tree);
	begin_pause();
	ck_assert_int_eq(virtio_net_inspect(vnic.device, &tree, looked, NULL),
			 0);
	vnic_unplug(&vnic);
	vnic_run(&vnic);
	ck_assert_uint_eq(n_paused, 0);
	ck_assert_uint_eq(n_looked, 0);
	inspect_fini(&tree);
	vnic_plug(&vnic, &script->base, 1, NIC_SIZE, false);
	nic_begin();
	nic_expect_alive();
}
END_TEST

static void expect_events(const enum net_event_type *types, size_t n)
{
	ck_assert_uint_eq(vnic.n_events, n);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(vnic.events[i].type, types[i]);
	vnic.n_events = 0;
}

static bool guest_sees_link(void)
{
	uint8_t status[2];

	vnic.device->ops->read_config(vnic.device, 6, status, 2);
	ck_assert_int_eq(virtio_net_link_up(vnic.device),
			 load_le16(status) & 1);
	return virtio_net_link_up(vnic.device);
}

START_TEST(link_is_up_if_both_want_it)
{
	static const enum net_event_type down_up[] = {NET_EVENT_LINK_DOWN,
						      NET_EVENT_LINK_UP};

	nic_begin();
	ck_assert(guest_sees_link());
	virtio_net_set_link(vnic.device, true);
	ck_assert_uint_eq(vnic.config_changes, 0);
	virtio_net_set_link(vnic.device, false);
	ck_assert(!guest_sees_link());
	ck_assert_uint_eq(vnic.config_changes, 1);
	nic_raise(NET_ACTION_LINK_STATUS, false);
	vnic_run(&vnic);
	virtio_net_set_link(vnic.device, true);
	ck_assert(!guest_sees_link());
	ck_assert_uint_eq(vnic.config_changes, 1);
	nic_raise(NET_ACTION_LINK_STATUS, true);
	vnic_run(&vnic);
	ck_assert(guest_sees_link());
	ck_assert_uint_eq(vnic.config_changes, 2);
	expect_events(down_up, 2);
}
END_TEST

START_TEST(lost_backend_is_told)
{
	static const enum net_event_type lost[] = {NET_EVENT_LINK_DOWN,
						   NET_EVENT_BACKEND_LOST};
	static const enum net_event_type back[] = {NET_EVENT_LINK_UP,
						   NET_EVENT_BACKEND_BACK};
	struct net_action act = net_action_link(false);

	nic_begin();
	for (int k = 0; k < 2; k++) {
		act.lost = true;
		net_endpoint_raise(&script->base, act);
		vnic_run(&vnic);
		expect_events(lost, 2);
		/* Once more, and without a cause: nothing new. */
		net_endpoint_raise(&script->base, act);
		vnic_run(&vnic);
		act.lost = false;
		net_endpoint_raise(&script->base, act);
		vnic_run(&vnic);
		expect_events(NULL, 0);
		nic_raise(NET_ACTION_LINK_STATUS, true);
		vnic_run(&vnic);
		expect_events(back, 2);
	}
}
END_TEST

static void break_tx(uint16_t pair)
{
	ring_driver_set_idx(&vnic.tx[pair], 5000);
	eventfd_signal(vnic.tx[pair].kick_fd);
}

START_TEST(broken_queue_is_told)
{
	vnic_unplug(&vnic);
	vnic_plug(&vnic, &script->base, 2, NIC_SIZE, false);
	nic_begin();
	break_tx(1);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic.n_events, 1);
	ck_assert_int_eq(vnic.events[0].type, NET_EVENT_QUEUE_BROKEN);
	ck_assert_uint_eq(vnic.events[0].queue, 1);
	ck_assert_str_eq(vnic.causes[0], "transmit queue: avail index jumps by "
					 "more than the size");
	vnic_stop(&vnic);
	vnic.n_events = 0;
	nic_begin();
	script->queues[0]->tx_poll_err = NET_TX_FATAL;
	eventfd_signal(vnic.tx[0].kick_fd);
	vnic_run(&vnic);
	ck_assert_uint_eq(vnic.n_events, 1);
	ck_assert_uint_eq(vnic.events[0].queue, 0);
	ck_assert_str_eq(vnic.causes[0],
			 "backend: the endpoint has failed for good");
}
END_TEST

/* Looks at the device; the text is the caller's to free. */
static char *look(void)
{
	struct inspect tree;
	const char *text;
	char *copy;

	inspect_init(&tree);
	n_looked = 0;
	ck_assert_int_eq(virtio_net_inspect(vnic.device, &tree, looked, NULL),
			 0);
	ck_assert_int_eq(virtio_net_inspect(vnic.device, &tree, looked, NULL),
			 -EBUSY);
	ck_assert_uint_eq(n_looked, 0);
	ck_assert(vnic_run_until(&vnic, has_looked, NULL));
	text = inspect_text(&tree);
	ck_assert_ptr_nonnull(text);
	copy = strdup(text);
	inspect_fini(&tree);
	return copy;
}

static void expect_in(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part), "%s is not in %s", part, text);
}

START_TEST(inspection_shows_every_pair)
{
	char *text;

	vnic_unplug(&vnic);
	vnic_plug(&vnic, &script->base, 2, NIC_SIZE, _i);
	text = look();
	expect_in(text, "\"state\":\"stopped\"");
	expect_in(text, "\"mac\":\"02:01:02:03:04:05\"");
	expect_in(text, "\"pair-1\":{\"running\":false");
	free(text);
	ck_assert_int_eq(vnic_start(&vnic, NIC_RINGS), 0);
	vnic_post(&vnic, 7, 2000, 0);
	text = look();
	while (!strstr(text, "\"held\":7")) { /* it is about to fetch them */
		free(text);
		vnic_run(&vnic); /* rounds wait for messages to end */
		text = look();
	}
	expect_in(text, "\"state\":\"running\"");
	expect_in(text, "\"pair-0\":{\"running\":true,\"rx_ring\":{\"size\":64,"
			"\"event_idx\":true,\"avail_next\":7,\"used_next\":0,"
			"\"held\":7,\"broken\":null}");
	expect_in(text, "\"pair-1\":{\"running\":true");
	expect_in(text, "\"queue\":{");
	expect_in(text, "\"stats\":{\"rx_packets\":0");
	free(text);
	do_pause();
	text = look();
	expect_in(text, "\"paused\":true");
	expect_in(text, "\"pair-0\":{\"running\":false");
	free(text);
}
END_TEST

static uint64_t count_of(size_t offset)
{
	const char *stats = (const char *)vnic_stats(&vnic);

	return net_stat_get(
		(const _Atomic uint64_t *)(const void *)(stats + offset));
}

#define COUNT(name) count_of(offsetof(struct net_stats, name))

START_TEST(kicks_and_interrupts_are_counted)
{
	nic_begin();
	for (unsigned int k = 0; k < 3; k++)
		eventfd_signal(vnic.rx[0].kick_fd);
	vnic_run(&vnic);
	ck_assert_uint_eq(COUNT(kicks), 3);
	eventfd_signal(vnic.tx[0].kick_fd);
	vnic_stop(&vnic); /* it comes with the stop */
	ck_assert_uint_eq(COUNT(kicks), 4);
	nic_begin();
	nic_send(1);
	vnic_run(&vnic);
	ck_assert_uint_eq(COUNT(kicks), 5);
	ck_assert_uint_eq(COUNT(interrupts), 1);
	ck_assert_uint_eq(vnic_interrupts(&vnic.tx[0]), 1);
	ck_assert_uint_eq(COUNT(interrupts_suppressed), 0);
	/* The guest has not looked at the first one, and asked for no other. */
	nic_send(2);
	vnic_run(&vnic);
	ck_assert_uint_eq(COUNT(interrupts), 1);
	ck_assert_uint_eq(COUNT(interrupts_suppressed), 1);
	ck_assert_uint_gt(COUNT(loop_busy_ns), 0);
}
END_TEST

/* A guest that sends while packets are in flight need not kick, if they are
 * complete soon. */
START_TEST(fast_completions_spare_kicks)
{
	vnic_unplug(&vnic);
	script->fast = _i;
	script->tx = SCRIPT_TX_HELD;
	vnic_plug(&vnic, &script->base, 1, NIC_SIZE, false);
	nic_begin();
	for (uint32_t k = 0; k < 5; k++) {
		nic_send(k);
		vnic_run(&vnic);
	}
	ck_assert_uint_eq(COUNT(kicks), _i ? 1 : 5);
	ck_assert_uint_eq(nic_queue()->n_flying, _i ? 1 : 5);
	while (nic_queue()->n_flying) {
		script_queue_complete(nic_queue(), 0);
		vnic_run(&vnic);
	}
	ck_assert_uint_eq(vnic_reap(&vnic), 5);
	ck_assert_uint_eq(COUNT(kicks), _i ? 1 : 5);
	nic_send(9);
	vnic_run(&vnic);
	ck_assert_uint_eq(COUNT(kicks), _i ? 2 : 6);
}
END_TEST

START_TEST(held_buffers_are_shown)
{
	script->tx = SCRIPT_TX_HELD;
	nic_begin();
	vnic_post(&vnic, 9, 2000, 0);
	nic_send(1);
	nic_send(2);
	vnic_run(&vnic);
	ck_assert_uint_eq(COUNT(ring_rx_held), 9);
	ck_assert_uint_eq(COUNT(ring_tx_held), 2);
	ck_assert_int_eq(script_queue_arrive(nic_queue(), out, 60), 0);
	script_queue_complete(nic_queue(), 0);
	vnic_run(&vnic);
	ck_assert_uint_eq(COUNT(ring_rx_held), 8);
	ck_assert_uint_eq(COUNT(ring_tx_held), 1);
	do_pause();
	ck_assert_uint_eq(COUNT(ring_rx_held), 8);
	vnic_stop(&vnic);
	ck_assert_uint_eq(COUNT(ring_rx_held), 0);
	ck_assert_uint_eq(COUNT(ring_tx_held), 0);
	do_resume();
}
END_TEST

static void retarget(uint16_t queue, unsigned int vcpu)
{
	vnic.device->ops->queue_target(vnic.device, queue, vcpu);
}

static bool targets_are(uint32_t first, uint32_t second)
{
	return script->queues[0]->target_vp == first &&
	       script->queues[1]->target_vp == second;
}

/* A hint reaches the pair's queue in whatever state it comes, and the queues to
 * come. */
START_TEST(queues_follow_their_interrupts)
{
	vnic_unplug(&vnic);
	vnic_plug(&vnic, &script->base, 2, NIC_SIZE, false);
	retarget(2, 1); /* before there is a queue: forgotten at the start */
	nic_begin();
	ck_assert(targets_are(0, 0));
	retarget(0, 4);
	retarget(2, 5);
	retarget(2, 6);
	retarget(3, 9); /* a transmit queue */
	retarget(4, 9); /* the control queue */
	retarget(60, 9);
	ck_assert(targets_are(0, 0)); /* by the pair's loop */
	vnic_run(&vnic);
	ck_assert(targets_are(4, 6));
	script->hold = true;
	nic_raise(NET_ACTION_RESTART_REQUIRED, true);
	vnic_run(&vnic);
	retarget(0, 7);
	script_endpoint_answer(script, 0); /* stop */
	vnic_run(&vnic);
	retarget(2, 8); /* after the queues were asked for */
	script->hold = false;
	script_endpoint_answer(script, 0); /* queues */
	vnic_run(&vnic);
	ck_assert_uint_eq(script->queues[0]->base.config.target_vp, 7);
	ck_assert_uint_eq(script->queues[1]->base.config.target_vp, 8);
	retarget(0, 1);
	vnic_stop(&vnic);
	vnic_run(&vnic);
	nic_begin();
	nic_expect_alive();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("virtio-net, run state");
	TCase *tc = tcase_create("run state");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, nic_teardown);
	tcase_add_test(tc, pause_keeps_the_rings);
	tcase_add_test(tc, pausing_twice_is_no_error);
	tcase_add_test(tc, one_request_at_a_time);
	tcase_add_test(tc, guest_starts_while_paused);
	tcase_add_loop_test(tc, pause_waits_for_the_endpoint, 0, 4);
	tcase_add_test(tc, start_fails_under_a_pause);
	tcase_add_test(tc, resume_that_fails_asks_for_a_reset);
	tcase_add_test(tc, restart_while_paused);
	tcase_add_loop_test(tc, any_order_with_pauses, 0, 8);
	tcase_add_loop_test(tc, destroyed_before_the_answers, 0, 2);
	tcase_add_test(tc, link_is_up_if_both_want_it);
	tcase_add_test(tc, lost_backend_is_told);
	tcase_add_test(tc, broken_queue_is_told);
	tcase_add_loop_test(tc, inspection_shows_every_pair, 0, 2);
	tcase_add_test(tc, kicks_and_interrupts_are_counted);
	tcase_add_loop_test(tc, fast_completions_spare_kicks, 0, 2);
	tcase_add_test(tc, held_buffers_are_shown);
	tcase_add_test(tc, queues_follow_their_interrupts);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return test_run(suite());
}
