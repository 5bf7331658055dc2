/* SPDX-License-Identifier: MIT */
/*
 * Captures on the control socket.
 *
 * A capture to the connection itself ("stream") begins after the reply, when the
 * connection is no longer the protocol's.
 */
#include "machine/commands_private.h"

#include "base/log.h"
#include "machine/opener.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A capture that waits for its connection. */
struct stream {
	struct commands *commands;
	struct capture_config config;
	char nic_id[];
};

/* Is there one place to write to? With a descriptor the path is what that is
 * called. */
static bool has_target(const cJSON *args)
{
	bool file = arg_find(args, "path") || arg_find(args, "fd");

	return file != arg_bool(args, "stream");
}

/* A number that is not negative, or -ERANGE and the call was answered. */
static int64_t size_arg(struct qmp_call *call, const cJSON *args,
			const char *name, int64_t max)
{
	int64_t value = arg_int(args, name, 0);

	if (value >= 0 && value <= max)
		return value;
	qmp_fail(call, QMP_GENERIC_ERROR,
		 "Parameter '%s' expects a value from 0 to %lld", name,
		 (long long)max);
	return -ERANGE;
}

/* The queues as a set of bits; 0: the call was answered. */
static uint64_t queues_arg(struct qmp_call *call, const cJSON *args)
{
	const cJSON *list = arg_find(args, "queues"), *item;
	uint64_t queues = 0;

	if (!list)
		return CAPTURE_ALL_QUEUES;
	cJSON_ArrayForEach (item, list) {
		double n = cJSON_IsNumber(item) ? item->valuedouble : -1;

		if (n < 0 || n >= CONFIG_MAX_QUEUE_PAIRS || n != (int)n) {
			queues = 0;
			break;
		}
		queues |= 1ULL << (int)n;
	}
	if (!queues)
		qmp_fail(call, QMP_GENERIC_ERROR,
			 "Parameter 'queues' expects numbers of queue pairs");
	return queues;
}

/* All but the target. False: the call was answered. */
static bool read_config(struct qmp_call *call, const cJSON *args,
			struct capture_config *config)
{
	int64_t snaplen, rotate_size, ring;

	snaplen = size_arg(call, args, "snaplen", UINT32_MAX);
	if (snaplen < 0)
		return false;
	rotate_size = size_arg(call, args, "rotate_size", 1LL << 50);
	if (rotate_size < 0)
		return false;
	if (size_arg(call, args, "rotate_files", CAPTURE_FILES_MAX) < 0)
		return false;
	ring = size_arg(call, args, "ring_size", CAPTURE_RING_MAX);
	if (ring < 0)
		return false;
	*config = (struct capture_config){
		.fd = -1,
		.rotator = -1,
		.snaplen = (uint32_t)snaplen,
		.rotate_size = (uint64_t)rotate_size,
		.queues = queues_arg(call, args),
		.ring_bytes = (size_t)ring,
	};
	return config->queues != 0;
}

/* The connection is ours; -1: it has gone, and all may be on its way out. */
static void stream_cb(void *arg, int fd)
{
	struct stream *stream = arg;
	struct nic *nic =
		nics_find(stream->commands->config.nics, stream->nic_id);
	struct capture_error error;
	int err = -ENODEV;

	stream->config.fd = fd;
	if (nic && nic_capture(nic)) {
		err = capture_start(nic_capture(nic), &stream->config, &error);
		if (err < 0)
			log_warn("%s: capture: %s", stream->nic_id, error.text);
	}
	if (err < 0)
		close_fd(&fd);
	free(stream);
}

static void start_stream(struct commands *commands, struct qmp_call *call,
			 const struct nic *nic,
			 const struct capture_config *config)
{
	size_t size = strlen(nic_id(nic)) + 1;
	struct stream *stream;
	struct capture_state state;

	capture_query(nic_capture(nic), &state);
	if (state.active) {
		qmp_fail(call, QMP_GENERIC_ERROR,
			 "%s: a capture is active; stop it first", nic_id(nic));
		return;
	}
	stream = malloc(sizeof(*stream) + size);
	if (!stream) {
		qmp_fail(call, QMP_GENERIC_ERROR, "out of memory");
		return;
	}
	stream->commands = commands;
	stream->config = *config;
	memcpy(stream->nic_id, nic_id(nic), size);
	qmp_detach(call, stream_cb, stream);
	qmp_return(call, NULL);
}

/* Has the opener make the file, and the next ones if the capture rotates. False:
 * the call was answered. */
static bool open_files(struct commands *commands, struct qmp_call *call,
		       const struct nic *nic, const cJSON *args,
		       struct capture_config *config)
{
	int64_t files = 0;
	struct opener_error error;

	if (config->rotate_size) {
		files = arg_int(args, "rotate_files", 0);
		if (files < 1) {
			qmp_fail(call, QMP_GENERIC_ERROR,
				 "%s: capture: the number of files to keep "
				 "must be 1 to %d",
				 nic_id(nic), CAPTURE_FILES_MAX);
			return false;
		}
		config->rotate = opener_rotate;
	}
	config->fd =
		opener_capture(commands->config.opener, config->path,
			       (unsigned int)files, &config->rotator, &error);
	if (config->fd < 0)
		qmp_fail(call, QMP_GENERIC_ERROR, "%s: capture: %s",
			 nic_id(nic), error.text);
	return config->fd >= 0;
}

void run_capture_start(void *owner, struct qmp_call *call, const cJSON *args)
{
	struct commands *commands = owner;
	struct nic *nic = arg_nic(commands, call, args, "id");
	struct capture_config config;
	struct capture_error error;
	const char *fd_name;

	if (!nic)
		return;
	if (!nic_capture(nic)) {
		fail_not_found(call, nic_id(nic));
		return;
	}
	if (!has_target(args)) {
		qmp_fail(call, QMP_GENERIC_ERROR,
			 "one of 'path', 'fd' and 'stream' must be given");
		return;
	}
	if (!read_config(call, args, &config))
		return;
	if (arg_bool(args, "stream")) {
		start_stream(commands, call, nic, &config);
		return;
	}
	if (capture_check(nic_capture(nic), &config, &error) < 0) {
		qmp_fail(call, QMP_GENERIC_ERROR, "%s", error.text);
		return;
	}
	config.path = arg_string(args, "path");
	fd_name = arg_string(args, "fd");
	if (!(fd_name ? take_fd(call, fd_name, &config.fd)
		      : open_files(commands, call, nic, args, &config)))
		return;
	if (capture_start(nic_capture(nic), &config, &error) < 0) {
		close_fd(&config.fd);
		close_fd(&config.rotator);
		qmp_fail(call, QMP_GENERIC_ERROR, "%s", error.text);
		return;
	}
	qmp_return(call, NULL);
}

void capture_to_json(cJSON *object, const struct net_endpoint *capture)
{
	struct capture_state state;

	capture_query(capture, &state);
	(void)cJSON_AddBoolToObject(object, "active", state.active);
	add_string(object, "path", state.path);
	add_number(object, "packets", state.packets);
	add_number(object, "bytes", state.bytes);
	add_number(object, "drops", state.drops);
	add_number(object, "written", state.written);
}

static void stopped_cb(void *arg, const struct capture_end *end)
{
	struct pending *pending = arg;
	struct commands *commands = pending->commands;
	const char *id = arg_string(pending->args, "id");
	struct nic *nic = nics_find(commands->config.nics, id);
	cJSON *result = cJSON_CreateObject();

	if (nic && nic_capture(nic))
		capture_to_json(result, nic_capture(nic));
	commands_capture_ended(commands, id, end);
	if (end->err < 0) {
		cJSON_Delete(result);
		qmp_fail(pending->call, QMP_GENERIC_ERROR, "%s", end->cause);
	} else {
		qmp_return(pending->call, result);
	}
	pending_destroy(pending);
}

void run_capture_stop(void *owner, struct qmp_call *call, const cJSON *args)
{
	struct commands *commands = owner;
	struct nic *nic = arg_nic(commands, call, args, "id");
	struct pending *pending;
	int err;

	if (!nic)
		return;
	pending = pending_create(commands, call, args);
	if (!pending)
		return;
	pending->capture = true;
	err = nic_capture(nic)
		      ? capture_stop(nic_capture(nic), stopped_cb, pending)
		      : -ENOENT;
	if (err == 0)
		return;
	qmp_fail(call, QMP_GENERIC_ERROR, "%s: %s", nic_id(nic),
		 err == -EBUSY ? "the capture is being stopped already"
			       : "no capture is active");
	pending_destroy(pending);
}
