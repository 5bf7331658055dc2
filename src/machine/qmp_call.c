/* SPDX-License-Identifier: MIT */
/*
 * Calls: made by the dispatcher, answered once by whoever runs the command, now
 * or later, whether the client is still there or not.
 */
#include "machine/qmp_call.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct qmp_call *qmp_call_create(struct qmp_session *session, cJSON *message,
				 cJSON *id)
{
	struct qmp_service *service = session->service;
	struct qmp_call *call = calloc(1, sizeof(*call));

	if (!call) {
		cJSON_Delete(message);
		cJSON_Delete(id);
		return NULL;
	}
	call->service = service;
	call->session = session;
	call->message = message;
	call->no_args = cJSON_CreateObject();
	call->args = call->no_args;
	call->id = id;
	call->next = service->calls;
	call->prev_next = &service->calls;
	if (call->next)
		call->next->prev_next = &call->next;
	service->calls = call;
	session->call = call;
	return call;
}

void qmp_call_destroy(struct qmp_call *call)
{
	if (call->session)
		call->session->call = NULL;
	*call->prev_next = call->next;
	if (call->next)
		call->next->prev_next = call->prev_next;
	cJSON_Delete(call->message);
	cJSON_Delete(call->no_args);
	cJSON_Delete(call->id);
	free(call);
}

/* @name: "return" or "error". */
static void answer(struct qmp_call *call, const char *name, cJSON *value)
{
	struct qmp_session *session = call->session;
	cJSON *line = cJSON_CreateObject();

	if (!value || !cJSON_AddItemToObject(line, name, value)) {
		cJSON_Delete(value);
		cJSON_Delete(line);
		line = NULL;
	}
	if (line && call->id && cJSON_AddItemToObject(line, "id", call->id))
		call->id = NULL;
	qmp_call_destroy(call);
	if (session)
		qmp_session_put(session, line);
	else
		cJSON_Delete(line);
}

void qmp_return(struct qmp_call *call, cJSON *value)
{
	struct qmp_session *session = call->session;

	if (call->taken && session) {
		session->taken = call->taken;
		session->taken_arg = call->taken_arg;
		session->detached = true;
	} else if (call->taken) {
		call->taken(call->taken_arg, -1);
	}
	answer(call, "return", value ? value : cJSON_CreateObject());
}

void qmp_fail(struct qmp_call *call, enum qmp_class class, const char *format,
	      ...)
{
	static const char *const names[] = {
		[QMP_GENERIC_ERROR] = "GenericError",
		[QMP_COMMAND_NOT_FOUND] = "CommandNotFound",
		[QMP_DEVICE_NOT_FOUND] = "DeviceNotFound",
	};
	cJSON *error = cJSON_CreateObject();
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	(void)cJSON_AddStringToObject(error, "class", names[class]);
	(void)cJSON_AddStringToObject(error, "desc",
				      text ? text : "out of memory");
	free(text);
	if (call->taken)
		call->taken(call->taken_arg, -1);
	answer(call, "error", error);
}

int qmp_take_fd(struct qmp_call *call, const char *name)
{
	return call->session ? qmp_fds_take(&call->session->fds, name)
			     : -ENOENT;
}

void qmp_detach(struct qmp_call *call, void (*taken)(void *arg, int fd),
		void *arg)
{
	call->taken = taken;
	call->taken_arg = arg;
}

void qmp_service_fini(struct qmp_service *service)
{
	struct qmp_call *call, *next;

	for (call = service->calls; call; call = next) {
		next = call->next;
		qmp_call_destroy(call);
	}
}
