/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_TAP_QUEUE_H
#define EVNIC_BACKENDS_TAP_QUEUE_H

/*
 * The queue of a tap endpoint: what its files share.
 *
 * Thread: the queue's loop, except for tap_queue_create().
 */

#include "backends/tap_steering.h"
#include "backends/tap_window.h"
#include "base/guest_mem.h"
#include "base/log.h"
#include "net/headers.h"
#include "net/iov.h"
#include "net/queue.h"
#include "net/rx_fifo.h"

#include <sys/uio.h>

/* The most that one read gives: a frame with its header. */
#define TAP_READ_MAX (NET_VNET_HDR_LEN + NET_FRAME_MAX)

/* The longest IPv4 header, and what of a frame's start may have to be copied:
 * the link header, as long as metadata can say, and that. */
#define TAP_TX_IPV4_MAX 60
#define TAP_TX_HEAD_MAX (UINT8_MAX + TAP_TX_IPV4_MAX)

/* A frame that has yet to get its buffers. One that was read while too few were
 * held has its first @head bytes in the oldest of them, the others at @rest, in
 * the spill. One that was handed over (@handed) is all at @rest, its header is
 * in rx->hdr. @len 0: none. @starved: tried in vain with the buffers that are
 * held. */
struct tap_rx_waiting {
	uint32_t len;
	uint32_t head;
	const uint8_t *rest;
	bool handed;
	bool starved;
};

/* Frames from and to the other queues of the tap. @steering: NULL, unless in
 * software. @empty: there is nothing from them, the watcher waits for it.
 * @theirs_next: theirs have their turn before what is read. */
struct tap_rx_siblings {
	struct tap_steering *steering;
	ev_io watcher;
	bool empty;
	bool theirs_next;
	uint64_t given, taken, lost;
};

/* @drained: a read has found nothing, the watcher is on. @wanted: bytes that
 * the window should have. @refilled: buffers have come since the last op.
 * @most_held: buffers ever held at once. @hdr: the
 * frame's header, if the frontend's buffers have no place for it. */
struct tap_rx {
	struct net_rx_fifo fifo;
	ev_io watcher;
	bool drained;
	size_t wanted;
	bool refilled;
	size_t most_held;
	struct tap_window window;
	struct tap_rx_waiting waiting;
	struct tap_rx_siblings siblings;
	struct log_limit log;
	uint8_t hdr[NET_VNET_HDR_LEN];
	unsigned char spill[TAP_READ_MAX];
};

/* @blocked: a write has found no room, the watcher is on. @room: there is room
 * again, and nobody has been told yet. @head: header, and what is copied of the
 * frame, with room for a VLAN tag. */
struct tap_tx {
	ev_io watcher;
	bool blocked;
	bool room;
	struct guest_mem_cache cache;
	struct log_limit log;
	uint8_t head[NET_VNET_HDR_LEN + TAP_TX_HEAD_MAX + NET_VLAN_TAG_LEN];
	struct iovec iov[1 + NET_TX_SEGS_MAX];
};

/* @name: the tap's label, borrowed. @fd: borrowed. @index: the kernel's number
 * of the queue.
 * @armed: the client is to be told. @gone: the interface does not exist any
 * more. @gone_msg: posted to @gone_loop when the queue finds that out. */
struct tap_queue {
	struct net_queue base;
	const char *name;
	int fd;
	size_t index;
	bool armed;
	bool gone;
	struct loop *gone_loop;
	struct loop_msg *gone_msg;
	struct tap_rx rx;
	struct tap_tx tx;
};

static inline struct tap_queue *tap_queue_of(struct net_queue *queue)
{
	return container_of(queue, struct tap_queue, base);
}

/* Control loop. NULL: out of memory. */
struct tap_queue *tap_queue_create(struct net_endpoint *endpoint,
				   const struct net_queue_config *config);

/* The interface is gone: stops all I/O, and tells the endpoint once. */
void tap_queue_set_gone(struct tap_queue *q);

/* Tells the client, if it waits. */
void tap_queue_notify(struct tap_queue *q);

/* Receive. @init: before the first op. @steering: in software, NULL otherwise. */
void tap_rx_init(struct tap_queue *q, struct tap_steering *steering);
void tap_rx_stop(struct tap_queue *q);
void tap_rx_fini(struct tap_queue *q);
bool tap_rx_is_ready(const struct tap_queue *q);
void tap_rx_avail(struct net_queue *queue, struct net_buffer_access *pool,
		  const struct net_rx_id *ids, size_t n);
int tap_rx_poll(struct net_queue *queue, struct net_buffer_access *pool,
		struct net_rx_packet *out, size_t max, size_t *n);

/* What goes from queue to queue (tap_siblings.c). @give: true: the frame of @len
 * bytes, at @frame with its header in front, is another queue's and was dealt
 * with. @fetch: a frame from another queue becomes the one that waits, if it is
 * its turn; @done: it waits no longer. @stop: on the queue's loop. */
void tap_siblings_init(struct tap_queue *q, struct tap_steering *steering);
void tap_siblings_stop(struct tap_queue *q);
bool tap_siblings_give(struct tap_queue *q, struct net_iov_walk frame,
		       uint32_t len);
void tap_siblings_fetch(struct tap_queue *q);
void tap_siblings_done(struct tap_queue *q);

/* May there be a frame from another queue? */
static inline bool tap_siblings_ready(const struct tap_queue *q)
{
	return !q->rx.siblings.empty;
}

/* Transmit. */
void tap_tx_init(struct tap_queue *q);
int tap_tx_avail(struct net_queue *queue, struct net_buffer_access *pool,
		 const struct net_tx_seg *segs, size_t n,
		 struct net_tx_taken *taken);

/* The packet's segments, which are at &tx->iov[1], get a virtio-net header in
 * front, and the frame what the kernel would not do. Returns the number of
 * entries at @iov, or -EINVAL (@meta contradicts itself or the frame). */
int tap_tx_put_head(struct tap_tx *tx, const struct net_tx_meta *meta, size_t n,
		    struct iovec **iov);

#endif
