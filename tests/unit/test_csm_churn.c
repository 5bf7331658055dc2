/* SPDX-License-Identifier: MIT */
/*
 * Ten thousand connections, one after the other and many at once, that end in
 * all the ways there are: no descriptor and no memory is left of them. Over the
 * played host, and over the real one's loopback.
 */
#include "support/csm_script.h"
#include "support/run.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define CONNECTIONS 10000
#define AT_ONCE	    50
#define WARM	    1000
#define WAIT_MS	    60000
#define SLACK	    (64u << 10) /* of the allocator's */

static struct script s;
static struct script_tcp c[AT_ONCE];

static unsigned int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* Bytes that are allocated now. Sanitizers have an allocator that does not say,
 * and look for leaks themselves. */
static size_t allocated(void)
{
	return mallinfo2().uordblks;
}

static void forget_frames(void)
{
	script_forget(&s);
	fake_host_forget_closed(&s.host);
}

/* ---- The played host ---- */

static void end_one(struct script_tcp *t, unsigned int how)
{
	switch (how % 5) {
	case 0:
		script_send(t, "F.");
		script_host_fin(t);
		script_collect(t);
		script_send(t, ".");
		break;
	case 1:
		script_host_fin(t);
		script_collect(t);
		script_send(t, "F.");
		break;
	case 2:
		script_send(t, "R.");
		break;
	case 3:
		script_host_reset(t);
		break;
	default: /* bytes are on their way both ways */
		script_host_send(t, 1000);
		script_send(t, ". len=1000");
		script_send(t, "R.");
	}
	script_forget(&s);
}

START_TEST(played)
{
	size_t warm = 0;

	script_prepare(&s, (unsigned int)_i);
	script_start(&s);
	for (unsigned int i = 0; i < CONNECTIONS; i += AT_ONCE) {
		for (unsigned int k = 0; k < AT_ONCE; k++) {
			script_tcp(&s, &c[k], 80);
			script_open(&c[k]);
			script_host_send(&c[k], 500);
			ck_assert_uint_eq(script_collect(&c[k]), 500);
			script_send(&c[k], ". len=300");
			script_host_got(&c[k], 300);
			script_collect(&c[k]);
		}
		ck_assert_uint_eq(s.stack->flows.n, AT_ONCE);
		for (unsigned int k = 0; k < AT_ONCE; k++)
			end_one(&c[k], i / AT_ONCE + k);
		ck_assert_uint_eq(s.stack->flows.n, 0);
		ck_assert_uint_eq(s.host.n_open, 0);
		forget_frames();
		script_wait(&s, 10 * SCRIPT_MS);
		forget_frames();
		if (i == WARM)
			warm = allocated();
	}
	ck_assert_uint_le(allocated(), warm + SLACK);
	ck_assert_uint_eq(csm_stack_next(s.stack) > s.host.now, true);
	script_end(&s);
}
END_TEST

/* ---- The real one ---- */

static int listener;
static uint16_t port;

static void make_listener(void)
{
	struct sockaddr_in sa = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(sa);

	listener = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_ge(listener, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&sa, len), 0);
	ck_assert_int_eq(listen(listener, AT_ONCE), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&sa, &len),
			 0);
	port = ntohs(sa.sin_port);
}

static void run_real(void)
{
	s.host.now = csm_host_now(s.real);
	script_run(&s);
}

/* Until there are frames. */
static void await_frames(void)
{
	run_real();
	while (!s.n_frames) {
		struct pollfd p = {.fd = s.real->event_fd, .events = POLLIN};

		ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
		run_real();
	}
}

static void read_exactly(int fd, size_t n, uint64_t k)
{
	uint8_t buf[4096];

	while (n) {
		ssize_t got = read(fd, buf, MIN(n, sizeof(buf)));

		ck_assert_int_gt(got, 0);
		for (ssize_t i = 0; i < got; i++, k++) {
			if (buf[i] != script_byte(k, false))
				ck_abort_msg("another byte for the host");
		}
		n -= (size_t)got;
	}
}

static void write_bytes(int fd, size_t n)
{
	uint8_t buf[4096];

	for (size_t i = 0; i < n; i++)
		buf[i] = script_byte(i, true);
	ck_assert_int_eq(write(fd, buf, n), (ssize_t)n);
}

static void real_one(struct script_tcp *t, unsigned int how)
{
	struct linger linger = {.l_onoff = 1};
	size_t got = 0;
	int fd;

	script_tcp(&s, t, port);
	t->far = s.config.aliases[0];
	s.host.now = csm_host_now(s.real);
	script_send(t, "S win=65535 mss=1460 ws=7");
	await_frames();
	script_expect(t, "S. ack=1");
	script_send(t, ". len=700");
	fd = accept(listener, NULL, NULL);
	ck_assert_int_ge(fd, 0);
	read_exactly(fd, 700, 0);
	write_bytes(fd, 900);
	while (got < 900) {
		await_frames();
		got += script_collect(t);
	}
	script_send(t, ".");
	if (how % 3 == 0) { /* the host's end first */
		close(fd);
		while (t->rcv == 901) {
			await_frames();
			script_collect(t);
		}
		script_send(t, "F.");
		script_collect(t);
	} else if (how % 3 == 1) { /* the guest's */
		script_send(t, "F.");
		script_collect(t);
		ck_assert_int_eq(read(fd, &got, 1), 0);
		close(fd);
		while (t->rcv == 901) {
			await_frames();
			script_collect(t);
		}
		script_send(t, ".");
	} else { /* a reset, from either */
		if (how & 1) {
			script_send(t, "R.");
		} else {
			(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger,
					 sizeof(linger));
		}
		close(fd);
	}
	script_forget(&s);
}

/* Connections that the peer has reset end when the kernel says so. */
static void settle(void)
{
	while (s.stack->flows.n) {
		struct pollfd p = {.fd = s.real->event_fd, .events = POLLIN};

		ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
		run_real();
		script_forget(&s);
	}
}

START_TEST(real)
{
	size_t warm = 0;
	unsigned int fds;

	script_prepare(&s, _i ? SCRIPT_RING : 0);
	ck_assert_int_eq(csm_host_linux_create(&s.real), 0);
	ck_assert_int_eq(csm_addr_parse("10.0.2.100", &s.config.aliases[0]), 0);
	s.config.n_aliases = 1;
	make_listener();
	script_start(&s);
	s.stack->peeks4 = s.stack->peeks4 && csm_peek_probe(false);
	fds = open_fds();
	for (unsigned int i = 0; i < CONNECTIONS / 2; i++) {
		real_one(&c[0], i);
		settle();
		if (i == WARM)
			warm = allocated();
	}
	ck_assert_uint_eq(open_fds(), fds);
	ck_assert_uint_le(allocated(), warm + SLACK);
	script_end(&s);
	csm_host_linux_destroy(s.real);
	close(listener);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("csm_churn");
	TCase *tc = tcase_create("csm_churn");

	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, played, 0, 2);
	tcase_add_loop_test(tc, real, 0, 2);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
