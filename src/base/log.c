/* SPDX-License-Identifier: MIT */
/*
 * Log lines, from their parts to one buffer, which log_output.c writes.
 *
 * All that threads share is the configuration, set while there was one, and the
 * counters of the ceiling. The parts around a message are put together by hand,
 * since a signal handler may do that too.
 */
#include "base/log.h"

#include "base/log_output.h"
#include "base/thread.h"
#include "base/utc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LINE_MAX_BYTES	 1024
#define NOTICE_MAX_BYTES 256
#define CUT_MARK	 "..."

static char machine_id[LOG_ID_MAX];
static enum log_level level_now = LOG_LEVEL_INFO;
static bool level_hidden, thread_hidden;

/* Lines of each level since the window began, and those of all levels that were
 * over the ceiling and not told yet. */
static struct {
	atomic_uint_fast64_t start_ms;
	atomic_uint written;
} windows[LOG_LEVELS];
static atomic_uint_fast64_t over_ceiling;

static const struct {
	const char *name;
	const char *priority; /* as in syslog(3) */
} levels[] = {
	[LOG_LEVEL_ERROR] = {"error", "<3>"},
	[LOG_LEVEL_WARN] = {"warning", "<4>"},
	[LOG_LEVEL_INFO] = {"info", "<6>"},
	[LOG_LEVEL_DEBUG] = {"debug", "<7>"},
};

/* Up to two notices, and the line. */
struct line {
	char text[2 * NOTICE_MAX_BYTES + LINE_MAX_BYTES];
	size_t start, used, limit;
};

void log_configure(const struct log_config *config)
{
	level_now = config->level;
	(void)snprintf(machine_id, sizeof(machine_id), "%s",
		       config->id ? config->id : "");
	level_hidden = config->hide_level;
	thread_hidden = config->hide_thread;
}

bool log_enabled(enum log_level level)
{
	return level <= level_now;
}

static void put(struct line *line, const char *text, size_t len)
{
	size_t n = MIN(len, line->limit - line->used);

	memcpy(line->text + line->used, text, n);
	line->used += n;
}

static void put_text(struct line *line, const char *text)
{
	put(line, text, strlen(text));
}

static void put_time(struct line *line)
{
	struct timespec now = {0};
	char text[UTC_TEXT_SIZE];

	(void)clock_gettime(CLOCK_REALTIME, &now);
	utc_text(&now, text);
	put_text(line, text);
	put_text(line, " ");
}

static void begin_line(struct line *line, enum log_level level, size_t room)
{
	enum log_shape shape = log_output_shape();
	const char *thread = thread_name();

	line->start = line->used;
	line->limit = line->start + room - 1; /* the newline */
	if (shape == LOG_SHAPE_FILE)
		put_time(line);
	else if (shape == LOG_SHAPE_JOURNAL)
		put_text(line, levels[level].priority);
	else
		put_text(line, "evnic: ");
	if (!level_hidden && shape != LOG_SHAPE_JOURNAL) {
		put_text(line, levels[level].name);
		put_text(line, ": ");
	}
	if (*machine_id) {
		put_text(line, machine_id);
		put_text(line, ": ");
	}
	if (*thread && !thread_hidden) {
		put_text(line, "[");
		put_text(line, thread);
		put_text(line, "] ");
	}
}

static void put_format(struct line *line, const char *fmt, va_list ap)
	PRINTF_LIKE(2, 0);

static void put_format(struct line *line, const char *fmt, va_list ap)
{
	/* Its terminating zero is where the newline will be. */
	size_t room = line->limit - line->used;
	int n = vsnprintf(line->text + line->used, room + 1, fmt, ap);

	if (n < 0)
		return;
	if ((size_t)n > room)
		memcpy(line->text + line->limit - strlen(CUT_MARK), CUT_MARK,
		       strlen(CUT_MARK));
	line->used += MIN((size_t)n, room);
}

static void end_line(struct line *line)
{
	for (size_t i = line->start; i < line->used; i++) {
		unsigned char c = (unsigned char)line->text[i];

		if (c < ' ' || c == 0x7f)
			line->text[i] = '?';
	}
	line->text[line->used++] = '\n';
}

static void put_notice(struct line *line, const char *fmt, ...)
	PRINTF_LIKE(2, 3);

static void put_notice(struct line *line, const char *fmt, ...)
{
	va_list ap;

	begin_line(line, LOG_LEVEL_WARN, NOTICE_MAX_BYTES);
	va_start(ap, fmt);
	put_format(line, fmt, ap);
	va_end(ap);
	end_line(line);
}

/* What is missing in front of the next line. Returns how many lines. */
static uint64_t put_notices(struct line *line)
{
	char cause[ERRNO_TEXT_MAX];
	uint64_t over, lost;
	int err;

	over = atomic_exchange_explicit(&over_ceiling, 0, memory_order_relaxed);
	if (over)
		put_notice(line,
			   "%llu lines were left out: more than %d in %d s",
			   (unsigned long long)over, LOG_CEILING,
			   LOG_LIMIT_PERIOD_MS / 1000);
	lost = log_output_lost(&err);
	if (lost)
		put_notice(line, "%llu lines were lost: %s",
			   (unsigned long long)lost,
			   errno_text(err, cause, sizeof(cause)));
	return over + lost;
}

static void write_line(enum log_level level, uint64_t left_out, const char *fmt,
		       va_list ap) PRINTF_LIKE(3, 0);

static void write_line(enum log_level level, uint64_t left_out, const char *fmt,
		       va_list ap)
{
	char tail[64] = "";
	struct line line;
	uint64_t told;

	line.used = 0;
	told = put_notices(&line);
	if (left_out)
		(void)snprintf(tail, sizeof(tail),
			       " (%llu such lines left out)",
			       (unsigned long long)left_out);
	begin_line(&line, level, LINE_MAX_BYTES - strlen(tail));
	put_format(&line, fmt, ap);
	line.limit += strlen(tail);
	put_text(&line, tail);
	end_line(&line);
	log_output_write(line.text, line.used, told);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) < 0)
		return 0;
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Several threads may see that a window is over; one of them begins the next. */
static bool under_ceiling(enum log_level level, uint64_t now)
{
	uint_fast64_t start = atomic_load_explicit(&windows[level].start_ms,
						   memory_order_relaxed);

	if (now - start >= LOG_LIMIT_PERIOD_MS &&
	    atomic_compare_exchange_strong_explicit(
		    &windows[level].start_ms, &start, now, memory_order_relaxed,
		    memory_order_relaxed))
		atomic_store_explicit(&windows[level].written, 0,
				      memory_order_relaxed);
	if (atomic_fetch_add_explicit(&windows[level].written, 1,
				      memory_order_relaxed) < LOG_CEILING)
		return true;
	atomic_fetch_add_explicit(&over_ceiling, 1, memory_order_relaxed);
	return false;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	if (!log_enabled(level) || !under_ceiling(level, now_ms()))
		return;
	va_start(ap, fmt);
	write_line(level, 0, fmt, ap);
	va_end(ap);
	errno = saved;
}

void log_limited(struct log_limit *limit, enum log_level level, const char *fmt,
		 ...)
{
	uint64_t now, left_out;
	int saved = errno;
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
	if (!under_ceiling(level, now))
		return;
	limit->written++;
	left_out = limit->suppressed;
	limit->suppressed = 0;
	va_start(ap, fmt);
	write_line(level, left_out, fmt, ap);
	va_end(ap);
	errno = saved;
}

void log_emergency(const char *text, size_t len)
{
	int saved = errno;
	struct line line;

	if (!log_enabled(LOG_LEVEL_ERROR))
		return;
	line.used = 0;
	begin_line(&line, LOG_LEVEL_ERROR, LINE_MAX_BYTES);
	put(&line, text, len);
	end_line(&line);
	log_output_write(line.text, line.used, 0);
	errno = saved;
}
