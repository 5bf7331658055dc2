/* SPDX-License-Identifier: MIT */
/* virtio over PCI, modern interface (virtio 1.2, 4.1). */
#include <linux/virtio_pci.h>
#include <stddef.h>

#include "cpu.h"
#include "payload.h"
#include "pci.h"
#include "virtio.h"

#define VENDOR_VIRTIO	    0x1af4
#define DEVICE_MODERN	    0x1040
#define REG_STATUS	    0x06
#define STATUS_CAPABILITIES 0x10
#define REG_CAPABILITIES    0x34
#define CAPABILITY_VENDOR   0x09
#define CAPABILITIES_MAX    48

#define COMMON(dev, field) \
	((dev)->common + offsetof(struct virtio_pci_common_cfg, field))

static void pci_set_status(struct virtio_device *dev, uint8_t status)
{
	mmio_write8(COMMON(dev, device_status), status);
}

static uint8_t pci_get_status(struct virtio_device *dev)
{
	return mmio_read8(COMMON(dev, device_status));
}

static uint32_t pci_get_features(struct virtio_device *dev, uint32_t word)
{
	mmio_write32(COMMON(dev, device_feature_select), word);
	return mmio_read32(COMMON(dev, device_feature));
}

static void pci_set_features(struct virtio_device *dev, uint32_t word,
			     uint32_t bits)
{
	mmio_write32(COMMON(dev, guest_feature_select), word);
	mmio_write32(COMMON(dev, guest_feature), bits);
}

static uint8_t pci_get_config(struct virtio_device *dev, uint32_t offset)
{
	return mmio_read8(dev->config + offset);
}

static void write_address(uint64_t reg, const void *addr)
{
	mmio_write32(reg, (uint32_t)(uint64_t)addr);
	mmio_write32(reg + 4, (uint32_t)((uint64_t)addr >> 32));
}

static void pci_setup_queue(struct virtio_device *dev, struct virtq *vq)
{
	uint16_t max;

	mmio_write16(COMMON(dev, queue_select), vq->index);
	max = mmio_read16(COMMON(dev, queue_size));
	if (!max)
		payload_fail("queue of size 0");
	if (max < vq->size)
		vq->size = max;
	mmio_write16(COMMON(dev, queue_size), vq->size);
	write_address(COMMON(dev, queue_desc_lo), vq->rings->desc);
	write_address(COMMON(dev, queue_avail_lo), &vq->rings->avail);
	write_address(COMMON(dev, queue_used_lo), &vq->rings->used);
	vq->doorbell = dev->notify +
		       (uint64_t)mmio_read16(COMMON(dev, queue_notify_off)) *
			       dev->notify_multiplier;
	mmio_write16(COMMON(dev, queue_enable), 1);
}

static const struct virtio_ops virtio_pci_ops = {
	.set_status = pci_set_status,
	.get_status = pci_get_status,
	.get_features = pci_get_features,
	.set_features = pci_set_features,
	.get_config = pci_get_config,
	.setup_queue = pci_setup_queue,
};

static void read_capability(struct virtio_device *dev, int slot,
			    unsigned int cap)
{
	uint8_t type = pci_read8(slot, cap + VIRTIO_PCI_CAP_CFG_TYPE);
	uint64_t addr;

	if (type != VIRTIO_PCI_CAP_COMMON_CFG &&
	    type != VIRTIO_PCI_CAP_NOTIFY_CFG &&
	    type != VIRTIO_PCI_CAP_DEVICE_CFG)
		return;
	addr = pci_bar(slot, pci_read8(slot, cap + VIRTIO_PCI_CAP_BAR)) +
	       pci_read32(slot, cap + VIRTIO_PCI_CAP_OFFSET);
	if (type == VIRTIO_PCI_CAP_COMMON_CFG) {
		dev->common = addr;
	} else if (type == VIRTIO_PCI_CAP_DEVICE_CFG) {
		dev->config = addr;
	} else {
		dev->notify = addr;
		dev->notify_multiplier =
			pci_read32(slot, cap + VIRTIO_PCI_NOTIFY_CAP_MULT);
	}
}

bool virtio_pci_find(struct virtio_device *dev, uint16_t id)
{
	int slot = pci_find(VENDOR_VIRTIO, DEVICE_MODERN + id);
	unsigned int cap;

	if (slot < 0)
		return false;
	*dev = (struct virtio_device){.ops = &virtio_pci_ops};
	if (!(pci_read8(slot, REG_STATUS) & STATUS_CAPABILITIES))
		payload_fail("PCI device without capabilities");
	cap = pci_read8(slot, REG_CAPABILITIES);
	for (int n = 0; cap && n < CAPABILITIES_MAX; n++) {
		if (pci_read8(slot, cap) == CAPABILITY_VENDOR)
			read_capability(dev, slot, cap);
		cap = pci_read8(slot, cap + 1);
	}
	if (!dev->common || !dev->config || !dev->notify)
		payload_fail("virtio PCI capabilities are missing");
	pci_enable(slot);
	return true;
}
