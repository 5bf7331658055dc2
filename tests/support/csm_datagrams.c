/* SPDX-License-Identifier: MIT */
/*
 * Datagrams of a script's guest.
 */
#include "support/csm_datagrams.h"

#include "base/bytes.h"
#include "support/frames.h"

#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define GUEST_PORT 5000

struct csm_addr addr_of(const char *text)
{
	struct csm_addr out;

	ck_assert_msg(csm_addr_parse(text, &out) == 0, "%s", text);
	return out;
}

struct talk talk_to(const struct script *s, const char *far, uint16_t port)
{
	struct csm_addr to = addr_of(far);

	return (struct talk){
		.guest = csm_addr_is4(&to) ? s->guest4 : s->guest6,
		.far = to,
		.guest_port = GUEST_PORT,
		.far_port = port,
	};
}

uint8_t talk_byte(size_t k)
{
	return (uint8_t)(k * 7 % 251);
}

/* The IP header at @at; its length. */
static size_t put_ip(uint8_t *at, const struct talk *t, size_t len)
{
	if (csm_addr_is4(&t->far)) {
		memset(at, 0, 20);
		at[0] = 0x45;
		store_be16(at + 2, (uint16_t)(20 + len));
		store_be16(at + 6, 0x4000);
		at[8] = 64;
		at[9] = IPPROTO_UDP;
		memcpy(at + 12, csm_addr_bytes4(&t->guest), 4);
		memcpy(at + 16, csm_addr_bytes4(&t->far), 4);
		store_be16(at + 10, (uint16_t)~frame_naive_sum(0, at, 20));
		return 20;
	}
	memset(at, 0, 40);
	at[0] = 0x60;
	store_be16(at + 4, (uint16_t)len);
	at[6] = IPPROTO_UDP;
	at[7] = 64;
	memcpy(at + 8, t->guest.b, 16);
	memcpy(at + 24, t->far.b, 16);
	return 40;
}

static uint16_t pseudo(const struct talk *t, size_t len)
{
	uint8_t bytes[40] = {0};

	if (csm_addr_is4(&t->far)) {
		memcpy(bytes, csm_addr_bytes4(&t->guest), 4);
		memcpy(bytes + 4, csm_addr_bytes4(&t->far), 4);
	} else {
		memcpy(bytes, t->guest.b, 16);
		memcpy(bytes + 16, t->far.b, 16);
	}
	store_be32(bytes + 32, (uint32_t)len);
	bytes[39] = IPPROTO_UDP;
	return frame_naive_sum(0, bytes, sizeof(bytes));
}

void talk_send(struct script *s, const struct talk *t, const void *data,
	       size_t len, uint16_t gso)
{
	static uint8_t frame[FRAME_ROOM];
	struct net_offload offload = {0};
	bool v6 = !csm_addr_is4(&t->far);
	size_t l4 = 14 + (v6 ? 40 : 20), n = 8 + len;
	uint8_t *udp = frame + l4;
	uint16_t sum;

	ck_assert_uint_le(l4 + n, sizeof(frame));
	memcpy(frame, s->config.mac, 6);
	memcpy(frame + 6, s->mac, 6);
	store_be16(frame + 12, v6 ? 0x86dd : 0x0800);
	put_ip(frame + 14, t, n);
	store_be16(udp, t->guest_port);
	store_be16(udp + 2, t->far_port);
	store_be16(udp + 4, (uint16_t)n);
	store_be16(udp + 6, pseudo(t, n));
	if (len)
		memcpy(udp + 8, data, len);
	if (gso) {
		offload.gso = NET_GSO_UDP;
		offload.gso_size = gso;
		offload.csum_needed = true;
		offload.csum_start = (uint16_t)l4;
		offload.csum_offset = 6;
	} else {
		sum = (uint16_t)~frame_naive_sum(0, udp, n);
		store_be16(udp + 6, sum ? sum : 0xffff);
	}
	script_send_frame(s, &offload, frame, l4 + n);
	script_run(s);
}

void talk_send_n(struct script *s, const struct talk *t, size_t len,
		 uint16_t gso)
{
	static uint8_t bytes[65536];

	for (size_t i = 0; i < len; i++)
		bytes[i] = talk_byte(i);
	talk_send(s, t, bytes, len, gso);
}

bool take_packet(struct script *s, struct got *out)
{
	struct script_frame *f;
	size_t at = 14;

	while ((f = script_take_frame(s)) && (f->bytes[0] & 1))
		free(f);
	memset(out, 0, sizeof(*out));
	if (!f)
		return false;
	out->frame = f;
	ck_assert_uint_ge(f->len, at + 20);
	ck_assert(memcmp(f->bytes, s->mac, 6) == 0);
	out->v6 = load_be16(f->bytes + 12) == 0x86dd;
	if (out->v6) {
		ck_assert_uint_eq(load_be16(f->bytes + at + 4),
				  f->len - at - 40);
		out->protocol = f->bytes[at + 6];
		out->src = csm_addr_from6(f->bytes + at + 8);
		out->dst = csm_addr_from6(f->bytes + at + 24);
		at += 40;
	} else {
		ck_assert_uint_eq(load_be16(f->bytes + 12), 0x0800);
		ck_assert_uint_eq(load_be16(f->bytes + at + 2), f->len - at);
		ck_assert_uint_eq(frame_naive_sum(0, f->bytes + at, 20),
				  0xffff);
		out->protocol = f->bytes[at + 9];
		out->src = csm_addr_from4(f->bytes + at + 12);
		out->dst = csm_addr_from4(f->bytes + at + 16);
		at += 20;
	}
	out->l4 = f->bytes + at;
	out->l4_len = f->len - at;
	out->gso_size = f->meta.offload.gso ? f->meta.offload.gso_size : 0;
	return true;
}

void got_free(struct got *got)
{
	free(got->frame);
	got->frame = NULL;
}

void expect_quiet_at(const char *file, int line, struct script *s)
{
	struct got g;

	ck_assert_msg(!take_packet(s, &g), "%s:%d: a packet", file, line);
}

/* The sum over a datagram or ICMPv6 message with its pseudo header. */
static uint16_t whole_sum(const struct got *g)
{
	uint8_t head[40] = {0};
	uint16_t sum;

	memcpy(head, g->v6 ? g->src.b : csm_addr_bytes4(&g->src),
	       g->v6 ? 16 : 4);
	memcpy(head + 16, g->v6 ? g->dst.b : csm_addr_bytes4(&g->dst),
	       g->v6 ? 16 : 4);
	store_be32(head + 32, (uint32_t)g->l4_len);
	head[39] = g->protocol;
	sum = frame_naive_sum(0, head, sizeof(head));
	return frame_naive_sum(sum, g->l4, g->l4_len);
}

void expect_datagram_at(const char *file, int line, struct script *s,
			const struct talk *t, const void *data, size_t len)
{
	struct got g;

	ck_assert_msg(take_packet(s, &g), "%s:%d: no packet", file, line);
	ck_assert_msg(g.protocol == IPPROTO_UDP, "%s:%d: protocol %u", file,
		      line, g.protocol);
	ck_assert_msg(csm_addr_equal(&g.src, &t->far) &&
			      csm_addr_equal(&g.dst, &t->guest),
		      "%s:%d: other addresses", file, line);
	ck_assert_uint_ge(g.l4_len, 8);
	ck_assert_uint_eq(load_be16(g.l4), t->far_port);
	ck_assert_uint_eq(load_be16(g.l4 + 2), t->guest_port);
	ck_assert_uint_eq(load_be16(g.l4 + 4), g.l4_len);
	ck_assert_uint_eq(whole_sum(&g), 0xffff);
	ck_assert_msg(g.l4_len - 8 == len, "%s:%d: %zu bytes, not %zu", file,
		      line, g.l4_len - 8, len);
	ck_assert_msg(len == 0 || memcmp(g.l4 + 8, data, len) == 0,
		      "%s:%d: other bytes", file, line);
	got_free(&g);
}

/* Of what an ICMP error quotes: the IP header's length, if it is @t's. */
static size_t check_quote(const struct got *g, const struct talk *t)
{
	const uint8_t *ip = g->l4 + 8;
	size_t n = g->v6 ? 40 : 20;

	ck_assert_uint_ge(g->l4_len, 8 + n + 8);
	ck_assert(memcmp(ip + (g->v6 ? 8 : 12),
			 g->v6 ? t->guest.b : csm_addr_bytes4(&t->guest),
			 g->v6 ? 16 : 4) == 0);
	ck_assert(memcmp(ip + (g->v6 ? 24 : 16),
			 g->v6 ? t->far.b : csm_addr_bytes4(&t->far),
			 g->v6 ? 16 : 4) == 0);
	ck_assert_uint_eq(load_be16(ip + n), t->guest_port);
	ck_assert_uint_eq(load_be16(ip + n + 2), t->far_port);
	return n;
}

uint32_t expect_icmp_at(const char *file, int line, struct script *s,
			const struct talk *t, const char *from, uint8_t type,
			uint8_t code)
{
	struct csm_addr who = addr_of(from);
	char text[CSM_ADDR_TEXT_MAX];
	uint32_t rest;
	struct got g;

	ck_assert_msg(take_packet(s, &g), "%s:%d: no packet", file, line);
	ck_assert_msg(g.protocol == (g.v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP),
		      "%s:%d: protocol %u", file, line, g.protocol);
	ck_assert_msg(csm_addr_equal(&g.src, &who), "%s:%d: from %s", file,
		      line, csm_addr_text(&g.src, text));
	ck_assert(csm_addr_equal(&g.dst, &t->guest));
	ck_assert_msg(g.l4[0] == type && g.l4[1] == code,
		      "%s:%d: type %u code %u", file, line, g.l4[0], g.l4[1]);
	if (g.v6)
		ck_assert_uint_eq(whole_sum(&g), 0xffff);
	else
		ck_assert_uint_eq(frame_naive_sum(0, g.l4, g.l4_len), 0xffff);
	check_quote(&g, t);
	rest = load_be32(g.l4 + 4);
	got_free(&g);
	return rest;
}

uint16_t expect_sent_at(const char *file, int line, struct fake_sock *sock,
			const void *data, size_t len)
{
	struct fake_dgram *d = fake_sock_take_datagram(sock);
	uint16_t gso;

	ck_assert_msg(d != NULL, "%s:%d: nothing was sent", file, line);
	ck_assert_msg(d->len == len, "%s:%d: %zu bytes, not %zu", file, line,
		      d->len, len);
	ck_assert_msg(len == 0 || memcmp(d->bytes, data, len) == 0,
		      "%s:%d: other bytes", file, line);
	gso = d->gso;
	free(d);
	return gso;
}
