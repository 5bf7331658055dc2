/* SPDX-License-Identifier: MIT */
/*
 * From a message to the command that it asks for: is it JSON, is it a command,
 * is there one of this name, may it be run now, are its arguments right. The
 * order of the checks and their texts are QEMU's, so that a client sees what it
 * is used to.
 *
 * A member that is there twice is refused at the top and among the arguments;
 * what is inside an argument is for its command.
 */
#include "base/utf8.h"
#include "machine/json_text.h"
#include "machine/qmp_call.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Integers are exact up to here. */
#define INT_LIMIT 9007199254740992.0

/* As much of a client's text as is told back. */
#define ECHO_MAX 100

/* For "%.*s": the length of what is told back of @text. */
static int echo(const char *text)
{
	return (int)utf8_cut(text, ECHO_MAX);
}

/* Why the text is refused, or NULL and @root. */
static const char *parse(const char *text, size_t len, cJSON **root)
{
	const char *end = NULL, *what;
	size_t offset = 0;

	*root = NULL;
	what = json_text_strict(text, len, &offset);
	if (what)
		return what;
	if (!utf8_valid(text))
		return "invalid UTF-8 sequence";
	*root = cJSON_ParseWithLengthOpts(text, len + 1, &end, true);
	if (*root)
		return NULL;
	offset = end ? (size_t)(end - text) : 0;
	return json_text_fault(text, len, &offset);
}

/* Takes the id out of a message. A number stays as it was written: a double
 * would not hold all that clients count with. */
static cJSON *take_id(cJSON *message, const char *text, size_t len)
{
	const cJSON *member;
	size_t index = 0;
	cJSON *id;

	cJSON_ArrayForEach (member, message) {
		if (strcmp(member->string, "id") == 0)
			break;
		index++;
	}
	id = cJSON_DetachItemFromObjectCaseSensitive(message, "id");
	if (cJSON_IsNumber(id)) {
		char number[64];
		size_t at = json_text_find(text, len, &index, 1, false);
		size_t n = strspn(text + at, "+-.0123456789eE");

		if (n < sizeof(number)) {
			memcpy(number, text + at, n);
			number[n] = '\0';
			cJSON_Delete(id);
			id = cJSON_CreateRaw(number);
		}
	}
	return id;
}

static const struct qmp_command *find_in(const struct qmp_command *table,
					 const char *name)
{
	for (; table->name; table++) {
		if (strcmp(table->name, name) == 0)
			return table;
	}
	return NULL;
}

static const struct qmp_command *find(const struct qmp_call *call,
				      const char *name)
{
	const struct qmp_command *command;

	command = find_in(qmp_builtin_commands, name);
	return command ? command : find_in(call->service->commands, name);
}

static bool type_is(const cJSON *value, enum qmp_arg_type type)
{
	switch (type) {
	case QMP_ARG_STRING:
		return cJSON_IsString(value);
	case QMP_ARG_INT:
		return cJSON_IsNumber(value) &&
		       fabs(value->valuedouble) <= INT_LIMIT &&
		       value->valuedouble == trunc(value->valuedouble);
	case QMP_ARG_BOOL:
		return cJSON_IsBool(value);
	case QMP_ARG_OBJECT:
		return cJSON_IsObject(value);
	case QMP_ARG_ARRAY:
		return cJSON_IsArray(value);
	case QMP_ARG_ANY:
		return true;
	}
	return false;
}

static const char *const type_names[] = {
	[QMP_ARG_STRING] = "string", [QMP_ARG_INT] = "integer",
	[QMP_ARG_BOOL] = "boolean",  [QMP_ARG_OBJECT] = "object",
	[QMP_ARG_ARRAY] = "array",   [QMP_ARG_ANY] = "any",
};

const char *qmp_arg_type_name(enum qmp_arg_type type)
{
	return type_names[type];
}

static size_t count(const cJSON *object, const char *name)
{
	const cJSON *member;
	size_t n = 0;

	cJSON_ArrayForEach (member, object) {
		n += strcmp(member->string, name) == 0;
	}
	return n;
}

static bool known(const struct qmp_arg *table, const char *name)
{
	for (; table && table->name; table++) {
		if (strcmp(table->name, name) == 0)
			return true;
	}
	return false;
}

/* One argument against its row. False: the call has been answered. */
static bool check_arg(struct qmp_call *call, const struct qmp_arg *arg)
{
	const cJSON *value;

	value = cJSON_GetObjectItemCaseSensitive(call->args, arg->name);
	if (!value && arg->required)
		qmp_fail(call, QMP_GENERIC_ERROR, "Parameter '%s' is missing",
			 arg->name);
	else if (count(call->args, arg->name) > 1)
		qmp_fail(call, QMP_GENERIC_ERROR,
			 "JSON parse error, duplicate key");
	else if (value && !type_is(value, arg->type))
		qmp_fail(call, QMP_GENERIC_ERROR,
			 "Invalid parameter type for '%s', expected: %s",
			 arg->name, qmp_arg_type_name(arg->type));
	else
		return true;
	return false;
}

/* False: the call has been answered. */
static bool check_args(struct qmp_call *call, const struct qmp_arg *table)
{
	const cJSON *value;

	for (const struct qmp_arg *arg = table; arg && arg->name; arg++) {
		if (!check_arg(call, arg))
			return false;
	}
	cJSON_ArrayForEach (value, call->args) {
		if (known(table, value->string))
			continue;
		qmp_fail(call, QMP_GENERIC_ERROR,
			 "Parameter '%.*s' is unexpected", echo(value->string),
			 value->string);
		return false;
	}
	return true;
}

/* The members of a message. NULL: the call has been answered. */
static const char *check_message(struct qmp_call *call)
{
	const cJSON *message = call->message, *member;
	const cJSON *execute, *arguments;

	cJSON_ArrayForEach (member, message) {
		if (strcmp(member->string, "execute") == 0 ||
		    strcmp(member->string, "arguments") == 0 ||
		    strcmp(member->string, "id") == 0)
			continue;
		qmp_fail(call, QMP_GENERIC_ERROR,
			 "QMP input member '%.*s' is unexpected",
			 echo(member->string), member->string);
		return NULL;
	}
	execute = cJSON_GetObjectItemCaseSensitive(message, "execute");
	arguments = cJSON_GetObjectItemCaseSensitive(message, "arguments");
	if (!execute) {
		qmp_fail(call, QMP_GENERIC_ERROR,
			 "QMP input lacks member 'execute'");
	} else if (!cJSON_IsString(execute)) {
		qmp_fail(call, QMP_GENERIC_ERROR,
			 "QMP input member 'execute' must be a string");
	} else if (arguments && !cJSON_IsObject(arguments)) {
		qmp_fail(call, QMP_GENERIC_ERROR,
			 "QMP input member 'arguments' must be an object");
	} else if (count(message, "execute") > 1 ||
		   count(message, "arguments") > 1 || count(message, "id")) {
		/* The first id is no longer there. */
		qmp_fail(call, QMP_GENERIC_ERROR,
			 "JSON parse error, duplicate key");
	} else {
		if (arguments)
			call->args = arguments;
		return execute->valuestring;
	}
	return NULL;
}

static void run(struct qmp_call *call)
{
	const struct qmp_command *command;
	const char *name = check_message(call);

	if (!name)
		return;
	command = find(call, name);
	if (!call->session->negotiated &&
	    (!command || strcmp(name, "qmp_capabilities") != 0))
		qmp_fail(call, QMP_COMMAND_NOT_FOUND,
			 "Expecting capabilities negotiation with "
			 "'qmp_capabilities'");
	else if (!command)
		qmp_fail(call, QMP_COMMAND_NOT_FOUND,
			 "The command %.*s has not been found", echo(name),
			 name);
	else if (check_args(call, command->args))
		command->run(call->service->owner, call, call->args);
}

void qmp_dispatch(struct qmp_session *session, const char *text, size_t len)
{
	const char *fault;
	char what[128];
	struct qmp_call *call;
	cJSON *message;

	fault = parse(text, len, &message);
	if (fault) {
		(void)snprintf(what, sizeof(what), "JSON parse error, %s",
			       fault);
		qmp_session_fault(session, what);
		return;
	}
	if (!cJSON_IsObject(message)) {
		cJSON_Delete(message);
		qmp_session_fault(session, "QMP input must be a JSON object");
		return;
	}
	call = qmp_call_create(session, message, take_id(message, text, len));
	if (call)
		run(call);
	else
		qmp_session_fault(session, "out of memory");
}
