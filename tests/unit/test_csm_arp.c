/* SPDX-License-Identifier: MIT */
/*
 * ARP of consomme: who is answered for, and what is learned. The guest's frames
 * are what Linux sends.
 */
#include "base/bytes.h"
#include "support/csm_local.h"
#include "support/run.h"

#include <check.h>
#include <stdio.h>

#define GUEST_MAC   "525400123456"
#define TO_ALL	    "ffffffffffff" GUEST_MAC "0806"
#define REQUEST	    "0001 0800 06 04 0001" GUEST_MAC
#define NO_MAC	    "000000000000"
#define PADDING	    "000000000000000000000000000000000000"
#define GATEWAY_MAC "52550a000202"

static struct script s;

static void setup(void)
{
	script_prepare(&s, 0);
	s.config.ipv6 = false;
	s.config.aliases[0] = local_addr("10.0.2.4");
	s.config.n_aliases = 1;
	script_start(&s);
}

static void teardown(void)
{
	script_end(&s);
}

static void send_hex(const char *text)
{
	uint8_t frame[128];

	local_send_frame(&s, frame, local_hex(text, frame, sizeof(frame)));
}

/* The answer is exactly this. */
static void expect_hex(const char *text)
{
	struct local_packet p;
	uint8_t frame[128];
	size_t len = local_hex(text, frame, sizeof(frame));

	local_take(&s, &p);
	ck_assert_uint_eq(p.frame->len, len);
	ck_assert_mem_eq(p.frame->bytes, frame, len);
	local_free(&p);
	local_expect_nothing(&s);
}

START_TEST(our_addresses_are_answered_for)
{
	static const char *const ours[] = {"0a000202", "0a000203", "0a000204"};

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
		char request[256], reply[256];

		(void)snprintf(request, sizeof(request), "%s%s",
			       TO_ALL REQUEST "0a00020f" NO_MAC, ours[i]);
		(void)snprintf(reply, sizeof(reply), "%s%s%s%s",
			       GUEST_MAC GATEWAY_MAC "0806"
						     "0001 0800 06 04 0002",
			       GATEWAY_MAC, ours[i], GUEST_MAC "0a00020f");
		send_hex(request);
		expect_hex(reply);
	}
	ck_assert_uint_eq(s.stack->count.arp, 3);
}
END_TEST

START_TEST(to_us_alone_and_padded)
{
	send_hex(GATEWAY_MAC GUEST_MAC "0806" REQUEST "0a00020f" GATEWAY_MAC
				       "0a000202" PADDING);
	expect_hex(GUEST_MAC GATEWAY_MAC "0806 0001 0800 06 04 0002" GATEWAY_MAC
					 "0a000202" GUEST_MAC "0a00020f");
}
END_TEST

/* The guest's own address, free ones, others: nobody is there. */
START_TEST(others_are_not_answered_for)
{
	send_hex(TO_ALL REQUEST "0a00020f" NO_MAC "0a00020f");
	send_hex(TO_ALL REQUEST "00000000" NO_MAC "0a00020f");
	send_hex(TO_ALL REQUEST "0a00020f" NO_MAC "0a000205");
	send_hex(TO_ALL REQUEST "0a00020f" NO_MAC "08080808");
	send_hex(TO_ALL REQUEST "0a00020f" NO_MAC "00000000");
	local_expect_nothing(&s);
}
END_TEST

/* RFC 5227: a guest that would take an address of ours hears that it is ours,
 * whether it asks first or not. */
START_TEST(ours_are_defended)
{
	send_hex(TO_ALL REQUEST "00000000" NO_MAC "0a000202");
	expect_hex(GUEST_MAC GATEWAY_MAC "0806 0001 0800 06 04 0002" GATEWAY_MAC
					 "0a000202" GUEST_MAC "00000000");
	send_hex(TO_ALL REQUEST "0a000203" NO_MAC "0a000203");
	expect_hex(GUEST_MAC GATEWAY_MAC "0806 0001 0800 06 04 0002" GATEWAY_MAC
					 "0a000203" GUEST_MAC "0a000203");
	ck_assert(csm_addr_is_any(&s.stack->guest4));
}
END_TEST

START_TEST(the_guest_is_learned)
{
	struct csm_addr guest;

	ck_assert(!csm_stack_guest(s.stack, false, &guest));
	/* A probe claims nothing yet; the announcement does. */
	send_hex(TO_ALL REQUEST "00000000" NO_MAC "0a000210");
	ck_assert(s.stack->guest_known);
	ck_assert(!csm_stack_guest(s.stack, false, &guest));
	send_hex(TO_ALL REQUEST "0a000210" NO_MAC "0a000210");
	ck_assert(csm_stack_guest(s.stack, false, &guest));
	local_addr_eq(guest, "10.0.2.16");
	/* So does a reply that nobody asked for; but not what is elsewhere. */
	send_hex(TO_ALL "0001 0800 06 04 0002" GUEST_MAC "0a000211" GUEST_MAC
			"0a000211");
	local_addr_eq(s.stack->guest4, "10.0.2.17");
	send_hex(TO_ALL REQUEST "c0a80001" NO_MAC "c0a80001");
	local_addr_eq(s.stack->guest4, "10.0.2.17");
	local_expect_nothing(&s);
}
END_TEST

START_TEST(what_is_no_arp)
{
	static const char *const bad[] = {
		"0006 0800 06 04 0001",				/* hardware */
		"0001 86dd 06 04 0001",				/* protocol */
		"0001 0800 08 04 0001",				/* lengths */
		"0001 0800 06 10 0001", "0001 0800 06 04 0003", /* RARP */
		"0001 0800 06 04 0000",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char text[256];

		(void)snprintf(text, sizeof(text), "%s%s%s", TO_ALL, bad[i],
			       GUEST_MAC "0a00020f" NO_MAC "0a000202");
		send_hex(text);
	}
	/* A reply; a sender that is a group; one that ends too soon. */
	send_hex(TO_ALL "0001 0800 06 04 0002" GUEST_MAC "0a00020f" NO_MAC
			"0a000202");
	send_hex(TO_ALL "0001 0800 06 04 0001"
			"ffffffffffff"
			"0a00020f" NO_MAC "0a000202");
	send_hex(TO_ALL REQUEST "0a00020f" NO_MAC "0a0002");
	local_expect_nothing(&s);
}
END_TEST

START_TEST(without_ipv4_there_is_none)
{
	script_end(&s);
	script_prepare(&s, 0);
	s.config.ipv4 = false;
	s.config.ipv6 = false;
	script_start(&s);
	send_hex(TO_ALL REQUEST "0a00020f" NO_MAC "0a000202");
	local_expect_nothing(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("csm_arp");
	TCase *tc = tcase_create("arp");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, our_addresses_are_answered_for);
	tcase_add_test(tc, to_us_alone_and_padded);
	tcase_add_test(tc, others_are_not_answered_for);
	tcase_add_test(tc, ours_are_defended);
	tcase_add_test(tc, the_guest_is_learned);
	tcase_add_test(tc, what_is_no_arp);
	tcase_add_test(tc, without_ipv4_there_is_none);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
