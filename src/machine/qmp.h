/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_QMP_H
#define EVNIC_MACHINE_QMP_H

/*
 * The control socket: QMP as QEMU and StratoVirt speak it, on a unix stream
 * socket. JSON objects back to back, one per line on our side.
 *
 * This is the protocol: connections, capabilities negotiation, the table of
 * commands with their arguments, replies, errors, events, passed descriptors.
 * What the commands do is commands.c's. The protocol's own commands
 * (qmp_capabilities, query-version, query-commands, getfd, closefd) are in
 * qmp_builtin_commands.
 *
 * Thread: the control loop.
 *
 * A call lives from its command's run function until it is answered, once, by
 * qmp_return() or qmp_fail(), from within or later. Its connection may be gone
 * by then: the answer is thrown away. Calls of one connection are answered in
 * the order in which they came: the next is run when the last is answered.
 */

#include "base/loop.h"

#include <cjson/cJSON.h>

struct qmp_server;
struct qmp_call;

/* Error classes, as QMP has them. */
enum qmp_class {
	QMP_GENERIC_ERROR,
	QMP_COMMAND_NOT_FOUND,
	QMP_DEVICE_NOT_FOUND,
};

enum qmp_arg_type {
	QMP_ARG_STRING,
	QMP_ARG_INT, /* exact in a double */
	QMP_ARG_BOOL,
	QMP_ARG_OBJECT,
	QMP_ARG_ARRAY,
	QMP_ARG_ANY,
};

/* "string", "integer", ... */
const char *qmp_arg_type_name(enum qmp_arg_type type);

struct qmp_arg {
	const char *name; /* NULL: end of the table */
	enum qmp_arg_type type;
	bool required;
	const char *what; /* one line for people */
};

/* A command. @args: NULL is none. @run: the arguments have been checked against
 * @args: nothing unknown, nothing missing, nothing twice, types right; they are
 * an object (empty if the client gave none), good until the answer. */
struct qmp_command {
	const char *name; /* NULL: end of the table */
	const struct qmp_arg *args;
	const char *what; /* one line for people */
	void (*run)(void *owner, struct qmp_call *call, const cJSON *args);
};

extern const struct qmp_command qmp_builtin_commands[];

/* @fd: a socket that listens, non-blocking (machine/unix_listen.h); the server's
 * if this succeeds. @path: what messages call it (copied). @owner: given to the
 * commands. 0 or -ENOMEM. */
int qmp_server_create(struct loop *loop, int fd, const char *path,
		      const struct qmp_command *commands, void *owner,
		      struct qmp_server **out) MUST_CHECK;

/* Sends what can be sent at once, ends all connections, closes the socket.
 * Calls that are not answered yet are forgotten: their owner must not answer
 * them any more. NULL is allowed. Not from a command's run function. */
void qmp_server_destroy(struct qmp_server *server);

/* Answers. @value: owned from now on; NULL is {}. */
void qmp_return(struct qmp_call *call, cJSON *value);
void qmp_fail(struct qmp_call *call, enum qmp_class class, const char *format,
	      ...) PRINTF_LIKE(3, 4);

/* Takes the descriptor that was passed with getfd under @name on the call's
 * connection: the caller's from now on. -ENOENT. */
int qmp_take_fd(struct qmp_call *call, const char *name) MUST_CHECK;

/* Takes the connection out of QMP's hands once the call is answered: after the
 * reply nothing more is read or written on it, and its descriptor (non-blocking)
 * is given to @taken, whose it is then. @taken is called once in any case: with
 * -1 if the connection ends first, or the call fails. For "capture-start" to
 * standard output. */
void qmp_detach(struct qmp_call *call, void (*taken)(void *arg, int fd),
		void *arg);

/* Sends an event to every connection that has negotiated. @data: owned from now
 * on, may be NULL. @server may be NULL: nobody listens. */
void qmp_event(struct qmp_server *server, const char *name, cJSON *data);

#endif
