/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_COMMANDS_PRIVATE_H
#define EVNIC_MACHINE_COMMANDS_PRIVATE_H

/*
 * What the files of commands share: commands.c (the table, run state),
 * commands_nic.c (NICs and netdevs), commands_query.c, commands_capture.c,
 * commands_consomme.c.
 */

#include "base/inspect.h"
#include "machine/commands.h"
#include "machine/description.h"
#include "machine/keys.h"

/* Bytes of a client's text that an answer repeats. */
#define REPEATED_MAX 100

/* @pendings: calls that are answered later. */
struct commands {
	struct commands_config config;
	struct qmp_server *server;
	struct pending *pendings;
};

struct flows_query;

/* A call that is answered later. @args: good until then. @in: of "inspect".
 * @flows: of "query-flows", owned. @consomme: carries out what was asked, and
 * would answer. @capture: it waits for the end of a capture. */
struct pending {
	struct pending *next, **prev_next;
	struct commands *commands;
	struct qmp_call *call;
	const cJSON *args;
	struct life_wait wait;
	struct inspect in;
	struct flows_query *flows;
	struct net_endpoint *consomme;
	bool capture;
};

/* A pending for @call; NULL: out of memory, and the call was answered. */
struct pending *pending_create(struct commands *commands, struct qmp_call *call,
			       const cJSON *args);
void pending_destroy(struct pending *pending);

/* Argument @name; NULL, @fallback or false if it was not given. */
const cJSON *arg_find(const cJSON *args, const char *name);
const char *arg_string(const cJSON *args, const char *name);
int64_t arg_int(const cJSON *args, const char *name, int64_t fallback);
bool arg_bool(const cJSON *args, const char *name);

/* The NIC that argument @name names; NULL: there is none, and the call was
 * answered. */
struct nic *arg_nic(struct commands *commands, struct qmp_call *call,
		    const cJSON *args, const char *name);

struct netdev *arg_netdev(struct commands *commands, struct qmp_call *call,
			  const cJSON *args, const char *name);

/* Answers with "Device 'ID' not found". */
void fail_not_found(struct qmp_call *call, const char *id);

/* Answers with "Parameter 'NAME' does not accept value 'VALUE'". */
void fail_value(struct qmp_call *call, const char *name, const char *value);

/* The descriptor that was passed as @name, the caller's in *@fd. False: there is
 * none, and the call was answered. */
bool take_fd(struct qmp_call *call, const char *name, int *fd);

/* An event called @name; @data is owned. */
void commands_send(struct commands *commands, const char *name, cJSON *data);

/* Reads @object, which is given up, by the description's @keys into @base.
 * @desc: holds what @base borrows, to be finished in any case. False: the call
 * was answered. */
bool read_object(struct qmp_call *call, struct description *desc,
		 const struct key_table *keys, cJSON *object, void *base);

/* For replies. @value: NULL is null. */
void add_string(cJSON *object, const char *name, const char *value);
void add_number(cJSON *object, const char *name, uint64_t value);

/* Adds the limits of a limiter, and what is known of a capture, to @object. */
void limits_to_json(cJSON *object, const struct net_endpoint *limiter);
void capture_to_json(cJSON *object, const struct net_endpoint *capture);

/* The commands' functions, for the table. @owner: struct commands. */

/* commands_nic.c */
void run_netdev_add(void *owner, struct qmp_call *call, const cJSON *args);
void run_netdev_del(void *owner, struct qmp_call *call, const cJSON *args);
void run_netdev_replace(void *owner, struct qmp_call *call, const cJSON *args);
void run_device_add(void *owner, struct qmp_call *call, const cJSON *args);
void run_device_del(void *owner, struct qmp_call *call, const cJSON *args);
void run_set_link(void *owner, struct qmp_call *call, const cJSON *args);
void run_set_rate_limiter(void *owner, struct qmp_call *call,
			  const cJSON *args);

/* commands_limits.c */
void run_set_rate_limiter(void *owner, struct qmp_call *call,
			  const cJSON *args);

/* commands_query.c */
void run_query_status(void *owner, struct qmp_call *call, const cJSON *args);
void run_query_nics(void *owner, struct qmp_call *call, const cJSON *args);
void run_query_stats(void *owner, struct qmp_call *call, const cJSON *args);
void run_inspect(void *owner, struct qmp_call *call, const cJSON *args);

/* commands_consomme.c */
void flows_query_free(struct flows_query *query); /* NULL is allowed */
void run_hostfwd_add(void *owner, struct qmp_call *call, const cJSON *args);
void run_hostfwd_remove(void *owner, struct qmp_call *call, const cJSON *args);
void run_query_flows(void *owner, struct qmp_call *call, const cJSON *args);

/* commands_capture.c */
void run_capture_start(void *owner, struct qmp_call *call, const cJSON *args);
void run_capture_stop(void *owner, struct qmp_call *call, const cJSON *args);

#endif
