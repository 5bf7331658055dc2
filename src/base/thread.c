/* SPDX-License-Identifier: MIT */
/*
 * What a thread is, and whom that interests. The hook is set while there is one
 * thread; those that are made later see it.
 */
#include "base/thread.h"

#include "base/util.h"

#include <pthread.h>

static void (*begin_hook)(enum thread_kind kind);

const char *thread_kind_name(enum thread_kind kind)
{
	static const char *const names[] = {
		[THREAD_CONTROL] = "control", [THREAD_QUEUE] = "queue",
		[THREAD_VCPU] = "vcpu",	      [THREAD_WRITER] = "writer",
		[THREAD_OPENER] = "opener",
	};

	return names[kind];
}

void thread_begin(enum thread_kind kind, const char *name)
{
	(void)pthread_setname_np(pthread_self(), name);
	if (begin_hook)
		begin_hook(kind);
}

void thread_on_begin(void (*hook)(enum thread_kind kind))
{
	begin_hook = hook;
}
