/* SPDX-License-Identifier: MIT */
/*
 * Booting, the part that does not depend on the kernel's format.
 *
 * The head of the file decides the format. The loader puts the kernel where it
 * belongs and says how much memory it needs; the initrd goes as high as it may
 * in the RAM below 4 GiB, the command line to its fixed place; then the loader
 * writes what it tells the kernel (zero page or start info).
 *
 * Files are read straight into guest memory. Every length in them is checked
 * by guest_mem_map(), which knows where RAM is.
 */
#include "kvm/boot.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "kvm/error.h"
#include "kvm/layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD_SIZE 1024

/* Flat descriptors at selectors 0x10 (64-bit code or 32-bit code) and 0x18. */
#define GDT_CODE_64 0x00af9b000000ffffULL
#define GDT_CODE_32 0x00cf9b000000ffffULL
#define GDT_DATA    0x00cf93000000ffffULL

static const struct boot_format *const formats[] = {&boot_bzimage, &boot_elf};

static int file_init(struct boot_file *file, const char *what, const char *path,
		     struct kvm_error *error)
{
	off_t size = lseek(file->fd, 0, SEEK_END);
	int err = size < 0 ? -errno : 0;

	file->path = strdup(path);
	if (!err && !file->path)
		err = -ENOMEM;
	if (err < 0)
		return kvm_error_errno(error, err, "%s %s", what, path);
	file->size = (uint64_t)size;
	return 0;
}

static void file_close(struct boot_file *file)
{
	close_fd(&file->fd);
	free(file->path);
	file->path = NULL;
}

int boot_init(struct boot *boot, const struct kvm_vm_config *config,
	      struct kvm_error *error)
{
	int err;

	memset(boot, 0, sizeof(*boot));
	boot->kernel.fd = config->files.kernel;
	boot->initrd.fd = config->files.initrd;
	boot->cmdline = strdup(config->cmdline ? config->cmdline : "");
	if (!boot->cmdline)
		return kvm_error_errno(error, -ENOMEM, "command line");
	err = file_init(&boot->kernel, "kernel", config->kernel_path, error);
	if (!err && boot->initrd.fd >= 0)
		err = file_init(&boot->initrd, "initrd", config->initrd_path,
				error);
	return err;
}

void boot_fini(struct boot *boot)
{
	file_close(&boot->kernel);
	file_close(&boot->initrd);
	free(boot->cmdline);
	boot->cmdline = NULL;
}

int boot_read(const struct boot_file *file, uint64_t offset, void *buf,
	      size_t len)
{
	unsigned char *to = buf;

	if (!range_inside(offset, len, 0, file->size))
		return -ENOEXEC;
	while (len) {
		ssize_t n = pread(file->fd, to, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ENOEXEC;
		to += n;
		len -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

int boot_copy(const struct boot_file *file, uint64_t offset, uint64_t len,
	      const struct guest_mem *mem, uint64_t gpa)
{
	struct guest_mem_cache cache = {0};
	void *to = guest_mem_map(mem, &cache, gpa, len);

	if (!to)
		return -EFAULT;
	return boot_read(file, offset, to, len);
}

size_t boot_map(const struct guest_mem *mem,
		struct boot_map_entry entries[BOOT_MAP_MAX])
{
	size_t n = 0;

	entries[n++] = (struct boot_map_entry){0, LAYOUT_LOW_END, BOOT_MAP_RAM};
	entries[n++] = (struct boot_map_entry){LAYOUT_LOW_END,
					       LAYOUT_KERNEL - LAYOUT_LOW_END,
					       BOOT_MAP_RESERVED};
	for (size_t i = 0; i < mem->n_regions && n < BOOT_MAP_MAX - 1; i++) {
		const struct guest_mem_region *r = &mem->regions[i];
		uint64_t base = MAX(r->gpa, LAYOUT_KERNEL);

		if (r->gpa + r->size > base)
			entries[n++] = (struct boot_map_entry){
				base, r->gpa + r->size - base, BOOT_MAP_RAM};
	}
	entries[n++] = (struct boot_map_entry){LAYOUT_ECAM, LAYOUT_ECAM_SIZE,
					       BOOT_MAP_RESERVED};
	return n;
}

static const struct boot_format *detect(const struct boot *boot)
{
	unsigned char head[HEAD_SIZE];
	size_t len = (size_t)MIN((uint64_t)sizeof(head), boot->kernel.size);

	if (boot_read(&boot->kernel, 0, head, len) < 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (formats[i]->detect(head, len))
			return formats[i];
	return NULL;
}

/* As high as it goes: page-aligned, below 4 GiB, and above the kernel. */
static int load_initrd(const struct boot *boot, const struct guest_mem *mem,
		       const struct boot_image *image,
		       struct boot_initrd *initrd, struct kvm_error *error)
{
	const struct boot_file *file = &boot->initrd;
	uint64_t low_end = mem->regions[0].gpa + mem->regions[0].size;
	uint64_t top = MIN(low_end, image->initrd_limit);
	int err;

	*initrd = (struct boot_initrd){0, 0};
	if (file->fd < 0 || !file->size)
		return 0;
	if (top < image->end || file->size > top - image->end ||
	    ((top - file->size) & ~(LAYOUT_PAGE - 1)) < image->end)
		return kvm_error_set(
			error, -ENOSPC,
			"initrd %s: %llu bytes do not fit into the memory that "
			"the kernel leaves (%llu bytes); give the guest more "
			"memory or a smaller initrd",
			file->path, (unsigned long long)file->size,
			(unsigned long long)(top > image->end ? top - image->end
							      : 0));
	initrd->base = (top - file->size) & ~(LAYOUT_PAGE - 1);
	initrd->size = file->size;
	err = boot_copy(file, 0, file->size, mem, initrd->base);
	if (err < 0)
		return kvm_error_errno(error, err, "initrd %s", file->path);
	return 0;
}

static int load_cmdline(const struct boot *boot, const struct guest_mem *mem,
			const struct boot_image *image, struct kvm_error *error)
{
	size_t len = strlen(boot->cmdline);
	uint64_t max = MIN(image->cmdline_max, LAYOUT_CMDLINE_MAX - 1);

	if (len > max)
		return kvm_error_set(error, -E2BIG,
				     "command line: %zu bytes, but the kernel "
				     "takes %llu; shorten it",
				     len, (unsigned long long)max);
	return guest_mem_write(mem, LAYOUT_CMDLINE, boot->cmdline, len + 1);
}

/* What the selectors in the boot processor's segment registers refer to. */
static int load_gdt(const struct guest_mem *mem, enum boot_mode mode)
{
	unsigned char gdt[LAYOUT_GDT_SIZE] = {0};

	store_le64(gdt + 0x10,
		   mode == BOOT_LINUX64 ? GDT_CODE_64 : GDT_CODE_32);
	store_le64(gdt + 0x18, GDT_DATA);
	return guest_mem_write(mem, LAYOUT_GDT, gdt, sizeof(gdt));
}

/*
 * On hardware-reduced ACPI without EFI, Linux resets by a jump to the BIOS's
 * reset vector in real mode (arch/x86/kernel/reboot.c: BOOT_EFI, then
 * BOOT_BIOS; the ACPI register and the keyboard controller are not tried). All
 * the BIOS there is are these instructions.
 */
static int load_reset_vector(const struct guest_mem *mem)
{
	static const unsigned char code[] = {
		0xb0, 0xfe, /*    mov $0xfe, %al */
		0xe6, 0x64, /*    out %al, $0x64: the keyboard controller's */
		0xf4,	    /* 1: hlt                       reset command */
		0xeb, 0xfd, /*    jmp 1b */
	};

	return guest_mem_write(mem, LAYOUT_RESET_VECTOR, code, sizeof(code));
}

int boot_load(const struct boot *boot, const struct guest_mem *mem,
	      uint64_t rsdp, struct boot_entry *entry, struct kvm_error *error)
{
	const struct boot_format *format = detect(boot);
	struct boot_image image = {.initrd_limit = LAYOUT_RAM_BELOW_4G};
	struct boot_initrd initrd;
	int err;

	if (!format)
		return kvm_error_set(
			error, -ENOEXEC,
			"kernel %s: neither a bzImage nor an ELF file; give a "
			"vmlinuz, or a vmlinux with a PVH entry",
			boot->kernel.path);
	err = format->load(&boot->kernel, mem, &image, error);
	if (err < 0)
		return err;
	err = load_initrd(boot, mem, &image, &initrd, error);
	if (err < 0)
		return err;
	err = load_cmdline(boot, mem, &image, error);
	if (!err)
		err = load_gdt(mem, image.entry.mode);
	if (!err)
		err = load_reset_vector(mem);
	if (err < 0)
		return err;
	err = format->hand_over(&boot->kernel, mem, rsdp, &initrd, error);
	if (err < 0)
		return err;
	*entry = image.entry;
	return 0;
}
