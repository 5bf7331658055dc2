/* SPDX-License-Identifier: MIT */
/*
 * A guest with one virtio-net device and no transport.
 */
#include "support/vnic.h"

#include "base/bytes.h"
#include "net/vnet_hdr.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RAM_BASE 0x100000
#define RAM_SIZE (256U << 20)
#define QUIET	 40 /* rounds of the loop after which nothing is left to do */

static struct vnic *vnic_of(struct virtio_host *host)
{
	return container_of(host, struct vnic, host);
}

static void config_changed(struct virtio_host *host)
{
	vnic_of(host)->config_changes++;
}

static void needs_reset(struct virtio_host *host)
{
	vnic_of(host)->needs_reset++;
}

static const struct virtio_host_ops host_ops = {
	.config_changed = config_changed,
	.needs_reset = needs_reset,
};

static void event(void *arg, const struct net_event *event)
{
	struct vnic *vnic = arg;

	if (vnic->n_events == VNIC_EVENTS_MAX)
		abort();
	vnic->events[vnic->n_events] = *event;
	(void)snprintf(vnic->causes[vnic->n_events], VNIC_CAUSE_MAX, "%s",
		       event->cause);
	vnic->n_events++;
}

void vnic_init(struct vnic *vnic)
{
	memset(vnic, 0, sizeof(*vnic));
	if (loop_init(&vnic->loop) < 0)
		abort();
	guest_ram_init(&vnic->ram, RAM_BASE, RAM_SIZE);
	vnic->host.ops = &host_ops;
}

void vnic_plug(struct vnic *vnic, struct net_endpoint *endpoint,
	       uint16_t n_pairs, uint16_t size, bool threads)
{
	struct loop *loops[VNIC_PAIRS_MAX];
	struct virtio_net_config config = {
		.name = "nic0",
		.mac = {0x02, 1, 2, 3, 4, 5},
		.mtu = 1500,
		.queue_size = size,
		.endpoint = endpoint,
		.loop = &vnic->loop,
		.queue_loops = loops,
		.n_queue_pairs = n_pairs,
		.event = event,
		.event_arg = vnic,
	};

	vnic->n_pairs = n_pairs;
	vnic->size = size;
	vnic->one_pair = n_pairs == 1;
	ring_driver_init(&vnic->ctrl, &vnic->ram, size, 0);
	for (uint16_t i = 0; i < n_pairs; i++) {
		ring_driver_init(&vnic->rx[i], &vnic->ram, size, 0);
		ring_driver_init(&vnic->tx[i], &vnic->ram, size, 0);
		loops[i] = &vnic->loop;
		if (!threads)
			continue;
		if (iothread_create("pair", THREAD_QUEUE, &vnic->threads[i]) <
		    0)
			abort();
		loops[i] = &vnic->threads[i]->loop;
	}
	if (virtio_net_create(&config, &vnic->device) < 0)
		abort();
	vnic->device->host = &vnic->host;
}

void vnic_unplug(struct vnic *vnic)
{
	if (vnic->running)
		vnic_stop(vnic);
	virtio_net_destroy(vnic->device);
	for (uint16_t i = 0; i < VNIC_PAIRS_MAX; i++) {
		iothread_destroy(vnic->threads[i]);
		vnic->threads[i] = NULL;
	}
	for (uint16_t i = 0; i < vnic->n_pairs; i++) {
		ring_driver_fini(&vnic->rx[i]);
		ring_driver_fini(&vnic->tx[i]);
	}
	ring_driver_fini(&vnic->ctrl);
	guest_ram_clear(&vnic->ram);
}

void vnic_fini(struct vnic *vnic)
{
	loop_fini(&vnic->loop);
	guest_ram_fini(&vnic->ram);
}

static void done(void *arg, int err)
{
	struct vnic *vnic = arg;

	if (vnic->done)
		abort(); /* answered twice */
	vnic->done = true;
	vnic->err = err;
}

static bool is_done(void *arg)
{
	return ((struct vnic *)arg)->done;
}

/* Of a ring's buffers. */
static size_t pair_bytes(const struct vnic *vnic)
{
	return (size_t)vnic->size * VNIC_BUF_LEN;
}

/* The buffer of @head. */
static uint64_t rx_buf_at(const struct vnic *vnic, uint16_t pair, uint16_t head)
{
	return vnic->rx_buf + pair * pair_bytes(vnic) +
	       (uint64_t)head * VNIC_BUF_LEN;
}

static uint64_t tx_buf_at(const struct vnic *vnic, uint16_t pair, uint16_t head)
{
	return vnic->tx_buf + pair * pair_bytes(vnic) +
	       (uint64_t)head * VNIC_BUF_LEN;
}

static void make_rings(struct vnic *vnic, uint64_t features)
{
	guest_ram_clear(&vnic->ram);
	for (uint16_t i = 0; i < vnic->n_pairs; i++) {
		ring_driver_lay(&vnic->rx[i], &vnic->ram, vnic->size, features);
		ring_driver_lay(&vnic->tx[i], &vnic->ram, vnic->size, features);
	}
	ring_driver_lay(&vnic->ctrl, &vnic->ram, vnic->size, features);
	vnic->ctrl_buf = guest_ram_alloc(&vnic->ram, VNIC_COMMAND_MAX, 4096);
	vnic->rx_buf = guest_ram_alloc(&vnic->ram,
				       vnic->n_pairs * pair_bytes(vnic), 4096);
	vnic->tx_buf = guest_ram_alloc(&vnic->ram,
				       vnic->n_pairs * pair_bytes(vnic), 4096);
}

static void begin_start(struct vnic *vnic, const struct virtio_start *start)
{
	vnic->features = start->features;
	vnic->done = false;
	vnic->running = true;
	vnic->device->ops->start(vnic->device, start, done, vnic);
}

void vnic_begin_start(struct vnic *vnic, uint64_t features)
{
	struct virtio_queue_setup queues[2 * VNIC_PAIRS_MAX + 1] = {0};
	struct virtio_start start = {
		.features = features,
		.mem = &vnic->ram.mem,
		.queues = queues,
		.n_queues = 2 * (size_t)vnic->n_pairs + 1,
	};
	size_t n = 1;

	if (features & (VIRTIO_NET_F_MQ | VIRTIO_NET_F_RSS))
		n = vnic->n_pairs;
	make_rings(vnic, features);
	for (size_t i = 0; i < n; i++) {
		queues[2 * i] = ring_driver_setup(&vnic->rx[i]);
		queues[2 * i + 1] = ring_driver_setup(&vnic->tx[i]);
	}
	if (features & VIRTIO_NET_F_CTRL_VQ)
		queues[2 * n] = ring_driver_setup(&vnic->ctrl);
	begin_start(vnic, &start);
}

static int finish_start(struct vnic *vnic)
{
	if (!vnic_run_until(vnic, is_done, vnic))
		abort();
	vnic->running = vnic->err == 0;
	return vnic->err;
}

int vnic_start(struct vnic *vnic, uint64_t features)
{
	int err;

	if (!vnic->one_pair)
		features |= VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_MQ;
	vnic_begin_start(vnic, features);
	err = finish_start(vnic);
	if (!err && !vnic->one_pair &&
	    vnic_set_pairs(vnic, vnic->n_pairs) != VIRTIO_NET_ACK_OK)
		abort();
	return err;
}

#define NO_ANSWER 0xaa

static uint64_t answer_gpa(const struct vnic *vnic)
{
	return vnic->ctrl_buf + VNIC_COMMAND_MAX - 1;
}

void vnic_begin_command(struct vnic *vnic, uint8_t class, uint8_t command,
			const void *data, size_t len)
{
	unsigned char *to = guest_ram_at(&vnic->ram, vnic->ctrl_buf);
	const struct ring_piece pieces[] = {
		{vnic->ctrl_buf, (uint32_t)len + 2, false},
		{answer_gpa(vnic), 1, true},
	};

	if (len > VNIC_COMMAND_MAX - 3)
		abort();
	to[0] = class;
	to[1] = command;
	if (len)
		memcpy(to + 2, data, len);
	to[VNIC_COMMAND_MAX - 1] = NO_ANSWER;
	if (ring_driver_add(&vnic->ctrl, pieces, 2, false) == RING_DRIVER_NONE)
		abort();
	(void)ring_driver_show(&vnic->ctrl);
}

int vnic_command_answer(struct vnic *vnic)
{
	const unsigned char *answer =
		guest_ram_at(&vnic->ram, answer_gpa(vnic));
	uint32_t len;
	uint16_t head;

	if (!ring_driver_collect(&vnic->ctrl, &head, &len))
		return -EAGAIN;
	return len == 1 && *answer != NO_ANSWER ? *answer : -1;
}

static bool is_answered(void *arg)
{
	const struct vnic *vnic = arg;

	return ring_driver_device_idx(&vnic->ctrl) != vnic->ctrl.used_idx;
}

int vnic_command(struct vnic *vnic, uint8_t class, uint8_t command,
		 const void *data, size_t len)
{
	vnic_begin_command(vnic, class, command, data, len);
	if (!vnic_run_until(vnic, is_answered, vnic))
		abort();
	return vnic_command_answer(vnic);
}

int vnic_set_pairs(struct vnic *vnic, uint16_t n)
{
	uint8_t data[2];

	store_le16(data, n);
	return vnic_command(vnic, VIRTIO_NET_CTRL_MQ,
			    VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, data,
			    sizeof(data));
}

int vnic_start_with(struct vnic *vnic, const struct virtio_start *start)
{
	begin_start(vnic, start);
	return finish_start(vnic);
}

void vnic_begin_stop(struct vnic *vnic)
{
	vnic->done = false;
	vnic->running = false;
	vnic->device->ops->stop(vnic->device, done, vnic);
}

void vnic_stop(struct vnic *vnic)
{
	vnic_begin_stop(vnic);
	if (!vnic_run_until(vnic, is_done, vnic))
		abort();
}

void vnic_run(struct vnic *vnic)
{
	for (unsigned int i = 0; i < QUIET; i++)
		loop_run_once(&vnic->loop);
}

bool vnic_run_until(struct vnic *vnic, bool (*pred)(void *arg), void *arg)
{
	time_t end = time(NULL) + 60;

	while (!pred(arg)) {
		if (time(NULL) > end)
			return false;
		loop_run_once(&vnic->loop);
		(void)sched_yield();
	}
	return true;
}

/* Cuts [@gpa, @gpa + @len) into pieces; returns how many. */
static uint16_t cut(struct ring_piece *pieces, uint64_t gpa, size_t len,
		    uint32_t piece, bool write)
{
	uint16_t n = 0;

	for (size_t at = 0; at < len; at += pieces[n++].len) {
		if (n == VIRTIO_QUEUE_SIZE_MAX)
			abort();
		pieces[n] = (struct ring_piece){
			.gpa = gpa + at,
			.len = (uint32_t)MIN(len - at, (size_t)piece),
			.write = write,
		};
	}
	return n;
}

static bool use_indirect(const struct ring_driver *drv, uint16_t n)
{
	return drv->indirect && n > 1 && n <= drv->size;
}

void vnic_post_to(struct vnic *vnic, uint16_t pair, unsigned int n,
		  uint32_t len, uint32_t piece)
{
	struct ring_piece *pieces = vnic->pieces;
	struct ring_driver *drv = &vnic->rx[pair];

	for (unsigned int i = 0; i < n; i++) {
		uint64_t gpa = rx_buf_at(vnic, pair, drv->free_head);
		uint16_t k = cut(pieces, gpa, len, piece ? piece : len, true);

		if (ring_driver_add(drv, pieces, k, use_indirect(drv, k)) ==
		    RING_DRIVER_NONE)
			abort();
	}
	(void)ring_driver_show(drv);
}

void vnic_post(struct vnic *vnic, unsigned int n, uint32_t len, uint32_t piece)
{
	vnic_post_to(vnic, 0, n, len, piece);
}

uint16_t vnic_queue_to(struct vnic *vnic, uint16_t pair, const void *hdr,
		       const void *frame, size_t len, uint32_t piece)
{
	struct ring_piece *pieces = vnic->pieces;
	struct ring_driver *drv = &vnic->tx[pair];
	uint64_t gpa = tx_buf_at(vnic, pair, drv->free_head);
	unsigned char *to = guest_ram_at(&vnic->ram, gpa);
	uint16_t n;

	if (hdr)
		memcpy(to, hdr, VNIC_HDR_LEN);
	else
		memset(to, 0, VNIC_HDR_LEN);
	memcpy(to + VNIC_HDR_LEN, frame, len);
	if (piece) {
		n = cut(pieces, gpa, len + VNIC_HDR_LEN, piece, false);
	} else {
		n = cut(pieces, gpa, VNIC_HDR_LEN, VNIC_HDR_LEN, false);
		n = (uint16_t)(n + cut(pieces + n, gpa + VNIC_HDR_LEN, len,
				       UINT32_MAX, false));
	}
	return ring_driver_add(drv, pieces, n, use_indirect(drv, n));
}

uint16_t vnic_queue(struct vnic *vnic, const void *hdr, const void *frame,
		    size_t len, uint32_t piece)
{
	return vnic_queue_to(vnic, 0, hdr, frame, len, piece);
}

uint16_t vnic_send(struct vnic *vnic, const void *hdr, const void *frame,
		   size_t len, uint32_t piece)
{
	uint16_t head = vnic_queue(vnic, hdr, frame, len, piece);

	(void)ring_driver_show(&vnic->tx[0]);
	return head;
}

ssize_t vnic_receive_from(struct vnic *vnic, uint16_t pair,
			  uint8_t hdr[VNIC_HDR_LEN], void *frame, size_t size,
			  unsigned int *n_bufs)
{
	unsigned int n = 1, taken = 0;
	unsigned char *out = frame;
	uint32_t used, at = 0;
	uint16_t head;

	do {
		const unsigned char *from;
		uint32_t skip = taken ? 0 : VNIC_HDR_LEN;

		if (!ring_driver_collect(&vnic->rx[pair], &head, &used))
			return taken ? -EPROTO : -EAGAIN;
		if (head == RING_DRIVER_NONE)
			return -EPROTO;
		from = guest_ram_at(&vnic->ram, rx_buf_at(vnic, pair, head));
		if (used < skip || used - skip > size - at)
			return -EPROTO;
		if (!taken) {
			memcpy(hdr, from, VNIC_HDR_LEN);
			n = load_le16(hdr + VNET_HDR_NUM_BUFFERS);
		}
		memcpy(out + at, from + skip, used - skip);
		at += used - skip;
		taken++;
	} while (taken < n);
	if (n_bufs)
		*n_bufs = n;
	return n ? (ssize_t)at : -EPROTO;
}

ssize_t vnic_receive(struct vnic *vnic, uint8_t hdr[VNIC_HDR_LEN], void *frame,
		     size_t size, unsigned int *n_bufs)
{
	return vnic_receive_from(vnic, 0, hdr, frame, size, n_bufs);
}

unsigned int vnic_reap_from(struct vnic *vnic, uint16_t pair)
{
	unsigned int n = 0;
	uint32_t len;
	uint16_t head;

	while (ring_driver_collect(&vnic->tx[pair], &head, &len))
		n++;
	return n;
}

unsigned int vnic_reap(struct vnic *vnic)
{
	return vnic_reap_from(vnic, 0);
}

uint64_t vnic_interrupts(const struct ring_driver *drv)
{
	uint64_t n;

	return read(drv->call_fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

const struct net_stats *vnic_stats(const struct vnic *vnic)
{
	return virtio_net_stats(vnic->device, 0);
}
