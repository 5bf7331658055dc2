/* SPDX-License-Identifier: MIT */
/*
 * Device bring-up (virtio 1.2, 3.1.1) and the split virtqueue (2.7), the same
 * for both transports.
 */
#include "virtio.h"

#include <linux/virtio_config.h>

#include "cpu.h"
#include "payload.h"

static bool virtio_is_reset(void *arg)
{
	struct virtio_device *dev = arg;

	return dev->ops->get_status(dev) == 0;
}

static void virtio_add_status(struct virtio_device *dev, uint8_t bit)
{
	dev->ops->set_status(dev, dev->ops->get_status(dev) | bit);
}

void virtio_start(struct virtio_device *dev, uint64_t wanted)
{
	uint64_t offered;

	dev->ops->set_status(dev, 0);
	payload_wait(virtio_is_reset, dev, "device does not reset");
	virtio_add_status(dev, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	virtio_add_status(dev, VIRTIO_CONFIG_S_DRIVER);
	offered = dev->ops->get_features(dev, 0) |
		  (uint64_t)dev->ops->get_features(dev, 1) << 32;
	dev->features = offered & (wanted | 1ULL << VIRTIO_F_VERSION_1);
	if (!(dev->features & 1ULL << VIRTIO_F_VERSION_1))
		payload_fail("device without VIRTIO_F_VERSION_1");
	dev->ops->set_features(dev, 0, (uint32_t)dev->features);
	dev->ops->set_features(dev, 1, (uint32_t)(dev->features >> 32));
	virtio_add_status(dev, VIRTIO_CONFIG_S_FEATURES_OK);
	if (!(dev->ops->get_status(dev) & VIRTIO_CONFIG_S_FEATURES_OK))
		payload_fail("device refuses the features");
}

void virtio_setup_queue(struct virtio_device *dev, struct virtq *vq,
			struct virtq_rings *rings, uint16_t index)
{
	*vq = (struct virtq){
		.rings = rings,
		.index = index,
		.size = VIRTQ_SIZE,
		.event_idx = dev->features >> VIRTIO_RING_F_EVENT_IDX & 1,
	};
	rings->avail.flags = VRING_AVAIL_F_NO_INTERRUPT;
	dev->ops->setup_queue(dev, vq);
}

void virtio_driver_ok(struct virtio_device *dev)
{
	virtio_add_status(dev, VIRTIO_CONFIG_S_DRIVER_OK);
	if (virtio_needs_reset(dev))
		payload_fail("device needs reset after DRIVER_OK");
}

bool virtio_needs_reset(struct virtio_device *dev)
{
	return dev->ops->get_status(dev) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

/* The two event words lie behind a ring of the size in use. */
static uint16_t *virtq_used_event(struct virtq *vq)
{
	return &vq->rings->avail.ring[vq->size];
}

static const uint16_t *virtq_avail_event(const struct virtq *vq)
{
	return (const uint16_t *)&vq->rings->used.ring[vq->size];
}

void virtq_publish(struct virtq *vq, uint16_t head)
{
	vq->rings->avail.ring[vq->avail_idx % vq->size] = head;
	vq->avail_idx++;
	__atomic_store_n(&vq->rings->avail.idx, vq->avail_idx,
			 __ATOMIC_RELEASE);
}

void virtq_kick(struct virtq *vq)
{
	vq->kicked_idx = vq->avail_idx;
	if (vq->doorbell_is_32bit)
		mmio_write32(vq->doorbell, vq->index);
	else
		mmio_write16(vq->doorbell, vq->index);
}

bool virtq_kick_if_wanted(struct virtq *vq)
{
	bool wanted;

	/* The index just published before the device's wish is read. */
	cpu_fence();
	if (vq->event_idx)
		wanted = vring_need_event(__atomic_load_n(virtq_avail_event(vq),
							  __ATOMIC_RELAXED),
					  vq->avail_idx, vq->kicked_idx);
	else
		wanted = !(__atomic_load_n(&vq->rings->used.flags,
					   __ATOMIC_RELAXED) &
			   VRING_USED_F_NO_NOTIFY);
	if (wanted)
		virtq_kick(vq);
	vq->kicked_idx = vq->avail_idx;
	return wanted;
}

bool virtq_take(struct virtq *vq, struct vring_used_elem *elem)
{
	if (!virtq_has_used(vq))
		return false;
	*elem = vq->rings->used.ring[vq->used_idx % vq->size];
	vq->used_idx++;
	/* With EVENT_IDX: interrupt only when the index has gone all round. */
	*virtq_used_event(vq) = (uint16_t)(vq->used_idx - 1);
	return true;
}
