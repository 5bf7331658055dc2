/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_MACHINE_H
#define EVNIC_MACHINE_MACHINE_H

/*
 * A running machine: a VM, its NICs, their backends and the threads that move
 * packets.
 */

#include "machine/config.h"
#include "machine/opener.h"

#include <signal.h>

/* The signals that a machine hears: SIGTERM, SIGINT, SIGHUP (unless it was ignored
 * when evnic was started, as nohup(1) does), which end it, and SIGUSR1, which
 * writes the tree of everything to the log. */
void machine_signals(sigset_t *set);

/* Runs the machine that @config describes on the calling thread, in which
 * those signals are blocked, with files from @opener, until it ends; everything
 * is given back then. The machine ends when the opener has gone. 0: the
 * guest powered off, or reset itself with on_reset "exit", or a signal or the
 * user ended it. -1: it failed; the log says why. */
int machine_run(const struct machine_config *config,
		struct opener *opener) MUST_CHECK;

#endif
