/* SPDX-License-Identifier: MIT */
/*
 * Commands of "evnic ctl" that change something, and the plain ones: arguments
 * into JSON, one call, and nothing to show unless JSON was asked for.
 */
#include "machine/ctl_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The name of a descriptor on its way. */
#define FD_NAME "ctl"

int ctl_print_json(cJSON *value)
{
	char *text = cJSON_Print(value);
	int status = CTL_FAILED;

	if (text && puts(text) != EOF)
		status = CTL_DONE;
	cJSON_free(text);
	cJSON_Delete(value);
	return status;
}

int ctl_do(struct ctl *ctl, const char *command, cJSON *args, int fd)
{
	cJSON *result = ctl_call(&ctl->client, command, args, fd);

	if (!result)
		return CTL_FAILED;
	if (ctl->json)
		return ctl_print_json(result);
	cJSON_Delete(result);
	return CTL_DONE;
}

static cJSON *parse(const char *text)
{
	const char *end = NULL;

	return cJSON_ParseWithOpts(text, &end, true);
}

bool ctl_add_pair(cJSON *args, const char *pair)
{
	const char *equals = strchr(pair, '=');
	char *name = equals ? strndup(pair, (size_t)(equals - pair)) : NULL;
	cJSON *value;

	if (!name) {
		(void)fprintf(stderr, "evnic: \"%s\" is not KEY=VALUE\n", pair);
		return false;
	}
	value = parse(equals + 1);
	if (!value)
		value = cJSON_CreateString(equals + 1);
	if (!value || !cJSON_AddItemToObject(args, name, value))
		cJSON_Delete(value);
	free(name);
	return true;
}

bool ctl_add_number(const struct ctl *ctl, const char *name, cJSON *args,
		    const char *key)
{
	const char *text = ctl_option(ctl, name);
	cJSON *value = text ? parse(text) : NULL;

	if (!text)
		return true;
	if (!cJSON_IsNumber(value)) {
		(void)ctl_wrong(ctl, "no number:", text);
		cJSON_Delete(value);
		return false;
	}
	if (!cJSON_AddItemToObject(args, key, value))
		cJSON_Delete(value);
	return true;
}

int ctl_run_simple(struct ctl *ctl)
{
	return ctl_do(ctl, ctl->command->qmp, NULL, -1);
}

int ctl_run_qmp(struct ctl *ctl)
{
	const char *text = ctl_word(ctl, 1);
	cJSON *args = text ? parse(text) : NULL, *result;

	if (text && !cJSON_IsObject(args)) {
		cJSON_Delete(args);
		return ctl_wrong(ctl, "no JSON object:", text);
	}
	result = ctl_call(&ctl->client, ctl_word(ctl, 0), args, -1);
	return result ? ctl_print_json(result) : CTL_FAILED;
}

int ctl_run_events(struct ctl *ctl)
{
	cJSON *event;

	while ((event = ctl_next_event(&ctl->client))) {
		char *text = cJSON_PrintUnformatted(event);
		bool printed = text && puts(text) != EOF && !fflush(stdout);

		cJSON_free(text);
		cJSON_Delete(event);
		if (!printed)
			return CTL_FAILED;
	}
	return CTL_FAILED;
}

/* The words from @first on, each KEY=VALUE. False: one is not. */
static bool add_pairs(const struct ctl *ctl, size_t first, cJSON *args)
{
	for (size_t i = first; i < ctl->n_words; i++) {
		if (!ctl_add_pair(args, ctl->words[i]))
			return false;
	}
	return true;
}

bool ctl_pass_fd(struct ctl *ctl, int fd, cJSON *args)
{
	cJSON *name = cJSON_CreateObject(), *result;

	(void)cJSON_AddStringToObject(name, "fdname", FD_NAME);
	result = ctl_call(&ctl->client, "getfd", name, fd);
	if (!result)
		return false;
	cJSON_Delete(result);
	cJSON_DeleteItemFromObjectCaseSensitive(args, "fd");
	(void)cJSON_AddStringToObject(args, "fd", FD_NAME);
	return true;
}

int ctl_run_netdev_add(struct ctl *ctl)
{
	cJSON *args = cJSON_CreateObject();
	const cJSON *fd;

	(void)cJSON_AddStringToObject(args, "id", ctl_word(ctl, 0));
	(void)cJSON_AddStringToObject(args, "type", ctl_word(ctl, 1));
	if (!add_pairs(ctl, 2, args)) {
		cJSON_Delete(args);
		return CTL_WRONG;
	}
	fd = cJSON_GetObjectItemCaseSensitive(args, "fd");
	if (cJSON_IsNumber(fd) && !ctl_pass_fd(ctl, fd->valueint, args)) {
		cJSON_Delete(args);
		return CTL_FAILED;
	}
	return ctl_do(ctl, "netdev_add", args, -1);
}

int ctl_run_device_add(struct ctl *ctl)
{
	cJSON *args = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(args, "id", ctl_word(ctl, 0));
	(void)cJSON_AddStringToObject(args, "netdev", ctl_word(ctl, 1));
	if (!add_pairs(ctl, 2, args)) {
		cJSON_Delete(args);
		return CTL_WRONG;
	}
	if (!cJSON_GetObjectItemCaseSensitive(args, "driver"))
		(void)cJSON_AddStringToObject(args, "driver", "virtio-net-pci");
	return ctl_do(ctl, "device_add", args, -1);
}

static int do_with_id(struct ctl *ctl, const char *command)
{
	cJSON *args = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(args, "id", ctl_word(ctl, 0));
	return ctl_do(ctl, command, args, -1);
}

int ctl_run_netdev_del(struct ctl *ctl)
{
	return do_with_id(ctl, "netdev_del");
}

int ctl_run_device_del(struct ctl *ctl)
{
	return do_with_id(ctl, "device_del");
}

int ctl_run_netdev_replace(struct ctl *ctl)
{
	cJSON *args = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(args, "id", ctl_word(ctl, 0));
	(void)cJSON_AddStringToObject(args, "netdev", ctl_word(ctl, 1));
	return ctl_do(ctl, "netdev_replace", args, -1);
}

int ctl_run_set_link(struct ctl *ctl)
{
	bool up = strcmp(ctl_word(ctl, 1), "up") == 0;
	cJSON *args;

	if (!up && strcmp(ctl_word(ctl, 1), "down") != 0)
		return ctl_wrong(ctl, "neither up nor down:", ctl_word(ctl, 1));
	args = cJSON_CreateObject();
	(void)cJSON_AddStringToObject(args, "name", ctl_word(ctl, 0));
	(void)cJSON_AddBoolToObject(args, "up", up);
	return ctl_do(ctl, "set_link", args, -1);
}

/* Takes "NUMBER" off the front of @text, with the "/" after it. */
static bool take_number(const char **text, double *value)
{
	char *end = NULL;

	if (**text < '0' || **text > '9')
		return false;
	*value = strtod(*text, &end);
	*text = *end == '/' ? end + 1 : end;
	return true;
}

/* "rx_bandwidth=SIZE/MS[/BURST]" into {"rx_rate_limiter": {"bandwidth": ...}}.
 * False: it is not of this form. */
static bool add_limit(cJSON *args, const char *text)
{
	static const struct {
		const char *key, *limiter, *bucket;
	} keys[] = {
		{"rx_bandwidth=", "rx_rate_limiter", "bandwidth"},
		{"rx_ops=", "rx_rate_limiter", "ops"},
		{"tx_bandwidth=", "tx_rate_limiter", "bandwidth"},
		{"tx_ops=", "tx_rate_limiter", "ops"},
	};
	double size = 0, ms = 0, burst = 0;
	cJSON *limiter, *bucket;
	size_t i = 0;

	while (i < ARRAY_SIZE(keys) &&
	       strncmp(text, keys[i].key, strlen(keys[i].key)) != 0)
		i++;
	if (i == ARRAY_SIZE(keys))
		return false;
	text += strlen(keys[i].key);
	if (!take_number(&text, &size) ||
	    (size > 0 && !take_number(&text, &ms)) ||
	    (*text && !take_number(&text, &burst)) || *text)
		return false;
	limiter = cJSON_GetObjectItemCaseSensitive(args, keys[i].limiter);
	if (!limiter)
		limiter = cJSON_AddObjectToObject(args, keys[i].limiter);
	bucket = cJSON_AddObjectToObject(limiter, keys[i].bucket);
	(void)cJSON_AddNumberToObject(bucket, "size", size);
	(void)cJSON_AddNumberToObject(bucket, "refill_time", ms);
	if (burst > 0)
		(void)cJSON_AddNumberToObject(bucket, "one_time_burst", burst);
	return true;
}

int ctl_set_limits(struct ctl *ctl)
{
	cJSON *args = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(args, "id", ctl_word(ctl, 0));
	for (size_t i = 1; i < ctl->n_words; i++) {
		if (add_limit(args, ctl->words[i]))
			continue;
		cJSON_Delete(args);
		return ctl_wrong(ctl, "no limit:", ctl->words[i]);
	}
	return ctl_do(ctl, "set-rate-limiter", args, -1);
}
