/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_SUPPORT_COUNT_CALLS_H
#define EVNIC_TESTS_SUPPORT_COUNT_CALLS_H

/*
 * Counts what a program allocates and what it copies out of guest memory, and
 * lets allocations fail. Link test_count_calls: it brings the linker's options
 * (--wrap) that put these functions in between.
 *
 * Thread: any.
 */

#include <stddef.h>

/* Allocations so far; those that were not freed yet; calls of guest_mem_read()
 * so far. Only of code that is linked statically. */
unsigned long count_allocations(void);
long count_live_allocations(void);
unsigned long count_guest_reads(void);

/* The @nth allocation from now on (the first is 1) fails, once; 0: none. */
void fail_allocation(unsigned int nth);

/* Open file descriptors of this process. */
size_t count_fds(void);

#endif
