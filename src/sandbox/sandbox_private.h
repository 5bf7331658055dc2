/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_SANDBOX_SANDBOX_PRIVATE_H
#define EVNIC_SANDBOX_SANDBOX_PRIVATE_H

/*
 * What the stages share. Nothing outside of this folder includes it.
 */

#include "sandbox/sandbox.h"

#include <stdint.h>

/* AddressSanitizer and its relatives need /proc, ptrace(2) and calls that
 * nothing else here needs: a build with them is not confined. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANDBOX_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
	__has_feature(memory_sanitizer)
#define SANDBOX_SANITIZED 1
#endif
#endif
#ifndef SANDBOX_SANITIZED
#define SANDBOX_SANITIZED 0
#endif

/* A stage that is not to be had: what of, why (@err: negative errno), what is
 * weaker for it and what to do. 0, or -EPERM if it is required. */
int sandbox_weak(const struct sandbox_config *config,
		 struct sandbox_report *report, const char *stage, int err,
		 const char *advice) MUST_CHECK;

/* Has the calling thread this capability (CAP_...)? */
bool sandbox_capable(int capability);

/* Stage 1, in the process that forks the machine. 0 or -EPERM. */
int sandbox_unshare(const struct sandbox_config *config,
		    struct sandbox_report *report) MUST_CHECK;

/* Did stage 1 give us this namespace (CLONE_NEW...)? */
bool sandbox_owns(int namespace);

/* Stage 2: 0 or -errno. Only in a mount namespace of our own. */
int sandbox_empty_root(void) MUST_CHECK;

/* Stage 3: 0 or -errno with the call's name in *@what. */
int sandbox_set_ids(const struct sandbox_config *config,
		    const char **what) MUST_CHECK;

/* Stage 4: keeps the capabilities whose bits are in @keep; the bounding set
 * before stage 3, the others after it. 0 or -errno. */
int sandbox_drop_bounding(uint64_t keep) MUST_CHECK;
int sandbox_drop_capabilities(uint64_t keep) MUST_CHECK;

/* Stage 6, for this thread: a filter for @kind on top of those it has. 0 or
 * -errno. */
int sandbox_filter_install(enum thread_kind kind, bool sockets,
			   enum sandbox_seccomp mode) MUST_CHECK;

/* What is done at a violation, for this process and for this thread: after
 * that a call that is not in the table ends the process with a line in the
 * log. */
int sandbox_trap_init(void) MUST_CHECK;
void sandbox_trap_begin(enum thread_kind kind);

#endif
