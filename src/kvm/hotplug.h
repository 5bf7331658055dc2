/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_KVM_HOTPLUG_H
#define EVNIC_KVM_HOTPLUG_H

/*
 * What happens to a running machine from outside: a PCI function comes, one is
 * asked back, somebody presses the power button. The guest hears of it by the
 * interrupt of ACPI's generic event device and finds out what it was in four
 * registers, which the DSDT (acpi.c) reads for it.
 *
 * Thread: the control loop.
 */

#include "kvm/bus.h"

/* The registers: dwords from LAYOUT_PORT_EVENTS on. Slots are bits. Reading
 * PENDING, UP or DOWN clears it. */
enum hotplug_register {
	HOTPLUG_PENDING = 0, /* what has happened */
	HOTPLUG_UP = 4,	     /* slots with a new function */
	HOTPLUG_DOWN = 8,    /* slots that are asked back */
	HOTPLUG_EJECT = 12,  /* written: slots that the guest has let go of */
	HOTPLUG_SIZE = 16,
};

/* Bits of PENDING. */
#define HOTPLUG_PENDING_POWER 1U
#define HOTPLUG_PENDING_PCI   2U

/* @eject is called when the guest has let go of a slot that was asked back.
 * @asked: slots asked back and not ejected yet. */
struct hotplug {
	struct bus_range range;
	void (*eject)(void *arg, unsigned int slot);
	void *arg;
	int irq_fd; /* eventfd, owned; bound to LAYOUT_GSI_EVENTS by the VM */
	uint32_t pending, up, down, asked;
};

/* Sets hotplug->eject and ->arg first. 0 or -errno. */
int hotplug_init(struct hotplug *hotplug, struct bus *ports) MUST_CHECK;

/* Idempotent on an object whose irq_fd is -1 or that was initialised. */
void hotplug_fini(struct hotplug *hotplug);

/* Power-on state; what was asked back is not any more. */
void hotplug_reset(struct hotplug *hotplug);

void hotplug_plugged(struct hotplug *hotplug, unsigned int slot);
void hotplug_unplugged(struct hotplug *hotplug, unsigned int slot);
void hotplug_ask_back(struct hotplug *hotplug, unsigned int slot);
void hotplug_power_button(struct hotplug *hotplug);

#endif
