/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_FD_LIMIT_H
#define EVNIC_MACHINE_FD_LIMIT_H

/*
 * How many files the process may have open.
 */

#include "machine/config.h"

/* Raises the limit to the most that the user may have. Once, by the one thread
 * that there is, before the process is confined. */
void fd_limit_raise(void);

/* Says in the log how many flows of the machine's backends fit into that; @fd: a
 * descriptor that is open. Nothing without such a backend. */
void fd_limit_tell(const struct machine_config *config, int fd);

#endif
