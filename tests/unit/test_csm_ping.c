/* SPDX-License-Identifier: MIT */
/*
 * Pings of the world through consomme: flows, identifiers, time to live, errors
 * that come back, limits, and a host that does not allow them.
 */
#include "base/bytes.h"
#include "support/csm_local.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>

#define GUEST  "10.0.2.15"
#define GUEST6 "fd00::15"
#define FAR    "192.0.2.7"
#define FAR6   "2001:db8::7"
#define ROUTER "198.51.100.1"

/* What the kernel puts in the place of the guest's identifier. */
#define HOST_ID 0x7777

static struct script s;
static struct local_packet reply;
static uint8_t message[LOCAL_MAX];

static void begin(uint16_t mtu, const char *alias)
{
	struct local_head first = {.protocol = IPPROTO_UDP};

	script_prepare(&s, 0);
	s.config.mtu = mtu;
	s.config.max_ping = 4;
	if (alias)
		s.config.aliases[s.config.n_aliases++] = local_addr(alias);
	script_start(&s);
	first.src = csm_addr_any4;
	first.dst = local_addr("255.255.255.255");
	local_send(&s, &first, message, 1);
	script_wait(&s, 60 * SCRIPT_SEC);
	script_forget(&s);
}

static void setup(void)
{
	begin(1500, NULL);
}

static void teardown(void)
{
	local_free(&reply);
	script_end(&s);
}

static uint8_t payload_byte(size_t i)
{
	return (uint8_t)(i * 5 + 1);
}

/* The guest asks @dst. */
static void ask(const char *dst, uint16_t id, uint16_t seq, uint8_t ttl,
		size_t len)
{
	bool v6 = strchr(dst, ':') != NULL;
	struct local_head head = {
		.src = local_addr(v6 ? GUEST6 : GUEST),
		.dst = local_addr(dst),
		.ttl = ttl,
		.protocol = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP,
	};

	message[0] = v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
	message[1] = 0;
	store_be16(message + 4, id);
	store_be16(message + 6, seq);
	for (size_t i = 0; i < len; i++)
		message[8 + i] = payload_byte(i);
	local_send(&s, &head, message, 8 + len);
}

/* The socket has sent this request. */
static void expect_sent(struct fake_sock *sock, uint16_t seq, size_t len)
{
	struct fake_dgram *d = fake_sock_take_datagram(sock);

	ck_assert_ptr_nonnull(d);
	ck_assert_uint_eq(d->len, 8 + len);
	ck_assert_uint_eq(d->bytes[0],
			  sock->v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO);
	ck_assert_uint_eq(d->bytes[1], 0);
	ck_assert_uint_eq(load_be16(d->bytes + 6), seq);
	for (size_t i = 0; i < len; i++)
		ck_assert_uint_eq(d->bytes[8 + i], payload_byte(i));
	free(d);
}

/* An answer comes to the socket from @from, as the kernel hands it out. */
static void answer(struct fake_sock *sock, const char *from, uint16_t seq,
		   size_t len)
{
	struct csm_addr addr = local_addr(from);
	uint8_t *m = malloc(8 + len);

	ck_assert_ptr_nonnull(m);
	memset(m, 0, 8);
	m[0] = sock->v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY;
	store_be16(m + 2, 0xdead);
	store_be16(m + 4, HOST_ID);
	store_be16(m + 6, seq);
	for (size_t i = 0; i < len; i++)
		m[8 + i] = payload_byte(i);
	fake_sock_datagram(sock, &addr, 0, m, 8 + len, 0);
	free(m);
	script_run(&s);
}

static void expect_answer(const char *from, uint16_t id, uint16_t seq,
			  size_t len)
{
	bool v6 = strchr(from, ':') != NULL;

	local_free(&reply);
	local_take(&s, &reply);
	local_addr_eq(reply.head.src, from);
	local_addr_eq(reply.head.dst, v6 ? GUEST6 : GUEST);
	ck_assert_mem_eq(reply.mac, s.mac, 6);
	ck_assert_uint_eq(reply.payload[0],
			  v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY);
	ck_assert_uint_eq(load_be16(reply.payload + 4), id);
	ck_assert_uint_eq(load_be16(reply.payload + 6), seq);
	ck_assert_uint_eq(reply.len, 8 + len);
	for (size_t i = 0; i < len; i++)
		ck_assert_uint_eq(reply.payload[8 + i], payload_byte(i));
	/* The checksum is whole: some guests look only at that. */
	ck_assert(!reply.frame->meta.offload.csum_needed);
}

static struct fake_sock *last(void)
{
	struct fake_sock *sock = fake_host_last(&s.host);

	ck_assert_ptr_nonnull(sock);
	ck_assert_int_eq(sock->kind, CSM_SOCKET_PING);
	return sock;
}

static uint32_t n_flows(void)
{
	return s.stack->flows.kinds[CSM_FLOW_PING].n;
}

START_TEST(there_and_back)
{
	static const char *const far[] = {FAR, FAR6};
	static const size_t lens[] = {0, 1, 56, 1400};

	for (size_t v6 = 0; v6 < 2; v6++) {
		uint16_t seq = 0xfffe;

		for (size_t i = 0; i < ARRAY_SIZE(lens); i++, seq++) {
			ask(far[v6], 0x4242, seq, 64, lens[i]);
			ck_assert(last()->v6 == v6);
			expect_sent(last(), seq, lens[i]);
			answer(last(), far[v6], seq, lens[i]);
			expect_answer(far[v6], 0x4242, seq, lens[i]);
		}
		ck_assert_uint_eq(n_flows(), v6 + 1);
	}
	local_expect_nothing(&s);
	ck_assert_uint_eq(s.host.n_open, 2);
}
END_TEST

/* In pieces, as a driver may hand it over, and as large as the MTU lets it. */
START_TEST(large_and_in_pieces)
{
	script_end(&s);
	begin(9000, NULL);
	s.split = 200;
	ask(FAR, 1, 1, 64, 8972);
	expect_sent(last(), 1, 8972);
	answer(last(), FAR, 1, 8972);
	expect_answer(FAR, 1, 1, 8972);
	/* In more pieces than are taken: lost, and said so. */
	s.split = 20;
	ask(FAR, 1, 2, 64, 4000);
	ck_assert_ptr_null(fake_sock_take_datagram(last()));
}
END_TEST

/* One socket for each identifier and each peer: answers find their way. */
START_TEST(identifiers)
{
	struct fake_sock *a, *b, *c;

	ask(FAR, 1, 10, 64, 8);
	a = last();
	ask(FAR, 2, 20, 64, 8);
	b = last();
	ask("192.0.2.8", 1, 30, 64, 8);
	c = last();
	ck_assert(a != b && b != c);
	answer(c, "192.0.2.8", 30, 8);
	expect_answer("192.0.2.8", 1, 30, 8);
	answer(a, FAR, 10, 8);
	expect_answer(FAR, 1, 10, 8);
	answer(b, FAR, 20, 8);
	expect_answer(FAR, 2, 20, 8);
	ck_assert_uint_eq(n_flows(), 3);
}
END_TEST

START_TEST(what_is_no_answer)
{
	struct csm_addr far = local_addr(FAR);
	uint8_t m[64] = {ICMP_ECHO};

	ask(FAR, 1, 1, 64, 56);
	/* From somebody else; longer than asked; no reply; too short. */
	answer(last(), "192.0.2.8", 1, 56);
	answer(last(), FAR, 1, 57);
	fake_sock_datagram(last(), &far, 0, m, 64, 0);
	m[0] = ICMP_ECHOREPLY;
	fake_sock_datagram(last(), &far, 0, m, 7, 0);
	script_run(&s);
	local_expect_nothing(&s);
	/* And what comes behind all that comes through. */
	answer(last(), FAR, 1, 56);
	expect_answer(FAR, 1, 1, 56);
}
END_TEST

START_TEST(time_to_live)
{
	ask(FAR, 1, 1, 3, 8);
	ck_assert_int_eq(fake_sock_option(last(), IPPROTO_IP, IP_TTL, -1), 3);
	ask(FAR, 1, 2, 4, 8);
	ck_assert_int_eq(fake_sock_option(last(), IPPROTO_IP, IP_TTL, -1), 4);
	ask(FAR6, 1, 1, 5, 8);
	ck_assert_int_eq(
		fake_sock_option(last(), IPPROTO_IPV6, IPV6_UNICAST_HOPS, -1),
		5);
}
END_TEST

/* What comes back by the error queue of the socket: the guest hears it from who
 * said it, about what it had sent. */
START_TEST(errors_come_back)
{
	static const struct {
		int err;
		uint8_t type, code;
		uint32_t info;
		uint8_t told_type, told_code;
		uint32_t told_rest;
	} rows[] = {
		{EHOSTUNREACH, 11, 0, 0, 11, 0, 0},
		{EHOSTUNREACH, 3, 1, 0, 3, 1, 0},
		{ENETUNREACH, 3, 0, 0, 3, 0, 0},
		{EHOSTUNREACH, 3, 13, 0, 3, 13, 0},
		{EMSGSIZE, 3, 4, 1280, 3, 4, 1280},
	};
	struct csm_addr router = local_addr(ROUTER);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t sent[64] = {ICMP_ECHO, 0};

		ask(FAR, 0x4242, 9, 2, 56);
		expect_sent(last(), 9, 56);
		memcpy(sent, message, 64);
		store_be16(sent + 4, HOST_ID);
		fake_sock_icmp(last(), rows[i].err, rows[i].type, rows[i].code,
			       rows[i].info, &router, sent, sizeof(sent));
		script_run(&s);
		local_free(&reply);
		local_take(&s, &reply);
		local_expect_nothing(&s);
		local_addr_eq(reply.head.src, ROUTER);
		ck_assert_uint_eq(reply.payload[0], rows[i].told_type);
		ck_assert_uint_eq(reply.payload[1], rows[i].told_code);
		ck_assert_uint_eq(load_be32(reply.payload + 4),
				  rows[i].told_rest);
		ck_assert_uint_eq(reply.payload[8 + 9], IPPROTO_ICMP);
		ck_assert_uint_eq(load_be32(reply.payload + 8 + 16),
				  0xc0000207);
		ck_assert_uint_eq(load_be16(reply.payload + 8 + 20 + 4),
				  0x4242);
		ck_assert_uint_eq(load_be16(reply.payload + 8 + 20 + 6), 9);
	}
	/* The flow lives on. */
	ask(FAR, 0x4242, 10, 64, 56);
	expect_sent(last(), 10, 56);
	answer(last(), FAR, 10, 56);
	expect_answer(FAR, 0x4242, 10, 56);
	ck_assert_uint_eq(n_flows(), 1);
}
END_TEST

START_TEST(errors_come_back_ipv6)
{
	struct csm_addr router = local_addr("2001:db8:1::1");
	uint8_t sent[64];

	ask(FAR6, 0x4242, 9, 2, 56);
	memcpy(sent, message, 64);
	fake_sock_icmp(last(), EHOSTUNREACH, ICMP6_TIME_EXCEEDED, 0, 0, &router,
		       sent, sizeof(sent));
	script_run(&s);
	local_take(&s, &reply);
	local_addr_eq(reply.head.src, "2001:db8:1::1");
	ck_assert_uint_eq(reply.payload[0], ICMP6_TIME_EXCEEDED);
	ck_assert_uint_eq(load_be16(reply.payload + 8 + 40 + 4), 0x4242);
	local_free(&reply);
	fake_sock_icmp(last(), EMSGSIZE, ICMP6_PACKET_TOO_BIG, 0, 1280, &router,
		       sent, sizeof(sent));
	script_run(&s);
	local_take(&s, &reply);
	ck_assert_uint_eq(reply.payload[0], ICMP6_PACKET_TOO_BIG);
	ck_assert_uint_eq(load_be32(reply.payload + 4), 1280);
}
END_TEST

/* Whoever would be the guest's own network or the host's loopback, or nobody, is
 * the gateway; and an error without the message says nothing. */
START_TEST(who_says_so)
{
	static const char *const tellers[] = {"10.0.2.2", "127.0.0.1",
					      "0.0.0.0", "10.0.2.15"};

	for (size_t i = 0; i < ARRAY_SIZE(tellers); i++) {
		struct csm_addr from = local_addr(tellers[i]);

		ask(FAR, 1, 9, 2, 8);
		fake_sock_icmp(last(), EHOSTUNREACH, 3, 1, 0, &from, message,
			       16);
		script_run(&s);
		local_take(&s, &reply);
		local_addr_eq(reply.head.src, "10.0.2.2");
		local_free(&reply);
		fake_sock_icmp(last(), EHOSTUNREACH, 3, 1, 0, &from, message,
			       7);
		script_run(&s);
		local_expect_nothing(&s);
	}
}
END_TEST

/* An error that waits makes the next send fail: that is sent again. */
START_TEST(send_after_an_error)
{
	struct csm_addr router = local_addr(ROUTER);

	ask(FAR, 1, 1, 64, 8);
	expect_sent(last(), 1, 8);
	fake_sock_icmp(last(), EHOSTUNREACH, 3, 1, 0, &router, message, 16);
	ask(FAR, 1, 2, 64, 8);
	expect_sent(last(), 2, 8);
	local_take(&s, &reply);
	local_addr_eq(reply.head.src, ROUTER);
	local_expect_nothing(&s);
}
END_TEST

START_TEST(send_fails)
{
	ask(FAR, 1, 1, 64, 8);
	expect_sent(last(), 1, 8);
	s.host.fail[FAKE_SEND].err = ENETUNREACH;
	s.host.fail[FAKE_SEND].times = 2;
	ask(FAR, 1, 2, 64, 8);
	local_take(&s, &reply);
	ck_assert_uint_eq(reply.payload[0], ICMP_DEST_UNREACH);
	ck_assert_uint_eq(reply.payload[1], ICMP_NET_UNREACH);
	local_expect_nothing(&s);
	/* A full socket: as a full link. */
	s.host.fail[FAKE_SEND].err = EAGAIN;
	s.host.fail[FAKE_SEND].times = 1;
	ask(FAR, 1, 3, 64, 8);
	local_expect_nothing(&s);
}
END_TEST

START_TEST(connect_fails)
{
	s.host.fail[FAKE_CONNECT].err = ENETUNREACH;
	s.host.fail[FAKE_CONNECT].times = 1;
	ask(FAR6, 1, 1, 64, 8);
	local_take(&s, &reply);
	ck_assert_uint_eq(reply.payload[0], ICMP6_DST_UNREACH);
	ck_assert_uint_eq(reply.payload[1], ICMP6_DST_UNREACH_NOROUTE);
	ck_assert_uint_eq(n_flows(), 0);
	ck_assert_uint_eq(s.host.n_open, 0);
	s.host.fail[FAKE_WATCH].err = ENOSPC;
	s.host.fail[FAKE_WATCH].times = 1;
	ask(FAR6, 1, 1, 64, 8);
	ck_assert_uint_eq(s.host.n_open, 0);
}
END_TEST

/* Without the right: the first answer says so, and no further socket is tried. */
START_TEST(not_allowed)
{
	s.host.fail[FAKE_SOCKET].err = EACCES;
	s.host.fail[FAKE_SOCKET].times = 1000;
	for (int i = 0; i < 3; i++) {
		ask(FAR, 1, 1, 64, 8);
		local_free(&reply);
		local_take(&s, &reply);
		ck_assert_uint_eq(reply.payload[0], ICMP_DEST_UNREACH);
		ck_assert_uint_eq(reply.payload[1], ICMP_PKT_FILTERED);
	}
	ck_assert_uint_eq(s.host.calls[FAKE_SOCKET], 1);
	ck_assert_uint_eq(n_flows(), 0);
	ck_assert(s.stack->no_ping4);
	/* The other version has a right of its own, as far as we know. */
	s.host.fail[FAKE_SOCKET].err = EPERM;
	ask(FAR6, 1, 1, 64, 8);
	ask(FAR6, 1, 1, 64, 8);
	ck_assert(s.stack->no_ping6);
	ck_assert_uint_eq(s.host.calls[FAKE_SOCKET], 2);
	ck_assert_uint_eq(s.stack->count.refused, 5);
}
END_TEST

START_TEST(out_of_descriptors)
{
	s.host.max_open = 0;
	ask(FAR, 1, 1, 64, 8);
	ck_assert_uint_eq(s.stack->count.out_of_fds, 1);
	ck_assert_uint_eq(n_flows(), 0);
	/* And when there are some again, it goes on. */
	script_forget(&s);
	s.host.max_open = 100;
	ask(FAR, 1, 2, 64, 8);
	expect_sent(last(), 2, 8);
}
END_TEST

START_TEST(ends_when_idle)
{
	ask(FAR, 1, 1, 64, 8);
	script_wait(&s, 9 * SCRIPT_SEC);
	ask(FAR, 1, 2, 64, 8);
	script_wait(&s, 9 * SCRIPT_SEC);
	ck_assert_uint_eq(n_flows(), 1);
	ck_assert_uint_eq(s.host.calls[FAKE_SOCKET], 1);
	script_wait(&s, 2 * SCRIPT_SEC);
	ck_assert_uint_eq(n_flows(), 0);
	ck_assert_uint_eq(s.host.n_open, 0);
}
END_TEST

START_TEST(no_more_than_so_many)
{
	for (uint16_t id = 0; id < 20; id++)
		ask(FAR, id, 1, 64, 8);
	ck_assert_uint_eq(n_flows(), 4);
	ck_assert_uint_eq(s.host.n_open, 4);
	script_forget(&s);
	/* Those that have been silent make room. */
	script_wait(&s, 3 * SCRIPT_SEC);
	ask(FAR, 100, 7, 64, 8);
	expect_sent(last(), 7, 8);
	ck_assert_uint_eq(n_flows(), 4);
}
END_TEST

/* An alias is the host's loopback; the guest sees the alias. */
START_TEST(alias_of_the_loopback)
{
	script_end(&s);
	begin(1500, "10.0.2.4");
	ask("10.0.2.4", 1, 1, 64, 8);
	local_addr_eq(last()->peer, "127.0.0.1");
	answer(last(), "127.0.0.1", 1, 8);
	expect_answer("10.0.2.4", 1, 1, 8);
}
END_TEST

/* The guest takes nothing: what comes waits in the socket. */
START_TEST(guest_has_no_buffers)
{
	ask(FAR, 1, 1, 64, 8);
	s.hold = true;
	for (uint16_t seq = 0; seq < SCRIPT_BUFS; seq++)
		answer(last(), FAR, seq, 8);
	script_forget(&s);
	answer(last(), FAR, 9999, 8);
	local_expect_nothing(&s);
	ck_assert(csm_stack_has_output(s.stack));
}
END_TEST

START_TEST(not_passed_on)
{
	struct local_head head = {
		.src = local_addr(GUEST),
		.dst = local_addr(FAR),
		.protocol = IPPROTO_ICMP,
	};

	memset(message, 0, 64);
	message[0] = ICMP_ECHO;
	message[1] = 1; /* a code */
	local_send(&s, &head, message, 64);
	message[1] = 0;
	local_send(&s, &head, message, 7);
	head.bad_sum = true;
	local_send(&s, &head, message, 64);
	local_expect_nothing(&s);
	ck_assert_uint_eq(s.host.calls[FAKE_SOCKET], 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("csm_ping");
	TCase *tc = tcase_create("ping");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, there_and_back);
	tcase_add_test(tc, large_and_in_pieces);
	tcase_add_test(tc, identifiers);
	tcase_add_test(tc, what_is_no_answer);
	tcase_add_test(tc, time_to_live);
	tcase_add_test(tc, errors_come_back);
	tcase_add_test(tc, errors_come_back_ipv6);
	tcase_add_test(tc, who_says_so);
	tcase_add_test(tc, send_after_an_error);
	tcase_add_test(tc, send_fails);
	tcase_add_test(tc, connect_fails);
	tcase_add_test(tc, not_allowed);
	tcase_add_test(tc, out_of_descriptors);
	tcase_add_test(tc, ends_when_idle);
	tcase_add_test(tc, no_more_than_so_many);
	tcase_add_test(tc, alias_of_the_loopback);
	tcase_add_test(tc, guest_has_no_buffers);
	tcase_add_test(tc, not_passed_on);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
