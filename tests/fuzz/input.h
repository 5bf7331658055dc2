/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_FUZZ_INPUT_H
#define EVNIC_TESTS_FUZZ_INPUT_H

/*
 * What is left of a fuzzer's input, read from the front.
 */

#include <stddef.h>
#include <stdint.h>

struct fuzz_input {
	const uint8_t *data;
	size_t size;
};

/* The next @n bytes as a number, little-endian; zeroes when there are no
 * more. */
static inline uint64_t fuzz_take(struct fuzz_input *in, size_t n)
{
	uint64_t value = 0;

	for (size_t i = 0; i < n && in->size > 0; i++) {
		value |= (uint64_t)*in->data++ << (8 * i);
		in->size--;
	}
	return value;
}

#endif
