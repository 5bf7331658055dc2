/* SPDX-License-Identifier: MIT */
/*
 * Threads for queue pairs: a table of slots with a count of users. A pair gets
 * the slot that has the fewest users among those that there may be, so that
 * pairs are dealt out in turn, and a slot without users has no thread.
 */
#include "machine/iothreads.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void iothreads_init(struct iothreads *io, struct loop *control, int64_t wish)
{
	memset(io, 0, sizeof(*io));
	io->control = control;
	io->limit = wish == CONFIG_ABSENT ? IOTHREADS_MAX : (size_t)wish;
}

void iothreads_fini(struct iothreads *io)
{
	for (size_t i = 0; i < io->limit; i++) {
		iothread_destroy(io->slots[i].io);
		io->slots[i] = (struct iothread_slot){0};
	}
}

static struct iothread_slot *least_used(struct iothreads *io)
{
	struct iothread_slot *best = &io->slots[0];

	for (size_t i = 1; i < io->limit; i++) {
		if (io->slots[i].users < best->users)
			best = &io->slots[i];
	}
	return best;
}

int iothreads_take(struct iothreads *io, struct loop **out)
{
	struct iothread_slot *slot;
	char name[16];
	int err;

	if (io->limit == 0) {
		*out = io->control;
		return 0;
	}
	slot = least_used(io);
	if (!slot->io) {
		(void)snprintf(name, sizeof(name), "evnic-io%u",
			       (unsigned int)(slot - io->slots) % 1000);
		err = iothread_create(name, THREAD_QUEUE, &slot->io);
		if (err < 0)
			return err;
	}
	slot->users++;
	*out = &slot->io->loop;
	return 0;
}

void iothreads_give(struct iothreads *io, const struct loop *loop)
{
	for (size_t i = 0; i < io->limit; i++) {
		struct iothread_slot *slot = &io->slots[i];

		if (!slot->io || &slot->io->loop != loop)
			continue;
		if (--slot->users == 0) {
			iothread_destroy(slot->io);
			slot->io = NULL;
		}
		return;
	}
}
