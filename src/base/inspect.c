/* SPDX-License-Identifier: MIT */
/*
 * Inspection: JSON text that grows by doubling, up to a limit.
 *
 * The outermost object's first brace is written at the beginning, its last one
 * by inspect_text(), after which nothing more can be added.
 */
#include "base/inspect.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 1024

void inspect_fini(struct inspect *in)
{
	free(in->text);
	memset(in, 0, sizeof(*in));
}

static bool reserve(struct inspect *in, size_t len)
{
	size_t size = in->size ? in->size : FIRST_SIZE;
	char *text;

	if (in->failed)
		return false;
	while (size - in->len < len + 1 && size <= INSPECT_MAX)
		size *= 2;
	if (size == in->size)
		return true;
	text = size <= INSPECT_MAX ? realloc(in->text, size) : NULL;
	if (!text) {
		in->failed = true;
		return false;
	}
	in->text = text;
	in->size = size;
	return true;
}

static void put(struct inspect *in, const char *bytes, size_t len)
{
	if (!reserve(in, len))
		return;
	memcpy(in->text + in->len, bytes, len);
	in->len += len;
	in->text[in->len] = '\0';
}

void inspect_init(struct inspect *in)
{
	memset(in, 0, sizeof(*in));
	put(in, "{", 1);
}

static void put_string(struct inspect *in, const char *value)
{
	const char *s = value;
	char escape[8];

	put(in, "\"", 1);
	while (*s) {
		size_t n = utf8_len(s);

		if (*s == '"' || *s == '\\' || (n == 1 && *s < 0x20) ||
		    *s == 0x7f) {
			(void)snprintf(escape, sizeof(escape), "\\u%04x",
				       (unsigned int)*s);
			put(in, escape, strlen(escape));
		} else if (n) {
			put(in, s, n);
		} else {
			put(in, "\xef\xbf\xbd", 3);
		}
		s += n ? n : 1;
	}
	put(in, "\"", 1);
}

static void put_name(struct inspect *in, const char *name)
{
	if (in->comma)
		put(in, ",", 1);
	put_string(in, name);
	put(in, ":", 1);
	in->comma = true;
}

const char *inspect_text(struct inspect *in)
{
	if (in->depth)
		return NULL;
	put(in, "}", 1);
	return in->failed ? NULL : in->text;
}

void inspect_u64(struct inspect *in, const char *name, uint64_t value)
{
	char text[24];

	put_name(in, name);
	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	put(in, text, strlen(text));
}

void inspect_bool(struct inspect *in, const char *name, bool value)
{
	put_name(in, name);
	put(in, value ? "true" : "false", value ? 4 : 5);
}

void inspect_str(struct inspect *in, const char *name, const char *value)
{
	put_name(in, name);
	if (value)
		put_string(in, value);
	else
		put(in, "null", 4);
}

void inspect_f(struct inspect *in, const char *name, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	inspect_str(in, name, text);
}

void inspect_begin(struct inspect *in, const char *name)
{
	put_name(in, name);
	put(in, "{", 1);
	in->comma = false;
	in->depth++;
}

void inspect_end(struct inspect *in)
{
	put(in, "}", 1);
	in->comma = true;
	in->depth--;
}

void inspect_begin_at(struct inspect *in, const char *name, size_t index)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%s-%zu", name, index);
	inspect_begin(in, text);
}

void inspect_graft(struct inspect *in, const char *name, struct inspect *from)
{
	put_name(in, name);
	if (from->failed || from->depth)
		in->failed = true;
	else
		put(in, from->text, from->len);
	put(in, "}", 1);
}
