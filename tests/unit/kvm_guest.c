/* SPDX-License-Identifier: MIT */
/*
 * Writing tiny guests; Intel SDM vol. 2 for the encodings.
 */
#include "unit/kvm_guest.h"

#include "base/bytes.h"

#include <check.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COM1	      0x3f8
#define SLEEP_CONTROL 0x600
#define SLEEP_S5      0x34

struct image {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[2];
	struct {
		Elf64_Nhdr head;
		char name[4];
		uint64_t entry;
	} note;
	unsigned char code[sizeof(((struct kvm_guest *)0)->code)];
};

static void put(struct kvm_guest *guest, const void *bytes, size_t len)
{
	ck_assert_uint_le(guest->len + len, sizeof(guest->code));
	memcpy(guest->code + guest->len, bytes, len);
	guest->len += len;
}

void kvm_guest_out_al(struct kvm_guest *guest, uint16_t port)
{
	unsigned char bytes[] = {0x66, 0xba, 0, 0, 0xee};

	store_le16(bytes + 2, port);
	put(guest, bytes, sizeof(bytes));
}

void kvm_guest_out(struct kvm_guest *guest, uint16_t port, uint8_t value)
{
	unsigned char bytes[] = {0xb0, value};

	put(guest, bytes, sizeof(bytes));
	kvm_guest_out_al(guest, port);
}

void kvm_guest_load(struct kvm_guest *guest, uint32_t address)
{
	unsigned char bytes[] = {0xa1, 0, 0, 0, 0};

	store_le32(bytes + 1, address);
	put(guest, bytes, sizeof(bytes));
}

void kvm_guest_store(struct kvm_guest *guest, uint32_t address, uint32_t value)
{
	unsigned char bytes[10] = {0xc7, 0x05};

	store_le32(bytes + 2, address);
	store_le32(bytes + 6, value);
	put(guest, bytes, sizeof(bytes));
}

void kvm_guest_print(struct kvm_guest *guest, const char *text)
{
	for (; *text; text++)
		kvm_guest_out(guest, COM1, (uint8_t)*text);
}

void kvm_guest_power_off(struct kvm_guest *guest)
{
	kvm_guest_out(guest, SLEEP_CONTROL, SLEEP_S5);
	kvm_guest_loop(guest, 0);
}

void kvm_guest_fault(struct kvm_guest *guest)
{
	put(guest, "\x0f\x0b", 2);
}

void kvm_guest_loop(struct kvm_guest *guest, int from_start)
{
	unsigned char bytes[] = {0xe9, 0, 0, 0, 0};
	size_t back = sizeof(bytes) + (from_start ? guest->len : 0);

	store_le32(bytes + 1, (uint32_t)-back);
	put(guest, bytes, sizeof(bytes));
}

void kvm_guest_write(struct kvm_guest *guest)
{
	struct image image = {
		.eh =
			{
				.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64,
					    ELFDATA2LSB, EV_CURRENT},
				.e_type = ET_EXEC,
				.e_machine = EM_X86_64,
				.e_version = EV_CURRENT,
				.e_phoff = offsetof(struct image, ph),
				.e_ehsize = sizeof(Elf64_Ehdr),
				.e_phentsize = sizeof(Elf64_Phdr),
				.e_phnum = 2,
			},
		.ph =
			{
				{
					.p_type = PT_LOAD,
					.p_offset =
						offsetof(struct image, code),
					.p_paddr = KVM_GUEST_BASE,
					.p_filesz = sizeof(image.code),
					.p_memsz = 8192,
				},
				{
					.p_type = PT_NOTE,
					.p_offset =
						offsetof(struct image, note),
					.p_filesz = sizeof(image.note),
				},
			},
		.note =
			{
				.head = {4, 8, 18},
				.name = "Xen",
				.entry = KVM_GUEST_BASE,
			},
	};
	int fd;

	memcpy(image.code, guest->code, sizeof(image.code));
	strcpy(guest->path, "/tmp/evnic-guest-XXXXXX");
	fd = mkstemp(guest->path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, &image, sizeof(image)), sizeof(image));
	close(fd);
}

void kvm_guest_remove(const struct kvm_guest *guest)
{
	unlink(guest->path);
}
