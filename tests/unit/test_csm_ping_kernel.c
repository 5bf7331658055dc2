/* SPDX-License-Identifier: MIT */
/*
 * Pings of consomme by the kernel's own ping sockets, in a network namespace
 * with nothing but a loopback in it.
 */
#include "base/bytes.h"
#include "support/csm_local.h"
#include "support/run.h"
#include "support/skip.h"
#include "support/tap_host.h"

#include <check.h>
#include <fcntl.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MS	   100
#define WAITS_MAX  600
#define ALIAS4	   "10.0.2.4"
#define ALIAS6	   "fd00::4"
#define IPV6_TURNS "/proc/sys/net/ipv6/conf/lo/disable_ipv6"

static struct script s;
static struct local_packet reply;
static bool has_ipv6;

static void setup(void)
{
	static const char *const aliases[] = {ALIAS4, ALIAS6};

	script_prepare(&s, 0);
	ck_assert_int_eq(csm_host_linux_create(&s.real), 0);
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		s.config.aliases[s.config.n_aliases++] = local_addr(aliases[i]);
	script_start(&s);
}

static void teardown(void)
{
	local_free(&reply);
	script_end(&s);
	csm_host_linux_destroy(s.real);
}

static void ask(const char *dst, uint16_t id, uint16_t seq, size_t len)
{
	bool v6 = strchr(dst, ':') != NULL;
	struct local_head head = {
		.src = v6 ? s.guest6 : s.guest4,
		.dst = local_addr(dst),
		.protocol = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP,
	};
	uint8_t message[LOCAL_MAX] = {v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO};

	store_be16(message + 4, id);
	store_be16(message + 6, seq);
	for (size_t i = 0; i < len; i++)
		message[8 + i] = (uint8_t)(i + seq);
	local_send(&s, &head, message, 8 + len);
}

/* Waits for the next frame that is ICMP of this type. */
static void wait_for(uint8_t type)
{
	for (int i = 0; i < WAITS_MAX; i++) {
		struct pollfd fd = {.fd = s.real->event_fd, .events = POLLIN};

		while (s.n_frames) {
			local_free(&reply);
			local_take(&s, &reply);
			if (reply.payload[0] == type)
				return;
		}
		(void)poll(&fd, 1, WAIT_MS);
		script_run(&s);
	}
	ck_abort_msg("nothing of type %u came", type);
}

static void expect_answer(const char *from, uint16_t id, uint16_t seq,
			  size_t len)
{
	wait_for(strchr(from, ':') ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY);
	local_addr_eq(reply.head.src, from);
	ck_assert_uint_eq(reply.head.ttl, 64);
	ck_assert_uint_eq(load_be16(reply.payload + 4), id);
	ck_assert_uint_eq(load_be16(reply.payload + 6), seq);
	ck_assert_uint_eq(reply.len, 8 + len);
	for (size_t i = 0; i < len; i++)
		ck_assert_uint_eq(reply.payload[8 + i], (uint8_t)(i + seq));
}

static void go_there_and_back(const char *far)
{
	static const size_t lens[] = {0, 1, 56, 1400};

	for (uint16_t i = 0; i < ARRAY_SIZE(lens); i++) {
		ask(far, 0x4242, i, lens[i]);
		expect_answer(far, 0x4242, i, lens[i]);
	}
	/* Two at once: each has its own answers. */
	for (uint16_t seq = 0; seq < 20; seq++) {
		ask(far, 1, seq, 56);
		expect_answer(far, 1, seq, 56);
		ask(far, 2, (uint16_t)(seq + 100), 56);
		expect_answer(far, 2, (uint16_t)(seq + 100), 56);
	}
	ck_assert_uint_eq(s.stack->flows.kinds[CSM_FLOW_PING].n, 3);
}

START_TEST(there_and_back)
{
	go_there_and_back(ALIAS4);
}
END_TEST

START_TEST(there_and_back_ipv6)
{
	if (has_ipv6)
		go_there_and_back(ALIAS6);
}
END_TEST

/* There is no route to anywhere, and the guest hears of it. */
START_TEST(no_route)
{
	ask("192.0.2.7", 1, 1, 56);
	wait_for(ICMP_DEST_UNREACH);
	ck_assert_uint_eq(reply.payload[1], ICMP_NET_UNREACH);
	ask("2001:db8::7", 1, 1, 56);
	wait_for(ICMP6_DST_UNREACH);
	ck_assert_uint_eq(reply.payload[1], ICMP6_DST_UNREACH_NOROUTE);
	ck_assert_uint_eq(s.stack->flows.n, 0);
}
END_TEST

static bool write_setting(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 &&
		  write(fd, value, strlen(value)) == (ssize_t)strlen(value);

	if (fd >= 0)
		(void)close(fd);
	return ok;
}

int main(void)
{
	Suite *suite = suite_create("csm_ping_kernel");
	TCase *tc = tcase_create("ping");
	const char *why = tap_host_enter();

	if (why)
		return test_skip(why);
	if (!write_setting("/proc/sys/net/ipv4/ping_group_range", "0 0"))
		return test_skip("no right to set ping_group_range");
	has_ipv6 = write_setting(IPV6_TURNS, "0");
	tap_host_set_up("lo", true);
	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, there_and_back);
	tcase_add_test(tc, there_and_back_ipv6);
	tcase_add_test(tc, no_route);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
