/* SPDX-License-Identifier: MIT */
/*
 * Ten thousand connections that come and go in all ways there are, and floods:
 * nothing is left of them, and there are never more than may be.
 */
#include "backends/consomme/tcp_life.h"
#include "support/csm_script.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>

#define CHURN 10000
#define FLOOD 20000

static struct script s;

/* Each way to end, once the connection is there; some leave the last word to the
 * clock. */
static void end_somehow(struct script_tcp *c, unsigned int how)
{
	switch (how % 8) {
	case 0:
		script_send(c, "F.");
		script_host_fin(c);
		(void)script_collect(c);
		script_send(c, ".");
		break;
	case 1:
		script_host_fin(c);
		(void)script_collect(c);
		script_send(c, "F.");
		break;
	case 2:
		script_send(c, "R.");
		break;
	case 3:
		script_host_reset(c);
		break;
	case 4:
		script_send(c, "F.");
		script_host_reset(c);
		break;
	case 5:
		script_host_fin(c); /* and nothing more is heard */
		break;
	case 6:
		script_send(c, "F. len=100");
		break;
	default:
		script_host_send(c, 5000);
	}
}

static void check_nothing_left(void)
{
	ck_assert_uint_eq(s.stack->flows.n, 0);
	ck_assert_uint_eq(s.stack->n_half_open, 0);
	ck_assert(list_is_empty(&s.stack->half_open));
	ck_assert_uint_eq(s.host.n_open, 0);
	ck_assert_uint_eq(s.host.violations, 0);
}

START_TEST(test_churn)
{
	unsigned int mode = _i ? SCRIPT_RING : 0;

	script_begin(&s, mode);
	for (unsigned int i = 0; i < CHURN; i++) {
		struct script_tcp c;

		script_tcp(&s, &c, 80);
		script_open(&c);
		end_somehow(&c, i);
		script_forget(&s);
		if (i % 64 == 0)
			fake_host_forget_closed(&s.host);
	}
	/* Who has fallen silent is given up. */
	script_wait(&s, 14400 * SCRIPT_SEC);
	check_nothing_left();
	ck_assert_uint_ge(s.stack->flows.kinds[CSM_FLOW_TCP].made, CHURN);
	script_end(&s);
}
END_TEST

/* SYNs to everywhere: to where nobody answers, to where somebody does and the
 * guest does not care. */
START_TEST(test_syn_flood)
{
	uint32_t most = 0;

	script_prepare(&s, 0);
	s.host.connect_result = _i ? 0 : -EINPROGRESS;
	script_start(&s);
	for (unsigned int i = 0; i < FLOOD; i++) {
		struct script_tcp c;

		script_tcp(&s, &c, (uint16_t)(1 + i % 60000));
		script_send(&c, "S win=65535 mss=1460 ws=7");
		if (i % 256 == 0) {
			script_wait(&s, 100 * SCRIPT_MS);
			script_forget(&s);
			fake_host_forget_closed(&s.host);
		}
		most = MAX(most, s.stack->n_half_open);
		ck_assert_uint_le(s.host.n_open, CSM_TCP_HALF_OPEN_MAX);
	}
	ck_assert_uint_eq(most, CSM_TCP_HALF_OPEN_MAX);
	script_wait(&s, 600 * SCRIPT_SEC);
	check_nothing_left();
	script_end(&s);
}
END_TEST

/* Connections that are made and left: as many as may be, and then no more. */
START_TEST(test_flow_flood)
{
	script_prepare(&s, 0);
	s.config.max_tcp = 500;
	script_start(&s);
	for (unsigned int i = 0; i < 2000; i++) {
		struct script_tcp c;

		script_tcp(&s, &c, 80);
		script_send(&c, "S win=65535 mss=1460 ws=7");
		if (i < 500) {
			script_expect(&c, "S. seq=0");
			script_send(&c, ".");
		} else {
			script_expect(&c, "R. ack=1");
		}
		script_forget(&s);
		ck_assert_uint_le(s.stack->flows.n, 500);
	}
	ck_assert_uint_eq(s.stack->count.refused, 1500);
	script_end(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("csm_tcp_churn");
	TCase *tc = tcase_create("churn");

	tcase_set_timeout(tc, 240);
	tcase_add_loop_test(tc, test_churn, 0, 2);
	tcase_add_loop_test(tc, test_syn_flood, 0, 2);
	tcase_add_test(tc, test_flow_flood);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
