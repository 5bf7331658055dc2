/* SPDX-License-Identifier: MIT */
/*
 * Neighbour and router discovery of consomme: what Linux sends, and each check
 * of RFC 4861.
 */
#include "base/bytes.h"
#include "support/csm_local.h"
#include "support/run.h"

#include <check.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define LOCAL  "fe80::5054:ff:fe12:3456"
#define GLOBAL "fd00::5054:ff:fe12:3456"

static struct script s;
static struct local_packet reply;

static const char *const search[] = {"corp.example.com", "example.com"};

/* As Linux sends them when its link comes up: whole frames. */
static const char linux_test[] =
	"3333ff123456 525400123456 86dd 60000000 0020 3a ff"
	"00000000000000000000000000000000 ff0200000000000000000001ff123456"
	"8700146900000000fe80000000000000505400fffe1234560e013ff4fde363b8";
static const char linux_report[] =
	"333300000016 525400123456 86dd 60000000 0024 00 01"
	"fe80000000000000505400fffe123456 ff020000000000000000000000000016"
	"3a000502000001008f00b8e40000000104000000"
	"ff0200000000000000000001ff123456";
static const char linux_solicit[] =
	"333300000002 525400123456 86dd 60000000 0010 3a ff"
	"fe80000000000000505400fffe123456 ff020000000000000000000000000002"
	"850071b5000000000101525400123456";

static void start(void (*change)(struct consomme_config *config))
{
	script_prepare(&s, 0);
	s.config.aliases[0] = local_addr("fd00::4");
	s.config.n_aliases = 1;
	if (change)
		change(&s.config);
	script_start(&s);
}

static void setup(void)
{
	start(NULL);
}

static void teardown(void)
{
	local_free(&reply);
	script_end(&s);
}

static void send_hex(const char *text)
{
	uint8_t frame[256];

	local_send_frame(&s, frame, local_hex(text, frame, sizeof(frame)));
}

/* Hears the guest once, and waits until the first advertisements are over. */
static void be_quiet(void)
{
	send_hex(linux_report);
	script_wait(&s, 60 * SCRIPT_SEC);
	script_forget(&s);
}

static void send_icmp(const char *src, const char *dst, uint8_t ttl,
		      const void *message, size_t len)
{
	struct local_head head = {
		.src = local_addr(src),
		.dst = local_addr(dst),
		.ttl = ttl,
		.protocol = IPPROTO_ICMPV6,
	};

	local_send(&s, &head, message, len);
}

/* A neighbour solicitation with a link-layer address, if @mac. */
static size_t make_solicit(uint8_t *m, const char *target, bool mac)
{
	struct csm_addr addr = local_addr(target);

	memset(m, 0, 64);
	m[0] = ND_NEIGHBOR_SOLICIT;
	memcpy(m + 8, addr.b, 16);
	if (!mac)
		return 24;
	m[24] = 1;
	m[25] = 1;
	memcpy(m + 26, s.mac, 6);
	return 32;
}

static void solicit(const char *src, const char *dst, const char *target,
		    bool mac)
{
	uint8_t m[64];
	size_t len = make_solicit(m, target, mac);

	send_icmp(src, dst, 255, m, len);
}

/* The stack says that @target is at its MAC. */
static void expect_advert(const char *target, const char *to, bool solicited)
{
	static const uint8_t group[6] = {0x33, 0x33, 0, 0, 0, 1};
	struct csm_addr addr = local_addr(target);

	local_free(&reply);
	local_take(&s, &reply);
	local_expect_nothing(&s);
	local_addr_eq(reply.head.src, target);
	local_addr_eq(reply.head.dst, to);
	ck_assert_mem_eq(reply.mac, solicited ? s.mac : group, 6);
	ck_assert_uint_eq(reply.head.ttl, 255);
	ck_assert_uint_eq(reply.len, 32);
	ck_assert_uint_eq(reply.payload[0], ND_NEIGHBOR_ADVERT);
	ck_assert_uint_eq(reply.payload[1], 0);
	ck_assert_uint_eq(load_be32(reply.payload + 4),
			  solicited ? 0xe0000000 : 0xa0000000);
	ck_assert_mem_eq(reply.payload + 8, addr.b, 16);
	ck_assert_uint_eq(reply.payload[24], 2);
	ck_assert_uint_eq(reply.payload[25], 1);
	ck_assert_mem_eq(reply.payload + 26, s.config.mac, 6);
}

START_TEST(our_addresses_are_answered_for)
{
	static const char *const ours[] = {"fe80::2", "fd00::2", "fd00::3",
					   "fd00::4"};

	be_quiet();
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
		solicit(LOCAL, "ff02::1:ff00:2", ours[i], true);
		expect_advert(ours[i], LOCAL, true);
		/* Is it still there? */
		solicit(GLOBAL, ours[i], ours[i], false);
		expect_advert(ours[i], GLOBAL, true);
	}
}
END_TEST

START_TEST(others_are_not_answered_for)
{
	be_quiet();
	send_hex(linux_test);
	solicit(LOCAL, "ff02::1:ff00:9", "fd00::9", true);
	solicit("::", "ff02::1:ff12:3456", GLOBAL, false);
	solicit(LOCAL, "ff02::1:ff00:7", "2001:db8::7", true);
	local_expect_nothing(&s);
}
END_TEST

/* A guest that would take an address of ours hears that it is taken. */
START_TEST(ours_are_defended)
{
	be_quiet();
	solicit("::", "ff02::1:ff00:2", "fd00::2", false);
	expect_advert("fd00::2", "ff02::1", false);
	ck_assert(csm_addr_is_any(&s.stack->guest6));
}
END_TEST

START_TEST(the_guest_is_learned)
{
	struct csm_addr guest;
	uint8_t advert[24] = {ND_NEIGHBOR_ADVERT, [4] = 0x20};

	be_quiet();
	send_hex(linux_test);
	ck_assert(!csm_stack_guest(s.stack, true, &guest));
	solicit("::", "ff02::1:ff12:3456", GLOBAL, false);
	ck_assert(csm_stack_guest(s.stack, true, &guest));
	local_addr_eq(guest, GLOBAL);
	/* It says so by itself. */
	guest = local_addr("fd00::77");
	memcpy(advert + 8, guest.b, 16);
	send_icmp(LOCAL, "ff02::1", 255, advert, sizeof(advert));
	local_addr_eq(s.stack->guest6, "fd00::77");
	/* What it asks for is not its own, nor is what is ours. */
	solicit(LOCAL, "ff02::1:ff00:9", "fd00::9", true);
	guest = local_addr("fd00::2");
	memcpy(advert + 8, guest.b, 16);
	send_icmp(LOCAL, "ff02::1", 255, advert, sizeof(advert));
	guest = local_addr("2001:db8::1");
	memcpy(advert + 8, guest.b, 16);
	send_icmp(LOCAL, "ff02::1", 255, advert, sizeof(advert));
	local_addr_eq(s.stack->guest6, "fd00::77");
}
END_TEST

START_TEST(solicitations_that_are_none)
{
	uint8_t m[64];
	size_t len;

	be_quiet();
	/* It came from elsewhere. */
	len = make_solicit(m, "fd00::2", true);
	send_icmp(LOCAL, "fd00::2", 254, m, len);
	/* Code; length; options of no length and of too much. */
	m[1] = 1;
	send_icmp(LOCAL, "fd00::2", 255, m, len);
	m[1] = 0;
	for (size_t cut = 0; cut < 24; cut++)
		send_icmp(LOCAL, "fd00::2", 255, m, MAX(cut, (size_t)4));
	for (size_t cut = 25; cut < len; cut++)
		send_icmp(LOCAL, "fd00::2", 255, m, cut);
	m[25] = 0;
	send_icmp(LOCAL, "fd00::2", 255, m, len);
	m[25] = 2;
	send_icmp(LOCAL, "fd00::2", 255, m, len);
	/* A group has no neighbour. */
	solicit(LOCAL, "ff02::1:ff00:2", "ff02::1", true);
	/* From nobody: with a link-layer address, or not to the group. */
	solicit("::", "ff02::1:ff00:2", "fd00::2", true);
	solicit("::", "fd00::2", "fd00::2", false);
	solicit("::", "ff02::1", "fd00::2", false);
	local_expect_nothing(&s);
	/* An option that we do not know is passed over. */
	len = make_solicit(m, "fd00::2", true);
	m[24] = 14;
	send_icmp(LOCAL, "fd00::2", 255, m, len);
	expect_advert("fd00::2", LOCAL, true);
}
END_TEST

/* The answer goes to where the option says, or else to the sender. */
START_TEST(answers_go_to_the_option)
{
	static const uint8_t other[6] = {0x52, 0x54, 0, 9, 9, 9};
	uint8_t m[64];
	size_t len;

	be_quiet();
	len = make_solicit(m, "fd00::2", true);
	memcpy(m + 26, other, 6);
	send_icmp(LOCAL, "ff02::1:ff00:2", 255, m, len);
	local_take(&s, &reply);
	ck_assert_mem_eq(reply.mac, other, 6);
}
END_TEST

/* ---- Routers ---- */

/* The option of this type, or NULL; there is one at most. */
static const uint8_t *find_option(uint8_t type)
{
	const uint8_t *found = NULL;
	size_t at = 16;

	while (at < reply.len) {
		const uint8_t *option = reply.payload + at;

		ck_assert_uint_gt(option[1], 0);
		ck_assert_uint_le(option[1] * 8U, reply.len - at);
		if (option[0] == type) {
			ck_assert_ptr_null(found);
			found = option;
		}
		at += option[1] * 8U;
	}
	return found;
}

static const uint8_t *need_option(uint8_t type, uint8_t len)
{
	const uint8_t *option = find_option(type);

	ck_assert_msg(option != NULL, "option %u", type);
	ck_assert_uint_eq(option[1], len);
	return option;
}

/* The next frame is an advertisement to @to. */
static void expect_router(const char *to, bool group)
{
	static const uint8_t all[6] = {0x33, 0x33, 0, 0, 0, 1};

	local_free(&reply);
	local_take(&s, &reply);
	local_addr_eq(reply.head.src, "fe80::2");
	local_addr_eq(reply.head.dst, to);
	ck_assert_mem_eq(reply.mac, group ? all : s.mac, 6);
	ck_assert_uint_eq(reply.head.ttl, 255);
	ck_assert_uint_eq(reply.payload[0], ND_ROUTER_ADVERT);
	ck_assert_uint_eq(reply.payload[1], 0);
}

START_TEST(what_is_advertised)
{
	static const uint8_t prefix[16] = {0xfd};
	struct csm_addr dns = local_addr("fd00::3");
	const uint8_t *o;

	be_quiet();
	send_hex(linux_solicit);
	expect_router(LOCAL, false);
	local_expect_nothing(&s);
	ck_assert_uint_eq(reply.payload[4], 64);
	ck_assert_uint_eq(reply.payload[5], ND_RA_FLAG_OTHER);
	ck_assert_uint_eq(load_be16(reply.payload + 6), 1800);
	ck_assert_uint_eq(load_be32(reply.payload + 8), 0);
	ck_assert_uint_eq(load_be32(reply.payload + 12), 0);
	o = need_option(1, 1);
	ck_assert_mem_eq(o + 2, s.config.mac, 6);
	o = need_option(5, 1);
	ck_assert_uint_eq(load_be32(o + 4), 1500);
	o = need_option(3, 4);
	ck_assert_uint_eq(o[2], 64);
	ck_assert_uint_eq(o[3], 0xc0);
	ck_assert_uint_eq(load_be32(o + 4), 2592000);
	ck_assert_uint_eq(load_be32(o + 8), 604800);
	ck_assert_mem_eq(o + 16, prefix, 16);
	o = need_option(25, 3);
	ck_assert_uint_ge(load_be32(o + 4), 600);
	ck_assert_mem_eq(o + 8, dns.b, 16);
	ck_assert_ptr_null(find_option(31));
}
END_TEST

static void with_search(struct consomme_config *config)
{
	config->search = search;
	config->n_search = ARRAY_SIZE(search);
	config->mtu = 9000;
}

START_TEST(search_domains_are_advertised)
{
	static const uint8_t wire[32] = "\4corp\7example\3com\0"
					"\7example\3com";
	const uint8_t *o;

	script_end(&s);
	start(with_search);
	be_quiet();
	send_hex(linux_solicit);
	expect_router(LOCAL, false);
	o = need_option(31, 5);
	ck_assert_uint_ge(load_be32(o + 4), 600);
	ck_assert_mem_eq(o + 8, wire, sizeof(wire));
	o = need_option(5, 1);
	ck_assert_uint_eq(load_be32(o + 4), 9000);
}
END_TEST

START_TEST(router_solicitations)
{
	uint8_t m[16] = {ND_ROUTER_SOLICIT};

	be_quiet();
	/* Without an address yet: to all. */
	send_icmp("::", "ff02::2", 255, m, 8);
	expect_router("ff02::1", true);
	send_icmp(LOCAL, "ff02::2", 255, m, 8);
	expect_router(LOCAL, false);
	local_expect_nothing(&s);
	/* From nobody with a link-layer address; short; from elsewhere. */
	m[8] = 1;
	m[9] = 1;
	send_icmp("::", "ff02::2", 255, m, 16);
	send_icmp(LOCAL, "ff02::2", 255, m, 7);
	send_icmp(LOCAL, "ff02::2", 64, m, 16);
	m[9] = 0;
	send_icmp(LOCAL, "ff02::2", 255, m, 16);
	local_expect_nothing(&s);
}
END_TEST

/* Three soon after the guest is heard, then one every few minutes. */
START_TEST(advertised_from_time_to_time)
{
	uint64_t last = 0;

	script_wait(&s, 3600 * SCRIPT_SEC);
	local_expect_nothing(&s);
	send_hex(linux_report);
	for (unsigned int i = 0; i < 20; i++) {
		uint64_t gap;

		if (!s.n_frames)
			script_wait(&s, (i < 3 ? 17 : 601) * SCRIPT_SEC);
		expect_router("ff02::1", true);
		gap = reply.frame->at - last;
		last = reply.frame->at;
		if (i > 0 && i < 3)
			ck_assert_uint_le(gap, 17 * SCRIPT_SEC);
		if (i > 3) {
			ck_assert_uint_ge(gap, 200 * SCRIPT_SEC);
			ck_assert_uint_le(gap, 601 * SCRIPT_SEC);
		}
		if (i == 0) {
			/* At once. */
			ck_assert_uint_le(s.host.now - last, SCRIPT_SEC);
		}
	}
}
END_TEST

START_TEST(not_without_ipv6)
{
	s.config.ipv6 = false;
	send_hex(linux_report);
	send_hex(linux_solicit);
	script_wait(&s, 3600 * SCRIPT_SEC);
	local_expect_nothing(&s);
}
END_TEST

/* Other routers and redirects do not come from a guest. */
START_TEST(other_messages)
{
	uint8_t m[64] = {ND_ROUTER_ADVERT, [7] = 30};

	be_quiet();
	send_icmp(LOCAL, "ff02::1", 255, m, 16);
	m[0] = ND_REDIRECT;
	send_icmp(LOCAL, "fd00::2", 255, m, 40);
	send_hex(linux_report);
	local_expect_nothing(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("csm_ndp");
	TCase *tc = tcase_create("ndp");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, our_addresses_are_answered_for);
	tcase_add_test(tc, others_are_not_answered_for);
	tcase_add_test(tc, ours_are_defended);
	tcase_add_test(tc, the_guest_is_learned);
	tcase_add_test(tc, solicitations_that_are_none);
	tcase_add_test(tc, answers_go_to_the_option);
	tcase_add_test(tc, what_is_advertised);
	tcase_add_test(tc, search_domains_are_advertised);
	tcase_add_test(tc, router_solicitations);
	tcase_add_test(tc, advertised_from_time_to_time);
	tcase_add_test(tc, not_without_ipv6);
	tcase_add_test(tc, other_messages);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
