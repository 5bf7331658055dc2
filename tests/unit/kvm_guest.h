/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_KVM_GUEST_H
#define TESTS_UNIT_KVM_GUEST_H

/*
 * Guests of a few instructions: an assembler of five instructions of 32-bit
 * protected mode, and an ELF file with a PVH entry around them.
 */

#include <stddef.h>
#include <stdint.h>

#define KVM_GUEST_BASE 0x100000U /* where the code is linked */

struct kvm_guest {
	unsigned char code[512];
	size_t len;
	char path[64]; /* the file, once it is written */
};

/* out %al, $port with al = value; the ports are above 255. */
void kvm_guest_out(struct kvm_guest *guest, uint16_t port, uint8_t value);
/* out %al, $port with whatever is in al */
void kvm_guest_out_al(struct kvm_guest *guest, uint16_t port);
/* eax = *(uint32_t *)address */
void kvm_guest_load(struct kvm_guest *guest, uint32_t address);
/* *(uint32_t *)address = value */
void kvm_guest_store(struct kvm_guest *guest, uint32_t address, uint32_t value);
/* Prints each character by a write to COM1. */
void kvm_guest_print(struct kvm_guest *guest, const char *text);
/* Power off by the sleep control register. */
void kvm_guest_power_off(struct kvm_guest *guest);
/* An undefined instruction; without an IDT, a triple fault. */
void kvm_guest_fault(struct kvm_guest *guest);
/* Loops for ever; back to the beginning of the code if @from_start. */
void kvm_guest_loop(struct kvm_guest *guest, int from_start);

/* Writes the file; the test fails if it cannot. */
void kvm_guest_write(struct kvm_guest *guest);
/* Removes it. */
void kvm_guest_remove(const struct kvm_guest *guest);

#endif
