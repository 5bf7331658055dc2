/* SPDX-License-Identifier: MIT */
/*
 * The NICs of a machine on a fake platform.
 */
#include "nics_rig.h"

#include <check.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RAM_BASE  0x100000
#define RAM_SIZE  (64U << 20)
#define SIZE	  64
#define HDR_LEN	  12
#define BUF_LEN	  2048UL
#define FRAME_LEN 60
#define SECONDS	  60
#define FEATURES \
	(VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC)

static void event_cb(void *arg, const char *id, const struct net_event *event)
{
	struct nics_rig *rig = arg;

	UNUSED(id);
	if (event->type == NET_EVENT_LINK_DOWN)
		rig->link_down++;
	if (event->type == NET_EVENT_LINK_UP)
		rig->link_up++;
}

static void capture_ended_cb(void *arg, const char *id,
			     const struct capture_end *end)
{
	UNUSED(arg);
	UNUSED(id);
	UNUSED(end);
}

static void deleted_cb(void *arg, const char *id)
{
	struct nics_rig *rig = arg;

	rig->deleted++;
	(void)snprintf(rig->last_deleted, sizeof(rig->last_deleted), "%s", id);
}

static const struct nics_client client = {
	.event = event_cb,
	.capture_ended = capture_ended_cb,
	.deleted = deleted_cb,
};

void nics_rig_init(struct nics_rig *rig, bool threads)
{
	memset(rig, 0, sizeof(*rig));
	rig->config.iothreads = threads ? CONFIG_ABSENT : 0;
	rig->config.shape.transport = CONFIG_PCI;
	if (loop_init(&rig->loop) < 0)
		abort();
	guest_ram_init(&rig->ram, RAM_BASE, RAM_SIZE);
	fake_platform_init(&rig->platform, &rig->ram.mem, true);
	for (size_t i = 0; i < RIG_NICS; i++) {
		ring_driver_init(&rig->guests[i].rx, &rig->ram, SIZE, FEATURES);
		ring_driver_init(&rig->guests[i].tx, &rig->ram, SIZE, FEATURES);
	}
}

static int type_of(const char *name)
{
	size_t i = 0;

	while (strcmp(endpoint_kind_name(i), name) != 0)
		i++;
	return (int)i;
}

static struct nic_config nic_config(const char *id, const char *netdev)
{
	return (struct nic_config){
		.iface_id = id,
		.guest_mac = {.given = true, .bytes = {2, 1, 2, 3, 4, 5}},
		.backend = netdev,
		.mtu = CONFIG_ABSENT,
		.queue_size = 256,
		.queue_pairs = 1,
	};
}

static struct backend_config backend_config(const char *id, const char *type)
{
	return (struct backend_config){
		.id = id,
		.type = type_of(type),
		.fd = CONFIG_ABSENT,
	};
}

void nics_rig_describe(struct nics_rig *rig, const char *nic, const char *id,
		       const char *type)
{
	struct machine_config *config = &rig->config;

	if (nic) {
		config->nics[config->n_nics] = nic_config(nic, id);
		config->nics[config->n_nics++].endpoint = config->n_backends;
	}
	config->backends[config->n_backends++] = backend_config(id, type);
}

void nics_rig_create(struct nics_rig *rig)
{
	const struct nics_config config = {
		.loop = &rig->loop,
		.platform = &rig->platform.platform,
		.machine = &rig->config,
		.client = &client,
		.arg = rig,
	};
	struct kind_error error = {""};

	if (nics_create(&config, &error, &rig->nics) < 0)
		ck_abort_msg("%s", error.text);
}

int nics_rig_netdev_add(struct nics_rig *rig, const char *id, const char *type)
{
	struct backend_config config = backend_config(id, type);
	struct kind_error error;

	return nics_netdev_add(rig->nics, &config, -1, &error);
}

int nics_rig_device_add(struct nics_rig *rig, const char *id,
			const char *netdev)
{
	struct nic_config config = nic_config(id, netdev);
	struct kind_error error;

	return nics_device_add(rig->nics, &config, &error);
}

void nics_rig_pump(struct nics_rig *rig)
{
	loop_run_once(&rig->loop);
	(void)sched_yield();
}

/* One more round of waiting for something that began at @since. */
static void await(struct nics_rig *rig, time_t since)
{
	if (time(NULL) > since + SECONDS)
		ck_abort_msg("it takes too long");
	nics_rig_pump(rig);
}

void nics_rig_await(struct nics_rig *rig, const bool *flag)
{
	time_t since = time(NULL);

	while (!*flag)
		await(rig, since);
}

static void done_cb(void *arg)
{
	bool *done = arg;

	ck_assert(!*done);
	*done = true;
}

void nics_rig_pause(struct nics_rig *rig)
{
	bool done = false;

	nics_pause(rig->nics, done_cb, &done);
	ck_assert(!done);
	nics_rig_await(rig, &done);
}

void nics_rig_resume(struct nics_rig *rig)
{
	bool done = false;

	nics_resume(rig->nics, done_cb, &done);
	ck_assert(!done);
	nics_rig_await(rig, &done);
}

void nics_rig_reset(struct nics_rig *rig)
{
	bool done = false;

	for (size_t i = 0; i < RIG_NICS; i++)
		rig->guests[i].running = false;
	nics_reset(rig->nics, done_cb, &done);
	ck_assert(!done);
	nics_rig_await(rig, &done);
}

struct change {
	bool done;
	struct kind_error error;
};

static void changed_cb(void *arg, const struct kind_error *error)
{
	struct change *change = arg;

	ck_assert(!change->done);
	change->done = true;
	if (error)
		change->error = *error;
}

static const char *answer(struct nics_rig *rig, const struct change *change)
{
	static char text[512];

	nics_rig_await(rig, &change->done);
	(void)snprintf(text, sizeof(text), "%s", change->error.text);
	return text;
}

const char *nics_rig_replace(struct nics_rig *rig, const char *nic,
			     const char *netdev)
{
	struct change change = {.error.text = ""};

	nics_netdev_replace(rig->nics, nics_find(rig->nics, nic),
			    nics_find_netdev(rig->nics, netdev), changed_cb,
			    &change);
	return answer(rig, &change);
}

const char *nics_rig_netdev_del(struct nics_rig *rig, const char *id)
{
	struct change change = {.error.text = ""};

	nics_netdev_del(rig->nics, nics_find_netdev(rig->nics, id), changed_cb,
			&change);
	return answer(rig, &change);
}

void nics_rig_fini(struct nics_rig *rig)
{
	nics_rig_reset(rig);
	nics_destroy(rig->nics);
	for (size_t i = 0; i < RIG_NICS; i++) {
		ring_driver_fini(&rig->guests[i].rx);
		ring_driver_fini(&rig->guests[i].tx);
	}
	fake_platform_fini(&rig->platform);
	guest_ram_fini(&rig->ram);
	loop_fini(&rig->loop);
}

/* The guest. */

static void set_status(struct nics_rig *rig, const struct rig_nic *nic,
		       uint8_t status)
{
	struct fake_access access;

	guest_begin_status(&nic->guest, &access, status);
	nics_rig_await(rig, &access.done);
}

static uint64_t lay_queue(struct nics_rig *rig, struct rig_nic *nic,
			  uint16_t index, struct ring_driver *ring)
{
	struct guest_queue queue = guest_default_queue(index);

	ring_driver_lay(ring, &rig->ram, SIZE, FEATURES);
	queue.size = SIZE;
	queue.desc = ring->desc;
	queue.avail = ring->avail;
	queue.used = ring->used;
	guest_lay_queue(&nic->guest, index, &queue);
	guest_enable_queue(&nic->guest, index);
	return guest_ram_alloc(&rig->ram, SIZE * BUF_LEN, 4096);
}

void nics_rig_start(struct nics_rig *rig, size_t slot)
{
	struct rig_nic *nic = &rig->guests[slot];

	virtio_guest_init(&nic->guest, &rig->platform.slots[slot]);
	ck_assert_uint_eq(guest_negotiate(&nic->guest, FEATURES, 0),
			  GUEST_STATUS_NEGOTIATED);
	nic->rx_buf = lay_queue(rig, nic, 0, &nic->rx);
	nic->tx_buf = lay_queue(rig, nic, 1, &nic->tx);
	nic->sent = nic->received = nic->completed = 0;
	set_status(rig, nic, GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(guest_status(&nic->guest), GUEST_STATUS_RUNNING);
	nic->running = true;
}

void nics_rig_stop(struct nics_rig *rig, size_t slot)
{
	set_status(rig, &rig->guests[slot], 0);
	rig->guests[slot].running = false;
}

/* A receive buffer, or a numbered frame. False: the ring is full. */
static bool put(struct nics_rig *rig, struct rig_nic *nic, bool tx)
{
	struct ring_driver *ring = tx ? &nic->tx : &nic->rx;
	uint64_t gpa = (tx ? nic->tx_buf : nic->rx_buf) +
		       (uint64_t)ring->free_head * BUF_LEN;
	struct ring_piece piece = {gpa, (uint32_t)BUF_LEN, true};

	if (ring->n_free == 0)
		return false;
	if (tx) {
		unsigned char *bytes = guest_ram_at(&rig->ram, gpa);

		memset(bytes, 0, HDR_LEN);
		memset(bytes + HDR_LEN, (int)(nic->sent & 0xff), FRAME_LEN);
		memcpy(bytes + HDR_LEN + 14, &nic->sent, sizeof(nic->sent));
		nic->sent++;
		piece.len = HDR_LEN + FRAME_LEN;
		piece.write = false;
	}
	return ring_driver_add(ring, &piece, 1, false) != RING_DRIVER_NONE;
}

void nics_rig_burst(struct nics_rig *rig, size_t slot)
{
	struct rig_nic *nic = &rig->guests[slot];

	while (put(rig, nic, false))
		;
	if (ring_driver_show(&nic->rx))
		guest_kick(&nic->guest, 0);
	while (put(rig, nic, true))
		;
	if (ring_driver_show(&nic->tx))
		guest_kick(&nic->guest, 1);
}

void nics_rig_collect(struct nics_rig *rig, size_t slot)
{
	struct rig_nic *nic = &rig->guests[slot];
	uint32_t len, number;
	uint16_t head;

	while (ring_driver_collect(&nic->tx, &head, &len))
		nic->completed++;
	while (ring_driver_collect(&nic->rx, &head, &len)) {
		const unsigned char *frame = guest_ram_at(
			&rig->ram, nic->rx_buf + head * BUF_LEN + HDR_LEN);

		memcpy(&number, frame + 14, sizeof(number));
		if (len != HDR_LEN + FRAME_LEN || number < nic->received ||
		    number >= nic->sent ||
		    frame[FRAME_LEN - 1] != (number & 0xff))
			ck_abort_msg("frame %u of %u bytes after %u, sent %u",
				     number, len, nic->received, nic->sent);
		nic->received = number + 1;
	}
}

void nics_rig_traffic(struct nics_rig *rig, size_t slot, uint32_t n)
{
	struct rig_nic *nic = &rig->guests[slot];
	uint32_t goal = nic->received + n;
	time_t since = time(NULL);

	while (nic->received < goal) {
		nics_rig_burst(rig, slot);
		await(rig, since);
		nics_rig_collect(rig, slot);
	}
}
