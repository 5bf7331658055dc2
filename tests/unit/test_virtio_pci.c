/* SPDX-License-Identifier: MIT */
/*
 * What is special about virtio-pci: what Linux's virtio_pci checks before it
 * takes a function, the common configuration register by register, vectors and
 * the configuration window. The rest is in test_virtio_transport.
 */
#include "base/bytes.h"
#include "base/irq.h"
#include "support/fake_device.h"
#include "support/run.h"
#include "support/virtio_guest.h"
#include "virtio/pci.h"
#include "virtio/transport.h"

#include <check.h>
#include <linux/virtio_pci.h>
#include <stdlib.h>
#include <string.h>

#define FEATURES (VIRTIO_F_VERSION_1 | FAKE_F_LOW)
#define VECTORS	 (FAKE_DEVICE_QUEUES + 1)

static struct loop loop;
static struct fake_platform platform;
static struct fake_device device;
static struct fake_slot *slot;
static struct virtio_transport *transport;
static struct virtio_guest guest;

static void plug(void)
{
	ck_assert_int_eq(virtio_pci_create(&platform.platform, &loop,
					   &device.device, &transport),
			 0);
	slot = fake_platform_slot(&platform);
	virtio_guest_init(&guest, slot);
}

static void setup(void)
{
	ck_assert_int_eq(loop_init(&loop), 0);
	fake_platform_init(&platform, NULL, true);
	fake_device_init(&device);
	plug();
}

static void reset_cb(void *arg, int err)
{
	UNUSED(err);
	*(bool *)arg = true;
}

static void machine_reset(void)
{
	bool done = false;

	virtio_transport_reset(transport, reset_cb, &done);
	loop_run_once(&loop);
	ck_assert(done);
}

static void teardown(void)
{
	machine_reset();
	virtio_transport_destroy(transport);
	fake_platform_fini(&platform);
	loop_fini(&loop);
}

static uint64_t reg(uint64_t offset, uint8_t size)
{
	return fake_read(slot, guest.common + offset, size);
}

static void set_reg(uint64_t offset, uint8_t size, uint64_t value)
{
	fake_write(slot, guest.common + offset, size, value);
}

START_TEST(identity)
{
	const struct platform_pci_function *function = &slot->function;

	ck_assert_uint_eq(function->vendor_id, 0x1af4);
	ck_assert_uint_eq(function->device_id, 0x1041);
	ck_assert_uint_ge(function->revision, 1);
	ck_assert_uint_eq(function->class_code, 0x020000);
	ck_assert_uint_eq(function->vectors, VECTORS);
	ck_assert_str_eq(function->name, "fake0");
}
END_TEST

/* As vp_modern_probe() and vp_modern_map_capability() look at them. */
START_TEST(capabilities_pass_linux_checks)
{
	unsigned int seen = 0;

	for (size_t i = 0; i < slot->function.n_caps; i++) {
		const struct platform_pci_cap *cap = &slot->cap[i];
		uint8_t type = cap->bytes[VIRTIO_PCI_CAP_CFG_TYPE];
		uint64_t offset = load_le32(cap->bytes + VIRTIO_PCI_CAP_OFFSET);
		uint64_t len = load_le32(cap->bytes + VIRTIO_PCI_CAP_LENGTH);

		ck_assert_uint_eq(cap->bytes[VIRTIO_PCI_CAP_VNDR], 0x09);
		ck_assert_uint_eq(cap->bytes[VIRTIO_PCI_CAP_LEN], cap->len);
		ck_assert_uint_eq(cap->bytes[VIRTIO_PCI_CAP_BAR], 0);
		ck_assert_uint_eq(cap->live, type == VIRTIO_PCI_CAP_PCI_CFG);
		ck_assert_uint_eq(offset % 4, 0);
		ck_assert_uint_le(offset + len, slot->window);
		if (type != VIRTIO_PCI_CAP_PCI_CFG)
			ck_assert_uint_gt(len, 0);
		seen |= 1U << type;
	}
	ck_assert_uint_eq(seen, 0x3e); /* types 1 to 5 */
	/* Newer drivers look for queue_reset at the end. */
	ck_assert_uint_ge(guest.common_len, 60);
	ck_assert_uint_eq(guest.config_len, FAKE_DEVICE_CONFIG_LEN);
	ck_assert_uint_eq(guest.notify_multiplier, 4);
	ck_assert_uint_ge(guest.notify_len, 4 * FAKE_DEVICE_QUEUES);
}
END_TEST

START_TEST(blocks_do_not_overlap)
{
	struct {
		uint64_t from, len;
	} blocks[] = {
		{guest.common, guest.common_len},
		{guest.notify, guest.notify_len},
		{guest.isr, 1},
		{guest.config, guest.config_len},
	};

	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
		for (size_t j = 0; j < i; j++)
			ck_assert(blocks[i].from + blocks[i].len <=
					  blocks[j].from ||
				  blocks[j].from + blocks[j].len <=
					  blocks[i].from);
	}
}
END_TEST

START_TEST(no_configuration_no_capability)
{
	teardown();
	ck_assert_int_eq(loop_init(&loop), 0);
	device.device.config_len = 0;
	plug();
	for (size_t i = 0; i < slot->function.n_caps; i++)
		ck_assert_uint_ne(slot->cap[i].bytes[VIRTIO_PCI_CAP_CFG_TYPE],
				  VIRTIO_PCI_CAP_DEVICE_CFG);
	ck_assert_uint_eq(slot->function.n_caps, 4);
}
END_TEST

START_TEST(values_after_reset)
{
	static const struct {
		uint64_t offset;
		uint8_t size;
		uint64_t value;
	} want[] = {
		{VIRTIO_PCI_COMMON_DFSELECT, 4, 0},
		{VIRTIO_PCI_COMMON_GFSELECT, 4, 0},
		{VIRTIO_PCI_COMMON_GF, 4, 0},
		{VIRTIO_PCI_COMMON_MSIX, 2, 0xffff},
		{VIRTIO_PCI_COMMON_NUMQ, 2, FAKE_DEVICE_QUEUES},
		{VIRTIO_PCI_COMMON_STATUS, 1, 0},
		{VIRTIO_PCI_COMMON_Q_SELECT, 2, 0},
		{VIRTIO_PCI_COMMON_Q_SIZE, 2, FAKE_DEVICE_QUEUE_SIZE},
		{VIRTIO_PCI_COMMON_Q_MSIX, 2, 0xffff},
		{VIRTIO_PCI_COMMON_Q_ENABLE, 2, 0},
		{VIRTIO_PCI_COMMON_Q_NOFF, 2, 0},
		{VIRTIO_PCI_COMMON_Q_DESCLO, 8, 0},
		{VIRTIO_PCI_COMMON_Q_AVAILLO, 8, 0},
		{VIRTIO_PCI_COMMON_Q_USEDLO, 8, 0},
		{VIRTIO_PCI_COMMON_Q_RESET, 2, 0},
	};

	for (int life = 0; life < 2; life++) {
		for (size_t i = 0; i < ARRAY_SIZE(want); i++)
			ck_assert_uint_eq(reg(want[i].offset, want[i].size),
					  want[i].value);
		(void)guest_negotiate(&guest, FEATURES, FAKE_DEVICE_QUEUES);
		guest_set_status(&guest, GUEST_STATUS_RUNNING);
		guest_set_status(&guest, 0);
	}
}
END_TEST

START_TEST(registers_read_back)
{
	set_reg(VIRTIO_PCI_COMMON_DFSELECT, 4, 0x12345678);
	ck_assert_uint_eq(reg(VIRTIO_PCI_COMMON_DFSELECT, 4), 0x12345678);
	ck_assert_uint_eq(reg(VIRTIO_PCI_COMMON_DF, 4), 0);
	set_reg(VIRTIO_PCI_COMMON_GFSELECT, 4, 1);
	set_reg(VIRTIO_PCI_COMMON_GF, 4, UINT32_MAX);
	ck_assert_uint_eq(reg(VIRTIO_PCI_COMMON_GF, 4),
			  (FAKE_F_HIGH | VIRTIO_F_VERSION_1) >> 32);
	set_reg(VIRTIO_PCI_COMMON_GFSELECT, 4, 2);
	set_reg(VIRTIO_PCI_COMMON_GF, 4, UINT32_MAX);
	ck_assert_uint_eq(reg(VIRTIO_PCI_COMMON_GF, 4), 0);
	for (uint16_t i = 0; i < FAKE_DEVICE_QUEUES; i++) {
		set_reg(VIRTIO_PCI_COMMON_Q_SELECT, 2, i);
		ck_assert_uint_eq(reg(VIRTIO_PCI_COMMON_Q_NOFF, 2), i);
		set_reg(VIRTIO_PCI_COMMON_Q_SIZE, 2, 32);
		ck_assert_uint_eq(reg(VIRTIO_PCI_COMMON_Q_SIZE, 2), 32);
		set_reg(VIRTIO_PCI_COMMON_Q_USEDHI, 4, 0x11223344);
		set_reg(VIRTIO_PCI_COMMON_Q_USEDLO, 4, 0x55667788);
		ck_assert_uint_eq(reg(VIRTIO_PCI_COMMON_Q_USEDLO, 8),
				  0x1122334455667788);
		ck_assert_uint_eq(reg(VIRTIO_PCI_COMMON_Q_USEDHI, 4),
				  0x11223344);
		set_reg(VIRTIO_PCI_COMMON_Q_DESCLO, 8, 0xaabbccdd00112233);
		ck_assert_uint_eq(reg(VIRTIO_PCI_COMMON_Q_DESCLO, 4),
				  0x00112233);
		ck_assert_uint_eq(reg(VIRTIO_PCI_COMMON_Q_DESCHI, 4),
				  0xaabbccdd);
		ck_assert_uint_eq(reg(VIRTIO_PCI_COMMON_Q_AVAILLO, 8), 0);
	}
}
END_TEST

/* Only whole fields are written and read. */
START_TEST(partial_accesses_have_no_effect)
{
	set_reg(VIRTIO_PCI_COMMON_Q_SIZE, 2, 64);
	set_reg(VIRTIO_PCI_COMMON_Q_SIZE, 1, 16);
	set_reg(VIRTIO_PCI_COMMON_Q_SELECT, 4, 0x00100001);
	ck_assert_uint_eq(reg(VIRTIO_PCI_COMMON_Q_SELECT, 2), 0);
	ck_assert_uint_eq(reg(VIRTIO_PCI_COMMON_Q_SIZE, 2), 64);
	ck_assert_uint_eq(reg(VIRTIO_PCI_COMMON_Q_SIZE, 4), 0);
	ck_assert_uint_eq(reg(VIRTIO_PCI_COMMON_Q_SIZE + 1, 1), 0);
	set_reg(VIRTIO_PCI_COMMON_Q_DESCHI, 8, UINT64_MAX);
	ck_assert_uint_eq(reg(VIRTIO_PCI_COMMON_Q_DESCLO, 8), 0);
	ck_assert_uint_eq(reg(VIRTIO_PCI_COMMON_Q_AVAILLO, 8), 0);
	set_reg(VIRTIO_PCI_COMMON_STATUS, 4, 0x01010101);
	ck_assert_uint_eq(reg(VIRTIO_PCI_COMMON_STATUS, 1), 0);
}
END_TEST

START_TEST(queue_enable_is_only_set)
{
	set_reg(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 2);
	ck_assert_uint_eq(reg(VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
	set_reg(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	set_reg(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 0);
	ck_assert_uint_eq(reg(VIRTIO_PCI_COMMON_Q_ENABLE, 2), 1);
	set_reg(VIRTIO_PCI_COMMON_Q_RESET, 2, 1); /* not offered */
	ck_assert_uint_eq(reg(VIRTIO_PCI_COMMON_Q_ENABLE, 2), 1);
}
END_TEST

START_TEST(vectors_are_checked)
{
	static const uint64_t bad[] = {VECTORS, 0x800, 0x7fff, 0xfffe, 0xffff};

	set_reg(VIRTIO_PCI_COMMON_Q_SELECT, 2, 1);
	for (uint64_t v = 0; v < VECTORS; v++) {
		set_reg(VIRTIO_PCI_COMMON_MSIX, 2, v);
		ck_assert_uint_eq(reg(VIRTIO_PCI_COMMON_MSIX, 2), v);
		set_reg(VIRTIO_PCI_COMMON_Q_MSIX, 2, v);
		ck_assert_uint_eq(reg(VIRTIO_PCI_COMMON_Q_MSIX, 2), v);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		set_reg(VIRTIO_PCI_COMMON_MSIX, 2, 0);
		set_reg(VIRTIO_PCI_COMMON_MSIX, 2, bad[i]);
		ck_assert_uint_eq(reg(VIRTIO_PCI_COMMON_MSIX, 2), 0xffff);
		set_reg(VIRTIO_PCI_COMMON_Q_MSIX, 2, 0);
		set_reg(VIRTIO_PCI_COMMON_Q_MSIX, 2, bad[i]);
		ck_assert_uint_eq(reg(VIRTIO_PCI_COMMON_Q_MSIX, 2), 0xffff);
	}
	set_reg(VIRTIO_PCI_COMMON_Q_SELECT, 2, 0xffff);
	set_reg(VIRTIO_PCI_COMMON_Q_MSIX, 2, 0);
	ck_assert_uint_eq(reg(VIRTIO_PCI_COMMON_Q_MSIX, 2), 0xffff);
}
END_TEST

START_TEST(vectors_may_be_shared_or_missing)
{
	struct guest_queue queue = guest_default_queue(0);

	(void)guest_negotiate(&guest, FEATURES, 0);
	queue.vector = 2;
	guest_lay_queue(&guest, 0, &queue);
	guest_lay_queue(&guest, 1, &queue);
	queue.vector = 0xffff;
	guest_lay_queue(&guest, 2, &queue);
	set_reg(VIRTIO_PCI_COMMON_MSIX, 2, 0xffff);
	guest_set_status(&guest, GUEST_STATUS_RUNNING);
	for (unsigned int i = 0; i < FAKE_DEVICE_QUEUES; i++)
		fake_device_interrupt(&device, i);
	virtio_host_config_changed(device.device.host);
	ck_assert_uint_eq(fake_take_irqs(slot, 0), 0);
	ck_assert_uint_eq(fake_take_irqs(slot, 1), 0);
	ck_assert_uint_eq(fake_take_irqs(slot, 2), 2);
	ck_assert_uint_eq(fake_take_irqs(slot, 3), 0);
	ck_assert_uint_eq(guest_take_isr(&guest), 2); /* all the same */
}
END_TEST

/* A queue's vector may be chosen after the queue is enabled, as DPDK does, but
 * not while the device runs. */
START_TEST(vectors_are_frozen_by_driver_ok)
{
	(void)guest_negotiate(&guest, FEATURES, 1);
	set_reg(VIRTIO_PCI_COMMON_Q_SELECT, 2, 0);
	set_reg(VIRTIO_PCI_COMMON_Q_MSIX, 2, 3);
	guest_set_status(&guest, GUEST_STATUS_RUNNING);
	set_reg(VIRTIO_PCI_COMMON_Q_MSIX, 2, 1);
	ck_assert_uint_eq(reg(VIRTIO_PCI_COMMON_Q_MSIX, 2), 3);
	fake_device_interrupt(&device, 0);
	ck_assert_uint_eq(fake_take_irqs(slot, 3), 1);
}
END_TEST

/* Where a vector goes is told with the queue at its start, and to the device
 * while it starts and runs; not while it is stopped. */
START_TEST(targets_of_vectors_are_told)
{
	fake_retarget(slot, guest_queue_vector(&guest, 1), 3);
	ck_assert_uint_eq(device.n_targets, 0);
	ck_assert_uint_eq(guest_negotiate(&guest, FEATURES, FAKE_DEVICE_QUEUES),
			  GUEST_STATUS_NEGOTIATED);
	guest_set_status(&guest, GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(device.queues[0].irq.vcpu, 0);
	ck_assert_uint_eq(device.queues[1].irq.vcpu, 3);
	ck_assert_uint_eq(device.n_targets, 0);
	fake_retarget(slot, guest_queue_vector(&guest, 2), 1);
	ck_assert_uint_eq(device.n_targets, 1);
	ck_assert_uint_eq(device.targets[2], 1);
	fake_retarget(slot, guest_config_vector(&guest), 1);
	ck_assert_uint_eq(device.n_targets, 1);
	machine_reset();
	fake_retarget(slot, guest_queue_vector(&guest, 0), 2);
	ck_assert_uint_eq(device.n_targets, 1);
}
END_TEST

START_TEST(targets_are_told_during_a_start)
{
	struct fake_access access;

	ck_assert_uint_eq(guest_negotiate(&guest, FEATURES, FAKE_DEVICE_QUEUES),
			  GUEST_STATUS_NEGOTIATED);
	device.delay = true;
	guest_begin_status(&guest, &access, GUEST_STATUS_RUNNING);
	ck_assert(!access.done);
	fake_retarget(slot, guest_queue_vector(&guest, 1), 3);
	ck_assert_uint_eq(device.targets[1], 3);
	ck_assert(fake_device_finish(&device));
	ck_assert(access.done);
	device.delay = false;
}
END_TEST

START_TEST(kicks_of_any_size)
{
	for (int bells = 0; bells < 2; bells++) {
		(void)guest_negotiate(&guest, FEATURES, FAKE_DEVICE_QUEUES);
		guest_set_status(&guest, GUEST_STATUS_RUNNING);
		for (uint8_t size = 1; size <= 8; size *= 2) {
			fake_write(slot, guest.notify + 4, size, 0);
			ck_assert(!fake_device_take_kick(&device, 0));
			ck_assert(fake_device_take_kick(&device, 1));
			ck_assert(!fake_device_take_kick(&device, 2));
		}
		fake_write(slot, guest.notify + 4 * FAKE_DEVICE_QUEUES, 2, 0);
		ck_assert_uint_eq(fake_read(slot, guest.notify, 2), 0);
		for (unsigned int i = 0; i < FAKE_DEVICE_QUEUES; i++)
			ck_assert(!fake_device_take_kick(&device, i));
		teardown();
		ck_assert_int_eq(loop_init(&loop), 0);
		platform.has_bells = false;
		plug();
	}
}
END_TEST

/* The window, as a firmware without a mapped BAR uses it. */

static void window_aim(uint8_t bar, uint32_t offset, uint32_t len)
{
	fake_cap_write(slot, guest.window_cap, VIRTIO_PCI_CAP_BAR, 1, bar);
	fake_cap_write(slot, guest.window_cap, VIRTIO_PCI_CAP_OFFSET, 4,
		       offset);
	fake_cap_write(slot, guest.window_cap, VIRTIO_PCI_CAP_LENGTH, 4, len);
}

static uint64_t window_read(uint32_t offset, uint8_t len)
{
	window_aim(0, offset, len);
	return fake_cap_read(slot, guest.window_cap, 16, len);
}

static void window_write(uint32_t offset, uint8_t len, uint64_t value)
{
	window_aim(0, offset, len);
	fake_cap_write(slot, guest.window_cap, 16, len, value);
}

START_TEST(window_reaches_every_block)
{
	uint32_t common = (uint32_t)guest.common;

	ck_assert_uint_eq(window_read(common + VIRTIO_PCI_COMMON_NUMQ, 2),
			  FAKE_DEVICE_QUEUES);
	window_write(common + VIRTIO_PCI_COMMON_Q_SELECT, 2, 1);
	ck_assert_uint_eq(reg(VIRTIO_PCI_COMMON_Q_SELECT, 2), 1);
	ck_assert_uint_eq(window_read((uint32_t)guest.config + 4, 4),
			  0xa7a6a5a4);
	window_write((uint32_t)guest.config + 1, 1, 0x42);
	ck_assert_uint_eq(guest_read_config(&guest, 1, 1), 0x42);
	(void)guest_negotiate(&guest, FEATURES, FAKE_DEVICE_QUEUES);
	window_write(common + VIRTIO_PCI_COMMON_STATUS, 1,
		     GUEST_STATUS_RUNNING);
	ck_assert_int_eq(device.state, FAKE_RUNNING);
	ck_assert_uint_eq(window_read(common + VIRTIO_PCI_COMMON_STATUS, 1),
			  GUEST_STATUS_RUNNING);
	window_write((uint32_t)guest.notify + 8, 2, 2);
	ck_assert(fake_device_take_kick(&device, 2));
	virtio_host_config_changed(device.device.host);
	ck_assert_uint_eq(window_read((uint32_t)guest.isr, 1), 2);
	ck_assert_uint_eq(window_read((uint32_t)guest.isr, 1), 0);
}
END_TEST

START_TEST(window_reads_back_its_fields)
{
	window_aim(0, 0x2004, 4);
	ck_assert_uint_eq(fake_cap_read(slot, guest.window_cap, 8, 4), 0x2004);
	ck_assert_uint_eq(fake_cap_read(slot, guest.window_cap, 12, 4), 4);
	ck_assert_uint_eq(fake_cap_read(slot, guest.window_cap, 8, 8),
			  0x400002004);
	/* id, length and type, and what is reserved, are read-only. */
	fake_cap_write(slot, guest.window_cap, 0, 4, 0);
	fake_cap_write(slot, guest.window_cap, 4, 4, 0xffffff00);
	ck_assert_uint_eq(fake_cap_read(slot, guest.window_cap, 2, 2), 0x0514);
	ck_assert_uint_eq(fake_cap_read(slot, guest.window_cap, 4, 4), 0);
	machine_reset();
	ck_assert_uint_eq(fake_cap_read(slot, guest.window_cap, 8, 8), 0);
}
END_TEST

START_TEST(window_onto_nothing)
{
	static const struct {
		uint8_t bar;
		uint32_t offset, len;
	} bad[] = {
		{1, 0, 4},	    {0, 0, 0},		{0, 0, 3},
		{0, 0, 8},	    {0, 2, 4},		{0, 1, 2},
		{0, 0x4000, 4},	    {0, UINT32_MAX, 1}, {0, 0xfffffffc, 4},
		{0, 0, UINT32_MAX}, {255, 0, 4},	{0, 0, 0x101},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		window_aim(bad[i].bar, bad[i].offset, bad[i].len);
		fake_cap_write(slot, guest.window_cap, 16, 4, 0x01010101);
		ck_assert_uint_eq(fake_cap_read(slot, guest.window_cap, 16, 4),
				  0x01010101);
		ck_assert_uint_eq(reg(VIRTIO_PCI_COMMON_DFSELECT, 4), 0);
		ck_assert_uint_eq(guest_status(&guest), 0);
	}
}
END_TEST

START_TEST(window_write_may_take_time)
{
	uint32_t status = (uint32_t)guest.common + VIRTIO_PCI_COMMON_STATUS;
	struct fake_access write, read;

	(void)guest_negotiate(&guest, FEATURES, FAKE_DEVICE_QUEUES);
	window_aim(0, status, 1);
	device.delay = true;
	(void)fake_access_begin(&write, slot, guest.window_cap, true, 16, 1,
				GUEST_STATUS_RUNNING);
	(void)fake_access_begin(&read, slot, guest.window_cap, false, 16, 1, 0);
	ck_assert(!write.done);
	ck_assert(!read.done);
	ck_assert(fake_device_finish(&device));
	ck_assert(write.done);
	ck_assert(read.done);
	ck_assert_uint_eq(read.access.value, GUEST_STATUS_RUNNING);
	device.delay = false;
}
END_TEST

START_TEST(window_hostile_sweep)
{
	for (uint8_t size = 1; size <= 8; size *= 2) {
		for (uint64_t at = 0; at + size <= 20; at++) {
			(void)fake_cap_read(slot, guest.window_cap, at, size);
			fake_cap_write(slot, guest.window_cap, at, size,
				       0x0001020408100420 * (at + 1));
		}
	}
	ck_assert_uint_eq(fake_cap_read(slot, guest.window_cap, 2, 2), 0x0514);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("virtio_pci");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, identity);
	tcase_add_test(tc, capabilities_pass_linux_checks);
	tcase_add_test(tc, blocks_do_not_overlap);
	tcase_add_test(tc, no_configuration_no_capability);
	tcase_add_test(tc, values_after_reset);
	tcase_add_test(tc, registers_read_back);
	tcase_add_test(tc, partial_accesses_have_no_effect);
	tcase_add_test(tc, queue_enable_is_only_set);
	tcase_add_test(tc, vectors_are_checked);
	tcase_add_test(tc, vectors_may_be_shared_or_missing);
	tcase_add_test(tc, vectors_are_frozen_by_driver_ok);
	tcase_add_test(tc, targets_of_vectors_are_told);
	tcase_add_test(tc, targets_are_told_during_a_start);
	tcase_add_test(tc, kicks_of_any_size);
	tcase_add_test(tc, window_reaches_every_block);
	tcase_add_test(tc, window_reads_back_its_fields);
	tcase_add_test(tc, window_onto_nothing);
	tcase_add_test(tc, window_write_may_take_time);
	tcase_add_test(tc, window_hostile_sweep);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return test_run(suite());
}
