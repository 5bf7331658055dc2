/* SPDX-License-Identifier: MIT */
/*
 * The receive buffers that a queue holds.
 */
#include "net/rx_fifo.h"
#include "support/net_bufs.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

static struct net_rx_fifo fifo;

static void push(uint32_t first, uint32_t n)
{
	for (uint32_t i = first; i < first + n; i++) {
		struct net_rx_id id = {i};

		ck_assert_int_eq(net_rx_fifo_push(&fifo, &id, 1), 0);
	}
}

static void teardown(void)
{
	net_rx_fifo_fini(&fifo);
	net_rx_fifo_fini(&fifo);
}

START_TEST(order_is_kept_through_growth_and_wrapping)
{
	struct net_rx_id ids[1000];
	uint32_t oldest = 0, newest = 0;

	for (uint32_t round = 0; round < 50; round++) {
		push(newest, 40);
		newest += 40;
		net_rx_fifo_pop(&fifo, 17);
		oldest += 17;
		ck_assert_uint_eq(fifo.count, newest - oldest);
		ck_assert_uint_eq(net_rx_fifo_peek(&fifo, 3, ids, 1000),
				  MIN(newest - oldest - 3, 1000U));
		for (uint32_t i = 0; i < MIN(newest - oldest - 3, 1000U); i++)
			ck_assert_uint_eq(ids[i].v, oldest + 3 + i);
	}
}
END_TEST

START_TEST(pushed_at_once_and_popped_to_the_end)
{
	static struct net_rx_id ids[700];
	struct net_rx_id one;

	for (uint32_t i = 0; i < 700; i++)
		ids[i].v = i;
	push(5000, 3);
	net_rx_fifo_pop(&fifo, 2);
	ck_assert_int_eq(net_rx_fifo_push(&fifo, ids, 700), 0);
	ck_assert_uint_eq(fifo.count, 701);
	ck_assert_uint_eq(net_rx_fifo_peek(&fifo, 700, &one, 1), 1);
	ck_assert_uint_eq(one.v, 699);
	ck_assert_uint_eq(net_rx_fifo_peek(&fifo, 701, &one, 1), 0);
	net_rx_fifo_pop(&fifo, 100000); /* at most all */
	ck_assert_uint_eq(fifo.count, 0);
	ck_assert_uint_eq(net_rx_fifo_peek(&fifo, 0, &one, 1), 0);
	net_rx_fifo_pop(&fifo, 1);
	push(9, 1);
	ck_assert_uint_eq(net_rx_fifo_peek(&fifo, 0, &one, 1), 1);
	ck_assert_uint_eq(one.v, 9);
}
END_TEST

START_TEST(fit_finds_the_fewest)
{
	struct net_bufs_config config = {8, 100, 0, true, 4, 1};
	struct net_rx_id ids[4];
	struct net_bufs bufs;

	ck_assert_int_eq(net_bufs_init(&bufs, &config), 0);
	ck_assert_int_eq(net_rx_fifo_fit(&fifo, &bufs.base, 4, 1, ids),
			 -EAGAIN);
	push(0, 2);
	for (uint32_t i = 0; i < 8; i++) {
		struct net_rx_id id = {i};

		net_bufs_note_given(&bufs, &id, 1);
	}
	ck_assert_int_eq(net_rx_fifo_fit(&fifo, &bufs.base, 4, 88, ids), 1);
	ck_assert_int_eq(net_rx_fifo_fit(&fifo, &bufs.base, 4, 89, ids), 2);
	ck_assert_int_eq(net_rx_fifo_fit(&fifo, &bufs.base, 4, 188, ids), 2);
	ck_assert_uint_eq(ids[1].v, 1);
	ck_assert_int_eq(net_rx_fifo_fit(&fifo, &bufs.base, 4, 189, ids),
			 -EAGAIN);
	push(2, 4);
	ck_assert_int_eq(net_rx_fifo_fit(&fifo, &bufs.base, 4, 388, ids), 4);
	ck_assert_int_eq(net_rx_fifo_fit(&fifo, &bufs.base, 4, 389, ids),
			 -EMSGSIZE);
	ck_assert_uint_eq(fifo.count, 6); /* none was taken */
	ck_assert_uint_eq(bufs.violations, 0);
	net_bufs_fini(&bufs);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rx_fifo");
	TCase *tc = tcase_create("rx_fifo");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, order_is_kept_through_growth_and_wrapping);
	tcase_add_test(tc, pushed_at_once_and_popped_to_the_end);
	tcase_add_test(tc, fit_finds_the_fewest);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
