/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_VIRTIO_NET_CTRL_H
#define EVNIC_VIRTIO_NET_CTRL_H

/*
 * The control queue of virtio-net (virtio 1.2, 5.1.6.5): takes the guest's
 * commands one after the other, each answered before the next is looked at.
 *
 * Thread: the control loop.
 *
 * States: idle -> (start) -> serving -> (a command changes something: the owner
 * is told) -> waiting -> (virtio_net_ctrl_answer) -> serving; (stop) -> idle,
 * from anywhere: a command that waits is not answered any more.
 *
 * While it waits @settings stay as they are, but for an undo.
 */

#include "base/loop.h"
#include "virtio/net_commands.h"
#include "virtio/split_ring.h"

struct virtio_net_ctrl;

struct virtio_net_ctrl_ops {
	/* The guest has changed @settings; the queue waits for the answer,
	 * which may be given from within. */
	void (*changed)(struct virtio_net_ctrl *ctrl,
			enum virtio_net_change change);
	/* The guest has broken the queue. It looks at nothing any more. */
	void (*broken)(struct virtio_net_ctrl *ctrl, const char *what);
};

/* @head, @ack: of the command that waits. @before: the steering before it.
 * @can_undo: and it can be had back. @scratch: ring.size segments. */
struct virtio_net_ctrl {
	const struct virtio_net_ctrl_ops *ops;
	struct loop *loop;
	struct virtio_net_settings settings;
	struct virtio_queue_setup setup;
	struct split_ring ring;
	const struct guest_mem *mem;
	uint64_t generation;
	struct desc_seg *scratch;
	ev_io kick;
	ev_idle again;
	bool started, waiting;
	uint16_t head;
	uint64_t ack;
	bool can_undo, undone;
	struct virtio_net_steering before;
};

void virtio_net_ctrl_init(struct virtio_net_ctrl *ctrl,
			  const struct virtio_net_ctrl_ops *ops,
			  struct loop *loop);

/* Begins to serve the queue that the guest has set up, from the loop. The
 * settings have been initialised. 0 or -errno. */
int virtio_net_ctrl_start(struct virtio_net_ctrl *ctrl,
			  const struct guest_mem *mem,
			  const struct virtio_queue_setup *setup,
			  uint64_t features) MUST_CHECK;

/* Ends that, if it was begun. */
void virtio_net_ctrl_stop(struct virtio_net_ctrl *ctrl);

/* What the guest has asked for is in force (@ok), or never will be. Nothing, if
 * no command waits. */
void virtio_net_ctrl_answer(struct virtio_net_ctrl *ctrl, bool ok);

/* The steering that the waiting command asks for cannot be had: back to the one
 * before. False: no such command waits, or it was undone before. */
bool virtio_net_ctrl_undo(struct virtio_net_ctrl *ctrl);

#endif
