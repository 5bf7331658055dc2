/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_KVM_INTERNAL_H
#define EVNIC_KVM_INTERNAL_H

/*
 * What a VM consists of. Owned by the control loop; vCPU threads touch the bus
 * through messages, and directly only what serial_peek() reads.
 */

#include "kvm/boot.h"
#include "kvm/bus.h"
#include "kvm/console.h"
#include "kvm/cpuid.h"
#include "kvm/hotplug.h"
#include "kvm/irqchip.h"
#include "kvm/memory.h"
#include "kvm/mmio_slot.h"
#include "kvm/pci_host.h"
#include "kvm/power.h"
#include "kvm/serial.h"
#include "kvm/vcpu.h"
#include "kvm/vm.h"

struct kvm_vm {
	struct platform platform;
	struct loop *loop;

	kvm_vm_event_fn event;
	void *event_arg;
	ev_timer event_timer; /* delivers the event that was raised */
	bool event_raised;
	enum kvm_vm_event event_kind;
	char event_text[KVM_ERROR_MAX];

	kvm_vm_done_fn stop_done;
	void *stop_arg;
	ev_timer stop_timer; /* tells that all vCPUs are parked */

	int kvm_fd;
	int vm_fd;
	size_t run_size;
	struct cpuid cpuid;
	struct memory memory;
	struct irqchip irqchip;
	struct vcpu *vcpus;
	unsigned int n_vcpus;

	struct boot boot;
	struct boot_entry entry;
	bool loaded; /* the images are in memory, untouched by a reset */
	bool console_started;

	struct bus ports;
	struct bus memory_bus;
	struct console console;
	struct serial serial;
	struct power power;
	struct hotplug hotplug;
	struct pci_host pci;
	struct mmio_slots mmio;
};

/* The platform's operations (platform.c); struct platform is the VM's. */
extern const struct platform_ops vm_platform_ops;

/* Has the event delivered, unless there was one before. */
void vm_raise(struct kvm_vm *vm, enum kvm_vm_event event, const char *text);

/* A vCPU has parked. */
void vm_vcpu_parked(struct kvm_vm *vm);

#endif
