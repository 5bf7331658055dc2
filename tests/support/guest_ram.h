/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_GUEST_RAM_H
#define EVNIC_TESTS_GUEST_RAM_H

/*
 * Guest memory for tests: one region of a memfd, and a pointer that hands it
 * out from the bottom up. All failures end the program: a test cannot go on
 * without memory.
 */

#include "base/guest_mem.h"

/* @bytes: the test's own view. @view: a second mapping of the same bytes, which
 * is the one that @mem knows. */
struct guest_ram {
	struct guest_mem mem;
	unsigned char *bytes;
	unsigned char *view;
	uint64_t base;
	size_t size;
	size_t used;
	int fd;
};

/* @base, @size: of the region; multiples of 4096. */
void guest_ram_init(struct guest_ram *ram, uint64_t base, size_t size);
void guest_ram_fini(struct guest_ram *ram);

/* The address of @len unused bytes, zeroed. @align: a power of two. */
uint64_t guest_ram_alloc(struct guest_ram *ram, size_t len, size_t align);

/* Everything is unused again, and zeroed. */
void guest_ram_clear(struct guest_ram *ram);

/* Takes the region away and puts it back at another host address: as a memory
 * table that has changed under the same guest addresses. */
void guest_ram_move(struct guest_ram *ram);

/* The test's pointer to guest address @gpa. */
void *guest_ram_at(const struct guest_ram *ram, uint64_t gpa);

#endif
