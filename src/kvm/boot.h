/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_KVM_BOOT_H
#define EVNIC_KVM_BOOT_H

/*
 * What is booted: a kernel, an initrd, a command line; and how they get into
 * guest memory, as often as the VM is reset. The files stay open, so that a
 * reset boots what was booted before.
 */

#include "base/guest_mem.h"
#include "kvm/vm.h"

struct boot_file {
	int fd;
	uint64_t size;
	char *path; /* for messages */
};

struct boot {
	struct boot_file kernel;
	struct boot_file initrd; /* fd -1: none */
	char *cmdline;
};

enum boot_mode {
	BOOT_LINUX64, /* 64-bit mode, paging on; RSI: the zero page */
	BOOT_PVH,     /* 32-bit protected mode; EBX: the start info */
};

/* The state in which vCPU 0 begins. */
struct boot_entry {
	enum boot_mode mode;
	uint64_t rip;
	uint64_t argument;
};

/* Takes over @config's files, whatever it returns: boot_fini() closes them. 0, or
 * -errno with @error. */
int boot_init(struct boot *boot, const struct kvm_vm_config *config,
	      struct kvm_error *error) MUST_CHECK;

/* Idempotent. */
void boot_fini(struct boot *boot);

/* Loads everything into @mem, whose first region is the RAM below 4 GiB.
 * @rsdp: where the ACPI tables begin. 0, or -errno with @error. */
int boot_load(const struct boot *boot, const struct guest_mem *mem,
	      uint64_t rsdp, struct boot_entry *entry,
	      struct kvm_error *error) MUST_CHECK;

/*
 * For the loaders of each format.
 */

/* RAM and reserved ranges, as e820 names them. */
#define BOOT_MAP_MAX	  8
#define BOOT_MAP_RAM	  1
#define BOOT_MAP_RESERVED 2

struct boot_map_entry {
	uint64_t base, size;
	uint32_t type;
};

size_t boot_map(const struct guest_mem *mem,
		struct boot_map_entry entries[BOOT_MAP_MAX]);

/* What a loader found out about the kernel. */
struct boot_image {
	struct boot_entry entry;
	uint64_t start, end;   /* memory that the kernel needs to itself */
	uint64_t initrd_limit; /* the initrd ends at or below this */
	uint64_t cmdline_max;  /* bytes without the closing 0 */
};

/* Where the initrd was put; size 0: there is none. */
struct boot_initrd {
	uint64_t base, size;
};

/* Copies [@offset, @offset + @len) of @file to @gpa. 0, -EFAULT (not RAM),
 * -ENOEXEC (the file ends before), -errno. */
int boot_copy(const struct boot_file *file, uint64_t offset, uint64_t len,
	      const struct guest_mem *mem, uint64_t gpa) MUST_CHECK;

/* Reads into @buf. 0, -ENOEXEC (the file ends before), -errno. */
int boot_read(const struct boot_file *file, uint64_t offset, void *buf,
	      size_t len) MUST_CHECK;

/* Each loader: is the file of this format?; the kernel into memory; then what
 * the kernel is told. */
struct boot_format {
	bool (*detect)(const unsigned char *head, size_t len);
	int (*load)(const struct boot_file *file, const struct guest_mem *mem,
		    struct boot_image *image, struct kvm_error *error);
	int (*hand_over)(const struct boot_file *file,
			 const struct guest_mem *mem, uint64_t rsdp,
			 const struct boot_initrd *initrd,
			 struct kvm_error *error);
};

extern const struct boot_format boot_bzimage;
extern const struct boot_format boot_elf;

#endif
