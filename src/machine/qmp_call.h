/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_QMP_CALL_H
#define EVNIC_MACHINE_QMP_CALL_H

/*
 * A call between the session that it came from and the command that answers it.
 * Private to qmp_*.c.
 */

#include "machine/qmp_session.h"

/* @session: NULL once it has ended. @message: what the client sent. @args: in it,
 * or @no_args. @id: what the client calls it by, NULL if it does not. Owned are
 * @message, @no_args and @id. @prev_next: what points to this call in the
 * service's list. */
struct qmp_call {
	struct qmp_service *service;
	struct qmp_session *session;
	struct qmp_call *next, **prev_next;
	cJSON *message, *no_args, *id;
	const cJSON *args;
	void (*taken)(void *arg, int fd);
	void *taken_arg;
};

/* A call of @session's. @message, @id: owned from now on, in case of failure
 * too. NULL: out of memory. */
struct qmp_call *qmp_call_create(struct qmp_session *session, cJSON *message,
				 cJSON *id);

/* Forgets a call without an answer. */
void qmp_call_destroy(struct qmp_call *call);

/* Checks one message and runs its command, or answers with an error. */
void qmp_dispatch(struct qmp_session *session, const char *text, size_t len);

/* Answers with an error that belongs to no message. */
void qmp_session_fault(struct qmp_session *session, const char *what);

/* Puts a line into the output. @line: owned from now on, NULL if there was no
 * memory for it. */
void qmp_session_put(struct qmp_session *session, cJSON *line);

/* {"qemu": {"major", "minor", "micro"}, "package"}. */
cJSON *qmp_version(void);

/* Descriptors. */
void qmp_fds_add(struct qmp_fds *fds, int fd);
int qmp_fds_name(struct qmp_fds *fds, const char *name) MUST_CHECK;
int qmp_fds_take(struct qmp_fds *fds, const char *name) MUST_CHECK;
void qmp_fds_fini(struct qmp_fds *fds);

#endif
