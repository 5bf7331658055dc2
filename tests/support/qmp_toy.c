/* SPDX-License-Identifier: MIT */
#include "support/qmp_toy.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const cJSON *arg(const cJSON *args, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(args, name);
}

static void run_echo(void *owner, struct qmp_call *call, const cJSON *args)
{
	struct qmp_toy *toy = owner;

	toy->runs++;
	qmp_return(call, cJSON_Duplicate(args, true));
}

static void run_fail(void *owner, struct qmp_call *call, const cJSON *args)
{
	const cJSON *device = arg(args, "device");

	(void)owner;
	if (device)
		qmp_fail(call, QMP_DEVICE_NOT_FOUND, "Device '%s' not found",
			 device->valuestring);
	else
		qmp_fail(call, QMP_GENERIC_ERROR, "it is meant to fail");
}

static void run_hold(void *owner, struct qmp_call *call, const cJSON *args)
{
	struct qmp_toy *toy = owner;

	(void)args;
	if (toy->n_held == QMP_TOY_HELD_MAX)
		qmp_fail(call, QMP_GENERIC_ERROR, "too many");
	else
		toy->held[toy->n_held++] = call;
}

bool qmp_toy_release(struct qmp_toy *toy)
{
	struct qmp_call *call = toy->held[0];

	if (toy->n_held == 0)
		return false;
	toy->n_held--;
	memmove(&toy->held[0], &toy->held[1],
		toy->n_held * sizeof(toy->held[0]));
	qmp_return(call, cJSON_CreateString("held"));
	return true;
}

static void run_release(void *owner, struct qmp_call *call, const cJSON *args)
{
	(void)args;
	qmp_return(call, cJSON_CreateBool(qmp_toy_release(owner)));
}

/* A text of @length bytes. */
static void run_text(void *owner, struct qmp_call *call, const cJSON *args)
{
	int length = arg(args, "length")->valueint;
	char *text = length < 0 || length > 4 << 20
			     ? NULL
			     : malloc((size_t)length + 1);

	(void)owner;
	if (!text) {
		qmp_fail(call, QMP_GENERIC_ERROR, "length out of range");
		return;
	}
	memset(text, 'x', (size_t)length);
	text[length] = '\0';
	qmp_return(call, cJSON_CreateString(text));
	free(text);
}

/* @times events, each with a text of 1000 bytes. */
static void run_tell(void *owner, struct qmp_call *call, const cJSON *args)
{
	struct qmp_toy *toy = owner;
	const cJSON *times = arg(args, "times");
	char text[1001];

	memset(text, 'e', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < (times ? times->valueint : 1); i++) {
		cJSON *data = cJSON_CreateObject();

		(void)cJSON_AddStringToObject(data, "text", text);
		qmp_event(toy->server, "TOLD", data);
	}
	qmp_return(call, NULL);
}

/* Writes a byte to a descriptor that was named with getfd. */
static void run_write(void *owner, struct qmp_call *call, const cJSON *args)
{
	int fd = qmp_take_fd(call, arg(args, "fdname")->valuestring);
	ssize_t n;

	(void)owner;
	if (fd < 0) {
		qmp_fail(call, QMP_GENERIC_ERROR,
			 "File descriptor named '%s' not found",
			 arg(args, "fdname")->valuestring);
		return;
	}
	n = write(fd, "!", 1);
	(void)close(fd);
	if (n == 1)
		qmp_return(call, NULL);
	else
		qmp_fail(call, QMP_GENERIC_ERROR,
			 "the descriptor cannot be written");
}

static void taken_cb(void *owner, int fd)
{
	struct qmp_toy *toy = owner;

	toy->fd = fd;
}

static void run_detach(void *owner, struct qmp_call *call, const cJSON *args)
{
	const cJSON *fail = arg(args, "fail");

	qmp_detach(call, taken_cb, owner);
	if (cJSON_IsTrue(arg(args, "hold")))
		run_hold(owner, call, args);
	else if (cJSON_IsTrue(fail))
		qmp_fail(call, QMP_GENERIC_ERROR, "it is meant to fail");
	else
		qmp_return(call, NULL);
}

static void run_quit(void *owner, struct qmp_call *call, const cJSON *args)
{
	struct qmp_toy *toy = owner;

	(void)args;
	qmp_return(call, NULL);
	if (toy->quit)
		toy->quit(toy);
}

static const struct qmp_arg echo_args[] = {
	{"text", QMP_ARG_STRING, false, "some text"},
	{"number", QMP_ARG_INT, false, "a number"},
	{"flag", QMP_ARG_BOOL, false, "yes or no"},
	{"object", QMP_ARG_OBJECT, false, "an object"},
	{"list", QMP_ARG_ARRAY, false, "a list"},
	{"any", QMP_ARG_ANY, false, "anything"},
	{0},
};
static const struct qmp_arg fail_args[] = {
	{"device", QMP_ARG_STRING, false, "what is not found"},
	{0},
};
static const struct qmp_arg text_args[] = {
	{"length", QMP_ARG_INT, true, "bytes"},
	{0},
};
static const struct qmp_arg tell_args[] = {
	{"times", QMP_ARG_INT, false, "how often"},
	{0},
};
static const struct qmp_arg write_args[] = {
	{"fdname", QMP_ARG_STRING, true, "where to"},
	{0},
};
static const struct qmp_arg detach_args[] = {
	{"fail", QMP_ARG_BOOL, false, "whether it fails"},
	{"hold", QMP_ARG_BOOL, false, "whether it waits for release"},
	{0},
};

const struct qmp_command qmp_toy_commands[] = {
	{"echo", echo_args, "returns its arguments", run_echo},
	{"fail", fail_args, "fails", run_fail},
	{"hold", NULL, "answers at release", run_hold},
	{"release", NULL, "answers the oldest hold", run_release},
	{"text", text_args, "returns much text", run_text},
	{"tell", tell_args, "sends events", run_tell},
	{"write", write_args, "writes to a descriptor", run_write},
	{"detach", detach_args, "takes the connection", run_detach},
	{"quit", NULL, "ends it", run_quit},
	{0},
};
