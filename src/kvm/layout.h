/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_KVM_LAYOUT_H
#define EVNIC_KVM_LAYOUT_H

/*
 * The guest's physical address space and ports: who is where.
 *
 *	0000_0000 - 0009_fbff	RAM; what the loader leaves is listed below
 *	0009_fc00 - 000f_ffff	reserved; ACPI tables from 000e_0000, and code at
 *				the reset vector, 000f_fff0
 *	0010_0000 - bfff_ffff	RAM, the first 3 GiB of it
 *	c000_0000 - dfff_ffff	memory of PCI functions
 *	e000_0000 - e00f_ffff	PCI configuration space (ECAM), bus 0
 *	e800_0000 -		virtio-mmio windows, 4 KiB each
 *	fec0_0000, fee0_0000	IOAPIC, local APIC
 *	fffb_c000 - fffb_ffff	pages that KVM wants on Intel
 *	1_0000_0000 -		the rest of RAM
 */

#define LAYOUT_PAGE 0x1000ULL

/* Below 640 KiB: what the loader hands over. */
#define LAYOUT_GDT	       0x500ULL
#define LAYOUT_GDT_SIZE	       32
#define LAYOUT_START_INFO      0x6000ULL
#define LAYOUT_ZERO_PAGE       0x7000ULL
#define LAYOUT_STACK	       0x8ff0ULL
#define LAYOUT_PAGE_TABLES     0x9000ULL /* 6 pages */
#define LAYOUT_CMDLINE	       0x20000ULL
#define LAYOUT_CMDLINE_MAX     0x1000ULL
#define LAYOUT_LOW_END	       0x9fc00ULL
#define LAYOUT_ACPI	       0xe0000ULL
#define LAYOUT_ACPI_END	       0xffff0ULL
#define LAYOUT_RESET_VECTOR    0xffff0ULL /* f000:fff0, 16 bytes */
#define LAYOUT_KERNEL	       0x100000ULL
#define LAYOUT_RAM_BELOW_4G    0xc0000000ULL
#define LAYOUT_RAM_ABOVE_4G    0x100000000ULL
#define LAYOUT_PCI_MEMORY      0xc0000000ULL
#define LAYOUT_PCI_MEMORY_SIZE 0x20000000ULL
#define LAYOUT_ECAM	       0xe0000000ULL
#define LAYOUT_ECAM_SIZE       0x100000ULL
#define LAYOUT_MMIO_SLOTS      0xe8000000ULL
#define LAYOUT_MMIO_SLOT_SIZE  0x1000ULL
#define LAYOUT_IOAPIC	       0xfec00000ULL
#define LAYOUT_LAPIC	       0xfee00000ULL
#define LAYOUT_IDENTITY_MAP    0xfffbc000ULL
#define LAYOUT_TSS	       0xfffbd000ULL

/* Ports. */
#define LAYOUT_PORT_I8042	  0x64
#define LAYOUT_PORT_COM1	  0x3f8
#define LAYOUT_PORT_SLEEP_CONTROL 0x600
#define LAYOUT_PORT_SLEEP_STATUS  0x601
#define LAYOUT_PORT_RESET	  0x602
#define LAYOUT_PORT_EVENTS	  0x620
#define LAYOUT_PORT_PCI_ADDRESS	  0xcf8
#define LAYOUT_PORT_PCI_DATA	  0xcfc

/* Interrupts (GSIs): the IOAPIC's pins, then what MSI-X vectors get. */
#define LAYOUT_GSI_EVENTS     3
#define LAYOUT_GSI_COM1	      4
#define LAYOUT_GSI_MMIO_FIRST 5
#define LAYOUT_GSI_MMIO_LAST  23
#define LAYOUT_GSI_MSI_FIRST  24

#define LAYOUT_MMIO_SLOTS_MAX (LAYOUT_GSI_MMIO_LAST - LAYOUT_GSI_MMIO_FIRST + 1)

#endif
