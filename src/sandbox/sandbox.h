/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_SANDBOX_SANDBOX_H
#define EVNIC_SANDBOX_SANDBOX_H

/*
 * Confinement: what is left of a process that a guest may have taken over.
 *
 * evnic is two processes (machine/launch.h). The opener keeps the user's rights
 * and never sees a byte of the guest's. The machine is forked before there is a
 * guest and is confined from its first step on:
 *
 *	1. namespaces of its own: mount, pid, ipc (and user, without root)
 *	2. an empty root, read-only; the old one is not reachable
 *	3. another uid and gid, no supplementary groups, if the user names them
 *	4. no capabilities, none to be had (bounding set), no_new_privs
 *	5. dies with the opener
 *	6. an allow-list of system calls (seccomp), narrower for each kind of
 *	   thread than for the process: sandbox/calls.c is the table
 *
 * A stage that this host does not let us have is reported; whether that is
 * fatal is for the caller to say.
 *
 * Source: seccomp(2), namespaces(7), pivot_root(2), capabilities(7).
 */

#include "base/thread.h"
#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What becomes of a system call that is not in the table. */
enum sandbox_seccomp {
	SANDBOX_SECCOMP_ON,  /* one log line with thread and call, then death */
	SANDBOX_SECCOMP_LOG, /* the kernel's audit log names thread and call */
	SANDBOX_SECCOMP_OFF, /* it is carried out */
};

/* @uid, @gid: -1: stay who we are. @required: fail where a stage is not to be
 * had. @sockets: threads may make sockets of the internet's protocols and
 * connect them, and the opener may bind some. */
struct sandbox_config {
	enum sandbox_seccomp seccomp;
	long uid, gid;
	bool required;
	bool sockets;
};

/* What is weaker than it should be: a line for each stage that this host
 * refused, with the cause and the cure. Ids that cannot be had are always
 * fatal and no weakness. */
#define SANDBOX_WEAK_MAX 8
struct sandbox_report {
	size_t n;
	char lines[SANDBOX_WEAK_MAX][384];
};

/* Forks into the machine's namespaces (stage 1): returns 0 in the child, its
 * pid (as the caller sees it) in the caller, or -errno, in the caller only.
 * What could not be had is in @report, on both sides; -EPERM with lines there:
 * it is required. The caller must have one thread, may not ignore SIGCHLD, and
 * stays in the namespaces in which it is. In the child getppid() is 0. */
pid_t sandbox_fork(const struct sandbox_config *config,
		   struct sandbox_report *report) MUST_CHECK;

/* In the child: stages 2 to 6, for the control thread; threads that are made
 * from now on confine themselves in thread_begin(). Weaknesses are added to
 * @report. 0, or -errno with @error: not confined, and must not go on.
 *
 * If the caller of sandbox_fork() has ended before this is called nothing kills
 * the machine: the end of a socket between the two tells it. From here on the
 * process ends by SIGSYS at a violation. As process 1 of its namespace it
 * cannot be ended by a signal of its own with the default action; abort() still
 * ends it, by SIGSEGV. */
int sandbox_enter(const struct sandbox_config *config,
		  struct sandbox_report *report, char *error,
		  size_t size) MUST_CHECK;

/* In the caller of sandbox_fork(), after that: the opener's own filter and
 * capabilities. As above. */
int sandbox_enter_opener(const struct sandbox_config *config,
			 struct sandbox_report *report, char *error,
			 size_t size) MUST_CHECK;

/* How many different system calls threads of @kind may use; THREAD_KINDS: the
 * machine's process. @sockets: as in the config. For the documentation and
 * tools/bench sandbox. */
size_t sandbox_count_calls(enum thread_kind kind, bool sockets);

/* Row @i of the table, for docs/security.md and tests: the call's name, for
 * whom, what is checked of its arguments ("" for nothing), which code needs it,
 * and whether only a machine with sockets does. False past the last. */
struct sandbox_row {
	const char *call;
	long nr;
	unsigned int kinds; /* bit per enum thread_kind */
	const char *arguments;
	const char *reason;
	bool rare; /* an ordinary run may pass without it */
	bool sockets;
};
bool sandbox_row(size_t i, struct sandbox_row *row);

#endif
