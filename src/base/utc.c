/* SPDX-License-Identifier: MIT */
/*
 * Days to dates. Years are counted from the 1st of March, so that a leap day is
 * the last of its year; 1970-01-01 is day 719468 since 0000-03-01. 400 years
 * have 146097 days.
 *
 * Source: RFC 3339; proleptic Gregorian calendar.
 */
#include "base/utc.h"

#include <stdint.h>

#define DAY_S	   86400
#define ERA_DAYS   146097
#define EPOCH_DAYS 719468

/* @value in @digits places, with zeros in front, and @end behind it. Returns
 * what follows. */
static char *put(char *at, uint64_t value, unsigned int digits, char end)
{
	for (unsigned int i = digits; i > 0; i--) {
		at[i - 1] = (char)('0' + value % 10);
		value /= 10;
	}
	at[digits] = end;
	return at + digits + 1;
}

static char *put_date(char *at, uint64_t days)
{
	uint64_t era = days / ERA_DAYS, day = days % ERA_DAYS;
	uint64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	uint64_t month; /* 0: March */

	day -= 365 * year + year / 4 - year / 100;
	month = (5 * day + 2) / 153;
	day -= (153 * month + 2) / 5;
	at = put(at, era * 400 + year + (month >= 10), 4, '-');
	at = put(at, month < 10 ? month + 3 : month - 9, 2, '-');
	return put(at, day + 1, 2, 'T');
}

void utc_text(const struct timespec *time, char text[UTC_TEXT_SIZE])
{
	uint64_t s = (uint64_t)time->tv_sec;
	char *at = put_date(text, s / DAY_S + EPOCH_DAYS);

	at = put(at, s % DAY_S / 3600, 2, ':');
	at = put(at, s % 3600 / 60, 2, ':');
	at = put(at, s % 60, 2, '.');
	at = put(at, (uint64_t)time->tv_nsec / 1000, 6, 'Z');
	*at = '\0';
}
