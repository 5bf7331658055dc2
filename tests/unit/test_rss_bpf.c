/* SPDX-License-Identifier: MIT */
/*
 * The BPF program for receive-side scaling, run by the kernel on the same
 * frames as rss.c: it must come to the same queue, whatever the frame.
 */
#include "net/rss_bpf.h"

#include "base/bytes.h"
#include "base/util.h"
#include "support/rss_frames.h"
#include "support/run.h"
#include "support/skip.h"

#include <check.h>
#include <errno.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NO_EX 0x3f

/* The kernel takes an Ethernet header off for itself. */
#define OUTER_LEN 14

static struct net_rss rss;
static int prog = -1;
static unsigned int classified, unclassified;

static void prepare(uint32_t types, size_t table_len)
{
	static uint16_t table[NET_RSS_TABLE_MAX];
	struct net_rss_config config = {
		.key = rss_verification_key,
		.key_len = NET_RSS_KEY_LEN,
		.indirection_table = table,
		.indirection_table_len = table_len,
		.flags = types,
		.unclassified = 999,
	};

	/* All different, so that the queue tells the hash. */
	for (size_t i = 0; i < table_len; i++)
		table[i] = (uint16_t)(i * 77 % 512);
	net_rss_init(&rss, &config);
	close_fd(&prog);
	prog = net_rss_bpf_load(&rss);
	ck_assert_int_ge(prog, 0);
}

static uint32_t run_bpf(const struct rss_frame *frame)
{
	uint8_t in[OUTER_LEN + sizeof(frame->bytes)] = {
		[12] = 0x88, [13] = 0xb5};
	union bpf_attr attr;

	memcpy(in + OUTER_LEN, frame->bytes, frame->len);
	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = (uint32_t)prog;
	attr.test.data_in = (uintptr_t)in;
	attr.test.data_size_in = (uint32_t)(OUTER_LEN + frame->len);
	ck_assert_int_eq(
		syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attr, sizeof(attr)), 0);
	return attr.test.retval;
}

static void compare(const struct rss_frame *frame)
{
	struct net_rss_result r =
		net_rss_select(&rss, frame->bytes, frame->len);

	ck_assert_uint_eq(run_bpf(frame), r.queue);
	if (r.type)
		classified++;
	else
		unclassified++;
}

static unsigned int below(unsigned int n)
{
	return (unsigned int)rand() % n;
}

static void random_bytes(uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)rand();
}

static uint8_t random_proto(void)
{
	static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP,
					 IPPROTO_SCTP};

	return protos[below(ARRAY_SIZE(protos))];
}

static void random_ipv6(struct rss_frame *frame)
{
	static const uint8_t types[] = {
		IPPROTO_HOPOPTS, IPPROTO_ROUTING,  IPPROTO_DSTOPTS,
		IPPROTO_AH,	 IPPROTO_FRAGMENT,
	};
	struct rss_ext exts[NET_RSS_EXT_MAX + 1];
	unsigned int n = below(3) ? below(3) : below(ARRAY_SIZE(exts) + 1);
	uint8_t addresses[32], last = random_proto();

	random_bytes(addresses, sizeof(addresses));
	for (unsigned int i = 0; i < n; i++) {
		exts[i].type = types[below(ARRAY_SIZE(types))];
		random_bytes(exts[i].bytes, sizeof(exts[i].bytes));
		exts[i].len = (uint8_t)(8 * (1 + below(below(10) ? 3 : 30)));
		if (exts[i].type == IPPROTO_FRAGMENT) {
			exts[i].len = 8;
			if (below(2))
				memset(exts[i].bytes + 2, 0, 2);
		}
	}
	rss_frame_ipv6(frame, n ? exts[0].type : last, addresses,
		       addresses + 16);
	for (unsigned int i = 0; i < n; i++)
		rss_frame_ext(frame, &exts[i],
			      i + 1 < n ? exts[i + 1].type : last);
}

/* Mostly sound; now and then a byte is changed, or the end is missing. */
static void random_frame(struct rss_frame *frame)
{
	uint8_t addresses[8];

	rss_frame_begin(frame, (int)below(4));
	if (below(2)) {
		random_ipv6(frame);
	} else {
		random_bytes(addresses, sizeof(addresses));
		rss_frame_ipv4(frame, random_proto(), addresses, addresses + 4,
			       below(4) ? 0 : (uint16_t)rand(),
			       (uint8_t)(below(2) ? 0 : below(11)));
	}
	rss_frame_ports(frame, (uint16_t)rand(), (uint16_t)rand());
	if (!below(4))
		frame->bytes[below((unsigned int)frame->len)] = (uint8_t)rand();
	if (!below(4))
		frame->len = 14 + below((unsigned int)frame->len - 13);
}

static void compare_many(int n)
{
	struct rss_frame frame;

	for (int i = 0; i < n; i++) {
		random_frame(&frame);
		compare(&frame);
	}
}

START_TEST(random_frames)
{
	srand(1);
	prepare(NO_EX, NET_RSS_TABLE_MAX);
	compare_many(20000);
	ck_assert_uint_gt(classified, 5000);
	ck_assert_uint_gt(unclassified, 2000);
}
END_TEST

/* Every set of types is another program. */
START_TEST(all_types)
{
	srand(2);
	for (uint32_t types = 0; types <= NO_EX; types++) {
		prepare(types, NET_RSS_TABLE_MAX);
		compare_many(200);
	}
}
END_TEST

START_TEST(table_sizes)
{
	srand(3);
	for (size_t len = 1; len <= NET_RSS_TABLE_MAX; len *= 2) {
		prepare(NO_EX, len);
		compare_many(200);
	}
}
END_TEST

/* All lengths of a frame of many headers. */
START_TEST(cut_off)
{
	static const struct rss_ext ext = {IPPROTO_DSTOPTS, 160, {0}};
	struct rss_frame frame;
	uint8_t addresses[32];

	prepare(NO_EX, NET_RSS_TABLE_MAX);
	random_bytes(addresses, sizeof(addresses));
	rss_frame_begin(&frame, 1);
	rss_frame_ipv6(&frame, IPPROTO_DSTOPTS, addresses, addresses + 16);
	rss_frame_ext(&frame, &ext, IPPROTO_TCP);
	rss_frame_ports(&frame, 1, 2);
	for (size_t end = frame.len; frame.len >= OUTER_LEN; frame.len--) {
		compare(&frame);
		ck_assert_uint_eq(classified, 1);
		ck_assert_uint_eq(unclassified, end - frame.len);
	}
}
END_TEST

START_TEST(mobile_types_are_refused)
{
	rss.types = NO_EX | NET_RSS_TCPV6_EX;
	ck_assert_int_eq(net_rss_bpf_load(&rss), -ENOTSUP);
}
END_TEST

/* May this process load programs? */
static int probe(void)
{
	static const uint8_t key[NET_RSS_KEY_LEN];
	static const uint16_t table[1];
	const struct net_rss_config config = {
		.key = key,
		.key_len = sizeof(key),
		.indirection_table = table,
		.indirection_table_len = 1,
	};
	int fd;

	net_rss_init(&rss, &config);
	fd = net_rss_bpf_load(&rss);
	if (fd >= 0) {
		close_fd(&fd);
		return 0;
	}
	return fd;
}

static void fixture_fini(void)
{
	close_fd(&prog);
}

int main(void)
{
	int err = probe();
	Suite *s;
	TCase *tc;

	if (err == -EPERM || err == -ENOSYS)
		return test_skip("no right to load BPF programs");
	s = suite_create("rss_bpf");
	tc = tcase_create("rss_bpf");
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, NULL, fixture_fini);
	tcase_add_test(tc, random_frames);
	tcase_add_test(tc, all_types);
	tcase_add_test(tc, table_sizes);
	tcase_add_test(tc, cut_off);
	tcase_add_test(tc, mobile_types_are_refused);
	suite_add_tcase(s, tc);
	return test_run(s);
}
