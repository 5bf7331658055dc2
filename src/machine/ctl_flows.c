/* SPDX-License-Identifier: MIT */
/*
 * Commands of "evnic ctl" about consomme: forwards and flows.
 */
#include "machine/ctl_private.h"

#include <stdio.h>

static void add_text(struct ctl_table *table, const cJSON *flow,
		     const char *name)
{
	const char *text = ctl_string(flow, name);

	ctl_table_add(table, "%s", text && *text ? text : "-");
}

static void add_flow(struct ctl_table *table, const char *nic,
		     const cJSON *flow)
{
	bool inbound =
		cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(flow, "inbound"));

	ctl_table_add(table, "%s", nic);
	add_text(table, flow, "proto");
	add_text(table, flow, "state");
	add_text(table, flow, "guest");
	ctl_table_add(table, "%s", inbound ? "<-" : "->");
	add_text(table, flow, "far");
	ctl_table_add(table, "%.0f", ctl_number(flow, "bytes_out"));
	ctl_table_add(table, "%.0f", ctl_number(flow, "bytes_in"));
	ctl_table_add(table, "%.1f", ctl_number(flow, "age_ms") / 1000);
	ctl_table_add(table, "%.1f", ctl_number(flow, "idle_ms") / 1000);
}

static void print_flows(const cJSON *netdevs)
{
	static const char *const headings[] = {
		"NIC", "PROTO", "STATE", "GUEST", "",
		"FAR", "OUT",	"IN",	 "AGE s", "IDLE s"};
	const cJSON *netdev, *flow;
	struct ctl_table table;
	double more = 0;

	ctl_table_init(&table, ARRAY_SIZE(headings));
	for (size_t i = 0; i < ARRAY_SIZE(headings); i++)
		ctl_table_add(&table, "%s", headings[i]);
	cJSON_ArrayForEach (netdev, netdevs) {
		const cJSON *flows =
			cJSON_GetObjectItemCaseSensitive(netdev, "flows");
		const char *nic = ctl_string(netdev, "nic");

		more += ctl_number(netdev, "total") - cJSON_GetArraySize(flows);
		cJSON_ArrayForEach (flow, flows) {
			add_flow(&table, nic ? nic : "-", flow);
		}
	}
	ctl_table_print(&table, 0, "\n");
	if (more > 0)
		(void)printf("and %.0f more\n", more);
}

int ctl_run_flows(struct ctl *ctl)
{
	cJSON *args = cJSON_CreateObject(), *result;

	if (ctl_word(ctl, 0))
		(void)cJSON_AddStringToObject(args, "id", ctl_word(ctl, 0));
	if (!ctl_add_number(ctl, "--max", args, "max")) {
		cJSON_Delete(args);
		return CTL_WRONG;
	}
	result = ctl_call(&ctl->client, "query-flows", args, -1);
	if (!result)
		return CTL_FAILED;
	if (ctl->json)
		return ctl_print_json(result);
	print_flows(result);
	cJSON_Delete(result);
	return ferror(stdout) ? CTL_FAILED : CTL_DONE;
}

int ctl_run_hostfwd(struct ctl *ctl)
{
	cJSON *args = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(args, "id", ctl_word(ctl, 0));
	(void)cJSON_AddStringToObject(args, "rule", ctl_word(ctl, 1));
	return ctl_do(ctl, ctl->command->qmp, args, -1);
}
