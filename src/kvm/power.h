/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_KVM_POWER_H
#define EVNIC_KVM_POWER_H

/*
 * How a guest switches itself off or resets: the three registers that FADT
 * names (sleep control, sleep status, reset), and the keyboard controller's
 * reset command, which is all there is of a keyboard controller.
 */

#include "kvm/bus.h"

/* @off or @reset is called when the guest asks for it. Control loop. */
struct power {
	struct bus_range acpi;
	struct bus_range i8042;
	void (*off)(void *arg);
	void (*reset)(void *arg);
	void *arg;
};

/* Written to the reset register, and as SLP_TYP of S5. */
#define POWER_RESET_VALUE 1
#define POWER_SLEEP_S5	  5

/* Sets power->off, ->reset and ->arg first. */
void power_init(struct power *power, struct bus *ports);

#endif
