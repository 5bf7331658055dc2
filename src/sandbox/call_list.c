/* SPDX-License-Identifier: MIT */
/*
 * Questions about the table of system calls.
 */
#include "sandbox/calls.h"

#include <sys/syscall.h>

/* Every call that the headers of this build know: made by CMakeLists.txt. */
static const struct {
	long nr;
	const char *name;
} names[] = {
#include "call_names.inc"
};

#define MACHINE_KINDS                                                    \
	(1u << THREAD_CONTROL | 1u << THREAD_QUEUE | 1u << THREAD_VCPU | \
	 1u << THREAD_WRITER)

bool call_is_for(const struct call *call, enum thread_kind kind, bool sockets)
{
	if (call->sockets && !sockets)
		return false;
	if (kind == THREAD_CONTROL || kind == THREAD_KINDS)
		return (call->kinds & MACHINE_KINDS) != 0;
	return (call->kinds >> kind & 1) != 0;
}

const char *call_name(long nr)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i].nr == nr)
			return names[i].name;
	}
	return "?";
}

bool call_is_first(size_t row, enum thread_kind kind, bool sockets)
{
	for (size_t i = 0; i < row; i++) {
		if (sandbox_calls[i].nr == sandbox_calls[row].nr &&
		    call_is_for(&sandbox_calls[i], kind, sockets))
			return false;
	}
	return call_is_for(&sandbox_calls[row], kind, sockets);
}

size_t sandbox_count_calls(enum thread_kind kind, bool sockets)
{
	size_t n = 0;

	for (size_t i = 0; i < sandbox_n_calls; i++)
		n += call_is_first(i, kind, sockets) &&
		     !sandbox_calls[i].refused;
	return n;
}

bool sandbox_row(size_t i, struct sandbox_row *row)
{
	const struct call *call = &sandbox_calls[i];

	if (i >= sandbox_n_calls)
		return false;
	*row = (struct sandbox_row){
		.call = call->name,
		.nr = call->nr,
		.kinds = call->kinds,
		.arguments = call->arguments ? call->arguments : "",
		.reason = call->reason,
		.rare = call->rare,
		.sockets = call->sockets,
	};
	return true;
}
