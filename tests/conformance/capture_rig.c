/* SPDX-License-Identifier: MIT */
/*
 * A capture with both ends in a test's hands.
 */
#include "conformance/capture_rig.h"

#include "base/bytes.h"
#include "machine/capture_files.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TX_LEN (1U << 18)

static const struct net_bufs_config two_kib = {
	.n_bufs = 64,
	.buf_len = 2048,
	.rx_span = 1,
	.tx_len = TX_LEN,
};

static void ready_cb(struct net_queue_client *client)
{
	UNUSED(client);
}

static void answer_cb(void *arg, int err)
{
	struct capture_rig *r = arg;

	r->answer = err;
	r->answered = true;
	loop_stop(&r->loop);
}

static void end_cb(void *arg, const struct capture_end *end)
{
	struct capture_rig *r = arg;

	r->ends++;
	r->err = end->err;
	ck_assert_int_eq(!end->cause, !end->err);
	(void)snprintf(r->cause, sizeof(r->cause), "%s",
		       end->cause ? end->cause : "");
	loop_stop(&r->loop);
}

static void lost_cb(void *arg, const struct capture_end *end)
{
	struct capture_rig *r = arg;

	r->lost++;
	end_cb(arg, end);
}

void capture_rig_begin(struct capture_rig *r,
		       const struct net_bufs_config *config)
{
	memset(r, 0, sizeof(*r));
	r->client.ready = ready_cb;
	ck_assert_int_eq(loop_init(&r->loop), 0);
	ck_assert_int_eq(script_endpoint_create(&r->loop, &r->inner), 0);
	r->inner->vnet_hdr = true;
	r->inner->multiqueue.max_queues = CAPTURE_RIG_QUEUES;
	ck_assert_int_eq(capture_endpoint_create(&r->loop, "nic0",
						 &r->inner->base, lost_cb, r,
						 &r->ep),
			 0);
	ck_assert_int_eq(net_bufs_init(&r->bufs, config ? config : &two_kib),
			 0);
	r->vnet_hdr = r->bufs.config.header_room;
	(void)snprintf(r->dir, sizeof(r->dir), "/tmp/evnic-capture-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(r->dir));
	(void)snprintf(r->path, sizeof(r->path), "%s/file", r->dir);
	r->config = (struct capture_config){
		.path = r->path,
		.fd = -1,
		.rotator = -1,
		.queues = CAPTURE_ALL_QUEUES,
	};
}

static void remove_files(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *entry;

	ck_assert_ptr_nonnull(d);
	while ((entry = readdir(d)))
		(void)unlinkat(dirfd(d), entry->d_name, 0);
	(void)closedir(d);
	ck_assert_int_eq(rmdir(dir), 0);
}

void capture_rig_end(struct capture_rig *r)
{
	capture_rig_no_queues(r);
	net_endpoint_destroy(r->ep);
	loop_run_once(&r->loop);
	loop_fini(&r->loop);
	ck_assert_uint_eq(r->bufs.violations, 0);
	net_bufs_fini(&r->bufs);
	remove_files(r->dir);
}

void capture_rig_queues(struct capture_rig *r, size_t n)
{
	struct net_queue_config configs[CAPTURE_RIG_QUEUES];

	for (size_t i = 0; i < n; i++)
		configs[i] = (struct net_queue_config){
			.loop = &r->loop,
			.client = &r->client,
			.vnet_hdr = r->vnet_hdr,
			.rx_span = r->bufs.config.rx_span,
		};
	r->answered = false;
	ck_assert_int_eq(net_endpoint_get_queues(r->ep, configs, n, NULL,
						 r->queues, answer_cb, r),
			 0);
	while (!r->answered)
		loop_run(&r->loop);
	ck_assert_int_eq(r->answer, 0);
	r->n_queues = n;
}

void capture_rig_no_queues(struct capture_rig *r)
{
	for (size_t i = 0; i < r->n_queues; i++)
		net_queue_destroy(r->queues[i]);
	r->n_queues = 0;
	net_bufs_reclaim(&r->bufs);
	r->next_buf = 0;
}

void capture_rig_wait(struct capture_rig *r, unsigned int n)
{
	while (r->ends < n)
		loop_run(&r->loop);
}

/* Of the rig's capture; there is one. */
static struct capture_files files;

static int rotate(int rotator)
{
	ck_assert_int_eq(rotator, files.dir);
	return capture_files_rotate(&files);
}

static void begin_rotation(struct capture_rig *r, struct capture_config *config)
{
	files.dir = open(r->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	files.n = r->rotate_files;
	(void)snprintf(files.name, sizeof(files.name), "file");
	config->rotate = rotate;
	config->rotator = files.dir;
}

void capture_rig_start(struct capture_rig *r)
{
	struct capture_config config = r->config;

	if (config.fd < 0)
		config.fd =
			open(config.path,
			     O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (config.rotate_size)
		begin_rotation(r, &config);
	ck_assert_msg(capture_start(r->ep, &config, &r->error) == 0, "%s",
		      r->error.text);
}

void capture_rig_stop(struct capture_rig *r)
{
	unsigned int ends = r->ends;

	ck_assert_int_eq(capture_stop(r->ep, end_cb, r), 0);
	ck_assert_uint_eq(r->ends, ends);
	capture_rig_wait(r, ends + 1);
}

void capture_rig_fill(unsigned char *bytes, uint32_t i, size_t len)
{
	for (size_t at = 0; at < len; at++)
		bytes[at] = (unsigned char)(at * 7 + i);
	if (len >= 4)
		store_le32(bytes, i);
	if (len >= 14)
		store_be16(bytes + 12, 0x88b5); /* for local experiments */
}

bool capture_rig_is(const struct pcapng_frame *frame, uint32_t i, size_t len)
{
	static unsigned char wanted[NET_FRAME_MAX];

	capture_rig_fill(wanted, i, len);
	return frame->len == len && frame->cap_len <= len &&
	       memcmp(frame->bytes, wanted, frame->cap_len) == 0;
}

size_t capture_rig_send(struct capture_rig *r, size_t queue, uint32_t i,
			size_t len, size_t piece)
{
	static unsigned char bytes[NET_VNET_HDR_LEN + NET_FRAME_MAX];
	static struct net_tx_seg segs[NET_TX_SEGS_MAX];
	size_t hdr = r->vnet_hdr ? NET_VNET_HDR_LEN : 0, n;
	struct net_tx_meta meta = {.id = {i}, .vnet_hdr = r->vnet_hdr};
	struct net_tx_taken taken;

	memset(bytes, 0, hdr);
	capture_rig_fill(bytes + hdr, i, len);
	net_bufs_tx_reset(&r->bufs);
	n = net_bufs_tx(&r->bufs, &meta, bytes, hdr + len, piece, segs,
			ARRAY_SIZE(segs));
	must(n > 0);
	must(net_queue_tx_avail(r->queues[queue], &r->bufs.base, segs, n,
				&taken) == 0);
	must(taken.n_segs == n || !taken.n_segs);
	while (script_queue_take(r->inner->queues[queue], bytes, sizeof(bytes),
				 NULL) >= 0)
		continue;
	return taken.n_segs ? 1 : 0;
}

void capture_rig_arrive(struct capture_rig *r, size_t queue, uint32_t i,
			size_t len)
{
	static unsigned char bytes[NET_VNET_HDR_LEN + NET_FRAME_MAX];
	static unsigned char got[NET_VNET_HDR_LEN + NET_FRAME_MAX];
	size_t hdr = r->vnet_hdr ? NET_VNET_HDR_LEN : 0, n;
	struct script_queue *inner = r->inner->queues[queue];
	size_t n_bufs = (len + hdr) / r->bufs.config.buf_len + 1;
	struct net_rx_packet packet;

	inner->rx_header = r->vnet_hdr;
	memset(bytes, 0, hdr);
	capture_rig_fill(bytes + hdr, i, len);
	if (r->next_buf + n_bufs > r->bufs.config.n_bufs)
		r->next_buf = 0;
	net_bufs_give(&r->bufs, r->queues[queue], r->next_buf, n_bufs);
	r->next_buf += (uint32_t)n_bufs;
	must(script_queue_arrive(inner, bytes, hdr + len) == 0);
	must(net_queue_rx_poll(r->queues[queue], &r->bufs.base, &packet, 1,
			       &n) == 0);
	must(n == 1);
	must(net_bufs_take(&r->bufs, &packet, got, sizeof(got)) > 0);
}

struct pcapng_file capture_rig_read(const char *path)
{
	struct pcapng_file file;

	ck_assert_int_eq(pcapng_file_read(&file, path), 0);
	ck_assert(!file.cut);
	ck_assert_uint_eq(file.resolution, 9);
	ck_assert_str_eq(file.name, "nic0");
	return file;
}
