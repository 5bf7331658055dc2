/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_SUPPORT_CSM_IMPAIR_H
#define EVNIC_TESTS_SUPPORT_CSM_IMPAIR_H

/*
 * A wire that is not to be trusted: frames are lost, doubled, damaged, late and
 * overtaken, by a seeded generator, so that what has happened once happens
 * again.
 */

#include "base/list.h"
#include "net/types.h"

#include <stdint.h>

/* Rates in thousandths of the frames; times in nanoseconds. Every frame takes
 * @delay, a late one up to @jitter more, so that others overtake it. */
struct csm_impair_rates {
	unsigned int lost, doubled, damaged, late;
	uint64_t delay, jitter;
};

/* One way of the wire. @n_*: frames that this happened to. */
struct csm_impair {
	struct csm_impair_rates rates;
	uint64_t seed;
	struct list frames; /* by time */
	uint64_t n_passed, n_lost, n_doubled, n_damaged, n_overtaken;
};

/* @offload: what is left to do on it. A frame whose checksum is not there yet is
 * not damaged: nobody could tell. */
struct csm_impair_frame {
	struct list node;
	uint64_t at;
	struct net_offload offload;
	size_t len;
	uint8_t bytes[];
};

void csm_impair_init(struct csm_impair *way,
		     const struct csm_impair_rates *rates, uint64_t seed);
void csm_impair_fini(struct csm_impair *way);

/* Puts a frame in, at time @now. */
void csm_impair_put(struct csm_impair *way, uint64_t now,
		    const struct net_offload *offload, const void *frame,
		    size_t len);

/* The next that has arrived by @now: the caller frees it. NULL: none. */
struct csm_impair_frame *csm_impair_get(struct csm_impair *way, uint64_t now);

/* When the next one arrives; UINT64_MAX: there is none. */
uint64_t csm_impair_next(const struct csm_impair *way);

#endif
