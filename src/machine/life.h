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

/* Called from the loop. */
struct life_client {
	/* The machine is paused, or runs again. */
	void (*paused)(void *arg, bool paused);
	/* A reset is done, the guest is about to boot. */
	void (*reset)(void *arg);
	/* It has ended: vCPUs are parked, NICs reset. @error: NULL, or why. */
	void (*ended)(void *arg, const char *error);
};

/* Whom a pause or a resume is answered; embedded in an object of theirs. */
struct life_wait {
	void (*done)(struct life_wait *wait);
	struct life_wait *next;
};

/* @end, @reset, @pause: what is wanted. @waits: for the state to be the wanted
 * one. */
struct life {
	struct kvm_vm *vm;
	struct nics *nics;
	const struct life_client *client;
	void *arg;
	enum life_state state;
	bool end, reset, pause;
	bool told_paused;
	bool nics_paused;
	bool failed;
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
void life_reset(struct life *life);

/* Ends the machine, whatever it is doing. */
void life_end(struct life *life);

/* As QMP's query-status calls it. */
const char *life_status(const struct life *life);

#endif
