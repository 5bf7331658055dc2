/* SPDX-License-Identifier: MIT */
/*
 * The commands that belong to the protocol itself.
 */
#include "base/utf8.h"
#include "machine/qmp_call.h"

#include <errno.h>

#define VERSION_TEXT_(x) #x
#define VERSION_TEXT(x)	 VERSION_TEXT_(x)

cJSON *qmp_version(void)
{
	cJSON *version = cJSON_CreateObject();
	cJSON *numbers = cJSON_AddObjectToObject(version, "qemu");

	(void)cJSON_AddNumberToObject(numbers, "micro", EVNIC_VERSION_PATCH);
	(void)cJSON_AddNumberToObject(numbers, "minor", EVNIC_VERSION_MINOR);
	(void)cJSON_AddNumberToObject(numbers, "major", EVNIC_VERSION_MAJOR);
	(void)cJSON_AddStringToObject(
		version, "package",
		"evnic " VERSION_TEXT(EVNIC_VERSION_MAJOR) "." VERSION_TEXT(
			EVNIC_VERSION_MINOR) "." VERSION_TEXT(EVNIC_VERSION_PATCH));
	return version;
}

/* There are no capabilities to enable. */
static void run_capabilities(void *owner, struct qmp_call *call,
			     const cJSON *args)
{
	const cJSON *enable, *name;

	UNUSED(owner);
	enable = cJSON_GetObjectItemCaseSensitive(args, "enable");
	name = cJSON_GetArrayItem(enable, 0);
	if (call->session->negotiated) {
		qmp_fail(call, QMP_COMMAND_NOT_FOUND,
			 "Capabilities negotiation is already complete, "
			 "command ignored");
	} else if (name && !cJSON_IsString(name)) {
		qmp_fail(call, QMP_GENERIC_ERROR,
			 "Invalid parameter type for 'enable[0]', expected: "
			 "string");
	} else if (name) {
		qmp_fail(call, QMP_GENERIC_ERROR,
			 "Parameter 'enable' does not accept value '%.*s'",
			 (int)utf8_cut(name->valuestring, 100),
			 name->valuestring);
	} else {
		call->session->negotiated = true;
		qmp_return(call, NULL);
	}
}

static void run_query_version(void *owner, struct qmp_call *call,
			      const cJSON *args)
{
	UNUSED(owner);
	UNUSED(args);
	qmp_return(call, qmp_version());
}

static void add_names(cJSON *list, const struct qmp_command *table)
{
	for (; table->name; table++) {
		cJSON *entry = cJSON_CreateObject();

		(void)cJSON_AddStringToObject(entry, "name", table->name);
		if (!cJSON_AddItemToArray(list, entry))
			cJSON_Delete(entry);
	}
}

static void run_query_commands(void *owner, struct qmp_call *call,
			       const cJSON *args)
{
	cJSON *list = cJSON_CreateArray();

	UNUSED(owner);
	UNUSED(args);
	add_names(list, qmp_builtin_commands);
	add_names(list, call->service->commands);
	qmp_return(call, list);
}

static const char *fd_name(const cJSON *args)
{
	return cJSON_GetObjectItemCaseSensitive(args, "fdname")->valuestring;
}

static void run_getfd(void *owner, struct qmp_call *call, const cJSON *args)
{
	UNUSED(owner);
	switch (qmp_fds_name(&call->session->fds, fd_name(args))) {
	case 0:
		qmp_return(call, NULL);
		break;
	case -EBADF:
		qmp_fail(call, QMP_GENERIC_ERROR,
			 "No file descriptor supplied via SCM_RIGHTS");
		break;
	case -ENOSPC:
		qmp_fail(call, QMP_GENERIC_ERROR,
			 "Too many file descriptors, at most %d: use closefd",
			 QMP_FD_NAMES_MAX);
		break;
	default:
		qmp_fail(call, QMP_GENERIC_ERROR,
			 "Parameter 'fdname' expects a name not starting with "
			 "a digit, of 1 to %d bytes",
			 QMP_FD_NAME_SIZE - 1);
		break;
	}
}

static void run_closefd(void *owner, struct qmp_call *call, const cJSON *args)
{
	const char *name = fd_name(args);
	int fd = qmp_fds_take(&call->session->fds, name);

	UNUSED(owner);
	if (fd < 0) {
		qmp_fail(call, QMP_GENERIC_ERROR,
			 "File descriptor named '%.*s' not found",
			 (int)utf8_cut(name, 100), name);
		return;
	}
	close_fd(&fd);
	qmp_return(call, NULL);
}

static const struct qmp_arg capabilities_args[] = {
	{"enable", QMP_ARG_ARRAY, false, "capabilities; there are none"},
	{0},
};

static const struct qmp_arg fd_args[] = {
	{"fdname", QMP_ARG_STRING, true,
	 "the descriptor's name on this connection"},
	{0},
};

const struct qmp_command qmp_builtin_commands[] = {
	{"qmp_capabilities", capabilities_args,
	 "ends the negotiation: the first command on a connection",
	 run_capabilities},
	{"query-version", NULL, "which evnic this is", run_query_version},
	{"query-commands", NULL, "the names of all commands",
	 run_query_commands},
	{"getfd", fd_args,
	 "names the file descriptor that was passed with SCM_RIGHTS",
	 run_getfd},
	{"closefd", fd_args, "closes a file descriptor that has a name",
	 run_closefd},
	{0},
};
