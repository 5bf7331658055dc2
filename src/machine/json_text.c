/* SPDX-License-Identifier: MIT */
/*
 * Places in JSON text.
 *
 * cJSON says what a text holds but not where, and of a text that it refuses it
 * says only about where. These functions walk the same text with the little
 * grammar that this takes: strings, brackets, and what is between them. They
 * are never asked whether a text is JSON, and stay inside it if it is not.
 *
 * What cJSON (1.7) takes for granted and this file follows: every byte up to
 * 0x20 is white space, a byte order mark may come first, nesting deeper than
 * CJSON_NESTING_LIMIT is refused.
 */
#include "machine/json_text.h"

#include <cjson/cJSON.h>
#include <string.h>

struct text_pos json_text_pos(const char *text, size_t len, size_t offset)
{
	struct text_pos pos = {.line = 1, .column = 1};

	for (size_t i = 0; i < MIN(offset, len); i++) {
		if (text[i] == '\n') {
			pos.line++;
			pos.column = 1;
		} else if (((unsigned char)text[i] & 0xc0) != 0x80) {
			pos.column++; /* not inside a UTF-8 sequence */
		}
	}
	return pos;
}

static bool is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c);
}

static size_t text_start(const char *text, size_t len)
{
	return len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

static size_t skip_space(const char *text, size_t len, size_t at)
{
	while (at < len && (unsigned char)text[at] <= 0x20)
		at++;
	return at;
}

/* @at: the opening quote. Returns the offset of the closing one, @len if there
 * is none. */
static size_t string_end(const char *text, size_t len, size_t at)
{
	for (at++; at < len && text[at] != '"'; at++) {
		if (text[at] == '\\')
			at++;
	}
	return MIN(at, len);
}

static size_t skip_string(const char *text, size_t len, size_t at)
{
	return MIN(string_end(text, len, at) + 1, len);
}

/* @at: the first byte of a value. Returns what follows its last. */
static size_t skip_value(const char *text, size_t len, size_t at)
{
	size_t depth = 0;

	while (at < len) {
		switch (text[at]) {
		case '"':
			at = skip_string(text, len, at);
			break;
		case '{':
		case '[':
			depth++;
			at++;
			continue;
		case '}':
		case ']':
			if (depth == 0)
				return at;
			depth--;
			at++;
			break;
		case ',':
			if (depth == 0)
				return at;
			at++;
			continue;
		default:
			at++;
			continue;
		}
		if (depth == 0)
			return at; /* a string or a bracketed value is over */
	}
	return len;
}

/* @at: a key's opening quote. Returns the first byte of the value. */
static size_t skip_key(const char *text, size_t len, size_t at)
{
	at = skip_space(text, len, skip_string(text, len, at));
	if (at < len && text[at] == ':')
		at++;
	return skip_space(text, len, at);
}

size_t json_text_find(const char *text, size_t len, const size_t *path,
		      size_t depth, bool key)
{
	size_t at = skip_space(text, len, text_start(text, len));

	for (size_t level = 0; level < depth && at < len; level++) {
		bool object = text[at] == '{';

		if (!object && text[at] != '[')
			return len;
		at = skip_space(text, len, at + 1);
		for (size_t i = 0; i < path[level] && at < len; i++) {
			if (object)
				at = skip_key(text, len, at);
			at = skip_space(text, len, skip_value(text, len, at));
			if (at >= len || text[at] != ',')
				return len;
			at = skip_space(text, len, at + 1);
		}
		if (object && !(key && level + 1 == depth))
			at = skip_key(text, len, at);
	}
	return at;
}

bool json_text_is_integer(const char *text, size_t len, size_t offset)
{
	size_t digits = 0, at = offset;

	if (at < len && text[at] == '-')
		at++;
	while (at + digits < len && text[at + digits] >= '0' &&
	       text[at + digits] <= '9')
		digits++;
	if (digits == 0 || (digits > 1 && text[at] == '0'))
		return false;
	at += digits;
	return at >= len || !is_one_of(text[at], ".eE+-");
}

/* Where a byte of the text stands. @open: the brackets around it, as far as
 * cJSON would follow them. @last: the last byte before it that is not white
 * space. @string: the opening quote of the string that it is in. */
struct place {
	size_t depth;
	bool in_string;
	size_t string;
	char last;
	char open[CJSON_NESTING_LIMIT + 1];
};

static void place_find(struct place *place, const char *text, size_t len,
		       size_t offset)
{
	size_t at = text_start(text, len);

	place->depth = 0;
	place->in_string = false;
	place->last = '\0';
	while (at < offset) {
		char c = text[at];

		if (c == '"') {
			place->string = at;
			at = string_end(text, len, at);
			place->in_string = at >= offset;
			place->last = c;
			at++;
			continue;
		}
		if (c == '{' || c == '[') {
			if (place->depth < sizeof(place->open))
				place->open[place->depth] = c;
			place->depth++;
		} else if ((c == '}' || c == ']') && place->depth > 0) {
			place->depth--;
		}
		if ((unsigned char)c > 0x20)
			place->last = c;
		at++;
	}
}

static bool in_object(const struct place *place)
{
	return place->depth > 0 && place->depth <= sizeof(place->open) &&
	       place->open[place->depth - 1] == '{';
}

const char *json_text_fault(const char *text, size_t len, size_t *offset)
{
	struct place place;
	size_t at = MIN(*offset, len);

	/* Of a key that does not start with a quote, cJSON gives the byte
	 * after its first. */
	if (at > 0) {
		place_find(&place, text, len, at - 1);
		if (!place.in_string && in_object(&place) &&
		    (place.last == '{' || place.last == ',') &&
		    (unsigned char)text[at - 1] > 0x20 && text[at - 1] != '"') {
			*offset = at - 1;
			return place.last == ',' && text[at - 1] == '}'
				       ? "a comma after the last key"
				       : "a key must start with a quote";
		}
	}
	place_find(&place, text, len, at);
	*offset = at;
	if (place.in_string) {
		if (string_end(text, len, place.string) < len)
			return "an escape that is not JSON";
		*offset = place.string;
		return "the text ends inside this string";
	}
	if (place.depth >= CJSON_NESTING_LIMIT)
		return "nested too deep for any description";
	if (skip_space(text, len, at) == len)
		return place.depth > 0
			       ? "the text ends before all brackets are closed"
			       : "the text ends where a value should be";
	if (place.depth == 0 && place.last != '\0')
		return "text after the end of the description";
	if (place.last == ',' && text[at] == ']')
		return "a comma after the last item";
	return "this is not JSON";
}

static const char *strict_string(const char *text, size_t len, size_t *at)
{
	for (++*at; *at < len && text[*at] != '"'; ++*at) {
		if ((unsigned char)text[*at] < 0x20)
			return "a control character inside a string: write it "
			       "as an escape";
		if (text[*at] != '\\')
			continue;
		if (len - *at >= 6 && memcmp(&text[*at], "\\u0000", 6) == 0)
			return "a string cannot hold \\u0000";
		++*at;
	}
	return NULL;
}

const char *json_text_strict(const char *text, size_t len, size_t *offset)
{
	for (size_t at = text_start(text, len); at < len; at++) {
		const char *fault = NULL;

		if (text[at] == '"')
			fault = strict_string(text, len, &at);
		else if ((unsigned char)text[at] < 0x20 &&
			 !is_one_of(text[at], "\t\n\r"))
			fault = "a control character between values";
		if (fault) {
			*offset = at;
			return fault;
		}
	}
	return NULL;
}
