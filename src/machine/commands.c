/* SPDX-License-Identifier: MIT */
/*
 * The control socket of a machine: the table of its commands, those that change
 * its run state, and its events.
 *
 * A command that has to wait for the machine answers from a struct pending.
 */
#include "machine/commands_private.h"

#include "backends/consomme/consomme.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pending *pending_create(struct commands *commands, struct qmp_call *call,
			       const cJSON *args)
{
	struct pending *pending = calloc(1, sizeof(*pending));

	if (!pending) {
		qmp_fail(call, QMP_GENERIC_ERROR, "out of memory");
		return NULL;
	}
	pending->commands = commands;
	pending->call = call;
	pending->args = args;
	pending->next = commands->pendings;
	pending->prev_next = &commands->pendings;
	if (pending->next)
		pending->next->prev_next = &pending->next;
	commands->pendings = pending;
	return pending;
}

static void pending_free(struct pending *pending)
{
	inspect_fini(&pending->in);
	if (pending->consomme)
		consomme_forget(pending->consomme, pending);
	flows_query_free(pending->flows);
	free(pending);
}

void pending_destroy(struct pending *pending)
{
	*pending->prev_next = pending->next;
	if (pending->next)
		pending->next->prev_next = pending->prev_next;
	pending_free(pending);
}

const cJSON *arg_find(const cJSON *args, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(args, name);
}

const char *arg_string(const cJSON *args, const char *name)
{
	return cJSON_GetStringValue(arg_find(args, name));
}

int64_t arg_int(const cJSON *args, const char *name, int64_t fallback)
{
	const cJSON *arg = arg_find(args, name);

	return arg ? (int64_t)arg->valuedouble : fallback;
}

bool arg_bool(const cJSON *args, const char *name)
{
	return cJSON_IsTrue(arg_find(args, name));
}

void fail_not_found(struct qmp_call *call, const char *id)
{
	qmp_fail(call, QMP_DEVICE_NOT_FOUND, "Device '%.*s' not found",
		 (int)utf8_cut(id, REPEATED_MAX), id);
}

void fail_value(struct qmp_call *call, const char *name, const char *value)
{
	qmp_fail(call, QMP_GENERIC_ERROR,
		 "Parameter '%s' does not accept value '%.*s'", name,
		 (int)utf8_cut(value, REPEATED_MAX), value);
}

bool take_fd(struct qmp_call *call, const char *name, int *fd)
{
	*fd = qmp_take_fd(call, name);
	if (*fd >= 0)
		return true;
	qmp_fail(call, QMP_GENERIC_ERROR,
		 "File descriptor named '%.*s' has not been found",
		 (int)utf8_cut(name, REPEATED_MAX), name);
	return false;
}

struct netdev *arg_netdev(struct commands *commands, struct qmp_call *call,
			  const cJSON *args, const char *name)
{
	const char *id = arg_string(args, name);
	struct netdev *netdev = nics_find_netdev(commands->config.nics, id);

	if (!netdev)
		fail_not_found(call, id);
	return netdev;
}

struct nic *arg_nic(struct commands *commands, struct qmp_call *call,
		    const cJSON *args, const char *name)
{
	const char *id = arg_string(args, name);
	struct nic *nic = nics_find(commands->config.nics, id);

	if (!nic)
		fail_not_found(call, id);
	return nic;
}

bool read_object(struct qmp_call *call, struct description *desc,
		 const struct key_table *keys, cJSON *object, void *base)
{
	description_read(desc, keys, object, base);
	cJSON_Delete(object);
	if (!desc->problems.n)
		return true;
	qmp_fail(call, QMP_GENERIC_ERROR, "%s", desc->problems.kept[0].text);
	return false;
}

/* Run state. */

static void paused_or_runs(struct life_wait *wait)
{
	struct pending *pending = container_of(wait, struct pending, wait);

	qmp_return(pending->call, NULL);
	pending_destroy(pending);
}

static void run_stop(void *owner, struct qmp_call *call, const cJSON *args)
{
	struct commands *commands = owner;
	struct pending *pending = pending_create(commands, call, args);

	if (!pending)
		return;
	pending->wait.done = paused_or_runs;
	life_pause(commands->config.life, &pending->wait);
}

static void run_cont(void *owner, struct qmp_call *call, const cJSON *args)
{
	struct commands *commands = owner;
	struct pending *pending = pending_create(commands, call, args);

	if (!pending)
		return;
	pending->wait.done = paused_or_runs;
	life_resume(commands->config.life, &pending->wait);
}

static void run_quit(void *owner, struct qmp_call *call, const cJSON *args)
{
	struct commands *commands = owner;

	UNUSED(args);
	qmp_return(call, NULL);
	life_end(commands->config.life, LIFE_HOST_QMP_QUIT);
}

static void run_system_reset(void *owner, struct qmp_call *call,
			     const cJSON *args)
{
	struct commands *commands = owner;

	UNUSED(args);
	qmp_return(call, NULL);
	life_reset(commands->config.life, LIFE_HOST_QMP_RESET);
}

static void run_system_powerdown(void *owner, struct qmp_call *call,
				 const cJSON *args)
{
	struct commands *commands = owner;

	UNUSED(args);
	qmp_return(call, NULL);
	kvm_vm_power_button(commands->config.vm);
	commands_send(commands, "POWERDOWN", NULL);
}

/* The table. */

static const struct qmp_arg id_args[] = {
	{"id", QMP_ARG_STRING, true, "the NIC or netdev"},
	{0},
};

static const struct qmp_arg optional_id_args[] = {
	{"id", QMP_ARG_STRING, false, "the NIC; all, if left out"},
	{0},
};

static const struct qmp_arg inspect_args[] = {
	{"path", QMP_ARG_STRING, false, "/nics/eth0, say; all, if left out"},
	{0},
};

static const struct qmp_arg netdev_add_args[] = {
	{"type", QMP_ARG_STRING, true, "tap, consomme, null, loopback"},
	{"id", QMP_ARG_STRING, true, "its name"},
	{"ifname", QMP_ARG_STRING, false, "tap: the interface"},
	{"host_dev_name", QMP_ARG_STRING, false, "the same"},
	{"fd", QMP_ARG_STRING, false, "tap: a descriptor of getfd"},
	{"create", QMP_ARG_BOOL, false, "tap: make the interface"},
	{"queues", QMP_ARG_INT, false, "tap: the most that a NIC may use"},
	{"network", QMP_ARG_STRING, false,
	 "consomme, this and the following: as in a description"},
	{"gateway", QMP_ARG_STRING, false, "an address"},
	{"dns", QMP_ARG_STRING, false, "an address"},
	{"guest", QMP_ARG_STRING, false, "an address"},
	{"network6", QMP_ARG_STRING, false, "a network of 64 bits"},
	{"gateway6", QMP_ARG_STRING, false, "an address"},
	{"dns6", QMP_ARG_STRING, false, "an address"},
	{"ipv4", QMP_ARG_BOOL, false, "whether there is IPv4"},
	{"ipv6", QMP_ARG_BOOL, false, "whether there is IPv6"},
	{"mtu", QMP_ARG_INT, false, "told to the guest"},
	{"hostname", QMP_ARG_STRING, false, "of the guest"},
	{"domain", QMP_ARG_STRING, false, "of the guest"},
	{"search", QMP_ARG_ANY, false, "domains: a list, or one"},
	{"dns_servers", QMP_ARG_ANY, false, "addresses"},
	{"records", QMP_ARG_ANY, false, "NAME=ADDRESS"},
	{"hostfwd", QMP_ARG_ANY, false, "forwards"},
	{"host_loopback", QMP_ARG_ANY, false, "addresses"},
	{"allow", QMP_ARG_ANY, false, "networks"},
	{"deny", QMP_ARG_ANY, false, "networks"},
	{"restrict", QMP_ARG_BOOL, false, "nobody is reached"},
	{"max_tcp", QMP_ARG_INT, false, "connections"},
	{"max_udp", QMP_ARG_INT, false, "flows"},
	{"copy_ring", QMP_ARG_BOOL, false, "without SO_PEEK_OFF"},
	{0},
};

static const struct qmp_arg hostfwd_args[] = {
	{"id", QMP_ARG_STRING, true, "the NIC or netdev"},
	{"rule", QMP_ARG_STRING, true, "tcp:127.0.0.1:2222-:22, say"},
	{0},
};

static const struct qmp_arg query_flows_args[] = {
	{"id", QMP_ARG_STRING, false, "the NIC or netdev; all, if left out"},
	{"max", QMP_ARG_INT, false, "flows of each; 1000 if left out"},
	{0},
};

static const struct qmp_arg netdev_replace_args[] = {
	{"id", QMP_ARG_STRING, true, "the NIC"},
	{"netdev", QMP_ARG_STRING, true, "a netdev that no NIC has"},
	{0},
};

static const struct qmp_arg set_link_args[] = {
	{"name", QMP_ARG_STRING, true, "the NIC or its netdev"},
	{"up", QMP_ARG_BOOL, true, "whether the link is up"},
	{0},
};

static const struct qmp_arg device_add_args[] = {
	{"driver", QMP_ARG_STRING, true, "virtio-net-pci"},
	{"id", QMP_ARG_STRING, true, "the NIC's name"},
	{"netdev", QMP_ARG_STRING, true, "a netdev that no NIC has"},
	{"mac", QMP_ARG_STRING, false, "the NIC's address"},
	{"host_mtu", QMP_ARG_INT, false, "told to the guest"},
	{"queue_size", QMP_ARG_INT, false, "of each ring"},
	{"queue_pairs", QMP_ARG_INT, false, "for the guest to use"},
	{"busy_poll_us", QMP_ARG_INT, false, "before threads sleep"},
	{"rx_rate_limiter", QMP_ARG_OBJECT, false, "limits to the guest"},
	{"tx_rate_limiter", QMP_ARG_OBJECT, false, "limits from the guest"},
	{0},
};

static const struct qmp_arg set_rate_limiter_args[] = {
	{"id", QMP_ARG_STRING, true, "the NIC"},
	{"rx_rate_limiter", QMP_ARG_OBJECT, false, "new limits to the guest"},
	{"tx_rate_limiter", QMP_ARG_OBJECT, false, "new limits from it"},
	{0},
};

static const struct qmp_arg capture_start_args[] = {
	{"id", QMP_ARG_STRING, true, "the NIC"},
	{"path", QMP_ARG_STRING, false,
	 "the file to write, one that \"captures\" allows"},
	{"fd", QMP_ARG_STRING, false,
	 "or a descriptor of getfd; then the path is only its name"},
	{"stream", QMP_ARG_BOOL, false, "or this connection, from here on"},
	{"snaplen", QMP_ARG_INT, false, "bytes of each frame; 0: all"},
	{"queues", QMP_ARG_ARRAY, false, "queue pairs; all, if left out"},
	{"rotate_size", QMP_ARG_INT, false, "bytes of a file"},
	{"rotate_files", QMP_ARG_INT, false, "files to keep"},
	{"ring_size", QMP_ARG_INT, false, "bytes of memory for each queue"},
	{0},
};

const struct qmp_command commands_table[] = {
	{"query-status", NULL, "does it run?", run_query_status},
	{"stop", NULL, "pause the guest and its NICs", run_stop},
	{"cont", NULL, "let them run again", run_cont},
	{"system_powerdown", NULL, "press the power button",
	 run_system_powerdown},
	{"system_reset", NULL, "boot the guest again", run_system_reset},
	{"quit", NULL, "end the machine", run_quit},
	{"query-nics", NULL, "the NICs", run_query_nics},
	{"query-stats", optional_id_args, "counters of NICs", run_query_stats},
	{"inspect", inspect_args, "all there is to know", run_inspect},
	{"netdev_add", netdev_add_args, "make a backend", run_netdev_add},
	{"netdev_del", id_args, "destroy a backend", run_netdev_del},
	{"netdev_replace", netdev_replace_args,
	 "connect a NIC to another backend", run_netdev_replace},
	{"set_link", set_link_args, "pull or plug a NIC's cable", run_set_link},
	{"device_add", device_add_args, "plug a NIC in", run_device_add},
	{"device_del", id_args, "ask the guest to give a NIC back",
	 run_device_del},
	{"hostfwd_add", hostfwd_args, "make a port of the host lead to a guest",
	 run_hostfwd_add},
	{"hostfwd_remove", hostfwd_args,
	 "end that; connections that there are go on", run_hostfwd_remove},
	{"query-flows", query_flows_args, "the connections of consomme",
	 run_query_flows},
	{"set-rate-limiter", set_rate_limiter_args, "change a NIC's limits",
	 run_set_rate_limiter},
	{"capture-start", capture_start_args, "write a NIC's frames to a file",
	 run_capture_start},
	{"capture-stop", id_args, "end that", run_capture_stop},
	{0},
};

/* Life. */

int commands_create(const struct commands_config *config, struct commands **out)
{
	struct commands *commands = calloc(1, sizeof(*commands));
	int err;

	if (!commands)
		return -ENOMEM;
	commands->config = *config;
	err = qmp_server_create(config->loop, config->fd, config->path,
				commands_table, commands, &commands->server);
	if (err < 0) {
		free(commands);
		return err;
	}
	*out = commands;
	return 0;
}

void commands_destroy(struct commands *commands)
{
	struct pending *pending, *next;

	if (!commands)
		return;
	qmp_server_destroy(commands->server);
	for (pending = commands->pendings; pending; pending = next) {
		next = pending->next;
		pending_free(pending);
	}
	free(commands);
}

/* Events. */

void commands_send(struct commands *commands, const char *name, cJSON *data)
{
	if (commands)
		qmp_event(commands->server, name, data);
	else
		cJSON_Delete(data);
}

void commands_paused(struct commands *commands, bool paused)
{
	commands_send(commands, paused ? "STOP" : "RESUME", NULL);
}

static cJSON *cause_data(enum life_cause cause)
{
	cJSON *data = cJSON_CreateObject();

	(void)cJSON_AddBoolToObject(data, "guest", life_cause_is_guest(cause));
	(void)cJSON_AddStringToObject(data, "reason", life_cause_name(cause));
	return data;
}

void commands_reset(struct commands *commands, enum life_cause cause)
{
	commands_send(commands, "RESET", cause_data(cause));
}

void commands_ended(struct commands *commands, enum life_cause cause)
{
	commands_send(commands, "SHUTDOWN", cause_data(cause));
}

void commands_nic_event(struct commands *commands, const char *nic_id,
			const struct net_event *event)
{
	static const char *const names[] = {
		[NET_EVENT_LINK_DOWN] = "LINK_DOWN",
		[NET_EVENT_LINK_UP] = "LINK_UP",
		[NET_EVENT_BACKEND_LOST] = "BACKEND_LOST",
		[NET_EVENT_BACKEND_BACK] = "BACKEND_BACK",
		[NET_EVENT_QUEUE_BROKEN] = "QUEUE_BROKEN",
	};
	cJSON *data = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(data, "id", nic_id);
	if (event->type == NET_EVENT_QUEUE_BROKEN)
		(void)cJSON_AddNumberToObject(data, "queue", event->queue);
	if (event->cause)
		(void)cJSON_AddStringToObject(data, "cause", event->cause);
	commands_send(commands, names[event->type], data);
}

void commands_capture_ended(struct commands *commands, const char *nic_id,
			    const struct capture_end *end)
{
	cJSON *data = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(data, "id", nic_id);
	if (end->cause)
		(void)cJSON_AddStringToObject(data, "cause", end->cause);
	commands_send(commands, "CAPTURE_STOPPED", data);
}

/* Its captures have ended without a word. */
static void fail_captures(struct commands *commands, const char *nic_id)
{
	struct pending *pending, *next;

	for (pending = commands->pendings; pending; pending = next) {
		next = pending->next;
		if (!pending->capture ||
		    strcmp(arg_string(pending->args, "id"), nic_id) != 0)
			continue;
		fail_not_found(pending->call, nic_id);
		pending_destroy(pending);
	}
}

void commands_deleted(struct commands *commands, const char *nic_id)
{
	cJSON *data = cJSON_CreateObject();
	char path[64 + KEY_NAME_MAX];

	if (commands)
		fail_captures(commands, nic_id);
	(void)snprintf(path, sizeof(path), "/machine/peripheral/%s", nic_id);
	(void)cJSON_AddStringToObject(data, "device", nic_id);
	(void)cJSON_AddStringToObject(data, "path", path);
	commands_send(commands, "DEVICE_DELETED", data);
}
