/* SPDX-License-Identifier: MIT */
/*
 * Segments as text: sent, expected.
 */
#include "support/csm_script.h"

#include "base/bytes.h"
#include "support/frames.h"

#include <check.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACK_DELAY  (3 * CSM_MS)
#define TEXT_MAX   256
#define PAYLOAD_AT 120 /* at most: Ethernet, IPv6, TCP with all options */

#define FAIL(file, line, format, ...) \
	ck_abort_msg("%s:%d: " format, file, line, __VA_ARGS__)

/* A segment in numbers; relative ones. */
enum field {
	F_SEQ,
	F_ACK,
	F_WIN,
	F_LEN,
	F_MSS,
	F_WS,
	F_URG,
	F_GSO,
	F_BAD,
	F_PAD,
	FIELDS,
};

static const char *const field_names[FIELDS] = {
	"seq", "ack", "win", "len", "mss", "ws", "urg", "gso", "bad", "pad",
};

struct segment {
	uint8_t flags;
	uint32_t v[FIELDS];
	const uint8_t *payload;
};

#define MSS_NONE 0
#define WS_NONE	 255

static const struct {
	char letter;
	uint8_t flag;
} flag_letters[] = {
	{'S', TH_SYN},	{'F', TH_FIN}, {'R', TH_RST},
	{'P', TH_PUSH}, {'U', TH_URG}, {'.', TH_ACK},
};

/* ---- Text ---- */

static const char *segment_text(const struct segment *g, char buf[TEXT_MAX])
{
	size_t at = 0;

	for (size_t i = 0; i < ARRAY_SIZE(flag_letters); i++) {
		if (g->flags & flag_letters[i].flag)
			buf[at++] = flag_letters[i].letter;
	}
	snprintf(buf + at, TEXT_MAX - at,
		 " seq=%u ack=%u win=%u len=%u mss=%u ws=%u gso=%u",
		 g->v[F_SEQ], g->v[F_ACK], g->v[F_WIN], g->v[F_LEN],
		 g->v[F_MSS], g->v[F_WS], g->v[F_GSO]);
	return buf;
}

/* Reads flags; -1: another letter. */
static int read_flags(const char *word)
{
	int flags = 0;

	for (; *word; word++) {
		size_t i = 0;

		while (i < ARRAY_SIZE(flag_letters) &&
		       flag_letters[i].letter != *word)
			i++;
		if (i == ARRAY_SIZE(flag_letters))
			return -1;
		flags |= flag_letters[i].flag;
	}
	return flags;
}

/* Reads "name<op>number"; false: it is none. */
static bool read_field(const char *word, enum field *field, char op[3],
		       uint32_t *value)
{
	size_t n = strcspn(word, "=<>!"), ops = strspn(word + n, "=<>!");
	char *end;

	if (!ops || ops > 2)
		return false;
	for (size_t i = 0; i < FIELDS; i++) {
		if (strlen(field_names[i]) != n ||
		    strncmp(field_names[i], word, n) != 0)
			continue;
		*field = (enum field)i;
		memcpy(op, word + n, ops);
		op[ops] = 0;
		*value = (uint32_t)strtoll(word + n + ops, &end, 0);
		return !*end;
	}
	return false;
}

/* ---- Sending ---- */

static size_t put_options(const struct segment *g, uint8_t *at)
{
	size_t n = 0;

	if (g->v[F_MSS] != MSS_NONE) {
		at[n] = 2;
		at[n + 1] = 4;
		store_be16(at + n + 2, (uint16_t)g->v[F_MSS]);
		n += 4;
	}
	if (g->v[F_WS] != WS_NONE) {
		at[n] = 1;
		at[n + 1] = 3;
		at[n + 2] = 3;
		at[n + 3] = (uint8_t)g->v[F_WS];
		n += 4;
	}
	return n;
}

static size_t put_ip(const struct script_tcp *c, uint8_t *at, size_t len)
{
	if (csm_addr_is4(&c->far)) {
		memset(at, 0, 20);
		at[0] = 0x45;
		store_be16(at + 2, (uint16_t)(20 + len));
		at[6] = 0x40;
		at[8] = 64;
		at[9] = IPPROTO_TCP;
		memcpy(at + 12, csm_addr_bytes4(&c->guest), 4);
		memcpy(at + 16, csm_addr_bytes4(&c->far), 4);
		store_be16(at + 10, (uint16_t)~frame_naive_sum(0, at, 20));
		return 20;
	}
	memset(at, 0, 8);
	at[0] = 0x60;
	store_be16(at + 4, (uint16_t)len);
	at[6] = IPPROTO_TCP;
	at[7] = 64;
	memcpy(at + 8, c->guest.b, 16);
	memcpy(at + 24, c->far.b, 16);
	return 40;
}

static uint16_t pseudo_sum(const struct script_tcp *c, size_t len)
{
	bool v4 = csm_addr_is4(&c->far);
	uint8_t both[32];
	size_t n = v4 ? 4 : 16;

	memcpy(both, c->guest.b + 16 - n, n);
	memcpy(both + n, c->far.b + 16 - n, n);
	return frame_naive_sum((uint32_t)(IPPROTO_TCP + len), both, 2 * n);
}

static void put_tcp(const struct script_tcp *c, const struct segment *g,
		    uint8_t *at, size_t header)
{
	uint32_t window = g->v[F_WIN];

	if (!(g->flags & TH_SYN))
		window >>=
			c->ws == WS_NONE || c->peer_ws == WS_NONE ? 0 : c->ws;
	store_be16(at, c->guest_port);
	store_be16(at + 2, c->far_port);
	store_be32(at + 4, c->iss + g->v[F_SEQ]);
	store_be32(at + 8, g->flags & TH_ACK ? c->irs + g->v[F_ACK] : 0);
	at[12] = (uint8_t)(header / 4 << 4);
	at[13] = g->flags;
	store_be16(at + 14, (uint16_t)MIN(window, 65535U));
	store_be16(at + 16, 0);
	store_be16(at + 18, (uint16_t)g->v[F_URG]);
	for (uint32_t i = 0; i < g->v[F_LEN]; i++)
		at[header + i] = script_byte(
			(uint64_t)(uint32_t)(g->v[F_SEQ] - 1 + i), false);
}

static void send_segment(struct script_tcp *c, const struct segment *g)
{
	uint8_t *frame = malloc(PAYLOAD_AT + g->v[F_LEN] + g->v[F_PAD]),
		options[8];
	size_t n_options = put_options(g, options), l4_at;
	size_t header = 20 + n_options, len = header + g->v[F_LEN];
	struct net_offload offload = {0};
	bool v4 = csm_addr_is4(&c->far);

	if (!frame)
		ck_abort();
	memcpy(frame, c->s->config.mac, 6);
	memcpy(frame + 6, c->s->mac, 6);
	store_be16(frame + 12, v4 ? NET_ETHERTYPE_IPV4 : NET_ETHERTYPE_IPV6);
	l4_at = 14 + put_ip(c, frame + 14, len);
	put_tcp(c, g, frame + l4_at, header);
	memcpy(frame + l4_at + 20, options, n_options);
	store_be16(frame + l4_at + 16, pseudo_sum(c, len));
	if (g->v[F_GSO]) {
		offload = (struct net_offload){
			.gso = v4 ? NET_GSO_TCPV4 : NET_GSO_TCPV6,
			.gso_size = (uint16_t)g->v[F_GSO],
			.hdr_len = (uint16_t)(l4_at + header),
			.csum_needed = true,
			.csum_start = (uint16_t)l4_at,
			.csum_offset = 16,
		};
	} else {
		uint16_t sum =
			(uint16_t)~frame_naive_sum(0, frame + l4_at, len);

		store_be16(frame + l4_at + 16,
			   (uint16_t)(sum ^ (g->v[F_BAD] ? 0x1234 : 0)));
	}
	memset(frame + l4_at + len, 0xee, g->v[F_PAD]);
	script_send_frame(c->s, &offload, frame, l4_at + len + g->v[F_PAD]);
	free(frame);
}

/* The bytes of sequence space that a segment takes. */
static uint32_t span_of(const struct segment *g)
{
	return g->v[F_LEN] + !!(g->flags & TH_SYN) + !!(g->flags & TH_FIN);
}

void script_send_at(const char *file, int line, struct script_tcp *c,
		    const char *format, ...)
{
	struct segment g = {
		.v = {[F_SEQ] = c->snd, [F_WIN] = c->win, [F_WS] = WS_NONE},
	};
	char text[TEXT_MAX], op[3], *word, *save;
	bool more = false;
	enum field field;
	uint32_t value;
	va_list ap;
	int flags;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	word = strtok_r(text, " ", &save);
	if (word && !strcmp(word, "+")) {
		more = true;
		word = strtok_r(NULL, " ", &save);
	}
	flags = word ? read_flags(word) : -1;
	if (flags < 0)
		FAIL(file, line, "no flags to send: %s", word ? word : "");
	g.flags = (uint8_t)flags;
	g.v[F_ACK] = g.flags & TH_ACK ? c->rcv : 0;
	while ((word = strtok_r(NULL, " ", &save))) {
		if (!read_field(word, &field, op, &value) || strcmp(op, "="))
			FAIL(file, line, "no field to send: %s", word);
		g.v[field] = value;
	}
	if (g.flags & TH_SYN) {
		c->ws = (uint8_t)g.v[F_WS];
		c->mss = (uint16_t)g.v[F_MSS];
	}
	send_segment(c, &g);
	if ((int32_t)(g.v[F_SEQ] + span_of(&g) - c->snd) > 0)
		c->snd = g.v[F_SEQ] + span_of(&g);
	if (!more)
		script_run(c->s);
}

/* ---- Receiving ---- */

static void read_options(struct segment *g, const uint8_t *at, size_t n)
{
	for (size_t i = 0; i < n && at[i] != 0;) {
		size_t len = at[i] == 1 ? 1 : i + 1 < n ? at[i + 1] : 0;

		if (len < (at[i] == 1 ? 1 : 2) || i + len > n)
			ck_abort_msg("options that are none");
		if (at[i] == 2)
			g->v[F_MSS] = load_be16(at + i + 2);
		if (at[i] == 3)
			g->v[F_WS] = at[i + 2];
		i += len;
	}
}

static bool is_tcp(const struct script_frame *f)
{
	if (load_be16(f->bytes + 12) == NET_ETHERTYPE_IPV4)
		return f->bytes[14 + 9] == IPPROTO_TCP;
	return load_be16(f->bytes + 12) == NET_ETHERTYPE_IPV6 &&
	       f->bytes[14 + 6] == IPPROTO_TCP;
}

/* What is wrong with the frame apart from what the test expects; NULL:
 * nothing. Fills @g. */
static const char *read_segment(struct script_tcp *c, struct script_frame *f,
				struct segment *g)
{
	bool v4 = csm_addr_is4(&c->far);
	size_t l4_at = 14 + (v4 ? 20 : 40), header_len, n = v4 ? 4 : 16;
	const uint8_t *addresses = f->bytes + 14 + (v4 ? 12 : 8), *tcp;
	const struct net_offload *o = &f->meta.offload;
	const char *fault = frame_fault(f->bytes, f->len, &header_len);

	if (fault)
		return fault;
	if (load_be16(f->bytes + 12) !=
	    (v4 ? NET_ETHERTYPE_IPV4 : NET_ETHERTYPE_IPV6))
		return "the other IP version";
	if (memcmp(f->bytes, c->s->mac, 6) ||
	    memcmp(f->bytes + 6, c->s->config.mac, 6))
		return "link addresses";
	if (memcmp(addresses, c->far.b + 16 - n, n) ||
	    memcmp(addresses + n, c->guest.b + 16 - n, n))
		return "IP addresses";
	tcp = f->bytes + l4_at;
	if (load_be16(tcp) != c->far_port ||
	    load_be16(tcp + 2) != c->guest_port)
		return "ports";
	*g = (struct segment){.flags = tcp[13]};
	g->v[F_WS] = WS_NONE;
	if ((g->flags & TH_SYN) && !c->irs_known) {
		c->irs = load_be32(tcp + 4);
		c->irs_known = true;
	}
	g->v[F_SEQ] = load_be32(tcp + 4) - c->irs;
	g->v[F_ACK] = g->flags & TH_ACK ? load_be32(tcp + 8) - c->iss : 0;
	g->v[F_LEN] = (uint32_t)(f->len - header_len);
	g->v[F_WIN] = load_be16(tcp + 14);
	g->v[F_URG] = load_be16(tcp + 18);
	read_options(g, tcp + 20, header_len - l4_at - 20);
	if (g->flags & TH_SYN)
		c->peer_ws = (uint8_t)g->v[F_WS];
	else if (c->ws != WS_NONE && c->peer_ws != WS_NONE)
		g->v[F_WIN] <<= c->peer_ws;
	g->payload = f->bytes + header_len;
	if (o->gso != NET_GSO_NONE) {
		g->v[F_GSO] = o->gso_size;
		if (o->gso != (v4 ? NET_GSO_TCPV4 : NET_GSO_TCPV6) ||
		    !c->s->offloads.tso4)
			return "GSO type";
		if (!o->gso_size || g->v[F_LEN] <= o->gso_size ||
		    o->hdr_len != header_len)
			return "GSO sizes";
	}
	if (c->mss && g->v[F_LEN] > c->mss && o->gso == NET_GSO_NONE)
		return "more than the MSS";
	for (uint32_t i = 0; i < g->v[F_LEN]; i++) {
		if (g->payload[i] !=
		    script_byte((uint64_t)(uint32_t)(g->v[F_SEQ] - 1 + i),
				true))
			return "payload";
	}
	return NULL;
}

/* The next TCP frame; others go aside. */
static struct script_frame *next_tcp(struct script *s)
{
	struct script_frame *f;

	while ((f = script_take_frame(s)) && !is_tcp(f))
		list_insert_before(&s->others, &f->node);
	return f;
}

static bool holds(uint32_t got, const char *op, uint32_t value)
{
	switch (op[0]) {
	case '=':
		return got == value;
	case '!':
		return got != value;
	case '<':
		return op[1] ? got <= value : got < value;
	default:
		return op[1] ? got >= value : got > value;
	}
}

size_t script_expect_at(const char *file, int line, struct script_tcp *c,
			const char *format, ...)
{
	char want[TEXT_MAX], words[TEXT_MAX], got[TEXT_MAX], op[3];
	struct script_frame *f = next_tcp(c->s);
	struct segment g = {0};
	char *word, *save;
	const char *fault;
	enum field field;
	uint32_t value;
	va_list ap;

	va_start(ap, format);
	vsnprintf(want, sizeof(want), format, ap);
	va_end(ap);
	if (!f) {
		/* Acknowledgements of what is small wait a little. */
		script_wait(c->s, ACK_DELAY);
		f = next_tcp(c->s);
	}
	if (!f)
		FAIL(file, line, "expected %s, got nothing", want);
	fault = read_segment(c, f, &g);
	segment_text(&g, got);
	if (fault)
		FAIL(file, line, "expected %s, got %s: wrong %s", want, got,
		     fault);
	strcpy(words, want);
	word = strtok_r(words, " ", &save);
	if ((g.flags | TH_PUSH) != (read_flags(word) | TH_PUSH))
		FAIL(file, line, "expected %s, got %s", want, got);
	while ((word = strtok_r(NULL, " ", &save))) {
		if (!read_field(word, &field, op, &value))
			FAIL(file, line, "no field to expect: %s", word);
		if (!holds(g.v[field], op, value))
			FAIL(file, line, "expected %s, got %s", want, got);
	}
	if (g.v[F_SEQ] == c->rcv)
		c->rcv += span_of(&g);
	free(f);
	return g.v[F_LEN];
}

int script_receive(struct script_tcp *c, struct script_segment *out)
{
	struct script_frame *f = next_tcp(c->s);
	struct segment g;
	const char *fault;

	if (!f)
		return 0;
	fault = read_segment(c, f, &g);
	free(f);
	if (fault && !strcmp(fault, "payload"))
		ck_abort_msg("another byte for the guest, seq=%u len=%u",
			     g.v[F_SEQ], g.v[F_LEN]);
	if (fault)
		return -1;
	*out = (struct script_segment){
		.flags = g.flags,
		.seq = g.v[F_SEQ],
		.ack = g.v[F_ACK],
		.win = g.v[F_WIN],
		.len = g.v[F_LEN],
	};
	return 1;
}

size_t script_collect_at(const char *file, int line, struct script_tcp *c)
{
	struct script_frame *f;
	struct segment g;
	char got[TEXT_MAX];
	size_t fresh = 0;
	const char *fault;

	while ((f = next_tcp(c->s))) {
		int32_t beyond;

		fault = read_segment(c, f, &g);
		if (fault || g.flags & (TH_SYN | TH_RST))
			FAIL(file, line, "collecting, got %s: wrong %s",
			     segment_text(&g, got), fault ? fault : "flags");
		beyond = (int32_t)(g.v[F_SEQ] + span_of(&g) - c->rcv);
		if ((int32_t)(g.v[F_SEQ] - c->rcv) <= 0 && beyond > 0) {
			fresh += (uint32_t)beyond - !!(g.flags & TH_FIN);
			c->rcv += (uint32_t)beyond;
		}
		free(f);
	}
	return fresh;
}

void script_expect_nothing_at(const char *file, int line, struct script *s)
{
	struct script_frame *f = next_tcp(s);
	const uint8_t *tcp;

	if (!f)
		return;
	tcp = f->bytes +
	      (load_be16(f->bytes + 12) == NET_ETHERTYPE_IPV4 ? 34 : 54);
	FAIL(file, line,
	     "expected nothing, got flags %02x, %zu bytes, ports %u, %u",
	     tcp[13], f->len, load_be16(tcp), load_be16(tcp + 2));
}

/* ---- Whole steps ---- */

void script_tcp(struct script *s, struct script_tcp *c, uint16_t far_port)
{
	bool v6 = s->mode & SCRIPT_V6;

	*c = (struct script_tcp){
		.s = s,
		.guest = v6 ? s->guest6 : s->guest4,
		.far = v6 ? s->far6 : s->far4,
		.guest_port = s->next_port++,
		.far_port = far_port,
		.iss = 0x10000000,
		.win = 1 << 20,
		.ws = WS_NONE,
		.peer_ws = WS_NONE,
	};
}

void script_open_at(const char *file, int line, struct script_tcp *c)
{
	script_send_at(file, line, c, "S win=65535 mss=1440 ws=7");
	c->sock = fake_host_last(&c->s->host);
	if (c->sock && c->sock->state == FAKE_CONNECTING) {
		fake_sock_accept(c->sock);
		script_run(c->s);
	}
	script_expect_at(file, line, c, "S. seq=0 ack=1 ws<=14");
	script_send_at(file, line, c, ".");
}

size_t script_host_takes(struct script_tcp *c, size_t n)
{
	uint8_t *buf = malloc(n);
	size_t got;

	if (!buf)
		ck_abort();
	got = fake_sock_take(c->sock, buf, n);
	for (size_t i = 0; i < got; i++) {
		if (buf[i] != script_byte(c->taken + i, false))
			ck_abort_msg("byte %zu that the host has got", i);
	}
	c->taken += got;
	free(buf);
	script_run(c->s);
	return got;
}

void script_host_got_at(const char *file, int line, struct script_tcp *c,
			size_t n)
{
	if (c->sock->out.len != n)
		FAIL(file, line, "the host has got %zu bytes instead of %zu",
		     c->sock->out.len, n);
	if (n)
		script_host_takes(c, n);
}

void script_host_send(struct script_tcp *c, size_t n)
{
	uint8_t *buf = malloc(n + 1);

	if (!buf)
		ck_abort();
	for (size_t i = 0; i < n; i++)
		buf[i] = script_byte(c->given + i, true);
	c->given += n;
	fake_sock_deliver(c->sock, buf, n);
	free(buf);
	script_run(c->s);
}

void script_host_fin(struct script_tcp *c)
{
	fake_sock_eof(c->sock);
	script_run(c->s);
}

void script_host_reset(struct script_tcp *c)
{
	fake_sock_reset(c->sock);
	script_run(c->s);
}

void script_isn_near(struct script_tcp *c, uint32_t target)
{
	const struct csm_key key = {
		.guest = c->guest,
		.far = c->far,
		.guest_port = c->guest_port,
		.far_port = c->far_port,
		.kind = CSM_FLOW_TCP,
	};

	/* A number goes by each 4 us (RFC 9293, 3.4.1), or nearly so. */
	for (int i = 0; i < 8; i++) {
		uint32_t left;

		c->s->stack->now = c->s->host.now;
		left = target - csm_tcp_isn(c->s->stack, &key);
		if (left < 1000)
			return;
		c->s->host.now += (uint64_t)(left - 500) * 4000;
	}
	ck_abort_msg("initial sequence numbers do not go with the clock");
}
