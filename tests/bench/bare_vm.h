/* SPDX-License-Identifier: MIT */
/*
 * The least virtual machine that runs the guest payload: one memory slot, one
 * vCPU, no interrupt controller, no devices. It is the floor that the boot and
 * kick benchmarks measure evnic against.
 *
 * Functions return 0 or -errno and print what failed to standard error. A VM
 * belongs to the thread that created it.
 */
#ifndef TESTS_BENCH_BARE_VM_H
#define TESTS_BENCH_BARE_VM_H

#include <stddef.h>
#include <stdint.h>

struct kvm_run;

struct bare_vm {
	int kvm_fd;
	int vm_fd;
	int vcpu_fd;
	uint8_t *mem;
	size_t mem_size; /* bytes */
	struct kvm_run *run;
	size_t run_size;
	uint64_t entry; /* guest physical address of the PVH entry */
};

/* Create a VM of @mem_size bytes at guest address 0, not pre-faulted. */
int bare_vm_init(struct bare_vm *vm, size_t mem_size);

/* Idempotent; also valid after a failed init. */
void bare_vm_fini(struct bare_vm *vm);

/* Load an ELF file with a PVH note; sets @vm->entry. */
int bare_vm_load(struct bare_vm *vm, const char *path);

/* Give the vCPU all that this host supports; long mode needs it. */
int bare_vm_set_cpuid(struct bare_vm *vm);

/* Set the vCPU to the state of a PVH entry, with @cmdline in the start info. */
int bare_vm_enter_pvh(struct bare_vm *vm, const char *cmdline);

/* Run the vCPU to its next exit; see struct kvm_run. */
int bare_vm_run(struct bare_vm *vm);

#endif
