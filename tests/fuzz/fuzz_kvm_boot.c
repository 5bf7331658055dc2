/* SPDX-License-Identifier: MIT */
/*
 * Kernel files: whatever is in them, they are loaded into RAM and nowhere
 * else, or refused with a text.
 */
#include "kvm/boot.h"
#include "kvm/layout.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RAM_SIZE (4U << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A memory file with the input; the loaders read it with pread(). */
static int file_of(const uint8_t *data, size_t size)
{
	int fd = memfd_create("kernel", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[] = "kernel", cmdline[] = "console=ttyS0";
	struct guest_mem_region ram = {.size = RAM_SIZE, .fd = -1};
	struct boot boot = {
		.kernel = {.size = size, .path = path},
		.initrd = {.fd = -1},
		.cmdline = cmdline,
	};
	struct kvm_error error = {""};
	struct boot_entry entry;
	struct guest_mem mem;
	int err;

	ram.host = malloc(RAM_SIZE);
	guest_mem_init(&mem);
	if (!ram.host || guest_mem_add(&mem, &ram) < 0)
		abort();
	boot.kernel.fd = file_of(data, size);
	err = boot_load(&boot, &mem, LAYOUT_ACPI, &entry, &error);
	if (err ? !error.text[0] : entry.rip >= RAM_SIZE)
		abort();
	close(boot.kernel.fd);
	free(ram.host);
	return 0;
}
