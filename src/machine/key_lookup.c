/* SPDX-License-Identifier: MIT */
/*
 * Questions to the table of keys.
 */
#include "machine/keys.h"

#include "base/util.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

const struct key *key_find(const struct key_table *table, const char *name)
{
	for (size_t i = 0; i < table->n_keys; i++) {
		if (strcmp(table->keys[i].name, name) == 0)
			return &table->keys[i];
	}
	return NULL;
}

/* Edits (insert, delete, replace a character) that turn @a into @b. Both are at
 * most KEY_NAME_MAX long. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t row[KEY_NAME_MAX + 1];
	size_t n = strlen(b);

	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < n; j++) {
			size_t replace = diagonal + (a[i] != b[j]);
			size_t other = MIN(row[j], row[j + 1]) + 1;

			diagonal = row[j + 1];
			row[j + 1] = MIN(replace, other);
		}
	}
	return row[n];
}

const struct key *key_guess(const struct key_table *table, const char *name)
{
	size_t len = strnlen(name, KEY_NAME_MAX + 1);
	size_t best = MAX(len / 3, 1) + 1;
	const struct key *guess = NULL;

	if (len > KEY_NAME_MAX)
		return NULL;
	for (size_t i = 0; i < table->n_keys; i++) {
		size_t distance = edit_distance(name, table->keys[i].name);

		if (distance < best) {
			best = distance;
			guess = &table->keys[i];
		}
	}
	return guess;
}

int key_word_index(const struct key *key, const char *word)
{
	const char *w;

	for (size_t i = 0; (w = key->word(i)); i++) {
		if (strcmp(w, word) == 0 ||
		    (key->any_case && strcasecmp(w, word) == 0))
			return (int)i;
	}
	return -1;
}

bool key_applies(const struct key *key, const char *word)
{
	const char *at = key->only_for;
	size_t len = strlen(word);

	if (!at)
		return true;
	for (; (at = strstr(at, word)); at += len) {
		bool starts = at == key->only_for || at[-1] == ' ';

		if (starts && (at[len] == '\0' || at[len] == ' '))
			return true;
	}
	return false;
}

static void append(char *buf, size_t size, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

static void append(char *buf, size_t size, const char *fmt, ...)
{
	size_t used = strlen(buf);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(buf + used, size - used, fmt, ap);
	va_end(ap);
}

static void words_rule(const struct key *key, char *buf, size_t size)
{
	for (size_t i = 0; key->word(i); i++) {
		if (i > 0)
			append(buf, size, key->word(i + 1) ? ", " : " or ");
		append(buf, size, "\"%s\"", key->word(i));
	}
}

const char *key_rule(const struct key *key, char *buf, size_t size)
{
	buf[0] = '\0';
	switch (key->type) {
	case KEY_INT:
		append(buf, size, "%s from %lld to %lld",
		       key->power_of_two ? "a power of two" : "an integer",
		       (long long)key->min, (long long)key->max);
		if (key->unit)
			append(buf, size, " (%s)", key->unit);
		break;
	case KEY_BOOL:
		append(buf, size, "true or false");
		break;
	case KEY_STRING:
		append(buf, size, "text of %lld to %lld bytes",
		       (long long)key->min, (long long)key->max);
		break;
	case KEY_WORD:
		words_rule(key, buf, size);
		break;
	case KEY_MAC:
		append(buf, size,
		       "a unicast MAC address such as "
		       "\"06:00:ac:10:00:02\"");
		break;
	case KEY_OBJECT:
		append(buf, size, "an object");
		break;
	case KEY_STRINGS:
		append(buf, size,
		       "a list of at most %zu texts of %lld to %lld bytes",
		       key->most, (long long)key->min, (long long)key->max);
		break;
	case KEY_LIST:
		append(buf, size, "a list of at most %lld objects",
		       (long long)key->max);
		break;
	case KEY_FOREIGN:
		append(buf, size, "nothing (null, false, \"None\" or [])");
		break;
	}
	return buf;
}
