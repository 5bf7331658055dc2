/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_QMP_SESSION_H
#define EVNIC_MACHINE_QMP_SESSION_H

/*
 * One client of the control socket: bytes in, bytes out. No socket and no loop
 * here; qmp_server.c has them.
 *
 * States: greeted (only qmp_capabilities is run), negotiated, detached (the
 * connection is to be given away once the output is sent).
 *
 * While a call waits for its answer, or the client leaves much of the output
 * unread, no input is taken: a client cannot make us keep more than
 * QMP_OUTPUT_MAX, and whoever lets events pile up to that is dropped.
 */

#include "machine/qmp.h"
#include "machine/qmp_stream.h"

/* Of one message from a client. */
#define QMP_MESSAGE_MAX (1U << 20)
#define QMP_DEPTH_MAX	100
#define QMP_VALUES_MAX	10000
/* Output that is not sent: no more input beyond the first, the end of the
 * connection beyond the second. */
#define QMP_OUTPUT_ENOUGH (64U << 10)
#define QMP_OUTPUT_MAX	  (8U << 20)
/* Descriptors of one client: received but not named yet, and named. */
#define QMP_FDS_MAX	 16
#define QMP_FD_NAMES_MAX 64
#define QMP_FD_NAME_SIZE 64

/* What all sessions share. @calls: those that are not answered yet. */
struct qmp_service {
	const struct qmp_command *commands;
	void *owner;
	struct qmp_call *calls;
};

/* Ends the service: calls that are not answered are forgotten. All sessions
 * must have ended. */
void qmp_service_fini(struct qmp_service *service);

struct qmp_named_fd {
	char name[QMP_FD_NAME_SIZE];
	int fd;
};

/* Descriptors that a client has sent. */
struct qmp_fds {
	int received[QMP_FDS_MAX]; /* oldest first */
	size_t n_received;
	struct qmp_named_fd named[QMP_FD_NAMES_MAX];
	size_t n_named;
};

/* @wake: called when there is output, from within any qmp_ function. (Input is
 * welcome again only after an answer, which is output.) */
struct qmp_session {
	struct qmp_service *service;
	void (*wake)(struct qmp_session *session);
	struct qmp_stream stream;
	struct qmp_fds fds;
	struct qmp_call *call; /* not answered yet */
	bool negotiated;
	bool broken; /* too much output: to be dropped */
	bool detached;
	void (*taken)(void *arg, int fd);
	void *taken_arg;
	char *out;
	size_t out_at, out_len, out_size;
};

/* Begins with the greeting in the output. */
void qmp_session_init(struct qmp_session *session, struct qmp_service *service,
		      void (*wake)(struct qmp_session *session));
void qmp_session_fini(struct qmp_session *session);

/* Takes input and runs the commands in it. Returns how many bytes were taken:
 * fewer than @n if no more input is welcome. */
size_t qmp_session_input(struct qmp_session *session, const char *bytes,
			 size_t n);
bool qmp_session_wants_input(const struct qmp_session *session);

/* Takes a descriptor that came with the input: the session's from now on. */
void qmp_session_add_fd(struct qmp_session *session, int fd);

/* What is to be sent, and that @n bytes of it were. */
const char *qmp_session_output(const struct qmp_session *session, size_t *n);
void qmp_session_sent(struct qmp_session *session, size_t n);

/* Is it time to give the connection away: detached, and all is sent? */
bool qmp_session_leaves(const struct qmp_session *session);

/* Gives the connection's descriptor to whoever detached it. */
void qmp_session_hand_over(struct qmp_session *session, int fd);

/* An event as text, one line with its end: for a session that has negotiated. */
void qmp_session_event(struct qmp_session *session, const char *text,
		       size_t len);

/* The text of an event, its length in @len; to be freed. @data is owned
 * from now on. NULL: out of memory. */
char *qmp_event_text(const char *name, cJSON *data, size_t *len);

/* A line for a client that cannot be served. */
extern const char qmp_full_text[];

#endif
