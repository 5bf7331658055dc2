/* SPDX-License-Identifier: MIT */
/*
 * Power-off and reset.
 *
 * Sleep control: SLP_TYP in bits 4:2, SLP_EN is bit 5 (ACPI 6.4, 4.8.3.7). The
 * status register reads 0: nothing ever wakes the machine. The keyboard
 * controller reads 0, "ready": all ones would say "busy" for ever.
 */
#include "kvm/power.h"

#include "kvm/layout.h"

#define SLEEP_ENABLE	 0x20
#define SLEEP_TYPE_SHIFT 2
#define SLEEP_TYPE_MASK	 7
#define I8042_RESET	 0xfe

static void acpi_access(void *device, struct bus_access *access)
{
	struct power *power = device;
	uint64_t port = LAYOUT_PORT_SLEEP_CONTROL + access->offset;
	uint8_t value = (uint8_t)access->value;

	if (!access->is_write)
		access->value = 0;
	else if (port == LAYOUT_PORT_SLEEP_CONTROL && (value & SLEEP_ENABLE) &&
		 (value >> SLEEP_TYPE_SHIFT & SLEEP_TYPE_MASK) ==
			 POWER_SLEEP_S5)
		power->off(power->arg);
	else if (port == LAYOUT_PORT_RESET && value == POWER_RESET_VALUE)
		power->reset(power->arg);
	bus_access_done(access);
}

static void i8042_access(void *device, struct bus_access *access)
{
	struct power *power = device;

	if (!access->is_write)
		access->value = 0;
	else if ((uint8_t)access->value == I8042_RESET)
		power->reset(power->arg);
	bus_access_done(access);
}

void power_init(struct power *power, struct bus *ports)
{
	power->acpi = (struct bus_range){
		.base = LAYOUT_PORT_SLEEP_CONTROL,
		.size = LAYOUT_PORT_RESET - LAYOUT_PORT_SLEEP_CONTROL + 1,
		.access = acpi_access,
		.device = power,
	};
	power->i8042 = (struct bus_range){
		.base = LAYOUT_PORT_I8042,
		.size = 1,
		.access = i8042_access,
		.device = power,
	};
	bus_add(ports, &power->acpi);
	bus_add(ports, &power->i8042);
}
