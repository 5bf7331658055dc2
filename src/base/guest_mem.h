/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BASE_GUEST_MEM_H
#define EVNIC_BASE_GUEST_MEM_H

/*
 * Guest memory: a table of regions, and the only code that turns a guest
 * physical address (GPA, bytes) into a pointer.
 *
 * Owner: the machine (or a test) builds the table on the control loop. It
 * changes only while no queue runs; each change raises the generation, and
 * whoever caches a translation compares generations first.
 *
 * Thread: lookups are safe from any thread while the table does not change.
 *
 * Errors: an access that is not wholly inside one region is -EFAULT (reads and
 * writes may cross from one region into an adjacent one).
 *
 * Guest memory is written by the guest at any time. guest_mem_read() copies
 * once; check and use the copy.
 */

#include "base/util.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define GUEST_MEM_MAX_REGIONS 16

/* @host: mapping of [@gpa, @gpa + @size), borrowed.
 * @fd, @fd_offset: the memory file behind it, borrowed, or -1: what a peer
 * process needs in order to map the same bytes. */
struct guest_mem_region {
	uint64_t gpa;
	uint64_t size;
	unsigned char *host;
	int fd;
	uint64_t fd_offset;
};

struct guest_mem {
	struct guest_mem_region regions[GUEST_MEM_MAX_REGIONS];
	size_t n_regions;
	uint64_t generation;
};

void guest_mem_init(struct guest_mem *mem);

/* Adds a region; regions are kept sorted. -EINVAL: empty, wraps, or overlaps
 * another region; -ENOSPC: the table is full. */
int guest_mem_add(struct guest_mem *mem,
		  const struct guest_mem_region *region) MUST_CHECK;

/* Forgets all regions (their mappings belong to the caller). */
void guest_mem_clear(struct guest_mem *mem);

/* Total bytes in all regions. */
uint64_t guest_mem_size(const struct guest_mem *mem);

/* Copies @len bytes. 0 or -EFAULT; after -EFAULT @dst is unspecified, and a
 * write may have stored a part. */
int guest_mem_read(const struct guest_mem *mem, uint64_t gpa, void *dst,
		   size_t len) MUST_CHECK;
int guest_mem_write(const struct guest_mem *mem, uint64_t gpa, const void *src,
		    size_t len) MUST_CHECK;
int guest_mem_fill(const struct guest_mem *mem, uint64_t gpa, uint8_t value,
		   size_t len) MUST_CHECK;

/* Remembers the last region that one user of the table found, so that a
 * translation is normally one comparison. Zero-initialised; one thread. */
struct guest_mem_cache {
	uint64_t generation;
	struct guest_mem_region last;
	uint64_t translations; /* calls of guest_mem_map(), for tests */
};

/* Host address of [@gpa, @gpa + @len), for rings and for iovecs handed to the
 * kernel; NULL if the range is not wholly inside one region. Valid until the
 * generation changes. Data bytes behind it are not to be parsed in place. */
void *guest_mem_map(const struct guest_mem *mem, struct guest_mem_cache *cache,
		    uint64_t gpa, size_t len);

#endif
