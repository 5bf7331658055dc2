/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_KVM_PCI_HOST_H
#define EVNIC_KVM_PCI_HOST_H

/*
 * PCI bus 0: the host bridge at 00:00.0 and one function in each of the other
 * 31 slots. Configuration space is reached through memory (ECAM) and through
 * the ports 0xcf8/0xcfc. Control loop.
 */

#include "kvm/bus.h"
#include "kvm/pci_function.h"

#define PCI_SLOTS 32

struct pci_host {
	struct platform *platform;
	struct bus *memory;
	struct irqchip *chip;
	const int *vm_fd;
	struct bus_range ecam;
	struct bus_range port_address;
	struct bus_range port_data;
	uint32_t address; /* the register at 0xcf8 */
	struct pci_function *functions[PCI_SLOTS];
};

/* Sets platform, memory, chip and vm_fd first. */
void pci_host_init(struct pci_host *host, struct bus *ports);

/* Puts a function into a free slot, its BARs placed. 0, -ENOSPC, -errno. */
int pci_host_plug(struct pci_host *host,
		  const struct platform_pci_function *what,
		  struct platform_slot **out) MUST_CHECK;

/* The slot that @slot is, or the function in slot @device; NULL: none. */
unsigned int pci_host_number(const struct pci_host *host,
			     const struct slot *slot);
struct pci_function *pci_host_function(const struct pci_host *host,
				       unsigned int device);

/* The VM has been replaced by a new one: back to power-on. */
void pci_host_forget(struct pci_host *host);

#endif
