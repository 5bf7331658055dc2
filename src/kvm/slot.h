/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_KVM_SLOT_H
#define EVNIC_KVM_SLOT_H

/*
 * What a PCI function and an mmio device have in common as places for a
 * device: the platform calls them through this table.
 */

#include "base/platform.h"
#include "kvm/bells.h"

struct slot;

struct slot_ops {
	void (*unplug)(struct slot *slot);
	int (*irq_fd)(struct slot *slot, unsigned int vector);
};

struct slot {
	struct platform_slot base; /* first: what the device holds */
	const struct slot_ops *ops;
	struct bells bells;
};

#endif
