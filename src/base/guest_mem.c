/* SPDX-License-Identifier: MIT */
/*
 * Guest memory: range checks and copies.
 *
 * Regions are sorted by address and do not overlap. A translation asks the
 * caller's cache first and walks the table (a handful of entries) otherwise.
 * The cache holds a copy of the region, valid for one generation.
 */
#include "base/guest_mem.h"

#include "base/checked.h"

#include <errno.h>
#include <string.h>

void guest_mem_init(struct guest_mem *mem)
{
	memset(mem, 0, sizeof(*mem));
	mem->generation = 1; /* a zeroed cache is never valid */
}

int guest_mem_add(struct guest_mem *mem, const struct guest_mem_region *region)
{
	uint64_t end;
	size_t at = 0;

	if (!region->size || !region->host ||
	    !checked_add_u64(region->gpa, region->size, &end))
		return -EINVAL;
	if (mem->n_regions == GUEST_MEM_MAX_REGIONS)
		return -ENOSPC;
	while (at < mem->n_regions && mem->regions[at].gpa < region->gpa)
		at++;
	if (at < mem->n_regions && end > mem->regions[at].gpa)
		return -EINVAL;
	if (at > 0 &&
	    mem->regions[at - 1].gpa + mem->regions[at - 1].size > region->gpa)
		return -EINVAL;
	memmove(&mem->regions[at + 1], &mem->regions[at],
		(mem->n_regions - at) * sizeof(mem->regions[0]));
	mem->regions[at] = *region;
	mem->n_regions++;
	mem->generation++;
	return 0;
}

void guest_mem_clear(struct guest_mem *mem)
{
	mem->n_regions = 0;
	mem->generation++;
}

uint64_t guest_mem_size(const struct guest_mem *mem)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < mem->n_regions; i++)
		sum += mem->regions[i].size;
	return sum;
}

static const struct guest_mem_region *find(const struct guest_mem *mem,
					   uint64_t gpa)
{
	for (size_t i = 0; i < mem->n_regions; i++) {
		const struct guest_mem_region *r = &mem->regions[i];

		if (gpa >= r->gpa && gpa - r->gpa < r->size)
			return r;
	}
	return NULL;
}

/* The longest piece of [@gpa, @gpa + @len) that one region holds. */
static unsigned char *piece(const struct guest_mem *mem, uint64_t gpa,
			    size_t len, size_t *n)
{
	const struct guest_mem_region *r = find(mem, gpa);

	if (!r)
		return NULL;
	*n = (size_t)MIN((uint64_t)len, r->size - (gpa - r->gpa));
	return r->host + (gpa - r->gpa);
}

/* A range that wraps beyond 2^64 is refused before anything is copied. */
static bool wraps(uint64_t gpa, size_t len)
{
	uint64_t end;

	return len && !checked_add_u64(gpa, len - 1, &end);
}

int guest_mem_read(const struct guest_mem *mem, uint64_t gpa, void *dst,
		   size_t len)
{
	unsigned char *to = dst;
	size_t n;

	if (wraps(gpa, len))
		return -EFAULT;
	for (; len; len -= n, gpa += n, to += n) {
		const unsigned char *from = piece(mem, gpa, len, &n);

		if (!from)
			return -EFAULT;
		memcpy(to, from, n);
	}
	return 0;
}

int guest_mem_write(const struct guest_mem *mem, uint64_t gpa, const void *src,
		    size_t len)
{
	const unsigned char *from = src;
	size_t n;

	if (wraps(gpa, len))
		return -EFAULT;
	for (; len; len -= n, gpa += n, from += n) {
		unsigned char *to = piece(mem, gpa, len, &n);

		if (!to)
			return -EFAULT;
		memcpy(to, from, n);
	}
	return 0;
}

int guest_mem_fill(const struct guest_mem *mem, uint64_t gpa, uint8_t value,
		   size_t len)
{
	size_t n;

	if (wraps(gpa, len))
		return -EFAULT;
	for (; len; len -= n, gpa += n) {
		unsigned char *to = piece(mem, gpa, len, &n);

		if (!to)
			return -EFAULT;
		memset(to, value, n);
	}
	return 0;
}

void *guest_mem_map(const struct guest_mem *mem, struct guest_mem_cache *cache,
		    uint64_t gpa, size_t len)
{
	const struct guest_mem_region *r;

	cache->translations++;
	if (cache->generation != mem->generation ||
	    !range_inside(gpa, len, cache->last.gpa, cache->last.size)) {
		r = find(mem, gpa);
		if (!r || !range_inside(gpa, len, r->gpa, r->size))
			return NULL;
		cache->last = *r;
		cache->generation = mem->generation;
	}
	return cache->last.host + (gpa - cache->last.gpa);
}
