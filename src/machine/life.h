/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_LIFE_H
#define EVNIC_MACHINE_LIFE_H

/*
 * The run state of a machine: it runs, is paused, is reset, ends.
 *
 * Thread: the control loop.
 */

#include "kvm/vm.h"
#include "machine/nics.h"

enum life_state {
	LIFE_PARKED,	/* vCPUs stand, queues may run: on the way */
	LIFE_RUNNING,	/* all runs */
	LIFE_PARKING,	/* vCPUs are being parked */
	LIFE_PAUSING,	/* queues are being stopped */
	LIFE_PAUSED,	/* nothing runs; rings are kept */
	LIFE_RESUMING,	/* queues are being started */
	LIFE_RESETTING, /* NICs are being reset */
	LIFE_ENDED,
};

/* Why a machine is reset or ends; life_cause_name() says it as QMP does. */
enum life_cause {
	LIFE_CAUSE_NONE,
	LIFE_HOST_ERROR,
	LIFE_HOST_QMP_QUIT,
	LIFE_HOST_QMP_RESET,
	LIFE_HOST_SIGNAL,
	LIFE_HOST_UI,
	LIFE_GUEST_SHUTDOWN,
	LIFE_GUEST_RESET,
};

const char *life_cause_name(enum life_cause cause);
bool life_cause_is_guest(enum life_cause cause);

/* Called from the loop. */
struct life_client {
	/* The machine is paused, or runs again. */
	void (*paused)(void *arg, bool paused);
	/* A reset is done, the guest is about to boot. */
	void (*reset)(void *arg, enum life_cause cause);
	/* It has ended: vCPUs are parked, NICs reset. @error: for
	 * LIFE_HOST_ERROR a line for people, if there is one. */
	void (*ended)(void *arg, enum life_cause cause, const char *error);
};

/* Whom a pause or a resume is answered; embedded in an object of theirs. */
struct life_wait {
	void (*done)(struct life_wait *wait);
	struct life_wait *next;
};

/* @end, @reset, @pause: what is wanted, and why. @resetting: why the reset
 * that is under way was. @waits: for the state to be the
 * wanted one. @error: why the VM cannot go on. */
struct life {
	struct kvm_vm *vm;
	struct nics *nics;
	const struct life_client *client;
	void *arg;
	enum life_state state;
	enum life_cause end, reset, resetting;
	bool pause;
	bool told_paused;
	bool nics_paused;
	struct kvm_error error;
	struct life_wait *waits;
};

/* @vm, @nics, @client, @arg: borrowed for the life. The vCPUs are parked. */
void life_init(struct life *life, struct kvm_vm *vm, struct nics *nics,
	       const struct life_client *client, void *arg);

/* Lets the machine run for the first time. */
void life_start(struct life *life);

/* Pauses the machine, or lets it run again. @wait is answered when the machine
 * stands or runs, whichever was asked for last, at once if it does already; not
 * if the machine ends before. */
void life_pause(struct life *life, struct life_wait *wait);
void life_resume(struct life *life, struct life_wait *wait);

/* Boots the machine anew. One that is paused stays paused. */
void life_reset(struct life *life, enum life_cause cause);

/* Ends the machine, whatever it is doing. The first cause counts. */
void life_end(struct life *life, enum life_cause cause);

bool life_is_running(const struct life *life);

/* As QMP's query-status calls it. */
const char *life_status(const struct life *life);

#endif
