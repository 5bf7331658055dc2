/* SPDX-License-Identifier: MIT */
/*
 * A tap of several queues under test.
 */
#include "unit/tap_mq.h"

#include "backends/tap_open.h"
#include "base/bytes.h"
#include "net/vnet_hdr.h"
#include "support/tap_host.h"

#include <check.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define N_BUFS	  64
#define TABLE_LEN 64

static const struct net_bufs_config bufs_config = {
	.n_bufs = N_BUFS,
	.buf_len = 2048,
	.piece = 700,
	.rx_span = 8,
	.tx_len = 1 << 16,
};

static void ready_cb(struct net_queue_client *client)
{
	container_of(client, struct mq_pair, client)->readies++;
}

static void done_cb(void *arg, int err)
{
	*(int *)arg = err;
}

void mq_open(struct mq *mq, int (*load)(void *arg, const struct net_rss *rss),
	     void *arg)
{
	const struct tap_request request = {
		.ifname = "mq0",
		.create = true,
		.max_queues = MQ_MAX,
	};
	struct tap_opened tap;
	struct tap_config config = {
		.fds = tap.fds,
		.load_steering = load,
		.arg = arg,
	};
	struct tap_error err = {""};

	memset(mq, 0, sizeof(*mq));
	mq->steering = "kernel";
	mq->header_room = true;
	ck_assert_int_eq(loop_init(&mq->loop), 0);
	ck_assert_msg(!tap_open(&request, &tap, &err), "%s", err.text);
	config.n_fds = tap.n_fds;
	config.link_fd = tap.link_fd;
	ck_assert_msg(!tap_endpoint_create(&config, &mq->loop, &err, &mq->ep),
		      "%s", err.text);
	tap_host_set_mtu("mq0", 9000);
	mq->host = tap_host_socket("mq0");
}

void mq_close(struct mq *mq)
{
	if (mq->n)
		mq_stop(mq);
	net_endpoint_destroy(mq->ep);
	close_fd(&mq->host);
	loop_fini(&mq->loop);
}

static void make_pair(struct mq *mq, struct mq_pair *pair,
		      struct net_queue_config *config)
{
	struct net_bufs_config with = bufs_config;

	with.header_room = mq->header_room;
	ck_assert_int_eq(net_bufs_init(&pair->bufs, &with), 0);
	pair->client.ready = ready_cb;
	pair->readies = 0;
	*config = (struct net_queue_config){
		.loop = &mq->loop,
		.client = &pair->client,
		.vnet_hdr = mq->header_room,
		.rx_span = with.rx_span,
		.rx_offloads = mq->rx_offloads,
	};
}

static void get_queues(struct mq *mq, size_t n,
		       const struct net_rss_config *rss)
{
	struct net_queue_config configs[MQ_MAX];
	struct net_queue *queues[MQ_MAX];
	int err = 1;

	for (size_t i = 0; i < n; i++)
		make_pair(mq, &mq->pairs[i], &configs[i]);
	ck_assert_int_eq(net_endpoint_get_queues(mq->ep, configs, n, rss,
						 queues, done_cb, &err),
			 0);
	loop_run_once(&mq->loop);
	ck_assert_int_eq(err, 0);
	mq->n = n;
	for (size_t i = 0; i < n; i++) {
		mq->pairs[i].queue = queues[i];
		net_bufs_give(&mq->pairs[i].bufs, queues[i], 0, N_BUFS);
	}
}

bool mq_start(struct mq *mq, size_t n)
{
	uint16_t table[TABLE_LEN];
	const struct net_rss_config rss = {
		.key = rss_verification_key,
		.key_len = NET_RSS_KEY_LEN,
		.indirection_table = table,
		.indirection_table_len = TABLE_LEN,
		.flags = 0x3f,
	};
	bool software = !strcmp(mq->steering, "software");
	char says[64];

	for (size_t i = 0; i < TABLE_LEN; i++)
		table[i] = (uint16_t)(i % n);
	net_rss_init(&mq->rss, &rss);
	if (software)
		tap_host_set_bpf(false);
	get_queues(mq, n, strcmp(mq->steering, "kernel") ? &rss : NULL);
	if (software)
		tap_host_set_bpf(true);
	(void)snprintf(says, sizeof(says), "\"steering\":\"%s\"",
		       n > 1 ? mq->steering : "none");
	return mq_endpoint_says(mq, says);
}

void mq_stop(struct mq *mq)
{
	int err = 1;

	for (size_t i = 0; i < mq->n; i++) {
		struct mq_pair *pair = &mq->pairs[i];

		net_queue_destroy(pair->queue);
		ck_assert(net_bufs_guards_ok(&pair->bufs));
		ck_assert_uint_eq(pair->bufs.violations, 0);
		net_bufs_fini(&pair->bufs);
	}
	mq->n = 0;
	ck_assert_int_eq(net_endpoint_stop(mq->ep, done_cb, &err), 0);
	loop_run_once(&mq->loop);
	ck_assert_int_eq(err, 0);
}

static bool says(struct inspect *in, const char *what)
{
	const char *text = inspect_text(in);
	bool found;

	ck_assert_ptr_nonnull(text);
	found = strstr(text, what) != NULL;
	inspect_fini(in);
	return found;
}

bool mq_endpoint_says(const struct mq *mq, const char *what)
{
	struct inspect in;

	inspect_init(&in);
	net_endpoint_inspect(mq->ep, &in);
	return says(&in, what);
}

bool mq_queue_says(const struct mq *mq, size_t i, const char *what)
{
	struct inspect in;

	inspect_init(&in);
	net_queue_inspect(mq->pairs[i].queue, &in);
	return says(&in, what);
}

void mq_frame(struct rss_frame *frame, uint16_t flow, size_t len, bool back)
{
	static const uint8_t guest[4] = {10, 0, 0, 2}, host[4] = {10, 0, 0, 1};

	rss_frame_begin(frame, 0);
	rss_frame_ipv4(frame, IPPROTO_UDP, back ? guest : host,
		       back ? host : guest, 0, 0);
	rss_frame_ports(frame, back ? 7 : flow, back ? flow : 7);
	/* The flow again, where a reader finds it. */
	for (size_t i = frame->len; i < len; i++)
		frame->bytes[i] = (uint8_t)(flow * 7 + i);
	store_be16(frame->bytes + 16, (uint16_t)(len - 14));
	store_be16(frame->bytes + 38, (uint16_t)(len - 34));
	frame->len = len;
}

size_t mq_queue_of(const struct mq *mq, const struct rss_frame *frame)
{
	return net_rss_select(&mq->rss, frame->bytes, frame->len).queue;
}

void mq_host_send(struct mq *mq, const struct rss_frame *frame)
{
	unsigned char bytes[TAP_HOST_HDR_LEN + sizeof(frame->bytes)];

	memcpy(bytes, mq->host_hdr, TAP_HOST_HDR_LEN);
	memcpy(bytes + TAP_HOST_HDR_LEN, frame->bytes, frame->len);
	ck_assert(
		tap_host_send(mq->host, bytes, TAP_HOST_HDR_LEN + frame->len));
}

void mq_guest_send(struct mq *mq, size_t i, const struct rss_frame *frame)
{
	struct mq_pair *pair = &mq->pairs[i];
	unsigned char bytes[NET_VNET_HDR_LEN + sizeof(frame->bytes)] = {0};
	size_t hdr = mq->header_room ? NET_VNET_HDR_LEN : 0, n;
	struct net_tx_meta meta = {.vnet_hdr = mq->header_room};
	struct net_tx_seg segs[16];
	struct net_tx_taken taken;

	memcpy(bytes + hdr, frame->bytes, frame->len);
	net_bufs_tx_reset(&pair->bufs);
	n = net_bufs_tx(&pair->bufs, &meta, bytes, hdr + frame->len, 0, segs,
			16);
	ck_assert_uint_gt(n, 0);
	ck_assert_int_eq(net_queue_tx_avail(pair->queue, &pair->bufs.base, segs,
					    n, &taken),
			 0);
	ck_assert_uint_eq(taken.n_segs, n);
}

size_t mq_take(struct mq *mq, size_t i, struct rss_frame *frame)
{
	struct mq_pair *pair = &mq->pairs[i];
	unsigned char bytes[NET_VNET_HDR_LEN + sizeof(frame->bytes)];
	size_t hdr = mq->header_room ? NET_VNET_HDR_LEN : 0, n;
	struct net_rx_packet packet;
	ssize_t len;

	/* A turn may bring nothing: a frame that went elsewhere. */
	do {
		ck_assert_int_eq(net_queue_rx_poll(pair->queue,
						   &pair->bufs.base, &packet, 1,
						   &n),
				 0);
	} while (!n && net_queue_poll_ready(pair->queue, &pair->bufs.base));
	if (!n)
		return 0;
	len = net_bufs_take(&pair->bufs, &packet, bytes, sizeof(bytes));
	ck_assert_int_ge(len, (ssize_t)hdr);
	frame->len = (size_t)len - hdr;
	memcpy(frame->bytes, bytes + hdr, frame->len);
	mq->meta = packet.meta;
	if (hdr)
		ck_assert_int_eq(net_vnet_hdr_to_rx(bytes, &mq->meta), 0);
	for (uint32_t id = packet.first.v, k = 0; k < packet.n_ids; k++)
		net_bufs_give(&pair->bufs, pair->queue, (id + k) % N_BUFS, 1);
	return frame->len;
}

/* Is the frame what mq_frame() makes? */
static bool is_whole(const struct rss_frame *frame)
{
	static struct rss_frame same;

	mq_frame(&same, load_be16(frame->bytes + 34), frame->len, false);
	return !memcmp(frame->bytes, same.bytes, frame->len);
}

size_t mq_take_all(struct mq *mq)
{
	static struct rss_frame frame;
	size_t all = 0;
	bool more = true;

	/* What one queue hands over makes another one ready. */
	while (more) {
		loop_run_once(&mq->loop);
		more = false;
		for (size_t i = 0; i < mq->n; i++) {
			while (net_queue_poll_ready(mq->pairs[i].queue,
						    &mq->pairs[i].bufs.base)) {
				more = true;
				if (!mq_take(mq, i, &frame))
					continue;
				all++;
				ck_assert(is_whole(&frame));
				ck_assert(!strcmp(mq->steering, "kernel") ||
					  mq_queue_of(mq, &frame) == i);
			}
		}
	}
	return all;
}
