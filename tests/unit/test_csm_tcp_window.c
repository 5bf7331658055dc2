/* SPDX-License-Identifier: MIT */
/*
 * The window that a guest is told, as a function; and the ring that holds what a
 * connection cannot leave in its socket.
 */
#include "backends/consomme/tcp.h"
#include "support/run.h"

#include <check.h>
#include <string.h>

#define SCALED_MAX (65535u << CSM_TCP_SCALE)

static const struct window_case {
	const char *what;
	struct csm_window_state state;
	uint32_t window;
} windows[] = {
	{"three quarters of the room",
	 {.sndbuf = 400000, .queued = 200000, .mss = 1460},
	 150000},
	{"less what waits for that room",
	 {.sndbuf = 400000, .queued = 200000, .spilled = 50000, .mss = 1460},
	 100000},
	{"more waits than there is room",
	 {.sndbuf = 400000, .queued = 390000, .spilled = 50000, .mss = 1460},
	 0},
	{"what was told stays told",
	 {.sndbuf = 400000,
	  .queued = 400000,
	  .spilled = 50000,
	  .told = 4321,
	  .mss = 1460},
	 4321},
	{"and is not added to",
	 {.sndbuf = 400000, .queued = 200000, .told = 100000, .mss = 1460},
	 150000},
	{"a full buffer", {.sndbuf = 87040, .queued = 87040, .mss = 1460}, 0},
	{"an overfull buffer",
	 {.sndbuf = 87040, .queued = 90000, .mss = 1460},
	 0},
	{"less than a segment is nothing",
	 {.sndbuf = 87040, .queued = 86000, .mss = 1460},
	 0},
	{"a segment is something",
	 {.sndbuf = 87040, .queued = 85040, .mss = 1460},
	 1500},
	{"the smallest buffer, and nothing would ever be more",
	 {.sndbuf = 1000, .mss = 1460},
	 1460},
	{"a buffer smaller than a segment, a third of it free",
	 {.sndbuf = 46080, .queued = 30720, .mss = 65480},
	 65480},
	{"the same, not quite a third",
	 {.sndbuf = 46080, .queued = 30722, .mss = 65480},
	 0},
	{"the same, empty: the spill makes it good",
	 {.sndbuf = 46080, .mss = 65480},
	 65480},
	{"the same, empty, but something waits still",
	 {.sndbuf = 46080, .spilled = 1, .mss = 65480},
	 0},
	{"a usual buffer, and a large MTU",
	 {.sndbuf = 87040, .queued = 20000, .mss = 65480},
	 65480},
	{"nobody knows the buffer", {.mss = 1460}, 1460},
	{"no more than may be",
	 {.sndbuf = 4u << 20, .mss = 1460, .most = 65535},
	 65535},
	{"but what was told",
	 {.sndbuf = 4u << 20, .mss = 1460, .most = 65535, .told = 70000},
	 70000},
	{"as much as can be told",
	 {.sndbuf = UINT32_MAX, .mss = 1460},
	 SCALED_MAX},
};

START_TEST(test_window)
{
	const struct window_case *c = &windows[_i];
	struct csm_window_state state = c->state;
	uint32_t window;

	if (!state.most)
		state.most = SCALED_MAX;
	window = csm_tcp_window(&state);
	ck_assert_msg(window == c->window, "%s: %u instead of %u", c->what,
		      window, c->window);
}
END_TEST

/* Whatever is asked: never less than what is left of what was told, never more
 * than can be told, never less than a segment; but something when there is room,
 * and enough of it when the kernel tells of it. */
static void check_rules(const struct csm_window_state *s)
{
	uint32_t window = csm_tcp_window(s);
	bool writable = s->queued <= s->sndbuf &&
			s->sndbuf - s->queued >= s->queued / 2;

	ck_assert_uint_ge(window, s->told);
	ck_assert_uint_le(window, s->most);
	ck_assert(window == 0 || window == s->told || window >= s->mss);
	if (s->spilled)
		return;
	if (!s->queued)
		ck_assert_uint_ge(window, s->mss);
	if (writable)
		ck_assert_uint_ge(window, MIN(s->sndbuf / 4, s->most));
}

START_TEST(test_window_rules)
{
	static const uint32_t sizes[] = {
		0,	 1,	  1000,	    4608,      16384,	  87040,
		2621440, 4194304, 5u << 20, 64u << 20, UINT32_MAX};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		for (size_t j = 0; j < ARRAY_SIZE(sizes); j++)
			check_rules(&(struct csm_window_state){
				.sndbuf = sizes[i],
				.queued = sizes[j],
				.mss = 1460,
				.most = _i & 1 ? SCALED_MAX : 65535,
				.spilled = _i & 2 ? 70000 : 0,
				.told = _i & 4 ? 777 : 0,
			});
}
END_TEST

/* Puts @n bytes counted on from @from in. */
static void put(struct csm_ring *ring, uint32_t from, uint32_t n)
{
	struct iovec iov[2];
	uint32_t done = 0;

	ck_assert_int_eq(csm_ring_reserve(ring, n), 0);
	for (size_t i = 0, n_iov = csm_ring_room(ring, iov); i < n_iov; i++) {
		uint8_t *at = iov[i].iov_base;

		for (size_t k = 0; k < iov[i].iov_len && done < n; k++)
			at[k] = (uint8_t)((from + done++) % 251);
	}
	ck_assert_uint_eq(done, n);
	csm_ring_added(ring, n);
}

static void check(const struct csm_ring *ring, uint32_t skip, uint32_t n,
		  uint32_t from)
{
	struct iovec iov[2];
	uint32_t done = 0;

	for (size_t i = 0, m = csm_ring_held(ring, skip, n, iov); i < m; i++) {
		const uint8_t *at = iov[i].iov_base;

		for (size_t k = 0; k < iov[i].iov_len; k++)
			if (at[k] != (from + done++) % 251)
				ck_abort_msg("byte %u is wrong", done);
	}
	ck_assert_uint_eq(done, n);
}

START_TEST(test_ring)
{
	struct csm_ring ring = {0};
	uint32_t in = 0, out = 0, step = 1;

	ck_assert_uint_eq(csm_ring_held(&ring, 0, 0, NULL), 0);
	for (int i = 0; i < 1000; i++) {
		step = step * 1103515245 + 12345;
		put(&ring, in, (step >> 16) % 9000);
		in += (step >> 16) % 9000;
		check(&ring, 0, in - out, out);
		check(&ring, (in - out) / 2, in - out - (in - out) / 2,
		      out + (in - out) / 2);
		step = step * 1103515245 + 12345;
		csm_ring_take(&ring, MIN((step >> 16) % 9000, in - out));
		out += MIN((step >> 16) % 9000, in - out);
		ck_assert_uint_eq(ring.len, in - out);
	}
	csm_ring_take(&ring, in - out);
	ck_assert_ptr_null(ring.bytes);
	ck_assert_uint_eq(ring.size, 0);
	csm_ring_fini(&ring);
}
END_TEST

/* Memory comes with the first byte, doubles, and goes with the last one. */
START_TEST(test_ring_memory)
{
	struct csm_ring ring = {0};

	ck_assert_int_eq(csm_ring_reserve(&ring, 0), 0);
	ck_assert_uint_eq(ring.size, 0);
	put(&ring, 0, 1);
	ck_assert_uint_eq(ring.size, CSM_RING_MIN);
	put(&ring, 1, CSM_RING_MIN - 1);
	ck_assert_uint_eq(ring.size, CSM_RING_MIN);
	csm_ring_take(&ring, 10);
	put(&ring, CSM_RING_MIN, 11);
	ck_assert_uint_eq(ring.size, (size_t)2 * CSM_RING_MIN);
	check(&ring, 0, CSM_RING_MIN + 1, 10);
	csm_ring_take(&ring, CSM_RING_MIN + 1);
	ck_assert_ptr_null(ring.bytes);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("csm_tcp_window");
	TCase *window = tcase_create("window");
	TCase *ring = tcase_create("ring");

	tcase_set_timeout(window, 60);
	tcase_set_timeout(ring, 60);

	tcase_add_loop_test(window, test_window, 0, (int)ARRAY_SIZE(windows));
	tcase_add_loop_test(window, test_window_rules, 0, 8);
	suite_add_tcase(suite, window);
	tcase_add_test(ring, test_ring);
	tcase_add_test(ring, test_ring_memory);
	suite_add_tcase(suite, ring);
	return test_run(suite);
}
