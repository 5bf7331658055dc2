/* SPDX-License-Identifier: MIT */
/*
 * What a capture holds.
 */
#include "conformance/capture_rig.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

static struct capture_rig r;

static void setup(void)
{
	capture_rig_begin(&r, NULL);
}

static void setup_vnet_hdr(void)
{
	static const struct net_bufs_config config = {
		.n_bufs = 64,
		.buf_len = 2048,
		.header_room = true,
		.rx_span = 1,
		.tx_len = 1U << 18,
	};

	capture_rig_begin(&r, &config);
}

static void teardown(void)
{
	capture_rig_end(&r);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

#define FRAMES 56

static size_t len_of(uint32_t i)
{
	static const size_t lens[] = {60, 61, 62, 63, 64, 1514, 128};

	return lens[i % ARRAY_SIZE(lens)];
}

static bool is_sent(uint32_t i)
{
	return i % 4 < 2;
}

/* Sends and receives FRAMES frames on two queues; returns their bytes. */
static uint64_t make_traffic(void)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < FRAMES; i++) {
		bytes += len_of(i);
		if (is_sent(i))
			must(capture_rig_send(&r, i % 2, i, len_of(i),
					      i % 3 * 50) == 1);
		else
			capture_rig_arrive(&r, i % 2, i, len_of(i));
	}
	return bytes;
}

/* A queue's frames are there as they were, in order, with times from @begin
 * on. Returns the last time. */
static uint64_t check_queue(const struct pcapng_file *file, uint32_t queue,
			    uint64_t begin)
{
	uint32_t i = queue;

	for (size_t f = 0; f < file->n_frames; f++) {
		const struct pcapng_frame *frame = &file->frames[f];

		if (frame->queue != queue)
			continue;
		must(capture_rig_is(frame, i, len_of(i)));
		must(frame->cap_len == frame->len);
		must(frame->direction == (is_sent(i) ? 2 : 1));
		must(frame->ns >= begin);
		begin = frame->ns;
		i += 2;
	}
	ck_assert_uint_eq(i, FRAMES + queue);
	return begin;
}

static void check_state(uint64_t bytes, bool active)
{
	struct capture_state state;

	capture_query(r.ep, &state);
	ck_assert(state.active == active);
	ck_assert_uint_eq(state.packets, FRAMES);
	ck_assert_uint_eq(state.bytes, bytes);
	ck_assert_uint_eq(state.drops, 0);
	ck_assert_str_eq(state.path, r.path);
}

/* Frames of both directions on two queues: all in the file, as they were. */
static void both_directions(void)
{
	uint64_t begin = now_ns(), bytes, last;
	struct capture_state state;
	struct pcapng_file file;
	struct stat st;

	capture_rig_queues(&r, 2);
	capture_rig_start(&r);
	bytes = make_traffic();
	check_state(bytes, true);
	capture_rig_stop(&r);
	ck_assert_int_eq(r.err, 0);
	check_state(bytes, false);

	capture_query(r.ep, &state);
	ck_assert_int_eq(stat(r.path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(st.st_size, (off_t)state.written);
	file = capture_rig_read(r.path);
	ck_assert_uint_eq(file.n_frames, FRAMES);
	ck_assert_uint_eq(file.snaplen, 0);
	last = MAX(check_queue(&file, 0, begin), check_queue(&file, 1, begin));
	ck_assert_uint_eq(file.n_stats, 1);
	ck_assert_uint_eq(file.received, FRAMES);
	ck_assert_uint_eq(file.dropped, 0);
	ck_assert_uint_ge(file.start_ns, begin);
	ck_assert_uint_ge(file.end_ns, last);
	ck_assert_uint_le(file.end_ns, now_ns());
	pcapng_file_fini(&file);
}

START_TEST(frames_of_both_directions)
{
	both_directions();
}
END_TEST

START_TEST(virtio_net_headers_are_left_out)
{
	both_directions();
}
END_TEST

START_TEST(snaplen_cuts_and_tells_the_length)
{
	struct pcapng_file file;

	capture_rig_queues(&r, 1);
	r.config.snaplen = 100;
	capture_rig_start(&r);
	(void)capture_rig_send(&r, 0, 0, 1514, 0);
	(void)capture_rig_send(&r, 0, 1, 1514, 33);
	capture_rig_arrive(&r, 0, 2, 1514);
	(void)capture_rig_send(&r, 0, 3, 100, 0);
	(void)capture_rig_send(&r, 0, 4, 99, 0);
	capture_rig_stop(&r);
	file = capture_rig_read(r.path);
	ck_assert_uint_eq(file.snaplen, 100);
	ck_assert_uint_eq(file.n_frames, 5);
	for (uint32_t i = 0; i < 5; i++) {
		size_t len = i < 3 ? 1514 : 103 - i;

		ck_assert(capture_rig_is(&file.frames[i], i, len));
		ck_assert_uint_eq(file.frames[i].cap_len, MIN(len, 100U));
	}
	pcapng_file_fini(&file);
}
END_TEST

/* What the inner queue pushes back is captured when it goes. */
START_TEST(sent_frames_are_captured_once)
{
	struct net_tx_meta metas[5] = {0};
	struct net_tx_seg segs[20];
	unsigned char bytes[200];
	struct net_tx_taken taken;
	struct pcapng_file file;
	size_t n = 0, at = 0;

	capture_rig_queues(&r, 1);
	capture_rig_start(&r);
	for (uint32_t i = 0; i < 5; i++) {
		capture_rig_fill(bytes, i, sizeof(bytes));
		n += net_bufs_tx(&r.bufs, &metas[i], bytes, sizeof(bytes), 60,
				 segs + n, ARRAY_SIZE(segs) - n);
	}
	for (unsigned int call = 0; at < n; call++) {
		r.inner->queues[0]->tx_room = call % 3;
		ck_assert_int_eq(net_queue_tx_avail(r.queues[0], &r.bufs.base,
						    segs + at, n - at, &taken),
				 0);
		at += taken.n_segs;
		ck_assert_uint_lt(call, 20);
	}
	r.inner->queues[0]->tx_err = -EIO;
	ck_assert_int_eq(
		net_queue_tx_avail(r.queues[0], &r.bufs.base, segs, n, &taken),
		-EIO);
	capture_rig_stop(&r);
	file = capture_rig_read(r.path);
	ck_assert_uint_eq(file.n_frames, 5);
	for (uint32_t i = 0; i < 5; i++)
		ck_assert(capture_rig_is(&file.frames[i], i, sizeof(bytes)));
	pcapng_file_fini(&file);
}
END_TEST

START_TEST(only_what_was_sent_meanwhile)
{
	struct capture_state state;
	struct pcapng_file file;

	capture_query(r.ep, &state);
	ck_assert(!state.active);
	ck_assert_ptr_null(state.path);
	capture_rig_queues(&r, 1);
	for (uint32_t round = 0; round < 3; round++) {
		(void)capture_rig_send(&r, 0, 1000, 100, 0);
		capture_rig_arrive(&r, 0, 1001, 100);
		capture_rig_start(&r);
		(void)capture_rig_send(&r, 0, round, 100, 0);
		capture_rig_stop(&r);
		file = capture_rig_read(r.path);
		ck_assert_uint_eq(file.n_frames, 1);
		ck_assert(capture_rig_is(&file.frames[0], round, 100));
		pcapng_file_fini(&file);
	}
	(void)capture_rig_send(&r, 0, 1000, 100, 0);
	capture_query(r.ep, &state);
	ck_assert_uint_eq(state.packets, 1);
}
END_TEST

START_TEST(chosen_queues_only)
{
	struct pcapng_file file;

	capture_rig_queues(&r, 4);
	r.config.queues = 1 << 1 | 1 << 3;
	capture_rig_start(&r);
	for (uint32_t i = 0; i < 40; i++)
		(void)capture_rig_send(&r, i % 4, i, 100, 0);
	capture_rig_stop(&r);
	file = capture_rig_read(r.path);
	ck_assert_uint_eq(file.n_frames, 20);
	for (size_t i = 0; i < 20; i++)
		ck_assert_uint_eq(file.frames[i].queue % 2, 1);
	pcapng_file_fini(&file);
}
END_TEST

/* A guest that starts its NIC anew, with more queues, is captured on. */
START_TEST(queues_come_and_go)
{
	struct pcapng_file file;

	capture_rig_start(&r);
	capture_rig_queues(&r, 1);
	(void)capture_rig_send(&r, 0, 0, 100, 0);
	capture_rig_no_queues(&r);
	capture_rig_queues(&r, 3);
	for (uint32_t i = 1; i < 4; i++)
		(void)capture_rig_send(&r, i - 1, i, 100, 0);
	capture_rig_no_queues(&r);
	capture_rig_stop(&r);
	capture_rig_queues(&r, 2);
	(void)capture_rig_send(&r, 1, 99, 100, 0);
	file = capture_rig_read(r.path);
	ck_assert_uint_eq(file.n_frames, 4);
	ck_assert_uint_eq(file.received, 4);
	pcapng_file_fini(&file);
}
END_TEST

/* A tag that travels in metadata is where a wire would have it. */
START_TEST(vlan_tags_are_put_in)
{
	static const unsigned char tag[] = {0x81, 0, 0xb0, 42};
	static const struct net_vlan vlan = {
		.present = true,
		.dei = true,
		.priority = 5,
		.id = 42,
	};
	struct net_tx_meta meta = {.vlan = vlan};
	unsigned char bytes[100], wanted[104];
	struct net_tx_taken taken;
	struct net_tx_seg segs[10];
	struct pcapng_file file;

	capture_rig_fill(bytes, 0, sizeof(bytes));
	memcpy(wanted, bytes, 12);
	memcpy(wanted + 12, tag, 4);
	memcpy(wanted + 16, bytes + 12, sizeof(bytes) - 12);
	capture_rig_queues(&r, 1);
	r.inner->queues[0]->rx_meta.vlan = vlan;
	for (uint32_t snaplen = 0; snaplen < 110; snaplen++) {
		size_t n;

		r.config.snaplen = snaplen;
		capture_rig_start(&r);
		net_bufs_tx_reset(&r.bufs);
		n = net_bufs_tx(&r.bufs, &meta, bytes, sizeof(bytes), 10, segs,
				ARRAY_SIZE(segs));
		must(net_queue_tx_avail(r.queues[0], &r.bufs.base, segs, n,
					&taken) == 0);
		capture_rig_arrive(&r, 0, 0, sizeof(bytes));
		capture_rig_stop(&r);
		file = capture_rig_read(r.path);
		must(file.n_frames == 2);
		for (size_t i = 0; i < 2; i++) {
			uint32_t kept = snaplen ? MIN(snaplen, 104U) : 104;

			must(file.frames[i].len == 104);
			must(file.frames[i].cap_len == kept);
			must(memcmp(file.frames[i].bytes, wanted, kept) == 0);
		}
		pcapng_file_fini(&file);
	}
}
END_TEST

/* What a guest gets wrong costs that frame, of the file too. */
START_TEST(unreadable_frames_are_counted)
{
	struct net_tx_meta metas[6] = {0};
	struct net_tx_seg segs[6] = {0};
	struct net_tx_taken taken;
	struct pcapng_file file;

	capture_rig_queues(&r, 1);
	capture_rig_start(&r);
	for (uint32_t i = 0; i < 6; i++) {
		metas[i] = (struct net_tx_meta){.len = 100, .n_segs = 1};
		segs[i] = (struct net_tx_seg){
			.gpa = NET_BUFS_TX_GPA,
			.len = 100,
			.type = NET_TX_HEAD,
			.meta = &metas[i],
		};
	}
	segs[0].gpa = NET_BUFS_BAD_GPA;
	segs[1].gpa = UINT64_MAX - 50;
	segs[2].len = 99;
	metas[3].len = UINT32_MAX;
	metas[4].len = 0;
	segs[4].len = 0;
	memset(r.bufs.tx, 0x5a, 100);
	ck_assert_int_eq(
		net_queue_tx_avail(r.queues[0], &r.bufs.base, segs, 6, &taken),
		0);
	ck_assert_uint_eq(taken.n_segs, 6);
	capture_rig_stop(&r);
	file = capture_rig_read(r.path);
	ck_assert_uint_eq(file.dropped, 4);
	ck_assert_uint_eq(file.n_frames, 2);
	ck_assert_uint_eq(file.frames[0].len, 0);
	ck_assert_uint_eq(file.frames[1].len, 100);
	ck_assert_uint_eq(file.frames[1].bytes[99], 0x5a);
	pcapng_file_fini(&file);
}
END_TEST

/* A queue's header must lie within the packet. */
START_TEST(header_without_a_frame)
{
	struct net_tx_meta meta = {.n_segs = 1, .vnet_hdr = true};
	struct net_tx_seg seg = {
		.gpa = NET_BUFS_TX_GPA,
		.len = NET_VNET_HDR_LEN - 1,
		.type = NET_TX_HEAD,
		.meta = &meta,
	};
	struct net_tx_taken taken;
	struct capture_state state;

	capture_rig_queues(&r, 1);
	capture_rig_start(&r);
	ck_assert_int_eq(
		net_queue_tx_avail(r.queues[0], &r.bufs.base, &seg, 1, &taken),
		0);
	capture_query(r.ep, &state);
	ck_assert_uint_eq(state.drops, 1);
	ck_assert_uint_eq(state.packets, 0);
}
END_TEST

static void setup_pieces(void)
{
	static const struct net_bufs_config config = {
		.n_bufs = 64,
		.buf_len = 2048,
		.piece = 300,
		.header_room = true,
		.rx_span = 64,
		.tx_len = 1U << 18,
	};

	capture_rig_begin(&r, &config);
}

/* Frames of 64 KiB in hundreds of pieces. */
START_TEST(long_frames_in_pieces)
{
	static const size_t lens[] = {14, 2000, 40000, NET_FRAME_MAX};
	struct pcapng_file file;

	capture_rig_queues(&r, 1);
	for (uint32_t snaplen = 0; snaplen < 5000; snaplen += 1111) {
		r.config.snaplen = snaplen;
		capture_rig_start(&r);
		for (uint32_t i = 0; i < 8; i++) {
			if (i < 4)
				must(capture_rig_send(&r, 0, i, lens[i], 97) ==
				     1);
			else
				capture_rig_arrive(&r, 0, i, lens[i - 4]);
		}
		capture_rig_stop(&r);
		file = capture_rig_read(r.path);
		ck_assert_uint_eq(file.dropped, 0);
		ck_assert_uint_eq(file.n_frames, 8);
		for (uint32_t i = 0; i < 8; i++) {
			size_t len = lens[i % 4];
			size_t kept = snaplen ? MIN(len, snaplen) : len;

			ck_assert(capture_rig_is(&file.frames[i], i, len));
			ck_assert_uint_eq(file.frames[i].cap_len, kept);
		}
		pcapng_file_fini(&file);
	}
}
END_TEST

START_TEST(inspected)
{
	struct inspect in;
	const char *text;

	capture_rig_queues(&r, 1);
	capture_rig_start(&r);
	(void)capture_rig_send(&r, 0, 0, 100, 0);
	inspect_init(&in);
	net_endpoint_inspect(r.ep, &in);
	net_queue_inspect(r.queues[0], &in);
	text = inspect_text(&in);
	ck_assert_ptr_nonnull(text);
	ck_assert_ptr_nonnull(strstr(text, "\"type\":\"capture\""));
	ck_assert_ptr_nonnull(strstr(text, "\"active\":true"));
	ck_assert_ptr_nonnull(strstr(text, r.path));
	ck_assert_ptr_nonnull(strstr(text, "\"packets\":1,"));
	ck_assert_ptr_nonnull(strstr(text, "\"inner\":{"));
	inspect_fini(&in);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("capture");
	TCase *tc = tcase_create("capture");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 90);
	tcase_add_test(tc, frames_of_both_directions);
	tcase_add_test(tc, snaplen_cuts_and_tells_the_length);
	tcase_add_test(tc, sent_frames_are_captured_once);
	tcase_add_test(tc, only_what_was_sent_meanwhile);
	tcase_add_test(tc, chosen_queues_only);
	tcase_add_test(tc, queues_come_and_go);
	tcase_add_test(tc, vlan_tags_are_put_in);
	tcase_add_test(tc, unreadable_frames_are_counted);
	tcase_add_test(tc, inspected);
	suite_add_tcase(suite, tc);

	tc = tcase_create("vnet_hdr");
	tcase_add_checked_fixture(tc, setup_vnet_hdr, teardown);
	tcase_set_timeout(tc, 90);
	tcase_add_test(tc, virtio_net_headers_are_left_out);
	tcase_add_test(tc, header_without_a_frame);
	suite_add_tcase(suite, tc);

	tc = tcase_create("pieces");
	tcase_add_checked_fixture(tc, setup_pieces, teardown);
	tcase_set_timeout(tc, 90);
	tcase_add_test(tc, long_frames_in_pieces);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
