/* SPDX-License-Identifier: MIT */
/*
 * UDP forwards of consomme: what comes to a socket of the host's and goes to the
 * guest, and its answers.
 */
#include "support/csm_datagrams.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>

#define PEER	   "198.51.100.9"
#define PEER6	   "2001:db8:5::9"
#define GATEWAY	   "10.0.2.2"
#define GATEWAY6   "fd00::2"
#define GUEST_PORT 5353

static uint8_t bytes[65536];

/* A script with one forward to port GUEST_PORT of the guest, whose address is
 * known. */
struct rig {
	struct script s;
	struct fake_sock *sock;
	struct csm_udp_forward *forward;
};

static void begin(struct rig *r, bool v6, uint32_t max, const char *guest)
{
	struct csm_addr to = v6 ? csm_addr_any6 : csm_addr_any4;
	struct talk t;

	script_prepare(&r->s, 0);
	r->s.config.max_udp = max;
	script_start(&r->s);
	r->sock = fake_host_bound(&r->s.host, CSM_SOCKET_UDP, v6);
	if (guest)
		to = addr_of(guest);
	ck_assert_int_eq(csm_udp_forward_create(r->s.stack, r->sock->fd, &to,
						GUEST_PORT, &r->forward),
			 0);
	/* It is known by what it sends. */
	t = talk_to(&r->s, "224.0.0.1", 9);
	talk_send(&r->s, &t, "", 0, 0);
	t = talk_to(&r->s, "ff02::1", 9);
	talk_send(&r->s, &t, "", 0, 0);
	expect_quiet(&r->s);
	r->s.stack->count.udp_dropped = 0;
}

static void end(struct rig *r)
{
	csm_udp_forward_destroy(r->forward);
	ck_assert_int_eq(r->sock->fd, -1);
	script_end(&r->s);
}

static void comes(struct rig *r, const char *peer, uint16_t port,
		  const char *text)
{
	struct csm_addr addr = addr_of(peer);

	fake_sock_datagram(r->sock, &addr, port, text, strlen(text), 0);
	script_run(&r->s);
}

/* The guest gets @text from @from; who that is, as it sees it. */
static struct talk receives(struct rig *r, const char *from, const char *text)
{
	struct csm_addr addr = addr_of(from);
	struct talk t = {
		.far = addr,
		.guest = csm_addr_is4(&addr) ? r->s.guest4 : r->s.guest6,
		.guest_port = GUEST_PORT,
	};
	struct got g;

	ck_assert(take_packet(&r->s, &g));
	ck_assert(csm_addr_equal(&g.src, &t.far));
	ck_assert(csm_addr_equal(&g.dst, &t.guest));
	t.far_port = (uint16_t)(g.l4[0] << 8 | g.l4[1]);
	ck_assert_uint_eq(g.l4[2] << 8 | g.l4[3], GUEST_PORT);
	ck_assert_uint_eq(g.l4_len, 8 + strlen(text));
	ck_assert(memcmp(g.l4 + 8, text, strlen(text)) == 0);
	got_free(&g);
	return t;
}

/* What the guest says to @t leaves by the forward's socket to @peer. */
static void answers(struct rig *r, const struct talk *t, const char *peer,
		    uint16_t port, const char *text)
{
	struct csm_addr addr = addr_of(peer);
	struct fake_dgram *d;

	talk_send(&r->s, t, text, strlen(text), 0);
	d = fake_sock_take_datagram(r->sock);
	ck_assert_ptr_nonnull(d);
	ck_assert(csm_addr_equal(&d->addr, &addr));
	ck_assert_uint_eq(d->port, port);
	ck_assert_uint_eq(d->len, strlen(text));
	ck_assert(memcmp(d->bytes, text, d->len) == 0);
	free(d);
}

static uint32_t flows(const struct rig *r)
{
	return r->s.stack->flows.kinds[CSM_FLOW_UDP].n;
}

START_TEST(in_and_out)
{
	static const struct {
		const char *peer, *shown;
		uint16_t port;
		bool kept; /* its port is what the guest sees */
	} rows[] = {
		{PEER, PEER, 4000, true},
		{PEER, PEER, 53, true},
		{PEER6, PEER6, 4000, true},
		{"127.0.0.1", GATEWAY, 4000, true},
		{"127.0.0.1", GATEWAY, 67, false},
		{"::1", GATEWAY6, 4000, true},
		{"10.0.2.15", GATEWAY, 4000, true},
		{"10.0.2.99", GATEWAY, 4000, true},
		{"fe80::7", GATEWAY6, 4000, true},
	};
	const char *peer = rows[_i].peer;
	uint16_t port = rows[_i].port;
	struct rig r;
	struct talk t;

	begin(&r, strchr(peer, ':'), 16, NULL);
	comes(&r, peer, port, "hello");
	t = receives(&r, rows[_i].shown, "hello");
	ck_assert_int_eq(t.far_port == port, rows[_i].kept);
	answers(&r, &t, peer, port, "who?");
	/* The same conversation. */
	comes(&r, peer, port, "me");
	ck_assert_uint_eq(receives(&r, rows[_i].shown, "me").far_port,
			  t.far_port);
	ck_assert_uint_eq(flows(&r), 1);
	ck_assert_uint_eq(r.s.host.n_open, 1);
	end(&r);
}
END_TEST

/* To a guest's address of the other version everybody is the gateway. */
START_TEST(to_a_named_guest)
{
	struct rig r;
	struct talk t;

	begin(&r, false, 16, _i ? "fd00::15" : "10.0.2.15");
	comes(&r, PEER, 4000, "hello");
	t = receives(&r, _i ? GATEWAY6 : PEER, "hello");
	answers(&r, &t, PEER, 4000, "who?");
	end(&r);
}
END_TEST

/* Each peer behind the gateway has a port of its own. */
START_TEST(many_behind_the_gateway)
{
	static const char *const peers[] = {"127.0.0.1", "127.0.0.2",
					    "127.0.0.3", "10.0.2.15"};
	struct talk t[4];
	struct rig r;

	begin(&r, false, 16, NULL);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 4; i++) {
			struct talk seen;

			comes(&r, peers[i], 4000, peers[i]);
			seen = receives(&r, GATEWAY, peers[i]);
			if (round)
				ck_assert_uint_eq(seen.far_port, t[i].far_port);
			t[i] = seen;
			ck_assert_uint_ge(seen.far_port, 1024);
			for (int k = 0; k < i; k++)
				ck_assert_uint_ne(seen.far_port, t[k].far_port);
		}
		for (int i = 0; i < 4; i++)
			answers(&r, &t[i], peers[i], 4000, "x");
	}
	ck_assert_uint_eq(flows(&r), 4);
	/* One that goes does not lead another astray. */
	script_wait(&r.s, 60 * SCRIPT_SEC);
	for (int i = 1; i < 4; i++)
		answers(&r, &t[i], peers[i], 4000, "y");
	script_wait(&r.s, 125 * SCRIPT_SEC);
	ck_assert_uint_eq(flows(&r), 3);
	for (int i = 1; i < 4; i++) {
		comes(&r, peers[i], 4000, "z");
		ck_assert_uint_eq(receives(&r, GATEWAY, "z").far_port,
				  t[i].far_port);
	}
	end(&r);
}
END_TEST

/* The guest talks to somebody by itself, who also comes by the forward. */
START_TEST(a_name_that_is_taken)
{
	struct fake_sock *own;
	struct talk out, in;
	struct rig r;

	begin(&r, false, 16, NULL);
	out = talk_to(&r.s, PEER, 4000);
	out.guest_port = GUEST_PORT;
	talk_send(&r.s, &out, "out", 3, 0);
	own = fake_host_last(&r.s.host);
	expect_sent(own, "out", 3);
	comes(&r, PEER, 4000, "in");
	in = receives(&r, PEER, "in");
	ck_assert_uint_ne(in.far_port, 4000);
	answers(&r, &in, PEER, 4000, "answer");
	talk_send(&r.s, &out, "out", 3, 0);
	expect_sent(own, "out", 3);
	end(&r);
}
END_TEST

/* Two forwards to one port of the guest's, one peer at both. */
START_TEST(one_peer_at_two_forwards)
{
	struct csm_addr any = csm_addr_any4, peer = addr_of(PEER);
	struct csm_udp_forward *second;
	struct fake_sock *sock;
	struct talk a, b;
	struct rig r;

	begin(&r, false, 16, NULL);
	sock = fake_host_bound(&r.s.host, CSM_SOCKET_UDP, false);
	ck_assert_int_eq(csm_udp_forward_create(r.s.stack, sock->fd, &any,
						GUEST_PORT, &second),
			 0);
	comes(&r, PEER, 4000, "a");
	a = receives(&r, PEER, "a");
	fake_sock_datagram(sock, &peer, 4000, "b", 1, 0);
	script_run(&r.s);
	b = receives(&r, PEER, "b");
	ck_assert_uint_ne(a.far_port, b.far_port);
	answers(&r, &a, PEER, 4000, "to a");
	talk_send(&r.s, &b, "to b", 4, 0);
	expect_sent(sock, "to b", 4);
	csm_udp_forward_destroy(second);
	ck_assert_uint_eq(flows(&r), 1);
	end(&r);
}
END_TEST

START_TEST(nobody_is_there_yet)
{
	struct csm_addr any = csm_addr_any4;
	struct talk t;
	struct rig r;

	script_begin(&r.s, 0);
	r.sock = fake_host_bound(&r.s.host, CSM_SOCKET_UDP, false);
	ck_assert_int_eq(csm_udp_forward_create(r.s.stack, r.sock->fd, &any,
						GUEST_PORT, &r.forward),
			 0);
	comes(&r, PEER, 4000, "early");
	comes(&r, PEER, 4000, "early");
	expect_quiet(&r.s);
	ck_assert_uint_eq(r.s.stack->count.udp_dropped, 2);
	t = talk_to(&r.s, "224.0.0.1", 9);
	talk_send(&r.s, &t, "", 0, 0);
	comes(&r, PEER, 4000, "hello");
	receives(&r, PEER, "hello");
	end(&r);
}
END_TEST

START_TEST(merged_and_cut)
{
	struct csm_addr peer = addr_of(PEER);
	struct talk t;
	struct rig r;
	struct got g;

	begin(&r, false, 16, NULL);
	comes(&r, PEER, 4000, "a");
	t = receives(&r, PEER, "a");
	comes(&r, PEER, 4000, "b");
	receives(&r, PEER, "b");
	ck_assert_int_eq(fake_sock_option(r.sock, IPPROTO_UDP, UDP_GRO, 0), 1);
	fake_sock_datagram(r.sock, &peer, 4000, bytes, 30000, 1200);
	script_run(&r.s);
	ck_assert(take_packet(&r.s, &g));
	ck_assert_uint_eq(g.l4_len, 30008);
	ck_assert_uint_eq(g.gso_size, 1200);
	got_free(&g);
	talk_send_n(&r.s, &t, 30000, 1200);
	ck_assert_uint_eq(expect_sent(r.sock, bytes, 30000), 1200);
	fake_sock_datagram(r.sock, &peer, 4000, bytes, 1473, 0);
	script_run(&r.s);
	expect_quiet(&r.s);
	ck_assert_uint_eq(r.s.stack->count.udp_dropped, 1);
	end(&r);
}
END_TEST

/* What ICMP says is for the peer's flow. */
START_TEST(errors)
{
	struct csm_addr peer = addr_of(PEER);
	struct talk t;
	struct rig r;

	begin(&r, false, 16, NULL);
	comes(&r, PEER, 4000, "hello");
	t = receives(&r, PEER, "hello");
	comes(&r, PEER, 4001, "hello");
	receives(&r, PEER, "hello");
	r.sock->peer = peer;
	r.sock->port = 4000;
	fake_sock_icmp(r.sock, ECONNREFUSED, 3, 3, 0, &peer, "x", 1);
	script_run(&r.s);
	expect_icmp(&r.s, &t, PEER, 3, 3);
	/* About somebody who is no peer any more. */
	r.sock->port = 4009;
	fake_sock_icmp(r.sock, ECONNREFUSED, 3, 3, 0, &peer, "x", 1);
	script_run(&r.s);
	expect_quiet(&r.s);
	/* Found by a send. */
	r.sock->error = EHOSTUNREACH;
	answers(&r, &t, PEER, 4000, "answer");
	expect_quiet(&r.s);
	end(&r);
}
END_TEST

/* Peers are cheap: they have half of all flows, the longest silent one goes. */
START_TEST(the_cap)
{
	struct talk t, own;
	struct rig r;

	begin(&r, false, 8, NULL);
	for (uint16_t i = 0; i < 100; i++) {
		comes(&r, PEER, (uint16_t)(4000 + i), "x");
		receives(&r, PEER, "x");
	}
	ck_assert_uint_eq(flows(&r), 4);
	/* One that is used stays. */
	comes(&r, PEER, 4096, "x");
	t = receives(&r, PEER, "x");
	for (uint16_t i = 0; i < 100; i++) {
		comes(&r, PEER, (uint16_t)(5000 + i), "x");
		receives(&r, PEER, "x");
		answers(&r, &t, PEER, 4096, "still here");
	}
	/* The guest has the other half. */
	own = talk_to(&r.s, PEER, 1);
	for (uint16_t i = 0; i < 4; i++) {
		own.guest_port = (uint16_t)(6000 + i);
		talk_send(&r.s, &own, "x", 1, 0);
		expect_sent(fake_host_last(&r.s.host), "x", 1);
	}
	ck_assert_uint_eq(flows(&r), 8);
	end(&r);
}
END_TEST

START_TEST(time_goes_by)
{
	struct talk t;
	struct rig r;

	begin(&r, false, 8, NULL);
	comes(&r, PEER, 4000, "x");
	t = receives(&r, PEER, "x");
	script_wait(&r.s, 29 * SCRIPT_SEC);
	ck_assert_uint_eq(flows(&r), 1);
	script_wait(&r.s, 2 * SCRIPT_SEC);
	ck_assert_uint_eq(flows(&r), 0);
	comes(&r, PEER, 4000, "x");
	t = receives(&r, PEER, "x");
	answers(&r, &t, PEER, 4000, "y");
	script_wait(&r.s, 179 * SCRIPT_SEC);
	ck_assert_uint_eq(flows(&r), 1);
	script_wait(&r.s, 2 * SCRIPT_SEC);
	ck_assert_uint_eq(flows(&r), 0);
	end(&r);
}
END_TEST

/* Its flows go with it; what the guest says then is a flow of its own. */
START_TEST(removed)
{
	struct talk t;
	struct rig r;

	begin(&r, false, 8, NULL);
	comes(&r, PEER, 4000, "x");
	t = receives(&r, PEER, "x");
	csm_udp_forward_destroy(r.forward);
	ck_assert_int_eq(r.sock->fd, -1);
	script_run(&r.s);
	ck_assert_uint_eq(flows(&r), 0);
	talk_send(&r.s, &t, "y", 1, 0);
	expect_sent(fake_host_last(&r.s.host), "y", 1);
	ck_assert_ptr_ne(fake_host_last(&r.s.host), r.sock);
	script_end(&r.s);
}
END_TEST

START_TEST(cannot_be_watched)
{
	struct csm_addr any = csm_addr_any4;
	struct csm_udp_forward *forward;
	struct rig r;

	script_begin(&r.s, 0);
	r.sock = fake_host_bound(&r.s.host, CSM_SOCKET_UDP, false);
	r.s.host.fail[FAKE_WATCH].err = ENOSPC;
	r.s.host.fail[FAKE_WATCH].times = 1;
	ck_assert_int_eq(csm_udp_forward_create(r.s.stack, r.sock->fd, &any,
						GUEST_PORT, &forward),
			 -ENOSPC);
	/* The socket is the caller's still. */
	csm_host_close(&r.s.host.base, r.sock->fd);
	script_end(&r.s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("csm_udp_forward");
	TCase *tc = tcase_create("udp_forward");

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = talk_byte(i);
	tcase_add_loop_test(tc, in_and_out, 0, 9);
	tcase_add_loop_test(tc, to_a_named_guest, 0, 2);
	tcase_add_test(tc, many_behind_the_gateway);
	tcase_add_test(tc, a_name_that_is_taken);
	tcase_add_test(tc, one_peer_at_two_forwards);
	tcase_add_test(tc, nobody_is_there_yet);
	tcase_add_test(tc, merged_and_cut);
	tcase_add_test(tc, errors);
	tcase_add_test(tc, the_cap);
	tcase_add_test(tc, time_goes_by);
	tcase_add_test(tc, removed);
	tcase_add_test(tc, cannot_be_watched);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
