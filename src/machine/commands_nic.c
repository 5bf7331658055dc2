/* SPDX-License-Identifier: MIT */
/*
 * Commands that change NICs and netdevs.
 *
 * What a NIC or a netdev is made of is checked by the table of the description's
 * keys: the arguments are put into an object as the description has it, and that
 * is read.
 */
#include "machine/commands_private.h"

#include "base/utf8.h"

#include <string.h>

/* An argument that is not called as the description's key for it, which is @key;
 * NULL: it is none of those. */
struct renamed {
	const char *arg, *key;
};

/* The description's key for argument @name; NULL: there is none. */
static const struct key *key_of(const struct key_table *keys,
				const struct renamed *names, const char *name)
{
	while (names->arg && strcmp(names->arg, name) != 0)
		names++;
	if (!names->arg)
		return key_find(keys, name);
	return names->key ? key_find(keys, names->key) : NULL;
}

/* A copy; text is a list where one is wanted. */
static cJSON *copy_arg(const cJSON *arg, const struct key *key)
{
	cJSON *copy = cJSON_Duplicate(arg, true), *list;

	if (key->type != KEY_STRINGS || !cJSON_IsString(arg))
		return copy;
	list = cJSON_CreateArray();
	if (!cJSON_AddItemToArray(list, copy))
		cJSON_Delete(copy);
	return list;
}

/* The object that the description would have; NULL: out of memory. */
static cJSON *as_described(const cJSON *args, const struct key_table *keys,
			   const struct renamed *names)
{
	cJSON *object = cJSON_CreateObject();
	const cJSON *arg;

	cJSON_ArrayForEach (arg, args) {
		const struct key *key = key_of(keys, names, arg->string);
		cJSON *copy = key ? copy_arg(arg, key) : NULL;

		if (copy && !cJSON_AddItemToObjectCS(object, key->name, copy))
			cJSON_Delete(copy);
	}
	return object;
}

/* Netdevs. */

static void changed_cb(void *arg, const struct kind_error *error)
{
	struct pending *pending = arg;

	if (error)
		qmp_fail(pending->call, QMP_GENERIC_ERROR, "%s", error->text);
	else
		qmp_return(pending->call, NULL);
	pending_destroy(pending);
}

static bool has_type(const char *type)
{
	const char *name;

	for (size_t i = 0; (name = endpoint_kind_name(i)); i++) {
		if (strcmp(name, type) == 0)
			return true;
	}
	return false;
}

static void add_netdev(struct commands *commands, struct qmp_call *call,
		       const cJSON *args, struct backend_config *config)
{
	const char *fd_name = arg_string(args, "fd");
	struct kind_error error = {""};
	int fd = -1;

	config->fd = CONFIG_ABSENT; /* a number of the opener's */
	if (fd_name && !take_fd(call, fd_name, &fd))
		return;
	if (nics_netdev_add(commands->config.nics, config, fd, &error) < 0) {
		close_fd(&fd);
		qmp_fail(call, QMP_GENERIC_ERROR, "%s", error.text);
		return;
	}
	qmp_return(call, NULL);
}

void run_netdev_add(void *owner, struct qmp_call *call, const cJSON *args)
{
	static const struct renamed names[] = {
		{"ifname", "host_dev_name"},
		{"queues", "queue_pairs"},
		{"fd", NULL},
		{0},
	};
	struct backend_config config;
	struct description desc;

	if (!has_type(arg_string(args, "type"))) {
		fail_value(call, "type", arg_string(args, "type"));
		return;
	}
	if (read_object(call, &desc, &key_table_backend,
			as_described(args, &key_table_backend, names), &config))
		add_netdev(owner, call, args, &config);
	description_fini(&desc);
}

void run_netdev_del(void *owner, struct qmp_call *call, const cJSON *args)
{
	struct commands *commands = owner;
	struct netdev *netdev = arg_netdev(commands, call, args, "id");
	struct pending *pending =
		netdev ? pending_create(commands, call, args) : NULL;

	if (pending)
		nics_netdev_del(commands->config.nics, netdev, changed_cb,
				pending);
}

void run_netdev_replace(void *owner, struct qmp_call *call, const cJSON *args)
{
	struct commands *commands = owner;
	struct nic *nic = arg_nic(commands, call, args, "id");
	struct netdev *netdev =
		nic ? arg_netdev(commands, call, args, "netdev") : NULL;
	struct pending *pending =
		netdev ? pending_create(commands, call, args) : NULL;

	if (pending)
		nics_netdev_replace(commands->config.nics, nic, netdev,
				    changed_cb, pending);
}

/* NICs. */

/* The model behind a name of QEMU's, or of our own. */
static const char *model_of(const char *driver)
{
	const char *model;

	if (strcmp(driver, "virtio-net-pci") == 0)
		return "virtio-net";
	for (size_t i = 0; (model = frontend_kind_name(i)); i++) {
		if (strcmp(model, driver) == 0)
			return model;
	}
	return NULL;
}

void run_device_add(void *owner, struct qmp_call *call, const cJSON *args)
{
	static const struct renamed names[] = {
		{"id", "iface_id"},
		{"netdev", "backend"},
		{"mac", "guest_mac"},
		{"host_mtu", "mtu"},
		{0},
	};
	struct commands *commands = owner;
	const char *driver = arg_string(args, "driver");
	const char *model = model_of(driver);
	struct nic_config config;
	struct description desc;
	struct kind_error error = {""};
	cJSON *object;

	if (!model) {
		qmp_fail(call, QMP_GENERIC_ERROR,
			 "'%.*s' is not a valid device model name",
			 (int)utf8_cut(driver, REPEATED_MAX), driver);
		return;
	}
	object = as_described(args, &key_table_nic, names);
	(void)cJSON_AddStringToObject(object, "model", model);
	if (read_object(call, &desc, &key_table_nic, object, &config)) {
		if (nics_device_add(commands->config.nics, &config, &error) < 0)
			qmp_fail(call, QMP_GENERIC_ERROR, "%s", error.text);
		else
			qmp_return(call, NULL);
	}
	description_fini(&desc);
}

void run_device_del(void *owner, struct qmp_call *call, const cJSON *args)
{
	struct commands *commands = owner;
	struct nic *nic = arg_nic(commands, call, args, "id");
	struct kind_error error = {""};

	if (!nic)
		return;
	if (nics_device_del(commands->config.nics, nic, &error) < 0)
		qmp_fail(call, QMP_GENERIC_ERROR, "%s", error.text);
	else
		qmp_return(call, NULL);
}

void run_set_link(void *owner, struct qmp_call *call, const cJSON *args)
{
	struct commands *commands = owner;
	const char *name = arg_string(args, "name");
	struct nic *nic = nics_find(commands->config.nics, name);
	struct netdev *netdev = nics_find_netdev(commands->config.nics, name);

	if (!nic && netdev)
		nic = netdev_nic(netdev);
	if (!nic && netdev) {
		qmp_fail(call, QMP_GENERIC_ERROR, "netdev '%s' has no NIC",
			 name);
		return;
	}
	if (!nic) {
		fail_not_found(call, name);
		return;
	}
	nic_set_link(nic, arg_bool(args, "up"));
	qmp_return(call, NULL);
}
