/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_NET_TOKEN_BUCKET_H
#define EVNIC_NET_TOKEN_BUCKET_H

/*
 * Token bucket: an average rate with a burst, shared by threads without a lock.
 *
 * A bucket holds at most @size tokens and is refilled from empty to full in
 * @refill_time milliseconds, evenly. It begins full, with @one_time_burst more
 * that are used first and never come back.
 *
 * Whoever finds a token may take as many as it needs, so that a packet may be
 * larger than the bucket; the bucket is in debt then, and nobody finds a token
 * until that is paid. The average is exact.
 *
 * Thread: any, but for configure and get, which have one caller at a time. Who
 * takes while the bucket is configured may see some of the old limits.
 */

#include "base/util.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* As Firecracker's rate limiters have it. @size: tokens, 0: no limit.
 * @one_time_burst: tokens. @refill_time: milliseconds. */
struct token_bucket_config {
	uint64_t size;
	uint64_t one_time_burst;
	uint64_t refill_time;
};

/* @empty_at: when the bucket was empty, or will be out of debt: the tokens are
 * those of the time since. @cost: time for a token, 0: no limit. @depth: time
 * to fill. All three in units of 1/64 ns, modulo 2^64. @burst: what is left of
 * the one-time burst. On a cache line of its own. */
struct token_bucket {
	_Alignas(64) _Atomic uint64_t empty_at;
	_Atomic double cost;
	_Atomic uint64_t depth;
	_Atomic uint64_t burst;
	struct token_bucket_config config;
};

/* No limit. */
void token_bucket_init(struct token_bucket *bucket);

/* Can there be such a bucket? Not with a size and no refill time. */
bool token_bucket_config_ok(const struct token_bucket_config *config);

/* Sets the limit; the bucket is full again, unless nothing changes. @config:
 * one that can be. @now: nanoseconds of a clock that does not go back. */
void token_bucket_configure(struct token_bucket *bucket,
			    const struct token_bucket_config *config,
			    uint64_t now);

static inline bool token_bucket_is_limited(struct token_bucket *bucket)
{
	return atomic_load_explicit(&bucket->cost, memory_order_relaxed) > 0;
}

/* Whole tokens that there are, at least 1 if there is any part of one; 0: none,
 * UINT64_MAX: no limit. @waited: the caller has waited for tokens, and what the
 * bucket could not hold meanwhile, because it was woken late, is not lost. */
uint64_t token_bucket_available(struct token_bucket *bucket, uint64_t now,
				bool waited);

/* Takes @n tokens, whether there are so many or not. */
void token_bucket_take(struct token_bucket *bucket, uint64_t n, uint64_t now,
		       bool waited);

/* Nanoseconds until there is a token; 0: there is. */
uint64_t token_bucket_wait(struct token_bucket *bucket, uint64_t now);

#endif
