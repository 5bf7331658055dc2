/* SPDX-License-Identifier: MIT */
/*
 * What is special about virtio-mmio: the registers as Linux's virtio_mmio reads
 * and writes them. The rest is in test_virtio_transport.
 */
#include "base/irq.h"
#include "support/fake_device.h"
#include "support/run.h"
#include "support/virtio_guest.h"
#include "virtio/transport.h"

#include <check.h>
#include <linux/virtio_mmio.h>
#include <stdlib.h>

#define FEATURES (VIRTIO_F_VERSION_1 | FAKE_F_LOW)

static struct loop loop;
static struct fake_platform platform;
static struct fake_device device;
static struct fake_slot *slot;
static struct virtio_transport *transport;
static struct virtio_guest guest;

static void setup(void)
{
	ck_assert_int_eq(loop_init(&loop), 0);
	fake_platform_init(&platform, NULL, true);
	fake_device_init(&device);
	ck_assert_int_eq(virtio_mmio_create(&platform.platform, &loop,
					    &device.device, &transport),
			 0);
	slot = fake_platform_slot(&platform);
	virtio_guest_init(&guest, slot);
}

static void reset_cb(void *arg, int err)
{
	UNUSED(err);
	*(bool *)arg = true;
}

static void teardown(void)
{
	bool done = false;

	virtio_transport_reset(transport, reset_cb, &done);
	loop_run_once(&loop);
	ck_assert(done);
	virtio_transport_destroy(transport);
	fake_platform_fini(&platform);
	loop_fini(&loop);
}

static uint64_t reg(uint64_t offset)
{
	return fake_read(slot, offset, 4);
}

static void set_reg(uint64_t offset, uint64_t value)
{
	fake_write(slot, offset, 4, value);
}

START_TEST(identity)
{
	ck_assert_uint_eq(reg(VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
	ck_assert_uint_eq(reg(VIRTIO_MMIO_VERSION), 2);
	ck_assert_uint_eq(reg(VIRTIO_MMIO_DEVICE_ID), 1);
	ck_assert_uint_eq(reg(VIRTIO_MMIO_VENDOR_ID), 0x1af4);
}
END_TEST

START_TEST(no_shared_memory)
{
	set_reg(VIRTIO_MMIO_SHM_SEL, 0);
	ck_assert_uint_eq(reg(VIRTIO_MMIO_SHM_LEN_LOW), UINT32_MAX);
	ck_assert_uint_eq(reg(VIRTIO_MMIO_SHM_LEN_HIGH), UINT32_MAX);
}
END_TEST

START_TEST(write_only_registers_read_0)
{
	static const uint64_t registers[] = {
		VIRTIO_MMIO_DRIVER_FEATURES,
		VIRTIO_MMIO_QUEUE_NUM,
		VIRTIO_MMIO_QUEUE_NOTIFY,
		VIRTIO_MMIO_INTERRUPT_ACK,
		VIRTIO_MMIO_QUEUE_DESC_LOW,
		VIRTIO_MMIO_QUEUE_DESC_HIGH,
		VIRTIO_MMIO_QUEUE_AVAIL_LOW,
		VIRTIO_MMIO_QUEUE_USED_HIGH,
		VIRTIO_MMIO_DEVICE_FEATURES_SEL,
		0x01c,
		0x0a8,
	};

	(void)guest_negotiate(&guest, FEATURES, FAKE_DEVICE_QUEUES);
	for (size_t i = 0; i < ARRAY_SIZE(registers); i++)
		ck_assert_uint_eq(reg(registers[i]), 0);
}
END_TEST

START_TEST(control_registers_are_32_bit)
{
	static const uint8_t sizes[] = {1, 2, 8};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		fake_write(slot, VIRTIO_MMIO_STATUS, sizes[i], 1);
		ck_assert_uint_eq(guest_status(&guest), 0);
		ck_assert_uint_eq(fake_read(slot, 0, sizes[i]), 0);
	}
	fake_write(slot, VIRTIO_MMIO_STATUS - 2, 4, 0x00010000);
	ck_assert_uint_eq(guest_status(&guest), 0);
	ck_assert_uint_eq(fake_read(slot, 1, 4), 0);
}
END_TEST

/* As vm_del_vq() does, and looks. */
START_TEST(queue_ready_can_be_taken_back)
{
	(void)guest_negotiate(&guest, FEATURES, FAKE_DEVICE_QUEUES);
	set_reg(VIRTIO_MMIO_QUEUE_SEL, 1);
	ck_assert_uint_eq(reg(VIRTIO_MMIO_QUEUE_READY), 1);
	set_reg(VIRTIO_MMIO_QUEUE_READY, 0);
	ck_assert_uint_eq(reg(VIRTIO_MMIO_QUEUE_READY), 0);
	ck_assert(guest_queue_enabled(&guest, 0));
	/* Its layout may be written again. */
	set_reg(VIRTIO_MMIO_QUEUE_NUM, 16);
	set_reg(VIRTIO_MMIO_QUEUE_SEL, 1);
	set_reg(VIRTIO_MMIO_QUEUE_NUM, 32);
	guest_enable_queue(&guest, 1);
	guest_set_status(&guest, GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(device.queues[1].size, 32);
	ck_assert_uint_eq(device.queues[0].size, 128);
	/* Not while the device runs. */
	set_reg(VIRTIO_MMIO_QUEUE_SEL, 1);
	set_reg(VIRTIO_MMIO_QUEUE_READY, 0);
	ck_assert_uint_eq(reg(VIRTIO_MMIO_QUEUE_READY), 1);
}
END_TEST

START_TEST(selector_is_not_cut)
{
	set_reg(VIRTIO_MMIO_QUEUE_SEL, 0x10000);
	ck_assert_uint_eq(reg(VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	set_reg(VIRTIO_MMIO_QUEUE_SEL, UINT32_MAX);
	ck_assert_uint_eq(reg(VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	set_reg(VIRTIO_MMIO_QUEUE_SEL, 2);
	ck_assert_uint_eq(reg(VIRTIO_MMIO_QUEUE_NUM_MAX),
			  FAKE_DEVICE_QUEUE_SIZE);
}
END_TEST

START_TEST(status_is_not_cut)
{
	(void)guest_negotiate(&guest, FEATURES, FAKE_DEVICE_QUEUES);
	guest_set_status(&guest, GUEST_STATUS_RUNNING);
	set_reg(VIRTIO_MMIO_STATUS, 0x100); /* is not a reset */
	ck_assert_uint_eq(guest_status(&guest), GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(device.stops, 0);
}
END_TEST

/* As vm_interrupt(): read, acknowledge what was read. */
START_TEST(interrupts_are_acknowledged_bit_by_bit)
{
	(void)guest_negotiate(&guest, FEATURES, FAKE_DEVICE_QUEUES);
	guest_set_status(&guest, GUEST_STATUS_RUNNING);
	fake_device_interrupt(&device, 0);
	virtio_host_config_changed(device.device.host);
	ck_assert_uint_eq(reg(VIRTIO_MMIO_INTERRUPT_STATUS), 3);
	ck_assert_uint_eq(reg(VIRTIO_MMIO_INTERRUPT_STATUS), 3);
	set_reg(VIRTIO_MMIO_INTERRUPT_ACK, 1);
	ck_assert_uint_eq(reg(VIRTIO_MMIO_INTERRUPT_STATUS), 2);
	set_reg(VIRTIO_MMIO_INTERRUPT_ACK, UINT32_MAX);
	ck_assert_uint_eq(reg(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	ck_assert_uint_eq(fake_take_irqs(slot, 0), 2);
	fake_device_interrupt(&device, 1);
	guest_set_status(&guest, 0);
	ck_assert_uint_eq(reg(VIRTIO_MMIO_INTERRUPT_STATUS), 0);
}
END_TEST

START_TEST(doorbells_match_the_index)
{
	ck_assert_uint_eq(slot->n_bells, FAKE_DEVICE_QUEUES);
	for (size_t i = 0; i < slot->n_bells; i++) {
		ck_assert_uint_eq(slot->bells[i].offset, 0x50);
		ck_assert_uint_eq(slot->bells[i].len, 4);
		ck_assert(slot->bells[i].match);
		ck_assert_uint_eq(slot->bells[i].value, i);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("virtio_mmio");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, identity);
	tcase_add_test(tc, no_shared_memory);
	tcase_add_test(tc, write_only_registers_read_0);
	tcase_add_test(tc, control_registers_are_32_bit);
	tcase_add_test(tc, queue_ready_can_be_taken_back);
	tcase_add_test(tc, selector_is_not_cut);
	tcase_add_test(tc, status_is_not_cut);
	tcase_add_test(tc, interrupts_are_acknowledged_bit_by_bit);
	tcase_add_test(tc, doorbells_match_the_index);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return test_run(suite());
}
