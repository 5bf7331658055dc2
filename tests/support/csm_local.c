/* SPDX-License-Identifier: MIT */
/*
 * Packets made and read by hand.
 */
#include "support/csm_local.h"

#include "base/bytes.h"
#include "support/frames.h"

#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct csm_addr local_addr(const char *text)
{
	struct csm_addr out;

	ck_assert_msg(csm_addr_parse(text, &out) == 0, "%s", text);
	return out;
}

static uint32_t pseudo(const struct local_head *h, size_t len)
{
	bool v6 = !csm_addr_is4(&h->dst);
	uint8_t bytes[40] = {0};

	if (h->protocol == IPPROTO_ICMP)
		return 0;
	memcpy(bytes, h->src.b, 16);
	memcpy(bytes + 16, h->dst.b, 16);
	store_be32(bytes + 32, (uint32_t)len);
	bytes[39] = h->protocol;
	if (v6)
		return frame_naive_sum(0, bytes, sizeof(bytes));
	/* The mapped addresses' first halves do not count. */
	memset(bytes, 0, 12);
	memset(bytes + 16, 0, 12);
	return frame_naive_sum(0, bytes, sizeof(bytes));
}

static void put_mac(const struct script *s, const struct local_head *h,
		    uint8_t *at)
{
	static const uint8_t none[6];

	if (memcmp(h->mac, none, sizeof(none)) != 0)
		memcpy(at, h->mac, 6);
	else if (!csm_addr_is_multicast(&h->dst))
		memcpy(at, s->config.mac, 6);
	else
		memset(at, 0xff, 6);
}

void local_send_frame(struct script *s, const void *frame, size_t len)
{
	script_send_frame(s, NULL, frame, len);
	script_run(s);
}

void local_send(struct script *s, const struct local_head *h,
		const void *payload, size_t len)
{
	static uint8_t frame[14 + 40 + 8 + LOCAL_MAX];
	bool v6 = !csm_addr_is4(&h->dst);
	uint8_t *ip = frame + 14, *l4 = ip + (v6 ? 40 : 20);
	size_t l4_len = h->protocol == IPPROTO_UDP ? 8 : 0, n = l4_len + len;
	uint8_t ttl = h->ttl ? h->ttl : 64;
	uint16_t sum;

	ck_assert_uint_le(len, LOCAL_MAX);
	memset(frame, 0, 14 + 40 + 8);
	put_mac(s, h, frame);
	memcpy(frame + 6, s->mac, 6);
	store_be16(frame + 12, v6 ? 0x86dd : 0x0800);
	if (v6) {
		ip[0] = 0x60;
		store_be16(ip + 4, (uint16_t)n);
		ip[6] = h->protocol;
		ip[7] = ttl;
		memcpy(ip + 8, h->src.b, 16);
		memcpy(ip + 24, h->dst.b, 16);
	} else {
		ip[0] = 0x45;
		store_be16(ip + 2, (uint16_t)(20 + n));
		ip[8] = ttl;
		ip[9] = h->protocol;
		memcpy(ip + 12, csm_addr_bytes4(&h->src), 4);
		memcpy(ip + 16, csm_addr_bytes4(&h->dst), 4);
		sum = (uint16_t)~frame_naive_sum(0, ip, 20);
		store_be16(ip + 10, sum);
	}
	memcpy(l4 + l4_len, payload, len);
	if (l4_len) {
		store_be16(l4, h->src_port);
		store_be16(l4 + 2, h->dst_port);
		store_be16(l4 + 4, (uint16_t)n);
		sum = (uint16_t)~frame_naive_sum(pseudo(h, n), l4, n);
		store_be16(l4 + 6, sum ^ h->bad_sum);
	} else if (h->protocol == IPPROTO_ICMP ||
		   h->protocol == IPPROTO_ICMPV6) {
		store_be16(l4 + 2, 0);
		sum = (uint16_t)~frame_naive_sum(pseudo(h, n), l4, n);
		store_be16(l4 + 2, sum ^ h->bad_sum);
	}
	local_send_frame(s, frame, (size_t)(l4 - frame) + n);
}

static void read_ip(struct local_packet *p)
{
	const uint8_t *ip = p->frame->bytes + 14;
	bool v6 = p->ethertype == 0x86dd;
	size_t len;

	ck_assert_uint_ge(p->frame->len, v6 ? 54 : 34);
	if (v6) {
		ck_assert_uint_eq(ip[0], 0x60);
		len = load_be16(ip + 4);
		p->head.protocol = ip[6];
		p->head.ttl = ip[7];
		p->head.src = csm_addr_from6(ip + 8);
		p->head.dst = csm_addr_from6(ip + 24);
		p->payload = ip + 40;
	} else {
		ck_assert_uint_eq(ip[0], 0x45);
		ck_assert_uint_eq(frame_naive_sum(0, ip, 20), 0xffff);
		len = load_be16(ip + 2) - 20U;
		p->head.protocol = ip[9];
		p->head.ttl = ip[8];
		p->head.src = csm_addr_from4(ip + 12);
		p->head.dst = csm_addr_from4(ip + 16);
		p->payload = ip + 20;
	}
	p->len = p->frame->len - (size_t)(p->payload - p->frame->bytes);
	ck_assert_uint_eq(p->len, len);
	ck_assert_uint_eq(
		frame_naive_sum(pseudo(&p->head, len), p->payload, len),
		0xffff);
	if (p->head.protocol != IPPROTO_UDP)
		return;
	ck_assert_uint_ge(len, 8);
	ck_assert_uint_eq(load_be16(p->payload + 4), len);
	p->head.src_port = load_be16(p->payload);
	p->head.dst_port = load_be16(p->payload + 2);
	p->payload += 8;
	p->len -= 8;
}

void local_take(struct script *s, struct local_packet *out)
{
	memset(out, 0, sizeof(*out));
	out->frame = script_take_frame(s);
	ck_assert_msg(out->frame != NULL, "no frame came");
	memcpy(out->mac, out->frame->bytes, 6);
	ck_assert_mem_eq(out->frame->bytes + 6, s->config.mac, 6);
	out->ethertype = load_be16(out->frame->bytes + 12);
	if (out->ethertype == 0x0800 || out->ethertype == 0x86dd)
		read_ip(out);
}

void local_free(struct local_packet *packet)
{
	free(packet->frame);
	packet->frame = NULL;
}

size_t local_hex(const char *text, uint8_t *buf, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;

	for (; *text; text++) {
		const char *digit = strchr(digits, *text);

		if (*text == ' ')
			continue;
		ck_assert_ptr_nonnull(digit);
		ck_assert_uint_lt(n / 2, size);
		if (n % 2 == 0)
			buf[n / 2] = 0;
		buf[n / 2] = (uint8_t)(buf[n / 2] << 4 | (digit - digits));
		n++;
	}
	ck_assert_uint_eq(n % 2, 0);
	return n / 2;
}
