/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_VIRTIO_GUEST_H
#define EVNIC_TESTS_VIRTIO_GUEST_H

/*
 * The guest's side of a virtio transport on a fake platform: registers in the
 * order and the sizes in which Linux uses them, for PCI and MMIO alike.
 */

#include "support/fake_platform.h"

/* @common, @notify, @isr, @config: where the register blocks are (PCI: found
 * through the capabilities). @window_cap: the PCI_CFG capability. */
struct virtio_guest {
	struct fake_slot *slot;
	bool mmio;
	uint64_t common, notify, isr, config;
	uint32_t notify_multiplier, config_len, common_len, notify_len;
	size_t window_cap;
};

/* A queue as the guest lays it out. @vector: PCI only. */
struct guest_queue {
	uint16_t size;
	uint64_t desc, avail, used;
	uint16_t vector;
};

/* Finds the register blocks of what is plugged into @slot. */
void virtio_guest_init(struct virtio_guest *guest, struct fake_slot *slot);

/* Status. The second form may take time: see fake_access_begin(). */
uint8_t guest_status(const struct virtio_guest *guest);
void guest_set_status(const struct virtio_guest *guest, uint8_t status);
void guest_begin_status(const struct virtio_guest *guest,
			struct fake_access *access, uint8_t status);
/* Begins to read the status. */
void guest_begin_read_status(const struct virtio_guest *guest,
			     struct fake_access *access);

uint64_t guest_offer(const struct virtio_guest *guest);
void guest_set_features(const struct virtio_guest *guest, uint64_t features);

/* Selects a queue and lays it out, without enabling it. */
void guest_lay_queue(const struct virtio_guest *guest, uint16_t index,
		     const struct guest_queue *queue);
void guest_enable_queue(const struct virtio_guest *guest, uint16_t index);
bool guest_queue_enabled(const struct virtio_guest *guest, uint16_t index);
/* The largest size (MMIO) or the present one (PCI); 0: no such queue. */
uint16_t guest_queue_size(const struct virtio_guest *guest, uint16_t index);

void guest_kick(const struct virtio_guest *guest, uint16_t index);

uint32_t guest_generation(const struct virtio_guest *guest);
uint64_t guest_read_config(const struct virtio_guest *guest, uint32_t offset,
			   uint8_t size);
void guest_write_config(const struct virtio_guest *guest, uint32_t offset,
			uint8_t size, uint64_t value);

/* Takes the interrupt status: reads and clears it. */
uint32_t guest_take_isr(const struct virtio_guest *guest);

/* The vector of queue @index and of the configuration after
 * guest_negotiate(). */
unsigned int guest_queue_vector(const struct virtio_guest *guest,
				uint16_t index);
unsigned int guest_config_vector(const struct virtio_guest *guest);

/* What guest_negotiate() tells of queue @index. */
struct guest_queue guest_default_queue(uint16_t index);

/* Reset, features, queues; all but DRIVER_OK. The status in the end. */
uint8_t guest_negotiate(const struct virtio_guest *guest, uint64_t features,
			uint16_t n_queues);

#define GUEST_STATUS_NEGOTIATED 0x0b /* ACKNOWLEDGE, DRIVER, FEATURES_OK */
#define GUEST_STATUS_RUNNING	0x0f /* and DRIVER_OK */

#endif
