/* SPDX-License-Identifier: MIT */
/*
 * Frames of a guest on their way into a capture.
 *
 * First three bytes: virtio-net headers or not, and the snaplen. Then a stream
 * of operations, each a byte and its operands: a packet is sent, with segments
 * and a length as the guest likes; one is received; the writer takes some bytes.
 * Every frame is in the file, with the bytes that it had, or counted as dropped,
 * and the file is good.
 */
#include "backends/capture_tap.h"
#include "backends/pcapng.h"
#include "fuzz/input.h"
#include "support/net_bufs.h"
#include "support/pcapng_reader.h"

#include <stdio.h>
#include <stdlib.h>

#define BUFS	   32
#define BUF_LEN	   600
#define TX_LEN	   (96U << 10)
#define SEGS	   8
#define FRAMES_MAX 400
#define FILE_MAX   (4U << 20)

struct stream {
	struct fuzz_input input;
	bool vnet_hdr;
	struct capture_tap tap;
	struct capture_finder finder;
	struct capture_bell bell;
	struct capture_source *source;
	struct net_bufs bufs;
	unsigned char file[FILE_MAX];
	size_t file_len;
	unsigned int n_frames;
	struct {
		uint32_t len, direction;
		uint64_t sum;
	} wanted[FRAMES_MAX];
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what)
{
	if (condition)
		return;
	(void)fprintf(stderr, "capture: %s\n", what);
	abort();
}

static uint64_t take(struct stream *s, size_t n)
{
	return fuzz_take(&s->input, n);
}

static uint64_t sum_of(const unsigned char *bytes, size_t n)
{
	uint64_t sum = 0xcbf29ce484222325;

	for (size_t i = 0; i < n; i++)
		sum = (sum ^ bytes[i]) * 0x100000001b3;
	return sum;
}

/* The frame was captured if there is one more; @bytes: NULL: it ought not be. */
static void note(struct stream *s, uint64_t packets, uint32_t direction,
		 uint32_t len, const unsigned char *bytes)
{
	uint32_t cap = MIN(len, s->source->snaplen);

	if (net_stat_get(&s->source->packets) == packets)
		return;
	require(bytes != NULL, "a frame that cannot be read");
	s->wanted[s->n_frames].len = len;
	s->wanted[s->n_frames].direction = direction;
	s->wanted[s->n_frames].sum = sum_of(bytes, cap);
	s->n_frames++;
}

/* What the packet's segments hold, or NULL if that is not its length's worth. */
static const unsigned char *read_packet(struct stream *s,
					const struct net_tx_seg *segs, size_t n,
					uint32_t len)
{
	static unsigned char bytes[SEGS * 65536];
	size_t hdr = s->vnet_hdr ? NET_VNET_HDR_LEN : 0, at = 0;

	for (size_t i = 0; i < n; i++) {
		if (guest_mem_read(&s->bufs.mem, segs[i].gpa, bytes + at,
				   segs[i].len) < 0)
			return NULL;
		at += segs[i].len;
	}
	if (at < hdr || at - hdr < MIN(len, s->source->snaplen))
		return NULL;
	return bytes + hdr;
}

static uint64_t take_gpa(struct stream *s)
{
	static const uint64_t bases[] = {
		NET_BUFS_TX_GPA,   NET_BUFS_TX_GPA,
		NET_BUFS_TX_GPA,   NET_BUFS_BAD_GPA,
		UINT64_MAX - 1000, NET_BUFS_TX_GPA + TX_LEN - 1000,
	};

	return bases[take(s, 1) % ARRAY_SIZE(bases)] + take(s, 2);
}

static void send_packet(struct stream *s)
{
	uint64_t packets = net_stat_get(&s->source->packets);
	struct net_tx_meta meta = {.vnet_hdr = s->vnet_hdr};
	struct net_tx_seg segs[SEGS] = {0};
	size_t n = take(s, 1) % SEGS + 1;
	size_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		segs[i].gpa = take_gpa(s);
		segs[i].len = (uint32_t)take(s, 2);
		segs[i].type = i ? NET_TX_TAIL : NET_TX_HEAD;
		sum += segs[i].len;
	}
	segs[0].meta = &meta;
	meta.n_segs = (uint16_t)n;
	meta.len = (uint32_t)(take(s, 1) % 4 ? sum - MIN(sum, (size_t)12)
					     : take(s, 4));
	capture_tap_tx(&s->tap, &s->finder, &s->bufs.base, segs, n);
	note(s, packets, PCAPNG_OUTBOUND, meta.len,
	     read_packet(s, segs, n, meta.len));
}

static void receive_packet(struct stream *s)
{
	uint64_t packets = net_stat_get(&s->source->packets);
	static unsigned char bytes[BUFS * BUF_LEN];
	size_t hdr = s->vnet_hdr ? NET_VNET_HDR_LEN : 0;
	struct net_rx_packet packet = {.n_ids = 0};
	struct net_rx_id ids[BUFS];
	size_t n = take(s, 1) % BUFS + 1;

	for (size_t i = 0; i < n; i++)
		ids[i].v = (uint32_t)i;
	net_bufs_note_given(&s->bufs, ids, n);
	packet.n_ids = (uint16_t)n;
	packet.meta.len = (uint32_t)(take(s, 2) % (n * BUF_LEN - hdr) + 1);
	packet.meta.vnet_hdr = s->vnet_hdr;
	memset(bytes, (int)take(s, 1), packet.meta.len);
	require(net_pool_write_data(&s->bufs.base, ids, n, 0, bytes,
				    packet.meta.len) == 0,
		"the test's own write");
	capture_tap_rx(&s->tap, &s->finder, &s->bufs.base, &packet, 1);
	note(s, packets, PCAPNG_INBOUND, packet.meta.len, bytes);
	net_bufs_reclaim(&s->bufs);
}

static void write_out(struct stream *s, size_t max)
{
	const void *blocks;
	size_t len;

	while (max && (blocks = byte_ring_peek(&s->source->ring, &len))) {
		len = MIN(len, MIN(max, FILE_MAX - s->file_len));
		if (!len)
			return;
		memcpy(s->file + s->file_len, blocks, len);
		byte_ring_consume(&s->source->ring, len);
		s->file_len += len;
		max -= len;
	}
}

static void begin(struct stream *s, const uint8_t *data, size_t size)
{
	struct net_bufs_config config = {
		.n_bufs = BUFS,
		.buf_len = BUF_LEN,
		.piece = 100,
		.rx_span = BUFS,
		.tx_len = TX_LEN,
	};

	memset(&s->tap, 0, sizeof(s->tap));
	memset(&s->finder, 0, sizeof(s->finder));
	s->n_frames = 0;
	s->input.data = data;
	s->input.size = size;
	s->vnet_hdr = take(s, 1) & 1;
	config.header_room = s->vnet_hdr;
	s->source = aligned_alloc(_Alignof(struct capture_source),
				  sizeof(*s->source));
	require(s->source && net_bufs_init(&s->bufs, &config) == 0,
		"no memory");
	memset(s->bufs.tx, 0x11, TX_LEN);
	for (size_t i = 0; i < TX_LEN; i += 61)
		s->bufs.tx[i] = (unsigned char)(i / 61);
	memset(s->source, 0, sizeof(*s->source));
	s->source->snaplen = (uint32_t)take(s, 2);
	if (!s->source->snaplen)
		s->source->snaplen = UINT32_MAX;
	s->source->bell = &s->bell; /* which nobody sleeps on */
	require(byte_ring_init(&s->source->ring, 256U << 10) == 0, "no memory");
	capture_tap_init(&s->tap);
	capture_tap_attach(&s->tap, s->source);
	s->file_len = pcapng_header(s->file, "fuzz", 0);
}

static void check_file(struct stream *s)
{
	unsigned char *text = malloc(s->file_len);
	struct pcapng_file file;

	require(text != NULL, "no memory");
	memcpy(text, s->file, s->file_len);
	require(pcapng_file_parse(&file, text, s->file_len) == 0,
		"the file is bad");
	require(!file.cut, "the file is cut");
	require(file.n_frames == s->n_frames, "frames are missing");
	for (unsigned int i = 0; i < s->n_frames; i++) {
		const struct pcapng_frame *f = &file.frames[i];

		require(f->len == s->wanted[i].len, "another length");
		require(f->cap_len == MIN(f->len, s->source->snaplen),
			"another captured length");
		require(f->direction == s->wanted[i].direction,
			"another direction");
		require(sum_of(f->bytes, f->cap_len) == s->wanted[i].sum,
			"other bytes");
	}
	pcapng_file_fini(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stream s;
	unsigned int calls = 0;

	begin(&s, data, size);
	for (; s.input.size && calls < FRAMES_MAX;) {
		switch (take(&s, 1) % 4) {
		case 0:
		case 1:
			send_packet(&s);
			calls++;
			break;
		case 2:
			receive_packet(&s);
			calls++;
			break;
		default:
			write_out(&s, take(&s, 2));
			break;
		}
		if (s.file_len > FILE_MAX / 2)
			break;
	}
	capture_tap_detach(&s.tap);
	write_out(&s, SIZE_MAX);
	require(s.n_frames + net_stat_get(&s.source->drops) == calls,
		"a frame is neither there nor counted");
	check_file(&s);
	capture_tap_fini(&s.tap);
	byte_ring_fini(&s.source->ring);
	free(s.source);
	net_bufs_fini(&s.bufs);
	return 0;
}
