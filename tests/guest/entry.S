/* SPDX-License-Identifier: MIT */
/*
 * From the PVH entry to C code in 64-bit ring 3.
 *
 * The loader enters at pvh_entry in 32-bit protected mode with paging off and
 * EBX = the physical address of struct hvm_start_info (Xen, "x86/HVM direct
 * boot ABI"). On a host whose KVM emulates ring 0 every instruction here costs
 * about half a microsecond, so everything that can be a constant is one: page
 * tables, descriptors, the TSS and the frame that IRETQ pops are all static.
 * The first GiB is mapped as memory, the other three below 4 GiB as registers.
 * The section .ring0 holds the ring-0 code and nothing else; a test counts its
 * instructions.
 *
 * The first act is a newline on the serial port: the instant at which the
 * payload started, visible to whoever reads the other end.
 *
 * Ring 3 may not change IOPL, so it gets its ports from an I/O bitmap of zeros
 * behind the TSS. There is no IDT: the payload polls and takes no interrupt.
 */

#define COM1_DATA		0x3f8

#define CR0_PE			(1 << 0)
#define CR0_MP			(1 << 1)
#define CR0_ET			(1 << 4)
#define CR0_NE			(1 << 5)
#define CR0_WP			(1 << 16)
#define CR0_PG			(1 << 31)
#define CR0_BOOT		(CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE)
#define CR4_PAE			(1 << 5)
#define CR4_OSFXSR		(1 << 9)
#define MSR_EFER		0xc0000080
#define EFER_LME		(1 << 8)

/* Page-table entries; accessed and dirty are set so that no walk writes them */
#define PTE_TABLE		0x27	/* present, write, user, accessed */
#define PTE_LARGE		0xe7	/* the same, dirty, 2 MiB */
#define PTE_LARGE_UC		0xff	/* the same, uncached */
#define LARGE_PAGE		0x200000
#define GIB			0x40000000

#define SEL_CODE0		0x08
#define SEL_DATA3		0x1b
#define SEL_CODE3		0x23
#define SEL_TSS			0x28

#define TSS_SIZE		0x68
#define IO_BITMAP_SIZE		0x2001	/* 65536 ports and the closing byte */

	.section .note.xen, "a", @note
	.align	4
	.long	4, 8, 18	/* name size, value size, PHYS32_ENTRY */
	.asciz	"Xen"
	.quad	pvh_entry

	.section .ring0, "ax", @progbits
	.code32
	.globl	pvh_entry
pvh_entry:
	movw	$COM1_DATA, %dx
	movb	$'\n', %al
	outb	%al, %dx
	lgdt	gdt_pointer
	movl	$(CR4_PAE | CR4_OSFXSR), %eax
	movl	%eax, %cr4
	movl	$pml4, %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	movl	$EFER_LME, %eax
	xorl	%edx, %edx
	wrmsr
	movl	$CR0_BOOT, %eax
	movl	%eax, %cr0
	ljmp	$SEL_CODE0, $long_mode
	.code64
	.globl	long_mode
long_mode:
	movl	$SEL_TSS, %eax
	ltr	%ax
	movl	$ring3_frame, %esp
	iretq

	.text
	.globl	ring3_entry
ring3_entry:
	movl	%ebx, %edi
	call	payload_main
1:	jmp	1b

	.section .rodata
	.align	8
gdt_pointer:
	.word	gdt_end - gdt - 1
	.long	gdt

	.data
	.align	16
gdt:
	.quad	0
	.quad	0x00af9b000000ffff	/* 0x08: ring-0 code, 64 bit */
	.quad	0x00cf93000000ffff	/* 0x10: ring-0 data */
	.quad	0x00cff3000000ffff	/* 0x18: ring-3 data */
	.quad	0x00affb000000ffff	/* 0x20: ring-3 code, 64 bit */
	.word	TSS_SIZE + IO_BITMAP_SIZE - 1	/* 0x28: TSS; base in pieces */
	.word	tss_base_low
	.byte	tss_base_mid, 0x89, 0, tss_base_high
	.quad	0
gdt_end:

	.align	16
ring3_frame:
	.quad	ring3_entry, SEL_CODE3, 0x2, stack_end, SEL_DATA3

	.align	16
	.globl	tss
tss:
	.fill	TSS_SIZE - 2, 1, 0
	.word	TSS_SIZE		/* offset of the I/O bitmap */
	.fill	IO_BITMAP_SIZE - 1, 1, 0
	.byte	0xff

	.align	4096
pml4:
	.quad	pdpt + PTE_TABLE
	.fill	511, 8, 0
pdpt:
	.quad	pd_ram + PTE_TABLE
	.quad	pd_mmio + PTE_TABLE
	.quad	pd_mmio + 0x1000 + PTE_TABLE
	.quad	pd_mmio + 0x2000 + PTE_TABLE
	.fill	508, 8, 0
pd_ram:
	.set	frame, 0
	.rept	512
	.quad	frame + PTE_LARGE
	.set	frame, frame + LARGE_PAGE
	.endr
pd_mmio:
	.set	frame, GIB
	.rept	3 * 512
	.quad	frame + PTE_LARGE_UC
	.set	frame, frame + LARGE_PAGE
	.endr

	.bss
	.align	16
	.fill	16384, 1, 0
stack_end:

	.section .note.GNU-stack, "", @progbits
