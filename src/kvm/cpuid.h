/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_KVM_CPUID_H
#define EVNIC_KVM_CPUID_H

/*
 * What CPUID says in the guest: what KVM supports, with the topology of one
 * package of @n_vcpus cores without siblings.
 */

#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>

struct kvm_cpuid2;

struct cpuid {
	struct kvm_cpuid2 *table; /* common to all vCPUs */
	size_t bytes;
	unsigned int n_vcpus;
	bool tsc_deadline;
};

/* Asks KVM. 0 or -errno. */
int cpuid_init(struct cpuid *cpuid, int kvm_fd,
	       unsigned int n_vcpus) MUST_CHECK;

/* Idempotent on a zeroed or initialised object. */
void cpuid_fini(struct cpuid *cpuid);

/* Gives the vCPU @fd with APIC id @id its table. 0 or -errno. */
int cpuid_set(const struct cpuid *cpuid, int fd, unsigned int id) MUST_CHECK;

#endif
