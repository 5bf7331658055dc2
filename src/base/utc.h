/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BASE_UTC_H
#define EVNIC_BASE_UTC_H

/*
 * Times for people, without the C library's time zones, for which it opens files
 * and takes locks. Any thread and signal handler.
 */

#include <time.h>

/* Bytes of "2026-11-21T19:48:40.123456Z", and its terminating zero. */
#define UTC_TEXT_SIZE 28

/* Writes @time, in years 1970 to 9999, as RFC 3339 has it, in UTC. */
void utc_text(const struct timespec *time, char text[UTC_TEXT_SIZE]);

#endif
