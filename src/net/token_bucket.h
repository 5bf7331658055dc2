/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_NET_TOKEN_BUCKET_H
#define EVNIC_NET_TOKEN_BUCKET_H

/*
 * Token bucket: an average rate with a burst, shared by threads without a lock.
 *
 * A bucket holds at most @size tokens and is refilled from empty to full in
 * @refill_time milliseconds, evenly. It begins full, with @one_time_burst more
 * that are not refilled.
 *
 * Thread: any, but for configure, which has one caller at a time.
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

#endif
