/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_CTL_CLIENT_H
#define EVNIC_MACHINE_CTL_CLIENT_H

/*
 * A connection to a control socket, for a program that has nothing else to do:
 * its calls wait. What goes wrong is told on standard error, in one line.
 */

#include "machine/qmp_stream.h"

#include <cjson/cJSON.h>
#include <sys/types.h>

/* @in: received; from @in_at on it is not taken yet. */
struct ctl_client {
	const char *path;
	int fd;
	struct qmp_stream stream;
	char in[4096];
	size_t in_at, in_len;
};

/* Connects and negotiates. @path: borrowed. 0 or -1. */
int ctl_client_open(struct ctl_client *client, const char *path) MUST_CHECK;

/* Idempotent. */
void ctl_client_close(struct ctl_client *client);

/* Runs a command and returns what it returned, the caller's; NULL: it failed.
 * @args: owned from now on, may be NULL. @fd: a descriptor that travels with it,
 * -1 for none. */
cJSON *ctl_call(struct ctl_client *client, const char *command, cJSON *args,
		int fd) MUST_CHECK;

/* The next event, the caller's; NULL: there will be none. Waits for ever. */
cJSON *ctl_next_event(struct ctl_client *client) MUST_CHECK;

/* Whatever comes, once the connection is no longer QMP: bytes, 0 at its end, -1.
 * Waits for ever. It begins after the line of the last answer, whose end
 * ctl_skip_line() takes: 0 or -1. */
int ctl_skip_line(struct ctl_client *client) MUST_CHECK;
ssize_t ctl_read_raw(struct ctl_client *client, char *bytes, size_t size);

#endif
