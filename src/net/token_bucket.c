/* SPDX-License-Identifier: MIT */
/*
 * Token bucket in one word.
 *
 * The word is the time at which the bucket was empty. Time passes, so tokens
 * come by themselves; to take some is to move the word on by what they cost. It
 * is never further back than the time that it takes to fill the bucket, which
 * is how a bucket overflows.
 *
 * Several threads take by compare-and-swap. One that looks and then takes may
 * find that another has been quicker; the bucket is in debt then, and the
 * average is kept.
 *
 * Units of 1/64 ns make the error of rounding less than 0.2 % for a packet of
 * 5 ns. All comparisons are modulo 2^64, so that only a bucket that nobody used
 * for four years is mistaken.
 */
#include "net/token_bucket.h"

#include <string.h>

#define UNITS_PER_NS 64
#define UNITS_PER_MS 64e6
/* The most time to fill, 52 days, and the largest price. */
#define DEPTH_MAX 0x1p58
#define PRICE_MAX 0x1p60
/* More tokens than anybody asks for. */
#define TOKENS_MAX (1ULL << 62)

static uint64_t load(_Atomic uint64_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

static void store(_Atomic uint64_t *word, uint64_t value)
{
	atomic_store_explicit(word, value, memory_order_relaxed);
}

void token_bucket_init(struct token_bucket *bucket)
{
	memset(bucket, 0, sizeof(*bucket));
}

bool token_bucket_config_ok(const struct token_bucket_config *config)
{
	return !config->size || config->refill_time;
}

void token_bucket_configure(struct token_bucket *bucket,
			    const struct token_bucket_config *config,
			    uint64_t now)
{
	double depth = (double)config->refill_time * UNITS_PER_MS;
	double cost = config->size ? depth / (double)config->size : 0;

	if (memcmp(&bucket->config, config, sizeof(*config)) == 0)
		return;
	bucket->config = *config;
	depth = depth < DEPTH_MAX ? depth : DEPTH_MAX;
	store(&bucket->depth, (uint64_t)depth);
	store(&bucket->burst, config->one_time_burst);
	store(&bucket->empty_at, now * UNITS_PER_NS - (uint64_t)depth);
	atomic_store_explicit(&bucket->cost, cost, memory_order_relaxed);
}

/* The time since the bucket was empty; negative: it is in debt. */
static int64_t filled(struct token_bucket *bucket, uint64_t empty_at,
		      uint64_t now, bool waited)
{
	int64_t since = (int64_t)(now * UNITS_PER_NS - empty_at);
	int64_t depth = (int64_t)load(&bucket->depth);

	return waited || since < depth ? since : depth;
}

uint64_t token_bucket_available(struct token_bucket *bucket, uint64_t now,
				bool waited)
{
	double cost = atomic_load_explicit(&bucket->cost, memory_order_relaxed);
	uint64_t burst = load(&bucket->burst);
	double tokens;
	int64_t time;

	if (cost <= 0)
		return UINT64_MAX;
	time = filled(bucket, load(&bucket->empty_at), now, waited);
	if (time <= 0)
		return burst;
	tokens = (double)time / cost;
	if (tokens < 1)
		return MAX(burst, (uint64_t)1);
	if (tokens >= (double)TOKENS_MAX || burst >= TOKENS_MAX)
		return TOKENS_MAX;
	return (uint64_t)tokens + burst;
}

/* Takes what it can from the one-time burst. Returns what is still wanted. */
static uint64_t take_burst(struct token_bucket *bucket, uint64_t n)
{
	uint64_t burst = load(&bucket->burst);
	uint64_t part;

	do {
		part = MIN(burst, n);
	} while (part && !atomic_compare_exchange_weak_explicit(
				 &bucket->burst, &burst, burst - part,
				 memory_order_relaxed, memory_order_relaxed));
	return n - part;
}

void token_bucket_take(struct token_bucket *bucket, uint64_t n, uint64_t now,
		       bool waited)
{
	double price =
		atomic_load_explicit(&bucket->cost, memory_order_relaxed);
	uint64_t empty_at, next;

	if (price <= 0)
		return;
	price *= (double)take_burst(bucket, n);
	price = price + 0.5 < PRICE_MAX ? price + 0.5 : PRICE_MAX;
	empty_at = load(&bucket->empty_at);
	do {
		next = now * UNITS_PER_NS + (uint64_t)price -
		       (uint64_t)filled(bucket, empty_at, now, waited);
	} while (!atomic_compare_exchange_weak_explicit(
		&bucket->empty_at, &empty_at, next, memory_order_relaxed,
		memory_order_relaxed));
}

uint64_t token_bucket_wait(struct token_bucket *bucket, uint64_t now)
{
	int64_t time;

	if (!token_bucket_is_limited(bucket) || load(&bucket->burst))
		return 0;
	time = filled(bucket, load(&bucket->empty_at), now, true);
	return time > 0 ? 0 : (uint64_t)-time / UNITS_PER_NS + 1;
}
