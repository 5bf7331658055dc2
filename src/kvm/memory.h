/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_KVM_MEMORY_H
#define EVNIC_KVM_MEMORY_H

/*
 * The guest's RAM: one memory file, mapped once, in one or two regions (below
 * and above the hole under 4 GiB).
 */

#include "base/guest_mem.h"
#include "kvm/vm.h"

struct memory {
	struct guest_mem regions;
	unsigned char *host;
	uint64_t size;
	int fd;
};

/* Makes memory of config->mem_size bytes, zeroed. 0, or -errno with @error. */
int memory_init(struct memory *memory, const struct kvm_vm_config *config,
		struct kvm_error *error) MUST_CHECK;

/* Idempotent. */
void memory_fini(struct memory *memory);

/* Gives the memory to the VM @vm_fd as its first memory slots. */
int memory_attach(const struct memory *memory, int vm_fd,
		  struct kvm_error *error) MUST_CHECK;

/* End of the RAM below 4 GiB. */
uint64_t memory_low_end(const struct memory *memory);

#endif
