/* SPDX-License-Identifier: MIT */
/*
 * Guest memory for tests. The device's view and the test's are two mappings of
 * one file, so that a test can take the device's away and notice who still
 * uses it.
 */
#include "support/guest_ram.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void *map(const struct guest_ram *ram)
{
	void *p = mmap(NULL, ram->size, PROT_READ | PROT_WRITE, MAP_SHARED,
		       ram->fd, 0);

	if (p == MAP_FAILED) {
		perror("guest_ram: mmap");
		abort();
	}
	return p;
}

static void add_region(struct guest_ram *ram)
{
	const struct guest_mem_region region = {
		.gpa = ram->base,
		.size = ram->size,
		.host = ram->view,
		.fd = ram->fd,
	};

	if (guest_mem_add(&ram->mem, &region) < 0)
		abort();
}

void guest_ram_init(struct guest_ram *ram, uint64_t base, size_t size)
{
	memset(ram, 0, sizeof(*ram));
	ram->base = base;
	ram->size = size;
	ram->fd = memfd_create("guest_ram", MFD_CLOEXEC);
	if (ram->fd < 0 || ftruncate(ram->fd, (off_t)size) < 0) {
		perror("guest_ram: memfd");
		abort();
	}
	ram->bytes = map(ram);
	ram->view = map(ram);
	guest_mem_init(&ram->mem);
	add_region(ram);
}

void guest_ram_fini(struct guest_ram *ram)
{
	(void)munmap(ram->bytes, ram->size);
	(void)munmap(ram->view, ram->size);
	(void)close(ram->fd);
}

uint64_t guest_ram_alloc(struct guest_ram *ram, size_t len, size_t align)
{
	size_t at = (ram->used + align - 1) & ~(align - 1);

	if (at > ram->size || len > ram->size - at) {
		(void)fprintf(stderr, "guest_ram: %zu bytes are too few\n",
			      ram->size);
		abort();
	}
	ram->used = at + len;
	return ram->base + at;
}

void guest_ram_clear(struct guest_ram *ram)
{
	if (fallocate(ram->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
		      (off_t)ram->size) < 0) {
		perror("guest_ram: fallocate");
		abort();
	}
	ram->used = 0;
}

void guest_ram_move(struct guest_ram *ram)
{
	unsigned char *old = ram->view;

	ram->view = map(ram);
	(void)munmap(old, ram->size);
	guest_mem_clear(&ram->mem);
	add_region(ram);
}

void *guest_ram_at(const struct guest_ram *ram, uint64_t gpa)
{
	return ram->bytes + (gpa - ram->base);
}
