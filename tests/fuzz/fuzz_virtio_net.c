/* SPDX-License-Identifier: MIT */
/*
 * A virtio-net device under a stream of operations: of an honest driver, of a
 * hostile one, and of the host side, mixed.
 *
 * First byte: the endpoint (bits 0-1), MRG_RXBUF (2), EVENT_IDX (3),
 * INDIRECT_DESC (4), whether the rings change while they are read (5), and
 * whether there is a control queue, and three pairs to be had by it (6). Each
 * operation is a byte and its operands; missing operands are 0.
 *
 * Whatever happens, nobody aborts, each start, stop, pause and inspection is
 * answered once, and no queue is left over.
 */
#include "backends/loopback.h"
#include "backends/null.h"
#include "base/bytes.h"
#include "base/log.h"
#include "fuzz/input.h"
#include "support/mem_watch.h"
#include "support/script_endpoint.h"
#include "support/vnic.h"
#include "virtio/ring_defs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE	  16
#define PAIRS	  3
#define FRAME_MAX 3000
#define RSS_TABLE 128

#define CONTROLLED                                                 \
	(VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_CTRL_GUEST_OFFLOADS | \
	 VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_GUEST_TSO4 |       \
	 VIRTIO_NET_F_CTRL_RX | VIRTIO_NET_F_CTRL_RX_EXTRA |       \
	 VIRTIO_NET_F_CTRL_VLAN | VIRTIO_NET_F_GUEST_ANNOUNCE |    \
	 VIRTIO_NET_F_CTRL_MAC_ADDR | VIRTIO_NET_F_MQ | VIRTIO_NET_F_RSS)

enum kind {
	KIND_LOOPBACK,
	KIND_NULL,
	KIND_SCRIPT,
	KIND_SCRIPT_VNET_HDR,
};

struct stream {
	struct fuzz_input input;
	struct vnic vnic;
	struct net_endpoint *endpoint;
	struct script_endpoint *script; /* or NULL */
	uint64_t features;
	uint16_t n_pairs;
	bool watched;
	uint32_t noise;
	bool paused;		/* or about to be */
	unsigned int run_waits; /* pauses and resumes without an answer */
	unsigned int look_waits;
	struct inspect tree;
	uint8_t frame[FRAME_MAX];
	uint8_t in[VNIC_BUF_LEN];
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition, const char *what)
{
	if (condition)
		return;
	(void)fprintf(stderr, "virtio-net: %s\n", what);
	abort();
}

static uint64_t take(struct stream *s, size_t n)
{
	return fuzz_take(&s->input, n);
}

/* One read in four of a ring finds other bytes the next time. */
static void accessed(void *arg, const unsigned char *at, bool write)
{
	struct stream *s = arg;

	s->noise = s->noise * 1103515245 + 12345;
	if (!write && s->noise >> 30 == 0)
		s->vnic.ram.bytes[at - s->vnic.ram.view] ^=
			(unsigned char)(s->noise >> 16);
}

static void run(struct stream *s, unsigned int rounds)
{
	/* Rings and commands lie in front of the buffers. */
	if (s->watched)
		mem_watch_begin(s->vnic.ram.view,
				(size_t)(s->vnic.rx_buf - s->vnic.ram.base),
				accessed, s);
	for (; rounds; rounds--)
		loop_run_once(&s->vnic.loop);
	if (s->watched)
		mem_watch_end();
}

/* An address: in a buffer, in the rings, or anywhere. */
static uint64_t take_gpa(struct stream *s)
{
	uint8_t where = (uint8_t)take(s, 1);

	if (where < 128)
		return s->vnic.tx_buf + (uint64_t)where * 512;
	if (where < 192)
		return s->vnic.ram.base + (uint64_t)(where - 128) * 256;
	if (where < 224)
		return s->vnic.ram.base + s->vnic.ram.size - (where - 192U);
	return take(s, 8);
}

static uint16_t take_pair(struct stream *s)
{
	return s->n_pairs > 1 ? (uint16_t)(take(s, 1) % s->n_pairs) : 0;
}

static struct ring_driver *take_ring(struct stream *s, bool tx)
{
	uint8_t which;

	if (s->n_pairs == 1)
		return tx ? &s->vnic.tx[0] : &s->vnic.rx[0];
	which = (uint8_t)take(s, 1);
	if (which >= 128)
		return &s->vnic.ctrl;
	which %= PAIRS;
	return tx ? &s->vnic.tx[which] : &s->vnic.rx[which];
}

static void raw_desc(struct stream *s, struct ring_driver *drv)
{
	uint8_t where = (uint8_t)take(s, 1);
	uint64_t indirect = drv->tables +
			    vring_desc_bytes(SIZE) * (uint64_t)(where >> 4 & 7);
	uint64_t table = where & 0x80 && drv->indirect ? indirect : drv->desc;
	uint64_t gpa = take_gpa(s);
	uint32_t len = (uint32_t)take(s, where & 0x40 ? 4 : 2);

	ring_driver_write_desc(drv, table, where % SIZE, gpa, len,
			       (uint16_t)(take(s, 1) & 7),
			       (uint16_t)(take(s, 1) % (SIZE + 1)));
}

static void post(struct stream *s)
{
	uint32_t len = 1 + (uint32_t)take(s, 1) * 13;
	uint32_t piece = (uint32_t)take(s, 1) * 7;
	uint16_t pair = take_pair(s);

	if (!piece)
		piece = len;
	if (s->vnic.rx[pair].n_free * (uint64_t)piece >= len)
		vnic_post_to(&s->vnic, pair, 1, len, piece);
}

static void send_frame(struct stream *s)
{
	size_t len = (size_t)take(s, 1) * 11;
	uint32_t piece = (uint32_t)take(s, 1) * 5;
	uint8_t hdr[VNIC_HDR_LEN] = {0};
	uint16_t pair = take_pair(s);
	uint16_t need;

	need = 2;
	if (piece)
		need = (uint16_t)((len + VNIC_HDR_LEN + piece - 1) / piece);
	if (need > s->vnic.tx[pair].n_free)
		return;
	for (size_t i = 0; i < sizeof(hdr); i++)
		hdr[i] = (uint8_t)take(s, 1);
	if (len > 13) {
		s->frame[12] = (uint8_t)take(s, 1);
		s->frame[13] = (uint8_t)take(s, 1);
	}
	(void)vnic_queue_to(&s->vnic, pair, hdr, s->frame, len, piece);
	(void)ring_driver_show(&s->vnic.tx[pair]);
}

/* Makes a command of some kind in @out; returns its length. */
static size_t make_command(struct stream *s, uint8_t kind, uint8_t *out)
{
	size_t n = 2;
	uint32_t count;

	out[0] = kind % 8;
	out[1] = kind / 8 % 8;
	switch (kind % 8) {
	case VIRTIO_NET_CTRL_MAC:
		for (int list = 0; !out[1] && list < 2; list++) {
			count = (uint32_t)take(s, 1);
			store_le32(out + n, count);
			n += 4 + 6 * (size_t)count;
		}
		n += out[1] ? 6 : 0;
		break;
	case VIRTIO_NET_CTRL_MQ:
		if (out[1] != VIRTIO_NET_CTRL_MQ_RSS_CONFIG) {
			store_le16(out + n, (uint16_t)take(s, 1));
			n += 2;
			break;
		}
		count = 1U << take(s, 1) % 9;
		store_le32(out + n, (uint32_t)take(s, 2));
		store_le16(out + n + 4, (uint16_t)(count - 1));
		store_le16(out + n + 6, (uint16_t)take(s, 1));
		n += 8;
		for (; count; count--, n += 2)
			store_le16(out + n, (uint16_t)(s->noise / count % 3));
		store_le16(out + n, (uint16_t)take(s, 1));
		out[n + 2] = NET_RSS_KEY_LEN;
		n += 3 + NET_RSS_KEY_LEN;
		break;
	default:
		for (count = (uint32_t)take(s, 1) % 32; count; count--)
			out[n++] = (uint8_t)take(s, 1);
		break;
	}
	return n;
}

/* A command, spoilt in one byte or not, in any pieces. */
static void send_command(struct stream *s)
{
	struct ring_driver *drv = &s->vnic.ctrl;
	uint8_t *bytes = guest_ram_at(&s->vnic.ram, s->vnic.ctrl_buf);
	uint8_t kind = (uint8_t)take(s, 1), cut = (uint8_t)take(s, 1);
	struct ring_piece pieces[SIZE];
	uint16_t n = 0;
	size_t len, at;

	memset(bytes, 2, VNIC_COMMAND_MAX);
	len = make_command(s, kind, bytes);
	if (kind & 0x40)
		bytes[take(s, 2) % len] = (uint8_t)take(s, 1);
	len -= MIN(len - 1, (size_t)(kind & 0x80 ? take(s, 1) : 0));
	for (at = 0; at < len && n < SIZE - 1; n++) {
		pieces[n] = (struct ring_piece){
			.gpa = s->vnic.ctrl_buf + at,
			.len = (uint32_t)(cut && n < SIZE - 2
						  ? MIN(len - at, (size_t)cut)
						  : len - at),
		};
		at += pieces[n].len;
	}
	pieces[n++] = (struct ring_piece){
		.gpa = s->vnic.ctrl_buf + VNIC_COMMAND_MAX - 1,
		.len = 1,
		.write = true,
	};
	if (drv->n_free >= n &&
	    ring_driver_add(drv, pieces, n, drv->indirect && (cut & 1)) !=
		    RING_DRIVER_NONE)
		(void)ring_driver_show(drv);
}

static void ran(void *arg)
{
	struct stream *s = arg;

	require(s->run_waits == 1, "a pause or resume is answered twice");
	s->run_waits = 0;
}

static void looked(void *arg)
{
	struct stream *s = arg;

	require(s->look_waits == 1, "an inspection is answered twice");
	s->look_waits = 0;
	require(inspect_text(&s->tree) != NULL, "no tree");
	inspect_fini(&s->tree);
}

/* What whoever runs the machine does. */
static void machine_acts(struct stream *s, uint8_t what)
{
	struct virtio_device *device = s->vnic.device;
	int err = 0;

	switch (what % 4) {
	case 0:
		virtio_net_set_link(device, what & 4);
		break;
	case 1:
		if (s->run_waits++)
			break;
		s->paused = !s->paused;
		err = s->paused ? virtio_net_pause(device, ran, s)
				: virtio_net_resume(device, ran, s);
		break;
	case 2:
		if (s->look_waits++)
			break;
		inspect_init(&s->tree);
		err = virtio_net_inspect(device, &s->tree, looked, s);
		break;
	default:
		device->ops->queue_target(device, (uint16_t)take(s, 1),
					  (unsigned int)take(s, 1));
		break;
	}
	s->run_waits = MIN(s->run_waits, 1U);
	s->look_waits = MIN(s->look_waits, 1U);
	require(err == 0, "a request is refused");
}

/* What the host side does, if a script can make it. */
static void host_acts(struct stream *s)
{
	uint16_t pair = take_pair(s);
	struct script_queue *q = s->script ? s->script->queues[pair] : NULL;
	uint8_t what = (uint8_t)take(s, 1);

	if (what % 8 == 0 && what & 64)
		machine_acts(s, (uint8_t)take(s, 1));
	else if (what % 8 == 0)
		net_endpoint_raise(s->endpoint,
				   what & 8 ? net_action_link((what & 16) != 0)
					    : net_action_restart());
	if (!q)
		return;
	switch (what % 8) {
	case 1:
		q->tx = (enum script_tx)(what / 8 % 3);
		break;
	case 2:
		q->tx_room = what / 8;
		break;
	case 3:
		script_queue_grant(q, 2);
		break;
	case 4:
		if (q->n_flying)
			script_queue_complete(q, 0);
		break;
	case 5:
	case 6:
		q->rx_header = s->script->vnet_hdr && (what & 64);
		if (script_queue_arrive(q, s->frame, 1 + (size_t)what * 11) < 0)
			abort();
		break;
	default:
		q->tx_poll_err = (enum net_tx_error)(what / 8 % 3);
		break;
	}
}

static void collect(struct stream *s)
{
	uint8_t hdr[VNIC_HDR_LEN];

	for (uint16_t p = 0; p < s->n_pairs; p++) {
		while (vnic_receive_from(&s->vnic, p, hdr, s->in, sizeof(s->in),
					 NULL) > 0)
			continue;
		(void)vnic_reap_from(&s->vnic, p);
	}
	while (vnic_command_answer(&s->vnic) != -EAGAIN)
		continue;
}

static void start(struct stream *s)
{
	require(vnic_start(&s->vnic, s->features) == 0, "did not start");
}

static void operate(struct stream *s)
{
	uint8_t op = (uint8_t)take(s, 1);
	struct ring_driver *drv;

	s->vnic.n_events = 0;
	switch ((op & 0x7f) % 12) {
	case 0:
		raw_desc(s, take_ring(s, op & 0x80));
		break;
	case 1:
		drv = take_ring(s, op & 0x80);
		ring_driver_offer(drv, (uint16_t)(take(s, 1) % (SIZE + 1)));
		(void)ring_driver_show(drv);
		break;
	case 2:
		ring_driver_set_idx(take_ring(s, op & 0x80),
				    (uint16_t)take(s, 2));
		break;
	case 3:
		eventfd_signal(take_ring(s, op & 0x80)->kick_fd);
		break;
	case 4:
	case 5:
		post(s);
		break;
	case 6:
	case 7:
		send_frame(s);
		break;
	case 8:
		host_acts(s);
		break;
	case 9:
		collect(s);
		break;
	case 10:
		if (take(s, 1) % 8)
			break;
		vnic_stop(&s->vnic);
		start(s);
		break;
	default:
		if (s->n_pairs > 1)
			send_command(s);
		break;
	}
	run(s, op % 4);
}

static void make_endpoint(struct stream *s, enum kind kind)
{
	int err = 0;

	if (kind == KIND_LOOPBACK)
		err = loopback_endpoint_create(&s->vnic.loop, &s->endpoint);
	else if (kind == KIND_NULL)
		err = null_endpoint_create(&s->vnic.loop, &s->endpoint);
	else
		err = script_endpoint_create(&s->vnic.loop, &s->script);
	if (err < 0)
		abort();
	if (!s->script)
		return;
	s->script->vnet_hdr = kind == KIND_SCRIPT_VNET_HDR;
	s->script->multiqueue.indirection_table_size = RSS_TABLE;
	s->endpoint = &s->script->base;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stream s;
	uint8_t first;

	log_configure(&(struct log_config){.level = LOG_LEVEL_ERROR});
	memset(&s, 0, sizeof(s));
	s.input.data = data;
	s.input.size = size;
	s.noise = (uint32_t)size;
	first = (uint8_t)take(&s, 1);
	s.watched = (first & 32) != 0;
	s.features = (first & 4 ? VIRTIO_NET_F_MRG_RXBUF : 0) |
		     (first & 8 ? VIRTIO_F_EVENT_IDX : 0) |
		     (first & 16 ? VIRTIO_F_INDIRECT_DESC : 0) |
		     VIRTIO_NET_F_CSUM | VIRTIO_NET_F_HOST_TSO4 |
		     (first & 64 ? CONTROLLED : 0);
	s.n_pairs = first & 64 ? PAIRS : 1;
	vnic_init(&s.vnic);
	make_endpoint(&s, (enum kind)(first & 3));
	vnic_plug(&s.vnic, s.endpoint, s.n_pairs, SIZE, false);
	s.vnic.one_pair = true;
	s.vnic.ctrl.tolerant = true;
	for (uint16_t p = 0; p < s.n_pairs; p++) {
		s.vnic.rx[p].tolerant = true;
		s.vnic.tx[p].tolerant = true;
	}
	start(&s);
	while (s.input.size)
		operate(&s);
	run(&s, 4);
	vnic_stop(&s.vnic);
	run(&s, 4);
	require(!s.run_waits && !s.look_waits, "a request is not answered");
	require(atomic_load(&s.endpoint->live_queues) == 0, "a queue lives");
	vnic_unplug(&s.vnic);
	net_endpoint_destroy(s.endpoint);
	loop_run_once(&s.vnic.loop);
	vnic_fini(&s.vnic);
	return 0;
}
