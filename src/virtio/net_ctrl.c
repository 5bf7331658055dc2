/* SPDX-License-Identifier: MIT */
/*
 * Control queue.
 *
 * A kick has the queue served: commands are fetched until there are none, one
 * waits for its owner, or the round's budget is used up; an idle watcher then
 * goes on in the next round of the loop. The guest gets its answer in the
 * command's first byte to write (5.1.6.5), and an interrupt if it wants one.
 *
 * A chain that has no room for an answer is given back as it is: the guest can
 * harm nobody but itself by that.
 */
#include "virtio/net_ctrl.h"

#include "base/irq.h"
#include "virtio/net_defs.h"

#include <errno.h>
#include <stdlib.h>

/* Commands in one round of the loop. */
#define BUDGET 16

static void publish(struct virtio_net_ctrl *ctrl)
{
	if (split_ring_publish(&ctrl->ring))
		virtio_irq_raise(&ctrl->setup.irq);
}

static void complete(struct virtio_net_ctrl *ctrl, bool ok)
{
	uint8_t ack = ok ? VIRTIO_NET_ACK_OK : VIRTIO_NET_ACK_ERR;
	bool written =
		guest_mem_write(ctrl->mem, ctrl->ack, &ack, sizeof(ack)) == 0;

	split_ring_put(&ctrl->ring, ctrl->head, written ? sizeof(ack) : 0);
}

static void run_command(struct virtio_net_ctrl *ctrl,
			const struct desc_chain *chain)
{
	int change;

	ctrl->head = chain->head;
	if (chain->misordered || !chain->n_write) {
		split_ring_put(&ctrl->ring, chain->head, 0);
		return;
	}
	ctrl->ack = ctrl->scratch[chain->n_read].gpa;
	ctrl->before = ctrl->settings.steering;
	change = virtio_net_command_run(&ctrl->settings, ctrl->mem,
					ctrl->scratch, chain->n_read);
	if (change <= VIRTIO_NET_CHANGED_NOTHING) {
		complete(ctrl, change == VIRTIO_NET_CHANGED_NOTHING);
		return;
	}
	ctrl->waiting = true;
	ctrl->undone = false;
	ctrl->can_undo = change == VIRTIO_NET_CHANGED_QUEUES;
	ctrl->ops->changed(ctrl, (enum virtio_net_change)change);
}

/* The memory table may have changed since the last time. False: the queue is
 * broken. */
static bool find_ring(struct virtio_net_ctrl *ctrl)
{
	if (ctrl->generation != ctrl->mem->generation) {
		ctrl->generation = ctrl->mem->generation;
		if (split_ring_remap(&ctrl->ring, &ctrl->setup) < 0)
			ctrl->ring.broken = "its memory has gone";
	}
	return !ctrl->ring.broken;
}

static void stop_looking(struct virtio_net_ctrl *ctrl)
{
	if (ev_is_active(&ctrl->kick))
		ev_io_stop(ctrl->loop->ev, &ctrl->kick);
	ev_idle_stop(ctrl->loop->ev, &ctrl->again);
}

static void serve(struct virtio_net_ctrl *ctrl)
{
	struct desc_chain chain;
	unsigned int n = 0;

	split_ring_disarm(&ctrl->ring);
	while (n++ < BUDGET && ctrl->started && !ctrl->waiting &&
	       split_ring_fetch(&ctrl->ring, &chain, ctrl->scratch))
		run_command(ctrl, &chain);
	if (ctrl->started)
		publish(ctrl);
}

/* Serves, then sleeps or asks for another round. */
static void look(struct virtio_net_ctrl *ctrl)
{
	bool more;

	ev_idle_stop(ctrl->loop->ev, &ctrl->again);
	if (find_ring(ctrl))
		serve(ctrl);
	if (!ctrl->started || ctrl->waiting)
		return; /* the answer has it looked at again */
	more = split_ring_arm(&ctrl->ring);
	if (ctrl->ring.broken) {
		stop_looking(ctrl);
		ctrl->ops->broken(ctrl, ctrl->ring.broken);
	} else if (more) {
		ev_idle_start(ctrl->loop->ev, &ctrl->again);
	}
}

static void kick_cb(struct ev_loop *ev, ev_io *w, int revents)
{
	UNUSED(ev);
	UNUSED(revents);
	if (eventfd_take(w->fd))
		look(container_of(w, struct virtio_net_ctrl, kick));
}

static void again_cb(struct ev_loop *ev, ev_idle *w, int revents)
{
	UNUSED(ev);
	UNUSED(revents);
	look(container_of(w, struct virtio_net_ctrl, again));
}

void virtio_net_ctrl_init(struct virtio_net_ctrl *ctrl,
			  const struct virtio_net_ctrl_ops *ops,
			  struct loop *loop)
{
	ctrl->ops = ops;
	ctrl->loop = loop;
	ev_init(&ctrl->kick, kick_cb);
	ev_idle_init(&ctrl->again, again_cb);
	ev_set_priority(&ctrl->again, EV_MAXPRI);
}

int virtio_net_ctrl_start(struct virtio_net_ctrl *ctrl,
			  const struct guest_mem *mem,
			  const struct virtio_queue_setup *setup,
			  uint64_t features)
{
	int err;

	ctrl->setup = *setup;
	ctrl->mem = mem;
	ctrl->generation = mem->generation;
	err = split_ring_map(&ctrl->ring, mem, setup, features);
	if (err < 0)
		return err;
	ctrl->scratch = calloc(setup->size, sizeof(*ctrl->scratch));
	if (!ctrl->scratch)
		return -ENOMEM;
	ctrl->started = true;
	ctrl->waiting = false;
	ev_io_set(&ctrl->kick, setup->kick_fd, EV_READ);
	ev_io_start(ctrl->loop->ev, &ctrl->kick);
	ev_idle_start(ctrl->loop->ev, &ctrl->again);
	return 0;
}

void virtio_net_ctrl_stop(struct virtio_net_ctrl *ctrl)
{
	if (!ctrl->started)
		return;
	stop_looking(ctrl);
	(void)eventfd_take(ctrl->setup.kick_fd);
	ctrl->started = false;
	ctrl->waiting = false;
	free(ctrl->scratch);
	ctrl->scratch = NULL;
}

void virtio_net_ctrl_answer(struct virtio_net_ctrl *ctrl, bool ok)
{
	if (!ctrl->waiting)
		return;
	ctrl->waiting = false;
	if (find_ring(ctrl)) {
		complete(ctrl, ok && !ctrl->undone);
		publish(ctrl);
	}
	ev_idle_start(ctrl->loop->ev, &ctrl->again);
}

bool virtio_net_ctrl_undo(struct virtio_net_ctrl *ctrl)
{
	if (!ctrl->waiting || !ctrl->can_undo)
		return false;
	ctrl->settings.steering = ctrl->before;
	ctrl->can_undo = false;
	ctrl->undone = true;
	return true;
}
