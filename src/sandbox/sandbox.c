/* SPDX-License-Identifier: MIT */
/*
 * The stages in their order, for the machine and for the opener.
 *
 * In the machine the filter comes last, since what the other stages call is not
 * in the table. Each thread that is made later says what it is (base/thread.h)
 * and adds the filter of its kind there.
 */
#include "sandbox/sandbox.h"

#include "base/log.h"
#include "sandbox/sandbox_private.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

#define BIT(capability) (1ULL << (capability))

/* What root's opener keeps: taps and their namespaces, steering programs, files
 * of other users, signals to a machine with another uid. */
#define OPENER_CAPABILITIES                                                    \
	(BIT(CAP_NET_ADMIN) | BIT(CAP_SYS_ADMIN) | BIT(CAP_BPF) |              \
	 BIT(CAP_PERFMON) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) | \
	 BIT(CAP_FOWNER) | BIT(CAP_KILL))

/* What threads that are made later are confined by. */
static enum sandbox_seccomp seccomp_mode;
static bool with_sockets;

int sandbox_weak(const struct sandbox_config *config,
		 struct sandbox_report *report, const char *stage, int err,
		 const char *advice)
{
	char cause[ERRNO_TEXT_MAX];

	if (report->n < SANDBOX_WEAK_MAX) {
		char *line = report->lines[report->n++];

		(void)snprintf(line, sizeof(report->lines[0]), "%s: %s: %s",
			       stage, errno_text(-err, cause, sizeof(cause)),
			       advice);
	}
	return config->required ? -EPERM : 0;
}

static int fail(char *error, size_t size, const char *what, int err)
{
	char cause[ERRNO_TEXT_MAX];

	(void)snprintf(error, size, "sandbox: %s: %s", what,
		       errno_text(-err, cause, sizeof(cause)));
	return err;
}

/* A thread that cannot be confined does not run. */
static void thread_begin_cb(enum thread_kind kind)
{
	char cause[ERRNO_TEXT_MAX];
	int err;

	sandbox_trap_begin(kind);
	err = sandbox_filter_install(kind, with_sockets, seccomp_mode);
	if (err == 0)
		return;
	log_error("sandbox: seccomp for a thread: %s",
		  errno_text(-err, cause, sizeof(cause)));
	_Exit(EXIT_FAILURE);
}

static int enter_root(const struct sandbox_config *config,
		      struct sandbox_report *report)
{
	int err = -EPERM;

	if (SANDBOX_SANITIZED)
		return 0;
	if (sandbox_owns(CLONE_NEWNS))
		err = sandbox_empty_root();
	if (err == 0)
		return 0;
	return sandbox_weak(config, report, "empty root", err,
			    "the host's files stay in sight, as far as the "
			    "list of system calls allows; run as root or with "
			    "user namespaces");
}

static int enter_filter(enum thread_kind kind,
			const struct sandbox_config *config,
			struct sandbox_report *report)
{
	int err = sandbox_trap_init();

	sandbox_trap_begin(kind);
	if (err == 0)
		err = sandbox_filter_install(kind, config->sockets,
					     config->seccomp);
	if (err == 0)
		return 0;
	return sandbox_weak(config, report, "seccomp", err,
			    "any system call may be made; the kernel needs "
			    "CONFIG_SECCOMP_FILTER");
}

/* Of a build with sanitizers, which needs more than it may have. */
static void note_sanitizers(struct sandbox_report *report)
{
	if (SANDBOX_SANITIZED && report->n < SANDBOX_WEAK_MAX)
		(void)snprintf(report->lines[report->n++],
			       sizeof(report->lines[0]),
			       "this build has sanitizers: no namespaces, no "
			       "empty root and no seccomp");
}

int sandbox_enter(const struct sandbox_config *config,
		  struct sandbox_report *report, char *error, size_t size)
{
	const char *what = "";
	int err = enter_root(config, report);

	if (err < 0)
		return fail(error, size, report->lines[report->n - 1], err);
	err = sandbox_drop_bounding(0);
	if (err < 0)
		return fail(error, size, "bounding set", err);
	err = sandbox_set_ids(config, &what);
	if (err < 0)
		return fail(error, size, what, err);
	err = sandbox_drop_capabilities(0);
	if (err < 0)
		return fail(error, size, "capset", err);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail(error, size, "no_new_privs", -errno);
	/* Changes of the ids take it back, so not before. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return fail(error, size, "PR_SET_PDEATHSIG", -errno);
	note_sanitizers(report);
	err = enter_filter(THREAD_CONTROL, config, report);
	if (err < 0)
		return fail(error, size, report->lines[report->n - 1], err);
	seccomp_mode = config->seccomp;
	with_sockets = config->sockets;
	thread_on_begin(thread_begin_cb);
	return 0;
}

int sandbox_enter_opener(const struct sandbox_config *config,
			 struct sandbox_report *report, char *error,
			 size_t size)
{
	uint64_t keep = OPENER_CAPABILITIES;
	int err;

	if (config->sockets)
		keep |= BIT(CAP_NET_BIND_SERVICE);
	err = sandbox_drop_bounding(keep);
	if (err == 0)
		err = sandbox_drop_capabilities(keep);
	if (err < 0)
		return fail(error, size, "capset", err);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail(error, size, "no_new_privs", -errno);
	err = enter_filter(THREAD_OPENER, config, report);
	return err < 0 ? fail(error, size, report->lines[report->n - 1], err)
		       : 0;
}
