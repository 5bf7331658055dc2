/* SPDX-License-Identifier: MIT */
/*
 * What both virtio transports promise, over a fake device and a fake platform:
 * each case runs on PCI and on MMIO, with doorbells and without.
 */
#include "base/irq.h"
#include "support/run.h"
#include "unit/virtio_rig.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* The honest way. */

START_TEST(driver_starts_and_resets)
{
	rig_begin(_i);
	for (unsigned int life = 1; life <= 3; life++) {
		rig_run();
		ck_assert_uint_eq(rig_device.starts, life);
		ck_assert_uint_eq(rig_device.start.features, FEATURES);
		ck_assert_uint_eq(rig_device.start.n_queues,
				  FAKE_DEVICE_QUEUES);
		for (uint16_t i = 0; i < FAKE_DEVICE_QUEUES; i++) {
			struct guest_queue want = guest_default_queue(i);

			ck_assert(rig_device.queues[i].enabled);
			ck_assert_uint_eq(rig_device.queues[i].size, want.size);
			ck_assert_uint_eq(rig_device.queues[i].desc, want.desc);
			ck_assert_uint_eq(rig_device.queues[i].avail,
					  want.avail);
			ck_assert_uint_eq(rig_device.queues[i].used, want.used);
			ck_assert_int_ge(rig_device.queues[i].kick_fd, 0);
		}
		guest_set_status(&rig_guest, 0);
		ck_assert_uint_eq(guest_status(&rig_guest), 0);
		ck_assert_uint_eq(rig_device.stops, life);
		ck_assert_int_eq(rig_device.state, FAKE_STOPPED);
	}
	rig_end();
}
END_TEST

START_TEST(reset_clears_registers)
{
	rig_begin(_i);
	rig_run();
	guest_set_status(&rig_guest, 0);
	for (uint16_t i = 0; i < FAKE_DEVICE_QUEUES; i++) {
		ck_assert(!guest_queue_enabled(&rig_guest, i));
		ck_assert_uint_eq(guest_queue_size(&rig_guest, i),
				  FAKE_DEVICE_QUEUE_SIZE);
	}
	/* Nothing of the old life is left: no features, no queue. */
	guest_set_status(&rig_guest, GUEST_STATUS_NEGOTIATED);
	ck_assert_uint_eq(guest_status(&rig_guest), 0x03);
	guest_set_features(&rig_guest, VIRTIO_F_VERSION_1);
	guest_set_status(&rig_guest, GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(rig_device.starts, 2);
	ck_assert_uint_eq(rig_device.start.features, VIRTIO_F_VERSION_1);
	for (uint16_t i = 0; i < FAKE_DEVICE_QUEUES; i++) {
		ck_assert(!rig_device.queues[i].enabled);
		ck_assert_uint_eq(rig_device.queues[i].desc, 0);
		ck_assert_uint_eq(rig_device.queues[i].size,
				  FAKE_DEVICE_QUEUE_SIZE);
	}
	rig_end();
}
END_TEST

START_TEST(only_enabled_queues_are_enabled)
{
	rig_begin(_i);
	guest_negotiate(&rig_guest, FEATURES, 1);
	guest_set_status(&rig_guest, GUEST_STATUS_RUNNING);
	ck_assert(rig_device.queues[0].enabled);
	ck_assert(!rig_device.queues[1].enabled);
	ck_assert(!rig_device.queues[2].enabled);
	rig_end();
}
END_TEST

/* Features. */

START_TEST(offer_has_version_1)
{
	rig_begin(_i);
	ck_assert_uint_eq(guest_offer(&rig_guest),
			  rig_device.offer | VIRTIO_F_VERSION_1);
	rig_end();
}
END_TEST

START_TEST(features_are_masked_by_the_offer)
{
	rig_begin(_i);
	guest_negotiate(&rig_guest, ~0ULL, 0);
	ck_assert_uint_eq(guest_status(&rig_guest), GUEST_STATUS_NEGOTIATED);
	guest_set_status(&rig_guest, GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(rig_device.start.features,
			  rig_device.offer | VIRTIO_F_VERSION_1);
	rig_end();
}
END_TEST

START_TEST(features_are_frozen_by_features_ok)
{
	rig_begin(_i);
	rig_negotiate();
	guest_set_features(&rig_guest, VIRTIO_F_VERSION_1);
	guest_set_status(&rig_guest, GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(rig_device.start.features, FEATURES);
	rig_end();
}
END_TEST

START_TEST(features_may_be_taken_back)
{
	rig_begin(_i);
	guest_set_features(&rig_guest, ~0ULL);
	guest_set_features(&rig_guest, FEATURES);
	guest_set_status(&rig_guest, GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(rig_device.start.features, FEATURES);
	rig_end();
}
END_TEST

/* There are two words of features. */
START_TEST(other_feature_words_are_empty)
{
	static const uint32_t words[] = {2, 3, 32, 0x80000000, UINT32_MAX};
	uint64_t base, offer_sel, offer, driver_sel, driver;

	rig_begin(_i);
	base = rig_guest.common;
	offer_sel = rig_guest.mmio ? 0x14 : base;
	offer = rig_guest.mmio ? 0x10 : base + 4;
	driver_sel = rig_guest.mmio ? 0x24 : base + 8;
	driver = rig_guest.mmio ? 0x20 : base + 12;
	guest_set_features(&rig_guest, VIRTIO_F_VERSION_1);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		fake_write(rig_slot, offer_sel, 4, words[i]);
		ck_assert_uint_eq(fake_read(rig_slot, offer, 4), 0);
		fake_write(rig_slot, driver_sel, 4, words[i]);
		fake_write(rig_slot, driver, 4, UINT32_MAX);
	}
	guest_set_status(&rig_guest, GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(rig_device.start.features, VIRTIO_F_VERSION_1);
	guest_set_status(&rig_guest, 0);
	ck_assert_uint_eq(fake_read(rig_slot, offer, 4),
			  (uint32_t)rig_device.offer);
	rig_end();
}
END_TEST

START_TEST(features_ok_needs_version_1)
{
	rig_begin(_i);
	ck_assert_uint_eq(guest_negotiate(&rig_guest, FAKE_F_LOW, 0), 0x03);
	guest_set_status(&rig_guest, GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(guest_status(&rig_guest), 0x03);
	ck_assert_uint_eq(rig_device.starts, 0);
	/* The driver may choose again. */
	guest_set_features(&rig_guest, FEATURES);
	guest_set_status(&rig_guest, GUEST_STATUS_NEGOTIATED);
	ck_assert_uint_eq(guest_status(&rig_guest), GUEST_STATUS_NEGOTIATED);
	rig_end();
}
END_TEST

START_TEST(device_may_refuse_features)
{
	rig_begin(_i);
	rig_device.refused = FAKE_F_HIGH;
	ck_assert_uint_eq(guest_negotiate(&rig_guest, FEATURES, 0), 0x03);
	ck_assert_uint_eq(guest_negotiate(&rig_guest, VIRTIO_F_VERSION_1, 0),
			  GUEST_STATUS_NEGOTIATED);
	rig_end();
}
END_TEST

/* Status. */

START_TEST(status_bits_are_only_added)
{
	rig_begin(_i);
	guest_set_status(&rig_guest, 0x01);
	guest_set_status(&rig_guest, 0x02);
	ck_assert_uint_eq(guest_status(&rig_guest), 0x03);
	guest_set_status(&rig_guest, 0x80);
	ck_assert_uint_eq(guest_status(&rig_guest), 0x83);
	guest_set_status(&rig_guest, 0x70); /* the device's bit, and no bits */
	ck_assert_uint_eq(guest_status(&rig_guest), 0x83);
	rig_end();
}
END_TEST

START_TEST(driver_ok_needs_features_ok)
{
	rig_begin(_i);
	guest_set_features(&rig_guest, FEATURES);
	guest_set_status(&rig_guest, 0x07);
	ck_assert_uint_eq(guest_status(&rig_guest), 0x03);
	ck_assert_uint_eq(rig_device.starts, 0);
	guest_set_status(&rig_guest, GUEST_STATUS_NEGOTIATED);
	guest_set_status(&rig_guest, 0x04);
	ck_assert_uint_eq(guest_status(&rig_guest), GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(rig_device.starts, 1);
	/* Again is not another start. */
	guest_set_status(&rig_guest, GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(rig_device.starts, 1);
	rig_end();
}
END_TEST

START_TEST(everything_in_one_write)
{
	rig_begin(_i);
	guest_set_features(&rig_guest, FEATURES);
	guest_set_status(&rig_guest, GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(guest_status(&rig_guest), GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(rig_device.starts, 1);
	rig_end();
}
END_TEST

START_TEST(failed_start_needs_reset)
{
	rig_begin(_i);
	rig_device.start_err = -ENOMEM;
	rig_negotiate();
	guest_set_status(&rig_guest, GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(guest_status(&rig_guest),
			  GUEST_STATUS_RUNNING | 0x40);
	ck_assert_uint_eq(
		fake_take_irqs(rig_slot, guest_config_vector(&rig_guest)), 1);
	ck_assert_uint_eq(guest_take_isr(&rig_guest), VIRTIO_ISR_CONFIG);
	rig_device.start_err = 0;
	rig_run();
	ck_assert_uint_eq(rig_device.stops, 0); /* it did not run */
	rig_end();
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

	rig_begin(_i);
	guest_negotiate(&rig_guest, FEATURES, 0);
	queue.size = 64;
	guest_lay_queue(&rig_guest, 0, &queue);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		queue.size = bad[i];
		guest_lay_queue(&rig_guest, 0, &queue);
	}
	guest_enable_queue(&rig_guest, 0);
	guest_set_status(&rig_guest, GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(rig_device.queues[0].size, 64);
	rig_end();
}
END_TEST

/* Where nothing may change any more: an enabled queue, a running device. */
static void lay_out_anew(void)
{
	struct guest_queue queue = {.size = 16, .desc = 1, .avail = 2};

	for (uint16_t i = 0; i < FAKE_DEVICE_QUEUES; i++)
		guest_lay_queue(&rig_guest, i, &queue);
}

START_TEST(queues_are_frozen)
{
	rig_begin(_i);
	rig_negotiate();
	lay_out_anew();
	guest_set_status(&rig_guest, GUEST_STATUS_RUNNING);
	for (uint16_t i = 0; i < FAKE_DEVICE_QUEUES; i++) {
		struct guest_queue want = guest_default_queue(i);

		ck_assert_uint_eq(rig_device.queues[i].size, want.size);
		ck_assert_uint_eq(rig_device.queues[i].desc, want.desc);
		ck_assert_uint_eq(rig_device.queues[i].used, want.used);
	}
	lay_out_anew();
	ck_assert(guest_queue_enabled(&rig_guest, 0));
	rig_end();
}
END_TEST

START_TEST(no_queue_is_enabled_late)
{
	rig_begin(_i);
	guest_negotiate(&rig_guest, FEATURES, 1);
	guest_set_status(&rig_guest, GUEST_STATUS_RUNNING);
	lay_out_anew();
	guest_enable_queue(&rig_guest, 1);
	ck_assert(!guest_queue_enabled(&rig_guest, 1));
	ck_assert_uint_eq(guest_queue_size(&rig_guest, 1),
			  FAKE_DEVICE_QUEUE_SIZE);
	rig_end();
}
END_TEST

START_TEST(queues_that_do_not_exist)
{
	static const uint16_t none[] = {FAKE_DEVICE_QUEUES, 64, 0x7fff, 0xffff};
	struct guest_queue queue = guest_default_queue(0);

	rig_begin(_i);
	guest_negotiate(&rig_guest, FEATURES, 0);
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		ck_assert_uint_eq(guest_queue_size(&rig_guest, none[i]), 0);
		guest_lay_queue(&rig_guest, none[i], &queue);
		guest_enable_queue(&rig_guest, none[i]);
		ck_assert(!guest_queue_enabled(&rig_guest, none[i]));
		if (rig_guest.mmio)
			guest_kick(&rig_guest, none[i]);
	}
	guest_set_status(&rig_guest, GUEST_STATUS_RUNNING);
	for (unsigned int i = 0; i < FAKE_DEVICE_QUEUES; i++)
		ck_assert(!fake_device_take_kick(&rig_device, i));
	rig_end();
}
END_TEST

/* Kicks and interrupts. */

START_TEST(kicks_arrive)
{
	rig_begin(_i);
	rig_run();
	for (uint16_t i = 0; i < FAKE_DEVICE_QUEUES; i++) {
		guest_kick(&rig_guest, i);
		for (uint16_t j = 0; j < FAKE_DEVICE_QUEUES; j++)
			ck_assert_int_eq(fake_device_take_kick(&rig_device, j),
					 i == j);
	}
	ck_assert_uint_eq(rig_slot->bell_rings,
			  rig_platform.has_bells ? FAKE_DEVICE_QUEUES : 0);
	rig_end();
}
END_TEST

START_TEST(early_kicks_are_stale)
{
	rig_begin(_i);
	guest_kick(&rig_guest, 0);
	rig_negotiate();
	guest_kick(&rig_guest, 1);
	guest_set_status(&rig_guest, GUEST_STATUS_RUNNING);
	for (unsigned int i = 0; i < FAKE_DEVICE_QUEUES; i++)
		ck_assert(!fake_device_take_kick(&rig_device, i));
	rig_end();
}
END_TEST

START_TEST(queues_interrupt)
{
	rig_begin(_i);
	rig_run();
	for (uint16_t i = 0; i < FAKE_DEVICE_QUEUES; i++) {
		fake_device_interrupt(&rig_device, i);
		ck_assert_uint_eq(
			fake_take_irqs(rig_slot,
				       guest_queue_vector(&rig_guest, i)),
			1);
		ck_assert_uint_eq(guest_take_isr(&rig_guest),
				  rig_guest.mmio ? VIRTIO_ISR_QUEUE : 0);
	}
	ck_assert_uint_eq(guest_take_isr(&rig_guest), 0);
	rig_end();
}
END_TEST

/* What the device tells. */

START_TEST(config_change_is_told)
{
	uint32_t before;

	rig_begin(_i);
	rig_run();
	before = guest_generation(&rig_guest);
	virtio_host_config_changed(rig_device.device.host);
	ck_assert_uint_ne(guest_generation(&rig_guest), before);
	ck_assert_uint_eq(
		fake_take_irqs(rig_slot, guest_config_vector(&rig_guest)), 1);
	ck_assert_uint_eq(guest_take_isr(&rig_guest), VIRTIO_ISR_CONFIG);
	ck_assert_uint_eq(guest_take_isr(&rig_guest), 0);
	rig_end();
}
END_TEST

START_TEST(config_change_before_driver_ok_is_silent)
{
	uint32_t before;

	rig_begin(_i);
	rig_negotiate();
	before = guest_generation(&rig_guest);
	virtio_host_config_changed(rig_device.device.host);
	ck_assert_uint_ne(guest_generation(&rig_guest), before);
	ck_assert_uint_eq(
		fake_take_irqs(rig_slot, guest_config_vector(&rig_guest)), 0);
	ck_assert_uint_eq(guest_take_isr(&rig_guest), 0);
	rig_end();
}
END_TEST

START_TEST(generation_wraps)
{
	rig_begin(_i);
	for (unsigned int i = 0; i < 300; i++) {
		uint32_t before = guest_generation(&rig_guest);

		virtio_host_config_changed(rig_device.device.host);
		ck_assert_uint_ne(guest_generation(&rig_guest), before);
	}
	rig_end();
}
END_TEST

START_TEST(needs_reset_is_told)
{
	rig_begin(_i);
	rig_run();
	virtio_host_needs_reset(rig_device.device.host);
	ck_assert_uint_eq(guest_status(&rig_guest),
			  GUEST_STATUS_RUNNING | 0x40);
	ck_assert_uint_eq(
		fake_take_irqs(rig_slot, guest_config_vector(&rig_guest)), 1);
	guest_set_status(&rig_guest, 0);
	ck_assert_uint_eq(guest_status(&rig_guest), 0);
	virtio_host_needs_reset(rig_device.device.host); /* too late */
	ck_assert_uint_eq(guest_status(&rig_guest), 0);
	ck_assert_uint_eq(
		fake_take_irqs(rig_slot, guest_config_vector(&rig_guest)), 0);
	rig_end();
}
END_TEST

START_TEST(notices_during_a_start_wait_for_it)
{
	struct fake_access write;

	rig_begin(_i);
	rig_negotiate();
	rig_device.delay = true;
	guest_begin_status(&rig_guest, &write, GUEST_STATUS_RUNNING);
	virtio_host_config_changed(rig_device.device.host);
	virtio_host_needs_reset(rig_device.device.host);
	ck_assert_uint_eq(
		fake_take_irqs(rig_slot, guest_config_vector(&rig_guest)), 0);
	ck_assert(fake_device_finish(&rig_device));
	ck_assert(write.done);
	ck_assert_uint_eq(guest_status(&rig_guest),
			  GUEST_STATUS_RUNNING | 0x40);
	ck_assert_uint_eq(
		fake_take_irqs(rig_slot, guest_config_vector(&rig_guest)), 1);
	rig_end();
}
END_TEST

/* A notice of a life that a reset ended is not told to the next. */
START_TEST(notices_end_with_their_life)
{
	struct fake_access write;

	rig_begin(_i);
	rig_negotiate();
	rig_device.delay = true;
	guest_begin_status(&rig_guest, &write, GUEST_STATUS_RUNNING);
	virtio_host_config_changed(rig_device.device.host);
	virtio_transport_reset(rig_transport, rig_reset_cb, NULL);
	ck_assert(fake_device_finish(&rig_device)); /* the start */
	virtio_host_config_changed(rig_device.device.host);
	virtio_host_needs_reset(rig_device.device.host);
	ck_assert(fake_device_finish(&rig_device)); /* the stop */
	loop_run_once(&rig_loop);
	rig_device.delay = false;
	rig_run();
	ck_assert_uint_eq(
		fake_take_irqs(rig_slot, guest_config_vector(&rig_guest)), 0);
	ck_assert_uint_eq(guest_take_isr(&rig_guest), 0);
	rig_end();
}
END_TEST

/* Device configuration. */

START_TEST(configuration_is_read_and_written)
{
	rig_begin(_i);
	ck_assert_uint_eq(guest_read_config(&rig_guest, 0, 1), 0xa0);
	ck_assert_uint_eq(guest_read_config(&rig_guest, 2, 2), 0xa3a2);
	ck_assert_uint_eq(guest_read_config(&rig_guest, 1, 4), 0xa4a3a2a1);
	ck_assert_uint_eq(guest_read_config(&rig_guest, 8, 8),
			  0xafaeadacabaaa9a8);
	guest_write_config(&rig_guest, 4, 2, 0x1234);
	ck_assert_uint_eq(guest_read_config(&rig_guest, 3, 4), 0xa61234a3);
	/* Across the end, and beyond. */
	ck_assert_uint_eq(guest_read_config(&rig_guest, 22, 4), 0xb7b6);
	guest_write_config(&rig_guest, 23, 8, 0x1122334455667788);
	ck_assert_uint_eq(guest_read_config(&rig_guest, 22, 4), 0x88b6);
	ck_assert_uint_eq(guest_read_config(&rig_guest, 24, 4), 0);
	guest_write_config(&rig_guest, 0x800, 8, ~0ULL);
	ck_assert_uint_eq(guest_read_config(&rig_guest, 0x800, 8), 0);
	rig_end();
}
END_TEST

/* Creation. */

START_TEST(creation_fails_cleanly)
{
	fake_platform_init(&rig_platform, NULL, true);
	fake_device_init(&rig_device);
	rig_platform.fail_plug = -ENOSPC;
	ck_assert_int_eq(rig_create(_i), -ENOSPC);
	rig_platform.fail_plug = 0;
	for (size_t at = 0; at < FAKE_DEVICE_QUEUES; at++) {
		rig_platform.fail_bell = -EMFILE;
		rig_platform.fail_bell_at = at;
		ck_assert_int_eq(rig_create(_i), -EMFILE);
		ck_assert_ptr_null(rig_device.device.host);
		fake_platform_fini(&rig_platform);
	}
	rig_platform.fail_bell = 0;
	rig_device.device.n_queues = 0;
	ck_assert_int_eq(rig_create(_i), -EINVAL);
	rig_device.device.n_queues = VIRTIO_MAX_QUEUES + 1;
	ck_assert_int_eq(rig_create(_i), -EINVAL);
	rig_device.device.n_queues = FAKE_DEVICE_QUEUES;
	rig_device.device.queue_size = 100;
	ck_assert_int_eq(rig_create(_i), -EINVAL);
	rig_device.device.queue_size = 2 * VIRTIO_QUEUE_SIZE_MAX;
	ck_assert_int_eq(rig_create(_i), -EINVAL);
	rig_device.device.queue_size = 256;
	rig_device.device.config_len = 4096;
	ck_assert_int_eq(rig_create(_i), -EINVAL);
	virtio_transport_destroy(NULL);
	fake_platform_fini(&rig_platform);
	loop_fini(&rig_loop);
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

	fake_platform_init(&rig_platform, NULL, true);
	fake_device_init(&rig_device);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	before = next_fd();
	few = old;
	few.rlim_cur = (rlim_t)before + FAKE_DEVICE_QUEUES - 1;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	ck_assert_int_eq(rig_create(_i), -EMFILE);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
	ck_assert_int_eq(next_fd(), before);
	rig_begin(_i);
	rig_end();
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

	rig_begin(_i);
	for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
		for (uint64_t at = 0; at + 8 <= rig_slot->window;
		     at += at % 0x1000 < 0x140 ? 1 : 61) {
			for (uint8_t size = 1; size <= 8; size *= 2) {
				(void)fake_read(rig_slot, at, size);
				fake_write(rig_slot, at, size, values[v]);
			}
		}
		guest_set_features(&rig_guest, FEATURES);
		guest_set_status(&rig_guest, GUEST_STATUS_RUNNING);
	}
	guest_set_status(&rig_guest, 0);
	ck_assert_uint_eq(guest_status(&rig_guest), 0);
	rig_run();
	rig_end();
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("virtio_transport");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, rig_setup, NULL);
	tcase_set_timeout(tc, 30);
#define CASE(name) tcase_add_loop_test(tc, name, 0, RIG_VARIANTS)
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
	CASE(creation_fails_cleanly);
	CASE(creation_without_descriptors);
	CASE(hostile_sweep);
#undef CASE
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return test_run(suite());
}
