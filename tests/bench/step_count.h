/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_BENCH_STEP_COUNT_H
#define EVNIC_TESTS_BENCH_STEP_COUNT_H

/*
 * Counts instructions in user space, exactly and on any machine: the code runs
 * in a child that is single-stepped by ptrace(). Slow: some microseconds for
 * each instruction.
 */

#include <stdint.h>

/* Has a child run @body(@arg), and counts what its first thread executes between
 * step_begin() and step_end(), which it may call any number of times. 0 and
 * *@n, or -errno, or -ECHILD: the child has failed. */
int step_count(void (*body)(void *arg), void *arg, uint64_t *n);

/* Within @body. What the two cost themselves is not counted. */
void step_begin(void);
void step_end(void);

#endif
