/* SPDX-License-Identifier: MIT */
#ifndef TESTS_GUEST_ACPI_H
#define TESTS_GUEST_ACPI_H

#include <stdint.h>

/* What the firmware tables say; 0 where they say nothing. */
struct acpi_info {
	uint64_t ecam;	      /* PCI configuration space of bus 0 */
	uint64_t pci_memory;  /* where BARs of bus 0 may be placed */
	uint64_t virtio_mmio; /* registers of the first LNRO0005 */
	uint16_t sleep_port;  /* SLEEP_CONTROL_REG */
	uint8_t sleep_type;   /* SLP_TYP of S5 */
};

extern struct acpi_info acpi_info;

/* Read the tables that start at the RSDP, once. */
void acpi_read(uint64_t rsdp);

#endif
