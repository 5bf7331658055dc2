/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_CONSOMME_TIMER_H
#define EVNIC_BACKENDS_CONSOMME_TIMER_H

/*
 * Timers of a stack: a wheel of wheels with a grain of a millisecond. Setting
 * and stopping one costs the same however many there are, and takes no memory.
 *
 * A timer is called at its time or up to two grains later, never before. Thread:
 * that of the stack.
 */

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

#define CSM_MS	  1000000ULL /* in the nanoseconds of csm_host_now() */
#define CSM_SEC	  (1000 * CSM_MS)
#define CSM_NEVER UINT64_MAX

#define CSM_WHEEL_BITS	 6
#define CSM_WHEEL_SLOTS	 (1 << CSM_WHEEL_BITS)
#define CSM_WHEEL_LEVELS 6 /* 2^36 ms: two years */

struct csm_timer;
typedef void (*csm_timer_fn)(struct csm_timer *timer);

/* Embedded in what has to be done later. @at: when. */
struct csm_timer {
	struct list node;
	uint64_t at;
	csm_timer_fn fn;
};

/* @tick: all before it has been done. @used: a bit for each slot that is not
 * empty. */
struct csm_timers {
	struct list slots[CSM_WHEEL_LEVELS][CSM_WHEEL_SLOTS];
	uint64_t used[CSM_WHEEL_LEVELS];
	uint64_t tick;
};

void csm_timers_init(struct csm_timers *timers, uint64_t now);

static inline void csm_timer_init(struct csm_timer *timer, csm_timer_fn fn)
{
	list_init(&timer->node);
	timer->fn = fn;
	timer->at = CSM_NEVER;
}

/* Has it called at @at (past: as soon as may be), once; instead of any time
 * before. CSM_NEVER: not at all. */
void csm_timer_set(struct csm_timers *timers, struct csm_timer *timer,
		   uint64_t at);
void csm_timer_stop(struct csm_timers *timers, struct csm_timer *timer);

static inline bool csm_timer_is_set(const struct csm_timer *timer)
{
	return list_is_on(&timer->node);
}

/* When csm_timers_run() has something to do, or a little before (a wheel turns);
 * CSM_NEVER: there is no timer. */
uint64_t csm_timers_next(const struct csm_timers *timers);

/* Calls what is due. A timer that is set from within is called in a later run. */
void csm_timers_run(struct csm_timers *timers, uint64_t now);

#endif
