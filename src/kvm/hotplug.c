/* SPDX-License-Identifier: MIT */
/*
 * Events of the machine: registers with one bit for each slot, and one
 * interrupt.
 *
 * Each register is cleared by reading it, so an event that arrives while the
 * guest handles the one before raises the interrupt again and is not lost. A
 * slot that the guest powers off by itself, without having been asked, keeps
 * its function: the guest may power it on again.
 *
 * Source: ACPI 6.4, 5.6.9 (interrupt-signaled events).
 */
#include "kvm/hotplug.h"

#include "base/irq.h"
#include "kvm/layout.h"

static uint32_t read_and_clear(uint32_t *reg)
{
	uint32_t value = *reg;

	*reg = 0;
	return value;
}

static void eject(struct hotplug *hotplug, uint32_t slots)
{
	uint32_t asked = slots & hotplug->asked;

	hotplug->asked &= ~asked;
	for (unsigned int i = 0; i < 32; i++) {
		if (asked & 1U << i)
			hotplug->eject(hotplug->arg, i);
	}
}

static void access_cb(void *device, struct bus_access *access)
{
	struct hotplug *hotplug = device;

	if (access->size != 4) {
		bus_unclaimed(access);
		return;
	}
	if (access->is_write) {
		if (access->offset == HOTPLUG_EJECT)
			eject(hotplug, (uint32_t)access->value);
		bus_access_done(access);
		return;
	}
	access->value = 0;
	if (access->offset == HOTPLUG_PENDING)
		access->value = read_and_clear(&hotplug->pending);
	else if (access->offset == HOTPLUG_UP)
		access->value = read_and_clear(&hotplug->up);
	else if (access->offset == HOTPLUG_DOWN)
		access->value = read_and_clear(&hotplug->down);
	bus_access_done(access);
}

int hotplug_init(struct hotplug *hotplug, struct bus *ports)
{
	hotplug->irq_fd = eventfd_create();
	if (hotplug->irq_fd < 0)
		return hotplug->irq_fd;
	hotplug->range = (struct bus_range){
		.base = LAYOUT_PORT_EVENTS,
		.size = HOTPLUG_SIZE,
		.access = access_cb,
		.device = hotplug,
	};
	bus_add(ports, &hotplug->range);
	return 0;
}

void hotplug_fini(struct hotplug *hotplug)
{
	close_fd(&hotplug->irq_fd);
}

void hotplug_reset(struct hotplug *hotplug)
{
	hotplug->pending = 0;
	hotplug->up = 0;
	hotplug->down = 0;
	hotplug->asked = 0;
	(void)eventfd_take(hotplug->irq_fd);
}

static void tell(struct hotplug *hotplug, uint32_t what)
{
	hotplug->pending |= what;
	eventfd_signal(hotplug->irq_fd);
}

void hotplug_plugged(struct hotplug *hotplug, unsigned int slot)
{
	hotplug->up |= 1U << slot;
	tell(hotplug, HOTPLUG_PENDING_PCI);
}

void hotplug_unplugged(struct hotplug *hotplug, unsigned int slot)
{
	hotplug->up &= ~(1U << slot);
	hotplug->down &= ~(1U << slot);
	hotplug->asked &= ~(1U << slot);
}

void hotplug_ask_back(struct hotplug *hotplug, unsigned int slot)
{
	hotplug->down |= 1U << slot;
	hotplug->asked |= 1U << slot;
	tell(hotplug, HOTPLUG_PENDING_PCI);
}

void hotplug_power_button(struct hotplug *hotplug)
{
	tell(hotplug, HOTPLUG_PENDING_POWER);
}
