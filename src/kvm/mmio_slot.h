/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_KVM_MMIO_SLOT_H
#define EVNIC_KVM_MMIO_SLOT_H

/*
 * Windows for virtio-mmio devices: slot n is at LAYOUT_MMIO_SLOTS + n pages and
 * raises GSI LAYOUT_GSI_MMIO_FIRST + n, an edge. Control loop.
 */

#include "kvm/bus.h"
#include "kvm/irqchip.h"
#include "kvm/layout.h"
#include "kvm/slot.h"

struct mmio_slots;

struct mmio_slot {
	struct slot slot;
	struct mmio_slots *slots;
	unsigned int index;
	struct platform_mmio_device device;
	struct bus_range range;
	int irq_fd;
};

struct mmio_slots {
	struct bus *bus;
	struct irqchip *chip;
	const int *vm_fd;
	struct mmio_slot *slot[LAYOUT_MMIO_SLOTS_MAX];
};

/* Puts @device into a free slot. 0, -ENOSPC, -errno. */
int mmio_slots_plug(struct mmio_slots *slots, struct platform *platform,
		    const struct platform_mmio_device *device,
		    struct platform_slot **out) MUST_CHECK;

/* The VM has been replaced by a new one. 0 or -errno. */
int mmio_slots_attach(struct mmio_slots *slots) MUST_CHECK;

/* Bit n: slot n is taken. */
uint32_t mmio_slots_taken(const struct mmio_slots *slots);

#endif
