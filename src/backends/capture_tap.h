/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_CAPTURE_TAP_H
#define EVNIC_BACKENDS_CAPTURE_TAP_H

/*
 * Where a queue is tapped: puts its frames into a ring, as blocks of a file.
 *
 * A tap belongs to a queue's number and lives as long as the capture endpoint;
 * its queue may come and go. A source belongs to one capture and holds the ring.
 * The queue's loop enters the source for a burst of frames and leaves it;
 * detaching waits until it is out. The loop never waits.
 */

#include "backends/capture_bell.h"
#include "base/byte_ring.h"
#include "net/queue.h"

#include <semaphore.h>

struct capture_tap;

/* @snaplen: at least 1. The counters have one writer, the queue's loop.
 * @next, @added: the writer's. */
struct capture_source {
	struct byte_ring ring;
	struct capture_bell *bell;
	struct capture_tap *tap;
	uint32_t queue;
	uint32_t snaplen;
	_Atomic uint64_t packets, bytes, drops;
	struct capture_source *next;
	struct loop_msg added;
};

/* @source: NULL: nothing is captured. @place: where the queue's loop is. */
struct capture_tap {
	struct capture_source *_Atomic source;
	atomic_int place;
	sem_t left;
};

/* What finding a frame's bytes takes: each queue's own, since what it remembers
 * of guest memory is its frontend's. Zero-initialised. */
struct capture_finder {
	struct guest_mem_cache cache;
	struct iovec iov[NET_TX_SEGS_MAX];
};

void capture_tap_init(struct capture_tap *tap);
void capture_tap_fini(struct capture_tap *tap);

/* Captures from now on. Nothing is attached. */
void capture_tap_attach(struct capture_tap *tap, struct capture_source *source);

/* Captures no more; waits for the end of a burst. Not on a queue's loop. Once
 * more is no error. */
void capture_tap_detach(struct capture_tap *tap);

/* All that it costs when nothing is captured. */
static inline bool capture_tap_is_on(const struct capture_tap *tap)
{
	return atomic_load_explicit(&tap->source, memory_order_relaxed);
}

/* On the queue's loop, within the op: what came from rx_poll, what tx_avail has
 * taken. */
void capture_tap_rx(struct capture_tap *tap, struct capture_finder *finder,
		    struct net_buffer_access *pool,
		    const struct net_rx_packet *packets, size_t n);
void capture_tap_tx(struct capture_tap *tap, struct capture_finder *finder,
		    struct net_buffer_access *pool,
		    const struct net_tx_seg *segs, size_t n);

#endif
