/* SPDX-License-Identifier: MIT */
/*
 * Commands that only look.
 */
#include "machine/commands_private.h"
#include "machine/tree.h"

#include <stdio.h>
#include <string.h>

void run_query_status(void *owner, struct qmp_call *call, const cJSON *args)
{
	const struct commands *commands = owner;
	const struct life *life = commands->config.life;
	cJSON *status = cJSON_CreateObject();

	UNUSED(args);
	(void)cJSON_AddStringToObject(status, "status", life_status(life));
	(void)cJSON_AddBoolToObject(status, "singlestep", false);
	(void)cJSON_AddBoolToObject(status, "running", life_is_running(life));
	qmp_return(call, status);
}

void add_string(cJSON *object, const char *name, const char *value)
{
	if (value)
		(void)cJSON_AddStringToObject(object, name, value);
	else
		(void)cJSON_AddNullToObject(object, name);
}

void add_number(cJSON *object, const char *name, uint64_t value)
{
	(void)cJSON_AddNumberToObject(object, name, (double)value);
}

static cJSON *nic_to_json(const struct nic *nic)
{
	const uint8_t *mac = nic_mac(nic);
	cJSON *object = cJSON_CreateObject();
	char text[18];

	(void)snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x",
		       mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	add_string(object, "id", nic_id(nic));
	add_string(object, "model", nic_model(nic));
	add_string(object, "mac", text);
	add_string(object, "netdev", nic_netdev_id(nic));
	add_string(object, "backend", nic_backend_type(nic));
	(void)cJSON_AddBoolToObject(object, "link", nic_link_up(nic));
	add_number(object, "queue_pairs", nic_queue_pairs(nic));
	if (nic_limiter(nic))
		limits_to_json(object, nic_limiter(nic));
	if (nic_capture(nic))
		capture_to_json(cJSON_AddObjectToObject(object, "capture"),
				nic_capture(nic));
	return object;
}

void run_query_nics(void *owner, struct qmp_call *call, const cJSON *args)
{
	struct commands *commands = owner;
	cJSON *list = cJSON_CreateArray();
	const struct nic *nic;

	UNUSED(args);
	for (size_t i = 0; (nic = nics_at(commands->config.nics, i)); i++)
		(void)cJSON_AddItemToArray(list, nic_to_json(nic));
	qmp_return(call, list);
}

static cJSON *stats_to_json(const struct net_stats *stats)
{
	cJSON *object = cJSON_CreateObject();

	for (size_t i = 0; i < net_stat_n; i++)
		add_number(object, net_stat_table[i].name,
			   net_stat_read(stats, i));
	return object;
}

static void add_nic_stats(cJSON *list, const struct nic *nic)
{
	cJSON *object = cJSON_CreateObject(), *queues;

	add_string(object, "id", nic_id(nic));
	queues = cJSON_AddArrayToObject(object, "queues");
	for (uint16_t pair = 0; pair < nic_queue_pairs(nic); pair++) {
		const struct net_stats *stats = nic_stats(nic, pair);

		if (stats)
			(void)cJSON_AddItemToArray(queues,
						   stats_to_json(stats));
	}
	(void)cJSON_AddItemToArray(list, object);
}

void run_query_stats(void *owner, struct qmp_call *call, const cJSON *args)
{
	struct commands *commands = owner;
	const struct nic *nic;
	cJSON *list;

	if (arg_find(args, "id") && !arg_nic(commands, call, args, "id"))
		return;
	list = cJSON_CreateArray();
	for (size_t i = 0; (nic = nics_at(commands->config.nics, i)); i++) {
		if (!arg_find(args, "id") ||
		    strcmp(arg_string(args, "id"), nic_id(nic)) == 0)
			add_nic_stats(list, nic);
	}
	qmp_return(call, list);
}

/* The part of @tree at @path, taken out of it; NULL: there is none. @tree is
 * given up. */
static cJSON *take_subtree(cJSON *tree, const char *path)
{
	cJSON *node = tree;
	char name[128];

	while (node) {
		size_t n;

		path += strspn(path, "/");
		n = strcspn(path, "/");
		if (n == 0 || n >= sizeof(name))
			break;
		memcpy(name, path, n);
		name[n] = '\0';
		path += n;
		node = cJSON_GetObjectItemCaseSensitive(node, name);
	}
	if (*path)
		node = NULL;
	if (node == tree)
		return tree;
	node = cJSON_Duplicate(node, true);
	cJSON_Delete(tree);
	return node;
}

static void tree_cb(void *arg)
{
	struct pending *pending = arg;
	const char *path = arg_string(pending->args, "path");
	cJSON *tree = cJSON_Parse(inspect_text(&pending->in));

	if (!tree) {
		qmp_fail(pending->call, QMP_GENERIC_ERROR,
			 "the tree is too large");
	} else {
		tree = take_subtree(tree, path ? path : "");
		if (tree)
			qmp_return(pending->call, tree);
		else
			fail_value(pending->call, "path", path);
	}
	pending_destroy(pending);
}

void run_inspect(void *owner, struct qmp_call *call, const cJSON *args)
{
	struct commands *commands = owner;
	const struct tree tree = {
		.vm = commands->config.vm,
		.nics = commands->config.nics,
		.life = commands->config.life,
	};
	struct pending *pending = pending_create(commands, call, args);

	if (!pending)
		return;
	inspect_init(&pending->in);
	if (tree_fill(&tree, &pending->in, tree_cb, pending) < 0) {
		qmp_fail(call, QMP_GENERIC_ERROR, "out of memory");
		pending_destroy(pending);
	}
}
