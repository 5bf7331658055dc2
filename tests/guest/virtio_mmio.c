/* SPDX-License-Identifier: MIT */
/* virtio over MMIO, modern interface (virtio 1.2, 4.2). */
#include <linux/virtio_mmio.h>

#include "acpi.h"
#include "cpu.h"
#include "payload.h"
#include "virtio.h"

#define MMIO_MAGIC   0x74726976
#define MMIO_VERSION 2

static void mmio_set_status(struct virtio_device *dev, uint8_t status)
{
	mmio_write32(dev->common + VIRTIO_MMIO_STATUS, status);
}

static uint8_t mmio_get_status(struct virtio_device *dev)
{
	return (uint8_t)mmio_read32(dev->common + VIRTIO_MMIO_STATUS);
}

static uint32_t mmio_get_features(struct virtio_device *dev, uint32_t word)
{
	mmio_write32(dev->common + VIRTIO_MMIO_DEVICE_FEATURES_SEL, word);
	return mmio_read32(dev->common + VIRTIO_MMIO_DEVICE_FEATURES);
}

static void mmio_set_features(struct virtio_device *dev, uint32_t word,
			      uint32_t bits)
{
	mmio_write32(dev->common + VIRTIO_MMIO_DRIVER_FEATURES_SEL, word);
	mmio_write32(dev->common + VIRTIO_MMIO_DRIVER_FEATURES, bits);
}

static uint8_t mmio_get_config(struct virtio_device *dev, uint32_t offset)
{
	return mmio_read8(dev->config + offset);
}

static void write_address(uint64_t reg, const void *addr)
{
	mmio_write32(reg, (uint32_t)(uint64_t)addr);
	mmio_write32(reg + 4, (uint32_t)((uint64_t)addr >> 32));
}

static void mmio_setup_queue(struct virtio_device *dev, struct virtq *vq)
{
	uint32_t max;

	mmio_write32(dev->common + VIRTIO_MMIO_QUEUE_SEL, vq->index);
	max = mmio_read32(dev->common + VIRTIO_MMIO_QUEUE_NUM_MAX);
	if (!max)
		payload_fail("queue of size 0");
	if (max < vq->size)
		vq->size = (uint16_t)max;
	mmio_write32(dev->common + VIRTIO_MMIO_QUEUE_NUM, vq->size);
	write_address(dev->common + VIRTIO_MMIO_QUEUE_DESC_LOW,
		      vq->rings->desc);
	write_address(dev->common + VIRTIO_MMIO_QUEUE_AVAIL_LOW,
		      &vq->rings->avail);
	write_address(dev->common + VIRTIO_MMIO_QUEUE_USED_LOW,
		      &vq->rings->used);
	vq->doorbell = dev->common + VIRTIO_MMIO_QUEUE_NOTIFY;
	vq->doorbell_is_32bit = true;
	mmio_write32(dev->common + VIRTIO_MMIO_QUEUE_READY, 1);
}

static const struct virtio_ops virtio_mmio_ops = {
	.set_status = mmio_set_status,
	.get_status = mmio_get_status,
	.get_features = mmio_get_features,
	.set_features = mmio_set_features,
	.get_config = mmio_get_config,
	.setup_queue = mmio_setup_queue,
};

bool virtio_mmio_find(struct virtio_device *dev, uint16_t id)
{
	uint64_t base = acpi_info.virtio_mmio;

	if (!base)
		return false;
	if (mmio_read32(base + VIRTIO_MMIO_MAGIC_VALUE) != MMIO_MAGIC ||
	    mmio_read32(base + VIRTIO_MMIO_VERSION) != MMIO_VERSION ||
	    mmio_read32(base + VIRTIO_MMIO_DEVICE_ID) != id)
		return false;
	*dev = (struct virtio_device){
		.ops = &virtio_mmio_ops,
		.common = base,
		.config = base + VIRTIO_MMIO_CONFIG,
	};
	return true;
}
