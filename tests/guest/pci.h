/* SPDX-License-Identifier: MIT */
#ifndef TESTS_GUEST_PCI_H
#define TESTS_GUEST_PCI_H

#include <stdbool.h>
#include <stdint.h>

/* Slot of the first function 0 on bus 0 with these ids, or -1. */
int pci_find(uint16_t vendor, uint16_t device);

uint8_t pci_read8(int slot, unsigned int offset);
uint32_t pci_read32(int slot, unsigned int offset);
void pci_write32(int slot, unsigned int offset, uint32_t value);

/* Address of a memory BAR; one that has none yet is sized and placed. */
uint64_t pci_bar(int slot, unsigned int bar);

/* Answer memory accesses from now on, and allow DMA. */
void pci_enable(int slot);

#endif
