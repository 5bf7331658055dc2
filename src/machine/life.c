/* SPDX-License-Identifier: MIT */
/*
 * The run state of a machine.
 *
 *	PARKED --(vCPUs)--> RUNNING --(vCPUs)--> PARKING --> PARKED
 *	PARKED --(queues)--> PAUSING --> PAUSED --(queues)--> RESUMING --> PARKED
 *	PARKED, PAUSED --(NICs)--> RESETTING --> PARKED, PAUSED, ENDED
 *
 * Wishes (an end, a reset, a pause or its end) are only noted. One step is under
 * way at a time; when it is done, the next is chosen by what is wanted then. An
 * end comes before a reset, a reset before a pause.
 */
#include "machine/life.h"

#include <string.h>

static void step(struct life *life);

static void parked_cb(void *arg)
{
	struct life *life = arg;

	life->state = LIFE_PARKED;
	step(life);
}

static void paused_cb(void *arg)
{
	struct life *life = arg;

	life->state = LIFE_PAUSED;
	life->nics_paused = true;
	step(life);
}

static void resumed_cb(void *arg)
{
	struct life *life = arg;

	life->state = LIFE_PARKED;
	life->nics_paused = false;
	step(life);
}

static void fail(struct life *life)
{
	life->end = LIFE_HOST_ERROR;
}

static void reset_cb(void *arg)
{
	struct life *life = arg;
	enum life_cause cause = life->resetting;

	life->state = life->nics_paused ? LIFE_PAUSED : LIFE_PARKED;
	if (life->end) {
		life->state = LIFE_ENDED;
		life->client->ended(life->arg, life->end,
				    *life->error.text ? life->error.text
						      : NULL);
		return;
	}
	if (kvm_vm_reset(life->vm, &life->error) < 0)
		fail(life);
	else
		life->client->reset(life->arg, cause);
	step(life);
}

/* Nothing is left to do: the state is what was wanted. */
static void settled(struct life *life)
{
	struct life_wait *waits = life->waits;
	bool paused = life->state == LIFE_PAUSED;

	if (paused != life->told_paused) {
		life->told_paused = paused;
		life->client->paused(life->arg, paused);
	}
	life->waits = NULL;
	while (waits) {
		struct life_wait *wait = waits;

		waits = wait->next;
		wait->done(wait); /* may ask for the next change */
	}
}

static void let_run(struct life *life)
{
	if (kvm_vm_start(life->vm, &life->error) < 0) {
		fail(life);
		step(life);
		return;
	}
	life->state = LIFE_RUNNING;
	settled(life);
}

static void begin_reset(struct life *life)
{
	life->state = LIFE_RESETTING;
	life->resetting = life->reset;
	life->reset = LIFE_CAUSE_NONE;
	nics_reset(life->nics, reset_cb, life);
}

static void step(struct life *life)
{
	switch (life->state) {
	case LIFE_RUNNING:
		if (life->end || life->reset || life->pause) {
			life->state = LIFE_PARKING;
			kvm_vm_stop(life->vm, parked_cb, life);
		} else {
			settled(life);
		}
		break;
	case LIFE_PARKED:
		if (life->end || life->reset) {
			begin_reset(life);
		} else if (life->pause) {
			life->state = LIFE_PAUSING;
			nics_pause(life->nics, paused_cb, life);
		} else {
			let_run(life);
		}
		break;
	case LIFE_PAUSED:
		if (life->end || life->reset) {
			begin_reset(life);
		} else if (!life->pause) {
			life->state = LIFE_RESUMING;
			nics_resume(life->nics, resumed_cb, life);
		} else {
			settled(life);
		}
		break;
	case LIFE_PARKING:
	case LIFE_PAUSING:
	case LIFE_RESUMING:
	case LIFE_RESETTING:
	case LIFE_ENDED:
		break; /* its end goes on */
	}
}

void life_init(struct life *life, struct kvm_vm *vm, struct nics *nics,
	       const struct life_client *client, void *arg)
{
	memset(life, 0, sizeof(*life));
	life->vm = vm;
	life->nics = nics;
	life->client = client;
	life->arg = arg;
}

void life_start(struct life *life)
{
	step(life);
}

/* The last to come is answered last. */
static void add_wait(struct life *life, struct life_wait *wait)
{
	struct life_wait **last = &life->waits;

	while (*last)
		last = &(*last)->next;
	wait->next = NULL;
	*last = wait;
}

void life_pause(struct life *life, struct life_wait *wait)
{
	add_wait(life, wait);
	life->pause = true;
	step(life);
}

void life_resume(struct life *life, struct life_wait *wait)
{
	add_wait(life, wait);
	life->pause = false;
	step(life);
}

void life_reset(struct life *life, enum life_cause cause)
{
	life->reset = cause;
	step(life);
}

void life_end(struct life *life, enum life_cause cause)
{
	if (life->end)
		return;
	life->end = cause;
	step(life);
}

bool life_is_running(const struct life *life)
{
	return !life->end && !life->pause;
}

const char *life_status(const struct life *life)
{
	if (life->end)
		return "shutdown";
	return life->pause ? "paused" : "running";
}

const char *life_cause_name(enum life_cause cause)
{
	static const char *const names[] = {
		[LIFE_CAUSE_NONE] = "none",
		[LIFE_HOST_ERROR] = "host-error",
		[LIFE_HOST_QMP_QUIT] = "host-qmp-quit",
		[LIFE_HOST_QMP_RESET] = "host-qmp-system-reset",
		[LIFE_HOST_SIGNAL] = "host-signal",
		[LIFE_HOST_UI] = "host-ui",
		[LIFE_GUEST_SHUTDOWN] = "guest-shutdown",
		[LIFE_GUEST_RESET] = "guest-reset",
	};

	return names[cause];
}

bool life_cause_is_guest(enum life_cause cause)
{
	return cause == LIFE_GUEST_SHUTDOWN || cause == LIFE_GUEST_RESET;
}
