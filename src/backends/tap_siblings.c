/* SPDX-License-Identifier: MIT */
/*
 * The receive side of a tap's queue towards the other queues, when frames are
 * steered in software: what it has read and is theirs goes to them, and what
 * they have read and is ours comes from them.
 *
 * Frames of one connection keep their order as long as the kernel gives them to
 * one queue: they go through one lane.
 *
 * Theirs and our own take turns, so that neither waits for the other to end.
 */
#include "backends/tap_queue.h"

#include <string.h>

bool tap_siblings_give(struct tap_queue *q, struct net_iov_walk frame,
		       uint32_t len)
{
	struct tap_rx_siblings *siblings = &q->rx.siblings;
	const struct tap_steering *steering = siblings->steering;
	struct net_iov_walk walk = frame;
	uint8_t head[NET_RSS_HEAD_MAX];
	size_t n = 0;
	uint16_t to;

	/* A copy: the buffers are the guest's, which may write to them. */
	if (net_iov_skip(&walk, NET_VNET_HDR_LEN))
		n = net_iov_read(&walk, head, MIN(len, sizeof(head)));
	to = net_rss_select(&steering->rss, head, n).queue;
	if (to == q->index)
		return false;
	if (tap_handover_give(steering->handover, q->index, to, frame, len)) {
		siblings->given++;
	} else {
		siblings->lost++;
		net_stat_add(&q->base.stats->rx_dropped, 1);
	}
	return true;
}

void tap_siblings_fetch(struct tap_queue *q)
{
	struct tap_rx_siblings *siblings = &q->rx.siblings;
	struct tap_handed frame;

	if (!tap_siblings_ready(q))
		return;
	if (!q->rx.drained) {
		siblings->theirs_next = !siblings->theirs_next;
		if (siblings->theirs_next)
			return;
	}
	if (!tap_handover_peek(siblings->steering->handover, q->index,
			       &frame)) {
		siblings->empty = true;
		ev_io_start(q->base.config.loop->ev, &siblings->watcher);
		return;
	}
	memcpy(q->rx.hdr, frame.hdr, sizeof(q->rx.hdr));
	q->rx.waiting = (struct tap_rx_waiting){
		.len = frame.len,
		.rest = frame.frame,
		.handed = true,
	};
}

void tap_siblings_done(struct tap_queue *q)
{
	struct tap_rx_siblings *siblings = &q->rx.siblings;

	tap_handover_take(siblings->steering->handover, q->index);
	siblings->taken++;
}

static void woken_cb(struct ev_loop *ev, ev_io *w, int revents)
{
	struct tap_queue *q =
		container_of(w, struct tap_queue, rx.siblings.watcher);

	UNUSED(revents);
	tap_handover_woken(q->rx.siblings.steering->handover, q->index);
	ev_io_stop(ev, w);
	q->rx.siblings.empty = false;
	tap_queue_notify(q);
}

void tap_siblings_init(struct tap_queue *q, struct tap_steering *steering)
{
	struct tap_rx_siblings *siblings = &q->rx.siblings;

	siblings->steering = steering;
	siblings->empty = !steering;
	ev_io_init(&siblings->watcher, woken_cb,
		   steering ? tap_handover_fd(steering->handover, q->index)
			    : -1,
		   EV_READ);
}

void tap_siblings_stop(struct tap_queue *q)
{
	ev_io_stop(q->base.config.loop->ev, &q->rx.siblings.watcher);
}
