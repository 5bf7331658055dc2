/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_KEYS_H
#define EVNIC_MACHINE_KEYS_H

/*
 * The keys of a machine description: one table from which the reader, the
 * documentation and the JSON schema are made.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a key's value is in JSON, and (in brackets) in the typed config. */
enum key_type {
	KEY_INT,     /* an integer [int64_t] */
	KEY_BOOL,    /* true or false [bool] */
	KEY_STRING,  /* text [const char *] */
	KEY_WORD,    /* one word of a list [int, the word's index] */
	KEY_MAC,     /* "06:00:ac:10:00:02" [struct config_mac] */
	KEY_OBJECT,  /* an object with keys of its own [a struct] */
	KEY_STRINGS, /* a list of text [struct config_strings] */
	KEY_LIST,    /* a list of such objects [an array and its size_t] */
	KEY_FOREIGN, /* Firecracker's, evnic lacks the thing [nothing] */
};

struct key;

/* The keys of one object. @size: of the struct that holds them. @selector:
 * the key (of type KEY_WORD) that says which others apply, or NULL. */
struct key_table {
	const struct key *keys;
	size_t n_keys;
	size_t size;
	const char *selector;
};

/* @offset: of the value in its struct. @min, @max: range of an integer; bounds
 * of a string's length, or that of each in a list; most items of a list of
 * objects. @most: items of a list of text. @fallback: the default, as in
 * JSON but without quotes; NULL: none. @word: the i-th word, NULL past the
 * last; @any_case: it may be written in capitals or not.
 * @table: keys of an object, or of a list's objects. @count: of a list, offset
 * of the number of items. @only_for: words of the selector, separated by
 * blanks, with which the key may appear; NULL: all. */
struct key {
	const char *name;
	enum key_type type;
	bool required;
	bool power_of_two;
	bool any_case;
	size_t offset;
	size_t count;
	size_t most;
	int64_t min, max;
	const char *fallback;
	const char *(*word)(size_t i);
	const struct key_table *table;
	const char *only_for;
	const char *unit;
	const char *text;
};

/* The table of @rows, which is an array: struct @holder holds the values. */
#define KEY_TABLE(rows, holder, select)                       \
	{                                                     \
		.keys = (rows), .n_keys = ARRAY_SIZE(rows),   \
		.size = sizeof(holder), .selector = (select), \
	}

/* Bytes of the longest key, word or name. */
#define KEY_NAME_MAX 64

/* Of an interface's name: IFNAMSIZ - 1. */
#define KEY_IFACE_MAX 15

/* The description itself; its struct is struct machine_config. */
extern const struct key_table key_table_machine;

/* Parts of it: struct nic_config, struct backend_config, struct
 * config_limiter. */
extern const struct key_table key_table_nic;
extern const struct key_table key_table_backend;
extern const struct key_table key_table_limiter;

/* The key called @name, or NULL. */
const struct key *key_find(const struct key_table *table, const char *name);

/* The key most like @name, if one is so much alike that it may have been
 * meant; NULL otherwise. */
const struct key *key_guess(const struct key_table *table, const char *name);

/* Index of @word among the key's words, or -1. */
int key_word_index(const struct key *key, const char *word);

/* Does @key apply when its table's selector says @word? */
bool key_applies(const struct key *key, const char *word);

/* What the key's value has to be, to follow "must be". Returns @buf. */
const char *key_rule(const struct key *key, char *buf, size_t size);

#define KEY_RULE_MAX 256

#endif
