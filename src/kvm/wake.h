/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_KVM_WAKE_H
#define EVNIC_KVM_WAKE_H

/*
 * How the control loop wakes one vCPU thread, and how that thread sleeps until
 * something that it waits for may have come true. No wake-up is lost:
 *
 *	sleeper				waker
 *	seen = wake_seen(w)		make the condition true
 *	condition true? then go on	wake_signal(w)
 *	wake_wait(w, seen)
 *	look again
 *
 * A signal() after seen() makes wait() return at once. One sleeper, any number
 * of wakers; a waker makes a system call only if the sleeper sleeps.
 */

#include <stdatomic.h>
#include <stdint.h>

struct wake {
	_Atomic uint32_t count;
	_Atomic uint32_t asleep;
};

static inline uint32_t wake_seen(const struct wake *wake)
{
	return atomic_load(&wake->count);
}

void wake_wait(struct wake *wake, uint32_t seen);
void wake_signal(struct wake *wake);

#endif
