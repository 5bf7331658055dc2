/* SPDX-License-Identifier: MIT */
/*
 * PCI configuration space of bus 0, function 0: through the memory window that
 * MCFG names, or through ports 0xcf8/0xcfc if there is none or "config=port"
 * asks for them. PCI 3.0, 3.2.2.3.2 (ports) and 6.2.5.1 (BAR sizing).
 */
#include "pci.h"

#include "acpi.h"
#include "cpu.h"
#include "payload.h"

#define PORT_ADDRESS 0xcf8
#define PORT_DATA    0xcfc
#define PORT_ENABLE  0x80000000U

#define SLOTS	    32
#define REG_ID	    0x00
#define REG_COMMAND 0x04
#define REG_BAR0    0x10

#define COMMAND_MEMORY 0x2
#define COMMAND_MASTER 0x4
#define BAR_IO	       0x1
#define BAR_64	       0x4
#define BAR_MASK       0xfffffff0U

static uint64_t ecam_address(int slot, unsigned int offset)
{
	return acpi_info.ecam + ((uint64_t)slot << 15) + offset;
}

static bool use_ports(void)
{
	return !acpi_info.ecam || option_is("config", "port");
}

uint32_t pci_read32(int slot, unsigned int offset)
{
	if (!use_ports())
		return mmio_read32(ecam_address(slot, offset));
	cpu_out32(PORT_ADDRESS, PORT_ENABLE | (uint32_t)slot << 11 | offset);
	return cpu_in32(PORT_DATA);
}

void pci_write32(int slot, unsigned int offset, uint32_t value)
{
	if (!use_ports()) {
		mmio_write32(ecam_address(slot, offset), value);
		return;
	}
	cpu_out32(PORT_ADDRESS, PORT_ENABLE | (uint32_t)slot << 11 | offset);
	cpu_out32(PORT_DATA, value);
}

uint8_t pci_read8(int slot, unsigned int offset)
{
	return (uint8_t)(pci_read32(slot, offset & ~3U) >> (offset & 3) * 8);
}

int pci_find(uint16_t vendor, uint16_t device)
{
	uint32_t id = (uint32_t)device << 16 | vendor;

	for (int slot = 0; slot < SLOTS; slot++) {
		if (pci_read32(slot, REG_ID) == id)
			return slot;
	}
	return -1;
}

/* Place a BAR that has no address at the next multiple of its size. */
static uint32_t pci_place_bar(int slot, unsigned int offset)
{
	static uint64_t next;
	uint32_t size;

	if (!next)
		next = acpi_info.pci_memory;
	if (!next)
		payload_fail("BAR without address, and no window for it");
	pci_write32(slot, offset, BAR_MASK);
	size = ~(pci_read32(slot, offset) & BAR_MASK) + 1;
	if (!size)
		payload_fail("BAR without size");
	next = (next + size - 1) / size * size;
	pci_write32(slot, offset, (uint32_t)next);
	next += size;
	return pci_read32(slot, offset);
}

uint64_t pci_bar(int slot, unsigned int bar)
{
	unsigned int offset = REG_BAR0 + bar * 4;
	uint32_t low = pci_read32(slot, offset);
	uint64_t high = 0;

	if (low & BAR_IO)
		payload_fail("BAR of ports");
	if (low & BAR_64)
		high = pci_read32(slot, offset + 4);
	if (!high && !(low & BAR_MASK))
		low = pci_place_bar(slot, offset);
	return high << 32 | (low & BAR_MASK);
}

void pci_enable(int slot)
{
	uint32_t value = pci_read32(slot, REG_COMMAND) & 0xffff;

	pci_write32(slot, REG_COMMAND, value | COMMAND_MEMORY | COMMAND_MASTER);
}
