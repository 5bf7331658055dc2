/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_KVM_IRQCHIP_H
#define EVNIC_KVM_IRQCHIP_H

/*
 * KVM's interrupt controllers, and which interrupt number (GSI) means what:
 * 0..23 are the pins of the IOAPIC, the rest are messages (MSI). An eventfd
 * bound to a GSI raises it whenever it is written. Control loop.
 */

#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct irqchip_route {
	bool taken;  /* the GSI belongs to a vector */
	bool routed; /* and has a message */
	uint64_t address;
	uint32_t data;
};

struct irqchip {
	int vm_fd; /* borrowed */
	struct irqchip_route *routes;
	unsigned int n_routes;
	unsigned int max_routes;
};

void irqchip_init(struct irqchip *chip, int kvm_fd);

/* Idempotent. */
void irqchip_fini(struct irqchip *chip);

/* Makes the controllers of the VM @vm_fd, before its vCPUs; messages are
 * forgotten, GSIs stay taken. 0 or -errno. */
int irqchip_attach(struct irqchip *chip, int vm_fd) MUST_CHECK;

/* Takes @n GSIs in a row; the first one, or -ENOSPC, -ENOMEM. */
int irqchip_take(struct irqchip *chip, unsigned int n) MUST_CHECK;
void irqchip_release(struct irqchip *chip, unsigned int gsi, unsigned int n);

/* Has @gsi send this message from now on. 0 or -errno. */
int irqchip_route(struct irqchip *chip, unsigned int gsi, uint64_t address,
		  uint32_t data) MUST_CHECK;

/* Binds the eventfd @fd to @gsi (an event that is pending fires at once), and
 * undoes it (an event stays in the eventfd). 0 or -errno. */
int irqchip_bind(struct irqchip *chip, int fd, unsigned int gsi) MUST_CHECK;
void irqchip_unbind(struct irqchip *chip, int fd, unsigned int gsi);

#endif
