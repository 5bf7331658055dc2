/* SPDX-License-Identifier: MIT */
/*
 * The registers that every virtio transport has, and the rules of who may
 * write what when (virtio 1.2, 2.1, 2.2, 3.1, 4.1.4.3, 4.2.2).
 *
 *	driver features		until FEATURES_OK, masked by the offer
 *	status			bits are only added; 0 resets
 *	queue size, addresses	until the queue is enabled or DRIVER_OK
 *	queue enable		until DRIVER_OK
 *	queue vector		until DRIVER_OK
 *
 * What a guest writes against the rules is ignored; it can read that.
 *
 * FEATURES_OK stays clear without VERSION_1 or if the device type objects;
 * DRIVER_OK stays clear without FEATURES_OK.
 */
#include "base/bytes.h"
#include "base/checked.h"
#include "virtio/transport_core.h"

#define STATUS_WRITABLE                                        \
	(VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER |    \
	 VIRTIO_STATUS_DRIVER_OK | VIRTIO_STATUS_FEATURES_OK | \
	 VIRTIO_STATUS_FAILED)

void virtio_regs_reset(struct virtio_transport *t)
{
	struct virtio_device *device = t->device;

	t->offer = device->ops->features(device) | VIRTIO_F_VERSION_1;
	t->driver_features = 0;
	t->device_features_sel = 0;
	t->driver_features_sel = 0;
	t->queue_sel = 0;
	t->config_vector = VIRTIO_NO_VECTOR;
	t->status = 0;
	atomic_store_explicit(&t->isr, 0, memory_order_relaxed);
	for (uint16_t i = 0; i < device->n_queues; i++) {
		struct virtio_queue_regs *queue = &t->queues[i];

		*queue = (struct virtio_queue_regs){
			.size = device->queue_size,
			.vector = VIRTIO_NO_VECTOR,
			.kick_fd = queue->kick_fd,
		};
	}
}

/* Features. */

/* One of the two words of @features; there are no others. */
static uint32_t feature_word(uint64_t features, uint32_t sel)
{
	return sel < 2 ? (uint32_t)(features >> (32 * sel)) : 0;
}

uint32_t virtio_regs_device_features(const struct virtio_transport *t)
{
	return feature_word(t->offer, t->device_features_sel);
}

uint32_t virtio_regs_driver_features(const struct virtio_transport *t)
{
	return feature_word(t->driver_features, t->driver_features_sel);
}

void virtio_regs_set_driver_features(struct virtio_transport *t, uint32_t value)
{
	uint32_t sel = t->driver_features_sel;
	uint64_t word;

	if (sel > 1 || t->status & VIRTIO_STATUS_FEATURES_OK)
		return;
	word = (uint64_t)UINT32_MAX << (32 * sel);
	t->driver_features &= ~word;
	t->driver_features |= (uint64_t)value << (32 * sel) & t->offer;
}

/* Status. */

static bool accept_features(struct virtio_transport *t)
{
	struct virtio_device *device = t->device;

	if (t->driver_features & VIRTIO_F_VERSION_1 &&
	    device->ops->accept_features(device, t->driver_features))
		return true;
	log_limited(&t->log, LOG_LEVEL_WARN,
		    "%s: the guest's choice of features, 0x%llx, is refused",
		    device->name, (unsigned long long)t->driver_features);
	return false;
}

void virtio_regs_set_status(struct virtio_transport *t, uint32_t value)
{
	uint8_t add = (uint8_t)(value & STATUS_WRITABLE & ~(uint32_t)t->status);

	if (value == 0) {
		virtio_transport_stop(t);
		return;
	}
	if (add & VIRTIO_STATUS_FEATURES_OK && !accept_features(t))
		add &= (uint8_t)~VIRTIO_STATUS_FEATURES_OK;
	t->status |= add & (uint8_t)~VIRTIO_STATUS_DRIVER_OK;
	if (add & VIRTIO_STATUS_DRIVER_OK &&
	    t->status & VIRTIO_STATUS_FEATURES_OK)
		virtio_transport_start(t); /* sets DRIVER_OK when done */
}

/* Queues. */

struct virtio_queue_regs *virtio_regs_queue(struct virtio_transport *t)
{
	return t->queue_sel < t->device->n_queues ? &t->queues[t->queue_sel]
						  : NULL;
}

/* The selected queue, if its layout may still be written. */
static struct virtio_queue_regs *layout_queue(struct virtio_transport *t)
{
	struct virtio_queue_regs *queue = virtio_regs_queue(t);

	if (!queue || queue->enabled || t->status & VIRTIO_STATUS_DRIVER_OK)
		return NULL;
	return queue;
}

void virtio_regs_set_queue_size(struct virtio_transport *t, uint64_t value)
{
	struct virtio_queue_regs *queue = layout_queue(t);

	if (queue && is_power_of_two(value) && value <= t->device->queue_size)
		queue->size = (uint16_t)value;
}

void virtio_regs_set_queue_half(struct virtio_transport *t,
				enum virtio_queue_part part, bool high,
				uint32_t value)
{
	struct virtio_queue_regs *queue = layout_queue(t);
	unsigned int shift = high ? 32 : 0;

	if (!queue)
		return;
	queue->addr[part] &= ~((uint64_t)UINT32_MAX << shift);
	queue->addr[part] |= (uint64_t)value << shift;
}

void virtio_regs_set_queue_enable(struct virtio_transport *t, bool enable)
{
	struct virtio_queue_regs *queue = virtio_regs_queue(t);

	if (queue && !(t->status & VIRTIO_STATUS_DRIVER_OK))
		queue->enabled = enable;
}

void virtio_regs_set_queue_vector(struct virtio_transport *t, uint16_t vector)
{
	struct virtio_queue_regs *queue = virtio_regs_queue(t);

	if (queue && !(t->status & VIRTIO_STATUS_DRIVER_OK))
		queue->vector = vector;
}

void virtio_regs_kick(struct virtio_transport *t, uint64_t index)
{
	if (index < t->device->n_queues)
		eventfd_signal(t->queues[index].kick_fd);
}

/* Device configuration. */

/* How much of [@offset, @offset + @size) the configuration has. */
static size_t config_part(const struct virtio_transport *t, uint64_t offset,
			  uint8_t size)
{
	if (offset >= t->device->config_len)
		return 0;
	return (size_t)MIN(size, t->device->config_len - offset);
}

uint64_t virtio_regs_read_config(struct virtio_transport *t, uint64_t offset,
				 uint8_t size)
{
	size_t len = config_part(t, offset, size);
	uint8_t bytes[8] = {0};

	if (len)
		t->device->ops->read_config(t->device, (uint32_t)offset, bytes,
					    len);
	return load_le64(bytes);
}

void virtio_regs_write_config(struct virtio_transport *t, uint64_t offset,
			      uint8_t size, uint64_t value)
{
	size_t len = config_part(t, offset, size);
	uint8_t bytes[8];

	store_le64(bytes, value);
	if (len)
		t->device->ops->write_config(t->device, (uint32_t)offset, bytes,
					     len);
}
