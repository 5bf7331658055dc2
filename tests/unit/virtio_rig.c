/* SPDX-License-Identifier: MIT */
/*
 * One transport with a fake device, on a fake platform, and its guest.
 */
#include "unit/virtio_rig.h"

#include <check.h>

struct loop rig_loop;
struct fake_platform rig_platform;
struct fake_device rig_device;
struct fake_slot *rig_slot;
struct virtio_transport *rig_transport;
struct virtio_guest rig_guest;
unsigned int rig_resets_done;
int rig_reset_err;

int rig_create(int variant)
{
	return (variant & 1 ? virtio_mmio_create : virtio_pci_create)(
		&rig_platform.platform, &rig_loop, &rig_device.device,
		&rig_transport);
}

void rig_begin(int variant)
{
	fake_platform_init(&rig_platform, NULL, !(variant & 2));
	fake_device_init(&rig_device);
	ck_assert_int_eq(rig_create(variant), 0);
	rig_slot = fake_platform_slot(&rig_platform);
	virtio_guest_init(&rig_guest, rig_slot);
}

void rig_setup(void)
{
	ck_assert_int_eq(loop_init(&rig_loop), 0);
	rig_resets_done = 0;
	rig_reset_err = 0;
}

void rig_reset_cb(void *arg, int err)
{
	UNUSED(arg);
	rig_resets_done++;
	rig_reset_err = err;
}

/* Gives everything back; each case ends in this. */
void rig_end(void)
{
	virtio_transport_reset(rig_transport, rig_reset_cb, NULL);
	rig_device.delay = false;
	(void)fake_device_finish(&rig_device); /* a start or stop under way */
	(void)fake_device_finish(&rig_device); /* the stop after it */
	loop_run_once(&rig_loop);
	ck_assert_int_ge((int)rig_resets_done, 1);
	ck_assert_int_eq(rig_device.state, FAKE_STOPPED);
	ck_assert_uint_eq(rig_slot->pending, 0);
	virtio_transport_destroy(rig_transport);
	ck_assert_ptr_null(rig_device.device.host);
	fake_platform_fini(&rig_platform);
	loop_fini(&rig_loop);
}

void rig_negotiate(void)
{
	ck_assert_uint_eq(
		guest_negotiate(&rig_guest, FEATURES, FAKE_DEVICE_QUEUES),
		GUEST_STATUS_NEGOTIATED);
}

/* As far as a running device. */
void rig_run(void)
{
	rig_negotiate();
	guest_set_status(&rig_guest, GUEST_STATUS_RUNNING);
	ck_assert_uint_eq(guest_status(&rig_guest), GUEST_STATUS_RUNNING);
	ck_assert_int_eq(rig_device.state, FAKE_RUNNING);
}
