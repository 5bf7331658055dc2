/* SPDX-License-Identifier: MIT */
/*
 * A modern virtio device over either transport, as its driver sees it, and a
 * split virtqueue that is polled: it asks for no interrupts.
 */
#ifndef TESTS_GUEST_VIRTIO_H
#define TESTS_GUEST_VIRTIO_H

#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stdint.h>

#define VIRTQ_SIZE 256

/* The event word follows the last entry of a ring of the size in use. */
struct virtq_rings {
	_Alignas(4096) struct vring_desc desc[VIRTQ_SIZE];
	struct {
		uint16_t flags;
		uint16_t idx;
		uint16_t ring[VIRTQ_SIZE + 1];
	} avail;
	struct {
		_Alignas(4) uint16_t flags;
		uint16_t idx;
		struct vring_used_elem ring[VIRTQ_SIZE + 1];
	} used;
};

struct virtq {
	struct virtq_rings *rings;
	uint16_t index;
	uint16_t size;	     /* a power of two, at most VIRTQ_SIZE */
	uint16_t avail_idx;  /* next entry to publish */
	uint16_t kicked_idx; /* what was published at the last kick */
	uint16_t used_idx;   /* next entry to take */
	bool event_idx;
	uint64_t doorbell;
	bool doorbell_is_32bit;
};

struct virtio_device;

/* What differs between PCI and MMIO. */
struct virtio_ops {
	void (*set_status)(struct virtio_device *dev, uint8_t status);
	uint8_t (*get_status)(struct virtio_device *dev);
	uint32_t (*get_features)(struct virtio_device *dev, uint32_t word);
	void (*set_features)(struct virtio_device *dev, uint32_t word,
			     uint32_t bits);
	uint8_t (*get_config)(struct virtio_device *dev, uint32_t offset);
	/* Set size and addresses, enable; fills @vq's size and doorbell. */
	void (*setup_queue)(struct virtio_device *dev, struct virtq *vq);
};

struct virtio_device {
	const struct virtio_ops *ops;
	uint64_t common; /* registers; of virtio-mmio, all of them */
	uint64_t config; /* device-specific configuration */
	uint64_t notify; /* doorbells (PCI) */
	uint32_t notify_multiplier;
	uint64_t features; /* negotiated */
};

/* Bind to the device with this virtio id: false if there is none. */
bool virtio_pci_find(struct virtio_device *dev, uint16_t id);
bool virtio_mmio_find(struct virtio_device *dev, uint16_t id);

/* Reset and negotiate up to FEATURES_OK; fails without VIRTIO_F_VERSION_1. */
void virtio_start(struct virtio_device *dev, uint64_t wanted);
void virtio_setup_queue(struct virtio_device *dev, struct virtq *vq,
			struct virtq_rings *rings, uint16_t index);
void virtio_driver_ok(struct virtio_device *dev);
bool virtio_needs_reset(struct virtio_device *dev);

/* Publish the chain that starts at @head; the device sees it at once. */
void virtq_publish(struct virtq *vq, uint16_t head);
/* Ring the doorbell, whether or not the device wants it. */
void virtq_kick(struct virtq *vq);
/* Ring it if the device asked for it since the last kick; true if it did. */
bool virtq_kick_if_wanted(struct virtq *vq);
/* Take a used entry; false if there is none. */
bool virtq_take(struct virtq *vq, struct vring_used_elem *elem);

/* Whether there is a used entry to take. */
static inline bool virtq_has_used(const struct virtq *vq)
{
	return __atomic_load_n(&vq->rings->used.idx, __ATOMIC_ACQUIRE) !=
	       vq->used_idx;
}

#endif
