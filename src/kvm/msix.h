/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_KVM_MSIX_H
#define EVNIC_KVM_MSIX_H

/*
 * The MSI-X table and pending bits of one PCI function, and the eventfd of each
 * vector. Control loop; the eventfds are signalled by anybody.
 *
 * Layout of the BAR: the table in the lower half, the pending bits (PBA) in
 * the upper half.
 */

#include "base/log.h"
#include "kvm/bus.h"
#include "kvm/irqchip.h"

struct msix_vector;

/* @name: the device's, for messages, borrowed. */
struct msix {
	struct irqchip *chip;
	const char *name;
	struct log_limit log;
	struct msix_vector *vectors;
	unsigned int n;
	unsigned int first_gsi;
	uint64_t bar_size;
	bool enabled;
	bool all_masked;
	/* A hint: @vector goes to @vcpu from now on. Optional, set after
	 * init. */
	void (*target)(void *arg, unsigned int vector, unsigned int vcpu);
	void *arg;
};

/* The bits of message control that a guest may write. */
#define MSIX_CONTROL_ENABLE   0x8000
#define MSIX_CONTROL_MASK_ALL 0x4000

/* Makes @n vectors (1..2048), all masked. 0 or -errno. */
int msix_init(struct msix *msix, struct irqchip *chip, const char *name,
	      unsigned int n) MUST_CHECK;

/* Idempotent on a zeroed or initialised object. */
void msix_fini(struct msix *msix);

/* The VM has been replaced by a new one: back to power-on. */
void msix_forget(struct msix *msix);

/* Eventfd of @vector, or -EINVAL. */
int msix_fd(const struct msix *msix, unsigned int vector);

/* The guest wrote message control. */
void msix_control(struct msix *msix, uint16_t control);

/* An access to the BAR; answered at once. */
void msix_access(struct msix *msix, struct bus_access *access);

#endif
