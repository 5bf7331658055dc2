/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_LAUNCH_PRIVATE_H
#define EVNIC_MACHINE_LAUNCH_PRIVATE_H

/*
 * What the two files of launching share: launch.c (the opener) and
 * launch_machine.c.
 */

#include "machine/config.h"
#include "sandbox/sandbox.h"

/* All that the machine does, in the process that sandbox_fork() has made: gives
 * up what it does not need, then its rights, and runs. @fd: its end of the socket
 * pair. @report: what sandbox_fork() had to say. */
_Noreturn void launch_machine(const struct machine_config *config,
			      const struct sandbox_config *sandbox,
			      struct sandbox_report *report, int fd);

/* Log lines: "WHAT: the error", and what is weaker than it should be. */
void launch_failed(const char *what, int err);
void launch_tell(const struct sandbox_report *report);

#endif
