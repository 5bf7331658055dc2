/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_KVM_BUS_H
#define EVNIC_KVM_BUS_H

/*
 * Who answers at which address: one bus for ports, one for memory. Lives on
 * the control loop.
 *
 * Ranges may overlap, since the guest places the BARs of PCI functions: the
 * range that was added first answers. What nobody claims reads as all ones and
 * swallows writes; so does an access that runs over the end of its range.
 */

#include "base/platform.h"

struct bus_range {
	uint64_t base;
	uint64_t size;
	void (*access)(void *device, struct bus_access *access);
	void *device;
	struct bus_range *next; /* the bus's */
};

struct bus {
	struct bus_range *first;
};

/* Adds @range, which stays where it is until it is removed. */
void bus_add(struct bus *bus, struct bus_range *range);

/* Removes @range; one that is not on the bus is allowed. */
void bus_remove(struct bus *bus, struct bus_range *range);

/* Hands @access, whose offset is an address of the bus, to whoever answers
 * there, with the offset relative to the range. */
void bus_dispatch(const struct bus *bus, struct bus_access *access);

/* Answers a read with all ones; completes a write without effect. */
void bus_unclaimed(struct bus_access *access);

/* The bits that an access of @size bytes (1, 2, 4, 8) carries. */
static inline uint64_t bus_mask(uint8_t size)
{
	return size >= 8 ? UINT64_MAX : (1ULL << (size * 8)) - 1;
}

#endif
