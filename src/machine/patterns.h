/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_PATTERNS_H
#define EVNIC_MACHINE_PATTERNS_H

/*
 * Patterns for names: '*' stands for any characters, also none, '?' for one.
 * Nothing else is special. A capture's pattern is an absolute directory, which
 * is taken as it is written, and a pattern for the name of a file in it.
 */

#include "base/util.h"

#include <stdbool.h>

bool pattern_matches(const char *pattern, const char *name);

/* What is wrong with a pattern of "taps" or "captures", or NULL. */
const char *pattern_tap_problem(const char *pattern);
const char *pattern_capture_problem(const char *pattern);

/* The length of the directory's part of an absolute path, which ends before the
 * last '/'; and the name behind that. */
size_t pattern_directory(const char *path);
const char *pattern_name(const char *path);

/* Is @path in the directory of @pattern, spelt alike, and does its name match?
 * Such a name is a file's: neither "." nor "..", and of printable characters. */
bool pattern_allows(const char *pattern, const char *path);

#endif
