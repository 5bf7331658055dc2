/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_COMMANDS_H
#define EVNIC_MACHINE_COMMANDS_H

/*
 * What a running machine can be told and asked on its control socket, and the
 * events that it sends there. The names and the errors are QEMU's where QEMU has
 * the thing; docs/control.md lists them.
 *
 * Thread: the control loop.
 */

#include "machine/life.h"
#include "machine/nics.h"
#include "machine/qmp.h"

#include <cjson/cJSON.h>

struct commands;

/* Besides the protocol's own. */
extern const struct qmp_command commands_table[];

/* @fd: a socket that listens; the commands' if they are made. All else is
 * borrowed for the life. @path: what messages call the socket. */
struct commands_config {
	struct loop *loop;
	struct opener *opener;
	int fd;
	const char *path;
	struct kvm_vm *vm;
	struct nics *nics;
	struct life *life;
};

/* 0 or -ENOMEM. */
int commands_create(const struct commands_config *config,
		    struct commands **out) MUST_CHECK;

/* Ends all connections and closes the socket; what was not answered never is.
 * After nics_destroy(): the queues may have been writing to an inspection. NULL
 * is allowed. */
void commands_destroy(struct commands *commands);

/* Events. NULL is allowed: there is no socket. */
void commands_paused(struct commands *commands, bool paused);
void commands_reset(struct commands *commands, enum life_cause cause);
void commands_ended(struct commands *commands, enum life_cause cause);
void commands_nic_event(struct commands *commands, const char *nic_id,
			const struct net_event *event);
void commands_capture_ended(struct commands *commands, const char *nic_id,
			    const struct capture_end *end);
void commands_deleted(struct commands *commands, const char *nic_id);

#endif
