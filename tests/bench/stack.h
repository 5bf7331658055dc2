/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_BENCH_STACK_H
#define EVNIC_TESTS_BENCH_STACK_H

/*
 * What can stand between the guest and the host: user-mode network stacks, each
 * a process with an interface of the guest, and the kernel's own wire.
 *
 * A stack's process has one processor. The programs on both sides have the
 * others, as far as there are any; with the kernel's wire all of them.
 */

#include "child.h"

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

enum stack_kind {
	STACK_CONSOMME,
	STACK_LIBSLIRP,
	STACK_PASTA,
	STACK_VETH,
	STACKS,
};

/* @host: the address by which the guest reaches the server. @child: its process,
 * pid -1: there is none. @others: where the programs run. */
struct stack {
	const char *name;
	const char *host;
	struct child child;
	cpu_set_t others;
};

/* Makes it ready for flows. NULL, or why it cannot be had on this host. */
const char *stack_start(enum stack_kind kind, struct stack *stack);
void stack_stop(struct stack *stack);

/* Starts a program on the processor that stacks have; as child_start(). */
int stack_spawn(struct child *child, char *const argv[]);

/* CPU time of the process so far, user and system; 0 without a process. */
uint64_t stack_cpu_ns(const struct stack *stack);

/* Its memory, in KiB. */
long stack_rss_kib(const struct stack *stack);

#endif
