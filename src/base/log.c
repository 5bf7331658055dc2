/* SPDX-License-Identifier: MIT */
/*
 * Log lines on standard error.
 *
 * A line is formatted into a local buffer and written with one write(2), so
 * that lines of several threads do not mix. The level is the only shared
 * state; it is atomic and set once at start-up.
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024

static atomic_int log_level_now = LOG_LEVEL_INFO;

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARN] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&log_level_now, (int)level, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
	return (int)level <=
	       atomic_load_explicit(&log_level_now, memory_order_relaxed);
}

static void write_line(enum log_level level, uint64_t left_out, const char *fmt,
		       va_list ap) PRINTF_LIKE(3, 0);

static void write_line(enum log_level level, uint64_t left_out, const char *fmt,
		       va_list ap)
{
	char line[LINE_MAX_BYTES];
	size_t room = sizeof(line) - 1; /* the newline */
	int n = snprintf(line, room, "evnic: %s: ", level_names[level]);
	size_t used = (size_t)n;

	n = vsnprintf(line + used, room - used, fmt, ap);
	if (n > 0)
		used = MIN(used + (size_t)n, room - 1);
	if (left_out) {
		n = snprintf(line + used, room - used,
			     " (%llu such lines left out)",
			     (unsigned long long)left_out);
		if (n > 0)
			used = MIN(used + (size_t)n, room - 1);
	}
	line[used++] = '\n';
	if (write(STDERR_FILENO, line, used) < 0)
		return; /* nobody is left to tell */
}

void log_line(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	if (!log_enabled(level))
		return;
	va_start(ap, fmt);
	write_line(level, 0, fmt, ap);
	va_end(ap);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) < 0)
		return 0;
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void log_limited(struct log_limit *limit, enum log_level level, const char *fmt,
		 ...)
{
	uint64_t now, left_out;
	va_list ap;

	if (!log_enabled(level))
		return;
	now = now_ms();
	if (now - limit->window_start_ms >= LOG_LIMIT_PERIOD_MS) {
		limit->window_start_ms = now;
		limit->written = 0;
	}
	if (limit->written >= LOG_LIMIT_BURST) {
		limit->suppressed++;
		return;
	}
	limit->written++;
	left_out = limit->suppressed;
	limit->suppressed = 0;
	va_start(ap, fmt);
	write_line(level, left_out, fmt, ap);
	va_end(ap);
}
