/* SPDX-License-Identifier: MIT */
/*
 * A bus is a list of ranges, searched from the front: there are a few dozen of
 * them, and what is fast goes by ioeventfd and never comes here.
 */
#include "kvm/bus.h"

#include "base/checked.h"

void bus_add(struct bus *bus, struct bus_range *range)
{
	struct bus_range **link = &bus->first;

	while (*link)
		link = &(*link)->next;
	range->next = NULL;
	*link = range;
}

void bus_remove(struct bus *bus, struct bus_range *range)
{
	struct bus_range **link = &bus->first;

	while (*link && *link != range)
		link = &(*link)->next;
	if (*link)
		*link = range->next;
}

void bus_dispatch(const struct bus *bus, struct bus_access *access)
{
	struct bus_range *r = bus->first;

	while (r &&
	       !range_inside(access->offset, access->size, r->base, r->size))
		r = r->next;
	if (!r) {
		bus_unclaimed(access);
		return;
	}
	access->offset -= r->base;
	r->access(r->device, access);
}

void bus_unclaimed(struct bus_access *access)
{
	if (!access->is_write)
		access->value = bus_mask(access->size);
	bus_access_done(access);
}
