/* SPDX-License-Identifier: MIT */
/*
 * A vCPU's registers at its first instruction.
 *
 * The boot processor is put where the kernel's boot protocol wants it: flat
 * segments, and either 64-bit mode on the loader's page tables or 32-bit
 * protected mode without paging. The others wait for INIT and SIPI in KVM's
 * local APIC, as they are made; nothing is set for them but MSRs.
 *
 * Sources: Linux, Documentation/arch/x86/boot.rst (64-bit boot protocol); Xen,
 * docs/misc/pvh.pandoc; Intel SDM vol. 3 (control registers, MTRRs).
 */
#include "kvm/vcpu.h"

#include "kvm/error.h"
#include "kvm/layout.h"

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

#define CR0_PE	 (1ULL << 0)
#define CR0_ET	 (1ULL << 4)
#define CR0_NE	 (1ULL << 5)
#define CR0_PG	 (1ULL << 31)
#define CR4_PAE	 (1ULL << 5)
#define EFER_LME (1ULL << 8)
#define EFER_LMA (1ULL << 10)

#define MSR_MISC_ENABLE		  0x1a0
#define MISC_ENABLE_FAST_STRING	  1
#define MSR_MTRR_DEF_TYPE	  0x2ff
#define MTRR_ENABLED_WRITE_BACK	  0x806
#define RFLAGS_ALWAYS_ONE	  2
#define SEGMENT_CODE_EXECUTE_READ 11
#define SEGMENT_DATA_READ_WRITE	  3
#define SEGMENT_TSS_BUSY	  11

/* A flat segment at @selector; @wide: 64-bit code. */
static struct kvm_segment flat_segment(uint16_t selector, uint8_t type,
				       bool wide)
{
	return (struct kvm_segment){
		.limit = UINT32_MAX,
		.selector = selector,
		.type = type,
		.present = 1,
		.db = !wide,
		.s = 1,
		.l = wide,
		.g = 1,
	};
}

/* The selectors that Linux expects: code 0x10, data 0x18. The descriptors in
 * memory, should the kernel reload them, are boot.c's. */
static int set_special(const struct vcpu *vcpu, enum boot_mode mode)
{
	bool wide = mode == BOOT_LINUX64;
	struct kvm_segment data =
		flat_segment(0x18, SEGMENT_DATA_READ_WRITE, false);
	struct kvm_sregs s;

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &s) < 0)
		return -errno;
	s.cs = flat_segment(0x10, SEGMENT_CODE_EXECUTE_READ, wide);
	s.ds = s.es = s.fs = s.gs = s.ss = data;
	s.tr = (struct kvm_segment){
		.limit = 0x67,
		.type = SEGMENT_TSS_BUSY,
		.present = 1,
	};
	s.gdt.base = LAYOUT_GDT;
	s.gdt.limit = LAYOUT_GDT_SIZE - 1;
	s.idt.base = 0;
	s.idt.limit = 0;
	s.cr0 = CR0_PE | CR0_ET;
	if (wide) {
		s.cr0 |= CR0_PG | CR0_NE;
		s.cr3 = LAYOUT_PAGE_TABLES;
		s.cr4 = CR4_PAE;
		s.efer = EFER_LME | EFER_LMA;
	}
	return ioctl(vcpu->fd, KVM_SET_SREGS, &s) < 0 ? -errno : 0;
}

static int set_general(const struct vcpu *vcpu, const struct boot_entry *entry)
{
	struct kvm_regs regs = {
		.rip = entry->rip,
		.rsp = LAYOUT_STACK,
		.rflags = RFLAGS_ALWAYS_ONE,
	};

	if (entry->mode == BOOT_LINUX64)
		regs.rsi = entry->argument;
	else
		regs.rbx = entry->argument;
	return ioctl(vcpu->fd, KVM_SET_REGS, &regs) < 0 ? -errno : 0;
}

/* What firmware would have set. A KVM that does not know one of them leaves it
 * out, and a kernel can live without. */
static void set_msrs(const struct vcpu *vcpu)
{
	static const struct kvm_msr_entry entries[] = {
		{.index = MSR_MTRR_DEF_TYPE, .data = MTRR_ENABLED_WRITE_BACK},
		{.index = MSR_MISC_ENABLE, .data = MISC_ENABLE_FAST_STRING},
	};
	union {
		struct kvm_msrs head;
		unsigned char room[sizeof(struct kvm_msrs) + sizeof(entries)];
	} msrs = {.head.nmsrs = ARRAY_SIZE(entries)};

	memcpy(msrs.room + offsetof(struct kvm_msrs, entries), entries,
	       sizeof(entries));
	(void)ioctl(vcpu->fd, KVM_SET_MSRS, &msrs);
}

int vcpu_set_registers(const struct vcpu *vcpu, const struct boot_entry *entry,
		       struct kvm_error *error)
{
	int err = 0;

	set_msrs(vcpu);
	if (vcpu->id == 0)
		err = set_special(vcpu, entry->mode);
	if (vcpu->id == 0 && !err)
		err = set_general(vcpu, entry);
	return err ? kvm_error_errno(error, err, "registers") : 0;
}
