/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_SANDBOX_FILTER_H
#define EVNIC_SANDBOX_FILTER_H

/*
 * From the table of calls to a program for the kernel (seccomp(2), classic
 * BPF).
 */

#include "sandbox/sandbox.h"

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

#define FILTER_MAX 1024

struct filter {
	size_t n;
	struct sock_filter code[FILTER_MAX];
};

/* The filter for threads of @kind in process @pid, of a machine that may have
 * sockets or not; what the table does not allow ends in @otherwise
 * (SECCOMP_RET_...). 0 or -E2BIG. */
int filter_build(struct filter *filter, enum thread_kind kind, bool sockets,
		 pid_t pid, uint32_t otherwise) MUST_CHECK;

#endif
