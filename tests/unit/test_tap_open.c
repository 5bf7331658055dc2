/* SPDX-License-Identifier: MIT */
/*
 * Opening taps, and every way in which that fails: one line each, nothing left
 * behind.
 */
#include "backends/tap_netlink.h"
#include "backends/tap_open.h"

#include "support/run.h"
#include "support/skip.h"
#include "support/tap_host.h"
#include "support/tap_named.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TAP_FLAGS (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)
#define MQ_FLAGS  (TAP_FLAGS | IFF_MULTI_QUEUE)

static struct loop loop;
static size_t fds_before;

static size_t count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}

static void setup(void)
{
	ck_assert_int_eq(loop_init(&loop), 0);
	fds_before = count_fds();
}

static void teardown(void)
{
	ck_assert_uint_eq(count_fds(), fds_before);
	loop_fini(&loop);
}

/* Opening fails with @code and the line @text. */
static void expect_error(const struct tap_request *request, int code,
			 const char *text)
{
	struct tap_opened tap;
	struct tap_error err;

	ck_assert_int_eq(tap_open(request, &tap, &err), code);
	ck_assert_str_eq(err.text, text);
}

/* Taking over does. */
static void expect_refusal(const struct tap_config *config, int code,
			   const char *text)
{
	struct net_endpoint *ep;
	struct tap_error err;

	ck_assert_int_eq(tap_endpoint_create(config, &loop, &err, &ep), code);
	ck_assert_str_eq(err.text, text);
	/* The descriptors are the caller's. */
	if (config->link_fd >= 0)
		ck_assert_int_eq(close(config->link_fd), 0);
}

static struct net_endpoint *adopt_tap(const struct tap_config *config)
{
	struct net_endpoint *ep;
	struct tap_error err = {""};

	ck_assert_msg(tap_endpoint_create(config, &loop, &err, &ep) == 0, "%s",
		      err.text);
	return ep;
}

static struct net_endpoint *open_tap(const struct tap_request *request)
{
	struct net_endpoint *ep;
	struct tap_error err = {""};

	ck_assert_msg(tap_named_create(request, &loop, &err, &ep) == 0, "%s",
		      err.text);
	return ep;
}

static struct tap_request by_name(const char *name)
{
	return (struct tap_request){.ifname = name};
}

static struct tap_config by_fd(const int *fd)
{
	return (struct tap_config){
		.fds = fd, .n_fds = 1, .link_fd = tap_netlink_open()};
}

START_TEST(missing)
{
	struct tap_request config = by_name("none0");

	expect_error(&config, -ENODEV,
		     "none0: no such network interface; make it with \"ip "
		     "tuntap add dev none0 mode tap\" or set \"create\": true");
	ck_assert(!tap_host_exists("none0"));
}
END_TEST

START_TEST(bad_names)
{
	static const char *const names[] = {
		"", "sixteen-is-a-lot", "a/b", "tap%d", "a b", ".."};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct tap_request config = by_name(names[i]);
		struct tap_opened tap;
		struct tap_error err;

		config.create = true;
		ck_assert_int_eq(tap_open(&config, &tap, &err), -EINVAL);
		ck_assert_ptr_nonnull(strstr(err.text, "not a name"));
	}
}
END_TEST

START_TEST(not_a_tap)
{
	struct tap_request lo = by_name("lo"), tun = by_name("tun0");

	expect_error(&lo, -EINVAL,
		     "lo: not a tap interface; make one with \"ip tuntap add "
		     "dev NAME mode tap\"");
	tap_host_add("tun0", IFF_TUN | IFF_NO_PI);
	expect_error(&tun, -EINVAL,
		     "tun0: a tun interface, which carries no Ethernet frames; "
		     "make one with \"mode tap\"");
	tap_host_delete("tun0");
}
END_TEST

START_TEST(busy)
{
	struct tap_request config = by_name("busy0");
	int fd = tap_host_open("busy0", TAP_FLAGS);

	expect_error(&config, -EBUSY,
		     "busy0: TUNSETIFF: Device or resource busy (EBUSY): "
		     "another process has it open; end that process or use "
		     "another tap");
	(void)close(fd);
}
END_TEST

/* The queues of an interface that are attached. */
static size_t attached(const char *name)
{
	char path[64];
	const struct dirent *entry;
	size_t n = 0;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/sys/class/net/%s/queues", name);
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)))
		n += strncmp(entry->d_name, "tx-", 3) == 0;
	(void)closedir(dir);
	return n;
}

/* Opens, looks at what it offers, and closes. */
static void expect_queues(struct net_endpoint *ep, const char *name, uint16_t n)
{
	struct net_multiqueue mq = net_endpoint_multiqueue_support(ep);

	ck_assert_uint_eq(mq.max_queues, n);
	ck_assert_uint_eq(mq.indirection_table_size,
			  n > 1 ? NET_RSS_TABLE_MAX : 0);
	ck_assert_uint_eq(attached(name), 1);
	net_endpoint_destroy(ep);
}

/* A tap that was made for several queues has as many as one asks for. */
START_TEST(multi_queue)
{
	struct tap_request config = by_name("mq0");

	tap_host_add("mq0", MQ_FLAGS);
	for (uint16_t n = 0; n <= 8; n++) {
		config.max_queues = n;
		expect_queues(open_tap(&config), "mq0", n ? n : 1);
	}
	tap_host_delete("mq0");
	config.max_queues = 3;
	config.create = true;
	expect_queues(open_tap(&config), "mq0", 3);
	ck_assert(!tap_host_exists("mq0"));
}
END_TEST

START_TEST(multi_queue_wrong)
{
	struct tap_request config = by_name("one0");
	int fd;

	config.max_queues = 2;
	expect_error(&config, -ENODEV,
		     "one0: no such network interface; make it with \"ip "
		     "tuntap add dev one0 mode tap multi_queue\" or set "
		     "\"create\": true");
	tap_host_add("one0", TAP_FLAGS);
	expect_error(&config, -EINVAL,
		     "one0: a tap of one queue, and 2 were asked for; make it "
		     "with \"ip tuntap add dev one0 mode tap multi_queue\" or "
		     "set \"queue_pairs\": 1");
	tap_host_delete("one0");
	config.max_queues = 257;
	expect_error(&config, -EINVAL,
		     "one0: 257 queue pairs, and a tap has at most 256");

	fd = tap_host_open("one0", MQ_FLAGS);
	config.max_queues = 2;
	expect_error(&config, -EBUSY,
		     "one0: another process has 1 of its queues open; end that "
		     "process or use another tap");
	ck_assert_uint_eq(attached("one0"), 1);
	(void)close(fd);
}
END_TEST

START_TEST(inherited_queues)
{
	int fds[3];
	struct tap_config config = {.fds = fds, .n_fds = 3, .link_fd = -1};
	struct ifreq detach = {.ifr_flags = IFF_DETACH_QUEUE};

	for (size_t i = 0; i < 3; i++)
		fds[i] = tap_host_open("mq0", MQ_FLAGS);
	/* The launcher may leave them in any state. */
	ck_assert_int_eq(ioctl(fds[1], TUNSETQUEUE, &detach), 0);
	expect_queues(adopt_tap(&config), "mq0", 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(fcntl(fds[i], F_GETFL), -1);
}
END_TEST

START_TEST(inherited_queues_wrong)
{
	int fds[2];
	struct tap_config config = {.fds = fds, .n_fds = 2, .link_fd = -1};
	char text[256];

	fds[0] = tap_host_open("mq0", MQ_FLAGS);
	fds[1] = tap_host_open("mq1", MQ_FLAGS);
	(void)snprintf(text, sizeof(text),
		       "fd %d (mq1): another tap than mq0; pass queues of one "
		       "tap",
		       fds[1]);
	expect_refusal(&config, -EINVAL, text);
	(void)close(fds[1]);
	fds[1] = fds[0];
	(void)snprintf(text, sizeof(text), "fd %d (mq0): passed twice", fds[0]);
	expect_refusal(&config, -EINVAL, text);
	(void)close(fds[0]);

	fds[0] = tap_host_open("one0", TAP_FLAGS);
	fds[1] = fds[0];
	(void)snprintf(text, sizeof(text),
		       "fd %d (one0): opened without IFF_MULTI_QUEUE, and 2 "
		       "queues were passed",
		       fds[0]);
	expect_refusal(&config, -EINVAL, text);
	(void)close(fds[0]);
}
END_TEST

START_TEST(no_right_to_make)
{
	struct tap_request config = by_name("new0");

	config.create = true;
	tap_host_set_net_admin(false);
	expect_error(&config, -EPERM,
		     "new0: Operation not permitted (EPERM): no right to make "
		     "a tap; run with CAP_NET_ADMIN or make it beforehand");
	tap_host_set_net_admin(true);
}
END_TEST

START_TEST(no_right_to_open)
{
	struct tap_request config = by_name("owned0");
	int fd = tap_host_open("owned0", TAP_FLAGS);
	bool owned = ioctl(fd, TUNSETOWNER, 12345) == 0;

	ck_assert(owned || errno == EINVAL); /* not a user of the namespace */
	ck_assert_int_eq(ioctl(fd, TUNSETPERSIST, 1), 0);
	(void)close(fd);
	if (owned) {
		tap_host_set_net_admin(false);
		expect_error(&config, -EPERM,
			     "owned0: TUNSETIFF: Operation not permitted "
			     "(EPERM): it belongs to another user; give it "
			     "away with \"ip tuntap add ... user USER\" or run "
			     "with CAP_NET_ADMIN");
		tap_host_set_net_admin(true);
	}
	tap_host_delete("owned0");
}
END_TEST

START_TEST(created_and_given_back)
{
	struct tap_request config = by_name("made0");
	struct net_endpoint *ep;

	config.create = true;
	ep = open_tap(&config);
	ck_assert(tap_host_exists("made0"));
	ck_assert(net_endpoint_link_up(ep));
	ck_assert_str_eq(net_endpoint_type(ep), "tap");
	net_endpoint_destroy(ep);
	ck_assert(!tap_host_exists("made0"));
}
END_TEST

START_TEST(existing_stays)
{
	struct tap_request config = by_name("stay0");
	struct net_endpoint *ep;
	int fd, len = 0;

	tap_host_add("stay0", TAP_FLAGS);
	for (int i = 0; i < 2; i++) {
		config.create = i;
		ep = open_tap(&config);
		ck_assert(!net_endpoint_link_up(ep));
		net_endpoint_destroy(ep);
		ck_assert(tap_host_exists("stay0"));
	}
	/* The header size is what it was. */
	fd = tap_host_open("stay0", TAP_FLAGS);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ioctl(fd, TUNGETVNETHDRSZ, &len), 0);
	ck_assert_int_eq(len, 10);
	(void)close(fd);
	tap_host_delete("stay0");
}
END_TEST

START_TEST(inherited)
{
	int fd = tap_host_open("fd0", TAP_FLAGS);
	struct tap_config config = by_fd(&fd);
	struct net_endpoint *ep;

	ck_assert_int_eq(fcntl(fd, F_SETFL, 0), 0);
	ep = adopt_tap(&config);
	ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
	ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	net_endpoint_destroy(ep); /* closes it */
	ck_assert_int_eq(fcntl(fd, F_GETFL), -1);
}
END_TEST

START_TEST(inherited_wrong)
{
	int pipes[2], fd;
	struct tap_config config;
	char text[256];

	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	config = by_fd(&pipes[0]);
	(void)snprintf(text, sizeof(text),
		       "fd %d: Inappropriate ioctl for device (ENOTTY): not an "
		       "open /dev/net/tun; pass a tap",
		       pipes[0]);
	expect_refusal(&config, -ENOTTY, text);
	(void)close(pipes[0]);
	(void)close(pipes[1]);

	fd = 777;
	config = by_fd(&fd);
	expect_refusal(&config, -EBADF,
		       "fd 777: Bad file descriptor (EBADF): not an open "
		       "/dev/net/tun; pass a tap");

	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	config = by_fd(&fd);
	(void)snprintf(text, sizeof(text),
		       "fd %d: File descriptor in bad state (EBADFD): not "
		       "attached to an interface; pass it after TUNSETIFF",
		       fd);
	expect_refusal(&config, -EBADFD, text);
	(void)close(fd);

	fd = tap_host_open("plain0", IFF_TAP);
	config = by_fd(&fd);
	(void)snprintf(text, sizeof(text),
		       "fd %d (plain0): opened without IFF_NO_PI IFF_VNET_HDR; "
		       "open it with IFF_TAP | IFF_NO_PI | IFF_VNET_HDR",
		       fd);
	expect_refusal(&config, -EINVAL, text);
	ck_assert_int_ge(fcntl(fd, F_GETFL), 0); /* still ours */
	(void)close(fd);
}
END_TEST

START_TEST(none_at_all)
{
	struct tap_config config = {.link_fd = -1};

	expect_refusal(&config, -EINVAL, "a tap without a file descriptor");
}
END_TEST

int main(void)
{
	const char *why = tap_host_enter();
	Suite *suite;
	TCase *tc;

	if (why)
		return test_skip(why);
	suite = suite_create("tap_open");
	tc = tcase_create("open");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, missing);
	tcase_add_test(tc, bad_names);
	tcase_add_test(tc, not_a_tap);
	tcase_add_test(tc, busy);
	tcase_add_test(tc, multi_queue);
	tcase_add_test(tc, multi_queue_wrong);
	tcase_add_test(tc, inherited_queues);
	tcase_add_test(tc, inherited_queues_wrong);
	tcase_add_test(tc, no_right_to_make);
	tcase_add_test(tc, no_right_to_open);
	tcase_add_test(tc, created_and_given_back);
	tcase_add_test(tc, existing_stays);
	tcase_add_test(tc, inherited);
	tcase_add_test(tc, inherited_wrong);
	tcase_add_test(tc, none_at_all);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
