/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_CAPTURE_SINK_H
#define EVNIC_BACKENDS_CAPTURE_SINK_H

/*
 * Where a capture goes: a descriptor, or files one after another.
 *
 * Made on the control loop, then the writer's thread's, which may wait in here
 * for a disk or the next file but not for the reader of a pipe or socket.
 */

#include "backends/capture.h"

#include <sys/types.h>

/* @stream: a pipe or socket, whose reader may be slow or go. @whole: a regular
 * file, all of which is ours. @len: bytes of the present file. @written: bytes
 * of all of them; any thread may read it. */
struct capture_sink {
	int fd;
	char *path;
	bool stream, socket, whole;
	uint64_t rotate_size;
	int (*rotate)(int rotator);
	int rotator;
	uint64_t len;
	_Atomic uint64_t written;
};

/* The descriptors of @config are the sink's if this succeeds. 0, or -errno and
 * @error. @name: the NIC's. */
int capture_sink_init(struct capture_sink *sink, const char *name,
		      const struct capture_config *config,
		      struct capture_error *error) MUST_CHECK;

/* The file is complete; what was asked with the rotator, too. */
void capture_sink_close(struct capture_sink *sink);

/* Closes and frees what is left. */
void capture_sink_fini(struct capture_sink *sink);

/* Frees a sink whose descriptors are to be the caller's again. */
void capture_sink_forget(struct capture_sink *sink);

/* Writes some of @bytes: how many, -EAGAIN (a stream's reader is behind) or
 * -errno. */
ssize_t capture_sink_write(struct capture_sink *sink, const void *bytes,
			   size_t len);

/* Takes the last @len bytes away again, where that is possible: a file that
 * ends within a block is not good. */
void capture_sink_cut(struct capture_sink *sink, size_t len);

/* Begins the next file. 0 or -errno. */
int capture_sink_rotate(struct capture_sink *sink) MUST_CHECK;

/* After a stream's descriptor has become readable: is its reader gone? *@deaf:
 * nothing more is to be learnt this way. */
bool capture_sink_reader_gone(struct capture_sink *sink, bool *deaf);

/* Writes a line about @err to @to: the thing, the cause and the cure. */
void capture_sink_cause(const struct capture_sink *sink, const char *name,
			int err, struct capture_error *to);

#endif
