/* SPDX-License-Identifier: MIT */
/*
 * What both virtio transports promise while a start or a stop takes time, and
 * when the machine resets in the middle of it: each case runs on PCI and on
 * MMIO, with doorbells and without.
 */
#include "base/irq.h"
#include "support/run.h"
#include "unit/virtio_rig.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

/* Starts and stops that take time. */

START_TEST(driver_ok_waits_for_the_start)
{
	struct fake_access write, read;

	rig_begin(_i);
	rig_negotiate();
	rig_device.delay = true;
	guest_begin_status(&rig_guest, &write, GUEST_STATUS_RUNNING);
	guest_begin_read_status(&rig_guest, &read);
	ck_assert(!write.done);
	ck_assert(!read.done);
	ck_assert_uint_eq(guest_read_config(&rig_guest, 0, 1), 0xa0);
	ck_assert(fake_device_finish(&rig_device));
	ck_assert(write.done);
	ck_assert(read.done);
	ck_assert_uint_eq(read.access.value, GUEST_STATUS_RUNNING);
	rig_end();
}
END_TEST

START_TEST(reset_waits_for_the_stop)
{
	struct fake_access write, read;

	rig_begin(_i);
	rig_run();
	rig_device.delay = true;
	guest_begin_status(&rig_guest, &write, 0);
	guest_begin_read_status(&rig_guest, &read);
	ck_assert_uint_eq(guest_read_config(&rig_guest, 0, 1), 0xa0);
	ck_assert(!write.done);
	ck_assert(!read.done);
	ck_assert(fake_device_finish(&rig_device));
	ck_assert(write.done);
	ck_assert(read.done);
	ck_assert_uint_eq(read.access.value, 0);
	rig_end();
}
END_TEST

/* A device is told of a write to its configuration only when it is not about to
 * start or stop; the fake device insists. */
START_TEST(configuration_write_waits)
{
	struct fake_access start, write;

	rig_begin(_i);
	rig_negotiate();
	rig_device.delay = true;
	guest_begin_status(&rig_guest, &start, GUEST_STATUS_RUNNING);
	(void)fake_access_begin(&write, rig_slot, FAKE_BAR, true,
				rig_guest.config, 1, 0x55);
	ck_assert(!write.done);
	ck_assert_uint_eq(guest_read_config(&rig_guest, 0, 1), 0xa0);
	ck_assert(fake_device_finish(&rig_device));
	ck_assert(write.done);
	ck_assert_uint_eq(guest_read_config(&rig_guest, 0, 1), 0x55);
	rig_end();
}
END_TEST

START_TEST(kick_during_a_start_arrives)
{
	struct fake_access write, kick;
	uint64_t offset;

	rig_begin(_i);
	rig_negotiate();
	rig_device.delay = true;
	guest_begin_status(&rig_guest, &write, GUEST_STATUS_RUNNING);
	offset = rig_guest.mmio
			 ? 0x50
			 : rig_guest.notify + rig_guest.notify_multiplier;
	(void)fake_access_begin(&kick, rig_slot, FAKE_BAR, true, offset, 4, 1);
	ck_assert(fake_device_finish(&rig_device));
	ck_assert(kick.done);
	ck_assert(fake_device_take_kick(&rig_device, 1));
	rig_end();
}
END_TEST

/* Accesses during a stop are served in the order in which they came, and a
 * start among them holds back those behind it. */
START_TEST(held_accesses_keep_their_order)
{
	struct fake_access reset, ack, read_ack, again, read_again;

	rig_begin(_i);
	rig_run();
	rig_device.delay = true;
	guest_begin_status(&rig_guest, &reset, 0);
	guest_begin_status(&rig_guest, &ack, 0x01);
	guest_begin_read_status(&rig_guest, &read_ack);
	guest_begin_status(&rig_guest, &again, 0);
	guest_begin_read_status(&rig_guest, &read_again);
	ck_assert_uint_eq(rig_slot->pending, 5);
	ck_assert(fake_device_finish(&rig_device));
	ck_assert(reset.done && ack.done && read_ack.done && again.done &&
		  read_again.done);
	ck_assert_uint_eq(read_ack.access.value, 0x01);
	ck_assert_uint_eq(read_again.access.value, 0);
	rig_end();
}
END_TEST

START_TEST(reset_behind_a_start_is_served_after_it)
{
	struct fake_access start, reset, read;

	rig_begin(_i);
	rig_negotiate();
	rig_device.delay = true;
	guest_begin_status(&rig_guest, &start, GUEST_STATUS_RUNNING);
	guest_begin_status(&rig_guest, &reset, 0);
	guest_begin_read_status(&rig_guest, &read);
	ck_assert(fake_device_finish(&rig_device));
	ck_assert(start.done);
	ck_assert(!reset.done);
	ck_assert_int_eq(rig_device.state, FAKE_STOPPING);
	ck_assert(fake_device_finish(&rig_device));
	ck_assert(reset.done);
	ck_assert(read.done);
	ck_assert_uint_eq(read.access.value, 0);
	rig_end();
}
END_TEST

/* A held access may start a device that answers at once: those behind it are
 * answered later than it. */
START_TEST(quick_start_among_held_accesses)
{
	struct fake_access reset, select, features, start, read;
	uint64_t select_offset, features_offset;

	rig_begin(_i);
	rig_run();
	rig_device.delay = true;
	guest_begin_status(&rig_guest, &reset, 0);
	select_offset = rig_guest.mmio ? 0x24 : rig_guest.common + 8;
	features_offset = rig_guest.mmio ? 0x20 : rig_guest.common + 12;
	(void)fake_access_begin(&select, rig_slot, FAKE_BAR, true,
				select_offset, 4, 1);
	(void)fake_access_begin(&features, rig_slot, FAKE_BAR, true,
				features_offset, 4, VIRTIO_F_VERSION_1 >> 32);
	guest_begin_status(&rig_guest, &start, GUEST_STATUS_RUNNING);
	guest_begin_read_status(&rig_guest, &read);
	rig_device.delay = false;
	ck_assert(fake_device_finish(&rig_device));
	ck_assert(read.done);
	ck_assert_uint_eq(read.access.value, GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(rig_device.starts, 2);
	ck_assert_uint_lt(reset.order, select.order);
	ck_assert_uint_lt(select.order, features.order);
	ck_assert_uint_lt(features.order, start.order);
	ck_assert_uint_lt(start.order, read.order);
	rig_end();
}
END_TEST

START_TEST(held_accesses_are_bounded)
{
	static struct fake_access held[VIRTIO_MAX_HELD];
	struct fake_access write, over, over_write;

	rig_begin(_i);
	rig_negotiate();
	rig_device.delay = true;
	guest_begin_status(&rig_guest, &write, GUEST_STATUS_RUNNING);
	for (size_t i = 0; i < VIRTIO_MAX_HELD; i++)
		guest_begin_read_status(&rig_guest, &held[i]);
	ck_assert(!held[VIRTIO_MAX_HELD - 1].done);
	guest_begin_read_status(&rig_guest, &over);
	guest_begin_status(&rig_guest, &over_write, 0);
	ck_assert(over.done);
	ck_assert(over_write.done);
	ck_assert_uint_eq(over.access.value,
			  UINT64_MAX >> (64 - 8 * over.access.size));
	ck_assert(fake_device_finish(&rig_device));
	for (size_t i = 0; i < VIRTIO_MAX_HELD; i++) {
		ck_assert(held[i].done);
		ck_assert_uint_eq(held[i].access.value, GUEST_STATUS_RUNNING);
	}
	ck_assert_int_eq(rig_device.state, FAKE_RUNNING);
	rig_end();
}
END_TEST

/* Resets of the machine. */

static void machine_reset(void)
{
	virtio_transport_reset(rig_transport, rig_reset_cb, NULL);
}

START_TEST(machine_reset_of_an_idle_device)
{
	rig_begin(_i);
	rig_negotiate();
	machine_reset();
	ck_assert_uint_eq(rig_resets_done, 0); /* from the rig_loop, later */
	loop_run_once(&rig_loop);
	ck_assert_uint_eq(rig_resets_done, 1);
	ck_assert_int_eq(rig_reset_err, 0);
	ck_assert_uint_eq(guest_status(&rig_guest), 0);
	ck_assert(!guest_queue_enabled(&rig_guest, 0));
	rig_end();
}
END_TEST

START_TEST(machine_reset_stops_the_device)
{
	rig_begin(_i);
	rig_run();
	rig_device.delay = true;
	machine_reset();
	loop_run_once(&rig_loop);
	ck_assert_uint_eq(rig_resets_done, 0);
	ck_assert(fake_device_finish(&rig_device));
	loop_run_once(&rig_loop);
	ck_assert_uint_eq(rig_resets_done, 1);
	ck_assert_uint_eq(guest_status(&rig_guest), 0);
	rig_device.delay = false;
	rig_run();
	rig_end();
}
END_TEST

START_TEST(machine_reset_during_a_start)
{
	struct fake_access write, read;

	rig_begin(_i);
	rig_negotiate();
	rig_device.delay = true;
	guest_begin_status(&rig_guest, &write, GUEST_STATUS_RUNNING);
	guest_begin_read_status(&rig_guest, &read);
	machine_reset();
	ck_assert(write.done); /* no vCPU is stuck */
	ck_assert(read.done);
	ck_assert(fake_device_finish(&rig_device)); /* the start */
	ck_assert_int_eq(rig_device.state, FAKE_STOPPING);
	loop_run_once(&rig_loop);
	ck_assert_uint_eq(rig_resets_done, 0);
	ck_assert(fake_device_finish(&rig_device)); /* the stop */
	loop_run_once(&rig_loop);
	ck_assert_uint_eq(rig_resets_done, 1);
	ck_assert_uint_eq(guest_status(&rig_guest), 0);
	rig_end();
}
END_TEST

/* The device itself may bring the machine down. */
START_TEST(machine_reset_inside_a_start)
{
	struct fake_access write;

	rig_begin(_i);
	rig_negotiate();
	rig_device.delay = true;
	rig_device.on_start = machine_reset;
	guest_begin_status(&rig_guest, &write, GUEST_STATUS_RUNNING);
	rig_device.on_start = NULL;
	ck_assert(write.done);
	ck_assert(fake_device_finish(&rig_device)); /* the start */
	ck_assert(fake_device_finish(&rig_device)); /* the stop */
	loop_run_once(&rig_loop);
	ck_assert_uint_eq(rig_resets_done, 1);
	ck_assert_uint_eq(guest_status(&rig_guest), 0);
	rig_end();
}
END_TEST

START_TEST(machine_reset_during_a_start_that_fails)
{
	struct fake_access write;

	rig_begin(_i);
	rig_negotiate();
	rig_device.delay = true;
	rig_device.start_err = -EIO;
	guest_begin_status(&rig_guest, &write, GUEST_STATUS_RUNNING);
	machine_reset();
	ck_assert(fake_device_finish(&rig_device));
	ck_assert_int_eq(rig_device.state, FAKE_STOPPED);
	loop_run_once(&rig_loop);
	ck_assert_uint_eq(rig_resets_done, 1);
	ck_assert_uint_eq(guest_status(&rig_guest), 0);
	rig_end();
}
END_TEST

START_TEST(machine_reset_joins_the_guests_reset)
{
	struct fake_access write, start;

	rig_begin(_i);
	rig_run();
	rig_device.delay = true;
	guest_begin_status(&rig_guest, &write, 0);
	guest_begin_status(&rig_guest, &start, GUEST_STATUS_RUNNING);
	machine_reset();
	ck_assert(write.done);
	ck_assert(start.done);
	ck_assert(fake_device_finish(&rig_device));
	ck_assert(!fake_device_finish(&rig_device));
	loop_run_once(&rig_loop);
	ck_assert_uint_eq(rig_resets_done, 1);
	ck_assert_uint_eq(rig_device.stops, 1);
	rig_end();
}
END_TEST

START_TEST(machine_resets_overlap)
{
	rig_begin(_i);
	rig_run();
	rig_device.delay = true;
	machine_reset();
	machine_reset();
	ck_assert(fake_device_finish(&rig_device));
	machine_reset();
	ck_assert_uint_eq(rig_resets_done, 0);
	loop_run_once(&rig_loop);
	ck_assert_uint_eq(rig_resets_done, 3);
	ck_assert_uint_eq(rig_device.stops, 1);
	for (unsigned int i = 0; i < VIRTIO_MAX_RESETS; i++)
		machine_reset();
	ck_assert_int_eq(rig_reset_err, 0);
	machine_reset();
	ck_assert_int_eq(rig_reset_err, -EBUSY);
	loop_run_once(&rig_loop);
	ck_assert_uint_eq(rig_resets_done, 3 + VIRTIO_MAX_RESETS + 1);
	rig_end();
}
END_TEST

static void again_cb(void *arg, int err)
{
	UNUSED(arg);
	ck_assert_int_eq(err, 0);
	rig_resets_done++;
	machine_reset();
}

START_TEST(machine_reset_again_when_one_is_done)
{
	rig_begin(_i);
	rig_run();
	virtio_transport_reset(rig_transport, again_cb, NULL);
	loop_run_once(&rig_loop);
	loop_run_once(&rig_loop);
	ck_assert_uint_eq(rig_resets_done, 2);
	ck_assert_uint_eq(rig_device.stops, 1);
	rig_run();
	rig_end();
}
END_TEST

START_TEST(accesses_during_a_machine_reset_are_void)
{
	rig_begin(_i);
	rig_run();
	rig_device.delay = true;
	machine_reset();
	ck_assert_uint_eq(guest_status(&rig_guest), 0xff);
	ck_assert_uint_eq(guest_read_config(&rig_guest, 0, 2), 0xffff);
	guest_write_config(&rig_guest, 0, 1, 0);
	guest_set_status(&rig_guest, 0);
	guest_negotiate(&rig_guest, FEATURES, FAKE_DEVICE_QUEUES);
	guest_set_status(&rig_guest, GUEST_STATUS_RUNNING);
	ck_assert(fake_device_finish(&rig_device));
	guest_negotiate(&rig_guest, FEATURES, FAKE_DEVICE_QUEUES);
	loop_run_once(&rig_loop);
	ck_assert_uint_eq(rig_resets_done, 1);
	ck_assert_uint_eq(guest_status(&rig_guest), 0);
	ck_assert_uint_eq(guest_read_config(&rig_guest, 0, 1), 0xa0);
	ck_assert_int_eq(rig_device.state, FAKE_STOPPED);
	rig_end();
}
END_TEST

static void destroy_cb(void *arg, int err)
{
	UNUSED(arg);
	UNUSED(err);
	rig_resets_done++;
	virtio_transport_destroy(rig_transport);
}

START_TEST(destroy_when_the_reset_is_done)
{
	struct fake_access write;

	rig_begin(_i);
	rig_negotiate();
	rig_device.delay = true;
	guest_begin_status(&rig_guest, &write, GUEST_STATUS_RUNNING);
	virtio_transport_reset(rig_transport, destroy_cb, NULL);
	ck_assert(fake_device_finish(&rig_device));
	ck_assert(fake_device_finish(&rig_device));
	loop_run_once(&rig_loop);
	ck_assert_uint_eq(rig_resets_done, 1);
	fake_platform_fini(&rig_platform);
	loop_fini(&rig_loop);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("virtio_lives");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, rig_setup, NULL);
	tcase_set_timeout(tc, 30);
#define CASE(name) tcase_add_loop_test(tc, name, 0, RIG_VARIANTS)
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
#undef CASE
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return test_run(suite());
}
