/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_KVM_VM_H
#define EVNIC_KVM_VM_H

/*
 * A virtual machine on KVM: memory, vCPUs, a kernel to boot, a serial port,
 * and the platform that devices are plugged into.
 *
 * Everything here is called on the control loop, and every callback arrives
 * there. Nothing waits for a vCPU: kvm_vm_stop() answers later.
 *
 * Life:
 *
 *	kvm_vm_create()			memory and vCPUs
 *	platform_plug_...()		on kvm_vm_platform()
 *	kvm_vm_start()			images loaded; vCPUs run
 *	   ... event: POWER_OFF, RESET, QUIT, ERROR
 *	kvm_vm_stop(done)		vCPUs parked when done is called
 *	   reset: reset the devices, kvm_vm_reset(), kvm_vm_start()
 *	   end:   unplug the devices, kvm_vm_destroy()
 *
 * The process must ignore SIGPIPE. The signal KVM_VM_KICK_SIGNAL belongs to
 * this module.
 */

#include "base/guest_mem.h"
#include "base/loop.h"
#include "base/platform.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* Kicks vCPU threads out of the guest. */
#define KVM_VM_KICK_SIGNAL SIGRTMIN

/* One line for people: the thing, the cause, the cure. */
#define KVM_ERROR_MAX 512
struct kvm_error {
	char text[KVM_ERROR_MAX];
};

/* Open files, as kvm/open.h and kvm/host.h open them; -1: none. */
struct kvm_vm_files {
	int kvm;    /* /dev/kvm */
	int kernel; /* bzImage, or ELF with a PVH entry */
	int initrd;
	int console_out; /* the serial port's output; without: discarded */
	int console_in;	 /* what is typed in */
};

#define KVM_VM_NO_FILES ((struct kvm_vm_files){-1, -1, -1, -1, -1})

/* Idempotent. */
void kvm_vm_files_close(struct kvm_vm_files *files);

/* What to make. Strings are borrowed for the call and copied where they are
 * needed later; @cmdline may be NULL. @kernel_path, @initrd_path: what messages
 * call the files. */
struct kvm_vm_config {
	uint64_t mem_size; /* bytes, a multiple of 4096 */
	bool huge_pages;   /* back memory by 2 MiB pages of the host */
	bool prefault;	   /* take all memory from the host at once */
	unsigned int n_vcpus;
	struct kvm_vm_files files;
	const char *kernel_path;
	const char *initrd_path;
	const char *cmdline;
	bool console_is_terminal; /* Ctrl-A x means something on it */
};

enum kvm_vm_event {
	KVM_VM_POWER_OFF, /* the guest switched itself off */
	KVM_VM_RESET,	  /* the guest asked for a reset, or a triple fault */
	KVM_VM_QUIT,	  /* the user typed Ctrl-A x on the console */
	KVM_VM_ERROR,	  /* the VM cannot go on; @text says why */
};

/* At most one event between kvm_vm_start() and the next kvm_vm_reset() or
 * kvm_vm_destroy(). @text: for KVM_VM_ERROR, one line; otherwise "". Called
 * from the loop, outside of every other call of this module: it may call
 * kvm_vm_stop(). The guest may still run when it is called. */
typedef void (*kvm_vm_event_fn)(void *arg, enum kvm_vm_event event,
				const char *text);
typedef void (*kvm_vm_done_fn)(void *arg);

struct kvm_vm;

/* Makes a VM whose vCPUs are parked. The files are the VM's from now on, and
 * closed if this fails. 0, or -errno with @error filled and nothing left
 * behind. */
int kvm_vm_create(struct loop *loop, const struct kvm_vm_config *config,
		  kvm_vm_event_fn event, void *arg, struct kvm_vm **out,
		  struct kvm_error *error) MUST_CHECK;

/* Frees everything. The vCPUs must be parked (never
 * started, or stopped) and all devices unplugged. NULL is allowed. */
void kvm_vm_destroy(struct kvm_vm *vm);

/* Where devices are plugged in. Its ->mem is the guest's memory. Devices
 * plugged before the first start (or before a reset) are described to the
 * guest by ACPI; PCI functions may come and go later. */
struct platform *kvm_vm_platform(struct kvm_vm *vm);

/* Lets the vCPUs run: from the kernel's entry the first time and after
 * kvm_vm_reset(), otherwise from where they were stopped. 0, or -errno with
 * @error filled (a kernel that is none, an initrd that does not fit); the
 * vCPUs are then still parked. */
int kvm_vm_start(struct kvm_vm *vm, struct kvm_error *error) MUST_CHECK;

/* Parks all vCPUs, then calls @done, later than this call. A vCPU that waits
 * for a device's answer counts as parked; the answer may come at any time. One
 * stop at a time. */
void kvm_vm_stop(struct kvm_vm *vm, kvm_vm_done_fn done, void *arg);

/* Puts a stopped VM back to power-on: vCPUs, interrupt controllers, PCI
 * configuration, serial port. Devices must have been reset by their owners:
 * accesses that they held must have been done. What kvm_vm_start() starts next
 * is the kernel, loaded anew. 0, or -errno with @error filled. */
int kvm_vm_reset(struct kvm_vm *vm, struct kvm_error *error) MUST_CHECK;

/* Presses the power button: the guest is told, and may switch itself off. */
void kvm_vm_power_button(struct kvm_vm *vm);

/* What happened so far; for statistics and tests. */
struct kvm_vm_stats {
	uint64_t exits;	   /* KVM_RUN returned, all vCPUs */
	uint64_t accesses; /* register accesses sent to the loop */
};
void kvm_vm_stats(const struct kvm_vm *vm, struct kvm_vm_stats *out);

#endif
