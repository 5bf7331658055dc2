/* SPDX-License-Identifier: MIT */
/*
 * Commands about backends of type "consomme": forwards and flows. They are
 * answered when the loop that has the backend has done what was asked.
 */
#include "machine/commands_private.h"

#include "backends/consomme/consomme.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdlib.h>

/* Flows that one answer tells of, and how many if nobody says. */
#define FLOWS_MAX     10000
#define FLOWS_DEFAULT 1000

/* The netdev that argument "id" names, itself or by its NIC, with a consomme;
 * NULL: there is none, and the call was answered. */
static struct netdev *arg_consomme(struct commands *commands,
				   struct qmp_call *call, const cJSON *args)
{
	const char *id = arg_string(args, "id");
	const struct nic *nic = nics_find(commands->config.nics, id);
	struct netdev *netdev = nics_find_netdev(commands->config.nics, id);

	if (nic)
		netdev = nic_netdev(nic);
	if (!nic && !netdev) {
		fail_not_found(call, id);
		return NULL;
	}
	if (netdev && netdev_consomme(netdev))
		return netdev;
	qmp_fail(call, QMP_GENERIC_ERROR,
		 "'%.*s' has no backend of type \"consomme\"",
		 (int)utf8_cut(id, REPEATED_MAX), id);
	return NULL;
}

/* Forwards. */

static void forward_cb(void *arg, int err, const char *error)
{
	struct pending *pending = arg;
	const char *rule = arg_string(pending->args, "rule");

	pending->consomme = NULL;
	if (err < 0)
		qmp_fail(pending->call, QMP_GENERIC_ERROR, "%.*s: %s",
			 (int)utf8_cut(rule, REPEATED_MAX), rule, error);
	else
		qmp_return(pending->call, NULL);
	pending_destroy(pending);
}

/* False: the call was answered. */
static bool arg_forward(struct qmp_call *call, const cJSON *args,
			struct consomme_forward *forward)
{
	const char *rule = arg_string(args, "rule"), *why;

	if (consomme_forward_parse(rule, forward, &why) == 0)
		return true;
	qmp_fail(call, QMP_GENERIC_ERROR, "'%.*s' is no forward: %s",
		 (int)utf8_cut(rule, REPEATED_MAX), rule, why);
	return false;
}

static void change_forward(struct commands *commands, struct qmp_call *call,
			   const cJSON *args, bool add)
{
	struct netdev *netdev = arg_consomme(commands, call, args);
	struct net_endpoint *ep;
	char error[CONSOMME_ERROR_MAX] = "out of memory";
	struct consomme_forward forward;
	struct pending *pending;
	int err;

	if (!netdev || !arg_forward(call, args, &forward))
		return;
	pending = pending_create(commands, call, args);
	if (!pending)
		return;
	ep = netdev_consomme(netdev);
	if (add)
		err = consomme_forward_add(ep, &forward, forward_cb, pending,
					   error);
	else
		err = consomme_forward_remove(ep, &forward, forward_cb,
					      pending);
	if (err == 0) {
		pending->consomme = ep;
		return;
	}
	qmp_fail(call, QMP_GENERIC_ERROR, "%s", error);
	pending_destroy(pending);
}

void run_hostfwd_add(void *owner, struct qmp_call *call, const cJSON *args)
{
	change_forward(owner, call, args, true);
}

void run_hostfwd_remove(void *owner, struct qmp_call *call, const cJSON *args)
{
	change_forward(owner, call, args, false);
}

/* Flows. */

/* One netdev's part of the answer; @object is in the list. @ep: is asked for it,
 * and has not answered. */
struct part {
	struct flows_query *query;
	struct net_endpoint *ep;
	cJSON *object;
};

/* @waiting: parts that have not come. */
struct flows_query {
	struct pending *pending;
	cJSON *list;
	size_t waiting;
	size_t n;
	struct part parts[NETDEVS_MAX];
};

void flows_query_free(struct flows_query *query)
{
	if (!query)
		return;
	for (size_t i = 0; i < query->n; i++) {
		if (query->parts[i].ep)
			consomme_forget(query->parts[i].ep, &query->parts[i]);
	}
	cJSON_Delete(query->list);
	free(query);
}

static void check_query(struct flows_query *query)
{
	struct pending *pending = query->pending;

	if (query->waiting)
		return;
	qmp_return(pending->call, query->list);
	query->list = NULL;
	pending_destroy(pending);
}

static void add_end(cJSON *object, const char *name,
		    const struct csm_addr *addr, uint16_t port)
{
	char text[CSM_ADDR_TEXT_MAX];

	add_string(object, name, csm_addr_port_text(addr, port, text));
}

static cJSON *flow_to_json(const struct consomme_flow *flow)
{
	cJSON *object = cJSON_CreateObject();

	add_string(object, "proto", flow->proto);
	add_string(object, "state", flow->state);
	(void)cJSON_AddBoolToObject(object, "inbound", flow->inbound);
	add_end(object, "guest", &flow->guest, flow->guest_port);
	add_end(object, "far", &flow->far, flow->far_port);
	add_number(object, "bytes_out", flow->bytes_out);
	add_number(object, "bytes_in", flow->bytes_in);
	add_number(object, "age_ms", flow->age_ms);
	add_number(object, "idle_ms", flow->idle_ms);
	return object;
}

static void flows_cb(void *arg, const struct consomme_flow *flows, size_t n,
		     size_t total)
{
	struct part *part = arg;
	cJSON *list;

	part->ep = NULL;
	add_number(part->object, "total", total);
	list = cJSON_AddArrayToObject(part->object, "flows");
	for (size_t i = 0; i < n; i++)
		(void)cJSON_AddItemToArray(list, flow_to_json(&flows[i]));
	part->query->waiting--;
	check_query(part->query);
}

static void add_part(struct flows_query *query, struct netdev *netdev)
{
	struct part *part = &query->parts[query->n++];
	const struct nic *nic = netdev_nic(netdev);

	part->query = query;
	part->ep = netdev_consomme(netdev);
	part->object = cJSON_CreateObject();
	add_string(part->object, "id", netdev_id(netdev));
	add_string(part->object, "nic", nic ? nic_id(nic) : NULL);
	(void)cJSON_AddItemToArray(query->list, part->object);
}

/* Of all netdevs, or of @only. */
static void ask_all(struct flows_query *query, struct netdev *only, size_t max)
{
	struct nics *nics = query->pending->commands->config.nics;
	struct netdev *netdev;

	for (size_t i = 0; (netdev = nics_netdev_at(nics, i)); i++) {
		if (netdev_consomme(netdev) && (!only || netdev == only))
			add_part(query, netdev);
	}
	/* One more, so that no answer ends the query before all are asked. */
	query->waiting = 1;
	for (size_t i = 0; i < query->n; i++) {
		struct part *part = &query->parts[i];
		size_t most = MIN(max, FLOWS_MAX / query->n);

		if (consomme_flows(part->ep, most, flows_cb, part) == 0)
			query->waiting++;
		else
			part->ep = NULL;
	}
	query->waiting--;
	check_query(query);
}

void run_query_flows(void *owner, struct qmp_call *call, const cJSON *args)
{
	struct commands *commands = owner;
	int64_t max = arg_int(args, "max", FLOWS_DEFAULT);
	struct netdev *only = NULL;
	struct pending *pending;

	if (max < 1 || max > FLOWS_MAX) {
		qmp_fail(call, QMP_GENERIC_ERROR,
			 "Parameter 'max' must be from 1 to %d", FLOWS_MAX);
		return;
	}
	if (arg_find(args, "id")) {
		only = arg_consomme(commands, call, args);
		if (!only)
			return;
	}
	pending = pending_create(commands, call, args);
	if (!pending)
		return;
	pending->flows = calloc(1, sizeof(*pending->flows));
	if (!pending->flows) {
		qmp_fail(call, QMP_GENERIC_ERROR, "out of memory");
		pending_destroy(pending);
		return;
	}
	pending->flows->pending = pending;
	pending->flows->list = cJSON_CreateArray();
	ask_all(pending->flows, only, (size_t)max);
}
