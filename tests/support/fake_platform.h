/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_FAKE_PLATFORM_H
#define EVNIC_TESTS_FAKE_PLATFORM_H

/*
 * A struct platform without a VM. The test is the guest: it reads and writes
 * the registers of what is plugged in, and counts interrupts.
 *
 * The platform keeps the books: an access that is answered twice, an unplug
 * with accesses or doorbells left, and a slot that is still plugged at the end
 * abort the test.
 */

#include "base/platform.h"

#define FAKE_MAX_SLOTS	 4
#define FAKE_MAX_BELLS	 80
#define FAKE_MAX_VECTORS 80
#define FAKE_CAP_MAX	 64
#define FAKE_BAR	 ((size_t)-1)

/* A plugged device, as the guest would find it. @plugged: of any kind;
 * @pending: accesses that the device holds; @answered: those that it has
 * answered. @bell_rings: doorbells that spared an access. @asked_back: how often
 * an unplug was requested. */
struct fake_slot {
	struct platform_slot slot;
	bool plugged, is_pci;
	const struct platform_device_ops *ops;
	void *device;
	struct platform_pci_function function;
	uint8_t caps[PLATFORM_PCI_MAX_CAPS][FAKE_CAP_MAX];
	struct platform_pci_cap cap[PLATFORM_PCI_MAX_CAPS];
	uint64_t window; /* bytes */
	unsigned int vectors;
	int irq_fds[FAKE_MAX_VECTORS];
	struct platform_bell bells[FAKE_MAX_BELLS];
	size_t n_bells;
	unsigned int pending;
	unsigned int answered;
	uint64_t bell_rings;
	unsigned int asked_back;
};

/* @has_bells: false makes bell_add answer -ENOSYS. @fail_plug, @fail_bell:
 * errors to give instead (0: none), the latter for the @fail_bell_at-th bell of
 * a slot. */
struct fake_platform {
	struct platform platform;
	bool has_bells;
	int fail_plug, fail_bell;
	size_t fail_bell_at;
	struct fake_slot slots[FAKE_MAX_SLOTS];
};

/* An access under way. Lives until it is done. @order: as how manyth access of
 * its slot it was answered. */
struct fake_access {
	struct bus_access access;
	struct fake_slot *slot;
	bool done;
	unsigned int order;
};

/* @mem: borrowed, may be NULL. */
void fake_platform_init(struct fake_platform *fake, const struct guest_mem *mem,
			bool has_bells);
/* All slots must be unplugged. */
void fake_platform_fini(struct fake_platform *fake);

/* The slot that was plugged in last. */
struct fake_slot *fake_platform_slot(struct fake_platform *fake);

/* Begins an access to BAR 0 or to the mmio window (@cap: FAKE_BAR), or to a
 * live capability. False: a doorbell took it, and the access is done. */
bool fake_access_begin(struct fake_access *access, struct fake_slot *slot,
		       size_t cap, bool is_write, uint64_t offset, uint8_t size,
		       uint64_t value);

/* Whole accesses; the device must answer at once. */
uint64_t fake_read(struct fake_slot *slot, uint64_t offset, uint8_t size);
void fake_write(struct fake_slot *slot, uint64_t offset, uint8_t size,
		uint64_t value);
uint64_t fake_cap_read(struct fake_slot *slot, size_t cap, uint64_t offset,
		       uint8_t size);
void fake_cap_write(struct fake_slot *slot, size_t cap, uint64_t offset,
		    uint8_t size, uint64_t value);

/* The guest lets go of the slot. */
void fake_eject(struct fake_slot *slot);

/* The guest sends the interrupts of a vector to another vCPU. */
void fake_retarget(struct fake_slot *slot, unsigned int vector,
		   unsigned int vcpu);

/* Takes the signals of a vector since the last call. */
uint64_t fake_take_irqs(struct fake_slot *slot, unsigned int vector);

#endif
