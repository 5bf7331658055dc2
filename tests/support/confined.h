/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_SUPPORT_CONFINED_H
#define EVNIC_TESTS_SUPPORT_CONFINED_H

/*
 * A function in a process that is confined by the real sandbox, as the machine
 * or the opener are.
 */

#include "sandbox/sandbox.h"

/* What runs there. Its result is the process's exit status. Standard error is
 * all that it has of the test. */
typedef int (*confined_fn)(void *arg);

struct confined {
	int status; /* as waitpid(2) has it */
	struct sandbox_report report;
	char log[4096]; /* what came on standard error */
};

#define CONFINED_NAME "confined"

/* What a process of confined_start() ends with if it cannot be confined. */
#define CONFINED_FAILED 99

/* The process @*pid that runs @body in a thread of @kind, which is named
 * CONFINED_NAME unless it is the first; its standard error is the other end of
 * @*log. 0, or what sandbox_fork() returned. */
int confined_start(const struct sandbox_config *config, enum thread_kind kind,
		   confined_fn body, void *arg, struct sandbox_report *report,
		   pid_t *pid, int *log);

/* Waits for its end. */
void confined_end(pid_t pid, int log, struct confined *out);

/* The two in one. A failure of sandbox_fork() fails the test. */
void confined_run(const struct sandbox_config *config, enum thread_kind kind,
		  confined_fn body, void *arg, struct confined *out);

/* NULL, or why this host cannot confine anything fully. */
const char *confined_obstacle(void);

#endif
