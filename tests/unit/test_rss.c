/* SPDX-License-Identifier: MIT */
/*
 * Receive-side scaling: the published vectors, what a frame is hashed over, and
 * frames that are made to mislead.
 */
#include "net/rss.h"

#include "base/bytes.h"
#include "base/util.h"
#include "support/rss_frames.h"
#include "support/run.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#define ALL_TYPES 0x1ff
#define NO_EX	  0x3f

/* "Verifying the RSS Hash Calculation", Microsoft's documentation of NDIS. */
static const struct vector {
	const char *dst, *src;
	uint16_t dst_port, src_port;
	uint32_t hash, port_hash;
} vectors4[] =
	{
		{"161.142.100.80", "66.9.149.187", 1766, 2794, 0x323e8fc2,
		 0x51ccc178},
		{"65.69.140.83", "199.92.111.2", 4739, 14230, 0xd718262a,
		 0xc626b0ea},
		{"12.22.207.184", "24.19.198.95", 38024, 12898, 0xd2d0a5de,
		 0x5c2b394a},
		{"209.142.163.6", "38.27.205.30", 2217, 48228, 0x82989176,
		 0xafc7327f},
		{"202.188.127.2", "153.39.163.191", 1303, 44251, 0x5d1809c5,
		 0x10e828a2},
},
  vectors6[] = {
	  {"3ffe:2501:200:3::1", "3ffe:2501:200:1fff::7", 1766, 2794,
	   0x2cc18cd5, 0x40207d3d},
	  {"ff02::1", "3ffe:501:8::260:97ff:fe40:efab", 4739, 14230, 0x0f0c461c,
	   0xdde51bbf},
	  {"fe80::200:f8ff:fe21:67cf", "3ffe:1900:4545:3:200:f8ff:fe21:67cf",
	   38024, 44251, 0x4b61e985, 0x02d1feef},
};

static struct net_rss rss;
static uint16_t table[128];
static struct rss_frame frame;

static void prepare(uint32_t types)
{
	struct net_rss_config config = {
		.key = rss_verification_key,
		.key_len = NET_RSS_KEY_LEN,
		.indirection_table = table,
		.indirection_table_len = ARRAY_SIZE(table),
		.flags = types,
		.unclassified = 77,
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		table[i] = (uint16_t)(3 * i + 1);
	net_rss_init(&rss, &config);
}

static void expect(const struct rss_frame *f, uint16_t type, uint32_t hash)
{
	struct net_rss_result r = net_rss_select(&rss, f->bytes, f->len);

	ck_assert_uint_eq(r.type, type);
	ck_assert_uint_eq(r.hash, hash);
	ck_assert_uint_eq(r.queue, type ? table[hash % 128] : 77);
}

/* Frame @v of TCP or UDP, with @tags VLAN tags. */
static void vector_frame(const struct vector *v, uint8_t proto, int tags)
{
	uint8_t src[16], dst[16];
	int family = strchr(v->src, ':') ? AF_INET6 : AF_INET;

	ck_assert_int_eq(inet_pton(family, v->src, src), 1);
	ck_assert_int_eq(inet_pton(family, v->dst, dst), 1);
	rss_frame_begin(&frame, tags);
	if (family == AF_INET)
		rss_frame_ipv4(&frame, proto, src, dst, 0, 0);
	else
		rss_frame_ipv6(&frame, proto, src, dst);
	rss_frame_ports(&frame, v->src_port, v->dst_port);
}

START_TEST(published_vectors)
{
	for (int tags = 0; tags <= NET_RSS_VLAN_MAX; tags++) {
		for (size_t i = 0; i < ARRAY_SIZE(vectors4); i++) {
			const struct vector *v = &vectors4[i];

			vector_frame(v, IPPROTO_TCP, tags);
			prepare(NET_RSS_IPV4);
			expect(&frame, NET_RSS_IPV4, v->hash);
			prepare(NO_EX);
			expect(&frame, NET_RSS_TCPV4, v->port_hash);
			vector_frame(v, IPPROTO_UDP, tags);
			expect(&frame, NET_RSS_UDPV4, v->port_hash);
		}
		for (size_t i = 0; i < ARRAY_SIZE(vectors6); i++) {
			const struct vector *v = &vectors6[i];

			vector_frame(v, IPPROTO_TCP, tags);
			prepare(NET_RSS_IPV6);
			expect(&frame, NET_RSS_IPV6, v->hash);
			prepare(ALL_TYPES);
			expect(&frame, NET_RSS_TCPV6, v->port_hash);
			vector_frame(v, IPPROTO_UDP, tags);
			expect(&frame, NET_RSS_UDPV6, v->port_hash);
		}
	}
}
END_TEST

/* Bit by bit, as the definition says it. */
static uint32_t plain_toeplitz(const uint8_t *key, const uint8_t *in,
			       size_t len)
{
	uint32_t window = load_be32(key), hash = 0;

	for (size_t bit = 0; bit < 8 * len; bit++) {
		size_t next = bit + 32;

		if (in[bit / 8] & 0x80 >> bit % 8)
			hash ^= window;
		window <<= 1;
		if (next < 8 * NET_RSS_KEY_LEN &&
		    key[next / 8] & 0x80 >> next % 8)
			window |= 1;
	}
	return hash;
}

START_TEST(prepared_is_plain)
{
	uint8_t in[NET_RSS_INPUT_MAX];

	prepare(ALL_TYPES);
	srand(1);
	for (int i = 0; i < 1000; i++) {
		size_t len = (size_t)rand() % (sizeof(in) + 1);

		for (size_t j = 0; j < len; j++)
			in[j] = (uint8_t)rand();
		ck_assert_uint_eq(
			net_rss_hash(&rss, in, len),
			plain_toeplitz(rss_verification_key, in, len));
	}
}
END_TEST

/* The most specific type that is on; and none at all. */
START_TEST(types_are_chosen)
{
	static const struct {
		uint8_t proto;
		bool ipv6;
		uint32_t on;
		uint16_t type;
	} cases[] = {
		{IPPROTO_TCP, false, NET_RSS_UDPV4, 0},
		{IPPROTO_TCP, false, NET_RSS_UDPV4 | NET_RSS_IPV4,
		 NET_RSS_IPV4},
		{IPPROTO_UDP, false, NET_RSS_TCPV4 | NET_RSS_IPV4,
		 NET_RSS_IPV4},
		{IPPROTO_UDP, false, NET_RSS_UDPV4, NET_RSS_UDPV4},
		{IPPROTO_SCTP, false, ALL_TYPES, NET_RSS_IPV4},
		{IPPROTO_TCP, false, NET_RSS_IPV6 | NET_RSS_TCPV6, 0},
		{IPPROTO_TCP, true, NET_RSS_IPV4 | NET_RSS_TCPV4, 0},
		{IPPROTO_TCP, true, NET_RSS_UDPV6, 0},
		{IPPROTO_TCP, true, NET_RSS_TCPV6, NET_RSS_TCPV6},
		{IPPROTO_UDP, true, NET_RSS_TCPV6 | NET_RSS_IPV6, NET_RSS_IPV6},
		{IPPROTO_ICMPV6, true, ALL_TYPES, NET_RSS_IPV6},
		/* No extension headers: not for these types. */
		{IPPROTO_TCP, true, NET_RSS_IPV6_EX | NET_RSS_TCPV6_EX, 0},
		{IPPROTO_TCP, true, 0, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct net_rss_result r;

		vector_frame(cases[i].ipv6 ? &vectors6[0] : &vectors4[0],
			     cases[i].proto, 0);
		prepare(cases[i].on);
		r = net_rss_select(&rss, frame.bytes, frame.len);
		ck_assert_msg(r.type == cases[i].type, "case %zu: %u", i,
			      r.type);
	}
}
END_TEST

START_TEST(fragments_have_no_ports)
{
	static const uint16_t fragments[] = {0x2000, 0x0001, 0x1fff, 0x2100};
	const struct vector *v = &vectors4[0];
	uint8_t src[4], dst[4];

	prepare(ALL_TYPES);
	(void)inet_pton(AF_INET, v->src, src);
	(void)inet_pton(AF_INET, v->dst, dst);
	for (size_t i = 0; i < ARRAY_SIZE(fragments); i++) {
		rss_frame_begin(&frame, 0);
		rss_frame_ipv4(&frame, IPPROTO_UDP, src, dst, fragments[i], 0);
		rss_frame_ports(&frame, v->src_port, v->dst_port);
		expect(&frame, NET_RSS_IPV4, v->hash);
	}
	/* "Don't fragment" is not one, and options are skipped. */
	rss_frame_begin(&frame, 0);
	rss_frame_ipv4(&frame, IPPROTO_UDP, src, dst, 0x4000, 10);
	rss_frame_ports(&frame, v->src_port, v->dst_port);
	expect(&frame, NET_RSS_UDPV4, v->port_hash);
}
END_TEST

/* vectors6[0] with the extension headers of @exts, TCP behind them. */
static void ext_frame(const struct rss_ext *exts, size_t n)
{
	const struct vector *v = &vectors6[0];
	uint8_t src[16], dst[16];

	(void)inet_pton(AF_INET6, v->src, src);
	(void)inet_pton(AF_INET6, v->dst, dst);
	rss_frame_begin(&frame, 0);
	rss_frame_ipv6(&frame, n ? exts[0].type : IPPROTO_TCP, src, dst);
	for (size_t i = 0; i < n; i++)
		rss_frame_ext(&frame, &exts[i],
			      i + 1 < n ? exts[i + 1].type : IPPROTO_TCP);
	rss_frame_ports(&frame, v->src_port, v->dst_port);
}

START_TEST(extension_headers_are_skipped)
{
	static const struct rss_ext exts[] = {
		{IPPROTO_HOPOPTS, 8, {0}},  {IPPROTO_DSTOPTS, 16, {0}},
		{IPPROTO_ROUTING, 24, {0}}, {IPPROTO_AH, 24, {0}},
		{IPPROTO_FRAGMENT, 8, {0}}, /* the only one of its packet */
		{IPPROTO_DSTOPTS, 8, {0}},
	};

	prepare(NO_EX);
	ext_frame(exts, ARRAY_SIZE(exts));
	expect(&frame, NET_RSS_TCPV6, vectors6[0].port_hash);
	prepare(NET_RSS_IPV6);
	expect(&frame, NET_RSS_IPV6, vectors6[0].hash);
}
END_TEST

START_TEST(ipv6_fragments_have_no_ports)
{
	static const uint8_t fragments[][2] = {
		{0, 1}, {0, 8}, {0xff, 0xf8}, {0x10, 1}};

	prepare(NO_EX);
	for (size_t i = 0; i < ARRAY_SIZE(fragments); i++) {
		struct rss_ext ext = {IPPROTO_FRAGMENT, 8, {0}};

		memcpy(ext.bytes + 2, fragments[i], 2);
		ext_frame(&ext, 1);
		expect(&frame, NET_RSS_IPV6, vectors6[0].hash);
	}
}
END_TEST

START_TEST(mobile_addresses)
{
	struct rss_ext exts[] = {
		{IPPROTO_DSTOPTS, 24, {0, 0, 0, 1, 0, 0, 0xc9, 16}},
		{IPPROTO_ROUTING, 24, {0, 0, 2, 1}},
	};
	struct net_rss_input input;

	memset(exts[0].bytes + 8, 0xaa, 16);
	memset(exts[1].bytes + 8, 0xbb, 16);
	/* A pad of 0 bytes, then the option at offset 4: as RFC 6275 aligns. */
	memcpy(exts[0].bytes + 2, (uint8_t[]){1, 2, 0, 0, 0xc9, 16}, 6);
	ext_frame(exts, 2);
	net_rss_classify(ALL_TYPES, frame.bytes, frame.len, &input);
	ck_assert_uint_eq(input.type, NET_RSS_TCPV6_EX);
	ck_assert_uint_eq(input.len, 36);
	for (size_t i = 0; i < 16; i++) {
		ck_assert_uint_eq(input.bytes[i], 0xaa);
		ck_assert_uint_eq(input.bytes[16 + i], 0xbb);
	}
	net_rss_classify(NET_RSS_IPV6_EX | NET_RSS_TCPV6, frame.bytes,
			 frame.len, &input);
	ck_assert_uint_eq(input.type, NET_RSS_IPV6_EX);
	ck_assert_uint_eq(input.len, 32);
	/* Without these types, the addresses of the header. */
	prepare(NO_EX);
	expect(&frame, NET_RSS_TCPV6, vectors6[0].port_hash);
	/* Extension headers without addresses. */
	exts[0] = (struct rss_ext){IPPROTO_HOPOPTS, 8, {0}};
	ext_frame(exts, 1);
	prepare(ALL_TYPES);
	expect(&frame, NET_RSS_TCPV6_EX, vectors6[0].port_hash);
	/* A routing header that is too short for its address. */
	exts[0] = (struct rss_ext){IPPROTO_ROUTING, 8, {0, 0, 2, 1}};
	ext_frame(exts, 1);
	expect(&frame, NET_RSS_TCPV6_EX, vectors6[0].port_hash);
	/* Options that lie about their length. */
	exts[0] = (struct rss_ext){IPPROTO_DSTOPTS, 8, {0, 0, 0xc9, 16}};
	ext_frame(exts, 1);
	expect(&frame, NET_RSS_TCPV6_EX, vectors6[0].port_hash);
	exts[0] = (struct rss_ext){
		IPPROTO_DSTOPTS, 8, {0, 0, 0, 0, 0, 0, 0, 0xc9}};
	ext_frame(exts, 1);
	expect(&frame, NET_RSS_TCPV6_EX, vectors6[0].port_hash);
}
END_TEST

/* A copy of exactly the bytes, so that a sanitizer sees a read beyond. */
static uint16_t type_of_first(size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct net_rss_result r;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, frame.bytes, len);
	r = net_rss_select(&rss, copy, len);
	free(copy);
	return r.type;
}

/* Cut off anywhere before the ports end: no hash, and nothing is read beyond. */
START_TEST(cut_off)
{
	static const struct rss_ext exts[] = {
		{IPPROTO_HOPOPTS, 8, {0}},
		{IPPROTO_ROUTING, 24, {0}},
		{IPPROTO_AH, 24, {0}},
	};

	prepare(ALL_TYPES);
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		vector_frame(ipv6 ? &vectors6[0] : &vectors4[0], IPPROTO_TCP,
			     2);
		for (size_t len = 0; len < frame.len; len++)
			ck_assert_uint_eq(type_of_first(len), 0);
		ck_assert_uint_ne(type_of_first(frame.len), 0);
	}
	ext_frame(exts, ARRAY_SIZE(exts));
	for (size_t len = 0; len < frame.len; len++)
		ck_assert_uint_eq(type_of_first(len), 0);
	ck_assert_uint_eq(type_of_first(frame.len), NET_RSS_TCPV6_EX);
	/* Addresses alone need no ports. */
	prepare(NET_RSS_IPV4);
	vector_frame(&vectors4[0], IPPROTO_TCP, 0);
	ck_assert_uint_eq(type_of_first(34), NET_RSS_IPV4);
	ck_assert_uint_eq(type_of_first(33), 0);
}
END_TEST

START_TEST(malformed)
{
	prepare(ALL_TYPES);
	for (unsigned int byte = 0; byte < 0x100; byte++) {
		size_t ihl = byte & 15;
		bool good =
			byte >> 4 == 4 && ihl >= 5 && 14 + 4 * ihl + 4 <= 38;

		vector_frame(&vectors4[0], IPPROTO_TCP, 0);
		frame.bytes[14] = (uint8_t)byte;
		ck_assert_uint_eq(type_of_first(frame.len) != 0, good);
		vector_frame(&vectors6[0], IPPROTO_TCP, 0);
		frame.bytes[14] = (uint8_t)byte;
		ck_assert_uint_eq(type_of_first(frame.len) != 0,
				  byte >> 4 == 6);
	}
	/* Three tags, and other protocols. */
	vector_frame(&vectors4[0], IPPROTO_TCP, 3);
	ck_assert_uint_eq(type_of_first(frame.len), 0);
	vector_frame(&vectors4[0], IPPROTO_TCP, 0);
	store_be16(frame.bytes + 12, 0x0806);
	ck_assert_uint_eq(type_of_first(frame.len), 0);
}
END_TEST

START_TEST(too_many_extension_headers)
{
	struct rss_ext exts[NET_RSS_EXT_MAX + 1];

	prepare(NO_EX);
	for (size_t i = 0; i < ARRAY_SIZE(exts); i++)
		exts[i] = (struct rss_ext){IPPROTO_DSTOPTS, 8, {0}};
	ext_frame(exts, NET_RSS_EXT_MAX);
	expect(&frame, NET_RSS_TCPV6, vectors6[0].port_hash);
	ext_frame(exts, NET_RSS_EXT_MAX + 1);
	expect(&frame, 0, 0);
	/* Beyond the bytes that are looked at. */
	exts[0].len = 192;
	ext_frame(exts, 1);
	expect(&frame, NET_RSS_TCPV6, vectors6[0].port_hash);
	exts[0].len = 200;
	ext_frame(exts, 1);
	expect(&frame, 0, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rss");
	TCase *tc = tcase_create("rss");

	tcase_add_test(tc, published_vectors);
	tcase_add_test(tc, prepared_is_plain);
	tcase_add_test(tc, types_are_chosen);
	tcase_add_test(tc, fragments_have_no_ports);
	tcase_add_test(tc, extension_headers_are_skipped);
	tcase_add_test(tc, ipv6_fragments_have_no_ports);
	tcase_add_test(tc, mobile_addresses);
	tcase_add_test(tc, cut_off);
	tcase_add_test(tc, malformed);
	tcase_add_test(tc, too_many_extension_headers);
	suite_add_tcase(s, tc);
	return test_run(s);
}
