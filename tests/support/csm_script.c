/* SPDX-License-Identifier: MIT */
/*
 * The rig: a stack, the guest's buffers and frames. What reads and writes
 * segments is in csm_script_tcp.c.
 */
#include "support/csm_script.h"

#include "base/bytes.h"
#include "net/offload.h"
#include "support/frames.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define PACKETS	   64
#define RUNS_MAX   100000
#define SCRATCH	   (NET_FRAME_MAX + 64)
#define PORT_FIRST 40000

/* An assertion that costs nothing while it holds: Check's write to a file. */
static void must(bool condition)
{
	if (!condition)
		ck_abort();
}

uint8_t script_byte(uint64_t k, bool from_host)
{
	k = (k + (from_host ? 1000003 : 1)) * UINT64_C(0x9e3779b97f4a7c15);
	return (uint8_t)(k >> 56);
}

void script_prepare(struct script *s, unsigned int mode)
{
	static const uint8_t mac[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};

	memset(s, 0, sizeof(*s));
	fake_host_init(&s->host);
	consomme_config_init(&s->config);
	s->config.name = "net0";
	s->config.ring = mode & SCRIPT_RING;
	s->mode = mode;
	s->offloads.csum = true;
	s->offloads.tso4 = !(mode & SCRIPT_NO_GSO);
	s->offloads.tso6 = s->offloads.tso4;
	s->offloads.uso = s->offloads.tso4;
	memcpy(s->mac, mac, sizeof(mac));
	s->guest4 = s->config.guest;
	ck_assert_int_eq(csm_addr_parse("fd00::15", &s->guest6), 0);
	ck_assert_int_eq(csm_addr_parse("192.0.2.7", &s->far4), 0);
	ck_assert_int_eq(csm_addr_parse("2001:db8::7", &s->far6), 0);
	s->next_port = PORT_FIRST;
	s->n_bufs = SCRIPT_BUFS;
	list_init(&s->frames);
	list_init(&s->others);
	s->scratch = malloc(SCRATCH);
	ck_assert_ptr_nonnull(s->scratch);
}

static void give_bufs(struct script *s, const struct net_rx_id *ids, size_t n)
{
	net_bufs_note_given(&s->bufs, ids, n);
	must(net_rx_fifo_push(&s->fifo, ids, n) == 0);
}

void script_start(struct script *s)
{
	const struct net_bufs_config config = {
		.n_bufs = s->n_bufs,
		.buf_len = SCRIPT_BUF_LEN,
		.piece = 1000,
		.header_room = true,
		.rx_span = 64,
		.tx_len = 1,
	};

	ck_assert_int_eq(net_bufs_init(&s->bufs, &config), 0);
	for (uint32_t i = 0; i < s->n_bufs; i++)
		give_bufs(s, &(struct net_rx_id){i}, 1);
	s->queue.config.rx_span = 64;
	s->queue.config.rx_offloads = s->offloads;
	s->queue.stats = &s->queue.own_stats;
	s->out = calloc(1, sizeof(*s->out));
	ck_assert_ptr_nonnull(s->out);
	s->out->queue = &s->queue;
	s->out->pool = &s->bufs.base;
	s->out->fifo = &s->fifo;
	s->out->offloads = s->offloads;
	ck_assert_int_eq(csm_stack_create(&s->config,
					  s->real ? s->real : &s->host.base,
					  &s->stack),
			 0);
	s->stack->peeks4 = !s->config.ring;
	s->stack->peeks6 = !s->config.ring;
	script_run(s);
}

void script_begin(struct script *s, unsigned int mode)
{
	script_prepare(s, mode);
	script_start(s);
}

static void free_frames(struct list *frames)
{
	struct list *node;

	while ((node = list_first(frames))) {
		list_remove(node);
		free(container_of(node, struct script_frame, node));
	}
}

/* The guest takes its memory back. */
static void end_burst(struct script *s)
{
	if (s->n_burst)
		csm_stack_input_end(s->stack);
	while (s->n_burst)
		free(s->burst[--s->n_burst]);
}

void script_end(struct script *s)
{
	end_burst(s);
	ck_assert(net_bufs_guards_ok(&s->bufs));
	ck_assert_uint_eq(s->bufs.violations, 0);
	csm_stack_destroy(s->stack);
	ck_assert_uint_eq(s->host.n_open, 0);
	ck_assert_uint_eq(s->host.violations, 0);
	free_frames(&s->frames);
	free_frames(&s->others);
	net_bufs_fini(&s->bufs);
	net_rx_fifo_fini(&s->fifo);
	fake_host_fini(&s->host);
	free(s->out);
	free(s->scratch);
}

/* Finishes the checksum that was left to the guest. */
static void finish(struct script_frame *f)
{
	const struct net_offload *o = &f->meta.offload;
	uint8_t *field = f->bytes + o->csum_start + o->csum_offset;
	uint16_t sum;

	if (!o->csum_needed)
		return;
	must(o->csum_start + o->csum_offset + 1U < f->len);
	sum = (uint16_t)~frame_naive_sum(0, f->bytes + o->csum_start,
					 f->len - o->csum_start);
	store_be16(field, sum ? sum : 0xffff);
}

static void add_frame(struct script *s, struct script_frame *f)
{
	f->at = s->host.now;
	list_insert_before(&s->frames, &f->node);
	s->n_frames++;
}

static struct script_frame *frame_new(const struct net_rx_meta *meta,
				      const void *bytes, size_t len)
{
	struct script_frame *f = malloc(sizeof(*f) + len);

	must(f != NULL);
	f->meta = *meta;
	f->len = len;
	memcpy(f->bytes, bytes, len);
	return f;
}

static void keep_frame(struct script *s, const struct net_rx_packet *packet,
		       const uint8_t *bytes, size_t len)
{
	struct script_frame *f = frame_new(&packet->meta, bytes, len);

	finish(f);
	if (!s->to_guest) {
		add_frame(s, f);
		return;
	}
	f->meta.offload.csum_needed = false;
	csm_impair_put(s->to_guest, s->host.now, &f->meta.offload, f->bytes,
		       f->len);
	free(f);
}

static void take_packet(struct script *s, const struct net_rx_packet *packet)
{
	struct net_rx_id ids[64];
	ssize_t n;

	must(packet->n_ids <= ARRAY_SIZE(ids));
	memcpy(ids, s->bufs.order, packet->n_ids * sizeof(ids[0]));
	n = net_bufs_take(&s->bufs, packet, s->scratch, SCRATCH);
	must(n > NET_VNET_HDR_LEN + NET_ETHERNET_LEN);
	keep_frame(s, packet, s->scratch + NET_VNET_HDR_LEN,
		   (size_t)n - NET_VNET_HDR_LEN);
	if (!s->hold)
		give_bufs(s, ids, packet->n_ids);
}

/* True: there was something. */
static bool output(struct script *s)
{
	struct net_rx_packet packets[PACKETS];

	if (!csm_stack_has_output(s->stack))
		return false;
	s->out->packets = packets;
	s->out->max_packets = PACKETS;
	s->out->n_packets = 0;
	csm_stack_output(s->stack, s->out);
	for (size_t i = 0; i < s->out->n_packets; i++)
		take_packet(s, &packets[i]);
	return s->out->n_packets != 0;
}

static void input(struct script *s, const struct net_offload *offload,
		  const void *frame, size_t len);

/* What has come to the ends of the wires. */
static void arrive(struct script *s)
{
	struct csm_impair_frame *f;

	while (s->to_stack && (f = csm_impair_get(s->to_stack, s->host.now))) {
		input(s, &f->offload, f->bytes, f->len);
		free(f);
	}
	while (s->to_guest && (f = csm_impair_get(s->to_guest, s->host.now))) {
		const struct net_rx_meta meta = {
			.len = (uint32_t)f->len,
			.offload = f->offload,
		};

		add_frame(s, frame_new(&meta, f->bytes, f->len));
		free(f);
	}
}

uint64_t script_next(const struct script *s)
{
	uint64_t next = csm_stack_next(s->stack);

	if (s->to_stack)
		next = MIN(next, csm_impair_next(s->to_stack));
	if (s->to_guest)
		next = MIN(next, csm_impair_next(s->to_guest));
	return next;
}

void script_run(struct script *s)
{
	arrive(s);
	end_burst(s);
	for (unsigned int i = 0; i < RUNS_MAX; i++) {
		bool more;

		csm_stack_events(s->stack);
		if (csm_stack_next(s->stack) <= s->host.now)
			csm_stack_tick(s->stack);
		more = output(s);
		if (!more && list_is_empty(&s->host.ready))
			return;
	}
	ck_abort_msg("the stack never comes to rest");
}

void script_wait(struct script *s, uint64_t ns)
{
	uint64_t end = s->host.now + ns, next;

	while ((next = script_next(s)) <= end) {
		s->host.now = MAX(s->host.now + 1, next);
		csm_stack_tick(s->stack);
		script_run(s);
	}
	s->host.now = MAX(s->host.now, end);
	script_run(s);
}

void script_give_back(struct script *s)
{
	s->hold = false;
	for (uint32_t i = 0; i < s->n_bufs; i++) {
		if (!s->bufs.bufs[i].held)
			give_bufs(s, &(struct net_rx_id){i}, 1);
	}
	script_run(s);
}

static void input(struct script *s, const struct net_offload *offload,
		  const void *frame, size_t len)
{
	uint8_t *at = malloc(len); /* so that a look beyond it is seen */
	struct iovec iov[512];
	size_t piece = s->split ? s->split : len, n = 0;
	struct net_headers h;
	struct net_tx_meta meta = {
		.len = (uint32_t)len,
		.offload = *offload,
	};

	must(at != NULL);
	memcpy(at, frame, len);
	for (size_t done = 0; done < len; done += piece) {
		must(n < ARRAY_SIZE(iov));
		iov[n++] = (struct iovec){at + done, MIN(piece, len - done)};
	}
	meta.n_segs = (uint16_t)n;
	/* A frame that contradicts itself ends in the frontend. */
	if (net_headers_parse(at, MIN(len, (size_t)NET_HEADERS_MAX), &h) == 0 &&
	    net_offload_to_flags(&h, &meta) == 0)
		csm_stack_input(s->stack, &meta, iov, n);
	s->burst[s->n_burst++] = at;
	if (s->n_burst == SCRIPT_BURST)
		end_burst(s);
}

void script_send_frame(struct script *s, const struct net_offload *offload,
		       const void *frame, size_t len)
{
	const struct net_offload none = {0};

	if (!offload)
		offload = &none;
	if (s->to_stack)
		csm_impair_put(s->to_stack, s->host.now, offload, frame, len);
	else
		input(s, offload, frame, len);
}

struct script_frame *script_take_frame(struct script *s)
{
	struct list *node = list_first(&s->frames);

	if (!node)
		return NULL;
	list_remove(node);
	s->n_frames--;
	return container_of(node, struct script_frame, node);
}

void script_forget(struct script *s)
{
	free_frames(&s->frames);
	free_frames(&s->others);
	s->n_frames = 0;
}
