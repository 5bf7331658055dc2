/* SPDX-License-Identifier: MIT */
/*
 * consomme's DNS proxy between a guest and servers that say anything, and what it
 * reads from resolv.conf.
 *
 * First byte: what the network is like; with its highest bit all the rest is the
 * text of a resolv.conf. Otherwise operations follow, a byte each and its
 * operands. Whatever happens, what the guest gets is an answer to something that
 * it has asked, once, and no longer than it takes; in the end nothing is open.
 */
#include "fuzz/input.h"
#include "support/csm_datagrams.h"

#include "backends/consomme/dns_message.h"
#include "backends/consomme/resolv_conf.h"
#include "base/bytes.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define OPS_MAX	  64
#define BYTES_MAX 5000
#define BUFS	  24
#define IDS	  65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum op {
	OP_RAW,	   /* the guest sends bytes */
	OP_QUERY,  /* the guest sends a query */
	OP_BYTES,  /* the server says bytes */
	OP_ANSWER, /* the server says bytes behind header and question */
	OP_GONE,   /* the server is not there */
	OP_TIME,
	OP_CONF,
	OP_FAIL,
	OPS,
};

/* @asked: how often the guest has asked with an identifier and got no answer. */
struct stream {
	struct fuzz_input input;
	struct script s;
	uint8_t bytes[BYTES_MAX];
	size_t len;
	uint8_t asked[IDS];
};

static const struct consomme_record records[] = {
	{"host.example",
	 {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 2, 2}}},
	{"host.example", {{0xfd, [15] = 2}}},
	{"other.example.",
	 {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 2, 9}}},
};

static void require(bool condition)
{
	if (!condition)
		abort();
}

static uint64_t take(struct stream *f, size_t n)
{
	return fuzz_take(&f->input, n);
}

/* The next bytes, behind their number, put at @at. */
static void take_bytes(struct stream *f, size_t at)
{
	size_t n = take(f, 2);

	n = MIN(MIN(n, f->input.size), BYTES_MAX - at);
	memcpy(f->bytes + at, f->input.data, n);
	f->input.data += n;
	f->input.size -= n;
	f->len = at + n;
}

/* The parsers must not look beyond a message: they get a copy that ends there. */
static void parse_alone(const struct stream *f)
{
	uint8_t *copy = malloc(f->len ? f->len : 1);
	struct csm_dns_query query;
	int err;

	require(copy);
	memcpy(copy, f->bytes, f->len);
	err = csm_dns_query_parse(copy, f->len, &query);
	require(err == -EINVAL || err == 0 || err == CSM_DNS_FORMERR ||
		err == CSM_DNS_NOTIMP);
	if (err == 0)
		require(query.name.len > 0 && query.room >= CSM_DNS_UDP_MIN);
	if (err >= 0)
		(void)csm_dns_is_answer(&query, query.id, copy, f->len);
	free(copy);
}

static void guest_sends(struct stream *f)
{
	uint8_t from = (uint8_t)take(f, 1);
	struct talk t = talk_to(&f->s, from & 1 ? "10.0.2.3" : "fd00::3", 53);
	size_t max = f->s.config.mtu - 48u;

	t.guest_port = (uint16_t)(5000 + (from >> 6));
	f->len = MIN(f->len, max);
	parse_alone(f);
	if (f->len >= 2)
		f->asked[load_be16(f->bytes)]++;
	talk_send(&f->s, &t, f->bytes, f->len, 0);
}

static void guest_asks(struct stream *f)
{
	static const char *const names[] = {
		"host.example", "HOST.example.",	 "other.example",
		"example.org",	"2.2.0.10.in-addr.arpa", "a"};
	struct csm_dns_name name;
	uint8_t *at = f->bytes;
	uint16_t edns;

	memset(at, 0, CSM_DNS_HEADER_LEN);
	store_be16(at, (uint16_t)take(f, 1));
	at[2] = 1;
	at[5] = 1;
	csm_dns_name_from_text(names[take(f, 1) % ARRAY_SIZE(names)], &name);
	memcpy(at + CSM_DNS_HEADER_LEN, name.b, name.len);
	f->len = CSM_DNS_HEADER_LEN + (size_t)name.len;
	store_be16(at + f->len, (uint16_t)take(f, 1));
	store_be16(at + f->len + 2, 1);
	f->len += 4;
	edns = (uint16_t)take(f, 2);
	if (edns) {
		memset(at + f->len, 0, 11);
		store_be16(at + f->len + 1, CSM_DNS_OPT);
		store_be16(at + f->len + 3, edns);
		at[11] = 1;
		f->len += 11;
	}
	guest_sends(f);
}

/* One of the sockets that are open. */
static struct fake_sock *open_sock(struct stream *f)
{
	struct list *node = f->s.host.socks.prev;

	for (uint64_t skip = take(f, 1) % 4; node != &f->s.host.socks;
	     node = node->prev) {
		struct fake_sock *sock =
			container_of(node, struct fake_sock, node);

		if (sock->fd >= 0 && skip-- == 0)
			return sock;
	}
	return NULL;
}

/* Puts the header and the question of what the socket was sent last in front of
 * the bytes; with flags of its own. */
static size_t put_question(struct stream *f, struct fake_sock *sock)
{
	uint16_t flags = (uint16_t)take(f, 2);
	struct csm_dns_query query;
	struct list *node = sock->dgrams_out.prev;
	struct fake_dgram *d = container_of(node, struct fake_dgram, node);

	if (node == &sock->dgrams_out ||
	    csm_dns_query_parse(d->bytes, d->len, &query) != 0)
		return 0;
	memcpy(f->bytes, d->bytes,
	       CSM_DNS_HEADER_LEN + (size_t)query.name.len + 4);
	store_be16(f->bytes + 2, flags);
	return CSM_DNS_HEADER_LEN + (size_t)query.name.len + 4;
}

static void server_says(struct stream *f, bool question)
{
	struct fake_sock *sock = open_sock(f);
	size_t at = 0;

	if (sock && question)
		at = put_question(f, sock);
	take_bytes(f, at);
	parse_alone(f);
	if (!sock)
		return;
	fake_sock_datagram(sock, &sock->peer, 53, f->bytes, f->len, 0);
	script_run(&f->s);
}

static void server_is_gone(struct stream *f)
{
	struct fake_sock *sock = open_sock(f);

	if (!sock)
		return;
	fake_sock_fail(sock, ECONNREFUSED);
	script_run(&f->s);
}

static void check_conf(const struct csm_resolv_conf *conf)
{
	require(conf->n_servers >= 1 &&
		conf->n_servers <= ARRAY_SIZE(conf->servers));
	require(conf->timeout >= 1 && conf->timeout <= 30);
	require(conf->attempts >= 1 && conf->attempts <= 5);
	for (size_t i = 0; i < conf->n_servers; i++)
		require(!csm_addr_is_multicast(&conf->servers[i]));
}

static void read_conf(struct stream *f, bool stack)
{
	char *text = malloc(f->len + 1);
	struct csm_resolv_conf conf;

	require(text);
	memcpy(text, f->bytes, f->len);
	text[f->len] = '\0';
	csm_resolv_conf_parse(text, &conf);
	check_conf(&conf);
	if (stack)
		csm_dns_set_resolv_conf(f->s.stack, text);
	free(text);
}

static void host_fails(struct stream *f)
{
	static const int errors[] = {EMFILE, ENETUNREACH, EAGAIN, ECONNREFUSED};
	enum fake_op op = (enum fake_op)(take(f, 1) % FAKE_OPS);

	f->s.host.fail[op].err = errors[take(f, 1) % ARRAY_SIZE(errors)];
	f->s.host.fail[op].times = (unsigned int)take(f, 1) % 8;
}

/* What the guest gets. */
static void look(struct stream *f)
{
	struct got g;

	while (take_packet(&f->s, &g)) {
		const uint8_t *m = g.l4 + 8;
		size_t n = g.l4_len - 8;

		require(g.protocol == IPPROTO_UDP && g.l4_len >= 8);
		require(load_be16(g.l4) == 53);
		require(n >= CSM_DNS_HEADER_LEN && n <= f->s.config.mtu - 28u);
		require(m[2] & 0x80);
		require(f->asked[load_be16(m)]-- > 0);
		got_free(&g);
	}
}

static void run(struct stream *f, enum op op)
{
	switch (op) {
	case OP_RAW:
		take_bytes(f, 0);
		guest_sends(f);
		break;
	case OP_QUERY:
		guest_asks(f);
		break;
	case OP_BYTES:
	case OP_ANSWER:
		server_says(f, op == OP_ANSWER);
		break;
	case OP_GONE:
		server_is_gone(f);
		break;
	case OP_TIME:
		script_wait(&f->s, take(f, 1) * 100 * SCRIPT_MS);
		break;
	case OP_CONF:
		take_bytes(f, 0);
		read_conf(f, true);
		break;
	case OP_FAIL:
		host_fails(f);
		break;
	case OPS:
		break;
	}
}

static void begin(struct stream *f, uint8_t flags)
{
	struct consomme_config *c = &f->s.config;

	script_prepare(&f->s, 0);
	c->restricted = flags & 1;
	if (flags & 2) {
		c->records = records;
		c->n_records = ARRAY_SIZE(records);
	}
	if (flags & 4) {
		c->servers[0] = addr_of("192.0.2.53");
		c->servers[1] = addr_of("2001:db8::53");
		c->n_servers = 2;
	}
	c->mtu = flags & 8 ? 9000 : 1500;
	c->max_dns = flags & 16 ? 2 : 256;
	f->s.n_bufs = BUFS;
	script_start(&f->s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stream f;
	uint8_t flags;

	log_configure(&(struct log_config){.level = LOG_LEVEL_OFF});
	f.input = (struct fuzz_input){data, size};
	flags = (uint8_t)take(&f, 1);
	if (flags & 0x80) {
		f.len = MIN(f.input.size, (size_t)BYTES_MAX);
		memcpy(f.bytes, f.input.data, f.len);
		read_conf(&f, false);
		return 0;
	}
	memset(f.asked, 0, sizeof(f.asked));
	begin(&f, flags);
	for (int i = 0; i < OPS_MAX && f.input.size; i++) {
		run(&f, (enum op)(take(&f, 1) % OPS));
		look(&f);
	}
	script_end(&f.s);
	return 0;
}
