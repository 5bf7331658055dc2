/* SPDX-License-Identifier: MIT */
/*
 * Interrupt routing.
 *
 * KVM takes the whole routing table at a time. Ours is rebuilt from the pins of
 * PIC and IOAPIC, as KVM has them by default, and the messages known so far.
 * Messages change only when a guest programs its MSI-X tables.
 */
#include "kvm/irqchip.h"

#include "kvm/layout.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define PIC_PINS    16U
#define IOAPIC_PINS 24U
#define PIN_ENTRIES (PIC_PINS + IOAPIC_PINS)

void irqchip_init(struct irqchip *chip, int kvm_fd)
{
	int max = ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_IRQ_ROUTING);

	memset(chip, 0, sizeof(*chip));
	chip->vm_fd = -1;
	if (max > (int)PIN_ENTRIES)
		chip->max_routes = (unsigned int)max - PIN_ENTRIES;
}

void irqchip_fini(struct irqchip *chip)
{
	free(chip->routes);
	chip->routes = NULL;
	chip->n_routes = 0;
}

int irqchip_attach(struct irqchip *chip, int vm_fd)
{
	struct kvm_pit_config pit = {.flags = KVM_PIT_SPEAKER_DUMMY};
	uint64_t identity_map = LAYOUT_IDENTITY_MAP;

	chip->vm_fd = vm_fd;
	for (unsigned int i = 0; i < chip->n_routes; i++)
		chip->routes[i].routed = false;
	if (ioctl(vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map) < 0 ||
	    ioctl(vm_fd, KVM_SET_TSS_ADDR, LAYOUT_TSS) < 0 ||
	    ioctl(vm_fd, KVM_CREATE_IRQCHIP, 0) < 0 ||
	    ioctl(vm_fd, KVM_CREATE_PIT2, &pit) < 0)
		return -errno;
	return 0;
}

static bool row_is_free(const struct irqchip *chip, unsigned int at,
			unsigned int n)
{
	for (unsigned int i = at; i < at + n && i < chip->n_routes; i++)
		if (chip->routes[i].taken)
			return false;
	return true;
}

int irqchip_take(struct irqchip *chip, unsigned int n)
{
	unsigned int at = 0;
	struct irqchip_route *routes;

	while (at < chip->n_routes && !row_is_free(chip, at, n))
		at++;
	if (n > chip->max_routes || at > chip->max_routes - n)
		return -ENOSPC;
	if (at + n > chip->n_routes) {
		routes = reallocarray(chip->routes, at + n, sizeof(*routes));
		if (!routes)
			return -ENOMEM;
		memset(routes + chip->n_routes, 0,
		       (at + n - chip->n_routes) * sizeof(*routes));
		chip->routes = routes;
		chip->n_routes = at + n;
	}
	for (unsigned int i = at; i < at + n; i++)
		chip->routes[i].taken = true;
	return LAYOUT_GSI_MSI_FIRST + (int)at;
}

void irqchip_release(struct irqchip *chip, unsigned int gsi, unsigned int n)
{
	memset(chip->routes + (gsi - LAYOUT_GSI_MSI_FIRST), 0,
	       n * sizeof(*chip->routes));
}

static unsigned int add_pins(struct kvm_irq_routing_entry *e)
{
	unsigned int n = 0;

	for (unsigned int gsi = 0; gsi < IOAPIC_PINS; gsi++) {
		e[n++] = (struct kvm_irq_routing_entry){
			.gsi = gsi,
			.type = KVM_IRQ_ROUTING_IRQCHIP,
			.u.irqchip = {KVM_IRQCHIP_IOAPIC, gsi},
		};
		if (gsi < PIC_PINS)
			e[n++] = (struct kvm_irq_routing_entry){
				.gsi = gsi,
				.type = KVM_IRQ_ROUTING_IRQCHIP,
				.u.irqchip = {gsi < 8 ? KVM_IRQCHIP_PIC_MASTER
						      : KVM_IRQCHIP_PIC_SLAVE,
					      gsi % 8},
			};
	}
	return n;
}

static int install(const struct irqchip *chip)
{
	struct kvm_irq_routing *table;
	unsigned int n;
	int err = 0;

	table = calloc(1, sizeof(*table) + (PIN_ENTRIES + chip->n_routes) *
						   sizeof(table->entries[0]));
	if (!table)
		return -ENOMEM;
	n = add_pins(table->entries);
	for (unsigned int i = 0; i < chip->n_routes; i++) {
		const struct irqchip_route *r = &chip->routes[i];

		if (!r->routed)
			continue;
		table->entries[n++] = (struct kvm_irq_routing_entry){
			.gsi = LAYOUT_GSI_MSI_FIRST + i,
			.type = KVM_IRQ_ROUTING_MSI,
			.u.msi = {.address_lo = (uint32_t)r->address,
				  .address_hi = (uint32_t)(r->address >> 32),
				  .data = r->data},
		};
	}
	table->nr = n;
	if (ioctl(chip->vm_fd, KVM_SET_GSI_ROUTING, table) < 0)
		err = -errno;
	free(table);
	return err;
}

int irqchip_route(struct irqchip *chip, unsigned int gsi, uint64_t address,
		  uint32_t data)
{
	struct irqchip_route *r = &chip->routes[gsi - LAYOUT_GSI_MSI_FIRST];

	if (r->routed && r->address == address && r->data == data)
		return 0;
	r->routed = true;
	r->address = address;
	r->data = data;
	return install(chip);
}

static int irqfd(const struct irqchip *chip, int fd, unsigned int gsi,
		 uint32_t flags)
{
	struct kvm_irqfd args = {
		.fd = (uint32_t)fd,
		.gsi = gsi,
		.flags = flags,
	};

	return ioctl(chip->vm_fd, KVM_IRQFD, &args) < 0 ? -errno : 0;
}

int irqchip_bind(struct irqchip *chip, int fd, unsigned int gsi)
{
	return irqfd(chip, fd, gsi, 0);
}

void irqchip_unbind(struct irqchip *chip, int fd, unsigned int gsi)
{
	(void)irqfd(chip, fd, gsi, KVM_IRQFD_FLAG_DEASSIGN);
}
