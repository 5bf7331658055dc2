/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BASE_PLATFORM_H
#define EVNIC_BASE_PLATFORM_H

/*
 * What a frontend needs of whatever it is plugged into: a place for its
 * registers, doorbells and interrupts. Our own VMM (kvm/) implements this, and
 * so does the test support; a frontend never learns which.
 *
 * Everything here happens on the control loop, except that eventfds are
 * signalled and read by the loops that own the queues.
 *
 * Register accesses. A vCPU that touches a register becomes a bus_access: a
 * message to the control loop. The device answers with bus_access_done(), at
 * once or later (a write that starts or stops queues is done when the queues
 * are), and the vCPU waits until then. Exactly one done per access. The device
 * may hold several accesses, one per vCPU.
 *
 * Hot-plug. A PCI function that is plugged in while the machine runs is
 * announced to the guest; one that it is to give up is asked back first.
 *
 * PCI. A function has one 64-bit memory BAR for its registers (BAR 0) and an
 * MSI-X table that the platform implements entirely in a BAR of its own; the
 * function sees an eventfd per vector, good for the life of the slot, to be
 * signalled whatever the guest has masked.
 *
 * MMIO. A slot is a 4 KiB window with one edge-triggered interrupt, announced
 * to the guest by ACPI.
 */

#include "base/guest_mem.h"
#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bus_access;
typedef void (*bus_access_fn)(struct bus_access *access);

/* @offset: bytes into the window. @size: 1, 2, 4 or 8; offset + size lies
 * inside the window; alignment is the guest's choice. @value: what is written,
 * or the answer to a read; bytes beyond @size are 0. */
struct bus_access {
	uint64_t offset;
	uint64_t value;
	uint8_t size;
	bool is_write;
	bus_access_fn done; /* the platform's; called by bus_access_done() */
};

static inline void bus_access_done(struct bus_access *access)
{
	access->done(access);
}

/* How the platform calls a device. Control loop. */
struct platform_device_ops {
	/* An access to BAR 0 or to the mmio window. */
	void (*access)(void *device, struct bus_access *access);
	/* An access to the body of the @cap-th capability that was declared
	 * live; the offset counts from the first byte of the capability.
	 * Optional when none is live. */
	void (*cap_access)(void *device, size_t cap, struct bus_access *access);
	/* The guest has let go of the device after
	 * platform_request_unplug(): its driver is gone and will not come back.
	 * To be answered by platform_unplug(), then or later. Optional. */
	void (*ejected)(void *device);
	/* A hint: the guest wants interrupt @vector on vCPU @vcpu, a number
	 * that nobody has checked. Optional. */
	void (*irq_target)(void *device, unsigned int vector,
			   unsigned int vcpu);
};

/* A vendor-specific capability. @bytes: from its first byte (the platform
 * fills in id and next, bytes 0 and 1), @len in all. @live: accesses to it go
 * to the device; otherwise it is read-only. */
struct platform_pci_cap {
	const uint8_t *bytes;
	uint8_t len;
	bool live;
};

#define PLATFORM_PCI_MAX_CAPS 8

/* What a PCI function is. @class_code: 24 bits. @bar_size: of BAR 0, a power of
 * two of at least 4096. @vectors: MSI-X vectors, 1..2048. */
struct platform_pci_function {
	const char *name; /* for messages; outlives the slot */
	uint16_t vendor_id, device_id;
	uint16_t subsystem_vendor_id, subsystem_id;
	uint8_t revision;
	uint32_t class_code;
	uint64_t bar_size;
	unsigned int vectors;
	const struct platform_pci_cap *caps;
	size_t n_caps;
	const struct platform_device_ops *ops;
	void *device;
};

struct platform_mmio_device {
	const char *name; /* for messages; outlives the slot */
	const struct platform_device_ops *ops;
	void *device;
};

/* A doorbell: writes of exactly @len bytes (2 or 4; 0: any) at @offset of the
 * window, with the value @value if @match, signal @fd (borrowed until the bell
 * is removed) and cause no access. */
struct platform_bell {
	uint64_t offset;
	uint8_t len;
	bool match;
	uint64_t value;
	int fd;
};

struct platform;

/* A plugged device. Embedded by the implementation. */
struct platform_slot {
	struct platform *platform;
};

/* What a platform implements; called through the functions below. */
struct platform_ops {
	int (*plug_pci)(struct platform *platform,
			const struct platform_pci_function *function,
			struct platform_slot **out);
	int (*plug_mmio)(struct platform *platform,
			 const struct platform_mmio_device *device,
			 struct platform_slot **out);
	void (*unplug)(struct platform_slot *slot);
	int (*irq_fd)(struct platform_slot *slot, unsigned int vector);
	int (*bell_add)(struct platform_slot *slot,
			const struct platform_bell *bell);
	void (*bell_remove)(struct platform_slot *slot,
			    const struct platform_bell *bell);
	/* Optional. */
	int (*request_unplug)(struct platform_slot *slot);
};

struct platform {
	const struct platform_ops *ops;
	const struct guest_mem *mem;
};

/* Plugs a device in; *@out is its slot. The descriptions are copied, the
 * capability bytes too. 0, -ENOSPC (no slot is left), -errno. */
int platform_plug_pci(struct platform *platform,
		      const struct platform_pci_function *function,
		      struct platform_slot **out) MUST_CHECK;
int platform_plug_mmio(struct platform *platform,
		       const struct platform_mmio_device *device,
		       struct platform_slot **out) MUST_CHECK;

/* Asks the guest to let go of the device: ops->ejected says when it has, if it
 * ever does. Asking again while the guest thinks is no error. 0, -ENOTSUP (this
 * device cannot be unplugged while the machine runs). */
int platform_request_unplug(struct platform_slot *slot) MUST_CHECK;

/* Takes the device out; its bells must be gone. No access arrives after this;
 * accesses that it still holds must have been done. */
void platform_unplug(struct platform_slot *slot);

/* The eventfd that raises vector @vector (mmio: 0), borrowed from the slot.
 * -EINVAL: no such vector. */
int platform_irq_fd(struct platform_slot *slot, unsigned int vector);

/* 0 or -errno. With -ENOSYS the platform has no doorbells: the writes arrive
 * as accesses. A device must serve them in that way too. */
int platform_bell_add(struct platform_slot *slot,
		      const struct platform_bell *bell) MUST_CHECK;
void platform_bell_remove(struct platform_slot *slot,
			  const struct platform_bell *bell);

#endif
