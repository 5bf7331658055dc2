/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_KVM_VCPU_H
#define EVNIC_KVM_VCPU_H

/*
 * A virtual processor and the thread that runs it.
 *
 * The thread owns nothing: whatever the guest touches outside of RAM becomes a
 * message to the control loop. The control loop gives orders (park, run, quit)
 * and never waits for the thread, but to join it at the very end.
 */

#include "base/loop.h"
#include "base/platform.h"
#include "kvm/boot.h"
#include "kvm/cpuid.h"
#include "kvm/vm.h"
#include "kvm/wake.h"

#include <pthread.h>
#include <stdatomic.h>

struct kvm_run;
struct vcpu;

/* Accesses of one vCPU that may be under way: one that it waits for, and
 * writes to the serial port that it does not wait for. */
#define VCPU_ACCESSES 16

struct vcpu_access {
	struct bus_access bus;
	struct loop_msg msg;
	struct vcpu *vcpu;
	bool port;	  /* on the bus of ports */
	atomic_bool busy; /* with the control loop or a device */
};

/* What a VM exit asks for, one item after the other ("rep outsb" has many).
 * It survives a stop in the middle. */
struct vcpu_exit {
	bool active;
	bool port;
	bool is_write;
	uint8_t size;
	uint32_t items, done;
	uint64_t address;
	unsigned char *data;
	struct vcpu_access *waiting; /* for this one's answer */
};

struct vcpu {
	struct kvm_vm *vm;
	unsigned int id;
	int fd;
	struct kvm_run *run;
	size_t run_size;
	const struct boot_entry *fresh; /* set registers before running */

	pthread_t thread;
	bool has_thread;
	atomic_int order;
	atomic_uint starts;
	struct wake wake;

	struct vcpu_exit exit;
	struct vcpu_access accesses[VCPU_ACCESSES];
	unsigned int next_access;

	struct loop_msg parked; /* "I am parked" */
	bool running;		/* ordered to, and not yet parked */
	struct loop_msg report; /* "the VM cannot go on like this" */
	enum kvm_vm_event report_event;
	char report_text[KVM_ERROR_MAX];

	/* Written by the thread alone. */
	_Atomic uint64_t n_exits;
	_Atomic uint64_t n_accesses;
};

/* Prepares the vCPU @id of @vm; no KVM object yet. */
void vcpu_init(struct vcpu *vcpu, struct kvm_vm *vm, unsigned int id);

/* Makes the KVM object in the VM @vm_fd. The thread, if any, is parked. 0, or
 * -errno with @error. */
int vcpu_attach(struct vcpu *vcpu, int vm_fd, size_t run_size,
		const struct cpuid *cpuid, struct kvm_error *error) MUST_CHECK;

/* Frees the KVM object. The thread, if any, is parked. Idempotent. */
void vcpu_detach(struct vcpu *vcpu);

/* Makes the thread, parked. Idempotent. 0 or -errno. */
int vcpu_spawn(struct vcpu *vcpu) MUST_CHECK;

/* Orders a parked vCPU to run; with @fresh from that entry (borrowed until it
 * is parked). */
void vcpu_start(struct vcpu *vcpu, const struct boot_entry *fresh);

/* Orders the vCPU to park; vcpu->parked is posted to the loop when it has. */
void vcpu_stop(struct vcpu *vcpu);

/* Ends the thread of a parked vCPU. Idempotent. */
void vcpu_join(struct vcpu *vcpu);

/* Power-on registers, as @entry wants them. Errors go to @error. */
int vcpu_set_registers(const struct vcpu *vcpu, const struct boot_entry *entry,
		       struct kvm_error *error) MUST_CHECK;

#endif
