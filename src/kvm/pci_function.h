/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_KVM_PCI_FUNCTION_H
#define EVNIC_KVM_PCI_FUNCTION_H

/*
 * A PCI function: its configuration space, its two memory BARs (the device's
 * registers, the MSI-X table) and where they are mapped. Control loop.
 */

#include "kvm/bus.h"
#include "kvm/msix.h"
#include "kvm/slot.h"

#define PCI_CONFIG_SIZE 256

enum pci_bar_number {
	PCI_BAR_REGISTERS, /* BAR 0 and 1: 64 bits */
	PCI_BAR_MSIX,	   /* BAR 2 and 3 */
	PCI_N_BARS,
};

struct pci_bar {
	uint64_t size;
	struct bus_range range;
	bool mapped;
};

struct pci_cap {
	uint8_t offset, len;
	bool live;
};

struct pci_host;

struct pci_function {
	struct slot slot;
	struct pci_host *host;
	struct platform_pci_function what; /* without name and caps */
	struct bus *bus;
	struct pci_bar bars[PCI_N_BARS];
	struct msix msix;
	struct pci_cap caps[PLATFORM_PCI_MAX_CAPS];
	size_t n_caps;
	uint8_t config[PCI_CONFIG_SIZE];
	uint8_t initial[PCI_CONFIG_SIZE];
	uint8_t writable[PCI_CONFIG_SIZE];
};

/* What a function is made of besides its description. */
struct pci_function_env {
	struct platform *platform;
	struct pci_host *host;
	const struct slot_ops *ops;
	struct bus *bus;
	struct irqchip *chip;
	const int *vm_fd;
};

/* -EINVAL: the description is against the rules of platform.h. */
int pci_function_create(const struct pci_function_env *env,
			const struct platform_pci_function *what,
			struct pci_function **out) MUST_CHECK;
void pci_function_destroy(struct pci_function *function);

/* Where the BAR is at power-on, before the guest moves it. */
void pci_function_place(struct pci_function *function, enum pci_bar_number bar,
			uint64_t base);
uint64_t pci_function_place_of(const struct pci_function *function,
			       enum pci_bar_number bar);

/* The VM has been replaced by a new one: back to power-on. */
void pci_function_forget(struct pci_function *function);

/* An access to configuration space; the offset is the register. */
void pci_function_config(struct pci_function *function,
			 struct bus_access *access);

#endif
