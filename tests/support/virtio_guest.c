/* SPDX-License-Identifier: MIT */
/*
 * A virtio driver's way through the registers (virtio 1.2, 3.1.1), as Linux's
 * virtio_pci_modern and virtio_mmio go it.
 */
#include "support/virtio_guest.h"

#include "base/bytes.h"

#include <linux/virtio_mmio.h>
#include <linux/virtio_pci.h>
#include <string.h>

#define NOTIFY_CAP_MULTIPLIER 16

static void read_cap(struct virtio_guest *guest, size_t index)
{
	const uint8_t *cap = guest->slot->cap[index].bytes;
	uint32_t offset = load_le32(cap + VIRTIO_PCI_CAP_OFFSET);
	uint32_t len = load_le32(cap + VIRTIO_PCI_CAP_LENGTH);

	switch (cap[VIRTIO_PCI_CAP_CFG_TYPE]) {
	case VIRTIO_PCI_CAP_COMMON_CFG:
		guest->common = offset;
		guest->common_len = len;
		break;
	case VIRTIO_PCI_CAP_NOTIFY_CFG:
		guest->notify = offset;
		guest->notify_len = len;
		guest->notify_multiplier =
			load_le32(cap + NOTIFY_CAP_MULTIPLIER);
		break;
	case VIRTIO_PCI_CAP_ISR_CFG:
		guest->isr = offset;
		break;
	case VIRTIO_PCI_CAP_DEVICE_CFG:
		guest->config = offset;
		guest->config_len = len;
		break;
	case VIRTIO_PCI_CAP_PCI_CFG:
		guest->window_cap = index;
		break;
	default:
		break;
	}
}

void virtio_guest_init(struct virtio_guest *guest, struct fake_slot *slot)
{
	*guest = (struct virtio_guest){.slot = slot, .mmio = !slot->is_pci};
	if (guest->mmio)
		guest->config = VIRTIO_MMIO_CONFIG;
	for (size_t i = 0; slot->is_pci && i < slot->function.n_caps; i++)
		read_cap(guest, i);
}

static uint64_t common_read(const struct virtio_guest *guest, uint64_t offset,
			    uint8_t size)
{
	return fake_read(guest->slot, guest->common + offset, size);
}

static void common_write(const struct virtio_guest *guest, uint64_t offset,
			 uint8_t size, uint64_t value)
{
	fake_write(guest->slot, guest->common + offset, size, value);
}

static uint64_t status_offset(const struct virtio_guest *guest)
{
	return guest->mmio ? VIRTIO_MMIO_STATUS : VIRTIO_PCI_COMMON_STATUS;
}

static uint8_t status_size(const struct virtio_guest *guest)
{
	return guest->mmio ? 4 : 1;
}

uint8_t guest_status(const struct virtio_guest *guest)
{
	return (uint8_t)common_read(guest, status_offset(guest),
				    status_size(guest));
}

void guest_set_status(const struct virtio_guest *guest, uint8_t status)
{
	common_write(guest, status_offset(guest), status_size(guest), status);
}

void guest_begin_status(const struct virtio_guest *guest,
			struct fake_access *access, uint8_t status)
{
	(void)fake_access_begin(access, guest->slot, FAKE_BAR, true,
				guest->common + status_offset(guest),
				status_size(guest), status);
}

void guest_begin_read_status(const struct virtio_guest *guest,
			     struct fake_access *access)
{
	(void)fake_access_begin(access, guest->slot, FAKE_BAR, false,
				guest->common + status_offset(guest),
				status_size(guest), 0);
}

uint64_t guest_offer(const struct virtio_guest *guest)
{
	uint64_t select = guest->mmio ? VIRTIO_MMIO_DEVICE_FEATURES_SEL
				      : VIRTIO_PCI_COMMON_DFSELECT;
	uint64_t word = guest->mmio ? VIRTIO_MMIO_DEVICE_FEATURES
				    : VIRTIO_PCI_COMMON_DF;
	uint64_t features;

	common_write(guest, select, 4, 0);
	features = common_read(guest, word, 4);
	common_write(guest, select, 4, 1);
	return features | common_read(guest, word, 4) << 32;
}

void guest_set_features(const struct virtio_guest *guest, uint64_t features)
{
	uint64_t select = guest->mmio ? VIRTIO_MMIO_DRIVER_FEATURES_SEL
				      : VIRTIO_PCI_COMMON_GFSELECT;
	uint64_t word = guest->mmio ? VIRTIO_MMIO_DRIVER_FEATURES
				    : VIRTIO_PCI_COMMON_GF;

	common_write(guest, select, 4, 0);
	common_write(guest, word, 4, (uint32_t)features);
	common_write(guest, select, 4, 1);
	common_write(guest, word, 4, features >> 32);
}

static void select_queue(const struct virtio_guest *guest, uint16_t index)
{
	if (guest->mmio)
		common_write(guest, VIRTIO_MMIO_QUEUE_SEL, 4, index);
	else
		common_write(guest, VIRTIO_PCI_COMMON_Q_SELECT, 2, index);
}

static void write_address(const struct virtio_guest *guest, uint64_t low,
			  uint64_t address)
{
	common_write(guest, low, 4, (uint32_t)address);
	common_write(guest, low + 4, 4, address >> 32);
}

void guest_lay_queue(const struct virtio_guest *guest, uint16_t index,
		     const struct guest_queue *queue)
{
	select_queue(guest, index);
	if (guest->mmio) {
		common_write(guest, VIRTIO_MMIO_QUEUE_NUM, 4, queue->size);
		write_address(guest, VIRTIO_MMIO_QUEUE_DESC_LOW, queue->desc);
		write_address(guest, VIRTIO_MMIO_QUEUE_AVAIL_LOW, queue->avail);
		write_address(guest, VIRTIO_MMIO_QUEUE_USED_LOW, queue->used);
		return;
	}
	common_write(guest, VIRTIO_PCI_COMMON_Q_SIZE, 2, queue->size);
	write_address(guest, VIRTIO_PCI_COMMON_Q_DESCLO, queue->desc);
	write_address(guest, VIRTIO_PCI_COMMON_Q_AVAILLO, queue->avail);
	write_address(guest, VIRTIO_PCI_COMMON_Q_USEDLO, queue->used);
	common_write(guest, VIRTIO_PCI_COMMON_Q_MSIX, 2, queue->vector);
}

void guest_enable_queue(const struct virtio_guest *guest, uint16_t index)
{
	select_queue(guest, index);
	if (guest->mmio)
		common_write(guest, VIRTIO_MMIO_QUEUE_READY, 4, 1);
	else
		common_write(guest, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
}

bool guest_queue_enabled(const struct virtio_guest *guest, uint16_t index)
{
	select_queue(guest, index);
	if (guest->mmio)
		return common_read(guest, VIRTIO_MMIO_QUEUE_READY, 4);
	return common_read(guest, VIRTIO_PCI_COMMON_Q_ENABLE, 2);
}

uint16_t guest_queue_size(const struct virtio_guest *guest, uint16_t index)
{
	select_queue(guest, index);
	if (guest->mmio)
		return (uint16_t)common_read(guest, VIRTIO_MMIO_QUEUE_NUM_MAX,
					     4);
	return (uint16_t)common_read(guest, VIRTIO_PCI_COMMON_Q_SIZE, 2);
}

void guest_kick(const struct virtio_guest *guest, uint16_t index)
{
	/* Queue i's notify_off is i: test_virtio_pci checks that. */
	if (guest->mmio)
		common_write(guest, VIRTIO_MMIO_QUEUE_NOTIFY, 4, index);
	else
		fake_write(guest->slot,
			   guest->notify +
				   (uint64_t)index * guest->notify_multiplier,
			   2, index);
}

uint32_t guest_generation(const struct virtio_guest *guest)
{
	if (guest->mmio)
		return (uint32_t)common_read(guest,
					     VIRTIO_MMIO_CONFIG_GENERATION, 4);
	return (uint32_t)common_read(guest, VIRTIO_PCI_COMMON_CFGGENERATION, 1);
}

uint64_t guest_read_config(const struct virtio_guest *guest, uint32_t offset,
			   uint8_t size)
{
	return fake_read(guest->slot, guest->config + offset, size);
}

void guest_write_config(const struct virtio_guest *guest, uint32_t offset,
			uint8_t size, uint64_t value)
{
	fake_write(guest->slot, guest->config + offset, size, value);
}

uint32_t guest_take_isr(const struct virtio_guest *guest)
{
	uint32_t isr;

	if (!guest->mmio)
		return (uint32_t)fake_read(guest->slot, guest->isr, 1);
	isr = (uint32_t)common_read(guest, VIRTIO_MMIO_INTERRUPT_STATUS, 4);
	common_write(guest, VIRTIO_MMIO_INTERRUPT_ACK, 4, isr);
	return isr;
}

unsigned int guest_queue_vector(const struct virtio_guest *guest,
				uint16_t index)
{
	return guest->mmio ? 0 : index + 1U;
}

unsigned int guest_config_vector(const struct virtio_guest *guest)
{
	UNUSED(guest);
	return 0;
}

struct guest_queue guest_default_queue(uint16_t index)
{
	uint64_t base = 0x123400000000 + 0x10000ULL * index;

	return (struct guest_queue){
		.size = 128,
		.desc = base,
		.avail = base + 0x4000,
		.used = base + 0x8000,
		.vector = (uint16_t)(index + 1),
	};
}

uint8_t guest_negotiate(const struct virtio_guest *guest, uint64_t features,
			uint16_t n_queues)
{
	guest_set_status(guest, 0);
	guest_set_status(guest, 0x01);
	guest_set_status(guest, 0x03);
	guest_set_features(guest, features);
	guest_set_status(guest, 0x0b);
	if (!guest->mmio)
		common_write(guest, VIRTIO_PCI_COMMON_MSIX, 2,
			     guest_config_vector(guest));
	for (uint16_t i = 0; i < n_queues; i++) {
		struct guest_queue queue = guest_default_queue(i);

		guest_lay_queue(guest, i, &queue);
	}
	for (uint16_t i = 0; i < n_queues; i++)
		guest_enable_queue(guest, i);
	return guest_status(guest);
}
