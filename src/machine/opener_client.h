/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_OPENER_CLIENT_H
#define EVNIC_MACHINE_OPENER_CLIENT_H

/*
 * The machine's end of the opener's socket: how the calls of opener.h ask.
 */

#include "machine/opener_wire.h"

struct opener {
	int fd; /* owned */
};

/* Sends @request and waits for the answer; @request and @reply are the caller's.
 * 0: @reply->n_fds descriptors, close-on-exec, are in @fds, the caller's.
 * -errno: there are none and @reply->text says why, the opener's own error or
 * that it has gone. */
int opener_ask(struct opener *opener, const struct opener_request *request,
	       struct opener_reply *reply, int fds[OPENER_FDS_MAX]) MUST_CHECK;

/* The same on another channel of the opener's: a rotator. */
int opener_ask_at(int fd, const struct opener_request *request,
		  struct opener_reply *reply,
		  int fds[OPENER_FDS_MAX]) MUST_CHECK;

#endif
