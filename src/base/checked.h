/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BASE_CHECKED_H
#define EVNIC_BASE_CHECKED_H

/*
 * Arithmetic on numbers that a guest, a peer or a file chose. Each function
 * returns false, and leaves *@out alone, when the true result does not fit.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool checked_add_u64(uint64_t a, uint64_t b, uint64_t *out)
{
	uint64_t r;

	if (__builtin_add_overflow(a, b, &r))
		return false;
	*out = r;
	return true;
}

static inline bool checked_add_u32(uint32_t a, uint32_t b, uint32_t *out)
{
	uint32_t r;

	if (__builtin_add_overflow(a, b, &r))
		return false;
	*out = r;
	return true;
}

static inline bool checked_add_size(size_t a, size_t b, size_t *out)
{
	size_t r;

	if (__builtin_add_overflow(a, b, &r))
		return false;
	*out = r;
	return true;
}

static inline bool checked_sub_size(size_t a, size_t b, size_t *out)
{
	if (b > a)
		return false;
	*out = a - b;
	return true;
}

static inline bool checked_mul_u64(uint64_t a, uint64_t b, uint64_t *out)
{
	uint64_t r;

	if (__builtin_mul_overflow(a, b, &r))
		return false;
	*out = r;
	return true;
}

/* Is [@start, @start + @len) inside [@base, @base + @size)? Right for every
 * value, wrapping sums included. An empty range lies inside at its end. */
static inline bool range_inside(uint64_t start, uint64_t len, uint64_t base,
				uint64_t size)
{
	return start >= base && len <= size && start - base <= size - len;
}

static inline bool is_power_of_two(uint64_t v)
{
	return v != 0 && (v & (v - 1)) == 0;
}

/* Round @v up to a multiple of @align (a power of two). */
static inline bool checked_align_up(uint64_t v, uint64_t align, uint64_t *out)
{
	uint64_t r;

	if (!checked_add_u64(v, align - 1, &r))
		return false;
	*out = r & ~(align - 1);
	return true;
}

#endif
