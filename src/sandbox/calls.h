/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_SANDBOX_CALLS_H
#define EVNIC_SANDBOX_CALLS_H

/*
 * The table of system calls as the filter reads it. See sandbox_row() for
 * people's view of it.
 */

#include "sandbox/sandbox.h"

#include <stdint.h>

enum call_check_op {
	CALL_ANY,     /* not looked at */
	CALL_ONE_OF,  /* the value is in the list */
	CALL_NO_BITS, /* none of the bits of values[0] is set */
	CALL_OWN_PID, /* it is the calling process's id */
};

/* What is asked of one argument. The kernel takes an int from its low half; one
 * that it takes whole (@wide) must have nothing in the high half. */
struct call_check {
	const uint32_t *values;
	size_t n_values;
	enum call_check_op op;
	unsigned int arg;
	bool wide;
};

/* A call may have several rows: what one of them allows is allowed. @refused:
 * not allowed, but answered with ENOSYS instead of death. @sockets: only where
 * the machine may have sockets. */
struct call {
	const char *name;
	long nr;
	const char *arguments; /* the check, in words */
	const char *reason;
	struct call_check check;
	unsigned int kinds;
	bool rare;
	bool refused;
	bool sockets;
};

extern const struct call sandbox_calls[];
extern const size_t sandbox_n_calls;

/* Is this row for threads of @kind? The control thread's filter is there
 * first, and others are made by it: it has what any thread of the machine has.
 */
bool call_is_for(const struct call *call, enum thread_kind kind, bool sockets);

/* Is @row the first one for threads of @kind that is about its call? */
bool call_is_first(size_t row, enum thread_kind kind, bool sockets);

/* "openat"; "?" for a number that this build does not know. */
const char *call_name(long nr);

#endif
