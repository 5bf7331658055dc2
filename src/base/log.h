/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BASE_LOG_H
#define EVNIC_BASE_LOG_H

/*
 * Log lines, one write(2) each, safe from every thread.
 *
 * A message names the thing, the cause and the cure. It is logged once, where
 * the decision is made; one about a NIC or a backend begins with its name.
 * Whatever a guest or a peer can provoke goes through log_limited(), so that
 * nobody can flood the log. A bug that forgets that is stopped by a ceiling:
 * LOG_CEILING lines of a level in LOG_LIMIT_PERIOD_MS; the next line tells how
 * many were left out. In a line, whoever its text came from, control characters
 * are question marks.
 *
 * What a line looks like depends on where it goes (base/log_output.h):
 *
 *	evnic: warning: web1: [evnic-io0] tap0: read: ...	standard error
 *	<4>web1: [evnic-io0] tap0: read: ...			the journal
 *	2026-11-21T19:48:40.123456Z warning: web1: [evnic-io0] tap0: ...  a file
 *
 * web1 is the machine's id; the thread is named if it is not its process's
 * first. The calls keep errno.
 */

#include "base/util.h"

#include <stdbool.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_OFF, /* for log_config: nothing is written */
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
	LOG_LEVELS,
};

/* @level: lines above it are not written. @id: the machine's, copied, cut after
 * LOG_ID_MAX - 1 bytes; NULL: none. */
struct log_config {
	enum log_level level;
	const char *id;
	bool hide_level;
	bool hide_thread;
};

#define LOG_ID_MAX 65

/* To be called while there is one thread. Before: LOG_LEVEL_INFO, no id. */
void log_configure(const struct log_config *config);

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

/* An error line of @len bytes of @text from a signal handler: nothing here
 * takes a lock or memory, or calls more than clock_gettime(2) and write(2). */
void log_emergency(const char *text, size_t len);

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
#define LOG_CEILING	    1000

void log_limited(struct log_limit *limit, enum log_level level, const char *fmt,
		 ...) PRINTF_LIKE(3, 4);

#endif
