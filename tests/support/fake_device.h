/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_FAKE_DEVICE_H
#define EVNIC_TESTS_FAKE_DEVICE_H

/*
 * A virtio device type that does nothing but remember how it was called, and
 * answers starts and stops when the test wants it to. Calls that break the
 * contract of virtio/device.h abort the test.
 */

#include "virtio/device.h"

#define FAKE_DEVICE_QUEUES     3
#define FAKE_DEVICE_QUEUE_SIZE 256
#define FAKE_DEVICE_CONFIG_LEN 24

/* What the device offers, besides the ring features. */
#define FAKE_F_LOW  (1ULL << 5)
#define FAKE_F_HIGH (1ULL << 45)

enum fake_device_state {
	FAKE_STOPPED,
	FAKE_STARTING,
	FAKE_RUNNING,
	FAKE_STOPPING,
};

/* @delay: starts and stops are answered by fake_device_finish(), not at once.
 * @start_err: the answer to a start. @on_start: called while the device is asked
 * to start, or NULL. @refused: features that
 * accept_features() objects to. @start, @queues: copies of what start got.
 * @targets: the last hint for each queue, @n_targets: how many hints there
 * were. */
struct fake_device {
	struct virtio_device device;
	enum fake_device_state state;
	bool delay;
	int start_err;
	uint64_t offer, refused;
	uint8_t config[FAKE_DEVICE_CONFIG_LEN];
	unsigned int starts, stops;
	struct virtio_start start;
	struct virtio_queue_setup queues[FAKE_DEVICE_QUEUES];
	unsigned int targets[FAKE_DEVICE_QUEUES], n_targets;
	virtio_done_fn done;
	void *done_arg;
	void (*on_start)(void);
};

void fake_device_init(struct fake_device *fake);

/* Answers the start or stop that is under way. False: there is none. */
bool fake_device_finish(struct fake_device *fake);

/* Interrupts the guest as queue @queue. The device must run. */
void fake_device_interrupt(struct fake_device *fake, unsigned int queue);

/* Was queue @queue kicked since the last call? The device must run. */
bool fake_device_take_kick(struct fake_device *fake, unsigned int queue);

#endif
