/* SPDX-License-Identifier: MIT */
/*
 * ICMP and ICMPv6 of consomme: echoes of its own addresses, errors to the guest
 * and about whom there are none, errors from the guest.
 */
#include "backends/consomme/build.h"
#include "backends/consomme/icmp.h"
#include "base/bytes.h"
#include "support/csm_local.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#define GUEST  "10.0.2.15"
#define GUEST6 "fd00::15"

static struct script s;
static struct local_packet reply;
static uint8_t message[LOCAL_MAX];

/* Begins, and is past the router advertisements of the beginning. */
static void start(uint16_t mtu)
{
	static const struct local_head head = {.protocol = IPPROTO_UDP};
	struct local_head first = head;

	script_prepare(&s, 0);
	s.config.mtu = mtu;
	script_start(&s);
	first.src = csm_addr_any4;
	first.dst = local_addr("255.255.255.255");
	local_send(&s, &first, message, 1);
	script_wait(&s, 60 * SCRIPT_SEC);
	script_forget(&s);
}

static void setup(void)
{
	start(1500);
}

static void teardown(void)
{
	local_free(&reply);
	script_end(&s);
}

static void send_from(const char *src, const char *dst, uint8_t protocol,
		      const void *payload, size_t len)
{
	struct local_head head = {
		.src = local_addr(src),
		.dst = local_addr(dst),
		.protocol = protocol,
		.src_port = 1111,
		.dst_port = 2222,
	};

	local_send(&s, &head, payload, len);
}

static void echo(const char *src, const char *dst, size_t len)
{
	bool v6 = strchr(dst, ':') != NULL;

	for (size_t i = 0; i < len; i++)
		message[8 + i] = (uint8_t)(i * 7);
	message[0] = v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
	message[1] = 0;
	store_be16(message + 4, 0x4242);
	store_be16(message + 6, 7);
	send_from(src, dst, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, message,
		  8 + len);
}

static void expect_echo(const char *from, const char *to, size_t len)
{
	bool v6 = strchr(to, ':') != NULL;

	local_free(&reply);
	local_take(&s, &reply);
	local_expect_nothing(&s);
	local_addr_eq(reply.head.src, from);
	local_addr_eq(reply.head.dst, to);
	ck_assert_mem_eq(reply.mac, s.mac, 6);
	ck_assert_uint_eq(reply.payload[0],
			  v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY);
	ck_assert_uint_eq(reply.payload[1], 0);
	ck_assert_uint_eq(reply.len, 8 + len);
	ck_assert_mem_eq(reply.payload + 4, message + 4, 4 + len);
}

START_TEST(our_addresses_answer)
{
	static const char *const ours[] = {"10.0.2.2", "10.0.2.3"};
	static const char *const ours6[] = {"fd00::2", "fd00::3", "fe80::2"};
	static const size_t lens[] = {0, 1, 56, 1401};

	for (size_t j = 0; j < ARRAY_SIZE(lens); j++) {
		for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
			echo(GUEST, ours[i], lens[j]);
			expect_echo(ours[i], GUEST, lens[j]);
		}
		for (size_t i = 0; i < ARRAY_SIZE(ours6); i++) {
			echo(GUEST6, ours6[i], lens[j]);
			expect_echo(ours6[i], GUEST6, lens[j]);
		}
	}
	ck_assert_uint_eq(s.stack->count.echo, 20);
	/* No socket is needed for it. */
	ck_assert_uint_eq(s.host.calls[FAKE_SOCKET], 0);
}
END_TEST

START_TEST(frames_of_a_large_mtu)
{
	script_end(&s);
	start(9000);
	echo(GUEST, "10.0.2.2", 8972);
	expect_echo("10.0.2.2", GUEST, 8972);
	echo(GUEST6, "fd00::2", 8952);
	expect_echo("fd00::2", GUEST6, 8952);
	/* A larger one than the stack has room for: none, rather than a part. */
	echo(GUEST, "10.0.2.2", 9992);
	local_expect_nothing(&s);
	ck_assert_uint_eq(s.stack->count.no_replies, 1);
}
END_TEST

/* "ping ff02::1" finds the router. */
START_TEST(all_nodes_and_routers)
{
	echo("fe80::15", "ff02::1", 56);
	expect_echo("fe80::2", "fe80::15", 56);
	echo("fe80::15", "ff02::2", 56);
	expect_echo("fe80::2", "fe80::15", 56);
	echo("::", "ff02::1", 56);
	echo("fe80::15", "ff02::fb", 56);
	echo(GUEST, "10.0.2.255", 56);
	echo(GUEST, "255.255.255.255", 56);
	echo(GUEST, "224.0.0.1", 56);
	local_expect_nothing(&s);
}
END_TEST

START_TEST(damaged_echoes)
{
	struct local_head head = {
		.src = local_addr(GUEST),
		.dst = local_addr("10.0.2.2"),
		.protocol = IPPROTO_ICMP,
		.bad_sum = true,
	};

	message[0] = ICMP_ECHO;
	local_send(&s, &head, message, 64);
	head.bad_sum = false;
	for (size_t len = 4; len < 8; len++)
		local_send(&s, &head, message, len);
	local_expect_nothing(&s);
}
END_TEST

/* ---- Errors to the guest ---- */

/* A datagram to @dst of @len bytes, whose flow fails by @err. */
static void break_by(const char *dst, int err, uint32_t mtu, size_t len)
{
	struct csm_key key = {
		.guest = local_addr(strchr(dst, ':') ? GUEST6 : GUEST),
		.far = local_addr(dst),
		.guest_port = 1111,
		.far_port = 2222,
		.kind = CSM_FLOW_UDP,
	};

	for (size_t i = 0; i < len; i++)
		message[i] = (uint8_t)(i * 3);
	csm_icmp_error_for(s.stack, &key, message, len, len, err, mtu, NULL);
	script_run(&s);
}

static void expect_error(uint8_t type, uint8_t code, uint32_t rest)
{
	local_free(&reply);
	local_take(&s, &reply);
	local_expect_nothing(&s);
	ck_assert_uint_eq(reply.payload[0], type);
	ck_assert_uint_eq(reply.payload[1], code);
	ck_assert_uint_eq(load_be32(reply.payload + 4), rest);
}

START_TEST(errors_by_cause)
{
	static const struct {
		int err;
		uint32_t mtu;
		uint8_t type, code;
		uint32_t rest;
	} rows4[] =
		{
			{ENETUNREACH, 0, 3, 0, 0},
			{EHOSTUNREACH, 0, 3, 1, 0},
			{ENOPROTOOPT, 0, 3, 2, 0},
			{ECONNREFUSED, 0, 3, 3, 0},
			{EMSGSIZE, 1400, 3, 4, 1400},
			{EACCES, 0, 3, 13, 0},
			{EMSGSIZE, 100000, 3, 4, 65535},
			{ETIME, 0, 11, 0, 0},
			{ETIMEDOUT, 0, 3, 1, 0},
		},
	  rows6[] = {
		  {ENETUNREACH, 0, 1, 0, 0},	{EACCES, 0, 1, 1, 0},
		  {EHOSTUNREACH, 0, 1, 3, 0},	{ECONNREFUSED, 0, 1, 4, 0},
		  {EMSGSIZE, 1400, 2, 0, 1400}, {ETIME, 0, 3, 0, 0},
		  {ETIMEDOUT, 0, 1, 3, 0},
	  };

	for (size_t i = 0; i < ARRAY_SIZE(rows4); i++) {
		break_by("192.0.2.7", rows4[i].err, rows4[i].mtu, 30);
		expect_error(rows4[i].type, rows4[i].code, rows4[i].rest);
		local_addr_eq(reply.head.src, "10.0.2.2");
		local_addr_eq(reply.head.dst, GUEST);
		ck_assert_uint_eq(reply.head.protocol, IPPROTO_ICMP);
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows6); i++) {
		break_by("2001:db8::7", rows6[i].err, rows6[i].mtu, 30);
		expect_error(rows6[i].type, rows6[i].code, rows6[i].rest);
		local_addr_eq(reply.head.src, "fd00::2");
		local_addr_eq(reply.head.dst, GUEST6);
		ck_assert_uint_eq(reply.head.protocol, IPPROTO_ICMPV6);
	}
	ck_assert_uint_eq(s.stack->count.icmp_errors,
			  ARRAY_SIZE(rows4) + ARRAY_SIZE(rows6));
}
END_TEST

/* What is quoted names the flow, so that the guest finds its socket. */
START_TEST(what_is_quoted)
{
	const uint8_t *q;

	break_by("192.0.2.7", ECONNREFUSED, 0, 30);
	expect_error(3, 3, 0);
	q = reply.payload + 8;
	ck_assert_uint_eq(reply.len, 8 + 20 + 8 + 30);
	ck_assert_uint_eq(q[0], 0x45);
	ck_assert_uint_eq(load_be16(q + 2), 20 + 8 + 30);
	ck_assert_uint_eq(q[9], IPPROTO_UDP);
	ck_assert_uint_eq(load_be32(q + 12), 0x0a00020f);
	ck_assert_uint_eq(load_be32(q + 16), 0xc0000207);
	ck_assert_uint_eq(load_be16(q + 20), 1111);
	ck_assert_uint_eq(load_be16(q + 22), 2222);
	ck_assert_uint_eq(load_be16(q + 24), 38);
	ck_assert_mem_eq(q + 28, message, 30);
	/* No more than a host must be able to take. */
	break_by("192.0.2.7", ECONNREFUSED, 0, 5000);
	expect_error(3, 3, 0);
	ck_assert_uint_eq(reply.frame->len, 14 + 576);
	ck_assert_uint_eq(load_be16(reply.payload + 8 + 2), 5028);
	break_by("2001:db8::7", ECONNREFUSED, 0, 5000);
	expect_error(1, 4, 0);
	ck_assert_uint_eq(reply.frame->len, 14 + 1280);
	q = reply.payload + 8;
	ck_assert_uint_eq(load_be16(q + 4), 5008);
	ck_assert_uint_eq(q[6], IPPROTO_UDP);
	ck_assert_uint_eq(load_be16(q + 40), 1111);
}
END_TEST

/* A datagram to a port of the gateway's: the whole packet is at hand. */
START_TEST(packet_is_quoted_as_it_came)
{
	for (size_t i = 0; i < 100; i++)
		message[i] = (uint8_t)(i + 1);
	send_from(GUEST, "10.0.2.2", IPPROTO_UDP, message, 100);
	expect_error(3, 3, 0);
	ck_assert_uint_eq(reply.len, 8 + 20 + 8 + 100);
	ck_assert_uint_eq(load_be16(reply.payload + 8 + 20 + 2), 2222);
	ck_assert_mem_eq(reply.payload + 8 + 28, message, 100);
	send_from(GUEST6, "fd00::2", IPPROTO_UDP, message, 100);
	expect_error(1, 4, 0);
	ck_assert_uint_eq(reply.len, 8 + 40 + 8 + 100);
	ck_assert_mem_eq(reply.payload + 8 + 48, message, 100);
}
END_TEST

/* The rules and the restricted network: forbidden; what is nowhere is said to
 * be so. */
START_TEST(forbidden_and_nowhere)
{
	echo(GUEST, "10.0.2.99", 10);
	expect_error(3, 1, 0);
	local_addr_eq(reply.head.src, "10.0.2.2");
	echo(GUEST, "127.0.0.1", 10);
	expect_error(3, 1, 0);
	echo(GUEST, "169.254.169.254", 10);
	expect_error(3, 13, 0);
	s.config.restricted = true;
	echo(GUEST, "192.0.2.7", 10);
	expect_error(3, 13, 0);
	echo(GUEST6, "2001:db8::7", 10);
	expect_error(1, 1, 0);
	ck_assert_uint_eq(s.stack->count.refused, 5);
	ck_assert_uint_eq(s.host.calls[FAKE_SOCKET], 0);
}
END_TEST

START_TEST(never_about_these)
{
	static const uint8_t errors4[] = {3, 4, 5, 11, 12, 0, 13};
	static const uint8_t errors6[] = {1, 2, 3, 4, 127, 129};
	struct csm_in in = {.ip_at = 14, .l4_at = 34};
	struct iovec iov = {message, 64};

	in.payload = net_iov_walk(&iov, 1);
	in.payload_len = 64;
	in.src = local_addr(GUEST);
	in.dst = local_addr("192.0.2.7");
	in.protocol = IPPROTO_ICMP;
	for (size_t i = 0; i < ARRAY_SIZE(errors4); i++) {
		message[0] = errors4[i];
		csm_icmp_error(s.stack, &in, EHOSTUNREACH, 0, NULL);
	}
	/* To many, by one of both layers. */
	in.protocol = IPPROTO_UDP;
	in.head[0] = 0xff;
	csm_icmp_error(s.stack, &in, EHOSTUNREACH, 0, NULL);
	in.head[0] = 0;
	in.dst = local_addr("224.0.0.251");
	csm_icmp_error(s.stack, &in, EHOSTUNREACH, 0, NULL);
	in.dst = local_addr("10.0.2.255");
	csm_icmp_error(s.stack, &in, EHOSTUNREACH, 0, NULL);
	in.dst = local_addr("255.255.255.255");
	csm_icmp_error(s.stack, &in, EHOSTUNREACH, 0, NULL);
	/* From nobody. */
	in.dst = local_addr("192.0.2.7");
	in.src = csm_addr_any4;
	csm_icmp_error(s.stack, &in, EHOSTUNREACH, 0, NULL);
	in.v6 = true;
	in.l4_at = 54;
	in.src = local_addr(GUEST6);
	in.dst = local_addr("2001:db8::7");
	in.protocol = IPPROTO_ICMPV6;
	for (size_t i = 0; i < ARRAY_SIZE(errors6); i++) {
		message[0] = errors6[i];
		csm_icmp_error(s.stack, &in, EHOSTUNREACH, 0, NULL);
	}
	in.protocol = IPPROTO_UDP;
	in.dst = local_addr("ff02::1");
	csm_icmp_error(s.stack, &in, EHOSTUNREACH, 0, NULL);
	script_run(&s);
	local_expect_nothing(&s);
	/* It does tell, if there is no such reason. */
	in.dst = local_addr("2001:db8::7");
	csm_icmp_error(s.stack, &in, EHOSTUNREACH, 0, NULL);
	script_run(&s);
	expect_error(1, 3, 0);
}
END_TEST

START_TEST(no_more_than_a_rate)
{
	size_t n;

	for (size_t i = 0; i < 5 * CSM_ICMP_BURST; i++)
		break_by("192.0.2.7", ECONNREFUSED, 0, 10);
	n = s.n_frames;
	ck_assert_uint_ge(n, CSM_ICMP_BURST);
	ck_assert_uint_le(n, CSM_ICMP_BURST + 1);
	script_forget(&s);
	script_wait(&s, SCRIPT_SEC * 20 / CSM_ICMP_RATE);
	for (size_t i = 0; i < CSM_ICMP_BURST; i++)
		break_by("192.0.2.7", ECONNREFUSED, 0, 10);
	ck_assert_uint_ge(s.n_frames, 19);
	ck_assert_uint_le(s.n_frames, 21);
}
END_TEST

/* ---- Errors from the guest ---- */

static bool ended;

static void end(struct csm_flow *flow)
{
	ended = true;
	csm_flow_bury(flow);
}

static void destroy(struct csm_flow *flow)
{
	UNUSED(flow);
}

static const struct csm_flow_ops flow_ops = {
	.proto = "udp", .end = end, .destroy = destroy};

static struct csm_flow flow;

static void add_flow(const char *guest, const char *far, bool inbound)
{
	memset(&flow, 0, sizeof(flow));
	flow.ops = &flow_ops;
	flow.key = (struct csm_key){
		.guest = local_addr(guest),
		.far = local_addr(far),
		.guest_port = 53,
		.far_port = 9999,
		.kind = CSM_FLOW_UDP,
	};
	flow.source.fd = -1;
	flow.inbound = inbound;
	csm_sender_init(&flow.sender, NULL);
	ck_assert_int_eq(csm_flow_add(s.stack, &flow), 0);
	ended = false;
}

/* The guest, or what claims to be it, says that nobody listens at its port. */
static void say_from(const char *src, bool v6, uint8_t code, uint16_t port,
		     size_t len)
{
	uint8_t m[64] = {v6 ? ICMP6_DST_UNREACH : ICMP_DEST_UNREACH, code};
	struct csm_addr far = local_addr(v6 ? "2001:db8::7" : "192.0.2.7");
	struct csm_addr guest = local_addr(v6 ? GUEST6 : GUEST);
	uint8_t *ip = m + 8, *udp = ip + (v6 ? 40 : 20);

	if (v6) {
		ip[0] = 0x60;
		ip[6] = IPPROTO_UDP;
		memcpy(ip + 8, far.b, 16);
		memcpy(ip + 24, guest.b, 16);
	} else {
		ip[0] = 0x45;
		ip[9] = IPPROTO_UDP;
		memcpy(ip + 12, csm_addr_bytes4(&far), 4);
		memcpy(ip + 16, csm_addr_bytes4(&guest), 4);
	}
	store_be16(udp, 9999);
	store_be16(udp + 2, port);
	send_from(src, v6 ? "2001:db8::7" : "192.0.2.7",
		  v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, m, len);
}

static void say_unreachable(bool v6, uint8_t code, uint16_t port, size_t len)
{
	say_from(v6 ? GUEST6 : GUEST, v6, code, port, len);
}

START_TEST(port_unreachable_ends_an_inbound_flow)
{
	add_flow(GUEST, "192.0.2.7", true);
	/* Other codes, another port, somebody else, cut off. */
	say_from("10.0.2.16", false, 3, 53, 64);
	say_unreachable(false, 1, 53, 64);
	say_unreachable(false, 3, 54, 64);
	for (size_t len = 4; len < 8 + 20 + 8; len++)
		say_unreachable(false, 3, 53, len);
	ck_assert(!ended);
	say_unreachable(false, 3, 53, 36);
	ck_assert(ended);
	add_flow(GUEST6, "2001:db8::7", true);
	say_unreachable(true, 3, 53, 64);
	ck_assert(!ended);
	say_unreachable(true, 4, 53, 56);
	ck_assert(ended);
	/* The guest's own flows it ends itself. */
	add_flow(GUEST, "192.0.2.7", false);
	say_unreachable(false, 3, 53, 64);
	ck_assert(!ended);
	local_expect_nothing(&s);
	ck_assert_uint_gt(s.stack->count.icmp_ignored, 4);
}
END_TEST

START_TEST(other_messages_are_passed_over)
{
	static const uint8_t types4[] = {0, 4, 5, 11, 12, 13, 17, 255};
	static const uint8_t types6[] = {2, 3, 4, 129, 130, 131, 143, 255};

	memset(message, 0, 64);
	for (size_t i = 0; i < ARRAY_SIZE(types4); i++) {
		message[0] = types4[i];
		send_from(GUEST, "10.0.2.2", IPPROTO_ICMP, message, 64);
		message[0] = types6[i];
		send_from(GUEST6, "fd00::2", IPPROTO_ICMPV6, message, 64);
	}
	local_expect_nothing(&s);
	ck_assert_uint_eq(s.stack->count.icmp_ignored, 16);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("csm_icmp");
	TCase *tc = tcase_create("icmp");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, our_addresses_answer);
	tcase_add_test(tc, frames_of_a_large_mtu);
	tcase_add_test(tc, all_nodes_and_routers);
	tcase_add_test(tc, damaged_echoes);
	tcase_add_test(tc, errors_by_cause);
	tcase_add_test(tc, what_is_quoted);
	tcase_add_test(tc, packet_is_quoted_as_it_came);
	tcase_add_test(tc, forbidden_and_nowhere);
	tcase_add_test(tc, never_about_these);
	tcase_add_test(tc, no_more_than_a_rate);
	tcase_add_test(tc, port_unreachable_ends_an_inbound_flow);
	tcase_add_test(tc, other_messages_are_passed_over);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
