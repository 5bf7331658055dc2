/* SPDX-License-Identifier: MIT */
/*
 * bzImage, entered by the 64-bit boot protocol.
 *
 * The file is a real-mode part (of which we need the setup header at 0x1f1) and
 * the protected-mode part behind it, which goes to 1 MiB. The latter moves and
 * unpacks itself: it needs init_size bytes from its preferred address on. The
 * kernel begins 0x200 bytes into that part, in 64-bit mode with the memory that
 * it uses mapped one to one, RSI pointing to the zero page.
 *
 * Source: Linux, Documentation/arch/x86/boot.rst and zero-page.rst.
 */
#include "kvm/boot.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "kvm/error.h"
#include "kvm/layout.h"

#include <errno.h>
#include <string.h>

/* The setup header: the same offsets in the file and in the zero page. */
#define SETUP_SECTS	0x1f1
#define BOOT_FLAG	0x1fe
#define HEADER_END	0x201 /* one byte: the header ends here + 0x202 */
#define HEADER_MAGIC	0x202
#define VERSION		0x206
#define TYPE_OF_LOADER	0x210
#define LOADFLAGS	0x211
#define RAMDISK_IMAGE	0x218
#define RAMDISK_SIZE	0x21c
#define CMD_LINE_PTR	0x228
#define INITRD_ADDR_MAX 0x22c
#define XLOADFLAGS	0x236
#define CMDLINE_SIZE	0x238
#define PREF_ADDRESS	0x258
#define INIT_SIZE	0x260
#define HEADER_MIN	0x264

/* The rest of the zero page. */
#define ACPI_RSDP_ADDR 0x070
#define E820_ENTRIES   0x1e8
#define E820_TABLE     0x2d0
#define E820_SIZE      20
#define ZERO_PAGE_SIZE 4096

#define SECTOR		  512
#define VERSION_2_12	  0x20c
#define XLF_KERNEL_64	  0x1
#define LOADED_HIGH	  0x1
#define LOADER_UNKNOWN	  0xff
#define ENTRY_64	  0x200
#define DEFAULT_SETUP	  4
#define PAGE_ENTRY_TABLE  0x3  /* present, writable */
#define PAGE_ENTRY_LARGE  0x83 /* and 2 MiB */
#define LARGE_PAGE	  0x200000ULL
#define MAPPED_GIB	  4
#define ENTRIES_PER_TABLE 512

static bool bzimage_detect(const unsigned char *head, size_t len)
{
	return len >= HEADER_MIN && load_le16(head + BOOT_FLAG) == 0xaa55 &&
	       memcmp(head + HEADER_MAGIC, "HdrS", 4) == 0;
}

static int bzimage_load(const struct boot_file *file,
			const struct guest_mem *mem, struct boot_image *image,
			struct kvm_error *error)
{
	unsigned char head[HEADER_MIN];
	uint64_t setup, start;
	int err = boot_read(file, 0, head, sizeof(head));

	if (err < 0)
		return kvm_error_errno(error, err, "kernel %s", file->path);
	if (load_le16(head + VERSION) < VERSION_2_12 ||
	    !(load_le16(head + XLOADFLAGS) & XLF_KERNEL_64))
		return kvm_error_set(error, -ENOEXEC,
				     "kernel %s: a bzImage without a 64-bit "
				     "entry; give an x86-64 kernel of Linux "
				     "3.8 or later",
				     file->path);
	setup = head[SETUP_SECTS] ? head[SETUP_SECTS] : DEFAULT_SETUP;
	setup = (setup + 1) * SECTOR;
	if (setup >= file->size)
		return kvm_error_set(error, -ENOEXEC,
				     "kernel %s: the file is cut off after "
				     "%llu bytes; copy it again",
				     file->path,
				     (unsigned long long)file->size);
	start = MAX(load_le64(head + PREF_ADDRESS), LAYOUT_KERNEL);
	if (!checked_add_u64(start, load_le32(head + INIT_SIZE), &image->end) ||
	    image->end > mem->regions[0].size ||
	    !range_inside(LAYOUT_KERNEL, file->size - setup, 0,
			  mem->regions[0].size))
		return kvm_error_set(
			error, -ENOSPC,
			"kernel %s: it needs %llu MiB of memory to start; give "
			"the guest more",
			file->path,
			(unsigned long long)((start +
					      load_le32(head + INIT_SIZE)) >>
					     20) +
				1);
	image->end = MAX(image->end, LAYOUT_KERNEL + file->size - setup);
	err = boot_copy(file, setup, file->size - setup, mem, LAYOUT_KERNEL);
	if (err < 0)
		return kvm_error_errno(error, err, "kernel %s", file->path);
	image->start = LAYOUT_KERNEL;
	image->initrd_limit = (uint64_t)load_le32(head + INITRD_ADDR_MAX) + 1;
	image->cmdline_max = load_le32(head + CMDLINE_SIZE);
	image->entry = (struct boot_entry){
		.mode = BOOT_LINUX64,
		.rip = LAYOUT_KERNEL + ENTRY_64,
		.argument = LAYOUT_ZERO_PAGE,
	};
	return 0;
}

/* One to one, the first 4 GiB in pages of 2 MiB. */
static int write_page_tables(const struct guest_mem *mem)
{
	unsigned char table[LAYOUT_PAGE] = {0};
	uint64_t pml4 = LAYOUT_PAGE_TABLES;
	uint64_t pdpt = pml4 + LAYOUT_PAGE;
	uint64_t pd = pdpt + LAYOUT_PAGE;
	int err;

	store_le64(table, pdpt | PAGE_ENTRY_TABLE);
	err = guest_mem_write(mem, pml4, table, sizeof(table));
	for (uint64_t i = 0; i < MAPPED_GIB; i++)
		store_le64(table + i * 8,
			   (pd + i * LAYOUT_PAGE) | PAGE_ENTRY_TABLE);
	if (!err)
		err = guest_mem_write(mem, pdpt, table, sizeof(table));
	for (uint64_t i = 0; i < MAPPED_GIB && !err; i++) {
		for (uint64_t j = 0; j < ENTRIES_PER_TABLE; j++)
			store_le64(table + j * 8,
				   (i * ENTRIES_PER_TABLE + j) * LARGE_PAGE |
					   PAGE_ENTRY_LARGE);
		err = guest_mem_write(mem, pd + i * LAYOUT_PAGE, table,
				      sizeof(table));
	}
	return err;
}

static void write_e820(unsigned char *zero_page, const struct guest_mem *mem)
{
	struct boot_map_entry map[BOOT_MAP_MAX];
	size_t n = boot_map(mem, map);

	zero_page[E820_ENTRIES] = (unsigned char)n;
	for (size_t i = 0; i < n; i++) {
		unsigned char *e = zero_page + E820_TABLE + i * E820_SIZE;

		store_le64(e, map[i].base);
		store_le64(e + 8, map[i].size);
		store_le32(e + 16, map[i].type);
	}
}

static int bzimage_hand_over(const struct boot_file *file,
			     const struct guest_mem *mem, uint64_t rsdp,
			     const struct boot_initrd *initrd,
			     struct kvm_error *error)
{
	unsigned char page[ZERO_PAGE_SIZE] = {0};
	unsigned char end;
	int err = boot_read(file, HEADER_END, &end, 1);

	if (!err)
		err = boot_read(file, SETUP_SECTS, page + SETUP_SECTS,
				(size_t)HEADER_MAGIC + end - SETUP_SECTS);
	if (err < 0)
		return kvm_error_errno(error, err, "kernel %s", file->path);
	page[TYPE_OF_LOADER] = LOADER_UNKNOWN;
	page[LOADFLAGS] |= LOADED_HIGH;
	store_le32(page + RAMDISK_IMAGE, (uint32_t)initrd->base);
	store_le32(page + RAMDISK_SIZE, (uint32_t)initrd->size);
	store_le32(page + CMD_LINE_PTR, (uint32_t)LAYOUT_CMDLINE);
	store_le64(page + ACPI_RSDP_ADDR, rsdp);
	write_e820(page, mem);
	err = guest_mem_write(mem, LAYOUT_ZERO_PAGE, page, sizeof(page));
	if (!err)
		err = write_page_tables(mem);
	if (err < 0)
		return kvm_error_errno(error, err, "kernel %s", file->path);
	return 0;
}

const struct boot_format boot_bzimage = {
	.detect = bzimage_detect,
	.load = bzimage_load,
	.hand_over = bzimage_hand_over,
};
