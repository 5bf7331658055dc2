/* SPDX-License-Identifier: MIT */
/*
 * A guest with two queue pairs, each on a thread of its own, on a tap of two
 * queues. The guest says by RSS which frame comes to which pair, whether the
 * kernel can do that or our threads hand frames to each other.
 */
#include "base/bytes.h"
#include "net/rss.h"
#include "support/rss_frames.h"
#include "support/run.h"
#include "support/skip.h"
#include "support/tap_host.h"
#include "support/tap_named.h"
#include "support/vnic.h"

#include <check.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define PAIRS	  2
#define RING	  256
#define BUF_LEN	  2048
#define TABLE_LEN 128
#define BURST	  32
#define ROUNDS	  50
#define FRAME_MAX 1500
#define FEATURES                                                       \
	(VIRTIO_F_EVENT_IDX | VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_MQ | \
	 VIRTIO_NET_F_RSS)

static struct vnic vnic;
static struct net_endpoint *tap;
static int host;
static struct net_rss rss;
static struct rss_frame frame;
static unsigned int received[PAIRS];
static bool seen[BURST];

static void setup(void)
{
	const struct tap_request request = {
		.ifname = "mq0",
		.create = true,
		.max_queues = PAIRS,
	};
	struct tap_error err = {""};

	vnic_init(&vnic);
	ck_assert_msg(!tap_named_create(&request, &vnic.loop, &err, &tap), "%s",
		      err.text);
	host = tap_host_socket("mq0");
	vnic_plug(&vnic, tap, PAIRS, RING, true);
	memset(received, 0, sizeof(received));
}

static void teardown(void)
{
	vnic_unplug(&vnic);
	net_endpoint_destroy(tap);
	vnic_fini(&vnic);
	close_fd(&host);
}

/* The command RSS_CONFIG (virtio 1.2, 5.1.6.5.7.1): pairs in turns. */
static int configure_rss(void)
{
	uint8_t data[12 + 2 * TABLE_LEN + NET_RSS_KEY_LEN] = {0};
	uint16_t table[TABLE_LEN];
	const struct net_rss_config config = {
		.key = rss_verification_key,
		.key_len = NET_RSS_KEY_LEN,
		.indirection_table = table,
		.indirection_table_len = TABLE_LEN,
		.flags = NET_RSS_IPV4 | NET_RSS_UDPV4,
	};
	uint8_t *at = data + 8;

	store_le32(data, config.flags);
	store_le16(data + 4, TABLE_LEN - 1);
	for (uint16_t i = 0; i < TABLE_LEN; i++, at += 2) {
		table[i] = i % PAIRS;
		store_le16(at, table[i]);
	}
	store_le16(at, PAIRS);
	at[2] = NET_RSS_KEY_LEN;
	memcpy(at + 3, rss_verification_key, NET_RSS_KEY_LEN);
	net_rss_init(&rss, &config);
	return vnic_command(&vnic, VIRTIO_NET_CTRL_MQ,
			    VIRTIO_NET_CTRL_MQ_RSS_CONFIG, data,
			    (size_t)(at + 3 - data) + NET_RSS_KEY_LEN);
}

/* Is it the program in the kernel that steers? */
static bool kernel_steers(void)
{
	struct inspect in;
	const char *text;
	bool found;

	inspect_init(&in);
	net_endpoint_inspect(tap, &in);
	text = inspect_text(&in);
	ck_assert_ptr_nonnull(text);
	found = strstr(text, "\"steering\":\"bpf\"") != NULL;
	ck_assert(found || strstr(text, "\"steering\":\"software\""));
	inspect_fini(&in);
	return found;
}

/* A UDP frame of number @i in its burst, and of a flow that @round names too. */
static void make_frame(unsigned int round, unsigned int i, bool back)
{
	static const uint8_t guest[4] = {10, 0, 0, 2}, outer[4] = {10, 0, 0, 1};
	uint16_t port = (uint16_t)(round * BURST + i);
	size_t len = 60 + port * 37U % (FRAME_MAX - 60);

	rss_frame_begin(&frame, 0);
	rss_frame_ipv4(&frame, IPPROTO_UDP, back ? guest : outer,
		       back ? outer : guest, 0, 0);
	rss_frame_ports(&frame, back ? 7 : port, back ? port : 7);
	for (; frame.len < len; frame.len++)
		frame.bytes[frame.len] = (uint8_t)(port + frame.len);
	store_be16(frame.bytes + 38, (uint16_t)(len - 34));
}

static void host_send(unsigned int round, unsigned int i)
{
	unsigned char bytes[TAP_HOST_HDR_LEN + FRAME_MAX] = {0};

	make_frame(round, i, false);
	memcpy(bytes + TAP_HOST_HDR_LEN, frame.bytes, frame.len);
	ck_assert(tap_host_send(host, bytes, TAP_HOST_HDR_LEN + frame.len));
}

/* The kernel learns from it to answer on this pair, be it the right one or not
 * in the guest's eyes. */
static void guest_send(unsigned int round, unsigned int i)
{
	uint16_t pair = (uint16_t)(rand() % PAIRS);

	make_frame(round, i, true);
	(void)vnic_queue_to(&vnic, pair, NULL, frame.bytes, frame.len, 0);
	ring_driver_show(&vnic.tx[pair]);
}

static void take(uint16_t pair, unsigned int round, unsigned int *n)
{
	static unsigned char bytes[BUF_LEN];
	uint8_t hdr[VNIC_HDR_LEN];
	ssize_t len;

	for (;;) {
		unsigned int i;

		len = vnic_receive_from(&vnic, pair, hdr, bytes, sizeof(bytes),
					NULL);
		if (len < 0)
			return;
		vnic_post_to(&vnic, pair, 1, BUF_LEN, 0);
		i = load_be16(bytes + 34) - round * BURST;
		ck_assert_uint_lt(i, BURST);
		ck_assert(!seen[i]);
		seen[i] = true;
		make_frame(round, i, false);
		ck_assert_int_eq(len, (ssize_t)frame.len);
		ck_assert_mem_eq(bytes, frame.bytes, frame.len);
		ck_assert_uint_eq(
			net_rss_select(&rss, bytes, (size_t)len).queue, pair);
		received[pair]++;
		(*n)++;
	}
}

struct round {
	unsigned int number, n;
};

static bool all_there(void *arg)
{
	struct round *round = arg;

	for (uint16_t pair = 0; pair < PAIRS; pair++)
		take(pair, round->number, &round->n);
	return round->n == BURST;
}

static unsigned int reap_all(void)
{
	unsigned int n = 0;

	for (uint16_t pair = 0; pair < PAIRS; pair++)
		n += vnic_reap_from(&vnic, pair);
	return n;
}

static void burst(unsigned int number)
{
	struct round round = {.number = number};

	memset(seen, 0, sizeof(seen));
	for (unsigned int i = 0; i < BURST; i++)
		guest_send(number, i);
	for (unsigned int i = 0; i < BURST; i++)
		host_send(number, i);
	ck_assert_msg(vnic_run_until(&vnic, all_there, &round),
		      "%u of %u frames in round %u", round.n, BURST, number);
	(void)reap_all();
}

START_TEST(each_frame_at_its_pair)
{
	bool software = _i;

	ck_assert_int_eq(vnic_start(&vnic, FEATURES), 0);
	if (software)
		tap_host_set_bpf(false);
	ck_assert_int_eq(configure_rss(), VIRTIO_NET_ACK_OK);
	if (software)
		tap_host_set_bpf(true);
	if (kernel_steers() == software) {
		(void)printf("skip: no right to steer by BPF\n");
		return;
	}
	for (uint16_t pair = 0; pair < PAIRS; pair++)
		vnic_post_to(&vnic, pair, RING / 2, BUF_LEN, 0);
	srand(1);
	for (unsigned int round = 0; round < ROUNDS; round++)
		burst(round);
	for (uint16_t pair = 0; pair < PAIRS; pair++)
		ck_assert_uint_gt(received[pair], ROUNDS * BURST / 4);
	ck_assert_uint_eq(vnic.needs_reset, 0);
}
END_TEST

int main(void)
{
	const char *why = tap_host_enter();
	Suite *suite;
	TCase *tc;

	if (why)
		return test_skip(why);
	suite = suite_create("virtio_tap_mq");
	tc = tcase_create("two threads");
	tcase_set_timeout(tc, 100);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, each_frame_at_its_pair, 0, 2);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
