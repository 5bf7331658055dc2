/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_MACHINE_H
#define EVNIC_MACHINE_MACHINE_H

/*
 * A running machine: a VM, its NICs, their backends and the threads that move
 * packets.
 */

#include "machine/config.h"

/* Blocks the signals that a machine hears (SIGTERM, SIGINT, SIGHUP, which end
 * it, and SIGUSR1, which writes the tree of everything to the log) in the calling
 * thread: machine_run() hears them from then on, and none ends the
 * process between two steps. */
void machine_block_signals(void);

/* Runs the machine that @config describes on the calling thread, after
 * machine_block_signals(), until it ends; everything is given back then. 0: the
 * guest powered off, or reset itself with on_reset "exit", or a signal or the
 * user ended it. -1: it failed; the log says why. */
int machine_run(const struct machine_config *config) MUST_CHECK;

#endif
