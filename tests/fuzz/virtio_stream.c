/* SPDX-License-Identifier: MIT */
/*
 * The stream: its first byte says whether the platform has doorbells, then
 * each operation is a byte and its operands. Missing operands are 0. The fake
 * platform and the fake device check the rules; what remains is checked after
 * each operation.
 *
 * Accesses are begun and left alone: the transport has to answer each in the
 * end. There are more of them than a transport holds back.
 */
#include "fuzz/virtio_stream.h"

#include "base/log.h"
#include "fuzz/input.h"
#include "support/fake_device.h"
#include "support/virtio_guest.h"
#include "virtio/transport_core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACCESSES (VIRTIO_MAX_HELD + 40)

struct stream {
	struct fuzz_input input;
	virtio_create_fn create;
	struct loop loop;
	struct fake_platform platform;
	struct fake_device device;
	struct fake_slot *slot;
	struct virtio_transport *transport;
	struct virtio_guest guest;
	struct fake_access accesses[ACCESSES];
	unsigned int resets_begun, resets_done;
};

static void require(bool condition, const char *what)
{
	if (condition)
		return;
	(void)fprintf(stderr, "virtio stream: %s\n", what);
	abort();
}

/* The next @n (at most 8) bytes as a number. */
static uint64_t take(struct stream *s, size_t n)
{
	return fuzz_take(&s->input, n);
}

static void plug(struct stream *s)
{
	fake_device_init(&s->device);
	require(s->create(&s->platform.platform, &s->loop, &s->device.device,
			  &s->transport) == 0,
		"cannot be created");
	s->slot = fake_platform_slot(&s->platform);
	virtio_guest_init(&s->guest, s->slot);
	for (size_t i = 0; i < ACCESSES; i++)
		s->accesses[i].done = true;
}

static void reset_cb(void *arg, int err)
{
	struct stream *s = arg;

	UNUSED(err); /* -EBUSY is an answer too */
	s->resets_done++;
}

static void machine_reset(struct stream *s)
{
	s->resets_begun++;
	virtio_transport_reset(s->transport, reset_cb, s);
}

/* Lets everything come to an end. */
static void settle(struct stream *s)
{
	for (int i = 0; i < 4; i++) {
		while (fake_device_finish(&s->device))
			continue;
		loop_run_once(&s->loop);
	}
	require(s->resets_done == s->resets_begun, "a reset is not answered");
	require(s->slot->pending == 0, "an access is not answered");
}

static void unplug(struct stream *s)
{
	machine_reset(s);
	settle(s);
	require(guest_status(&s->guest) == 0, "status after a reset");
	virtio_transport_destroy(s->transport);
}

static struct fake_access *free_access(struct stream *s)
{
	for (size_t i = 0; i < ACCESSES; i++) {
		if (s->accesses[i].done)
			return &s->accesses[i];
	}
	return NULL;
}

/* @wide: the whole window, not only where the control registers are. */
static void op_access(struct stream *s, size_t cap, bool is_write, bool wide)
{
	uint64_t window =
		cap == FAKE_BAR ? s->slot->window : s->slot->cap[cap].len;
	uint8_t size = (uint8_t)(1U << take(s, 1) % 4);
	uint64_t offset = take(s, wide ? 2 : 1);
	uint64_t value = is_write ? take(s, size) : 0;
	struct fake_access *access = free_access(s);

	if (access)
		(void)fake_access_begin(access, s->slot, cap, is_write,
					offset % (window - size + 1), size,
					value);
}

/* Is a start, a stop or a reset of the machine under way? */
static bool busy(const struct stream *s)
{
	return s->device.state == FAKE_STARTING ||
	       s->device.state == FAKE_STOPPING ||
	       s->resets_begun != s->resets_done;
}

static void op_negotiate(struct stream *s)
{
	uint64_t features = take(s, 1) & 1 ? ~0ULL : VIRTIO_F_VERSION_1;

	if (!busy(s)) {
		bool delay = s->device.delay;

		s->device.delay = false;
		(void)guest_negotiate(&s->guest, features, FAKE_DEVICE_QUEUES);
		s->device.delay = delay;
	}
}

static void op_status(struct stream *s)
{
	struct fake_access *access = free_access(s);

	if (access)
		guest_begin_status(&s->guest, access, (uint8_t)take(s, 1));
}

static void op_device(struct stream *s)
{
	uint64_t what = take(s, 1);

	switch (what % 6) {
	case 0:
		(void)fake_device_finish(&s->device);
		break;
	case 1:
		s->device.delay = what & 0x80;
		break;
	case 2:
		s->device.start_err = what & 0x80 ? -12 : 0;
		break;
	case 3:
		virtio_host_config_changed(s->device.device.host);
		break;
	case 4:
		virtio_host_needs_reset(s->device.device.host);
		break;
	default:
		if (s->device.state == FAKE_RUNNING) {
			fake_device_interrupt(&s->device, 1);
			(void)fake_device_take_kick(&s->device, 1);
		}
		break;
	}
}

static void op_machine(struct stream *s)
{
	switch (take(s, 1) % 4) {
	case 0:
		machine_reset(s);
		break;
	case 1:
		loop_run_once(&s->loop);
		break;
	case 2:
		s->device.refused ^= FAKE_F_HIGH;
		break;
	default:
		unplug(s);
		plug(s);
		break;
	}
}

static void op(struct stream *s)
{
	switch (take(s, 1) % 10) {
	case 0:
		op_access(s, FAKE_BAR, true, true);
		break;
	case 1:
		op_access(s, FAKE_BAR, false, true);
		break;
	case 2:
		op_access(s, FAKE_BAR, true, false);
		break;
	case 3:
		op_access(s, FAKE_BAR, false, false);
		break;
	case 4:
		if (s->slot->is_pci)
			op_access(s, s->guest.window_cap, true, false);
		break;
	case 5:
		if (s->slot->is_pci)
			op_access(s, s->guest.window_cap, false, false);
		break;
	case 6:
		op_negotiate(s);
		break;
	case 7:
		op_status(s);
		break;
	case 8:
		op_device(s);
		break;
	default:
		op_machine(s);
		break;
	}
}

/* What holds between operations. */
static void check(const struct stream *s)
{
	uint8_t status;

	if (busy(s))
		return;
	require(s->slot->pending == 0, "an access waits for nothing");
	status = guest_status(&s->guest);
	if (s->device.state == FAKE_RUNNING)
		require((status & GUEST_STATUS_RUNNING & ~0x03) == 0x0c,
			"it runs, and the status denies it");
	else
		require(!(status & VIRTIO_STATUS_DRIVER_OK) ||
				status & VIRTIO_STATUS_NEEDS_RESET,
			"it does not run, and the status denies it");
}

void virtio_stream_run(virtio_create_fn create, const uint8_t *data,
		       size_t size)
{
	static struct stream s;

	log_configure(&(struct log_config){.level = LOG_LEVEL_ERROR});
	memset(&s, 0, sizeof(s));
	s.input.data = data;
	s.input.size = size;
	s.create = create;
	require(loop_init(&s.loop) == 0, "no loop");
	fake_platform_init(&s.platform, NULL, take(&s, 1) & 1);
	plug(&s);
	while (s.input.size > 0) {
		op(&s);
		check(&s);
	}
	unplug(&s);
	fake_platform_fini(&s.platform);
	loop_fini(&s.loop);
}
