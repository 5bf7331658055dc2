/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_KVM_ACPI_H
#define EVNIC_KVM_ACPI_H

/*
 * The ACPI tables: how the guest learns of processors, interrupt controllers,
 * PCI, the serial port, virtio-mmio devices, and how it switches off.
 */

#include "base/guest_mem.h"

#include <stdint.h>

/* Writes the tables into guest memory from LAYOUT_ACPI on, where the RSDP is.
 * @mmio_slots: bit n is set if the mmio slot n has a device. 0, or -ENOSPC
 * (they do not fit). */
int acpi_write(const struct guest_mem *mem, unsigned int n_vcpus,
	       uint32_t mmio_slots) MUST_CHECK;

#endif
