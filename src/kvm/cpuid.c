/* SPDX-License-Identifier: MIT */
/*
 * CPUID for the guest.
 *
 * KVM's own answer describes the host's processor as far as KVM can offer it.
 * Changed here: the APIC id of each vCPU (leaf 1, 0xb, 0x1f, 0x8000001e), the
 * topology (leaf 1, 4, 0xb, 0x1f, 0x80000008), "under a hypervisor", and the
 * TSC-deadline timer, which KVM offers only on request and without which a
 * kernel on hardware-reduced ACPI has nothing to calibrate its timer with.
 *
 * Sources: Intel SDM vol. 2 (CPUID), AMD APM vol. 3 appendix E.
 */
#include "kvm/cpuid.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define MAX_ENTRIES 256U

#define LEAF1_ECX_TSC_DEADLINE (1U << 24)
#define LEAF1_ECX_HYPERVISOR   (1U << 31)
#define LEAF1_EDX_HTT	       (1U << 28)

#define LEVEL_THREAD 1U
#define LEVEL_CORE   2U

/* Recent kernels leave the topology to us and offer subleaf 0 alone. */
static void complete_levels(struct kvm_cpuid2 *table, uint32_t function)
{
	const struct kvm_cpuid_entry2 *first = NULL;

	for (uint32_t i = 0; i < table->nent; i++) {
		const struct kvm_cpuid_entry2 *e = &table->entries[i];

		if (e->function == function && e->index == 0)
			first = e;
		if (e->function == function && e->index == 1)
			return;
	}
	if (!first || table->nent == MAX_ENTRIES)
		return;
	table->entries[table->nent] = *first;
	table->entries[table->nent].index = 1;
	table->nent++;
}

int cpuid_init(struct cpuid *cpuid, int kvm_fd, unsigned int n_vcpus)
{
	memset(cpuid, 0, sizeof(*cpuid));
	cpuid->bytes = sizeof(*cpuid->table) +
		       MAX_ENTRIES * sizeof(cpuid->table->entries[0]);
	cpuid->n_vcpus = n_vcpus;
	cpuid->tsc_deadline = ioctl(kvm_fd, KVM_CHECK_EXTENSION,
				    KVM_CAP_TSC_DEADLINE_TIMER) > 0;
	cpuid->table = calloc(1, cpuid->bytes);
	if (!cpuid->table)
		return -ENOMEM;
	cpuid->table->nent = MAX_ENTRIES;
	if (ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid->table) < 0) {
		int err = -errno;

		cpuid_fini(cpuid);
		return err;
	}
	complete_levels(cpuid->table, 0xb);
	complete_levels(cpuid->table, 0x1f);
	return 0;
}

void cpuid_fini(struct cpuid *cpuid)
{
	free(cpuid->table);
	cpuid->table = NULL;
}

/* Bits that it takes to number @n things. */
static unsigned int width(unsigned int n)
{
	unsigned int bits = 0;

	while ((1U << bits) < n)
		bits++;
	return bits;
}

/* Leaf 0xb and 0x1f: a level for threads (one each), one for cores. */
static void set_levels(struct kvm_cpuid_entry2 *e, unsigned int n,
		       unsigned int id)
{
	uint32_t level = e->index == 0	 ? LEVEL_THREAD
			 : e->index == 1 ? LEVEL_CORE
					 : 0;

	e->eax = level == LEVEL_CORE ? width(n) : 0;
	e->ebx = level == LEVEL_CORE ? n : level == LEVEL_THREAD ? 1 : 0;
	e->ecx = level << 8 | e->index;
	e->edx = id;
}

static void set_leaf1(const struct cpuid *cpuid, struct kvm_cpuid_entry2 *e,
		      unsigned int id)
{
	e->ebx = (e->ebx & 0xffffU) | (cpuid->n_vcpus & 0xffU) << 16 | id << 24;
	e->ecx |= LEAF1_ECX_HYPERVISOR;
	if (cpuid->tsc_deadline)
		e->ecx |= LEAF1_ECX_TSC_DEADLINE;
	e->edx &= ~LEAF1_EDX_HTT;
	if (cpuid->n_vcpus > 1)
		e->edx |= LEAF1_EDX_HTT;
}

/* Leaf 4: cores per package; caches below the last level are private. */
static void set_leaf4(const struct cpuid *cpuid, struct kvm_cpuid_entry2 *e)
{
	uint32_t cache_level = e->eax >> 5 & 7;
	uint32_t cores = (1U << width(cpuid->n_vcpus)) - 1;

	e->eax &= 0x3fffU;
	e->eax |= MIN(cores, 0x3fU) << 26;
	if (cache_level >= 3)
		e->eax |= cores << 14;
}

static void patch(const struct cpuid *cpuid, struct kvm_cpuid_entry2 *e,
		  unsigned int id)
{
	unsigned int n = cpuid->n_vcpus;

	switch (e->function) {
	case 0x1:
		set_leaf1(cpuid, e, id);
		break;
	case 0x4:
		set_leaf4(cpuid, e);
		break;
	case 0xb:
	case 0x1f:
		set_levels(e, n, id);
		break;
	case 0x80000008: /* ApicIdCoreIdSize, NC */
		e->ecx = (e->ecx & ~0xf0ffU) | width(n) << 12 | (n - 1);
		break;
	case 0x8000001e: /* extended APIC id; compute unit; node */
		e->eax = id;
		e->ebx = id;
		e->ecx = 0;
		break;
	default:
		break;
	}
}

int cpuid_set(const struct cpuid *cpuid, int fd, unsigned int id)
{
	struct kvm_cpuid2 *own = malloc(cpuid->bytes);
	int err = 0;

	if (!own)
		return -ENOMEM;
	memcpy(own, cpuid->table, cpuid->bytes);
	for (uint32_t i = 0; i < own->nent; i++)
		patch(cpuid, &own->entries[i], id);
	if (ioctl(fd, KVM_SET_CPUID2, own) < 0)
		err = -errno;
	free(own);
	return err;
}
