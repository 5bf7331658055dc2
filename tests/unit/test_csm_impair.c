/* SPDX-License-Identifier: MIT */
/*
 * Bulk data both ways over wires that lose, double, damage, delay and reorder:
 * every byte comes out, in its order, and both ends come to their end.
 *
 * The guest is a small TCP of the test's own: go-back-N with a timeout and
 * duplicate acknowledgements, nothing kept that comes too early. Clock and
 * generator are the test's, so that a failure happens again. With the argument
 * "full" 1 GiB goes each way.
 */
#include "support/csm_script.h"
#include "support/run.h"

#include <check.h>
#include <netinet/tcp.h>
#include <string.h>

#define MSS	    1440
#define RTO	    (300 * SCRIPT_MS)
#define FLIGHT_MAX  (64u << 10)
#define WINDOW	    (64u << 10)
#define HOST_BUFFER (1u << 20)
#define CHUNK	    (64u << 10)
#define DEADLINE    (UINT64_C(100000) * SCRIPT_SEC)

static uint64_t total = 2 << 20;

static struct script s;
static struct script_tcp c;
static struct csm_impair to_stack, to_guest;

/* The guest's TCP. Numbers are relative. @una, @nxt, @max: of ours; @edge: of
 * the stack's window. @end: of our data; the FIN has this number. */
struct toy {
	bool open, reset, fin_got, gso;
	uint32_t una, nxt, max, edge, end;
	uint32_t rcv;
	unsigned int dups;
	bool owes_ack;
	uint64_t timeout;
};

static struct toy toy;

static void toy_ack(void)
{
	c.rcv = toy.rcv;
	script_send(&c, "+ . seq=%u", toy.nxt);
	toy.owes_ack = false;
}

static void toy_acked(const struct script_segment *g)
{
	if ((int32_t)(g->ack - toy.una) > 0 && g->ack <= toy.max) {
		toy.una = g->ack;
		toy.nxt = toy.nxt < toy.una ? toy.una : toy.nxt;
		toy.dups = 0;
		toy.timeout = s.host.now + RTO;
	} else if (g->ack == toy.una && !g->len && toy.una != toy.max &&
		   ++toy.dups == 3) {
		toy.nxt = toy.una;
	}
	if ((int32_t)(g->ack + g->win - toy.edge) > 0)
		toy.edge = g->ack + g->win;
}

static void toy_segment(const struct script_segment *g)
{
	uint32_t end = g->seq + g->len;

	if (g->flags & TH_RST) {
		toy.reset = true;
		return;
	}
	if (g->flags & TH_SYN) {
		toy.open = true;
		toy.owes_ack = true;
		toy.rcv = toy.rcv ? toy.rcv : 1;
		toy.una = toy.una ? toy.una : 1;
		toy.nxt = toy.nxt ? toy.nxt : 1;
		toy.max = toy.max ? toy.max : 1;
		toy.edge = toy.edge ? toy.edge : 1 + g->win;
		return;
	}
	if (!toy.open)
		return;
	toy_acked(g);
	if (!g->len && !(g->flags & TH_FIN))
		return;
	toy.owes_ack = true;
	if ((int32_t)(g->seq - toy.rcv) > 0)
		return; /* too early */
	if ((int32_t)(end - toy.rcv) > 0)
		toy.rcv = end;
	if ((g->flags & TH_FIN) && end == toy.rcv) {
		toy.fin_got = true;
		toy.rcv++;
	}
}

static void toy_transmit(void)
{
	uint32_t most = toy.gso ? 8 * MSS : MSS;

	while (toy.nxt <= toy.end && toy.nxt - toy.una < FLIGHT_MAX) {
		uint32_t len = toy.end - toy.nxt;
		uint32_t room = toy.edge - toy.nxt;

		c.rcv = toy.rcv;
		if (!len) {
			script_send(&c, "+ F. seq=%u", toy.nxt++);
			toy.owes_ack = false;
			break;
		}
		if ((int32_t)room <= 0)
			break;
		len = MIN(MIN(len, room), most);
		if (len > MSS)
			script_send(&c, "+ . seq=%u len=%u gso=%d", toy.nxt,
				    len, MSS);
		else
			script_send(&c, "+ . seq=%u len=%u", toy.nxt, len);
		toy.nxt += len;
		toy.owes_ack = false;
	}
	toy.max = MAX(toy.max, toy.nxt);
}

static void toy_timeout(void)
{
	if (s.host.now < toy.timeout)
		return;
	toy.timeout = s.host.now + RTO;
	if (!toy.open)
		script_send(&c, "+ S seq=0 win=65535 mss=%d ws=7", MSS);
	else if (toy.una < toy.max)
		toy.nxt = toy.una;
	else if (toy.una <= toy.end) /* the window is closed: ask */
		script_send(&c, "+ . seq=%u", toy.una - 1);
}

static void toy_turn(void)
{
	struct script_segment g;
	int got;

	while ((got = script_receive(&c, &g))) {
		if (got > 0)
			toy_segment(&g);
	}
	toy_timeout();
	if (toy.open)
		toy_transmit();
	if (toy.owes_ack)
		toy_ack();
}

static bool toy_is_done(void)
{
	return toy.reset || (toy.fin_got && toy.una == toy.end + 1);
}

/* The host's end: reads all, writes all, then ends. */
static void host_turn(void)
{
	if (!c.sock)
		c.sock = fake_host_last(&s.host);
	if (!c.sock || c.sock->state != FAKE_CONNECTED)
		return;
	while (c.sock->out.len)
		script_host_takes(&c, CHUNK);
	if (c.sock->fd < 0)
		return;
	while (c.given < total && c.sock->in.len < HOST_BUFFER)
		script_host_send(&c, (size_t)MIN(total - c.given, CHUNK));
	if (c.given == total && !c.sock->eof)
		script_host_fin(&c);
}

static void transfer(unsigned int mode, const struct csm_impair_rates *rates,
		     uint64_t seed)
{
	uint64_t start;

	script_prepare(&s, mode);
	s.host.sndbuf = 256 << 10;
	script_start(&s);
	csm_impair_init(&to_stack, rates, seed);
	csm_impair_init(&to_guest, rates, seed + 1);
	s.to_stack = &to_stack;
	s.to_guest = &to_guest;
	script_tcp(&s, &c, 80);
	c.mss = MSS;
	c.win = WINDOW;
	toy = (struct toy){
		.end = 1 + (uint32_t)total,
		.gso = !(mode & SCRIPT_NO_GSO) && !rates->damaged,
	};
	start = s.host.now;
	while (!toy_is_done() || (c.sock && c.sock->out.len)) {
		uint64_t next;

		toy_turn();
		script_run(&s);
		host_turn();
		next = MIN(script_next(&s), toy.timeout);
		if (!s.n_frames)
			s.host.now = MAX(s.host.now + 1000, next);
		csm_stack_tick(s.stack);
		script_run(&s);
		if (s.host.now - start > DEADLINE)
			ck_abort_msg("it never ends: una=%u max=%u rcv=%u",
				     toy.una, toy.max, toy.rcv);
	}
	ck_assert(!toy.reset);
	ck_assert_uint_eq(c.taken, total);
	ck_assert_uint_eq(toy.rcv, 2 + (uint32_t)total);
	/* The last acknowledgement may be lost; the stack asks again. */
	for (int i = 0; i < 100 && s.stack->flows.n; i++) {
		toy_turn();
		script_wait(&s, SCRIPT_SEC);
	}
	ck_assert_uint_eq(s.stack->flows.n, 0);
	ck_assert(!c.sock->rst);
	csm_impair_fini(&to_stack);
	csm_impair_fini(&to_guest);
	script_end(&s);
}

START_TEST(a_good_wire)
{
	const struct csm_impair_rates rates = {.delay = 50000};

	transfer((unsigned int)_i, &rates, 1);
	ck_assert_uint_eq(to_stack.n_lost, 0);
}
END_TEST

START_TEST(a_wire_that_loses)
{
	const struct csm_impair_rates rates = {.lost = 20, .delay = 50000};

	transfer((unsigned int)_i, &rates, 2);
	ck_assert_uint_gt(to_stack.n_lost, 0);
	ck_assert_uint_gt(to_guest.n_lost, 0);
}
END_TEST

START_TEST(a_wire_that_reorders)
{
	const struct csm_impair_rates rates = {
		.delay = 50000,
		.jitter = 40000,
		.late = 10,
		.doubled = 10,
	};

	transfer((unsigned int)_i, &rates, 3);
	ck_assert_uint_gt(to_stack.n_overtaken, 0);
}
END_TEST

START_TEST(a_wire_that_does_everything)
{
	const struct csm_impair_rates rates = {
		.lost = 10,
		.doubled = 10,
		.damaged = 10,
		.delay = 50000,
		.jitter = 20000,
		.late = 10,
	};

	transfer((unsigned int)_i, &rates, 4);
	ck_assert_uint_gt(to_stack.n_damaged + to_guest.n_damaged, 0);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("csm_impair");
	TCase *tc = tcase_create("csm_impair");
	bool full = argc > 1 && !strcmp(argv[1], "full");

	if (full)
		total = UINT64_C(1) << 30;
	tcase_set_timeout(tc, 3600);
#define ADD(name) tcase_add_loop_test(tc, name, 0, SCRIPT_MODES)
	if (full) {
		tcase_add_loop_test(tc, a_wire_that_does_everything, 0, 3);
	} else {
		ADD(a_good_wire);
		ADD(a_wire_that_loses);
		ADD(a_wire_that_reorders);
		ADD(a_wire_that_does_everything);
	}
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
