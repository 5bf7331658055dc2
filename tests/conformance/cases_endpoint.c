/* SPDX-License-Identifier: MIT */
/*
 * The life of an endpoint: what it says, its queues, its end.
 */
#include "conformance/cases.h"
#include "conformance/rig.h"
#include "support/count_calls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct rig rig;

START_TEST(endpoint_says_what_it_is)
{
	const struct backend_row *row;
	const struct net_endpoint *ep;
	struct net_multiqueue mq;
	struct net_tx_offloads offloads;
	bool use_vf = true;
	int err;

	if (!rig_open(&rig, _i, NULL))
		return;
	row = rig.row;
	ep = rig.endpoint;
	mq = net_endpoint_multiqueue_support(ep);
	offloads = net_endpoint_tx_offload_support(ep);
	ck_assert_str_eq(net_endpoint_type(ep), row->type);
	ck_assert(net_endpoint_is_ordered(ep) == row->ordered);
	ck_assert(net_endpoint_vnet_hdr(ep) == row->vnet_hdr);
	ck_assert(net_endpoint_tx_fast_completions(ep) == row->fast);
	ck_assert_uint_eq(mq.max_queues, row->multiqueue.max_queues);
	ck_assert_uint_eq(mq.indirection_table_size,
			  row->multiqueue.indirection_table_size);
	if (row->uso_varies)
		offloads.uso = row->tx_offloads.uso;
	ck_assert_mem_eq(&offloads, &row->tx_offloads, sizeof(offloads));
	ck_assert_uint_gt(net_endpoint_link_speed(ep), 0);
	ck_assert(net_endpoint_link_up(ep));
	err = net_endpoint_get_data_path_to_guest_vf(ep, &use_vf);
	ck_assert(err == -ENOTSUP || (err == 0 && !use_vf));
	rig_close(&rig);
}
END_TEST

#define MANY 16

static void refused(const struct net_queue_config *configs, size_t n,
		    const struct net_rss_config *rss)
{
	struct net_queue *out[MANY];

	for (size_t i = 0; i < MANY; i++)
		out[i] = (void *)&rig;
	ck_assert_int_eq(rig_get_queues(&rig, configs, n, rss, out), -EINVAL);
	for (size_t i = 0; i < n; i++)
		ck_assert_ptr_null(out[i]);
	ck_assert_int_eq(rig_stop(&rig), 0);
}

START_TEST(get_queues_refuses_bad_configurations)
{
	struct net_queue_config configs[MANY];
	uint16_t table[] = {0, 0, 1};
	struct net_rss_config rss = {
		.indirection_table = table,
		.indirection_table_len = ARRAY_SIZE(table),
	};
	uint16_t max;

	if (!rig_open(&rig, _i, NULL))
		return;
	for (size_t i = 0; i < MANY; i++)
		configs[i] = rig_config(&rig);
	max = rig.row->multiqueue.max_queues;
	refused(configs, 0, NULL);
	if (max < MANY)
		refused(configs, max + 1U, NULL);
	refused(configs, 1, &rss); /* an entry beyond the count */
	rss.indirection_table_len =
		rig.row->multiqueue.indirection_table_size + 1;
	rss.indirection_table = calloc(rss.indirection_table_len, 2);
	refused(configs, 1, &rss); /* a table larger than supported */
	free((void *)(uintptr_t)rss.indirection_table);
	configs[0].rx_span = 0;
	refused(configs, 1, NULL);
	configs[0] = rig_config(&rig);
	configs[0].vnet_hdr = true;
	if (!rig.row->vnet_hdr)
		refused(configs, 1, NULL);
	rig_make_queue(&rig);
	rig_close(&rig);
}
END_TEST

/* Every allocation on the way fails once. @strict: nothing is kept of it. */
static void fail_each_allocation(size_t n, bool strict)
{
	struct net_queue_config configs[3];
	struct net_queue *out[3];
	int err = -ENOMEM;

	for (size_t i = 0; i < n; i++)
		configs[i] = rig_config(&rig);
	for (unsigned int nth = 1; err < 0; nth++) {
		long live = count_live_allocations();

		ck_assert_uint_lt(nth, 100);
		for (size_t i = 0; i < n; i++)
			out[i] = (void *)&rig;
		rig.fail_nth = nth;
		err = rig_get_queues(&rig, configs, n, NULL, out);
		for (size_t i = 0; i < n; i++)
			ck_assert((out[i] != NULL) == (err == 0));
		if (err == 0)
			ck_assert_uint_gt(nth, 1);
		else
			ck_assert_int_eq(err, -ENOMEM);
		if (err < 0 && strict)
			ck_assert_int_eq(count_live_allocations(), live);
	}
	for (size_t i = 0; i < n; i++)
		rig_destroy_queue(&rig, out[i]);
}

/* An endpoint may keep what it will need again. */
START_TEST(get_queues_all_or_none)
{
	size_t n;

	if (!rig_open(&rig, _i, NULL))
		return;
	n = MIN((size_t)3, (size_t)rig.row->multiqueue.max_queues);
	fail_each_allocation(n, false);
	fail_each_allocation(n, true);
	rig_close(&rig);
}
END_TEST

START_TEST(stop_is_refused_while_queues_live)
{
	struct net_queue_config config;
	struct net_queue *other;

	if (!rig_open_queue(&rig, _i, NULL))
		return;
	config = rig_config(&rig);
	ck_assert_int_eq(rig_stop(&rig), -EBUSY);
	ck_assert_int_eq(rig_get_queues(&rig, &config, 1, NULL, &other),
			 -EBUSY);
	rig_destroy_queue(&rig, rig.queue);
	ck_assert_int_eq(rig_stop(&rig), 0);
	rig_close(&rig);
}
END_TEST

/* Again after stop, and with everything in it that a queue can hold. */
START_TEST(queues_come_again_after_stop)
{
	if (!rig_open_queue(&rig, _i, NULL))
		return;
	for (uint32_t round = 0; round < 3; round++) {
		rig.received.n = 0;
		rig_give(&rig, 0, 8);
		if (rig_can_receive(&rig)) {
			rig_arrive(&rig, round, 100);
			ck_assert(rig_wait_received(&rig, 1));
			ck_assert(rig_frame_is(&rig.received.list[0], round,
					       100));
			free(rig.received.list[0].bytes);
			rig.received.n = 0;
		}
		rig_destroy_queue(&rig, rig.queue);
		ck_assert_int_eq(rig_stop(&rig), 0);
		rig_make_queue(&rig);
	}
	rig_close(&rig);
}
END_TEST

START_TEST(destroyed_with_everything_outstanding)
{
	unsigned int ready;

	if (!rig_open_queue(&rig, _i, NULL))
		return;
	for (unsigned int round = 0; round < 3; round++) {
		rig_give(&rig, 0, 4);
		rig_poll(&rig);
		if (rig.row->arrive)
			rig_arrive(&rig, 1, 60); /* ready is on its way */
		for (unsigned int i = 0; i < 8; i++)
			(void)rig_add_frame(&rig, i, 60, 20);
		rig_offer(&rig);
		rig_destroy_queue(&rig, rig.queue);
		ready = atomic_load(&rig.ready);
		for (unsigned int i = 0; i < 10; i++)
			loop_run_once(rig.control);
		ck_assert_uint_eq(atomic_load(&rig.ready), ready);
		/* What the queue did not complete is the frontend's. */
		rig_forget_packets(&rig);
		rig_make_queue(&rig);
	}
	rig_close(&rig);
}
END_TEST

static void whole_life(int index)
{
	if (!rig_open_queue(&rig, index, NULL))
		return;
	rig_give(&rig, 0, 32);
	for (uint32_t i = 0; i < 8; i++)
		(void)rig_add_frame(&rig, i, 100, 30);
	if (rig_can_receive(&rig)) {
		rig_arrive(&rig, 100, 200);
		ck_assert(rig_wait_frame(&rig, 100, 200));
	}
	ck_assert(rig_wait(&rig, rig_all_complete));
	rig_close(&rig);
}

START_TEST(nothing_is_leaked)
{
	size_t fds;
	long live;

	whole_life(_i);
	fds = count_fds();
	live = count_live_allocations();
	for (unsigned int i = 0; i < 2; i++)
		whole_life(_i);
	ck_assert_uint_eq(count_fds(), fds);
	ck_assert_int_eq(count_live_allocations(), live);
}
END_TEST

void endpoint_cases(TCase *tc, int from, int to)
{
	tcase_add_loop_test(tc, endpoint_says_what_it_is, from, to);
	tcase_add_loop_test(tc, get_queues_refuses_bad_configurations, from,
			    to);
	tcase_add_loop_test(tc, get_queues_all_or_none, from, to);
	tcase_add_loop_test(tc, stop_is_refused_while_queues_live, from, to);
	tcase_add_loop_test(tc, queues_come_again_after_stop, from, to);
	tcase_add_loop_test(tc, destroyed_with_everything_outstanding, from,
			    to);
	tcase_add_loop_test(tc, nothing_is_leaked, from, to);
}
