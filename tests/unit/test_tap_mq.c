/* SPDX-License-Identifier: MIT */
/*
 * A tap of several queues: frames find their queue, by a program in the kernel,
 * in software, or by the kernel alone; queues come and go.
 */
#include "unit/tap_mq.h"

#include "base/bytes.h"
#include "net/rss_bpf.h"
#include "net/vnet_hdr.h"
#include "support/run.h"
#include "support/skip.h"
#include "support/tap_host.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define FLOWS  200
#define NOBODY 65534

static struct mq mq;
static struct rss_frame frame;
static const char *const steered_by[] = {"bpf", "software"};

static void setup(void)
{
	mq_open(&mq, NULL, NULL);
}

static void teardown(void)
{
	mq_close(&mq);
}

/* With both ways to steer, and with both kinds of frontends. False: not on this
 * host. */
static bool start_steered(int variant, size_t n)
{
	mq.steering = steered_by[variant & 1];
	mq.header_room = !(variant & 2);
	if (mq_start(&mq, n))
		return true;
	(void)printf("skip: no right to steer by BPF\n");
	return false;
}

START_TEST(frames_find_their_queue)
{
	size_t n = 0;

	if (!start_steered(_i, MQ_MAX))
		return;
	for (uint16_t flow = 0; flow < FLOWS; flow++) {
		mq_frame(&frame, flow, 60 + flow % 7, false);
		mq_host_send(&mq, &frame);
		if (flow % 8 == 7)
			n += mq_take_all(&mq);
	}
	ck_assert_uint_eq(n, FLOWS);
	for (size_t i = 0; i < MQ_MAX; i++) {
		const struct net_stats *stats =
			net_queue_stats(mq.pairs[i].queue);

		ck_assert_uint_gt(stats->rx_packets, FLOWS / MQ_MAX / 2);
		ck_assert_uint_eq(stats->rx_dropped, 0);
	}
}
END_TEST

/* Frames of several buffers, that the kernel keeps in several pages. */
START_TEST(long_frames_find_their_queue)
{
	if (!start_steered(_i, MQ_MAX))
		return;
	for (uint16_t flow = 0; flow < FLOWS; flow++) {
		mq_frame(&frame, flow, 1400 + 37U * flow % 6000, false);
		mq_host_send(&mq, &frame);
		ck_assert_uint_eq(mq_take_all(&mq), 1);
	}
}
END_TEST

/* What has no hash goes to the queue for that, which is 0 here. */
START_TEST(frames_without_hash)
{
	struct rss_frame got;

	if (!start_steered(_i, 2))
		return;
	rss_frame_begin(&frame, 0);
	store_be16(frame.bytes + 12, TAP_HOST_ETHERTYPE);
	for (frame.len = 14; frame.len < 60; frame.len++) {
		mq_host_send(&mq, &frame);
		for (int k = 0; k < 3; k++) {
			loop_run_once(&mq.loop);
			ck_assert_uint_eq(mq_take(&mq, 1, &got), 0);
		}
		ck_assert_uint_eq(mq_take(&mq, 0, &got), frame.len);
		ck_assert_mem_eq(got.bytes, frame.bytes, frame.len);
	}
}
END_TEST

/* The kernel answers where it was asked, also after RSS. */
START_TEST(kernel_follows_the_guest)
{
	struct rss_frame got;

	(void)start_steered(_i, MQ_MAX);
	mq_stop(&mq);
	mq.steering = "kernel";
	ck_assert(mq_start(&mq, MQ_MAX));
	for (uint16_t flow = 0; flow < FLOWS; flow++) {
		size_t i = flow * 7U % MQ_MAX;

		mq_frame(&frame, flow, 100, true);
		mq_guest_send(&mq, i, &frame);
		mq_frame(&frame, flow, 100, false);
		mq_host_send(&mq, &frame);
		ck_assert_uint_eq(mq_take(&mq, i, &got), 100);
		ck_assert_mem_eq(got.bytes, frame.bytes, 100);
	}
}
END_TEST

/* Fewer queues, more queues; nothing is sent where nobody is. */
START_TEST(queues_come_and_go)
{
	static const size_t counts[] = {4, 1, 2, 3, 1, 4, 2};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		size_t n = 0;
		char says[32];

		if (!start_steered(_i, counts[i]))
			return;
		(void)snprintf(says, sizeof(says), "\"attached_queues\":%zu",
			       counts[i]);
		ck_assert(mq_endpoint_says(&mq, says));
		for (uint16_t flow = 0; flow < 50; flow++) {
			mq_frame(&frame, flow, 100, false);
			mq_host_send(&mq, &frame);
			n += mq_take_all(&mq);
			mq_guest_send(&mq, flow % counts[i], &frame);
		}
		ck_assert_uint_eq(n, 50);
		/* These are for nobody. */
		for (uint16_t flow = 0; flow < 50; flow++) {
			mq_frame(&frame, flow, 100, false);
			mq_host_send(&mq, &frame);
		}
		mq_stop(&mq);
	}
}
END_TEST

/* A flow of queue @i. */
static uint16_t flow_of(size_t i)
{
	for (uint16_t flow = 0;; flow++) {
		mq_frame(&frame, flow, 100, false);
		if (mq_queue_of(&mq, &frame) == i)
			return flow;
	}
}

/* Sends a frame to queue 1 by way of queue 0: the kernel does not know better
 * before the guest has sent anything on it. */
static void send_by_way_of_0(uint16_t flow, size_t len)
{
	mq_frame(&frame, flow, len, true);
	mq_guest_send(&mq, 0, &frame);
	mq_frame(&frame, flow, len, false);
	mq_host_send(&mq, &frame);
	loop_run_once(&mq.loop);
}

START_TEST(handed_over_frame_wakes)
{
	struct rss_frame got;
	uint16_t flow;

	mq.steering = "software";
	ck_assert(mq_start(&mq, 2));
	flow = flow_of(1);
	for (unsigned int i = 1; i < 10; i++) {
		ck_assert_uint_eq(mq_take(&mq, 1, &got), 0);
		ck_assert(!net_queue_poll_ready(mq.pairs[1].queue,
						&mq.pairs[1].bufs.base));
		send_by_way_of_0(flow, 100);
		ck_assert_uint_eq(mq.pairs[1].readies, i - 1);
		ck_assert_uint_eq(mq_take(&mq, 0, &got), 0);
		loop_run_once(&mq.loop);
		ck_assert_uint_eq(mq.pairs[1].readies, i);
		ck_assert_uint_eq(mq_take(&mq, 1, &got), 100);
		ck_assert_mem_eq(got.bytes, frame.bytes, 100);
	}
	ck_assert(mq_queue_says(&mq, 0, "\"given_to_siblings\":9"));
	ck_assert(mq_queue_says(&mq, 1, "\"taken_from_siblings\":9"));
}
END_TEST

/* A queue that nobody polls gets so much and no more; the rest is counted. */
START_TEST(full_lane_drops)
{
	const struct net_stats *stats;
	struct rss_frame got;
	size_t sent = 0, taken = 0, lost;
	uint16_t flow;

	mq.steering = "software";
	ck_assert(mq_start(&mq, 2));
	stats = net_queue_stats(mq.pairs[0].queue);
	flow = flow_of(1);
	for (; sent < 100; sent++) {
		send_by_way_of_0(flow, 8000);
		(void)mq_take(&mq, 0, &got);
	}
	lost = stats->rx_dropped;
	ck_assert_uint_ge(lost, 100 - (256 << 10) / 8000);
	ck_assert_uint_lt(lost, 100 - 65536 / 8000);
	ck_assert_uint_eq(stats->rx_packets, 0);
	while (mq_take(&mq, 1, &got)) {
		ck_assert_uint_eq(got.len, 8000);
		ck_assert_mem_eq(got.bytes, frame.bytes, 8000);
		taken++;
	}
	ck_assert_uint_eq(taken + lost, sent);
	/* And there is room again. */
	send_by_way_of_0(flow, 8000);
	(void)mq_take(&mq, 0, &got);
	loop_run_once(&mq.loop);
	ck_assert_uint_eq(mq_take(&mq, 1, &got), 8000);
}
END_TEST

/* Neither what comes from others nor what is read waits for the other's end. */
START_TEST(siblings_take_turns)
{
	struct rss_frame got;
	uint16_t theirs, ours;
	unsigned int n[2] = {0, 0};

	mq.steering = "software";
	ck_assert(mq_start(&mq, 2));
	theirs = flow_of(1);
	for (int i = 0; i < 10; i++) {
		send_by_way_of_0(theirs, 100);
		(void)mq_take(&mq, 0, &got);
	}
	for (ours = (uint16_t)(theirs + 1);; ours++) {
		mq_frame(&frame, ours, 100, true);
		mq_guest_send(&mq, 1, &frame);
		mq_frame(&frame, ours, 100, false);
		if (mq_queue_of(&mq, &frame) == 1)
			break;
	}
	for (int i = 0; i < 10; i++)
		mq_host_send(&mq, &frame);
	loop_run_once(&mq.loop);
	for (int i = 0; i < 10; i++) {
		ck_assert_uint_eq(mq_take(&mq, 1, &got), 100);
		n[load_be16(got.bytes + 34) == ours]++;
	}
	ck_assert_uint_eq(n[0], 5);
	ck_assert_uint_eq(n[1], 5);
}
END_TEST

/* The header travels with the frame, into either kind of frontend. */
START_TEST(header_is_handed_over)
{
	struct rss_frame got;
	const struct net_offload *offload = &mq.meta.offload;

	mq.steering = "software";
	mq.header_room = _i;
	mq.rx_offloads.csum = true;
	ck_assert(mq_start(&mq, 2));
	send_by_way_of_0(flow_of(1), 100);
	mq.host_hdr[0] = VNET_HDR_F_NEEDS_CSUM;
	store_le16(mq.host_hdr + 6, 34);
	store_le16(mq.host_hdr + 8, 6);
	send_by_way_of_0(flow_of(1), 100);
	ck_assert_uint_eq(mq_take(&mq, 0, &got), 0);
	ck_assert_uint_eq(mq_take(&mq, 1, &got), 100);
	ck_assert(!offload->csum_needed);
	ck_assert_uint_eq(mq_take(&mq, 1, &got), 100);
	ck_assert(offload->csum_needed);
	ck_assert_uint_eq(offload->csum_start, 34);
	ck_assert_uint_eq(offload->csum_offset, 6);
	ck_assert(mq_queue_says(&mq, 1, "\"taken_from_siblings\":2"));
}
END_TEST

/* A long frame stays where it is until the guest has given enough. */
START_TEST(handed_over_frame_waits_for_buffers)
{
	struct mq_pair *pair = &mq.pairs[1];
	struct net_rx_packet packet;
	struct rss_frame got;
	uint16_t flow;
	size_t n, used = 0;

	mq.steering = "software";
	mq.header_room = _i;
	ck_assert(mq_start(&mq, 2));
	flow = flow_of(1);
	for (int i = 0; i < 63; i++)
		send_by_way_of_0(flow, 100);
	ck_assert_uint_eq(mq_take(&mq, 0, &got), 0);
	while (net_queue_poll_ready(pair->queue, &pair->bufs.base)) {
		ck_assert_int_eq(net_queue_rx_poll(pair->queue,
						   &pair->bufs.base, &packet, 1,
						   &n),
				 0);
		used += n;
		if (n)
			ck_assert_int_gt(net_bufs_take(&pair->bufs, &packet,
						       got.bytes,
						       sizeof(got.bytes)),
					 0);
	}
	ck_assert_uint_eq(used, 63);
	send_by_way_of_0(flow, 5000);
	ck_assert_uint_eq(mq_take(&mq, 0, &got), 0);
	loop_run_once(&mq.loop);
	ck_assert_uint_eq(mq_take(&mq, 1, &got), 0);
	ck_assert(!net_queue_poll_ready(pair->queue, &pair->bufs.base));
	net_bufs_give(&pair->bufs, pair->queue, 0, 63);
	ck_assert_uint_eq(mq_take(&mq, 1, &got), 5000);
	ck_assert_mem_eq(got.bytes, frame.bytes, 5000);
	ck_assert_uint_eq(net_queue_stats(pair->queue)->rx_dropped, 0);
}
END_TEST

/* Many frames from one queue do not keep those from another waiting. */
START_TEST(lanes_take_turns)
{
	struct rss_frame got;
	uint16_t flows[2];
	unsigned int n[2] = {0, 0};

	mq.steering = "software";
	ck_assert(mq_start(&mq, 3));
	flows[0] = flow_of(2);
	for (flows[1] = (uint16_t)(flows[0] + 1);; flows[1]++) {
		mq_frame(&frame, flows[1], 100, false);
		if (mq_queue_of(&mq, &frame) == 2)
			break;
	}
	for (size_t from = 0; from < 2; from++) {
		mq_frame(&frame, flows[from], 100, true);
		mq_guest_send(&mq, from, &frame);
		mq_frame(&frame, flows[from], 100, false);
		for (int i = 0; i < 10; i++)
			mq_host_send(&mq, &frame);
		loop_run_once(&mq.loop);
		ck_assert_uint_eq(mq_take(&mq, from, &got), 0);
	}
	for (int i = 0; i < 10; i++) {
		ck_assert_uint_eq(mq_take(&mq, 2, &got), 100);
		n[load_be16(got.bytes + 34) == flows[1]]++;
	}
	ck_assert_uint_eq(n[0], 5);
	ck_assert_uint_eq(n[1], 5);
}
END_TEST

/* What was on its way when the queues went is not for the next ones. */
START_TEST(nothing_old_is_handed_over)
{
	struct rss_frame got;

	mq.steering = "software";
	for (int round = 0; round < 3; round++) {
		ck_assert(mq_start(&mq, 2));
		ck_assert_uint_eq(mq_take_all(&mq), 0);
		for (int i = 0; i < 5; i++) {
			send_by_way_of_0(flow_of(1), 100);
			(void)mq_take(&mq, 0, &got);
		}
		mq_stop(&mq);
	}
}
END_TEST

START_TEST(inspected)
{
	static const char *const texts[] = {
		"\"ifname\":\"mq0\"",	 "\"multi_queue\":true",
		"\"attached_queues\":2", "\"steering\":\"kernel\"",
		"\"gone\":false",
	};

	ck_assert(mq_start(&mq, 2));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		ck_assert_msg(mq_endpoint_says(&mq, texts[i]), "%s", texts[i]);
	ck_assert(mq_queue_says(&mq, 1, "\"index\":1"));
	ck_assert(mq_queue_says(&mq, 1, "\"rx_buffers\":64"));
}
END_TEST

START_TEST(deleted)
{
	mq.steering = "software";
	ck_assert(mq_start(&mq, MQ_MAX));
	tap_host_delete("mq0");
	mq_frame(&frame, 1, 100, true);
	for (size_t i = 0; i < MQ_MAX; i++)
		mq_guest_send(&mq, i, &frame);
	ck_assert_uint_eq(mq_take_all(&mq), 0);
	ck_assert(!net_endpoint_link_up(mq.ep));
	ck_assert(mq_endpoint_says(&mq, "\"gone\":true"));
	mq_stop(&mq);
	(void)mq_start(&mq, 2);
	mq_guest_send(&mq, 1, &frame);
	ck_assert_uint_eq(net_queue_stats(mq.pairs[1].queue)->tx_dropped, 1);
}
END_TEST

/* A process that can open nothing: no rights, not even files. */
static void lose_everything(void)
{
	char dir[] = "/tmp/evnic-XXXXXX";

	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	ck_assert_int_eq(rmdir(dir), 0);
	ck_assert_int_eq(chroot("."), 0);
	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	/* Not every namespace has this user. */
	if (setresuid(NOBODY, NOBODY, NOBODY) < 0) {
		tap_host_set_net_admin(false);
		tap_host_set_bpf(false);
	}
	ck_assert_int_lt(open("/dev/net/tun", O_RDWR | O_CLOEXEC), 0);
}

/* @body does not come back to whom it would be told what it has lost. */
static void without_rights(void (*body)(void))
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		lose_everything();
		body();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

static void start_and_stop_often(void)
{
	static const size_t counts[] = {4, 1, 3, 2, 4};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		size_t n = 0;

		mq.steering = "software";
		ck_assert(mq_start(&mq, counts[i]));
		for (uint16_t flow = 0; flow < 50; flow++) {
			mq_frame(&frame, flow, 100, false);
			mq_host_send(&mq, &frame);
			n += mq_take_all(&mq);
			mq_guest_send(&mq, flow % counts[i], &frame);
		}
		ck_assert_uint_eq(n, 50);
		mq_stop(&mq);
	}
}

START_TEST(works_without_rights)
{
	without_rights(start_and_stop_often);
}
END_TEST

/* Somebody else makes the program: @arg is what it answers. */
static int hand_out(void *arg, const struct net_rss *rss)
{
	int *answer = arg;

	ck_assert_mem_eq(rss->table, mq.rss.table, sizeof(rss->table));
	return *answer < 0 ? *answer : fcntl(*answer, F_DUPFD_CLOEXEC, 0);
}

static void start_with_bpf(void)
{
	mq.steering = "bpf";
	ck_assert(mq_start(&mq, 2));
	mq_stop(&mq);
}

START_TEST(steering_is_handed_in)
{
	int answer = -EACCES;

	mq_close(&mq);
	mq_open(&mq, hand_out, &answer);
	mq.steering = "software";
	ck_assert(mq_start(&mq, 2));
	mq_stop(&mq);
	answer = net_rss_bpf_load(&mq.rss);
	if (answer < 0)
		return; /* no right to load one here */
	without_rights(start_with_bpf);
	close_fd(&answer);
}
END_TEST

int main(void)
{
	const char *why = tap_host_enter();
	Suite *suite;
	TCase *tc;

	if (why)
		return test_skip(why);
	suite = suite_create("tap_mq");
	tc = tcase_create("mq");
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, frames_find_their_queue, 0, 4);
	tcase_add_loop_test(tc, long_frames_find_their_queue, 0, 4);
	tcase_add_loop_test(tc, frames_without_hash, 0, 4);
	tcase_add_loop_test(tc, kernel_follows_the_guest, 0, 2);
	tcase_add_loop_test(tc, queues_come_and_go, 0, 4);
	tcase_add_test(tc, handed_over_frame_wakes);
	tcase_add_test(tc, full_lane_drops);
	tcase_add_test(tc, siblings_take_turns);
	tcase_add_loop_test(tc, header_is_handed_over, 0, 2);
	tcase_add_loop_test(tc, handed_over_frame_waits_for_buffers, 0, 2);
	tcase_add_test(tc, lanes_take_turns);
	tcase_add_test(tc, nothing_old_is_handed_over);
	tcase_add_test(tc, inspected);
	tcase_add_test(tc, deleted);
	tcase_add_test(tc, works_without_rights);
	tcase_add_test(tc, steering_is_handed_in);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
