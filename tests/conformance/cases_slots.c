/* SPDX-License-Identifier: MIT */
/*
 * The slots of an endpoint and of a queue that carry no packets: hints, actions,
 * the data path, inspection, and whose counters are used.
 */
#include "conformance/cases.h"
#include "conformance/rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rig rig;

static struct net_action actions[8];
static size_t n_actions;

static void action_cb(void *arg, struct net_action action)
{
	UNUSED(arg);
	ck_assert_uint_lt(n_actions, ARRAY_SIZE(actions));
	actions[n_actions++] = action;
	net_endpoint_wait_for_action(rig.endpoint, action_cb, NULL);
}

/* What the backend raises reaches whoever waits, through any wrapper. */
START_TEST(actions_reach_who_waits)
{
	struct net_action lost = {NET_ACTION_LINK_STATUS, false, true};

	if (!rig_open_queue(&rig, _i, NULL))
		return;
	net_endpoint_wait_for_action(rig.endpoint, action_cb, NULL);
	rig_run_loops(&rig, 10);
	n_actions = 0;
	net_endpoint_raise(rig.backend.endpoint, lost);
	rig_run_loops(&rig, 10);
	net_endpoint_raise(rig.backend.endpoint, net_action_link(true));
	rig_run_loops(&rig, 10);
	net_endpoint_raise(rig.backend.endpoint, net_action_restart());
	rig_run_loops(&rig, 10);
	ck_assert_uint_eq(n_actions, 3);
	ck_assert_int_eq(actions[0].type, NET_ACTION_LINK_STATUS);
	ck_assert(!actions[0].link_up);
	ck_assert(actions[0].lost);
	ck_assert_int_eq(actions[1].type, NET_ACTION_LINK_STATUS);
	ck_assert(actions[1].link_up);
	ck_assert(!actions[1].lost);
	ck_assert_int_eq(actions[2].type, NET_ACTION_RESTART_REQUIRED);
	rig_close(&rig);
}
END_TEST

static int answer;
static unsigned int n_answers;

static void done_cb(void *arg, int err)
{
	UNUSED(arg);
	n_answers++;
	answer = err;
}

/* Nobody here has a VF; everybody says so, later and once. */
START_TEST(every_data_path_stays_off_a_vf)
{
	bool use_vf = true;
	int err;

	if (!rig_open(&rig, _i, NULL))
		return;
	err = net_endpoint_get_data_path_to_guest_vf(rig.endpoint, &use_vf);
	ck_assert(err == -ENOTSUP || (err == 0 && !use_vf));
	for (unsigned int on = 0; on < 2; on++) {
		ck_assert_int_eq(net_endpoint_set_data_path_to_guest_vf(
					 rig.endpoint, on, done_cb, NULL),
				 0);
		ck_assert_uint_eq(n_answers, on);
		rig_run_loops(&rig, 10);
		ck_assert_uint_eq(n_answers, on + 1);
		ck_assert_int_eq(answer, on ? -ENOTSUP : err);
	}
	rig_close(&rig);
}
END_TEST

static void hint(void *arg)
{
	UNUSED(arg);
	net_queue_update_target_vp(rig.queue, 7);
}

START_TEST(target_vp_is_a_hint)
{
	if (!rig_open_queue(&rig, _i, NULL))
		return;
	rig_call(&rig, hint, NULL);
	ck_assert_uint_eq(rig.queue->config.target_vp, 7);
	ck_assert_uint_eq(rig.backend.queue->config.target_vp, 7);
	(void)rig_add_frame(&rig, 1, 100, 0);
	rig_give(&rig, 0, 4);
	ck_assert(rig_wait(&rig, rig_all_complete));
	rig_close(&rig);
}
END_TEST

/* Unfinished frames rest on checksums, and all else on what is known. */
START_TEST(offloads_rest_on_each_other)
{
	struct net_tx_offloads tx;
	struct net_rx_offloads rx;

	if (!rig_open(&rig, _i, NULL))
		return;
	tx = net_endpoint_tx_offload_support(rig.endpoint);
	rx = net_endpoint_rx_offload_support(rig.endpoint);
	ck_assert(tx.tcp || !tx.tso);
	ck_assert(tx.udp || !tx.uso);
	ck_assert(rx.csum || (!rx.tso4 && !rx.tso6 && !rx.ecn && !rx.uso));
	ck_assert(net_endpoint_link_up(rig.endpoint));
	ck_assert_uint_gt(net_endpoint_link_speed(rig.endpoint), 0);
	rig_close(&rig);
}
END_TEST

static void inspect_queue(void *arg)
{
	inspect_begin(arg, "queue");
	net_queue_inspect(rig.queue, arg);
	inspect_end(arg);
}

/* A tree that is whole and names the backend, through any wrapper. */
START_TEST(inspection_names_what_is_there)
{
	struct inspect in;
	const char *text;
	char type[80];

	if (!rig_open_queue(&rig, _i, NULL))
		return;
	inspect_init(&in);
	inspect_begin(&in, "endpoint");
	net_endpoint_inspect(rig.endpoint, &in);
	inspect_end(&in);
	rig_call(&rig, inspect_queue, &in);
	text = inspect_text(&in);
	ck_assert_ptr_nonnull(text);
	(void)snprintf(type, sizeof(type), "\"type\":\"%s\"", rig.row->type);
	ck_assert_ptr_nonnull(strstr(text, type));
	(void)snprintf(type, sizeof(type), "\"type\":\"%s\"",
		       net_endpoint_type(rig.backend.endpoint));
	ck_assert_ptr_nonnull(strstr(text, type));
	ck_assert_ptr_nonnull(strstr(text, "\"rx_span\":1"));
	inspect_fini(&in);
	rig_close(&rig);
}
END_TEST

/* Counters are the frontend's: every packet is in them once, whatever is
 * wrapped around the queue, and they outlive it. */
START_TEST(counts_where_it_was_told)
{
	static struct net_stats stats;
	struct net_queue_config config;

	memset(&stats, 0, sizeof(stats));
	if (!rig_open(&rig, _i, NULL))
		return;
	config = rig_config(&rig);
	config.stats = &stats;
	for (unsigned int round = 1; round <= 2; round++) {
		rig_use_queue(&rig, &config);
		ck_assert_ptr_eq(net_queue_stats(rig.queue), &stats);
		rig_give(&rig, 0, 16);
		for (uint32_t i = 0; i < 10; i++)
			(void)rig_add_frame(&rig, i, 100, 30);
		ck_assert(rig_wait(&rig, rig_all_complete));
		if (rig.row->loops_back)
			ck_assert(rig_wait_received(&rig, (size_t)10 * round));
		rig_destroy_queue(&rig, rig.queue);
		ck_assert_uint_eq(stats.tx_packets, 10 * round);
		ck_assert_uint_eq(stats.tx_bytes, 1000 * round);
		ck_assert_uint_eq(stats.rx_packets,
				  rig.row->loops_back ? 10 * round : 0);
		ck_assert_uint_eq(stats.tx_dropped, 0);
		ck_assert_uint_eq(stats.tx_errors, 0);
	}
	rig_close(&rig);
}
END_TEST

void slots_cases(TCase *tc, int from, int to)
{
	tcase_add_loop_test(tc, actions_reach_who_waits, from, to);
	tcase_add_loop_test(tc, every_data_path_stays_off_a_vf, from, to);
	tcase_add_loop_test(tc, target_vp_is_a_hint, from, to);
	tcase_add_loop_test(tc, offloads_rest_on_each_other, from, to);
	tcase_add_loop_test(tc, inspection_names_what_is_there, from, to);
	tcase_add_loop_test(tc, counts_where_it_was_told, from, to);
}
