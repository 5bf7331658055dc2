/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BASE_UTF8_H
#define EVNIC_BASE_UTF8_H

/*
 * UTF-8, for text that others wrote.
 */

#include "base/util.h"

#include <stdbool.h>

/* Bytes of the UTF-8 sequence that the string @s begins with (its end counts as
 * a sequence of one), 0 if it is none. Looks at no byte beyond the string's
 * terminator. */
size_t utf8_len(const char *s);

/* Is the string valid UTF-8? */
bool utf8_valid(const char *s);

/* The longest part of the string that is at most @max bytes and does not end
 * inside a sequence: its length. The string must be valid. */
size_t utf8_cut(const char *s, size_t max);

#endif
