/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_KVM_TERMINAL_H
#define EVNIC_KVM_TERMINAL_H

/*
 * The user's terminal in raw input mode, and back. There is one per process.
 */

#include "base/util.h"

/* Hands each key to us as it is typed, without echo and signals. @fd is a
 * terminal. It is put back by terminal_restore(), and before a fatal signal ends
 * the process (SIGQUIT, say). 0 or -errno. */
int terminal_raw(int fd) MUST_CHECK;

/* Puts the terminal back. Idempotent. */
void terminal_restore(void);

#endif
