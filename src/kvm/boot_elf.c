/* SPDX-License-Identifier: MIT */
/*
 * ELF kernels, entered by the PVH protocol.
 *
 * A 64-bit ELF file names its PVH entry in a note of Xen's, type 18
 * (XEN_ELFNOTE_PHYS32_ENTRY). Its segments go to their physical addresses. The
 * kernel begins in 32-bit protected mode without paging, EBX pointing to
 * struct hvm_start_info, which names command line, initrd, RSDP and memory
 * map.
 *
 * Sources: ELF-64 object file format 1.5; Xen, docs/misc/pvh.pandoc and
 * xen/include/public/arch-x86/hvm/start_info.h.
 */
#include "kvm/boot.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "kvm/error.h"
#include "kvm/layout.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#define MAX_SEGMENTS	  64
#define MAX_NOTES	  64
#define NOTE_PHYS32_ENTRY 18

#define START_INFO_MAGIC   0x336ec578
#define START_INFO_VERSION 1
#define START_INFO_SIZE	   56
#define MODULE_SIZE	   32
#define MAP_ENTRY_SIZE	   24

static bool elf_detect(const unsigned char *head, size_t len)
{
	return len >= sizeof(Elf64_Ehdr) && memcmp(head, ELFMAG, SELFMAG) == 0;
}

static int not_bootable(const struct boot_file *file, const char *why,
			struct kvm_error *error)
{
	return kvm_error_set(error, -ENOEXEC, "kernel %s: %s", file->path, why);
}

static int load_segment(const struct boot_file *file, const Elf64_Phdr *ph,
			const struct guest_mem *mem, struct boot_image *image,
			struct kvm_error *error)
{
	uint64_t end;
	int err;

	if (!ph->p_memsz)
		return 0;
	if (ph->p_filesz > ph->p_memsz ||
	    !checked_add_u64(ph->p_paddr, ph->p_memsz, &end))
		return not_bootable(file,
				    "a segment of the ELF file is "
				    "longer than its memory; build it "
				    "again",
				    error);
	if (ph->p_paddr < LAYOUT_KERNEL)
		return not_bootable(file,
				    "a segment lies below 1 MiB, where "
				    "the loader's tables are; link it "
				    "higher",
				    error);
	if (!range_inside(ph->p_paddr, ph->p_memsz, 0, mem->regions[0].size))
		return kvm_error_set(error, -ENOSPC,
				     "kernel %s: it needs memory up to "
				     "0x%llx; give the guest more",
				     file->path, (unsigned long long)end);
	err = boot_copy(file, ph->p_offset, ph->p_filesz, mem, ph->p_paddr);
	if (!err && ph->p_memsz > ph->p_filesz)
		err = guest_mem_fill(mem, ph->p_paddr + ph->p_filesz, 0,
				     ph->p_memsz - ph->p_filesz);
	if (err < 0)
		return kvm_error_errno(error, err, "kernel %s", file->path);
	image->start = MIN(image->start, ph->p_paddr);
	image->end = MAX(image->end, end);
	return 0;
}

/* Notes are {name size, value size, type, name, value}, both padded to 4. */
static int find_entry(const struct boot_file *file, const Elf64_Phdr *ph,
		      struct boot_image *image)
{
	uint64_t at = ph->p_offset;
	uint64_t left = ph->p_filesz;

	for (int i = 0; i < MAX_NOTES && left >= sizeof(Elf64_Nhdr); i++) {
		Elf64_Nhdr note;
		unsigned char name[4];
		unsigned char value[8] = {0};
		uint64_t name_size, value_size, size;
		int err = boot_read(file, at, &note, sizeof(note));

		if (err < 0)
			return err;
		name_size = ((uint64_t)note.n_namesz + 3) & ~3ULL;
		value_size = ((uint64_t)note.n_descsz + 3) & ~3ULL;
		size = sizeof(note) + name_size + value_size;
		if (size > left)
			return -ENOEXEC;
		if (note.n_type == NOTE_PHYS32_ENTRY &&
		    note.n_namesz == sizeof(name) && note.n_descsz >= 4) {
			err = boot_read(file, at + sizeof(note), name,
					sizeof(name));
			if (!err)
				err = boot_read(
					file, at + sizeof(note) + name_size,
					value,
					MIN(note.n_descsz, sizeof(value)));
			if (err < 0)
				return err;
			if (memcmp(name, "Xen", sizeof(name)) == 0)
				image->entry.rip = load_le32(value);
		}
		at += size;
		left -= size;
	}
	return 0;
}

static int elf_load(const struct boot_file *file, const struct guest_mem *mem,
		    struct boot_image *image, struct kvm_error *error)
{
	Elf64_Ehdr eh;
	Elf64_Phdr ph;
	uint64_t at;
	int err = boot_read(file, 0, &eh, sizeof(eh));

	if (err < 0)
		return kvm_error_errno(error, err, "kernel %s", file->path);
	if (eh.e_ident[EI_CLASS] != ELFCLASS64 ||
	    eh.e_ident[EI_DATA] != ELFDATA2LSB || eh.e_machine != EM_X86_64 ||
	    eh.e_phentsize != sizeof(ph) || eh.e_phnum > MAX_SEGMENTS)
		return not_bootable(file,
				    "not an ELF file for x86-64; give a "
				    "vmlinuz or an x86-64 vmlinux",
				    error);
	image->start = UINT64_MAX;
	image->end = LAYOUT_KERNEL;
	image->cmdline_max = LAYOUT_CMDLINE_MAX - 1;
	for (uint64_t i = 0; i < eh.e_phnum && !err; i++) {
		if (!checked_add_u64(eh.e_phoff, i * sizeof(ph), &at) ||
		    boot_read(file, at, &ph, sizeof(ph)) < 0)
			return not_bootable(file,
					    "the ELF file is cut off; "
					    "copy it again",
					    error);
		if (ph.p_type == PT_LOAD)
			err = load_segment(file, &ph, mem, image, error);
		else if (ph.p_type == PT_NOTE && find_entry(file, &ph, image))
			err = not_bootable(file,
					   "the ELF file has a damaged "
					   "note; build it again",
					   error);
	}
	if (err < 0)
		return err;
	if (!range_inside(image->entry.rip, 1, image->start,
			  image->end - MIN(image->start, image->end)))
		return not_bootable(file,
				    "an ELF file without a PVH entry; "
				    "give a vmlinuz, or a kernel built "
				    "with CONFIG_PVH",
				    error);
	image->entry.mode = BOOT_PVH;
	image->entry.argument = LAYOUT_START_INFO;
	return 0;
}

/* The start info with the module list and the memory map behind it. */
static int elf_hand_over(const struct boot_file *file,
			 const struct guest_mem *mem, uint64_t rsdp,
			 const struct boot_initrd *initrd,
			 struct kvm_error *error)
{
	unsigned char info[START_INFO_SIZE + MODULE_SIZE +
			   BOOT_MAP_MAX * MAP_ENTRY_SIZE] = {0};
	unsigned char *module = info + START_INFO_SIZE;
	unsigned char *entry = module + MODULE_SIZE;
	struct boot_map_entry map[BOOT_MAP_MAX];
	size_t n = boot_map(mem, map);
	int err;

	store_le32(info, START_INFO_MAGIC);
	store_le32(info + 4, START_INFO_VERSION);
	if (initrd->size) {
		store_le32(info + 12, 1);
		store_le64(info + 16, LAYOUT_START_INFO + START_INFO_SIZE);
		store_le64(module, initrd->base);
		store_le64(module + 8, initrd->size);
	}
	store_le64(info + 24, LAYOUT_CMDLINE);
	store_le64(info + 32, rsdp);
	store_le64(info + 40,
		   LAYOUT_START_INFO + START_INFO_SIZE + MODULE_SIZE);
	store_le32(info + 48, (uint32_t)n);
	for (size_t i = 0; i < n; i++, entry += MAP_ENTRY_SIZE) {
		store_le64(entry, map[i].base);
		store_le64(entry + 8, map[i].size);
		store_le32(entry + 16, map[i].type);
	}
	err = guest_mem_write(mem, LAYOUT_START_INFO, info, sizeof(info));
	if (err < 0)
		return kvm_error_errno(error, err, "kernel %s", file->path);
	return 0;
}

const struct boot_format boot_elf = {
	.detect = elf_detect,
	.load = elf_load,
	.hand_over = elf_hand_over,
};
