/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_UNIT_VIRTIO_RIG_H
#define EVNIC_TESTS_UNIT_VIRTIO_RIG_H

/*
 * One transport with a fake device, on a fake platform, and its guest. Each
 * case of a suite has one: rig_setup() is its fixture, rig_begin() the first
 * call, rig_end() the last.
 */

#include "support/fake_device.h"
#include "support/virtio_guest.h"
#include "virtio/transport_core.h"

/* A case's number: bit 0 is MMIO, bit 1 is "no doorbells". */
#define RIG_VARIANTS 4

#define FEATURES (VIRTIO_F_VERSION_1 | FAKE_F_LOW | FAKE_F_HIGH)

extern struct loop rig_loop;
extern struct fake_platform rig_platform;
extern struct fake_device rig_device;
extern struct fake_slot *rig_slot;
extern struct virtio_transport *rig_transport;
extern struct virtio_guest rig_guest;
extern unsigned int rig_resets_done;
extern int rig_reset_err;

void rig_setup(void);

/* Makes the transport on what is there. 0 or -errno. */
int rig_create(int variant);

void rig_begin(int variant);

/* Counts in rig_resets_done. */
void rig_reset_cb(void *arg, int err);

/* Features and queues. */
void rig_negotiate(void);

/* As far as a running device. */
void rig_run(void);

/* Gives everything back; each case ends in this. */
void rig_end(void);

#endif
