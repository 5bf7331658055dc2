/* SPDX-License-Identifier: MIT */
/*
 * DHCPv6 of consomme: information, and that there are no addresses.
 */
#include "base/bytes.h"
#include "support/csm_local.h"
#include "support/run.h"

#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define LOCAL "fe80::5054:ff:fe12:3456"

enum {
	SOLICIT = 1,
	ADVERTISE = 2,
	REQUEST = 3,
	CONFIRM = 4,
	RENEW = 5,
	REBIND = 6,
	REPLY = 7,
	RELEASE = 8,
	INFORMATION = 11,
};

/* DUID-LLT of the client, as dhclient has it; DUID-LL of the gateway. */
static const uint8_t client[14] = {0, 1,    0,	  1, 0x30, 0,	 1,
				   2, 0x52, 0x54, 0, 0x12, 0x34, 0x56};
static const uint8_t server[10] = {0, 3, 0, 1, 0x52, 0x55, 0x0a, 0, 2, 2};

static const char *const search[] = {"example.com"};

static struct script s;
static struct local_packet reply;
static struct local_head head;
static uint8_t message[1500];
static size_t message_len;

static void setup(void)
{
	script_prepare(&s, 0);
	s.config.search = search;
	s.config.n_search = ARRAY_SIZE(search);
	script_start(&s);
}

static void teardown(void)
{
	local_free(&reply);
	script_end(&s);
}

static void put_option(uint16_t code, const void *value, size_t len)
{
	store_be16(message + message_len, code);
	store_be16(message + message_len + 2, (uint16_t)len);
	memcpy(message + message_len + 4, value, len);
	message_len += 4 + len;
}

static void begin_message(uint8_t type)
{
	message[0] = type;
	message[1] = 0xab;
	message[2] = 0xcd;
	message[3] = 0xef;
	message_len = 4;
	head = (struct local_head){
		.src = local_addr(LOCAL),
		.dst = local_addr("ff02::1:2"),
		.protocol = IPPROTO_UDP,
		.src_port = 546,
		.dst_port = 547,
	};
}

/* Sends it; frames other than UDP are taken off. */
static void send_message(void)
{
	script_wait(&s, 60 * SCRIPT_SEC);
	local_send(&s, &head, message, message_len);
	script_wait(&s, 60 * SCRIPT_SEC);
	for (size_t n = s.n_frames; n > 0; n--) {
		struct script_frame *f = script_take_frame(&s);

		if (f->bytes[20] == IPPROTO_UDP) {
			list_insert_before(&s.frames, &f->node);
			s.n_frames++;
		} else {
			free(f);
		}
	}
}

/* The option, within options; NULL: none. */
static const uint8_t *find(const uint8_t *at, size_t left, uint16_t code,
			   size_t *len)
{
	while (left) {
		size_t n;

		ck_assert_uint_ge(left, 4);
		n = load_be16(at + 2);
		ck_assert_uint_le(n, left - 4);
		if (load_be16(at) == code) {
			*len = n;
			return at + 4;
		}
		at += 4 + n;
		left -= 4 + n;
	}
	return NULL;
}

static void expect_option(uint16_t code, const void *value, size_t len)
{
	size_t n;
	const uint8_t *at = find(reply.payload + 4, reply.len - 4, code, &n);

	ck_assert_msg(at != NULL, "option %u", code);
	ck_assert_uint_eq(n, len);
	ck_assert_mem_eq(at, value, len);
}

static void expect_reply(uint8_t type)
{
	struct csm_addr dns = local_addr("fd00::3");

	local_free(&reply);
	local_take(&s, &reply);
	local_expect_nothing(&s);
	local_addr_eq(reply.head.src, "fe80::2");
	local_addr_eq(reply.head.dst, LOCAL);
	ck_assert_mem_eq(reply.mac, s.mac, 6);
	ck_assert_uint_eq(reply.head.src_port, 547);
	ck_assert_uint_eq(reply.head.dst_port, 546);
	ck_assert_uint_eq(reply.payload[0], type);
	ck_assert_mem_eq(reply.payload + 1, message + 1, 3);
	expect_option(2, server, sizeof(server));
	expect_option(23, dns.b, 16);
	expect_option(24, "\7example\3com", 13);
}

/* The association has this status, and nothing else. */
static void expect_status(uint16_t code, size_t fixed, uint16_t status)
{
	size_t n;
	const uint8_t *ia = find(reply.payload + 4, reply.len - 4, code, &n);
	const uint8_t *at;

	ck_assert_ptr_nonnull(ia);
	ck_assert_uint_eq(n, fixed + 6);
	ck_assert_uint_eq(load_be32(ia), 0x01020304);
	at = find(ia + fixed, n - fixed, 13, &n);
	ck_assert_ptr_nonnull(at);
	ck_assert_uint_eq(load_be16(at), status);
}

static const uint8_t ia[12] = {1, 2, 3, 4, 0, 0, 14, 16, 0, 0, 21, 24};

/* systemd-networkd: because the advertisement says "other". */
START_TEST(information)
{
	begin_message(INFORMATION);
	put_option(1, client, sizeof(client));
	put_option(6, "\0\x17\0\x18\0\x1f", 6);
	put_option(8, "\0\0", 2);
	send_message();
	expect_reply(REPLY);
	expect_option(1, client, sizeof(client));
	/* Who does not name itself. */
	begin_message(INFORMATION);
	send_message();
	expect_reply(REPLY);
	/* And who asks for us by name. */
	begin_message(INFORMATION);
	put_option(2, server, sizeof(server));
	send_message();
	expect_reply(REPLY);
	ck_assert_uint_eq(s.stack->count.dhcp6, 3);
}
END_TEST

START_TEST(no_addresses)
{
	begin_message(SOLICIT);
	put_option(1, client, sizeof(client));
	put_option(3, ia, 12);
	put_option(25, ia, 12);
	put_option(4, ia, 4);
	send_message();
	expect_reply(ADVERTISE);
	expect_option(1, client, sizeof(client));
	expect_status(3, 12, 2);
	expect_status(25, 12, 6);
	expect_status(4, 4, 2);
	begin_message(REQUEST);
	put_option(1, client, sizeof(client));
	put_option(2, server, sizeof(server));
	put_option(3, ia, 12);
	send_message();
	expect_reply(REPLY);
	expect_status(3, 12, 2);
	begin_message(RENEW);
	put_option(1, client, sizeof(client));
	put_option(2, server, sizeof(server));
	put_option(3, ia, 12);
	send_message();
	expect_reply(REPLY);
	expect_status(3, 12, 3);
}
END_TEST

/* What a server has to pass over (RFC 8415, 16). */
START_TEST(messages_passed_over)
{
	static const uint8_t others[] = {
		0, ADVERTISE, CONFIRM, REBIND, REPLY, RELEASE, 12, 13, 255};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		begin_message(others[i]);
		put_option(1, client, sizeof(client));
		send_message();
		ck_assert_msg(s.n_frames == 0, "type %u", others[i]);
	}
	/* Without a client; with a server; to another server. */
	begin_message(SOLICIT);
	send_message();
	begin_message(SOLICIT);
	put_option(1, client, sizeof(client));
	put_option(2, server, sizeof(server));
	send_message();
	begin_message(REQUEST);
	put_option(1, client, sizeof(client));
	send_message();
	begin_message(REQUEST);
	put_option(1, client, sizeof(client));
	put_option(2, client, sizeof(client));
	send_message();
	begin_message(INFORMATION);
	put_option(2, client, sizeof(client));
	send_message();
	/* Information has nothing to do with addresses. */
	begin_message(INFORMATION);
	put_option(3, ia, 12);
	send_message();
	/* To us alone, which we did not allow. */
	begin_message(INFORMATION);
	head.dst = local_addr("fe80::2");
	send_message();
	local_expect_nothing(&s);
}
END_TEST

START_TEST(damaged_messages)
{
	static const uint8_t none[200];

	/* Cut off anywhere. */
	begin_message(INFORMATION);
	put_option(1, client, sizeof(client));
	for (size_t len = 0, whole = message_len; len < whole; len++) {
		message_len = len;
		send_message();
		ck_assert_msg((s.n_frames != 0) == (len == 4), "%zu", len);
		script_forget(&s);
	}
	/* Identifiers: empty, too long, twice. */
	begin_message(INFORMATION);
	put_option(1, client, 0);
	send_message();
	begin_message(INFORMATION);
	put_option(1, none, 131);
	send_message();
	begin_message(INFORMATION);
	put_option(1, client, sizeof(client));
	put_option(1, client, sizeof(client));
	send_message();
	/* Associations that are too short. */
	begin_message(SOLICIT);
	put_option(1, client, sizeof(client));
	put_option(3, ia, 11);
	send_message();
	begin_message(SOLICIT);
	put_option(1, client, sizeof(client));
	put_option(4, ia, 3);
	send_message();
	local_expect_nothing(&s);
	/* More of them than an answer has room for. */
	begin_message(SOLICIT);
	put_option(1, client, sizeof(client));
	for (int i = 0; i < 120; i++)
		put_option(4, ia, 4);
	send_message();
	expect_reply(ADVERTISE);
	ck_assert_uint_le(reply.len, 1232);
	/* And a message that is longer than any. */
	begin_message(INFORMATION);
	for (int i = 0; i < 6; i++)
		put_option(99, none, sizeof(none));
	send_message();
	local_expect_nothing(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("csm_dhcp6");
	TCase *tc = tcase_create("dhcp6");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, information);
	tcase_add_test(tc, no_addresses);
	tcase_add_test(tc, messages_passed_over);
	tcase_add_test(tc, damaged_messages);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
