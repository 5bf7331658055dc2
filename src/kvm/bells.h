/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_KVM_BELLS_H
#define EVNIC_KVM_BELLS_H

/*
 * The doorbells of one window: KVM ioeventfds, registered while the window is
 * mapped, wherever it is. Control loop.
 *
 * A bell that KVM does not take (another window lies in the same place, or
 * there are too many) does not ring: its writes arrive as accesses.
 */

#include "base/log.h"
#include "base/platform.h"

struct bell;

struct bells {
	const int *vm_fd; /* borrowed; the number changes on reset */
	const char *name;
	struct log_limit log;
	struct bell *first;
	uint64_t base;
	bool mapped;
};

/* @name: the device's, for messages, borrowed. */
void bells_init(struct bells *bells, const int *vm_fd, const char *name);

/* Forgets all bells. Idempotent. */
void bells_fini(struct bells *bells);

/* 0 or -ENOMEM. */
int bells_add(struct bells *bells, const struct platform_bell *bell) MUST_CHECK;
void bells_remove(struct bells *bells, const struct platform_bell *bell);

/* The window, which was nowhere, is at @base now; and nowhere again. */
void bells_map(struct bells *bells, uint64_t base);
void bells_unmap(struct bells *bells);

/* The VM has been replaced by a new one, which knows no bells: nothing is
 * mapped. */
void bells_forget(struct bells *bells);

#endif
