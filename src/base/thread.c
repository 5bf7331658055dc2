/* SPDX-License-Identifier: MIT */
/*
 * What a thread is, and whom that interests. The hook is set while there is one
 * thread; those that are made later see it.
 */
#include "base/thread.h"

#include "base/util.h"

#include <pthread.h>
#include <stdio.h>

#define THREAD_NAME_MAX 16

static void (*begin_hook)(enum thread_kind kind);
static _Thread_local char own_name[THREAD_NAME_MAX];

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
	(void)snprintf(own_name, sizeof(own_name), "%s", name);
	(void)pthread_setname_np(pthread_self(), name);
	if (begin_hook)
		begin_hook(kind);
}

const char *thread_name(void)
{
	return own_name;
}

void thread_on_begin(void (*hook)(enum thread_kind kind))
{
	begin_hook = hook;
}
