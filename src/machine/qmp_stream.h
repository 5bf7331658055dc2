/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_QMP_STREAM_H
#define EVNIC_MACHINE_QMP_STREAM_H

/*
 * Cuts a stream of bytes into JSON values, as they come. What is cut out is as
 * long as a value is, and perhaps not JSON: a parser decides.
 *
 * Whoever sends the bytes may send anything: one value takes a bounded amount
 * of memory, each byte a bounded amount of work.
 */

#include "base/util.h"

#include <stdbool.h>

/* Of one value: bytes, brackets within brackets, and values within it (all of
 * them together; this bounds what a parser makes of it). */
struct qmp_stream_limits {
	size_t bytes;
	size_t depth;
	size_t values;
};

enum qmp_stream_state {
	QMP_STREAM_BETWEEN, /* values */
	QMP_STREAM_WORD,    /* a number, true, ... or nonsense */
	QMP_STREAM_BRACKETS,
	QMP_STREAM_STRING,
	QMP_STREAM_ESCAPE, /* after a backslash in a string */
};

enum qmp_stream_result {
	QMP_STREAM_MORE,  /* all bytes were taken, no value is complete */
	QMP_STREAM_VALUE, /* text and len */
	QMP_STREAM_FAULT, /* fault says which; the stream goes on */
};

/* @text, @len: the value, good until the next call; terminated. @skipping: a
 * value that broke a limit, up to its end. */
struct qmp_stream {
	struct qmp_stream_limits limits;
	enum qmp_stream_state state;
	size_t depth, values;
	bool skipping;
	const char *fault;
	char *text;
	size_t len, size;
};

void qmp_stream_init(struct qmp_stream *stream,
		     const struct qmp_stream_limits *limits);
void qmp_stream_fini(struct qmp_stream *stream);

/* Takes bytes, up to the end of a value or a fault. Returns how many. */
size_t qmp_stream_feed(struct qmp_stream *stream, const char *bytes, size_t n,
		       enum qmp_stream_result *result);

#endif
