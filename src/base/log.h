/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BASE_LOG_H
#define EVNIC_BASE_LOG_H

/*
 * Log lines on standard error, one write(2) each, safe from every thread.
 *
 * A message names the thing, the cause and the cure. It is logged once, where
 * the decision is made. Whatever a guest or a peer can provoke goes through
 * log_limited(), so that nobody can flood the log.
 */

#include "base/util.h"

#include <stdbool.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* Lines above @level are not written. The default is LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);

void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)                                          \
	do {                                                    \
		if (log_enabled(LOG_LEVEL_DEBUG))               \
			log_line(LOG_LEVEL_DEBUG, __VA_ARGS__); \
	} while (0)

/* One source of repeated lines: at most LOG_LIMIT_BURST lines in any
 * LOG_LIMIT_PERIOD_MS; the first line after a silence tells how many were
 * left out. Zero-initialised; one thread. */
struct log_limit {
	uint64_t window_start_ms;
	uint32_t written;
	uint64_t suppressed;
};

#define LOG_LIMIT_BURST	    5
#define LOG_LIMIT_PERIOD_MS 10000

void log_limited(struct log_limit *limit, enum log_level level, const char *fmt,
		 ...) PRINTF_LIKE(3, 4);

#endif
