/* SPDX-License-Identifier: MIT */
/*
 * slirp_tap: libslirp behind a tap, for comparison. Usage: slirp_tap FD
 *
 * As a VMM uses the library: each turn asks it what to poll, polls, and gives it
 * the frames that the tap has. The network is 10.0.3.0/24; 10.0.3.2 stands for
 * the host's loopback. Prints a line when it is ready, and runs until it is
 * killed.
 */
#include "base/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libslirp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define POLLS_MAX     16384
#define TIMERS_MAX    8
#define FRAMES_A_TURN 64
#define FRAME_MAX     (64 << 10)
#define GUEST_MTU     1500

struct timer {
	SlirpTimerCb run;
	void *arg;
	int64_t at_ms; /* 0: not set */
};

static int tap = -1;
static Slirp *slirp;
static struct pollfd polls[POLLS_MAX];
static size_t n_polls;
static struct timer timers[TIMERS_MAX];
static size_t n_timers;

static ssize_t send_packet(const void *frame, size_t len, void *arg)
{
	UNUSED(arg);
	return write(tap, frame, len);
}

static void guest_error(const char *text, void *arg)
{
	UNUSED(arg);
	(void)fprintf(stderr, "slirp_tap: %s\n", text);
}

static int64_t clock_ns(void *arg)
{
	struct timespec now;

	UNUSED(arg);
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void *timer_new(SlirpTimerCb run, void *timer_arg, void *arg)
{
	UNUSED(arg);
	if (n_timers == TIMERS_MAX)
		abort();
	timers[n_timers] = (struct timer){.run = run, .arg = timer_arg};
	return &timers[n_timers++];
}

static void timer_free(void *timer, void *arg)
{
	UNUSED(arg);
	((struct timer *)timer)->at_ms = 0;
}

static void timer_mod(void *timer, int64_t at_ms, void *arg)
{
	UNUSED(arg);
	((struct timer *)timer)->at_ms = at_ms;
}

static void ignore_fd(int fd, void *arg)
{
	UNUSED(fd);
	UNUSED(arg);
}

static void ignore_notice(void *arg)
{
	UNUSED(arg);
}

static const SlirpCb callbacks = {
	.send_packet = send_packet,
	.guest_error = guest_error,
	.clock_get_ns = clock_ns,
	.timer_new = timer_new,
	.timer_free = timer_free,
	.timer_mod = timer_mod,
	.register_poll_fd = ignore_fd,
	.unregister_poll_fd = ignore_fd,
	.notify = ignore_notice,
};

/* poll(2)'s bits for the library's, and the other way round. */
static const struct {
	int slirp;
	short poll;
} bits[] = {
	{SLIRP_POLL_IN, POLLIN},   {SLIRP_POLL_OUT, POLLOUT},
	{SLIRP_POLL_PRI, POLLPRI}, {SLIRP_POLL_ERR, POLLERR},
	{SLIRP_POLL_HUP, POLLHUP},
};

static int add_poll(int fd, int events, void *arg)
{
	struct pollfd *entry = &polls[n_polls];

	UNUSED(arg);
	if (n_polls == POLLS_MAX)
		abort();
	*entry = (struct pollfd){.fd = fd};
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
		if (events & bits[i].slirp)
			entry->events |= bits[i].poll;
	}
	return (int)n_polls++;
}

static int get_revents(int index, void *arg)
{
	int events = 0;

	UNUSED(arg);
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
		if (polls[index].revents & bits[i].poll)
			events |= bits[i].slirp;
	}
	return events;
}

static void run_timers(void)
{
	int64_t now = clock_ns(NULL) / 1000000;

	for (size_t i = 0; i < n_timers; i++) {
		struct timer *timer = &timers[i];

		if (!timer->at_ms || timer->at_ms > now)
			continue;
		timer->at_ms = 0;
		timer->run(timer->arg);
	}
}

/* How long poll() may take, in ms; -1: for ever. */
static int timeout_of(uint32_t wish)
{
	int64_t now = clock_ns(NULL) / 1000000;
	int64_t timeout = wish == UINT32_MAX ? INT32_MAX : (int64_t)wish;

	for (size_t i = 0; i < n_timers; i++) {
		if (timers[i].at_ms)
			timeout = MIN(timeout, MAX(timers[i].at_ms - now, 0));
	}
	return timeout == INT32_MAX ? -1 : (int)timeout;
}

static void input(void)
{
	static uint8_t frame[FRAME_MAX];

	for (int i = 0; i < FRAMES_A_TURN; i++) {
		ssize_t n = read(tap, frame, sizeof(frame));

		if (n <= 0)
			break;
		slirp_input(slirp, frame, (int)n);
	}
}

static void turn(void)
{
	uint32_t wish = UINT32_MAX;
	int n;

	polls[0] = (struct pollfd){.fd = tap, .events = POLLIN};
	n_polls = 1;
	slirp_pollfds_fill(slirp, &wish, add_poll, NULL);
	n = poll(polls, (nfds_t)n_polls, timeout_of(wish));
	slirp_pollfds_poll(slirp, n < 0, get_revents, NULL);
	run_timers();
	if (n > 0 && polls[0].revents)
		input();
}

int main(int argc, char **argv)
{
	SlirpConfig config = {
		.version = 4,
		.in_enabled = true,
		.vnetwork.s_addr = inet_addr("10.0.3.0"),
		.vnetmask.s_addr = inet_addr("255.255.255.0"),
		.vhost.s_addr = inet_addr("10.0.3.2"),
		.vdhcp_start.s_addr = inet_addr("10.0.3.15"),
		.vnameserver.s_addr = inet_addr("10.0.3.3"),
		.if_mtu = GUEST_MTU,
		.if_mru = GUEST_MTU,
	};

	if (argc != 2)
		return EXIT_FAILURE;
	tap = (int)strtol(argv[1], NULL, 10);
	slirp = slirp_new(&config, &callbacks, NULL);
	(void)printf("libslirp %s\n", slirp_version_string());
	(void)fflush(stdout);
	for (;;)
		turn();
}
