/* SPDX-License-Identifier: MIT */
/*
 * The DNS proxy: what it answers by itself, how it asks the servers, and what it
 * takes for an answer.
 */
#include "backends/consomme/dns_message.h"
#include "base/bytes.h"
#include "support/csm_datagrams.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DNS4 "10.0.2.3"
#define DNS6 "fd00::3"
#define ONE  "192.0.2.53"
#define TWO  "2001:db8::53"

#define QR 0x8000
#define AA 0x0400
#define TC 0x0200
#define RD 0x0100
#define RA 0x0080

/* A message being made. */
struct msg {
	uint8_t b[5000];
	size_t len;
};

static void put16(struct msg *m, unsigned int v)
{
	store_be16(m->b + m->len, (uint16_t)v);
	m->len += 2;
}

static void put_name(struct msg *m, const char *name)
{
	while (*name) {
		size_t n = strcspn(name, ".");

		m->b[m->len++] = (uint8_t)n;
		memcpy(m->b + m->len, name, n);
		m->len += n;
		name += n + (name[n] == '.');
	}
	m->b[m->len++] = 0;
}

static void put_header(struct msg *m, unsigned int id, unsigned int flags,
		       unsigned int an, unsigned int ar)
{
	m->len = 0;
	put16(m, id);
	put16(m, flags);
	put16(m, 1);
	put16(m, an);
	put16(m, 0);
	put16(m, ar);
}

/* @edns: the size in an OPT record; 0: none. */
static struct msg query(unsigned int id, const char *name, unsigned int type,
			unsigned int edns)
{
	struct msg m;

	put_header(&m, id, RD, 0, edns != 0);
	put_name(&m, name);
	put16(&m, type);
	put16(&m, 1);
	if (edns) {
		m.b[m.len++] = 0;
		put16(&m, 41);
		put16(&m, edns);
		put16(&m, 0);
		put16(&m, 0);
		put16(&m, 0);
	}
	return m;
}

/* The answer to @q, whose last record has @n bytes of data. */
static struct msg answer(const struct fake_dgram *q, unsigned int rcode,
			 const char *name, unsigned int type, size_t n)
{
	struct msg m;

	put_header(&m, load_be16(q->bytes), QR | RD | RA | rcode, n != 0, 0);
	put_name(&m, name);
	put16(&m, type);
	put16(&m, 1);
	if (n) {
		put16(&m, 0xc00c);
		put16(&m, type);
		put16(&m, 1);
		put16(&m, 0);
		put16(&m, 300);
		put16(&m, (unsigned int)n);
		for (size_t i = 0; i < n; i++)
			m.b[m.len++] = (uint8_t)i;
	}
	return m;
}

static void begin(struct script *s)
{
	script_prepare(s, 0);
	s->config.servers[0] = addr_of(ONE);
	s->config.servers[1] = addr_of(TWO);
	s->config.n_servers = 2;
	script_start(s);
}

static void ask(struct script *s, const struct talk *t, const struct msg *m)
{
	talk_send(s, t, m->b, m->len, 0);
}

/* The newest socket has been sent one query, which is @m but for its number. */
static struct fake_dgram *asked(struct script *s, const char *server,
				const struct msg *m)
{
	struct fake_sock *sock = fake_host_last(&s->host);
	struct csm_addr to = addr_of(server);
	struct fake_dgram *d;

	ck_assert_ptr_nonnull(sock);
	ck_assert_int_ge(sock->fd, 0);
	ck_assert(csm_addr_equal(&sock->peer, &to));
	ck_assert_uint_eq(sock->port, 53);
	d = fake_sock_take_datagram(sock);
	ck_assert_ptr_nonnull(d);
	ck_assert_ptr_null(fake_sock_take_datagram(sock));
	ck_assert_uint_eq(d->len, m->len);
	ck_assert(memcmp(d->bytes + 2, m->b + 2, m->len - 2) == 0);
	return d;
}

/* The server that was asked last says @m. */
static void says(struct script *s, const struct msg *m)
{
	struct fake_sock *sock = fake_host_last(&s->host);

	fake_sock_datagram(sock, &sock->peer, 53, m->b, m->len, 0);
	script_run(s);
}

/* The guest got @m, as number @id. */
static void receives(struct script *s, const struct talk *t,
		     const struct msg *m, unsigned int id)
{
	struct msg want = *m;

	store_be16(want.b, (uint16_t)id);
	expect_datagram(s, t, want.b, want.len);
}

/* The guest got an answer to number @id without records: its flags. */
static unsigned int gets_empty(struct script *s, const struct talk *t,
			       unsigned int id)
{
	unsigned int flags;
	struct got g;

	ck_assert(take_packet(s, &g));
	ck_assert_uint_eq(load_be16(g.l4), 53);
	ck_assert_uint_eq(load_be16(g.l4 + 2), t->guest_port);
	ck_assert_uint_eq(load_be16(g.l4 + 8), id);
	ck_assert_uint_eq(load_be16(g.l4 + 14), 0);
	flags = load_be16(g.l4 + 10);
	ck_assert(flags & QR);
	got_free(&g);
	return flags;
}

static uint32_t pending(const struct script *s)
{
	return s->stack->flows.kinds[CSM_FLOW_DNS].n;
}

/* ---- By the servers ---- */

static const char *const own[] = {DNS4, DNS6};

START_TEST(asked_and_answered)
{
	struct msg q = query(0x1234, "www.example.org", 1, 0), a;
	struct fake_dgram *d;
	struct script s;
	struct talk t;

	begin(&s);
	t = talk_to(&s, own[_i], 53);
	ask(&s, &t, &q);
	ck_assert_uint_eq(pending(&s), 1);
	d = asked(&s, ONE, &q);
	a = answer(d, 0, "WWW.example.ORG", 1, 4);
	free(d);
	says(&s, &a);
	receives(&s, &t, &a, 0x1234);
	ck_assert_uint_eq(pending(&s), 0);
	ck_assert_uint_eq(s.host.n_open, 0);
	script_end(&s);
}
END_TEST

/* A and AAAA from one port, as glibc asks. */
START_TEST(two_from_one_port)
{
	struct msg q4 = query(1, "example.org", 1, 0);
	struct msg q6 = query(2, "example.org", 28, 0), a4, a6;
	struct fake_dgram *d;
	struct fake_sock *sock4;
	struct script s;
	struct talk t;

	begin(&s);
	t = talk_to(&s, DNS4, 53);
	ask(&s, &t, &q4);
	d = asked(&s, ONE, &q4);
	a4 = answer(d, 0, "example.org", 1, 4);
	free(d);
	sock4 = fake_host_last(&s.host);
	ask(&s, &t, &q6);
	d = asked(&s, ONE, &q6);
	a6 = answer(d, 3, "example.org", 28, 0);
	free(d);
	ck_assert_uint_ne(load_be16(a4.b), 1);
	says(&s, &a6);
	receives(&s, &t, &a6, 2);
	fake_sock_datagram(sock4, &sock4->peer, 53, a4.b, a4.len, 0);
	script_run(&s);
	receives(&s, &t, &a4, 1);
	script_end(&s);
}
END_TEST

/* What is not the answer does not end the wait for it. */
START_TEST(what_is_no_answer)
{
	struct msg q = query(7, "example.org", 1, 0), a, wrong;
	struct fake_dgram *d;
	struct script s;
	struct talk t;

	begin(&s);
	t = talk_to(&s, DNS4, 53);
	ask(&s, &t, &q);
	d = asked(&s, ONE, &q);
	a = answer(d, 0, "example.org", 1, 4);
	wrong = a;
	wrong.b[0] ^= 1; /* number */
	says(&s, &wrong);
	wrong = a;
	wrong.b[2] &= 0x7f; /* a query */
	says(&s, &wrong);
	wrong = a;
	wrong.b[2] |= 0x28; /* opcode */
	says(&s, &wrong);
	wrong = answer(d, 0, "example.com", 1, 4);
	says(&s, &wrong);
	wrong = answer(d, 0, "example.org", 28, 16);
	says(&s, &wrong);
	wrong = a;
	wrong.len = 11;
	says(&s, &wrong);
	wrong.len = 20;
	says(&s, &wrong);
	wrong.len = 0;
	says(&s, &wrong);
	wrong = a;
	wrong.b[5] = 0; /* no question, and yet no failure */
	says(&s, &wrong);
	expect_quiet(&s);
	ck_assert_uint_eq(pending(&s), 1);
	says(&s, &a);
	receives(&s, &t, &a, 7);
	free(d);
	script_end(&s);
}
END_TEST

START_TEST(the_next_server)
{
	struct msg q = query(7, "example.org", 1, 0), a;
	struct fake_dgram *d;
	struct fake_sock *first;
	struct script s;
	struct talk t;

	begin(&s);
	t = talk_to(&s, DNS4, 53);
	ask(&s, &t, &q);
	d = asked(&s, ONE, &q);
	first = fake_host_last(&s.host);
	switch (_i) {
	case 0: /* silent */
		script_wait(&s, 1900 * SCRIPT_MS);
		ck_assert_ptr_eq(fake_host_last(&s.host), first);
		script_wait(&s, 200 * SCRIPT_MS);
		break;
	case 1: /* not there */
		fake_sock_fail(first, ECONNREFUSED);
		script_run(&s);
		break;
	case 2: /* will not */
		a = answer(d, 5, "example.org", 1, 0);
		says(&s, &a);
		break;
	case 3: /* cannot, and says no more than that */
		a = answer(d, 2, "example.org", 1, 0);
		a.b[5] = 0;
		a.len = 12;
		says(&s, &a);
		break;
	default:
		ck_abort();
	}
	free(d);
	expect_quiet(&s);
	ck_assert_int_eq(first->fd, -1);
	d = asked(&s, TWO, &q);
	a = answer(d, 0, "example.org", 1, 4);
	free(d);
	says(&s, &a);
	receives(&s, &t, &a, 7);
	/* It is the first to be asked from now on. */
	store_be16(q.b, 8);
	ask(&s, &t, &q);
	d = asked(&s, TWO, &q);
	free(d);
	script_end(&s);
}
END_TEST

START_TEST(nobody_answers)
{
	static const char *const order[] = {ONE, TWO, ONE, TWO};
	struct msg q = query(7, "example.org", 1, 1232);
	struct script s;
	struct talk t;

	begin(&s);
	t = talk_to(&s, DNS4, 53);
	ask(&s, &t, &q);
	for (size_t i = 0; i < 4; i++) {
		free(asked(&s, order[i], &q));
		/* The guest asks again meanwhile, which changes nothing. */
		ask(&s, &t, &q);
		expect_quiet(&s);
		script_wait(&s, 2100 * SCRIPT_MS);
	}
	ck_assert_uint_eq(gets_empty(&s, &t, 7), QR | RD | RA | 2);
	ck_assert_uint_eq(s.host.n_socks, 4);
	ck_assert_uint_eq(s.host.n_open, 0);
	ck_assert_uint_eq(s.stack->count.dns_failed, 1);
	script_end(&s);
}
END_TEST

/* The last server's failure is as good an answer as ours. */
START_TEST(all_refuse)
{
	struct msg q = query(7, "example.org", 1, 0), a;
	struct fake_dgram *d;
	struct script s;
	struct talk t;

	begin(&s);
	t = talk_to(&s, DNS4, 53);
	ask(&s, &t, &q);
	for (int i = 0; i < 2; i++) {
		d = asked(&s, i ? TWO : ONE, &q);
		a = answer(d, 5, "example.org", 1, 0);
		free(d);
		expect_quiet(&s);
		says(&s, &a);
	}
	receives(&s, &t, &a, 7);
	script_end(&s);
}
END_TEST

/* What goes wrong with a socket is a server that has failed. */
START_TEST(sockets_that_cannot_be_had)
{
	static const struct {
		enum fake_op op;
		unsigned int times;
		bool answered;
	} rows[] = {
		{FAKE_SOCKET, 1, true},	 {FAKE_CONNECT, 1, true},
		{FAKE_WATCH, 1, true},	 {FAKE_SEND, 1, true},
		{FAKE_SOCKET, 4, false}, {FAKE_SEND, 4, false},
	};
	struct msg q = query(7, "example.org", 1, 0), a;
	struct fake_dgram *d;
	struct script s;
	struct talk t;

	begin(&s);
	t = talk_to(&s, DNS4, 53);
	s.host.fail[rows[_i].op].err = EMFILE;
	s.host.fail[rows[_i].op].times = rows[_i].times;
	ask(&s, &t, &q);
	if (rows[_i].answered) {
		d = asked(&s, TWO, &q);
		a = answer(d, 0, "example.org", 1, 4);
		free(d);
		says(&s, &a);
		receives(&s, &t, &a, 7);
	} else {
		ck_assert_uint_eq(gets_empty(&s, &t, 7) & 15, 2);
	}
	expect_quiet(&s);
	ck_assert_uint_eq(s.host.n_open, 0);
	ck_assert_uint_eq(pending(&s), 0);
	script_end(&s);
}
END_TEST

START_TEST(too_many_at_once)
{
	struct msg q = query(0, "example.org", 1, 0);
	struct script s;
	struct talk t;

	begin(&s);
	t = talk_to(&s, DNS4, 53);
	for (unsigned int i = 0; i < 256; i++) {
		store_be16(q.b, (uint16_t)i);
		ask(&s, &t, &q);
		free(asked(&s, ONE, &q));
	}
	expect_quiet(&s);
	store_be16(q.b, 256);
	ask(&s, &t, &q);
	ck_assert_uint_eq(gets_empty(&s, &t, 256), QR | RD | RA | 5);
	ck_assert_uint_eq(s.host.n_open, 256);
	/* Nor later: those that wait are not pushed out. */
	script_wait(&s, 2100 * SCRIPT_MS);
	ask(&s, &t, &q);
	ck_assert_uint_eq(gets_empty(&s, &t, 256), QR | RD | RA | 5);
	ck_assert_uint_eq(pending(&s), 256);
	script_end(&s);
}
END_TEST

/* ---- How long an answer may be ---- */

START_TEST(lengths)
{
	static const struct {
		const char *far;
		unsigned int edns;
		size_t room;
		uint16_t mtu;
	} rows[] = {
		{DNS4, 0, 512, 1500},	  {DNS4, 100, 512, 1500},
		{DNS4, 1232, 1232, 1500}, {DNS4, 4096, 1472, 1500},
		{DNS6, 4096, 1452, 1500}, {DNS4, 8000, 4096, 9000},
	};
	struct msg q = query(7, "example.org", 16, rows[_i].edns), a;
	size_t head = 12 + 13 + 4 + 12;
	struct fake_dgram *d;
	struct script s;
	struct talk t;
	struct got g;

	script_prepare(&s, 0);
	s.config.servers[0] = addr_of(ONE);
	s.config.n_servers = 1;
	s.config.mtu = rows[_i].mtu;
	script_start(&s);
	t = talk_to(&s, rows[_i].far, 53);
	/* As long as may be. */
	ask(&s, &t, &q);
	d = asked(&s, ONE, &q);
	a = answer(d, 0, "example.org", 16, rows[_i].room - head);
	free(d);
	ck_assert_uint_eq(a.len, rows[_i].room);
	says(&s, &a);
	receives(&s, &t, &a, 7);
	/* One more; and far more than anybody reads. */
	for (int i = 0; i < 2; i++) {
		ask(&s, &t, &q);
		d = asked(&s, ONE, &q);
		a = answer(d, 0, "example.org", 16,
			   i ? 4900 : rows[_i].room - head + 1);
		free(d);
		says(&s, &a);
		ck_assert(take_packet(&s, &g));
		ck_assert_uint_eq(g.l4_len - 8,
				  12 + 13 + 4 + (rows[_i].edns ? 11 : 0));
		ck_assert_uint_eq(load_be16(g.l4 + 8), 7);
		ck_assert_uint_eq(load_be16(g.l4 + 10), QR | TC | RD | RA);
		ck_assert_uint_eq(load_be16(g.l4 + 12), 1);
		ck_assert_uint_eq(load_be16(g.l4 + 14), 0);
		ck_assert_uint_eq(load_be16(g.l4 + 18), rows[_i].edns != 0);
		got_free(&g);
	}
	script_end(&s);
}
END_TEST

/* ---- By itself ---- */

static const struct consomme_record records[] = {
	{"host.example",
	 {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 2, 2}}},
	{"Host.Example.",
	 {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 2, 9}}},
	{"host.example", {{0xfd, [15] = 2}}},
	{"four.example",
	 {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 2, 4}}},
	{"no..name", {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 2, 5}}},
};

static void begin_static(struct script *s)
{
	script_prepare(s, 0);
	s->config.records = records;
	s->config.n_records = ARRAY_SIZE(records);
	s->config.restricted = true;
	script_start(s);
}

START_TEST(records_of_the_description)
{
	static const struct {
		const char *name;
		unsigned int type, rcode, n;
		size_t len; /* of the last record's data */
		uint8_t last;
	} rows[] = {
		{"host.example", 1, 0, 2, 4, 9},
		{"HOST.example", 28, 0, 1, 16, 2},
		{"host.example", 255, 0, 3, 16, 2},
		{"host.example", 15, 0, 0, 0, 0},
		{"four.example", 28, 0, 0, 0, 0},
		{"4.2.0.10.in-addr.arpa", 12, 0, 1, 14, 0},
		{"4.2.0.10.IN-ADDR.ARPA", 1, 0, 0, 0, 0},
		{"2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
		 "d.f.ip6.arpa",
		 12, 0, 1, 14, 0},
		{"example", 1, 5, 0, 0, 0},
		{"a.host.example", 1, 5, 0, 0, 0},
		{"8.2.0.10.in-addr.arpa", 12, 5, 0, 0, 0},
	};
	struct msg q =
		query(7, rows[_i].name, rows[_i].type, _i & 1 ? 1232 : 0);
	size_t qlen = q.len - (_i & 1 ? 11 : 0);
	const uint8_t *m;
	struct script s;
	struct talk t;
	struct got g;

	begin_static(&s);
	t = talk_to(&s, own[_i % 2], 53);
	ask(&s, &t, &q);
	ck_assert(take_packet(&s, &g));
	m = g.l4 + 8;
	ck_assert_uint_eq(load_be16(m), 7);
	ck_assert_uint_eq(load_be16(m + 2), QR | RD | RA | rows[_i].rcode |
						    (rows[_i].n ? AA : 0));
	ck_assert_uint_eq(load_be16(m + 4), 1);
	ck_assert_uint_eq(load_be16(m + 6), rows[_i].n);
	ck_assert_uint_eq(load_be16(m + 10), _i & 1);
	/* The question as it was asked. */
	ck_assert(memcmp(m + 12, q.b + 12, qlen - 12) == 0);
	if (rows[_i].n) {
		const uint8_t *end = g.l4 + g.l4_len - (_i & 1 ? 11 : 0);

		ck_assert_uint_eq(load_be16(m + qlen), 0xc00c);
		ck_assert_uint_eq(load_be16(end - rows[_i].len - 2),
				  rows[_i].len);
		ck_assert_uint_eq(end[-1], rows[_i].last);
	}
	if (_i & 1)
		ck_assert_uint_eq(load_be16(g.l4 + g.l4_len - 10), 41);
	got_free(&g);
	expect_quiet(&s);
	ck_assert_uint_eq(s.host.n_socks, 0);
	ck_assert_uint_eq(s.stack->count.dns_static, rows[_i].rcode == 0);
	script_end(&s);
}
END_TEST

/* More addresses than fit: as many as do, and that it is cut. */
START_TEST(many_records)
{
	static struct consomme_record many[64];
	struct msg q = query(7, "host.example", 1, 0);
	struct script s;
	struct talk t;
	struct got g;

	for (size_t i = 0; i < ARRAY_SIZE(many); i++) {
		many[i] = records[0];
		many[i].addr.b[15] = (uint8_t)i;
	}
	script_prepare(&s, 0);
	s.config.records = many;
	s.config.n_records = ARRAY_SIZE(many);
	script_start(&s);
	t = talk_to(&s, DNS4, 53);
	ask(&s, &t, &q);
	ck_assert(take_packet(&s, &g));
	ck_assert_uint_le(g.l4_len, 8 + 512);
	ck_assert_uint_gt(load_be16(g.l4 + 14), 25);
	ck_assert(load_be16(g.l4 + 10) & TC);
	got_free(&g);
	script_end(&s);
}
END_TEST

/* ---- What is no query ---- */

START_TEST(malformed)
{
	static const struct {
		size_t at;
		uint8_t value;
		size_t len; /* 0: all */
		int rcode;  /* -1: no answer */
	} rows[] = {
		{2, 0x81, 0, -1}, /* an answer */
		{2, 0x29, 0, 4},  /* an update */
		{5, 0, 0, 1},	  /* no question */
		{5, 2, 0, 1},	  /* two */
		{12, 0xc0, 0, 1}, /* a name that points */
		{12, 0x40, 0, 1}, /* a label of an unknown kind */
		{12, 63, 0, 1},	  /* a label beyond the end */
		{11, 2, 0, 1},	  /* more records than there are */
		{7, 1, 0, 1},	  /* the same */
		{0, 0, 28, 1},	  /* cut in the question */
		{0, 0, 30, 1},	  /* cut in the record */
		{0, 0, 11, -1},	  /* cut in the header */
		{0, 0, 1, -1},	  /* hardly anything */
	};
	struct msg q = query(0, "example.org", 1, 1232);
	struct script s;
	struct talk t;

	begin(&s);
	t = talk_to(&s, DNS4, 53);
	q.b[rows[_i].at] = rows[_i].value;
	if (rows[_i].len)
		q.len = rows[_i].len;
	ask(&s, &t, &q);
	if (rows[_i].rcode >= 0)
		ck_assert_uint_eq(gets_empty(&s, &t, 0) & 15,
				  (unsigned int)rows[_i].rcode);
	expect_quiet(&s);
	ck_assert_uint_eq(s.host.n_socks, 0);
	script_end(&s);
}
END_TEST

START_TEST(names_at_the_limit)
{
	struct msg q;
	char name[300] = "";
	struct csm_dns_query out;

	/* 3 * 64 + 62 + 1 = 255. */
	for (int i = 0; i < 3; i++)
		strcat(name, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.");
	strcat(name, "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
		     "bbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
	q = query(1, name, 1, 0);
	ck_assert_int_eq(csm_dns_query_parse(q.b, q.len, &out), 0);
	ck_assert_uint_eq(out.name.len, 255);
	strcat(name, "b");
	q = query(1, name, 1, 0);
	ck_assert_int_eq(csm_dns_query_parse(q.b, q.len, &out),
			 CSM_DNS_FORMERR);
	/* The root. */
	q = query(1, "", 2, 0);
	ck_assert_int_eq(csm_dns_query_parse(q.b, q.len, &out), 0);
	ck_assert_uint_eq(out.name.len, 1);
	/* Names of the description. */
	csm_dns_name_from_text("", &out.name);
	ck_assert_uint_eq(out.name.len, 0);
	csm_dns_name_from_text(".", &out.name);
	ck_assert_uint_eq(out.name.len, 0);
	csm_dns_name_from_text("a.", &out.name);
	ck_assert_uint_eq(out.name.len, 3);
	csm_dns_name_from_text(name, &out.name);
	ck_assert_uint_eq(out.name.len, 0);
	name[strlen(name) - 1] = '\0';
	csm_dns_name_from_text(name, &out.name);
	ck_assert_uint_eq(out.name.len, 255);
}
END_TEST

/* Two OPT records are one too many (RFC 6891, 6.1.1). */
START_TEST(two_opts)
{
	struct msg q = query(1, "example.org", 1, 1232);
	struct csm_dns_query out;

	ck_assert_int_eq(csm_dns_query_parse(q.b, q.len, &out), 0);
	ck_assert(out.edns && out.room == 1232);
	memcpy(q.b + q.len, q.b + q.len - 11, 11);
	q.len += 11;
	q.b[11] = 2;
	ck_assert_int_eq(csm_dns_query_parse(q.b, q.len, &out),
			 CSM_DNS_FORMERR);
}
END_TEST

/* ---- Servers ---- */

START_TEST(servers_of_the_host)
{
	struct msg q = query(1, "example.org", 1, 0);
	struct csm_addr server;
	char text[CSM_ADDR_TEXT_MAX];
	struct script s;
	struct talk t;

	script_begin(&s, 0);
	t = talk_to(&s, DNS4, 53);
	ask(&s, &t, &q);
	free(asked(&s, "127.0.0.1", &q));
	csm_dns_set_resolv_conf(s.stack, "nameserver 127.0.0.53\n");
	store_be16(q.b, 2);
	ask(&s, &t, &q);
	free(asked(&s, "127.0.0.53", &q));
	ck_assert_int_eq(csm_dns_server(s.stack, &server), 0);
	ck_assert_str_eq(csm_addr_text(&server, text), "127.0.0.53");
	/* Queries under way go on with what there is now. */
	csm_dns_set_resolv_conf(s.stack, "nameserver " ONE "\nnameserver " TWO);
	script_wait(&s, 2100 * SCRIPT_MS);
	ck_assert_int_eq(csm_dns_server(s.stack, &server), 0);
	ck_assert_str_eq(csm_addr_text(&server, text), ONE);
	csm_dns_set_resolv_conf(s.stack, "");
	script_wait(&s, 60 * SCRIPT_SEC);
	ck_assert_uint_eq(pending(&s), 0);
	script_end(&s);
}
END_TEST

START_TEST(those_of_the_description_win)
{
	struct csm_addr server, want = addr_of(ONE);
	struct script s;

	begin(&s);
	csm_dns_set_resolv_conf(s.stack, "nameserver 127.0.0.53\n");
	ck_assert_int_eq(csm_dns_server(s.stack, &server), 0);
	ck_assert(csm_addr_equal(&server, &want));
	script_end(&s);
	begin_static(&s);
	ck_assert_int_eq(csm_dns_server(s.stack, &server), -ENOENT);
	script_end(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("csm_dns");
	TCase *tc = tcase_create("dns");

	tcase_add_loop_test(tc, asked_and_answered, 0, 2);
	tcase_add_test(tc, two_from_one_port);
	tcase_add_test(tc, what_is_no_answer);
	tcase_add_loop_test(tc, the_next_server, 0, 4);
	tcase_add_test(tc, nobody_answers);
	tcase_add_test(tc, all_refuse);
	tcase_add_loop_test(tc, sockets_that_cannot_be_had, 0, 6);
	tcase_add_test(tc, too_many_at_once);
	tcase_add_loop_test(tc, lengths, 0, 6);
	tcase_add_loop_test(tc, records_of_the_description, 0, 11);
	tcase_add_test(tc, many_records);
	tcase_add_loop_test(tc, malformed, 0, 13);
	tcase_add_test(tc, names_at_the_limit);
	tcase_add_test(tc, two_opts);
	tcase_add_test(tc, servers_of_the_host);
	tcase_add_test(tc, those_of_the_description_win);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
