/* SPDX-License-Identifier: MIT */
/*
 * JSON values out of a stream of bytes (RFC 8259, as far as it takes to find
 * where a value ends).
 *
 * States: between values; in a word, which ends before the first byte that
 * cannot be part of one; in brackets, until as many were closed as were opened;
 * in a string, in brackets or not, until its closing quote.
 *
 * After a fault the stream finds its feet again:
 * - A control character in a string, or the byte 0xff anywhere, is never part of
 *   a value: whatever was begun is thrown away, and the next byte is between
 *   values. So the end of a line ends a string that was cut short, and who does
 *   not know where the stream stands sends 0xff.
 * - A value that breaks a limit is told once and then followed to its end,
 *   without being stored.
 */
#include "machine/qmp_stream.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 256
/* A larger buffer is given back after the value that needed it. */
#define KEPT_SIZE 65536

void qmp_stream_init(struct qmp_stream *stream,
		     const struct qmp_stream_limits *limits)
{
	memset(stream, 0, sizeof(*stream));
	stream->limits = *limits;
}

void qmp_stream_fini(struct qmp_stream *stream)
{
	free(stream->text);
	memset(stream, 0, sizeof(*stream));
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool ends_word(char c)
{
	return is_space(c) || (c != '\0' && strchr("{}[]\",:", c));
}

static bool is_control(char c)
{
	return (unsigned char)c < 0x20;
}

/* Forgets the value that was begun. */
static void begin_anew(struct qmp_stream *s)
{
	if (s->size > KEPT_SIZE) {
		free(s->text);
		s->text = NULL;
		s->size = 0;
	}
	s->state = QMP_STREAM_BETWEEN;
	s->depth = 0;
	s->values = 0;
	s->skipping = false;
	s->len = 0;
}

static enum qmp_stream_result fault(struct qmp_stream *s, const char *what)
{
	s->fault = what;
	return QMP_STREAM_FAULT;
}

/* Throws away what was begun. Whoever was told of a fault is not told again. */
static enum qmp_stream_result abandon(struct qmp_stream *s, const char *what)
{
	bool told = s->skipping;

	begin_anew(s);
	return told ? QMP_STREAM_MORE : fault(s, what);
}

static enum qmp_stream_result skip(struct qmp_stream *s, const char *what)
{
	s->skipping = true;
	return fault(s, what);
}

/* Room for one byte more and the terminator. */
static bool reserve(struct qmp_stream *s)
{
	size_t size = s->size ? s->size * 2 : FIRST_SIZE;
	char *text;

	if (s->len + 2 <= s->size)
		return true;
	text = realloc(s->text, size);
	if (!text)
		return false;
	s->text = text;
	s->size = size;
	return true;
}

static enum qmp_stream_result store(struct qmp_stream *s, char c)
{
	if (s->skipping)
		return QMP_STREAM_MORE;
	if (s->len >= s->limits.bytes)
		return skip(s, "message too long");
	if (s->values > s->limits.values)
		return skip(s, "too many values in a message");
	if (s->depth > s->limits.depth)
		return skip(s, "JSON nesting depth limit exceeded");
	if (!reserve(s))
		return skip(s, "out of memory");
	s->text[s->len++] = c;
	s->text[s->len] = '\0';
	return QMP_STREAM_MORE;
}

/* The value's last byte came with @result. */
static enum qmp_stream_result complete(struct qmp_stream *s,
				       enum qmp_stream_result result)
{
	bool whole = result == QMP_STREAM_MORE && !s->skipping;

	s->state = QMP_STREAM_BETWEEN;
	s->skipping = false;
	return whole ? QMP_STREAM_VALUE : result;
}

static void take_in_brackets(struct qmp_stream *s, char c)
{
	switch (c) {
	case '{':
	case '[':
		s->depth++;
		s->values++;
		break;
	case '}':
	case ']':
		s->depth--;
		break;
	case ',':
		s->values++;
		break;
	case '"':
		s->state = QMP_STREAM_STRING;
		break;
	default:
		break;
	}
}

static enum qmp_stream_result take_between(struct qmp_stream *s, char c)
{
	if (is_space(c))
		return QMP_STREAM_MORE;
	begin_anew(s);
	if (is_control(c) || strchr("}],:", c))
		return fault(s, "JSON parse error, expecting value");
	s->state = c == '{' || c == '[' ? QMP_STREAM_BRACKETS
		   : c == '"'		? QMP_STREAM_STRING
					: QMP_STREAM_WORD;
	take_in_brackets(s, c);
	return store(s, c);
}

/* One byte that is taken in any case. */
static enum qmp_stream_result take(struct qmp_stream *s, char c)
{
	enum qmp_stream_result result;

	if (c == '\xff')
		return abandon(s, "JSON parse error, stray '\\xff'");
	if (s->state == QMP_STREAM_BETWEEN)
		return take_between(s, c);
	if (is_control(c) && (s->state != QMP_STREAM_BRACKETS || !is_space(c)))
		return abandon(s, "JSON parse error, stray control character");
	switch (s->state) {
	case QMP_STREAM_BETWEEN:
	case QMP_STREAM_WORD:
		break;
	case QMP_STREAM_BRACKETS:
		take_in_brackets(s, c);
		break;
	case QMP_STREAM_STRING:
		if (c == '\\')
			s->state = QMP_STREAM_ESCAPE;
		else if (c == '"')
			s->state = QMP_STREAM_BRACKETS;
		break;
	case QMP_STREAM_ESCAPE:
		s->state = QMP_STREAM_STRING;
		break;
	}
	result = store(s, c);
	if (s->state == QMP_STREAM_BRACKETS && s->depth == 0)
		return complete(s, result);
	return result;
}

size_t qmp_stream_feed(struct qmp_stream *stream, const char *bytes, size_t n,
		       enum qmp_stream_result *result)
{
	size_t taken = 0;

	*result = QMP_STREAM_MORE;
	while (taken < n && *result == QMP_STREAM_MORE) {
		if (stream->state == QMP_STREAM_WORD && ends_word(bytes[taken]))
			*result = complete(stream, QMP_STREAM_MORE);
		else
			*result = take(stream, bytes[taken++]);
	}
	return taken;
}
