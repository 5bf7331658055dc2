/* SPDX-License-Identifier: MIT */
/*
 * A real TCP as consomme's guest: Linux's, in a network namespace behind a tap,
 * talks to Linux's on the loopback, through the stack and over wires that lose,
 * double, damage, delay and reorder. Each end sends and checks its bytes; with
 * the argument "full" more of them.
 */
#include "support/csm_script.h"
#include "support/run.h"
#include "support/skip.h"
#include "support/tap_host.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TAP	 "csm0"
#define GUEST	 "10.0.2.15"
#define HOST	 "10.0.2.100" /* the guest's name for the loopback */
#define FRAMES	 64
#define WAIT_MAX (100 * SCRIPT_MS)

static size_t total = 256 << 10;
static struct script s;
static struct csm_impair to_stack, to_guest;
static int tap, listener;
static uint16_t port;

/* What cannot be asserted in a child: it ends with a message. */
static void must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "csm_linux: %s: %s\n", what, strerror(errno));
	_exit(EXIT_FAILURE);
}

/* ---- Both ends ---- */

/* Sends all of one pattern and checks all of the other, until the end. */
static void exchange(int fd, bool from_host)
{
	size_t sent = 0, got = 0;
	struct linger linger = {.l_onoff = 1, .l_linger = 600};
	uint8_t buf[16384];
	bool eof = false;
	ssize_t n;

	must(fcntl(fd, F_SETFL, O_NONBLOCK) == 0, "fcntl");
	while (!eof || sent < total) {
		struct pollfd p = {.fd = fd};

		p.events = (short)((eof ? 0 : POLLIN) |
				   (sent < total ? POLLOUT : 0));
		must(poll(&p, 1, -1) == 1, "poll");
		if (sent < total) {
			size_t len = MIN(total - sent, sizeof(buf));

			for (size_t i = 0; i < len; i++)
				buf[i] = script_byte(sent + i, from_host);
			n = send(fd, buf, len, MSG_NOSIGNAL);
			must(n > 0 || errno == EAGAIN, "send");
			sent += (size_t)MAX(n, 0);
			if (sent == total)
				must(shutdown(fd, SHUT_WR) == 0, "shutdown");
		}
		n = recv(fd, buf, sizeof(buf), 0);
		must(n >= 0 || errno == EAGAIN, "recv");
		eof = n == 0;
		for (ssize_t i = 0; i < n; i++, got++)
			must(buf[i] == script_byte(got, !from_host),
			     "another byte");
	}
	must(got == total, "an early end");
	/* Not before our FIN has come, however often it has to be sent: with
	 * the guest goes its network. */
	must(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) ==
		     0,
	     "SO_LINGER");
	close(fd);
	_exit(EXIT_SUCCESS);
}

static struct sockaddr_in address(const char *text, uint16_t at)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(at)};

	must(inet_pton(AF_INET, text, &sa.sin_addr) == 1, text);
	return sa;
}

/* The address, a neighbour that is known for ever, and up. */
static void configure_interface(void)
{
	struct sockaddr_in sa = address(GUEST, 0);
	struct ifreq ifr = {.ifr_name = TAP};
	struct arpreq arp = {.arp_flags = ATF_PERM | ATF_COM, .arp_dev = TAP};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	memcpy(&ifr.ifr_addr, &sa, sizeof(sa));
	must(ioctl(fd, SIOCSIFADDR, &ifr) == 0, "SIOCSIFADDR");
	sa = address("255.255.255.0", 0);
	memcpy(&ifr.ifr_netmask, &sa, sizeof(sa));
	must(ioctl(fd, SIOCSIFNETMASK, &ifr) == 0, "SIOCSIFNETMASK");
	ifr.ifr_flags = IFF_UP | IFF_RUNNING;
	must(ioctl(fd, SIOCSIFFLAGS, &ifr) == 0, "SIOCSIFFLAGS");
	sa = address(HOST, 0);
	memcpy(&arp.arp_pa, &sa, sizeof(sa));
	arp.arp_ha.sa_family = ARPHRD_ETHER;
	memcpy(arp.arp_ha.sa_data, s.config.mac, 6);
	must(ioctl(fd, SIOCSARP, &arp) == 0, "SIOCSARP");
	close(fd);
}

static void guest(int ready, int go)
{
	struct sockaddr_in sa = address(HOST, port);
	char byte = 0;
	int fd;

	must(unshare(CLONE_NEWNET) == 0, "unshare");
	must(write(ready, &byte, 1) == 1 && read(go, &byte, 1) == 1, "pipe");
	configure_interface();
	fd = socket(AF_INET, SOCK_STREAM, 0);
	must(connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0, "connect");
	exchange(fd, false);
}

static void server(void)
{
	int fd = accept(listener, NULL, NULL);

	must(fd >= 0, "accept");
	exchange(fd, true);
}

/* ---- The wires and the stack between them ---- */

static pid_t start_guest(void)
{
	int ready[2], go[2];
	char byte = 0;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	ck_assert_int_eq(pipe(go), 0);
	pid = fork();
	if (pid == 0)
		guest(ready[1], go[0]);
	ck_assert_int_gt(pid, 0);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	tap = tap_host_open(TAP, IFF_TAP | IFF_NO_PI);
	ck_assert_int_ge(tap, 0);
	ck_assert_int_eq(fcntl(tap, F_SETFL, O_NONBLOCK), 0);
	tap_host_move(TAP, pid);
	ck_assert_int_eq(write(go[1], &byte, 1), 1);
	return pid;
}

static pid_t start_server(void)
{
	struct sockaddr_in sa = address("127.0.0.1", 0);
	socklen_t len = sizeof(sa);
	pid_t pid;

	listener = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&sa, len), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&sa, &len),
			 0);
	port = ntohs(sa.sin_port);
	pid = fork();
	if (pid == 0)
		server();
	ck_assert_int_gt(pid, 0);
	return pid;
}

static void start_stack(unsigned int mode)
{
	/* A Linux whose segments get lost on the way to somebody without SACK
	 * and timestamps waits ever longer: less of it that way. */
	const struct csm_impair_rates out = {
		.lost = 2,
		.doubled = 2,
		.damaged = 2,
		.late = 2,
		.delay = 50000,
		.jitter = 300000,
	};
	const struct csm_impair_rates in = {
		.lost = 10,
		.doubled = 10,
		.damaged = 10,
		.late = 10,
		.delay = 50000,
		.jitter = 300000,
	};

	script_prepare(&s, mode | SCRIPT_NO_GSO);
	ck_assert_int_eq(csm_host_linux_create(&s.real), 0);
	ck_assert_int_eq(csm_addr_parse(HOST, &s.config.aliases[0]), 0);
	s.config.n_aliases = 1;
	s.host.now = csm_host_now(s.real);
	csm_impair_init(&to_stack, &out, mode + 1);
	csm_impair_init(&to_guest, &in, mode + 100);
	s.to_stack = &to_stack;
	s.to_guest = &to_guest;
	script_start(&s);
	s.stack->peeks4 = s.stack->peeks4 && csm_peek_probe(false);
}

static void wait_for_something(void)
{
	uint64_t now = csm_host_now(s.real), next = script_next(&s), ns;
	struct pollfd p[2] = {
		{.fd = tap, .events = POLLIN},
		{.fd = s.real->event_fd, .events = POLLIN},
	};
	struct timespec ts = {0};

	ns = next > now ? MIN(next - now, WAIT_MAX) : 0;
	ts.tv_nsec = (long)ns;
	(void)ppoll(p, 2, &ts, NULL);
}

static void carry(void)
{
	const struct net_offload none = {0};
	struct script_frame *f;
	uint8_t frame[2048];
	ssize_t n;

	s.host.now = csm_host_now(s.real);
	for (int i = 0; i < FRAMES; i++) {
		n = read(tap, frame, sizeof(frame));
		if (n <= 0)
			break;
		script_send_frame(&s, &none, frame, (size_t)n);
	}
	script_run(&s);
	while ((f = script_take_frame(&s))) {
		/* One that the tap does not take is one more that is lost. */
		n = write(tap, f->bytes, f->len);
		free(f);
	}
}

START_TEST(linux_over_a_bad_wire)
{
	pid_t left[2];
	unsigned int n_left = 2;

	tap_host_set_up("lo", true);
	start_stack((unsigned int)_i);
	left[0] = start_server();
	left[1] = start_guest();
	while (n_left) {
		int status;

		wait_for_something();
		carry();
		for (unsigned int i = 0; i < 2; i++) {
			if (!left[i] ||
			    waitpid(left[i], &status, WNOHANG) != left[i])
				continue;
			left[i] = 0;
			n_left--;
			ck_assert(WIFEXITED(status));
			ck_assert_int_eq(WEXITSTATUS(status), EXIT_SUCCESS);
		}
	}
	ck_assert_uint_gt(to_guest.n_lost + to_guest.n_damaged, 0);
	csm_impair_fini(&to_stack);
	csm_impair_fini(&to_guest);
	script_end(&s);
	csm_host_linux_destroy(s.real);
	close(listener);
	close(tap);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("csm_linux");
	TCase *tc = tcase_create("csm_linux");
	const char *why = tap_host_enter();

	if (why)
		return test_skip(why);
	if (argc > 1 && !strcmp(argv[1], "full"))
		total = 4 << 20;
	tcase_set_timeout(tc, 1200);
	tcase_add_loop_test(tc, linux_over_a_bad_wire, 0, 2);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
