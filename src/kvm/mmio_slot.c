/* SPDX-License-Identifier: MIT */
/*
 * Slots for virtio-mmio devices: always mapped, one interrupt, always bound.
 */
#include "kvm/mmio_slot.h"

#include "base/irq.h"

#include <errno.h>
#include <stdlib.h>

static unsigned int gsi_of(const struct mmio_slot *slot)
{
	return LAYOUT_GSI_MMIO_FIRST + slot->index;
}

static void slot_access(void *device, struct bus_access *access)
{
	const struct mmio_slot *slot = device;

	slot->device.ops->access(slot->device.device, access);
}

static void slot_free(struct mmio_slot *slot)
{
	bells_fini(&slot->slot.bells);
	close_fd(&slot->irq_fd);
	free(slot);
}

static void slot_unplug(struct slot *base)
{
	struct mmio_slot *slot = container_of(base, struct mmio_slot, slot);

	irqchip_unbind(slot->slots->chip, slot->irq_fd, gsi_of(slot));
	bus_remove(slot->slots->bus, &slot->range);
	slot->slots->slot[slot->index] = NULL;
	slot_free(slot);
}

static int slot_irq_fd(struct slot *base, unsigned int vector)
{
	struct mmio_slot *slot = container_of(base, struct mmio_slot, slot);

	return vector == 0 ? slot->irq_fd : -EINVAL;
}

static const struct slot_ops mmio_slot_ops = {
	.unplug = slot_unplug,
	.irq_fd = slot_irq_fd,
};

int mmio_slots_plug(struct mmio_slots *slots, struct platform *platform,
		    const struct platform_mmio_device *device,
		    struct platform_slot **out)
{
	struct mmio_slot *slot;
	unsigned int i = 0;
	int err;

	while (i < LAYOUT_MMIO_SLOTS_MAX && slots->slot[i])
		i++;
	if (i == LAYOUT_MMIO_SLOTS_MAX)
		return -ENOSPC;
	slot = calloc(1, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	slot->slot.base.platform = platform;
	slot->slot.ops = &mmio_slot_ops;
	bells_init(&slot->slot.bells, slots->vm_fd, device->name);
	slot->slots = slots;
	slot->index = i;
	slot->device = *device;
	slot->range = (struct bus_range){
		.base = LAYOUT_MMIO_SLOTS + i * LAYOUT_MMIO_SLOT_SIZE,
		.size = LAYOUT_MMIO_SLOT_SIZE,
		.access = slot_access,
		.device = slot,
	};
	err = slot->irq_fd = eventfd_create();
	if (err >= 0)
		err = irqchip_bind(slots->chip, slot->irq_fd, gsi_of(slot));
	if (err < 0) {
		slot_free(slot);
		return err;
	}
	bells_map(&slot->slot.bells, slot->range.base);
	bus_add(slots->bus, &slot->range);
	slots->slot[i] = slot;
	*out = &slot->slot.base;
	return 0;
}

int mmio_slots_attach(struct mmio_slots *slots)
{
	int err = 0;

	for (unsigned int i = 0; i < LAYOUT_MMIO_SLOTS_MAX && !err; i++) {
		struct mmio_slot *slot = slots->slot[i];

		if (!slot)
			continue;
		(void)eventfd_take(slot->irq_fd);
		err = irqchip_bind(slots->chip, slot->irq_fd, gsi_of(slot));
		bells_forget(&slot->slot.bells);
		bells_map(&slot->slot.bells, slot->range.base);
	}
	return err;
}

uint32_t mmio_slots_taken(const struct mmio_slots *slots)
{
	uint32_t taken = 0;

	for (unsigned int i = 0; i < LAYOUT_MMIO_SLOTS_MAX; i++)
		if (slots->slot[i])
			taken |= 1U << i;
	return taken;
}
