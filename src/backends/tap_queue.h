/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_TAP_QUEUE_H
#define EVNIC_BACKENDS_TAP_QUEUE_H

/*
 * The queue of a tap endpoint: what its files share.
 *
 * Thread: the queue's loop, except for tap_queue_create().
 */

#include "backends/tap_window.h"
#include "base/guest_mem.h"
#include "base/log.h"
#include "net/queue.h"
#include "net/rx_fifo.h"

#include <sys/uio.h>

/* The most that one read gives: a frame with its header. */
#define TAP_READ_MAX (NET_VNET_HDR_LEN + NET_FRAME_MAX)

/* A frame that was read while too few buffers were held: the first @head bytes
 * are in the oldest buffers, the others in the spill. @len 0: none. @starved:
 * tried in vain with the buffers that are held. */
struct tap_rx_waiting {
	uint32_t len;
	uint32_t head;
	bool starved;
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
	struct log_limit log;
	uint8_t hdr[NET_VNET_HDR_LEN];
	unsigned char spill[TAP_READ_MAX];
};

/* @blocked: a write has found no room, the watcher is on. @room: there is room
 * again, and nobody has been told yet. */
struct tap_tx {
	ev_io watcher;
	bool blocked;
	bool room;
	struct guest_mem_cache cache;
	struct log_limit log;
	uint8_t hdr[NET_VNET_HDR_LEN];
	struct iovec iov[1 + NET_TX_SEGS_MAX];
};

/* @name, @fd: the tap's, borrowed. @armed: the client is to be told. @gone: the
 * interface does not exist any more. @gone_msg: posted to @gone_loop when the
 * queue finds that out. */
struct tap_queue {
	struct net_queue base;
	const char *name;
	int fd;
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

/* Receive. @init: before the first op. */
void tap_rx_init(struct tap_queue *q);
void tap_rx_fini(struct tap_queue *q);
bool tap_rx_is_ready(const struct tap_queue *q);
void tap_rx_avail(struct net_queue *queue, struct net_buffer_access *pool,
		  const struct net_rx_id *ids, size_t n);
int tap_rx_poll(struct net_queue *queue, struct net_buffer_access *pool,
		struct net_rx_packet *out, size_t max, size_t *n);

/* Transmit. */
void tap_tx_init(struct tap_queue *q);
int tap_tx_avail(struct net_queue *queue, struct net_buffer_access *pool,
		 const struct net_tx_seg *segs, size_t n,
		 struct net_tx_taken *taken);

#endif
