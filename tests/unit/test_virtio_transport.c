/* SPDX-License-Identifier: MIT */
/*
 * What both virtio transports promise, over a fake device and a fake platform:
 * each case runs on PCI and on MMIO, with doorbells and without.
 */
#include "base/irq.h"
#include "support/fake_device.h"
#include "support/virtio_guest.h"
#include "virtio/transport_core.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* A case's number: bit 0 is MMIO, bit 1 is "no doorbells". */
#define VARIANTS 4

#define FEATURES (VIRTIO_F_VERSION_1 | FAKE_F_LOW | FAKE_F_HIGH)

static struct loop loop;
static struct fake_platform platform;
static struct fake_device device;
static struct fake_slot *slot;
static struct virtio_transport *transport;
static struct virtio_guest guest;
static unsigned int resets_done;
static int reset_err;

static int create(int variant)
{
	return (variant & 1 ? virtio_mmio_create : virtio_pci_create)(
		&platform.platform, &loop, &device.device, &transport);
}

static void begin(int variant)
{
	fake_platform_init(&platform, NULL, !(variant & 2));
	fake_device_init(&device);
	ck_assert_int_eq(create(variant), 0);
	slot = fake_platform_slot(&platform);
	virtio_guest_init(&guest, slot);
}

static void setup(void)
{
	ck_assert_int_eq(loop_init(&loop), 0);
	resets_done = 0;
	reset_err = 0;
}

static void reset_cb(void *arg, int err)
{
	UNUSED(arg);
	resets_done++;
	reset_err = err;
}

/* Gives everything back; each case ends in this. */
static void end(void)
{
	virtio_transport_reset(transport, reset_cb, NULL);
	device.delay = false;
	(void)fake_device_finish(&device); /* a start or stop under way */
	(void)fake_device_finish(&device); /* the stop after it */
	loop_run_once(&loop);
	ck_assert_int_ge((int)resets_done, 1);
	ck_assert_int_eq(device.state, FAKE_STOPPED);
	ck_assert_uint_eq(slot->pending, 0);
	virtio_transport_destroy(transport);
	ck_assert_ptr_null(device.device.host);
	fake_platform_fini(&platform);
	loop_fini(&loop);
}

static void negotiate(void)
{
	ck_assert_uint_eq(guest_negotiate(&guest, FEATURES, FAKE_DEVICE_QUEUES),
			  GUEST_STATUS_NEGOTIATED);
}

/* As far as a running device. */
static void run(void)
{
	negotiate();
	guest_set_status(&guest, GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(guest_status(&guest), GUEST_STATUS_RUNNING);
	ck_assert_int_eq(device.state, FAKE_RUNNING);
}

/* The honest way. */

START_TEST(driver_starts_and_resets)
{
	begin(_i);
	for (unsigned int life = 1; life <= 3; life++) {
		run();
		ck_assert_uint_eq(device.starts, life);
		ck_assert_uint_eq(device.start.features, FEATURES);
		ck_assert_uint_eq(device.start.n_queues, FAKE_DEVICE_QUEUES);
		for (uint16_t i = 0; i < FAKE_DEVICE_QUEUES; i++) {
			struct guest_queue want = guest_default_queue(i);

			ck_assert(device.queues[i].enabled);
			ck_assert_uint_eq(device.queues[i].size, want.size);
			ck_assert_uint_eq(device.queues[i].desc, want.desc);
			ck_assert_uint_eq(device.queues[i].avail, want.avail);
			ck_assert_uint_eq(device.queues[i].used, want.used);
			ck_assert_int_ge(device.queues[i].kick_fd, 0);
		}
		guest_set_status(&guest, 0);
		ck_assert_uint_eq(guest_status(&guest), 0);
		ck_assert_uint_eq(device.stops, life);
		ck_assert_int_eq(device.state, FAKE_STOPPED);
	}
	end();
}
END_TEST

START_TEST(reset_clears_registers)
{
	begin(_i);
	run();
	guest_set_status(&guest, 0);
	for (uint16_t i = 0; i < FAKE_DEVICE_QUEUES; i++) {
		ck_assert(!guest_queue_enabled(&guest, i));
		ck_assert_uint_eq(guest_queue_size(&guest, i),
				  FAKE_DEVICE_QUEUE_SIZE);
	}
	/* Nothing of the old life is left: no features, no queue. */
	guest_set_status(&guest, GUEST_STATUS_NEGOTIATED);
	ck_assert_uint_eq(guest_status(&guest), 0x03);
	guest_set_features(&guest, VIRTIO_F_VERSION_1);
	guest_set_status(&guest, GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(device.starts, 2);
	ck_assert_uint_eq(device.start.features, VIRTIO_F_VERSION_1);
	for (uint16_t i = 0; i < FAKE_DEVICE_QUEUES; i++) {
		ck_assert(!device.queues[i].enabled);
		ck_assert_uint_eq(device.queues[i].desc, 0);
		ck_assert_uint_eq(device.queues[i].size,
				  FAKE_DEVICE_QUEUE_SIZE);
	}
	end();
}
END_TEST

START_TEST(only_enabled_queues_are_enabled)
{
	begin(_i);
	guest_negotiate(&guest, FEATURES, 1);
	guest_set_status(&guest, GUEST_STATUS_RUNNING);
	ck_assert(device.queues[0].enabled);
	ck_assert(!device.queues[1].enabled);
	ck_assert(!device.queues[2].enabled);
	end();
}
END_TEST

/* Features. */

START_TEST(offer_has_version_1)
{
	begin(_i);
	ck_assert_uint_eq(guest_offer(&guest),
			  device.offer | VIRTIO_F_VERSION_1);
	end();
}
END_TEST

START_TEST(features_are_masked_by_the_offer)
{
	begin(_i);
	guest_negotiate(&guest, ~0ULL, 0);
	ck_assert_uint_eq(guest_status(&guest), GUEST_STATUS_NEGOTIATED);
	guest_set_status(&guest, GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(device.start.features,
			  device.offer | VIRTIO_F_VERSION_1);
	end();
}
END_TEST

START_TEST(features_are_frozen_by_features_ok)
{
	begin(_i);
	negotiate();
	guest_set_features(&guest, VIRTIO_F_VERSION_1);
	guest_set_status(&guest, GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(device.start.features, FEATURES);
	end();
}
END_TEST

START_TEST(features_may_be_taken_back)
{
	begin(_i);
	guest_set_features(&guest, ~0ULL);
	guest_set_features(&guest, FEATURES);
	guest_set_status(&guest, GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(device.start.features, FEATURES);
	end();
}
END_TEST

/* There are two words of features. */
START_TEST(other_feature_words_are_empty)
{
	static const uint32_t words[] = {2, 3, 32, 0x80000000, UINT32_MAX};
	uint64_t base, offer_sel, offer, driver_sel, driver;

	begin(_i);
	base = guest.common;
	offer_sel = guest.mmio ? 0x14 : base;
	offer = guest.mmio ? 0x10 : base + 4;
	driver_sel = guest.mmio ? 0x24 : base + 8;
	driver = guest.mmio ? 0x20 : base + 12;
	guest_set_features(&guest, VIRTIO_F_VERSION_1);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		fake_write(slot, offer_sel, 4, words[i]);
		ck_assert_uint_eq(fake_read(slot, offer, 4), 0);
		fake_write(slot, driver_sel, 4, words[i]);
		fake_write(slot, driver, 4, UINT32_MAX);
	}
	guest_set_status(&guest, GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(device.start.features, VIRTIO_F_VERSION_1);
	guest_set_status(&guest, 0);
	ck_assert_uint_eq(fake_read(slot, offer, 4), (uint32_t)device.offer);
	end();
}
END_TEST

START_TEST(features_ok_needs_version_1)
{
	begin(_i);
	ck_assert_uint_eq(guest_negotiate(&guest, FAKE_F_LOW, 0), 0x03);
	guest_set_status(&guest, GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(guest_status(&guest), 0x03);
	ck_assert_uint_eq(device.starts, 0);
	/* The driver may choose again. */
	guest_set_features(&guest, FEATURES);
	guest_set_status(&guest, GUEST_STATUS_NEGOTIATED);
	ck_assert_uint_eq(guest_status(&guest), GUEST_STATUS_NEGOTIATED);
	end();
}
END_TEST

START_TEST(device_may_refuse_features)
{
	begin(_i);
	device.refused = FAKE_F_HIGH;
	ck_assert_uint_eq(guest_negotiate(&guest, FEATURES, 0), 0x03);
	ck_assert_uint_eq(guest_negotiate(&guest, VIRTIO_F_VERSION_1, 0),
			  GUEST_STATUS_NEGOTIATED);
	end();
}
END_TEST

/* Status. */

START_TEST(status_bits_are_only_added)
{
	begin(_i);
	guest_set_status(&guest, 0x01);
	guest_set_status(&guest, 0x02);
	ck_assert_uint_eq(guest_status(&guest), 0x03);
	guest_set_status(&guest, 0x80);
	ck_assert_uint_eq(guest_status(&guest), 0x83);
	guest_set_status(&guest, 0x70); /* the device's bit, and no bits */
	ck_assert_uint_eq(guest_status(&guest), 0x83);
	end();
}
END_TEST

START_TEST(driver_ok_needs_features_ok)
{
	begin(_i);
	guest_set_features(&guest, FEATURES);
	guest_set_status(&guest, 0x07);
	ck_assert_uint_eq(guest_status(&guest), 0x03);
	ck_assert_uint_eq(device.starts, 0);
	guest_set_status(&guest, GUEST_STATUS_NEGOTIATED);
	guest_set_status(&guest, 0x04);
	ck_assert_uint_eq(guest_status(&guest), GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(device.starts, 1);
	/* Again is not another start. */
	guest_set_status(&guest, GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(device.starts, 1);
	end();
}
END_TEST

START_TEST(everything_in_one_write)
{
	begin(_i);
	guest_set_features(&guest, FEATURES);
	guest_set_status(&guest, GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(guest_status(&guest), GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(device.starts, 1);
	end();
}
END_TEST

START_TEST(failed_start_needs_reset)
{
	begin(_i);
	device.start_err = -ENOMEM;
	negotiate();
	guest_set_status(&guest, GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(guest_status(&guest), GUEST_STATUS_RUNNING | 0x40);
	ck_assert_uint_eq(fake_take_irqs(slot, guest_config_vector(&guest)), 1);
	ck_assert_uint_eq(guest_take_isr(&guest), VIRTIO_ISR_CONFIG);
	device.start_err = 0;
	run();
	ck_assert_uint_eq(device.stops, 0); /* it did not run */
	end();
}
END_TEST

/* Queues. */

START_TEST(bad_queue_sizes_are_ignored)
{
	static const uint16_t bad[] = {
		0,
		3,
		100,
		FAKE_DEVICE_QUEUE_SIZE + 1,
		2 * FAKE_DEVICE_QUEUE_SIZE,
		0x8000,
		0xffff,
	};
	struct guest_queue queue = guest_default_queue(0);

	begin(_i);
	guest_negotiate(&guest, FEATURES, 0);
	queue.size = 64;
	guest_lay_queue(&guest, 0, &queue);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		queue.size = bad[i];
		guest_lay_queue(&guest, 0, &queue);
	}
	guest_enable_queue(&guest, 0);
	guest_set_status(&guest, GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(device.queues[0].size, 64);
	end();
}
END_TEST

/* Where nothing may change any more: an enabled queue, a running device. */
static void lay_out_anew(void)
{
	struct guest_queue queue = {.size = 16, .desc = 1, .avail = 2};

	for (uint16_t i = 0; i < FAKE_DEVICE_QUEUES; i++)
		guest_lay_queue(&guest, i, &queue);
}

START_TEST(queues_are_frozen)
{
	begin(_i);
	negotiate();
	lay_out_anew();
	guest_set_status(&guest, GUEST_STATUS_RUNNING);
	for (uint16_t i = 0; i < FAKE_DEVICE_QUEUES; i++) {
		struct guest_queue want = guest_default_queue(i);

		ck_assert_uint_eq(device.queues[i].size, want.size);
		ck_assert_uint_eq(device.queues[i].desc, want.desc);
		ck_assert_uint_eq(device.queues[i].used, want.used);
	}
	lay_out_anew();
	ck_assert(guest_queue_enabled(&guest, 0));
	end();
}
END_TEST

START_TEST(no_queue_is_enabled_late)
{
	begin(_i);
	guest_negotiate(&guest, FEATURES, 1);
	guest_set_status(&guest, GUEST_STATUS_RUNNING);
	lay_out_anew();
	guest_enable_queue(&guest, 1);
	ck_assert(!guest_queue_enabled(&guest, 1));
	ck_assert_uint_eq(guest_queue_size(&guest, 1), FAKE_DEVICE_QUEUE_SIZE);
	end();
}
END_TEST

START_TEST(queues_that_do_not_exist)
{
	static const uint16_t none[] = {FAKE_DEVICE_QUEUES, 64, 0x7fff, 0xffff};
	struct guest_queue queue = guest_default_queue(0);

	begin(_i);
	guest_negotiate(&guest, FEATURES, 0);
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		ck_assert_uint_eq(guest_queue_size(&guest, none[i]), 0);
		guest_lay_queue(&guest, none[i], &queue);
		guest_enable_queue(&guest, none[i]);
		ck_assert(!guest_queue_enabled(&guest, none[i]));
		if (guest.mmio)
			guest_kick(&guest, none[i]);
	}
	guest_set_status(&guest, GUEST_STATUS_RUNNING);
	for (unsigned int i = 0; i < FAKE_DEVICE_QUEUES; i++)
		ck_assert(!fake_device_take_kick(&device, i));
	end();
}
END_TEST

/* Kicks and interrupts. */

START_TEST(kicks_arrive)
{
	begin(_i);
	run();
	for (uint16_t i = 0; i < FAKE_DEVICE_QUEUES; i++) {
		guest_kick(&guest, i);
		for (uint16_t j = 0; j < FAKE_DEVICE_QUEUES; j++)
			ck_assert_int_eq(fake_device_take_kick(&device, j),
					 i == j);
	}
	ck_assert_uint_eq(slot->bell_rings,
			  platform.has_bells ? FAKE_DEVICE_QUEUES : 0);
	end();
}
END_TEST

START_TEST(early_kicks_are_stale)
{
	begin(_i);
	guest_kick(&guest, 0);
	negotiate();
	guest_kick(&guest, 1);
	guest_set_status(&guest, GUEST_STATUS_RUNNING);
	for (unsigned int i = 0; i < FAKE_DEVICE_QUEUES; i++)
		ck_assert(!fake_device_take_kick(&device, i));
	end();
}
END_TEST

START_TEST(queues_interrupt)
{
	begin(_i);
	run();
	for (uint16_t i = 0; i < FAKE_DEVICE_QUEUES; i++) {
		fake_device_interrupt(&device, i);
		ck_assert_uint_eq(
			fake_take_irqs(slot, guest_queue_vector(&guest, i)), 1);
		ck_assert_uint_eq(guest_take_isr(&guest),
				  guest.mmio ? VIRTIO_ISR_QUEUE : 0);
	}
	ck_assert_uint_eq(guest_take_isr(&guest), 0);
	end();
}
END_TEST

/* What the device tells. */

START_TEST(config_change_is_told)
{
	uint32_t before;

	begin(_i);
	run();
	before = guest_generation(&guest);
	virtio_host_config_changed(device.device.host);
	ck_assert_uint_ne(guest_generation(&guest), before);
	ck_assert_uint_eq(fake_take_irqs(slot, guest_config_vector(&guest)), 1);
	ck_assert_uint_eq(guest_take_isr(&guest), VIRTIO_ISR_CONFIG);
	ck_assert_uint_eq(guest_take_isr(&guest), 0);
	end();
}
END_TEST

START_TEST(config_change_before_driver_ok_is_silent)
{
	uint32_t before;

	begin(_i);
	negotiate();
	before = guest_generation(&guest);
	virtio_host_config_changed(device.device.host);
	ck_assert_uint_ne(guest_generation(&guest), before);
	ck_assert_uint_eq(fake_take_irqs(slot, guest_config_vector(&guest)), 0);
	ck_assert_uint_eq(guest_take_isr(&guest), 0);
	end();
}
END_TEST

START_TEST(generation_wraps)
{
	begin(_i);
	for (unsigned int i = 0; i < 300; i++) {
		uint32_t before = guest_generation(&guest);

		virtio_host_config_changed(device.device.host);
		ck_assert_uint_ne(guest_generation(&guest), before);
	}
	end();
}
END_TEST

START_TEST(needs_reset_is_told)
{
	begin(_i);
	run();
	virtio_host_needs_reset(device.device.host);
	ck_assert_uint_eq(guest_status(&guest), GUEST_STATUS_RUNNING | 0x40);
	ck_assert_uint_eq(fake_take_irqs(slot, guest_config_vector(&guest)), 1);
	guest_set_status(&guest, 0);
	ck_assert_uint_eq(guest_status(&guest), 0);
	virtio_host_needs_reset(device.device.host); /* too late */
	ck_assert_uint_eq(guest_status(&guest), 0);
	ck_assert_uint_eq(fake_take_irqs(slot, guest_config_vector(&guest)), 0);
	end();
}
END_TEST

START_TEST(notices_during_a_start_wait_for_it)
{
	struct fake_access write;

	begin(_i);
	negotiate();
	device.delay = true;
	guest_begin_status(&guest, &write, GUEST_STATUS_RUNNING);
	virtio_host_config_changed(device.device.host);
	virtio_host_needs_reset(device.device.host);
	ck_assert_uint_eq(fake_take_irqs(slot, guest_config_vector(&guest)), 0);
	ck_assert(fake_device_finish(&device));
	ck_assert(write.done);
	ck_assert_uint_eq(guest_status(&guest), GUEST_STATUS_RUNNING | 0x40);
	ck_assert_uint_eq(fake_take_irqs(slot, guest_config_vector(&guest)), 1);
	end();
}
END_TEST

/* A notice of a life that a reset ended is not told to the next. */
START_TEST(notices_end_with_their_life)
{
	struct fake_access write;

	begin(_i);
	negotiate();
	device.delay = true;
	guest_begin_status(&guest, &write, GUEST_STATUS_RUNNING);
	virtio_host_config_changed(device.device.host);
	virtio_transport_reset(transport, reset_cb, NULL);
	ck_assert(fake_device_finish(&device)); /* the start */
	virtio_host_config_changed(device.device.host);
	virtio_host_needs_reset(device.device.host);
	ck_assert(fake_device_finish(&device)); /* the stop */
	loop_run_once(&loop);
	device.delay = false;
	run();
	ck_assert_uint_eq(fake_take_irqs(slot, guest_config_vector(&guest)), 0);
	ck_assert_uint_eq(guest_take_isr(&guest), 0);
	end();
}
END_TEST

/* Device configuration. */

START_TEST(configuration_is_read_and_written)
{
	begin(_i);
	ck_assert_uint_eq(guest_read_config(&guest, 0, 1), 0xa0);
	ck_assert_uint_eq(guest_read_config(&guest, 2, 2), 0xa3a2);
	ck_assert_uint_eq(guest_read_config(&guest, 1, 4), 0xa4a3a2a1);
	ck_assert_uint_eq(guest_read_config(&guest, 8, 8), 0xafaeadacabaaa9a8);
	guest_write_config(&guest, 4, 2, 0x1234);
	ck_assert_uint_eq(guest_read_config(&guest, 3, 4), 0xa61234a3);
	/* Across the end, and beyond. */
	ck_assert_uint_eq(guest_read_config(&guest, 22, 4), 0xb7b6);
	guest_write_config(&guest, 23, 8, 0x1122334455667788);
	ck_assert_uint_eq(guest_read_config(&guest, 22, 4), 0x88b6);
	ck_assert_uint_eq(guest_read_config(&guest, 24, 4), 0);
	guest_write_config(&guest, 0x800, 8, ~0ULL);
	ck_assert_uint_eq(guest_read_config(&guest, 0x800, 8), 0);
	end();
}
END_TEST

/* Starts and stops that take time. */

START_TEST(driver_ok_waits_for_the_start)
{
	struct fake_access write, read;

	begin(_i);
	negotiate();
	device.delay = true;
	guest_begin_status(&guest, &write, GUEST_STATUS_RUNNING);
	guest_begin_read_status(&guest, &read);
	ck_assert(!write.done);
	ck_assert(!read.done);
	ck_assert_uint_eq(guest_read_config(&guest, 0, 1), 0xa0);
	ck_assert(fake_device_finish(&device));
	ck_assert(write.done);
	ck_assert(read.done);
	ck_assert_uint_eq(read.access.value, GUEST_STATUS_RUNNING);
	end();
}
END_TEST

START_TEST(reset_waits_for_the_stop)
{
	struct fake_access write, read;

	begin(_i);
	run();
	device.delay = true;
	guest_begin_status(&guest, &write, 0);
	guest_begin_read_status(&guest, &read);
	ck_assert_uint_eq(guest_read_config(&guest, 0, 1), 0xa0);
	ck_assert(!write.done);
	ck_assert(!read.done);
	ck_assert(fake_device_finish(&device));
	ck_assert(write.done);
	ck_assert(read.done);
	ck_assert_uint_eq(read.access.value, 0);
	end();
}
END_TEST

/* A device is told of a write to its configuration only when it is not about to
 * start or stop; the fake device insists. */
START_TEST(configuration_write_waits)
{
	struct fake_access start, write;

	begin(_i);
	negotiate();
	device.delay = true;
	guest_begin_status(&guest, &start, GUEST_STATUS_RUNNING);
	(void)fake_access_begin(&write, slot, FAKE_BAR, true, guest.config, 1,
				0x55);
	ck_assert(!write.done);
	ck_assert_uint_eq(guest_read_config(&guest, 0, 1), 0xa0);
	ck_assert(fake_device_finish(&device));
	ck_assert(write.done);
	ck_assert_uint_eq(guest_read_config(&guest, 0, 1), 0x55);
	end();
}
END_TEST

START_TEST(kick_during_a_start_arrives)
{
	struct fake_access write, kick;
	uint64_t offset;

	begin(_i);
	negotiate();
	device.delay = true;
	guest_begin_status(&guest, &write, GUEST_STATUS_RUNNING);
	offset = guest.mmio ? 0x50 : guest.notify + guest.notify_multiplier;
	(void)fake_access_begin(&kick, slot, FAKE_BAR, true, offset, 4, 1);
	ck_assert(fake_device_finish(&device));
	ck_assert(kick.done);
	ck_assert(fake_device_take_kick(&device, 1));
	end();
}
END_TEST

/* Accesses during a stop are served in the order in which they came, and a
 * start among them holds back those behind it. */
START_TEST(held_accesses_keep_their_order)
{
	struct fake_access reset, ack, read_ack, again, read_again;

	begin(_i);
	run();
	device.delay = true;
	guest_begin_status(&guest, &reset, 0);
	guest_begin_status(&guest, &ack, 0x01);
	guest_begin_read_status(&guest, &read_ack);
	guest_begin_status(&guest, &again, 0);
	guest_begin_read_status(&guest, &read_again);
	ck_assert_uint_eq(slot->pending, 5);
	ck_assert(fake_device_finish(&device));
	ck_assert(reset.done && ack.done && read_ack.done && again.done &&
		  read_again.done);
	ck_assert_uint_eq(read_ack.access.value, 0x01);
	ck_assert_uint_eq(read_again.access.value, 0);
	end();
}
END_TEST

START_TEST(reset_behind_a_start_is_served_after_it)
{
	struct fake_access start, reset, read;

	begin(_i);
	negotiate();
	device.delay = true;
	guest_begin_status(&guest, &start, GUEST_STATUS_RUNNING);
	guest_begin_status(&guest, &reset, 0);
	guest_begin_read_status(&guest, &read);
	ck_assert(fake_device_finish(&device));
	ck_assert(start.done);
	ck_assert(!reset.done);
	ck_assert_int_eq(device.state, FAKE_STOPPING);
	ck_assert(fake_device_finish(&device));
	ck_assert(reset.done);
	ck_assert(read.done);
	ck_assert_uint_eq(read.access.value, 0);
	end();
}
END_TEST

/* A held access may start a device that answers at once: those behind it are
 * answered later than it. */
START_TEST(quick_start_among_held_accesses)
{
	struct fake_access reset, select, features, start, read;
	uint64_t select_offset, features_offset;

	begin(_i);
	run();
	device.delay = true;
	guest_begin_status(&guest, &reset, 0);
	select_offset = guest.mmio ? 0x24 : guest.common + 8;
	features_offset = guest.mmio ? 0x20 : guest.common + 12;
	(void)fake_access_begin(&select, slot, FAKE_BAR, true, select_offset, 4,
				1);
	(void)fake_access_begin(&features, slot, FAKE_BAR, true,
				features_offset, 4, VIRTIO_F_VERSION_1 >> 32);
	guest_begin_status(&guest, &start, GUEST_STATUS_RUNNING);
	guest_begin_read_status(&guest, &read);
	device.delay = false;
	ck_assert(fake_device_finish(&device));
	ck_assert(read.done);
	ck_assert_uint_eq(read.access.value, GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(device.starts, 2);
	ck_assert_uint_lt(reset.order, select.order);
	ck_assert_uint_lt(select.order, features.order);
	ck_assert_uint_lt(features.order, start.order);
	ck_assert_uint_lt(start.order, read.order);
	end();
}
END_TEST

START_TEST(held_accesses_are_bounded)
{
	static struct fake_access held[VIRTIO_MAX_HELD];
	struct fake_access write, over, over_write;

	begin(_i);
	negotiate();
	device.delay = true;
	guest_begin_status(&guest, &write, GUEST_STATUS_RUNNING);
	for (size_t i = 0; i < VIRTIO_MAX_HELD; i++)
		guest_begin_read_status(&guest, &held[i]);
	ck_assert(!held[VIRTIO_MAX_HELD - 1].done);
	guest_begin_read_status(&guest, &over);
	guest_begin_status(&guest, &over_write, 0);
	ck_assert(over.done);
	ck_assert(over_write.done);
	ck_assert_uint_eq(over.access.value,
			  UINT64_MAX >> (64 - 8 * over.access.size));
	ck_assert(fake_device_finish(&device));
	for (size_t i = 0; i < VIRTIO_MAX_HELD; i++) {
		ck_assert(held[i].done);
		ck_assert_uint_eq(held[i].access.value, GUEST_STATUS_RUNNING);
	}
	ck_assert_int_eq(device.state, FAKE_RUNNING);
	end();
}
END_TEST

/* Resets of the machine. */

static void machine_reset(void)
{
	virtio_transport_reset(transport, reset_cb, NULL);
}

START_TEST(machine_reset_of_an_idle_device)
{
	begin(_i);
	negotiate();
	machine_reset();
	ck_assert_uint_eq(resets_done, 0); /* from the loop, later */
	loop_run_once(&loop);
	ck_assert_uint_eq(resets_done, 1);
	ck_assert_int_eq(reset_err, 0);
	ck_assert_uint_eq(guest_status(&guest), 0);
	ck_assert(!guest_queue_enabled(&guest, 0));
	end();
}
END_TEST

START_TEST(machine_reset_stops_the_device)
{
	begin(_i);
	run();
	device.delay = true;
	machine_reset();
	loop_run_once(&loop);
	ck_assert_uint_eq(resets_done, 0);
	ck_assert(fake_device_finish(&device));
	loop_run_once(&loop);
	ck_assert_uint_eq(resets_done, 1);
	ck_assert_uint_eq(guest_status(&guest), 0);
	device.delay = false;
	run();
	end();
}
END_TEST

START_TEST(machine_reset_during_a_start)
{
	struct fake_access write, read;

	begin(_i);
	negotiate();
	device.delay = true;
	guest_begin_status(&guest, &write, GUEST_STATUS_RUNNING);
	guest_begin_read_status(&guest, &read);
	machine_reset();
	ck_assert(write.done); /* no vCPU is stuck */
	ck_assert(read.done);
	ck_assert(fake_device_finish(&device)); /* the start */
	ck_assert_int_eq(device.state, FAKE_STOPPING);
	loop_run_once(&loop);
	ck_assert_uint_eq(resets_done, 0);
	ck_assert(fake_device_finish(&device)); /* the stop */
	loop_run_once(&loop);
	ck_assert_uint_eq(resets_done, 1);
	ck_assert_uint_eq(guest_status(&guest), 0);
	end();
}
END_TEST

/* The device itself may bring the machine down. */
START_TEST(machine_reset_inside_a_start)
{
	struct fake_access write;

	begin(_i);
	negotiate();
	device.delay = true;
	device.on_start = machine_reset;
	guest_begin_status(&guest, &write, GUEST_STATUS_RUNNING);
	device.on_start = NULL;
	ck_assert(write.done);
	ck_assert(fake_device_finish(&device)); /* the start */
	ck_assert(fake_device_finish(&device)); /* the stop */
	loop_run_once(&loop);
	ck_assert_uint_eq(resets_done, 1);
	ck_assert_uint_eq(guest_status(&guest), 0);
	end();
}
END_TEST

START_TEST(machine_reset_during_a_start_that_fails)
{
	struct fake_access write;

	begin(_i);
	negotiate();
	device.delay = true;
	device.start_err = -EIO;
	guest_begin_status(&guest, &write, GUEST_STATUS_RUNNING);
	machine_reset();
	ck_assert(fake_device_finish(&device));
	ck_assert_int_eq(device.state, FAKE_STOPPED);
	loop_run_once(&loop);
	ck_assert_uint_eq(resets_done, 1);
	ck_assert_uint_eq(guest_status(&guest), 0);
	end();
}
END_TEST

START_TEST(machine_reset_joins_the_guests_reset)
{
	struct fake_access write, start;

	begin(_i);
	run();
	device.delay = true;
	guest_begin_status(&guest, &write, 0);
	guest_begin_status(&guest, &start, GUEST_STATUS_RUNNING);
	machine_reset();
	ck_assert(write.done);
	ck_assert(start.done);
	ck_assert(fake_device_finish(&device));
	ck_assert(!fake_device_finish(&device));
	loop_run_once(&loop);
	ck_assert_uint_eq(resets_done, 1);
	ck_assert_uint_eq(device.stops, 1);
	end();
}
END_TEST

START_TEST(machine_resets_overlap)
{
	begin(_i);
	run();
	device.delay = true;
	machine_reset();
	machine_reset();
	ck_assert(fake_device_finish(&device));
	machine_reset();
	ck_assert_uint_eq(resets_done, 0);
	loop_run_once(&loop);
	ck_assert_uint_eq(resets_done, 3);
	ck_assert_uint_eq(device.stops, 1);
	for (unsigned int i = 0; i < VIRTIO_MAX_RESETS; i++)
		machine_reset();
	ck_assert_int_eq(reset_err, 0);
	machine_reset();
	ck_assert_int_eq(reset_err, -EBUSY);
	loop_run_once(&loop);
	ck_assert_uint_eq(resets_done, 3 + VIRTIO_MAX_RESETS + 1);
	end();
}
END_TEST

static void again_cb(void *arg, int err)
{
	UNUSED(arg);
	ck_assert_int_eq(err, 0);
	resets_done++;
	machine_reset();
}

START_TEST(machine_reset_again_when_one_is_done)
{
	begin(_i);
	run();
	virtio_transport_reset(transport, again_cb, NULL);
	loop_run_once(&loop);
	loop_run_once(&loop);
	ck_assert_uint_eq(resets_done, 2);
	ck_assert_uint_eq(device.stops, 1);
	run();
	end();
}
END_TEST

START_TEST(accesses_during_a_machine_reset_are_void)
{
	begin(_i);
	run();
	device.delay = true;
	machine_reset();
	ck_assert_uint_eq(guest_status(&guest), 0xff);
	ck_assert_uint_eq(guest_read_config(&guest, 0, 2), 0xffff);
	guest_write_config(&guest, 0, 1, 0);
	guest_set_status(&guest, 0);
	guest_negotiate(&guest, FEATURES, FAKE_DEVICE_QUEUES);
	guest_set_status(&guest, GUEST_STATUS_RUNNING);
	ck_assert(fake_device_finish(&device));
	guest_negotiate(&guest, FEATURES, FAKE_DEVICE_QUEUES);
	loop_run_once(&loop);
	ck_assert_uint_eq(resets_done, 1);
	ck_assert_uint_eq(guest_status(&guest), 0);
	ck_assert_uint_eq(guest_read_config(&guest, 0, 1), 0xa0);
	ck_assert_int_eq(device.state, FAKE_STOPPED);
	end();
}
END_TEST

static void destroy_cb(void *arg, int err)
{
	UNUSED(arg);
	UNUSED(err);
	resets_done++;
	virtio_transport_destroy(transport);
}

START_TEST(destroy_when_the_reset_is_done)
{
	struct fake_access write;

	begin(_i);
	negotiate();
	device.delay = true;
	guest_begin_status(&guest, &write, GUEST_STATUS_RUNNING);
	virtio_transport_reset(transport, destroy_cb, NULL);
	ck_assert(fake_device_finish(&device));
	ck_assert(fake_device_finish(&device));
	loop_run_once(&loop);
	ck_assert_uint_eq(resets_done, 1);
	fake_platform_fini(&platform);
	loop_fini(&loop);
}
END_TEST

/* Creation. */

START_TEST(creation_fails_cleanly)
{
	fake_platform_init(&platform, NULL, true);
	fake_device_init(&device);
	platform.fail_plug = -ENOSPC;
	ck_assert_int_eq(create(_i), -ENOSPC);
	platform.fail_plug = 0;
	for (size_t at = 0; at < FAKE_DEVICE_QUEUES; at++) {
		platform.fail_bell = -EMFILE;
		platform.fail_bell_at = at;
		ck_assert_int_eq(create(_i), -EMFILE);
		ck_assert_ptr_null(device.device.host);
		fake_platform_fini(&platform);
	}
	platform.fail_bell = 0;
	device.device.n_queues = 0;
	ck_assert_int_eq(create(_i), -EINVAL);
	device.device.n_queues = VIRTIO_MAX_QUEUES + 1;
	ck_assert_int_eq(create(_i), -EINVAL);
	device.device.n_queues = FAKE_DEVICE_QUEUES;
	device.device.queue_size = 100;
	ck_assert_int_eq(create(_i), -EINVAL);
	device.device.queue_size = 2 * VIRTIO_QUEUE_SIZE_MAX;
	ck_assert_int_eq(create(_i), -EINVAL);
	device.device.queue_size = 256;
	device.device.config_len = 4096;
	ck_assert_int_eq(create(_i), -EINVAL);
	virtio_transport_destroy(NULL);
	fake_platform_fini(&platform);
	loop_fini(&loop);
}
END_TEST

/* The lowest descriptor that is free. */
static int next_fd(void)
{
	int fd = dup(STDERR_FILENO);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(close(fd), 0);
	return fd;
}

START_TEST(creation_without_descriptors)
{
	struct rlimit old, few;
	int before;

	fake_platform_init(&platform, NULL, true);
	fake_device_init(&device);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	before = next_fd();
	few = old;
	few.rlim_cur = (rlim_t)before + FAKE_DEVICE_QUEUES - 1;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	ck_assert_int_eq(create(_i), -EMFILE);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
	ck_assert_int_eq(next_fd(), before);
	begin(_i);
	end();
}
END_TEST

/* A hostile driver: every register at every size and alignment, with values
 * that mean something somewhere, while the device comes and goes. */
START_TEST(hostile_sweep)
{
	static const uint64_t values[] = {
		0,	    1,		2,	    3,
		4,	    8,		0x0b,	    0x0f,
		0x40,	    0xff,	0x100,	    0xffff,
		0x80000000, UINT32_MAX, UINT64_MAX, 0x0f0f0f0f0f0f0f0f,
	};

	begin(_i);
	for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
		for (uint64_t at = 0; at + 8 <= slot->window;
		     at += at % 0x1000 < 0x140 ? 1 : 61) {
			for (uint8_t size = 1; size <= 8; size *= 2) {
				(void)fake_read(slot, at, size);
				fake_write(slot, at, size, values[v]);
			}
		}
		guest_set_features(&guest, FEATURES);
		guest_set_status(&guest, GUEST_STATUS_RUNNING);
	}
	guest_set_status(&guest, 0);
	ck_assert_uint_eq(guest_status(&guest), 0);
	run();
	end();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("virtio_transport");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 30);
#define CASE(name) tcase_add_loop_test(tc, name, 0, VARIANTS)
	CASE(driver_starts_and_resets);
	CASE(reset_clears_registers);
	CASE(only_enabled_queues_are_enabled);
	CASE(offer_has_version_1);
	CASE(features_are_masked_by_the_offer);
	CASE(features_are_frozen_by_features_ok);
	CASE(features_may_be_taken_back);
	CASE(other_feature_words_are_empty);
	CASE(features_ok_needs_version_1);
	CASE(device_may_refuse_features);
	CASE(status_bits_are_only_added);
	CASE(driver_ok_needs_features_ok);
	CASE(everything_in_one_write);
	CASE(failed_start_needs_reset);
	CASE(bad_queue_sizes_are_ignored);
	CASE(queues_are_frozen);
	CASE(no_queue_is_enabled_late);
	CASE(queues_that_do_not_exist);
	CASE(kicks_arrive);
	CASE(early_kicks_are_stale);
	CASE(queues_interrupt);
	CASE(config_change_is_told);
	CASE(config_change_before_driver_ok_is_silent);
	CASE(generation_wraps);
	CASE(needs_reset_is_told);
	CASE(notices_during_a_start_wait_for_it);
	CASE(notices_end_with_their_life);
	CASE(configuration_is_read_and_written);
	CASE(driver_ok_waits_for_the_start);
	CASE(reset_waits_for_the_stop);
	CASE(configuration_write_waits);
	CASE(kick_during_a_start_arrives);
	CASE(held_accesses_keep_their_order);
	CASE(reset_behind_a_start_is_served_after_it);
	CASE(quick_start_among_held_accesses);
	CASE(held_accesses_are_bounded);
	CASE(machine_reset_of_an_idle_device);
	CASE(machine_reset_stops_the_device);
	CASE(machine_reset_during_a_start);
	CASE(machine_reset_inside_a_start);
	CASE(machine_reset_during_a_start_that_fails);
	CASE(machine_reset_joins_the_guests_reset);
	CASE(machine_resets_overlap);
	CASE(machine_reset_again_when_one_is_done);
	CASE(accesses_during_a_machine_reset_are_void);
	CASE(destroy_when_the_reset_is_done);
	CASE(creation_fails_cleanly);
	CASE(creation_without_descriptors);
	CASE(hostile_sweep);
#undef CASE
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	SRunner *runner = srunner_create(suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
