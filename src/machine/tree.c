/* SPDX-License-Identifier: MIT */
/*
 * The tree of a whole machine.
 *
 * In the log it is one line for each object, its path and what is directly in
 * it, and not more lines than TREE_DUMP_LINES: the guest's NICs decide how large
 * the tree is, not how much is logged.
 */
#include "machine/tree.h"

#include "base/log.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX 900
#define PATH_MAX 256

int tree_fill(const struct tree *tree, struct inspect *in,
	      void (*done)(void *arg), void *arg)
{
	struct kvm_vm_stats stats;

	kvm_vm_stats(tree->vm, &stats);
	inspect_begin(in, "machine");
	inspect_str(in, "status", life_status(tree->life));
	inspect_u64(in, "exits", stats.exits);
	inspect_u64(in, "accesses", stats.accesses);
	inspect_end(in);
	return nics_inspect(tree->nics, in, done, arg);
}

/* A line in the making; what does not fit is left out. */
struct line {
	char text[LINE_MAX];
	size_t len;
};

static void add(struct line *line, const char *text)
{
	size_t n = MIN(strlen(text), sizeof(line->text) - 1 - line->len);

	memcpy(line->text + line->len, text, n);
	line->len += n;
	line->text[line->len] = '\0';
}

static void add_value(struct line *line, const cJSON *value)
{
	char *text = cJSON_PrintUnformatted(value);

	add(line, " ");
	add(line, value->string);
	add(line, "=");
	add(line, text ? text : "?");
	cJSON_free(text);
}

/* Logs @object, called @path, and all objects in it. */
static void log_object(const cJSON *object, const char *path,
		       unsigned int *lines)
{
	struct line line = {.len = 0};
	const cJSON *value;
	bool any = false;

	add(&line, *path ? path : "/");
	add(&line, ":");
	cJSON_ArrayForEach (value, object) {
		if (cJSON_IsObject(value))
			continue;
		add_value(&line, value);
		any = true;
	}
	if (any && (*lines)++ < TREE_DUMP_LINES)
		log_info("%s", line.text);
	cJSON_ArrayForEach (value, object) {
		char inner[PATH_MAX];

		if (!cJSON_IsObject(value))
			continue;
		(void)snprintf(inner, sizeof(inner), "%s/%s", path,
			       value->string);
		log_object(value, inner, lines);
	}
}

static void filled_cb(void *arg)
{
	struct tree_dump *dump = arg;
	cJSON *tree = cJSON_Parse(inspect_text(&dump->in));
	unsigned int lines = 0;

	if (tree)
		log_object(tree, "", &lines);
	else
		log_error("inspect: the tree is too large");
	if (lines > TREE_DUMP_LINES)
		log_info("inspect: %u lines left out", lines - TREE_DUMP_LINES);
	cJSON_Delete(tree);
	tree_dump_fini(dump);
}

void tree_dump(struct tree_dump *dump, const struct tree *tree)
{
	if (dump->active)
		return;
	dump->active = true;
	inspect_init(&dump->in);
	if (tree_fill(tree, &dump->in, filled_cb, dump) < 0) {
		log_error("inspect: out of memory");
		tree_dump_fini(dump);
	}
}

void tree_dump_fini(struct tree_dump *dump)
{
	if (!dump->active)
		return;
	inspect_fini(&dump->in);
	dump->active = false;
}
