/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_MEM_WATCH_H
#define EVNIC_TESTS_MEM_WATCH_H

/*
 * Watches every single access of this program to a stretch of memory: to tell
 * how often guest memory is read, and to change it between two reads.
 *
 * The pages are made inaccessible. An access faults, is let through for one
 * instruction (the processor's trap flag), and is told afterwards. x86-64, one
 * thread, one watch at a time. Not for memory that system calls use: to them
 * the pages are simply absent.
 */

#include <stdbool.h>
#include <stddef.h>

/* @at: the first byte of the access; called after it, from a signal handler,
 * with the memory still inaccessible through the watched mapping. */
typedef void (*mem_watch_fn)(void *arg, const unsigned char *at, bool write);

/* @base, @len: whole pages. */
void mem_watch_begin(void *base, size_t len, mem_watch_fn told, void *arg);
void mem_watch_end(void);

#endif
