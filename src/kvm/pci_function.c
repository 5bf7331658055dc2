/* SPDX-License-Identifier: MIT */
/*
 * Configuration space of one function.
 *
 * It is an array of bytes with a mask of writable bits. Sizing of BARs comes
 * for free: the low bits of a BAR are not writable. After a write to the
 * command register or a BAR, the BARs are mapped where they are now, or nowhere
 * if memory decoding is off; doorbells follow. Capabilities: MSI-X first, then
 * the device's own; what hits the body of a live one goes to the device.
 *
 * Source: PCI 3.0, chapter 6.
 */
#include "kvm/pci_function.h"

#include "base/bytes.h"
#include "base/checked.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REG_VENDOR	  0x00
#define REG_DEVICE	  0x02
#define REG_COMMAND	  0x04
#define REG_STATUS	  0x06
#define REG_REVISION	  0x08
#define REG_CLASS	  0x09
#define REG_CACHE_LINE	  0x0c
#define REG_BARS	  0x10
#define REG_BARS_END	  0x28
#define REG_SUBSYS_VENDOR 0x2c
#define REG_SUBSYS	  0x2e
#define REG_CAPS	  0x34
#define REG_INT_LINE	  0x3c
#define REG_FIRST_CAP	  0x40

#define COMMAND_MEMORY	 0x0002
#define COMMAND_WRITABLE 0x0406 /* memory, bus master, INTx disable */
#define STATUS_CAPS	 0x0010
#define BAR_64_BIT	 0x4
#define BAR_FLAGS	 0xfULL
#define CAP_VENDOR	 0x09
#define CAP_MSIX	 0x11
#define CAP_HEADER	 2
#define MSIX_CAP_SIZE	 12
#define MSIX_CAP	 REG_FIRST_CAP
#define MSIX_BIR	 2 /* its BAR */
#define MAX_VECTORS	 2048
#define MIN_BAR_SIZE	 4096

static unsigned int bar_register(enum pci_bar_number bar)
{
	return REG_BARS + 8 * (unsigned int)bar;
}

static void put_bar(struct pci_function *f, enum pci_bar_number bar)
{
	unsigned int reg = bar_register(bar);

	store_le32(f->config + reg, BAR_64_BIT);
	store_le64(f->writable + reg, ~(f->bars[bar].size - 1) & ~BAR_FLAGS);
}

static void put_header(struct pci_function *f)
{
	const struct platform_pci_function *what = &f->what;
	uint8_t *c = f->config;

	store_le16(c + REG_VENDOR, what->vendor_id);
	store_le16(c + REG_DEVICE, what->device_id);
	store_le16(c + REG_STATUS, STATUS_CAPS);
	c[REG_REVISION] = what->revision;
	c[REG_CLASS] = (uint8_t)what->class_code;
	store_le16(c + REG_CLASS + 1, (uint16_t)(what->class_code >> 8));
	store_le16(c + REG_SUBSYS_VENDOR, what->subsystem_vendor_id);
	store_le16(c + REG_SUBSYS, what->subsystem_id);
	c[REG_CAPS] = MSIX_CAP;
	store_le16(f->writable + REG_COMMAND, COMMAND_WRITABLE);
	f->writable[REG_CACHE_LINE] = 0xff;
	f->writable[REG_INT_LINE] = 0xff;
	put_bar(f, PCI_BAR_REGISTERS);
	put_bar(f, PCI_BAR_MSIX);
}

static void put_msix_cap(struct pci_function *f)
{
	uint8_t *cap = f->config + MSIX_CAP;

	cap[0] = CAP_MSIX;
	store_le16(cap + 2, (uint16_t)(f->what.vectors - 1));
	store_le32(cap + 4, MSIX_BIR);
	store_le32(cap + 8, (uint32_t)(f->msix.bar_size / 2) | MSIX_BIR);
	store_le16(f->writable + MSIX_CAP + 2,
		   MSIX_CONTROL_ENABLE | MSIX_CONTROL_MASK_ALL);
}

/* The device's capabilities, behind each other. -EINVAL: they do not fit. */
static int put_caps(struct pci_function *f,
		    const struct platform_pci_function *what)
{
	size_t at = MSIX_CAP + MSIX_CAP_SIZE;
	uint8_t *link = &f->config[MSIX_CAP + 1];

	for (size_t i = 0; i < what->n_caps; i++) {
		const struct platform_pci_cap *cap = &what->caps[i];

		if (cap->len < CAP_HEADER || cap->len > PCI_CONFIG_SIZE - at)
			return -EINVAL;
		f->caps[i] = (struct pci_cap){(uint8_t)at, cap->len, cap->live};
		memcpy(f->config + at, cap->bytes, cap->len);
		f->config[at] = CAP_VENDOR;
		f->config[at + 1] = 0;
		*link = (uint8_t)at;
		link = &f->config[at + 1];
		at = (at + cap->len + 3U) & ~(size_t)3;
	}
	f->n_caps = what->n_caps;
	return 0;
}

static void registers_access(void *device, struct bus_access *access)
{
	const struct pci_function *f = device;

	f->what.ops->access(f->what.device, access);
}

static void msix_bar_access(void *device, struct bus_access *access)
{
	struct pci_function *f = device;

	msix_access(&f->msix, access);
}

static void irq_target_cb(void *arg, unsigned int vector, unsigned int vcpu)
{
	const struct pci_function *f = arg;

	if (f->what.ops->irq_target)
		f->what.ops->irq_target(f->what.device, vector, vcpu);
}

static bool is_valid(const struct platform_pci_function *what)
{
	return is_power_of_two(what->bar_size) &&
	       what->bar_size >= MIN_BAR_SIZE && what->vectors >= 1 &&
	       what->vectors <= MAX_VECTORS &&
	       what->n_caps <= PLATFORM_PCI_MAX_CAPS;
}

int pci_function_create(const struct pci_function_env *env,
			const struct platform_pci_function *what,
			struct pci_function **out)
{
	struct pci_function *f;
	int err;

	if (!is_valid(what))
		return -EINVAL;
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->what = *what;
	f->what.name = NULL;
	f->what.caps = NULL;
	f->host = env->host;
	f->bus = env->bus;
	f->slot.base.platform = env->platform;
	f->slot.ops = env->ops;
	bells_init(&f->slot.bells, env->vm_fd, what->name);
	err = msix_init(&f->msix, env->chip, what->name, what->vectors);
	if (err < 0)
		goto free_function;
	f->msix.target = irq_target_cb;
	f->msix.arg = f;
	f->bars[PCI_BAR_REGISTERS].size = what->bar_size;
	f->bars[PCI_BAR_REGISTERS].range.access = registers_access;
	f->bars[PCI_BAR_MSIX].size = f->msix.bar_size;
	f->bars[PCI_BAR_MSIX].range.access = msix_bar_access;
	for (unsigned int i = 0; i < PCI_N_BARS; i++) {
		f->bars[i].range.device = f;
		f->bars[i].range.size = f->bars[i].size;
	}
	put_header(f);
	put_msix_cap(f);
	err = put_caps(f, what);
	if (err < 0)
		goto fini_msix;
	memcpy(f->initial, f->config, sizeof(f->initial));
	*out = f;
	return 0;

fini_msix:
	msix_fini(&f->msix);
free_function:
	free(f);
	return err;
}

static void unmap_bar(struct pci_function *f, enum pci_bar_number bar)
{
	if (!f->bars[bar].mapped)
		return;
	f->bars[bar].mapped = false;
	bus_remove(f->bus, &f->bars[bar].range);
	if (bar == PCI_BAR_REGISTERS)
		bells_unmap(&f->slot.bells);
}

static void map_bar(struct pci_function *f, enum pci_bar_number bar,
		    uint64_t base)
{
	f->bars[bar].mapped = true;
	f->bars[bar].range.base = base;
	bus_add(f->bus, &f->bars[bar].range);
	if (bar == PCI_BAR_REGISTERS)
		bells_map(&f->slot.bells, base);
}

/* Maps the BARs where configuration space says that they are. */
static void update_mapping(struct pci_function *f)
{
	bool decode = load_le16(f->config + REG_COMMAND) & COMMAND_MEMORY;

	for (unsigned int i = 0; i < PCI_N_BARS; i++) {
		uint64_t base =
			load_le64(f->config + bar_register(i)) & ~BAR_FLAGS;

		if (!decode || base != f->bars[i].range.base)
			unmap_bar(f, i);
		if (decode && !f->bars[i].mapped)
			map_bar(f, i, base);
	}
}

void pci_function_destroy(struct pci_function *f)
{
	for (unsigned int i = 0; i < PCI_N_BARS; i++)
		unmap_bar(f, i);
	bells_fini(&f->slot.bells);
	msix_fini(&f->msix);
	free(f);
}

void pci_function_place(struct pci_function *f, enum pci_bar_number bar,
			uint64_t base)
{
	store_le64(f->initial + bar_register(bar), base | BAR_64_BIT);
	store_le64(f->config + bar_register(bar), base | BAR_64_BIT);
	update_mapping(f);
}

uint64_t pci_function_place_of(const struct pci_function *f,
			       enum pci_bar_number bar)
{
	return load_le64(f->initial + bar_register(bar)) & ~BAR_FLAGS;
}

void pci_function_forget(struct pci_function *f)
{
	bells_forget(&f->slot.bells);
	msix_forget(&f->msix);
	memcpy(f->config, f->initial, sizeof(f->config));
	update_mapping(f);
}

/* Does [@offset, @offset + @size) touch [@reg, @reg + @len)? */
static bool touches(uint64_t offset, uint8_t size, uint64_t reg, uint64_t len)
{
	return offset < reg + len && reg < offset + size;
}

static void write_config(struct pci_function *f, uint64_t offset, uint8_t size,
			 uint64_t value)
{
	for (unsigned int i = 0; i < size; i++) {
		uint8_t mask = f->writable[offset + i];
		uint8_t byte = (uint8_t)(value >> (8 * i));
		uint8_t *reg = &f->config[offset + i];

		*reg = (uint8_t)((*reg & ~mask) | (byte & mask));
	}
	if (touches(offset, size, REG_COMMAND, 2) ||
	    touches(offset, size, REG_BARS, REG_BARS_END - REG_BARS))
		update_mapping(f);
	if (touches(offset, size, MSIX_CAP + 2, 2))
		msix_control(&f->msix, load_le16(f->config + MSIX_CAP + 2));
}

/* The live capability whose body holds the access; -1: none. */
static int live_cap(const struct pci_function *f, uint64_t offset, uint8_t size)
{
	for (size_t i = 0; i < f->n_caps; i++) {
		const struct pci_cap *cap = &f->caps[i];

		if (cap->live &&
		    range_inside(offset, size, cap->offset + CAP_HEADER,
				 cap->len - CAP_HEADER))
			return (int)i;
	}
	return -1;
}

void pci_function_config(struct pci_function *f, struct bus_access *access)
{
	int cap;

	if (!range_inside(access->offset, access->size, 0, PCI_CONFIG_SIZE)) {
		/* No extended capabilities. */
		if (!access->is_write)
			access->value = 0;
		bus_access_done(access);
		return;
	}
	cap = live_cap(f, access->offset, access->size);
	if (cap >= 0) {
		access->offset -= f->caps[cap].offset;
		f->what.ops->cap_access(f->what.device, (size_t)cap, access);
		return;
	}
	if (access->is_write) {
		write_config(f, access->offset, access->size, access->value);
	} else {
		access->value = 0;
		memcpy(&access->value, f->config + access->offset,
		       access->size);
	}
	bus_access_done(access);
}
