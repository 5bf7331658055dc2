/* SPDX-License-Identifier: MIT */
/*
 * From the tree that cJSON made to the typed config.
 *
 * The reader walks the tree in the text's order with the table of keys in hand
 * and stores each value where its row says. A value that breaks its row's rule
 * becomes a problem and leaves the default in its place, so that one pass finds
 * everything. Keys that were left out have their defaults from the start.
 */
#include "machine/reader.h"

#include "machine/json_text.h"
#include "machine/keys.h"
#include "machine/where.h"

#include <stdlib.h>
#include <string.h>

/* What the text has there, for a message. */
static const char *value_text(const cJSON *value, char *buf, size_t size)
{
	if (cJSON_IsString(value))
		return quoted(value->valuestring, buf, size);
	if (cJSON_IsNumber(value))
		(void)snprintf(buf, size, "%.15g", value->valuedouble);
	else
		(void)snprintf(buf, size, "%s",
			       cJSON_IsBool(value)
				       ? cJSON_IsTrue(value) ? "true" : "false"
			       : cJSON_IsArray(value)  ? "a list"
			       : cJSON_IsObject(value) ? "an object"
						       : "null");
	return buf;
}

/* A value that breaks its key's rule: @how, and the rule. */
static void value_problem(struct description *desc, const struct where *at,
			  const struct key *key, const cJSON *value,
			  const char *how)
{
	char text[QUOTED_MAX], rule[KEY_RULE_MAX];

	problems_add(&desc->problems, where_pos(desc, at, false), at->pointer,
		     "%s %s: must be %s", value_text(value, text, sizeof(text)),
		     how, key_rule(key, rule, sizeof(rule)));
}

static void read_object(struct description *desc, const struct where *at,
			const cJSON *object, const struct key_table *table,
			void *base);

static void read_int(struct description *desc, const struct where *at,
		     const cJSON *value, const struct key *key, int64_t *out)
{
	double number = value->valuedouble;
	size_t offset;

	if (!cJSON_IsNumber(value)) {
		value_problem(desc, at, key, value, "is not an integer");
		return;
	}
	offset = json_text_find(desc->text, desc->len, at->index, at->depth,
				false);
	if (!json_text_is_integer(desc->text, desc->len, offset)) {
		value_problem(desc, at, key, value,
			      "is not written as an integer");
	} else if (number < (double)key->min || number > (double)key->max) {
		value_problem(desc, at, key, value, "is out of range");
	} else if (key->power_of_two &&
		   ((int64_t)number & ((int64_t)number - 1))) {
		value_problem(desc, at, key, value, "is not a power of two");
	} else {
		*out = (int64_t)number;
	}
}

static void read_string(struct description *desc, const struct where *at,
			const cJSON *value, const struct key *key,
			const char **out)
{
	size_t len;

	if (!cJSON_IsString(value)) {
		value_problem(desc, at, key, value, "is not text");
		return;
	}
	len = strlen(value->valuestring);
	if (len < (size_t)key->min)
		value_problem(desc, at, key, value, "is too short");
	else if (len > (size_t)key->max)
		value_problem(desc, at, key, value, "is too long");
	else
		*out = value->valuestring;
}

static void read_word(struct description *desc, const struct where *at,
		      const cJSON *value, const struct key *key, int *out)
{
	int index = cJSON_IsString(value)
			    ? key_word_index(key, value->valuestring)
			    : -1;

	if (index < 0)
		value_problem(desc, at, key, value, "is not known");
	else
		*out = index;
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdefABCDEF";
	const char *d = c ? strchr(digits, c) : NULL;

	if (!d)
		return -1;
	return d - digits < 16 ? (int)(d - digits) : (int)(d - digits) - 6;
}

static bool mac_parse(const char *text, uint8_t *mac)
{
	if (strlen(text) != 17)
		return false;
	for (size_t i = 0; i < 6; i++) {
		int high = hex_digit(text[3 * i]);
		int low = hex_digit(text[3 * i + 1]);

		if (high < 0 || low < 0 || (i < 5 && text[3 * i + 2] != ':'))
			return false;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static void read_mac(struct description *desc, const struct where *at,
		     const cJSON *value, const struct key *key,
		     struct config_mac *out)
{
	static const uint8_t zero[6];
	struct config_mac mac = {.given = true};

	if (!cJSON_IsString(value) || !mac_parse(value->valuestring, mac.bytes))
		value_problem(desc, at, key, value, "is not a MAC address");
	else if (mac.bytes[0] & 1)
		value_problem(desc, at, key, value, "is a multicast address");
	else if (memcmp(mac.bytes, zero, sizeof(zero)) == 0)
		value_problem(desc, at, key, value, "is no address");
	else
		*out = mac;
}

static void read_list(struct description *desc, const struct where *at,
		      const cJSON *value, const struct key *key, char *items,
		      size_t *count)
{
	const cJSON *item;
	struct where in;

	if (!cJSON_IsArray(value)) {
		value_problem(desc, at, key, value, "is not a list");
		return;
	}
	cJSON_ArrayForEach (item, value) {
		char *base = items + *count * key->table->size;

		where_enter(&in, at, *count, NULL);
		if (*count >= (size_t)key->max) {
			problems_add(&desc->problems,
				     where_pos(desc, &in, false), in.pointer,
				     "one too many: at most %lld are allowed",
				     (long long)key->max);
			return;
		}
		++*count;
		read_object(desc, &in, item, key->table, base);
	}
}

static void read_strings(struct description *desc, const struct where *at,
			 const cJSON *value, const struct key *key,
			 struct config_strings *out)
{
	size_t n = (size_t)cJSON_GetArraySize(value);
	const char **items;
	const cJSON *item;
	struct where in;
	size_t i = 0;

	if (!cJSON_IsArray(value)) {
		value_problem(desc, at, key, value, "is not a list");
		return;
	}
	items = description_strings(desc, MIN(n, key->most));
	if (!items) {
		value_problem(desc, at, key, value, "takes too much memory");
		return;
	}
	cJSON_ArrayForEach (item, value) {
		where_enter(&in, at, i, NULL);
		if (i == key->most) {
			value_problem(desc, &in, key, item, "is one too many");
			return;
		}
		read_string(desc, &in, item, key, &items[i++]);
	}
	for (i = 0; i < n; i++) {
		if (!items[i])
			return; /* that was told */
	}
	*out = (struct config_strings){.items = items, .n = n};
}

/* Does a value for something that evnic lacks ask for nothing? */
static bool asks_nothing(const cJSON *value)
{
	return cJSON_IsFalse(value) ||
	       (cJSON_IsArray(value) && !value->child) ||
	       (cJSON_IsString(value) &&
		strcmp(value->valuestring, "None") == 0);
}

static void read_value(struct description *desc, const struct where *at,
		       const cJSON *value, const struct key *key, char *base)
{
	void *out = base + key->offset;

	switch (key->type) {
	case KEY_INT:
		read_int(desc, at, value, key, out);
		break;
	case KEY_BOOL:
		if (cJSON_IsBool(value))
			*(bool *)out = cJSON_IsTrue(value);
		else
			value_problem(desc, at, key, value,
				      "is not true or false");
		break;
	case KEY_STRING:
		read_string(desc, at, value, key, out);
		break;
	case KEY_WORD:
		read_word(desc, at, value, key, out);
		break;
	case KEY_MAC:
		read_mac(desc, at, value, key, out);
		break;
	case KEY_OBJECT:
		read_object(desc, at, value, key->table, out);
		break;
	case KEY_STRINGS:
		read_strings(desc, at, value, key, out);
		break;
	case KEY_LIST:
		read_list(desc, at, value, key, out,
			  (size_t *)(void *)(base + key->count));
		break;
	case KEY_FOREIGN:
		if (!asks_nothing(value))
			problems_add(&desc->problems, where_pos(desc, at, true),
				     at->pointer, "%s; leave the key out",
				     key->text);
		break;
	}
}

static void apply_defaults(const struct key_table *table, char *base)
{
	for (size_t i = 0; i < table->n_keys; i++) {
		const struct key *key = &table->keys[i];
		const char *text = key->fallback;
		void *out = base + key->offset;

		switch (key->type) {
		case KEY_INT:
			*(int64_t *)out =
				text ? strtoll(text, NULL, 10) : CONFIG_ABSENT;
			break;
		case KEY_BOOL:
			*(bool *)out = text && strcmp(text, "true") == 0;
			break;
		case KEY_STRING:
			*(const char **)out = text;
			break;
		case KEY_WORD:
			*(int *)out = text ? key_word_index(key, text)
					   : CONFIG_ABSENT;
			break;
		case KEY_OBJECT:
			apply_defaults(key->table, out);
			break;
		case KEY_MAC:
		case KEY_STRINGS:
		case KEY_LIST:
		case KEY_FOREIGN:
			break; /* zero is right */
		}
	}
}

static void unknown_key(struct description *desc, const struct where *at,
			const struct key_table *table, const char *name)
{
	const struct key *guess = NULL;

	if (!problems_full(&desc->problems))
		guess = key_guess(table, name);
	problems_add(&desc->problems, where_pos(desc, at, true), at->pointer,
		     guess ? "unknown key, did you mean \"%s\"?"
			   : "unknown key",
		     guess ? guess->name : "");
}

/* Keys that were given although the selector's word excludes them. */
static void check_selected(struct description *desc, const struct where *at,
			   const cJSON *object, const struct key_table *table,
			   const char *base)
{
	const struct key *selector = key_find(table, table->selector);
	int index;
	const cJSON *value;
	size_t i = 0;

	memcpy(&index, base + selector->offset, sizeof(index));
	if (index < 0)
		return; /* a problem of its own */
	cJSON_ArrayForEach (value, object) {
		const struct key *key = key_find(table, value->string);
		const char *word = selector->word((size_t)index);
		struct where in;

		where_enter(&in, at, i++, value->string);
		if (key && !cJSON_IsNull(value) && !key_applies(key, word))
			problems_add(&desc->problems,
				     where_pos(desc, &in, true), in.pointer,
				     "not with \"%s\": \"%s\", only with %s",
				     selector->name, word, key->only_for);
	}
}

static void read_object(struct description *desc, const struct where *at,
			const cJSON *object, const struct key_table *table,
			void *base)
{
	uint64_t seen = 0;
	const cJSON *value;
	size_t i = 0;

	apply_defaults(table, base);
	if (!cJSON_IsObject(object)) {
		char text[QUOTED_MAX];

		problems_add(&desc->problems, where_pos(desc, at, false),
			     at->pointer, "%s is not an object",
			     value_text(object, text, sizeof(text)));
		return;
	}
	cJSON_ArrayForEach (value, object) {
		const struct key *key = key_find(table, value->string);
		struct where in;
		uint64_t bit;

		where_enter(&in, at, i++, value->string);
		if (!key) {
			unknown_key(desc, &in, table, value->string);
			continue;
		}
		bit = 1ULL << (key - table->keys);
		if (seen & bit) {
			problems_add(&desc->problems,
				     where_pos(desc, &in, true), in.pointer,
				     "given twice: a key may appear once");
			continue;
		}
		seen |= bit;
		if (!cJSON_IsNull(value))
			read_value(desc, &in, value, key, base);
		else if (key->required)
			value_problem(desc, &in, key, value, "is not allowed");
	}
	for (i = 0; i < table->n_keys; i++) {
		const struct key *key = &table->keys[i];
		char rule[KEY_RULE_MAX];

		if (key->required && !(seen & 1ULL << i))
			problems_add(&desc->problems,
				     where_pos(desc, at, false), at->pointer,
				     "\"%s\" is missing: must be %s", key->name,
				     key_rule(key, rule, sizeof(rule)));
	}
	if (table->selector)
		check_selected(desc, at, object, table, base);
}

void reader_read(struct description *desc, const struct key_table *keys,
		 void *base)
{
	const struct where top = {.depth = 0};

	read_object(desc, &top, desc->root, keys, base);
}
