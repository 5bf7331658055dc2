/* SPDX-License-Identifier: MIT */
/*
 * The manual page of descriptions, evnic.json(5), made of the table of keys.
 */
#include "machine/docs.h"

#include "base/util.h"
#include "machine/keys.h"
#include "machine/mdoc.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static const char head[] =
	".\\\" SPDX-License-Identifier: MIT\n"
	".\\\" Generated from src/machine/keys.c: `ninja docs` writes this "
	"file.\n"
	".Dd November 21, 2026\n"
	".Dt EVNIC.JSON 5\n"
	".Os\n"
	".Sh NAME\n"
	".Nm evnic.json\n"
	".Nd description of a virtual machine for evnic\n"
	".Sh DESCRIPTION\n";

static const char *const intro[] = {
	"A description is a JSON text of at most 1 MiB that says what `evnic "
	"run` is to launch. The keys are Firecracker's where it has the thing, "
	"so that a Firecracker file with an initrd and a TAP NIC boots "
	"unchanged. The file may have any name.",
	"An unknown key, a key given twice, a value of the wrong type or out of "
	"its range is an error. `evnic check` tells all errors in one pass, as "
	"FILE:LINE:COLUMN: /json/pointer: what, and the rule. A key that is "
	"not required may be `null`, which is the same as leaving it out.",
	"Paths are relative to the directory in which evnic is started.",
};

/* The rule and the default, as a sentence. */
static void write_rule(FILE *out, const struct key *key)
{
	bool quote = key->type == KEY_STRING || key->type == KEY_WORD;
	char text[KEY_RULE_MAX + 64], rule[KEY_RULE_MAX];
	int n;

	n = snprintf(text, sizeof(text), "%s",
		     key_rule(key, rule, sizeof(rule)));
	text[0] = (char)toupper((unsigned char)text[0]);
	if (key->required)
		(void)snprintf(text + n, sizeof(text) - (size_t)n,
			       "; required.");
	else if (key->fallback)
		(void)snprintf(text + n, sizeof(text) - (size_t)n,
			       "; the default is `%s%s%s`.", quote ? "\"" : "",
			       key->fallback, quote ? "\"" : "");
	else
		(void)snprintf(text + n, sizeof(text) - (size_t)n, ".");
	mdoc_text(out, text);
}

static void write_keys(FILE *out, const struct key_table *table)
{
	(void)fprintf(out, ".Bl -tag -width Ds\n");
	for (size_t i = 0; i < table->n_keys; i++) {
		const struct key *key = &table->keys[i];

		if (key->type == KEY_FOREIGN)
			continue;
		(void)fprintf(out, ".It Cm");
		mdoc_string(out, key->name);
		(void)fputc('\n', out);
		write_rule(out, key);
		mdoc_text(out, key->text);
		if (key->only_for) {
			char text[128];

			(void)snprintf(text, sizeof(text), "Only with %s `%s`.",
				       table->selector, key->only_for);
			mdoc_text(out, text);
		}
	}
	(void)fprintf(out, ".El\n");
}

/* Firecracker's keys that evnic only lets pass. */
static void write_foreign(FILE *out, const struct key_table *table)
{
	bool any = false;

	for (size_t i = 0; i < table->n_keys; i++) {
		const struct key *key = &table->keys[i];

		if (key->type != KEY_FOREIGN)
			continue;
		if (!any) {
			(void)fprintf(out, ".Pp\n");
			mdoc_text(out,
				  "Keys of Firecracker's that are "
				  "accepted only if they ask for nothing "
				  "(`null`, `false`, `\"None\"` or `[]`):");
			(void)fprintf(out, ".Pp\n"
					   ".Bl -tag -width Ds -compact\n");
			any = true;
		}
		(void)fprintf(out, ".It Cm");
		mdoc_string(out, key->name);
		(void)fputc('\n', out);
		mdoc_phrase(out, key->text);
	}
	if (any)
		(void)fprintf(out, ".El\n");
}

/* A section for each table that @table's keys name, and for those of its own
 * keys right after it. Neighbours with the same table share a section. */
static void write_sections(FILE *out, const struct key_table *table)
{
	size_t next;

	for (size_t i = 0; i < table->n_keys; i = next) {
		const struct key *key = &table->keys[i];

		next = i + 1;
		if (!key->table)
			continue;
		(void)fprintf(out, ".Ss");
		mdoc_string(out, key->name);
		if (key->type == KEY_LIST)
			(void)fprintf(out, " Pq each");
		for (; next < table->n_keys &&
		       table->keys[next].table == key->table;
		     next++) {
			(void)fprintf(out, " ,");
			mdoc_string(out, table->keys[next].name);
		}
		(void)fputc('\n', out);
		mdoc_text(out,
			  next == i + 1 ? key->text : "Each has these keys.");
		write_keys(out, key->table);
		write_foreign(out, key->table);
		write_sections(out, key->table);
	}
}

static const char example[] =
	"{\n"
	"  \"boot-source\": {\n"
	"    \"kernel_image_path\": \"vmlinuz\",\n"
	"    \"initrd_path\": \"initrd.img\",\n"
	"    \"boot_args\": \"console=ttyS0\"\n"
	"  },\n"
	"  \"machine-config\": {\"vcpu_count\": 2, \"mem_size_mib\": 512},\n"
	"  \"backends\": [\n"
	"    {\"id\": \"lan\", \"type\": \"tap\", \"host_dev_name\": "
	"\"tap0\"}\n"
	"  ],\n"
	"  \"network-interfaces\": [\n"
	"    {\"iface_id\": \"eth0\", \"backend\": \"lan\"}\n"
	"  ]\n"
	"}\n";

void docs_write_man_json(FILE *out)
{
	(void)fputs(head, out);
	for (size_t i = 0; i < ARRAY_SIZE(intro); i++) {
		if (i)
			(void)fprintf(out, ".Pp\n");
		mdoc_text(out, intro[i]);
	}
	(void)fprintf(out, ".Sh KEYS\n");
	mdoc_text(out, "The description itself has these keys.");
	write_keys(out, &key_table_machine);
	write_foreign(out, &key_table_machine);
	write_sections(out, &key_table_machine);
	(void)fprintf(out, ".Sh FILES\n"
			   ".Bl -tag -width Ds\n"
			   ".It Pa share/evnic/machine.schema.json\n"
			   "The same as a JSON schema, for editors.\n"
			   ".It Pa share/doc/evnic/examples\n"
			   "Descriptions to start from.\n"
			   ".El\n"
			   ".Sh EXAMPLES\n"
			   "A machine with one NIC on a TAP interface:\n");
	mdoc_example(out, example);
	(void)fprintf(out, ".Sh SEE ALSO\n"
			   ".Xr evnic 8\n");
}
