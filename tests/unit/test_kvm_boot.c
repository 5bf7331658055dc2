/* SPDX-License-Identifier: MIT */
/*
 * The loaders: what lands where in memory, and files that lie.
 */
#include "base/bytes.h"
#include "kvm/boot.h"
#include "kvm/layout.h"
#include "kvm/open.h"
#include "support/run.h"

#include <check.h>
#include <elf.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RAM_SIZE  (64U << 20)
#define RSDP	  0xe0000
#define INIT_SIZE (8U << 20)
#define PREF	  (16U << 20)
#define SETUP	  (5 * 512)
#define CODE	  4000
#define ENTRY	  0x200010

static unsigned char *ram;
static struct guest_mem mem;
static struct boot boot;
static struct boot_entry entry;
static struct kvm_error error;
static char kernel_path[64], initrd_path[64];

static void make_file(char *path, const void *bytes, size_t len)
{
	int fd;

	strcpy(path, "/tmp/evnic-boot-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
	close(fd);
}

static void setup(void)
{
	struct guest_mem_region low = {.size = RAM_SIZE, .fd = -1};
	struct guest_mem_region high = {
		.gpa = LAYOUT_RAM_ABOVE_4G, .size = 4096, .fd = -1};

	ram = calloc(1, RAM_SIZE + 4096);
	low.host = ram;
	high.host = ram + RAM_SIZE;
	guest_mem_init(&mem);
	ck_assert_int_eq(guest_mem_add(&mem, &low), 0);
	ck_assert_int_eq(guest_mem_add(&mem, &high), 0);
	kernel_path[0] = initrd_path[0] = '\0';
}

static void teardown(void)
{
	unlink(kernel_path);
	unlink(initrd_path);
	free(ram);
}

/* Loads @kernel with @initrd_len bytes of initrd (0: none). */
static int load(const void *kernel, size_t len, size_t initrd_len,
		const char *cmdline)
{
	struct kvm_vm_config config = {
		.files = KVM_VM_NO_FILES,
		.kernel_path = kernel_path,
		.cmdline = cmdline,
	};
	unsigned char *initrd = malloc(initrd_len + 1);
	int err;

	memset(initrd, 'i', initrd_len + 1);
	make_file(kernel_path, kernel, len);
	if (initrd_len) {
		make_file(initrd_path, initrd, initrd_len);
		config.initrd_path = initrd_path;
	}
	free(initrd);
	error.text[0] = '\0';
	config.files.kernel = kvm_open_image("kernel", kernel_path, &error);
	if (initrd_len)
		config.files.initrd =
			kvm_open_image("initrd", initrd_path, &error);
	err = boot_init(&boot, &config, &error);
	if (!err)
		err = boot_load(&boot, &mem, RSDP, &entry, &error);
	boot_fini(&boot);
	unlink(kernel_path);
	unlink(initrd_path);
	return err;
}

static void expect(int got, int err, const char *part)
{
	ck_assert_msg(got == err, "%d: %s", got, error.text);
	ck_assert_msg(strstr(error.text, part), "%s", error.text);
}

/* A bzImage of one sector more than it needs. */
static unsigned char bzimage[SETUP + CODE];

static void make_bzimage(void)
{
	memset(bzimage, 0, sizeof(bzimage));
	memset(bzimage + SETUP, 'k', CODE);
	bzimage[0x1f1] = 4;
	store_le16(bzimage + 0x1fe, 0xaa55);
	bzimage[0x200] = 0xeb;
	bzimage[0x201] = 0x66;
	memcpy(bzimage + 0x202, "HdrS", 4);
	store_le16(bzimage + 0x206, 0x20f);
	store_le32(bzimage + 0x22c, 0x7fffffff);
	store_le16(bzimage + 0x236, 1);
	store_le32(bzimage + 0x238, 100);
	store_le64(bzimage + 0x258, PREF);
	store_le32(bzimage + 0x260, INIT_SIZE);
}

START_TEST(bzimage_is_loaded)
{
	const unsigned char *page = ram + LAYOUT_ZERO_PAGE;
	uint64_t initrd;

	make_bzimage();
	expect(load(bzimage, sizeof(bzimage), 5000, "console=ttyS0"), 0, "");
	ck_assert_int_eq(entry.mode, BOOT_LINUX64);
	ck_assert_uint_eq(entry.rip, 0x100200);
	ck_assert_uint_eq(entry.argument, LAYOUT_ZERO_PAGE);
	ck_assert_uint_eq(ram[0x100000], 'k');
	ck_assert_uint_eq(ram[0x100000 + CODE - 1], 'k');
	ck_assert_uint_eq(ram[0x100000 + CODE], 0);
	ck_assert_uint_eq(load_le32(page + 0x202), 0x53726448);
	ck_assert_uint_eq(page[0x210], 0xff);
	ck_assert_uint_eq(page[0x211] & 1, 1);
	ck_assert_uint_eq(load_le64(page + 0x70), RSDP);
	ck_assert_str_eq((char *)ram + load_le32(page + 0x228),
			 "console=ttyS0");
	initrd = load_le32(page + 0x218);
	ck_assert_uint_eq(load_le32(page + 0x21c), 5000);
	ck_assert_uint_eq(initrd % 4096, 0);
	ck_assert_uint_ge(initrd, PREF + INIT_SIZE);
	ck_assert_uint_le(initrd + 5000, RAM_SIZE);
	ck_assert_uint_eq(ram[initrd], 'i');
	ck_assert_uint_eq(ram[initrd + 4999], 'i');
	/* The keyboard controller's reset at the BIOS's reset vector. */
	ck_assert_mem_eq(ram + 0xffff0, "\xb0\xfe\xe6\x64", 4);
	/* The page tables map 2 MiB pages one to one. */
	ck_assert_uint_eq(load_le64(ram + LAYOUT_PAGE_TABLES),
			  (LAYOUT_PAGE_TABLES + 0x1000) | 3);
	ck_assert_uint_eq(load_le64(ram + LAYOUT_PAGE_TABLES + 0x2008),
			  0x200083);
}
END_TEST

START_TEST(memory_map_is_told)
{
	const unsigned char *page = ram + LAYOUT_ZERO_PAGE;
	uint64_t ram_bytes = 0, before = 0;

	make_bzimage();
	expect(load(bzimage, sizeof(bzimage), 0, NULL), 0, "");
	ck_assert_uint_eq(load_le32(page + 0x21c), 0);
	ck_assert_uint_eq(page[0x1e8], 5);
	for (unsigned int i = 0; i < page[0x1e8]; i++) {
		const unsigned char *e = page + 0x2d0 + 20 * i;

		if (load_le32(e + 16) == 1)
			ram_bytes += load_le64(e + 8);
		if (i < 4)
			ck_assert_uint_ge(load_le64(e), before);
		before = load_le64(e);
	}
	ck_assert_uint_eq(ram_bytes, RAM_SIZE + 4096 - (0x100000 - 0x9fc00));
	/* Configuration space is not RAM, and said to be taken. */
	ck_assert_uint_eq(before, LAYOUT_ECAM);
}
END_TEST

START_TEST(initrd_limit_of_the_kernel_holds)
{
	make_bzimage();
	store_le32(bzimage + 0x22c, (32U << 20) - 1);
	expect(load(bzimage, sizeof(bzimage), 5000, NULL), 0, "");
	ck_assert_uint_le(load_le32(ram + LAYOUT_ZERO_PAGE + 0x218) + 5000,
			  32U << 20);
}
END_TEST

START_TEST(bzimages_that_cannot_be_booted)
{
	make_bzimage();
	expect(load(bzimage, sizeof(bzimage), 0,
		    "0123456789012345678901234567890123456789012345678901234567"
		    "8901234567890123456789012345678901234567890123"),
	       -E2BIG, "shorten it");
	expect(load(bzimage, sizeof(bzimage), RAM_SIZE, NULL), -ENOSPC,
	       "do not fit");
	/* One page too many, and just right. */
	expect(load(bzimage, sizeof(bzimage), RAM_SIZE - PREF - INIT_SIZE + 1,
		    NULL),
	       -ENOSPC, "do not fit");
	expect(load(bzimage, sizeof(bzimage), RAM_SIZE - PREF - INIT_SIZE,
		    NULL),
	       0, "");
	expect(load(bzimage, SETUP, 0, NULL), -ENOEXEC, "cut off");
	expect(load(bzimage, 0x250, 0, NULL), -ENOEXEC, "neither a bzImage");
	bzimage[0x1f1] = 255;
	expect(load(bzimage, sizeof(bzimage), 0, NULL), -ENOEXEC, "cut off");
	make_bzimage();
	store_le16(bzimage + 0x206, 0x20b);
	expect(load(bzimage, sizeof(bzimage), 0, NULL), -ENOEXEC,
	       "without a 64-bit entry");
	make_bzimage();
	store_le16(bzimage + 0x236, 0);
	expect(load(bzimage, sizeof(bzimage), 0, NULL), -ENOEXEC,
	       "without a 64-bit entry");
	make_bzimage();
	store_le32(bzimage + 0x260, UINT32_MAX);
	expect(load(bzimage, sizeof(bzimage), 0, NULL), -ENOSPC,
	       "give the guest more");
	make_bzimage();
	store_le64(bzimage + 0x258, UINT64_MAX - 100);
	expect(load(bzimage, sizeof(bzimage), 0, NULL), -ENOSPC,
	       "give the guest more");
	make_bzimage();
	store_le32(bzimage + 0x22c, 0);
	expect(load(bzimage, sizeof(bzimage), 1, NULL), -ENOSPC, "do not fit");
}
END_TEST

/* An ELF file with one segment at 2 MiB and a note. */
static struct {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[2];
	struct {
		Elf64_Nhdr other;
		char other_name[4];
		Elf64_Nhdr head;
		char name[4];
		uint32_t entry;
	} note;
	unsigned char code[CODE];
} elf;

static void make_elf(void)
{
	memset(&elf, 0, sizeof(elf));
	memcpy(elf.eh.e_ident, ELFMAG, SELFMAG);
	elf.eh.e_ident[EI_CLASS] = ELFCLASS64;
	elf.eh.e_ident[EI_DATA] = ELFDATA2LSB;
	elf.eh.e_machine = EM_X86_64;
	elf.eh.e_phoff = offsetof(__typeof__(elf), ph);
	elf.eh.e_phentsize = sizeof(Elf64_Phdr);
	elf.eh.e_phnum = 2;
	elf.ph[0].p_type = PT_NOTE;
	elf.ph[0].p_offset = offsetof(__typeof__(elf), note);
	elf.ph[0].p_filesz = sizeof(elf.note);
	elf.ph[1].p_type = PT_LOAD;
	elf.ph[1].p_offset = offsetof(__typeof__(elf), code);
	elf.ph[1].p_paddr = 0x200000;
	elf.ph[1].p_filesz = CODE;
	elf.ph[1].p_memsz = 2 * CODE;
	elf.note.other.n_namesz = 3;
	elf.note.other.n_type = 18; /* of somebody else */
	elf.note.head = (Elf64_Nhdr){4, 4, 18};
	memcpy(elf.note.name, "Xen", 4);
	elf.note.entry = ENTRY;
	memset(elf.code, 'k', sizeof(elf.code));
}

static int load_elf(size_t initrd_len)
{
	return load(&elf, sizeof(elf), initrd_len, "quiet");
}

START_TEST(elf_is_loaded)
{
	const unsigned char *info = ram + LAYOUT_START_INFO;
	const unsigned char *map, *module;

	make_elf();
	memset(ram + 0x200000, 'x', 3 * CODE);
	expect(load_elf(5000), 0, "");
	ck_assert_int_eq(entry.mode, BOOT_PVH);
	ck_assert_uint_eq(entry.rip, ENTRY);
	ck_assert_uint_eq(entry.argument, LAYOUT_START_INFO);
	ck_assert_uint_eq(ram[0x200000 + CODE - 1], 'k');
	ck_assert_uint_eq(ram[0x200000 + CODE], 0); /* the bss is cleared */
	ck_assert_uint_eq(ram[0x200000 + 2 * CODE - 1], 0);
	ck_assert_uint_eq(ram[0x200000 + 2 * CODE], 'x');
	ck_assert_uint_eq(load_le32(info), 0x336ec578);
	ck_assert_uint_eq(load_le32(info + 4), 1);
	ck_assert_str_eq((char *)ram + load_le64(info + 24), "quiet");
	ck_assert_uint_eq(load_le64(info + 32), RSDP);
	ck_assert_uint_eq(load_le32(info + 12), 1);
	module = ram + load_le64(info + 16);
	ck_assert_uint_eq(load_le64(module + 8), 5000);
	ck_assert_uint_eq(ram[load_le64(module)], 'i');
	map = ram + load_le64(info + 40);
	ck_assert_uint_eq(load_le32(info + 48), 5);
	ck_assert_uint_eq(load_le64(map), 0);
	ck_assert_uint_eq(load_le32(map + 16), 1);
}
END_TEST

START_TEST(elf_files_that_cannot_be_booted)
{
	make_elf();
	elf.eh.e_machine = EM_AARCH64;
	expect(load_elf(0), -ENOEXEC, "not an ELF file for x86-64");
	make_elf();
	elf.eh.e_phnum = 65535;
	expect(load_elf(0), -ENOEXEC, "not an ELF file for x86-64");
	make_elf();
	elf.eh.e_phoff = UINT64_MAX - 50;
	expect(load_elf(0), -ENOEXEC, "cut off");
	make_elf();
	elf.eh.e_phoff = sizeof(elf) - 10;
	expect(load_elf(0), -ENOEXEC, "cut off");
	make_elf();
	elf.ph[0].p_type = PT_NULL;
	expect(load_elf(0), -ENOEXEC, "without a PVH entry");
	make_elf();
	elf.note.entry = 0x1000;
	expect(load_elf(0), -ENOEXEC, "without a PVH entry");
	make_elf();
	elf.note.head.n_descsz = UINT32_MAX;
	expect(load_elf(0), -ENOEXEC, "damaged note");
	make_elf();
	elf.note.other.n_namesz = UINT32_MAX;
	expect(load_elf(0), -ENOEXEC, "damaged note");
	make_elf();
	elf.ph[0].p_filesz -= 4; /* the note runs over its end */
	expect(load_elf(0), -ENOEXEC, "damaged note");
	make_elf();
	elf.ph[0].p_offset = UINT64_MAX - 8;
	expect(load_elf(0), -ENOEXEC, "damaged note");
	make_elf();
	elf.ph[1].p_filesz = elf.ph[1].p_memsz + 1;
	expect(load_elf(0), -ENOEXEC, "longer than its memory");
	make_elf();
	elf.ph[1].p_paddr = UINT64_MAX - 10;
	expect(load_elf(0), -ENOEXEC, "longer than its memory");
	make_elf();
	elf.ph[1].p_paddr = 0x7000;
	expect(load_elf(0), -ENOEXEC, "below 1 MiB");
	make_elf();
	elf.ph[1].p_memsz = RAM_SIZE;
	expect(load_elf(0), -ENOSPC, "give the guest more");
	make_elf();
	elf.ph[1].p_paddr = LAYOUT_RAM_ABOVE_4G;
	expect(load_elf(0), -ENOSPC, "give the guest more");
	make_elf();
	elf.ph[1].p_offset = sizeof(elf) - 100;
	expect(load_elf(0), -ENOEXEC, "kernel /tmp");
	make_elf();
	expect(load_elf(RAM_SIZE - 0x200000), -ENOSPC, "do not fit");
}
END_TEST

START_TEST(files_that_are_no_kernels)
{
	expect(load("", 0, 0, NULL), -ENOEXEC, "neither a bzImage nor");
	expect(load("#!/bin/sh\n", 10, 0, NULL), -ENOEXEC, "neither");
	expect(load(ELFMAG, 4, 0, NULL), -ENOEXEC, "neither");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kvm_boot");
	TCase *tc = tcase_create("all");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, bzimage_is_loaded);
	tcase_add_test(tc, memory_map_is_told);
	tcase_add_test(tc, initrd_limit_of_the_kernel_holds);
	tcase_add_test(tc, bzimages_that_cannot_be_booted);
	tcase_add_test(tc, elf_is_loaded);
	tcase_add_test(tc, elf_files_that_cannot_be_booted);
	tcase_add_test(tc, files_that_are_no_kernels);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
