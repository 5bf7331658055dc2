/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_KVM_HOST_H
#define EVNIC_KVM_HOST_H

/*
 * The host's KVM. Any thread.
 */

#include "kvm/vm.h"

/* Opens /dev/kvm: a file descriptor, or -errno with @error. */
int host_open(struct kvm_error *error) MUST_CHECK;

/* Has it what a VM with @n_vcpus needs? 0, or -errno with @error. */
int host_check(int kvm_fd, unsigned int n_vcpus,
	       struct kvm_error *error) MUST_CHECK;

/* A new VM's file descriptor, or -errno. */
int host_create_vm(int kvm_fd) MUST_CHECK;

#endif
