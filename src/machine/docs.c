/* SPDX-License-Identifier: MIT */
/*
 * The documentation of descriptions and their JSON schema (draft 2020-12), made
 * of the table of keys. The schema knows the keys one by one; rules that involve
 * several are in its texts alone.
 */
#include "machine/docs.h"

#include "machine/config.h"
#include "machine/keys.h"

#include <cjson/cJSON.h>
#include <string.h>

static const char intro[] =
	"# Machine descriptions\n"
	"\n"
	"<!-- Generated from src/machine/keys.c: `ninja docs` writes this file. "
	"-->\n"
	"\n"
	"`evnic run FILE` launches the machine that FILE describes; "
	"`evnic check FILE`\n"
	"tells everything that is wrong with a description. The keys are "
	"Firecracker's\n"
	"where it has the thing, so that a Firecracker file with an initrd and "
	"a TAP NIC\n"
	"boots unchanged. `machine.schema.json` tells editors the same;\n"
	"`examples/` has files to start from.\n"
	"\n"
	"An unknown key, a key given twice, a value of the wrong type or out of "
	"its range\n"
	"is an error; all errors are told in one pass, as\n"
	"`FILE:LINE:COLUMN: /json/pointer: what, and the rule`, and evnic ends "
	"with status\n"
	"2. `null` is the same as leaving an optional key out.\n";

static void write_row(FILE *out, const struct key *key)
{
	char rule[KEY_RULE_MAX];
	const char *quote =
		key->type == KEY_STRING || key->type == KEY_WORD ? "\"" : "";

	(void)fprintf(out, "| `%s` | %s | ", key->name,
		      key_rule(key, rule, sizeof(rule)));
	if (key->required)
		(void)fprintf(out, "required");
	else if (key->fallback)
		(void)fprintf(out, "`%s%s%s`", quote, key->fallback, quote);
	(void)fprintf(out, " | %s", key->text);
	if (key->only_for)
		(void)fprintf(out, " Only with `%s`.", key->only_for);
	(void)fprintf(out, " |\n");
}

/* @title: of the table's section; NULL: the description itself. */
static void write_table(FILE *out, const struct key_table *table,
			const char *title, const char *text)
{
	size_t n_foreign = 0;

	if (title)
		(void)fprintf(out, "\n## %s\n\n%s\n", title, text);
	(void)fprintf(out, "\n| key | value | default | meaning |\n"
			   "|---|---|---|---|\n");
	for (size_t i = 0; i < table->n_keys; i++) {
		if (table->keys[i].type == KEY_FOREIGN)
			n_foreign++;
		else
			write_row(out, &table->keys[i]);
	}
	if (n_foreign == 0)
		return;
	(void)fprintf(out, "\nKeys of Firecracker's that evnic accepts only if "
			   "they ask for nothing (null, false,\n"
			   "\"None\" or []):\n\n");
	for (size_t i = 0; i < table->n_keys; i++) {
		const struct key *key = &table->keys[i];

		if (key->type == KEY_FOREIGN)
			(void)fprintf(out, "- `%s`: %s.\n", key->name,
				      key->text);
	}
}

/* A section for each table that @table's keys name, and for those of its own
 * keys right after it. Neighbours with the same table share a section. */
static void write_sections(FILE *out, const struct key_table *table)
{
	size_t next;

	for (size_t i = 0; i < table->n_keys; i = next) {
		const struct key *key = &table->keys[i];
		char title[256];
		int used;

		next = i + 1;
		if (!key->table)
			continue;
		used = snprintf(title, sizeof(title), "%s%s", key->name,
				key->type == KEY_LIST ? " (each)" : "");
		for (; next < table->n_keys &&
		       table->keys[next].table == key->table;
		     next++)
			used += snprintf(title + used,
					 sizeof(title) - (size_t)used, ", %s",
					 table->keys[next].name);
		write_table(out, key->table, title,
			    next == i + 1 ? key->text : "Each has these keys.");
		write_sections(out, key->table);
	}
}

void docs_write_markdown(FILE *out)
{
	(void)fputs(intro, out);
	write_table(out, &key_table_machine, NULL, NULL);
	write_sections(out, &key_table_machine);
}

/* The schema is built best effort; a node that could not be had shows as a
 * missing child, and cJSON_Print() of NULL as an error in the file. */
static void add_type(cJSON *schema, const struct key *key, const char *type)
{
	cJSON *types;

	if (key->required) {
		(void)cJSON_AddStringToObject(schema, "type", type);
		return;
	}
	types = cJSON_AddArrayToObject(schema, "type");
	(void)cJSON_AddItemToArray(types, cJSON_CreateString(type));
	(void)cJSON_AddItemToArray(types, cJSON_CreateString("null"));
}

static void add_words(cJSON *schema, const struct key *key)
{
	cJSON *words = cJSON_AddArrayToObject(schema, "enum");

	for (size_t i = 0; key->word(i); i++)
		(void)cJSON_AddItemToArray(words,
					   cJSON_CreateString(key->word(i)));
	if (!key->required)
		(void)cJSON_AddItemToArray(words, cJSON_CreateNull());
}

static void add_nothing(cJSON *schema)
{
	cJSON *values = cJSON_AddArrayToObject(schema, "enum");

	(void)cJSON_AddItemToArray(values, cJSON_CreateNull());
	(void)cJSON_AddItemToArray(values, cJSON_CreateFalse());
	(void)cJSON_AddItemToArray(values, cJSON_CreateString("None"));
	(void)cJSON_AddItemToArray(values, cJSON_CreateArray());
}

static void add_powers(cJSON *schema, const struct key *key)
{
	cJSON *values = cJSON_AddArrayToObject(schema, "enum");

	for (int64_t v = key->min; v <= key->max; v *= 2)
		(void)cJSON_AddItemToArray(values,
					   cJSON_CreateNumber((double)v));
	if (!key->required)
		(void)cJSON_AddItemToArray(values, cJSON_CreateNull());
}

static void add_default(cJSON *schema, const struct key *key)
{
	if (!key->fallback)
		return;
	if (key->type == KEY_STRING || key->type == KEY_WORD)
		(void)cJSON_AddStringToObject(schema, "default", key->fallback);
	else
		(void)cJSON_AddRawToObject(schema, "default", key->fallback);
}

static void add_table(cJSON *schema, const struct key_table *table);

static void add_key(cJSON *schema, const struct key *key)
{
	cJSON *items;

	(void)cJSON_AddStringToObject(schema, "description", key->text);
	switch (key->type) {
	case KEY_INT:
		add_type(schema, key, "integer");
		if (key->power_of_two)
			add_powers(schema, key);
		(void)cJSON_AddNumberToObject(schema, "minimum",
					      (double)key->min);
		(void)cJSON_AddNumberToObject(schema, "maximum",
					      (double)key->max);
		break;
	case KEY_BOOL:
		add_type(schema, key, "boolean");
		break;
	case KEY_STRING:
		add_type(schema, key, "string");
		(void)cJSON_AddNumberToObject(schema, "minLength",
					      (double)key->min);
		(void)cJSON_AddNumberToObject(schema, "maxLength",
					      (double)key->max);
		break;
	case KEY_WORD:
		add_words(schema, key);
		break;
	case KEY_MAC:
		add_type(schema, key, "string");
		(void)cJSON_AddStringToObject(
			schema, "pattern",
			"^[0-9A-Fa-f][02468ACEace](:[0-9A-Fa-f]{2}){5}$");
		break;
	case KEY_OBJECT:
		add_type(schema, key, "object");
		add_table(schema, key->table);
		break;
	case KEY_STRINGS:
		add_type(schema, key, "array");
		(void)cJSON_AddNumberToObject(schema, "maxItems",
					      (double)key->most);
		items = cJSON_AddObjectToObject(schema, "items");
		(void)cJSON_AddStringToObject(items, "type", "string");
		(void)cJSON_AddNumberToObject(items, "minLength",
					      (double)key->min);
		(void)cJSON_AddNumberToObject(items, "maxLength",
					      (double)key->max);
		break;
	case KEY_LIST:
		add_type(schema, key, "array");
		(void)cJSON_AddNumberToObject(schema, "maxItems",
					      (double)key->max);
		items = cJSON_AddObjectToObject(schema, "items");
		(void)cJSON_AddStringToObject(items, "type", "object");
		add_table(items, key->table);
		break;
	case KEY_FOREIGN:
		add_nothing(schema);
		break;
	}
	add_default(schema, key);
}

static void add_table(cJSON *schema, const struct key_table *table)
{
	cJSON *properties, *required = NULL;

	(void)cJSON_AddFalseToObject(schema, "additionalProperties");
	for (size_t i = 0; i < table->n_keys; i++) {
		if (!table->keys[i].required)
			continue;
		if (!required)
			required = cJSON_AddArrayToObject(schema, "required");
		(void)cJSON_AddItemToArray(
			required, cJSON_CreateString(table->keys[i].name));
	}
	properties = cJSON_AddObjectToObject(schema, "properties");
	for (size_t i = 0; i < table->n_keys; i++)
		add_key(cJSON_AddObjectToObject(properties,
						table->keys[i].name),
			&table->keys[i]);
}

void docs_write_schema(FILE *out)
{
	cJSON *schema = cJSON_CreateObject();
	char *text;

	(void)cJSON_AddStringToObject(
		schema, "$schema",
		"https://json-schema.org/draft/2020-12/schema");
	(void)cJSON_AddStringToObject(schema, "title",
				      "evnic machine description");
	(void)cJSON_AddStringToObject(schema, "type", "object");
	add_table(schema, &key_table_machine);
	text = cJSON_Print(schema);
	cJSON_Delete(schema);
	(void)fprintf(out, "%s\n", text ? text : "out of memory");
	cJSON_free(text);
}
