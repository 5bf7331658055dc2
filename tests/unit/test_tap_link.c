/* SPDX-License-Identifier: MIT */
/*
 * The tap's link state: down and up, deleted, moved to another network
 * namespace, and never a loop that spins.
 */
#include "backends/tap_netlink.h"
#include "backends/tap_open.h"

#include "support/net_bufs.h"
#include "support/run.h"
#include "support/skip.h"
#include "support/tap_host.h"
#include "support/tap_named.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TAP_FLAGS    (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)
#define WAIT_SECONDS 60

static struct loop loop;
static struct net_endpoint *ep;
static struct net_queue *queue;
static struct net_bufs bufs;
static unsigned int readies, actions;
static struct net_action last;

static void ready_cb(struct net_queue_client *client)
{
	UNUSED(client);
	readies++;
}

static struct net_queue_client client = {.ready = ready_cb};

static void action_cb(void *arg, struct net_action action)
{
	UNUSED(arg);
	actions++;
	last = action;
	net_endpoint_wait_for_action(ep, action_cb, NULL);
}

static void done_cb(void *arg, int err)
{
	*(int *)arg = err;
}

static void open_endpoint(const struct tap_config *config)
{
	struct tap_error err = {""};

	ck_assert_msg(!tap_endpoint_create(config, &loop, &err, &ep), "%s",
		      err.text);
	net_endpoint_wait_for_action(ep, action_cb, NULL);
}

static void setup(void)
{
	static const struct tap_request request = {.ifname = "tap0"};
	struct tap_error err = {""};

	ck_assert_int_eq(loop_init(&loop), 0);
	tap_host_add("tap0", TAP_FLAGS);
	tap_host_set_up("tap0", true);
	ck_assert_msg(!tap_named_create(&request, &loop, &err, &ep), "%s",
		      err.text);
	net_endpoint_wait_for_action(ep, action_cb, NULL);
	actions = 0;
	readies = 0;
}

static void start(void)
{
	static const struct net_bufs_config config = {
		.n_bufs = 8,
		.buf_len = 2048,
		.header_room = true,
		.rx_span = 1,
		.tx_len = 4096,
	};
	struct net_queue_config queue_config = {
		.loop = &loop,
		.client = &client,
		.vnet_hdr = true,
		.rx_span = 1,
	};
	int err = 1;

	ck_assert_int_eq(net_bufs_init(&bufs, &config), 0);
	ck_assert_int_eq(net_endpoint_get_queues(ep, &queue_config, 1, NULL,
						 &queue, done_cb, &err),
			 0);
	while (err == 1)
		loop_run_once(&loop);
	ck_assert_int_eq(err, 0);
}

static void stop(void)
{
	int err = 1;

	net_queue_destroy(queue);
	queue = NULL;
	net_bufs_fini(&bufs);
	ck_assert_int_eq(net_endpoint_stop(ep, done_cb, &err), 0);
	while (err == 1)
		loop_run_once(&loop);
}

static void teardown(void)
{
	if (queue)
		stop();
	net_endpoint_wait_for_action(ep, NULL, NULL);
	net_endpoint_destroy(ep);
	if (tap_host_exists("tap0"))
		tap_host_delete("tap0");
	loop_fini(&loop);
}

static void timeout_cb(struct ev_loop *ev, ev_timer *timer, int revents)
{
	UNUSED(timer);
	UNUSED(revents);
	ck_abort_msg("no such action within %d s", WAIT_SECONDS);
	ev_break(ev, EVBREAK_ALL);
}

/* Runs the loop until the last action says so. */
static void expect_link(bool up)
{
	ev_timer timer;

	ev_timer_init(&timer, timeout_cb, WAIT_SECONDS, 0.);
	ev_timer_start(loop.ev, &timer);
	while (!actions || last.link_up != up)
		ev_run(loop.ev, EVRUN_ONCE);
	ev_timer_stop(loop.ev, &timer);
	ck_assert_int_eq(last.type, NET_ACTION_LINK_STATUS);
	ck_assert(net_endpoint_link_up(ep) == up);
}

START_TEST(down_and_up)
{
	ck_assert(net_endpoint_link_up(ep));
	start();
	for (int i = 0; i < 3; i++) {
		tap_host_set_up("tap0", false);
		expect_link(false);
		tap_host_set_up("tap0", true);
		expect_link(true);
	}
	ck_assert_uint_eq(actions, 6);
}
END_TEST

/* Other interfaces are none of our business. */
START_TEST(others)
{
	tap_host_add("tap1", TAP_FLAGS);
	for (int i = 0; i < 200; i++)
		tap_host_set_up("tap1", i & 1);
	tap_host_delete("tap1");
	tap_host_set_up("tap0", false);
	expect_link(false);
	ck_assert_uint_eq(actions, 1);
}
END_TEST

/* More messages than the socket holds. */
static void flood(void)
{
	tap_host_add("tap1", TAP_FLAGS);
	for (int i = 0; i < 2000; i++)
		tap_host_set_up("tap1", i & 1);
	tap_host_delete("tap1");
}

/* What was lost is asked for anew. */
START_TEST(overflow)
{
	flood();
	tap_host_set_up("tap0", false);
	expect_link(false);
	flood();
	tap_host_set_up("tap0", true);
	expect_link(true);
	flood();
	tap_host_delete("tap0");
	expect_link(false);
}
END_TEST

static void send_one(void)
{
	unsigned char frame[12 + 60] = {0};
	struct net_tx_meta meta = {.vnet_hdr = true};
	struct net_tx_taken taken;
	struct net_tx_seg seg;

	net_bufs_tx_reset(&bufs);
	ck_assert_uint_eq(
		net_bufs_tx(&bufs, &meta, frame, sizeof(frame), 0, &seg, 1), 1);
	ck_assert_int_eq(net_queue_tx_avail(queue, &bufs.base, &seg, 1, &taken),
			 0);
	ck_assert_uint_eq(taken.n_segs, 1);
	ck_assert(taken.completed);
}

/* The loop sleeps: a round of it that may sleep ends by the timer. */
static void nap_cb(struct ev_loop *ev, ev_timer *timer, int revents)
{
	UNUSED(ev);
	UNUSED(revents);
	*(bool *)timer->data = true;
}

static void expect_asleep(void)
{
	unsigned int rounds = 0;
	bool over = false;
	ev_timer timer;

	ev_timer_init(&timer, nap_cb, 0.05, 0.);
	timer.data = &over;
	ev_timer_start(loop.ev, &timer);
	while (!over) {
		ev_run(loop.ev, EVRUN_ONCE);
		rounds++;
	}
	ck_assert_uint_le(rounds, 5);
}

START_TEST(deleted)
{
	struct net_rx_packet packet;
	size_t n;

	start();
	net_bufs_give(&bufs, queue, 0, 8);
	ck_assert_int_eq(net_queue_rx_poll(queue, &bufs.base, &packet, 1, &n),
			 0);
	ck_assert(!net_queue_poll_ready(queue, &bufs.base));
	tap_host_delete("tap0");
	expect_link(false);
	while (!readies)
		ev_run(loop.ev, EVRUN_ONCE);
	/* The worker polls; the queue finds out and is quiet for good. */
	ck_assert_int_eq(net_queue_rx_poll(queue, &bufs.base, &packet, 1, &n),
			 0);
	ck_assert_uint_eq(n, 0);
	ck_assert(!net_queue_poll_ready(queue, &bufs.base));
	send_one();
	send_one();
	ck_assert_uint_eq(net_queue_stats(queue)->tx_dropped, 2);
	expect_asleep();
	ck_assert_uint_eq(actions, 1);

	/* A guest that starts anew finds the link down, and nothing worse. */
	stop();
	start();
	net_bufs_give(&bufs, queue, 0, 8);
	ck_assert(!net_queue_poll_ready(queue, &bufs.base));
	send_one();
	ck_assert(!net_endpoint_link_up(ep));
	expect_asleep();
}
END_TEST

/* Nobody has buffers to give and nobody sends. */
START_TEST(deleted_while_idle)
{
	start();
	ck_assert(!net_queue_poll_ready(queue, &bufs.base));
	tap_host_delete("tap0");
	expect_link(false);
	expect_asleep();
}
END_TEST

/* A process in a network namespace of its own, until it is killed. */
static pid_t spawn_namespace(void)
{
	int pair[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid) {
		if (unshare(CLONE_NEWNET) < 0 || write(pair[1], "x", 1) != 1)
			_exit(1);
		(void)pause();
		_exit(0);
	}
	(void)close(pair[1]);
	ck_assert_int_eq(read(pair[0], &byte, 1), 1);
	(void)close(pair[0]);
	return pid;
}

static void reap(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

static void take_up(void)
{
	tap_host_set_up("tap0", true);
}

static void take_down(void)
{
	tap_host_set_up("tap0", false);
}

static void take_away(void)
{
	tap_host_delete("tap0");
}

static void in_namespace_of(pid_t pid, void (*fn)(void))
{
	int status;
	pid_t child = fork();

	ck_assert_int_ge(child, 0);
	if (!child) {
		char path[64];
		FILE *file;

		(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
		file = fopen(path, "re");
		if (!file || setns(fileno(file), CLONE_NEWNET) < 0)
			_exit(1);
		fn();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}

/* Nobody looks after it: the link counts as up, until the queue meets the end. */
START_TEST(moved)
{
	pid_t pid = spawn_namespace();

	start();
	tap_host_move("tap0", pid);
	expect_link(true);
	actions = 0;
	in_namespace_of(pid, take_away);
	while (!actions) {
		send_one();
		loop_run_once(&loop);
	}
	expect_link(false);
	expect_asleep();
	reap(pid);
}
END_TEST

static int open_namespace_of(pid_t pid)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	return fd;
}

/* A tap of the namespace of @pid takes the place of ours. @followed: with a
 * socket of there. */
static void open_there(pid_t pid, bool followed)
{
	int here = open_namespace_of(getpid()), there = open_namespace_of(pid);
	int fd;
	struct tap_config config = {.fds = &fd, .n_fds = 1};

	tap_host_set_up("tap0", false);
	net_endpoint_wait_for_action(ep, NULL, NULL);
	net_endpoint_destroy(ep);
	ck_assert_int_eq(setns(there, CLONE_NEWNET), 0);
	fd = tap_host_open("tap0", TAP_FLAGS);
	ck_assert_int_eq(setns(here, CLONE_NEWNET), 0);
	close_fd(&there);
	close_fd(&here);
	config.link_fd =
		followed ? tap_netlink_open_for(fd) : tap_netlink_open();
	open_endpoint(&config);
}

/* Without a socket from there the link counts as up, until the queue meets the
 * end. An interface of the same name misleads nobody. */
START_TEST(not_followed)
{
	pid_t pid = spawn_namespace();

	open_there(pid, false);
	ck_assert(net_endpoint_link_up(ep));
	start();
	actions = 0;
	in_namespace_of(pid, take_away);
	while (!actions) {
		send_one();
		loop_run_once(&loop);
	}
	expect_link(false);
	reap(pid);
}
END_TEST

START_TEST(followed_elsewhere)
{
	pid_t pid = spawn_namespace();

	open_there(pid, true);
	ck_assert(!net_endpoint_link_up(ep));
	tap_host_set_up("tap0", true); /* ours, of the same name */
	in_namespace_of(pid, take_up);
	expect_link(true);
	in_namespace_of(pid, take_down);
	expect_link(false);
	in_namespace_of(pid, take_up);
	expect_link(true);
	in_namespace_of(pid, take_away);
	expect_link(false);
	expect_asleep();
	reap(pid);
}
END_TEST

/* Nobody may look: the socket is of our own namespace. */
START_TEST(no_right_to_look)
{
	int fd = tap_host_open("tap1", TAP_FLAGS), netlink;
	struct tap_info info;

	tap_host_set_net_admin(false);
	netlink = tap_netlink_open_for(fd);
	tap_host_set_net_admin(true);
	ck_assert_int_ge(netlink, 0);
	ck_assert_int_eq(tap_netlink_info(netlink, "tap1", &info), 0);
	ck_assert(info.is_tun && info.known && info.tap && !info.pi &&
		  !info.multi_queue);
	ck_assert_int_eq(tap_netlink_info(netlink, "lo", &info), 0);
	ck_assert(!info.is_tun && !info.known);
	ck_assert_int_eq(tap_netlink_info(netlink, "none0", &info), -ENODEV);
	close_fd(&netlink);
	close_fd(&fd);
}
END_TEST

int main(void)
{
	const char *why = tap_host_enter();
	Suite *suite;
	TCase *tc;

	if (why)
		return test_skip(why);
	suite = suite_create("tap_link");
	tc = tcase_create("link");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, down_and_up);
	tcase_add_test(tc, others);
	tcase_add_test(tc, overflow);
	tcase_add_test(tc, deleted);
	tcase_add_test(tc, deleted_while_idle);
	tcase_add_test(tc, moved);
	tcase_add_test(tc, not_followed);
	tcase_add_test(tc, followed_elsewhere);
	tcase_add_test(tc, no_right_to_look);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
