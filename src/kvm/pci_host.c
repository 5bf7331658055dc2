/* SPDX-License-Identifier: MIT */
/*
 * The PCI host bridge.
 *
 * There is no firmware that would place BARs, so they are placed when a
 * function is plugged in: first fit in the window that the DSDT announces. The
 * guest may move them.
 *
 * Sources: PCI 3.0, 3.2.2.3.2 (ports 0xcf8 and 0xcfc); PCI Express 5.0, 7.2.2
 * (ECAM).
 */
#include "kvm/pci_host.h"

#include "base/bytes.h"
#include "kvm/layout.h"

#include <errno.h>
#include <string.h>

#define ADDRESS_ENABLE	0x80000000U
#define BRIDGE_VENDOR	0x8086
#define BRIDGE_DEVICE	0x0d57
#define BRIDGE_CLASS	0x060000
#define CONFIG_SPACE_4K 0xfffU

/* The bridge has an identity and nothing to configure. */
static void bridge_config(struct bus_access *access)
{
	unsigned char config[PCI_CONFIG_SIZE] = {0};

	store_le16(config, BRIDGE_VENDOR);
	store_le16(config + 2, BRIDGE_DEVICE);
	store_le32(config + 8, (uint32_t)BRIDGE_CLASS << 8);
	if (!access->is_write) {
		uint64_t offset = access->offset;

		access->value = 0;
		if (offset + access->size <= PCI_CONFIG_SIZE)
			memcpy(&access->value, config + offset, access->size);
	}
	bus_access_done(access);
}

/* access->offset: the register. */
static void config_access(struct pci_host *host, unsigned int device,
			  unsigned int function, struct bus_access *access)
{
	bool possible = function == 0 && access->size <= 4;

	if (possible && device == 0)
		bridge_config(access);
	else if (possible && host->functions[device])
		pci_function_config(host->functions[device], access);
	else
		bus_unclaimed(access);
}

static void ecam_access(void *arg, struct bus_access *access)
{
	unsigned int device = (unsigned int)(access->offset >> 15) & 31;
	unsigned int function = (unsigned int)(access->offset >> 12) & 7;

	access->offset &= CONFIG_SPACE_4K;
	config_access(arg, device, function, access);
}

/* Only dword accesses reach the address register; others are something else's
 * ports on a real machine. */
static void port_address_access(void *arg, struct bus_access *access)
{
	struct pci_host *host = arg;

	if (access->size != 4) {
		bus_unclaimed(access);
		return;
	}
	if (access->is_write)
		host->address = (uint32_t)access->value;
	else
		access->value = host->address;
	bus_access_done(access);
}

static void port_data_access(void *arg, struct bus_access *access)
{
	struct pci_host *host = arg;
	uint32_t address = host->address;

	if (!(address & ADDRESS_ENABLE) || (address >> 16 & 0xff) != 0) {
		bus_unclaimed(access);
		return;
	}
	access->offset += address & 0xfc;
	config_access(host, address >> 11 & 31, address >> 8 & 7, access);
}

void pci_host_init(struct pci_host *host, struct bus *ports)
{
	host->ecam = (struct bus_range){
		.base = LAYOUT_ECAM,
		.size = LAYOUT_ECAM_SIZE,
		.access = ecam_access,
		.device = host,
	};
	host->port_address = (struct bus_range){
		.base = LAYOUT_PORT_PCI_ADDRESS,
		.size = 4,
		.access = port_address_access,
		.device = host,
	};
	host->port_data = (struct bus_range){
		.base = LAYOUT_PORT_PCI_DATA,
		.size = 4,
		.access = port_data_access,
		.device = host,
	};
	bus_add(host->memory, &host->ecam);
	bus_add(ports, &host->port_address);
	bus_add(ports, &host->port_data);
}

/* The end of a BAR that [@base, @base + @size) would overlap; 0: none. */
static uint64_t overlap(const struct pci_host *host, uint64_t base,
			uint64_t size)
{
	for (unsigned int i = 0; i < PCI_SLOTS * PCI_N_BARS; i++) {
		const struct pci_function *f = host->functions[i / PCI_N_BARS];
		uint64_t at;

		if (!f)
			continue;
		at = pci_function_place_of(f, i % PCI_N_BARS);
		if (at && base < at + f->bars[i % PCI_N_BARS].size &&
		    at < base + size)
			return at + f->bars[i % PCI_N_BARS].size;
	}
	return 0;
}

static int place_bar(const struct pci_host *host, struct pci_function *function,
		     enum pci_bar_number bar)
{
	uint64_t size = function->bars[bar].size;
	uint64_t end = LAYOUT_PCI_MEMORY + LAYOUT_PCI_MEMORY_SIZE;
	uint64_t base = LAYOUT_PCI_MEMORY;
	uint64_t taken;

	while (size <= end && base <= end - size) {
		taken = overlap(host, base, size);
		if (!taken) {
			pci_function_place(function, bar, base);
			return 0;
		}
		base = (taken + size - 1) & ~(size - 1);
	}
	return -ENOSPC;
}

unsigned int pci_host_number(const struct pci_host *host,
			     const struct slot *slot)
{
	unsigned int i = 0;

	while (i < PCI_SLOTS &&
	       (!host->functions[i] || &host->functions[i]->slot != slot))
		i++;
	return i;
}

struct pci_function *pci_host_function(const struct pci_host *host,
				       unsigned int device)
{
	return device < PCI_SLOTS ? host->functions[device] : NULL;
}

static void slot_unplug(struct slot *slot)
{
	struct pci_function *f = container_of(slot, struct pci_function, slot);

	f->host->functions[pci_host_number(f->host, slot)] = NULL;
	pci_function_destroy(f);
}

static int slot_irq_fd(struct slot *slot, unsigned int vector)
{
	struct pci_function *f = container_of(slot, struct pci_function, slot);

	return msix_fd(&f->msix, vector);
}

static const struct slot_ops pci_slot_ops = {
	.unplug = slot_unplug,
	.irq_fd = slot_irq_fd,
};

int pci_host_plug(struct pci_host *host,
		  const struct platform_pci_function *what,
		  struct platform_slot **out)
{
	const struct pci_function_env env = {
		.platform = host->platform,
		.host = host,
		.ops = &pci_slot_ops,
		.bus = host->memory,
		.chip = host->chip,
		.vm_fd = host->vm_fd,
	};
	unsigned int device = 1;
	int err;

	while (device < PCI_SLOTS && host->functions[device])
		device++;
	if (device == PCI_SLOTS)
		return -ENOSPC;
	err = pci_function_create(&env, what, &host->functions[device]);
	for (unsigned int i = 0; i < PCI_N_BARS && !err; i++) {
		err = place_bar(host, host->functions[device], i);
		if (err)
			slot_unplug(&host->functions[device]->slot);
	}
	if (err < 0)
		return err;
	*out = &host->functions[device]->slot.base;
	return 0;
}

void pci_host_forget(struct pci_host *host)
{
	host->address = 0;
	for (unsigned int i = 0; i < PCI_SLOTS; i++)
		if (host->functions[i])
			pci_function_forget(host->functions[i]);
}
