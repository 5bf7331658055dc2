/* SPDX-License-Identifier: MIT */
/*
 * Commands of "evnic ctl" that show what a query tells: a table for people, the
 * answer itself with --json.
 */
#include "machine/ctl_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

const char *ctl_string(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(member(object, name));
}

double ctl_number(const cJSON *object, const char *name)
{
	const cJSON *value = member(object, name);

	return cJSON_IsNumber(value) ? value->valuedouble : 0;
}

static const char *or_none(const char *text)
{
	return text ? text : "-";
}

/* The answer to @command, for a table; NULL: there is nothing left to do, and
 * *@status says how it ended. */
static cJSON *ask(struct ctl *ctl, const char *command, cJSON *args,
		  int *status)
{
	cJSON *result = ctl_call(&ctl->client, command, args, -1);

	*status = CTL_FAILED;
	if (result && ctl->json) {
		*status = ctl_print_json(result);
		return NULL;
	}
	return result;
}

static int finish(cJSON *result)
{
	cJSON_Delete(result);
	return ferror(stdout) ? CTL_FAILED : CTL_DONE;
}

int ctl_run_status(struct ctl *ctl)
{
	int status;
	cJSON *result = ask(ctl, "query-status", NULL, &status);

	if (!result)
		return status;
	(void)printf("%s\n", or_none(ctl_string(result, "status")));
	return finish(result);
}

static bool is_limited(const cJSON *nic)
{
	const cJSON *rx = member(nic, "rx_rate_limiter");
	const cJSON *tx = member(nic, "tx_rate_limiter");

	return cJSON_GetArraySize(rx) > 0 || cJSON_GetArraySize(tx) > 0;
}

static bool is_captured(const cJSON *nic)
{
	return cJSON_IsTrue(member(member(nic, "capture"), "active"));
}

int ctl_run_nics(struct ctl *ctl)
{
	static const char *const headings[] = {"NIC",	 "MODEL",   "MAC",
					       "LINK",	 "NETDEV",  "BACKEND",
					       "QUEUES", "LIMITED", "CAPTURED"};
	int status;
	cJSON *result = ask(ctl, "query-nics", NULL, &status);
	struct ctl_table table;
	const cJSON *nic;

	if (!result)
		return status;
	ctl_table_init(&table, ARRAY_SIZE(headings));
	for (size_t i = 0; i < ARRAY_SIZE(headings); i++)
		ctl_table_add(&table, "%s", headings[i]);
	cJSON_ArrayForEach (nic, result) {
		bool up = cJSON_IsTrue(member(nic, "link"));

		ctl_table_add(&table, "%s", or_none(ctl_string(nic, "id")));
		ctl_table_add(&table, "%s", or_none(ctl_string(nic, "model")));
		ctl_table_add(&table, "%s", or_none(ctl_string(nic, "mac")));
		ctl_table_add(&table, "%s", up ? "up" : "down");
		ctl_table_add(&table, "%s", or_none(ctl_string(nic, "netdev")));
		ctl_table_add(&table, "%s",
			      or_none(ctl_string(nic, "backend")));
		ctl_table_add(&table, "%.0f", ctl_number(nic, "queue_pairs"));
		ctl_table_add(&table, "%s", is_limited(nic) ? "yes" : "no");
		ctl_table_add(&table, "%s", is_captured(nic) ? "yes" : "no");
	}
	ctl_table_print(&table, 0, "\n");
	return finish(result);
}

static cJSON *optional_id(const struct ctl *ctl)
{
	cJSON *args = cJSON_CreateObject();

	if (ctl_word(ctl, 0))
		(void)cJSON_AddStringToObject(args, "id", ctl_word(ctl, 0));
	return args;
}

/* Is the counter 0 in all queues? */
static bool is_zero(const cJSON *queues, const char *name)
{
	const cJSON *queue;

	cJSON_ArrayForEach (queue, queues) {
		if (ctl_number(queue, name) != 0)
			return false;
	}
	return true;
}

/* One NIC: a row for each counter, a column for each queue pair. */
static void print_stats(const cJSON *nic, bool all)
{
	const cJSON *queues = member(nic, "queues");
	const cJSON *counter, *queue;
	int n = cJSON_GetArraySize(queues);
	struct ctl_table table;

	ctl_table_init(&table, (size_t)n + 1);
	ctl_table_add(&table, "%s", or_none(ctl_string(nic, "id")));
	for (int i = 0; i < n; i++)
		ctl_table_add(&table, "queue %d", i);
	cJSON_ArrayForEach (counter, cJSON_GetArrayItem(queues, 0)) {
		if (!all && is_zero(queues, counter->string))
			continue;
		ctl_table_add(&table, "  %s", counter->string);
		cJSON_ArrayForEach (queue, queues) {
			ctl_table_add(&table, "%.0f",
				      ctl_number(queue, counter->string));
		}
	}
	ctl_table_print(&table, 0, "\n");
}

int ctl_run_stats(struct ctl *ctl)
{
	int status;
	cJSON *result = ask(ctl, "query-stats", optional_id(ctl), &status);
	const cJSON *nic;

	if (!result)
		return status;
	cJSON_ArrayForEach (nic, result) {
		print_stats(nic, ctl_option(ctl, "--all") != NULL);
	}
	return finish(result);
}

static void add_bucket(struct ctl_table *table, const cJSON *nic,
		       const char *limiter, const char *name)
{
	const cJSON *bucket = member(member(nic, limiter), name);
	double size = ctl_number(bucket, "size");
	double ms = ctl_number(bucket, "refill_time");

	if (!bucket || ms <= 0) {
		ctl_table_add(table, "-");
		return;
	}
	ctl_table_add(table, "%.0f/%.0f", size, ms);
}

static void show_limits(const cJSON *nics, const char *id)
{
	static const char *const headings[] = {"NIC", "rx_bandwidth", "rx_ops",
					       "tx_bandwidth", "tx_ops"};
	struct ctl_table table;
	const cJSON *nic;

	ctl_table_init(&table, ARRAY_SIZE(headings));
	for (size_t i = 0; i < ARRAY_SIZE(headings); i++)
		ctl_table_add(&table, "%s", headings[i]);
	cJSON_ArrayForEach (nic, nics) {
		const char *name = or_none(ctl_string(nic, "id"));

		if (id && strcmp(id, name) != 0)
			continue;
		ctl_table_add(&table, "%s", name);
		add_bucket(&table, nic, "rx_rate_limiter", "bandwidth");
		add_bucket(&table, nic, "rx_rate_limiter", "ops");
		add_bucket(&table, nic, "tx_rate_limiter", "bandwidth");
		add_bucket(&table, nic, "tx_rate_limiter", "ops");
	}
	ctl_table_print(&table, 0, "\n");
}

int ctl_run_limits(struct ctl *ctl)
{
	cJSON *result;
	int status;

	if (ctl->n_words > 1)
		return ctl_set_limits(ctl);
	result = ask(ctl, "query-nics", NULL, &status);
	if (!result)
		return status;
	show_limits(result, ctl_word(ctl, 0));
	return finish(result);
}

/* A tree, indented. */
static void print_tree(const cJSON *tree, int depth)
{
	const cJSON *node;
	char *text;

	cJSON_ArrayForEach (node, tree) {
		(void)printf("%*s", depth * 2, "");
		ctl_print_text(stdout, or_none(node->string));
		if (cJSON_IsObject(node) || cJSON_IsArray(node)) {
			(void)printf("\n");
			print_tree(node, depth + 1);
			continue;
		}
		text = cJSON_IsString(node) ? NULL
					    : cJSON_PrintUnformatted(node);
		(void)printf(": ");
		ctl_print_text(stdout, cJSON_IsString(node) ? node->valuestring
							    : or_none(text));
		(void)printf("\n");
		cJSON_free(text);
	}
}

int ctl_run_inspect(struct ctl *ctl)
{
	cJSON *args = cJSON_CreateObject(), *result;
	int status;

	if (ctl_word(ctl, 0))
		(void)cJSON_AddStringToObject(args, "path", ctl_word(ctl, 0));
	result = ask(ctl, "inspect", args, &status);
	if (!result)
		return status;
	if (cJSON_IsObject(result))
		print_tree(result, 0);
	else
		return ctl_print_json(result);
	return finish(result);
}
