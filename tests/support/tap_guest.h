/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_TAP_GUEST_H
#define EVNIC_TESTS_TAP_GUEST_H

/*
 * A guest that is a real Linux network stack: the frontend between a tap, whose
 * interface is in some network namespace, and an endpoint's queue. What the
 * interface sends is read into guest memory and offered to the queue; what the
 * queue receives is written to the tap. Headers and offloads pass both ways, so
 * that frames of 64 KiB travel whole. Each frame takes one system call.
 *
 * Receive buffers are mergeable, of 4 KiB. Thread: the loop's.
 */

#include "net/endpoint.h"
#include "net/rx_fifo.h"
#include "net/worker.h"

#include <ev.h>

#define TAP_GUEST_TX_SLOTS 64
#define TAP_GUEST_RX_BUFS  256

/* The fields belong to tap_guest.c, but for the counters. @lost: frames that the
 * tap did not take, or that were no frames. */
struct tap_guest {
	struct net_buffer_access pool;
	struct loop *loop;
	struct net_endpoint *endpoint;
	struct net_queue_config config;
	struct net_queue *queue;
	struct net_worker worker;
	struct guest_mem mem;
	unsigned char *ram;
	int fd;
	bool drained;
	ev_io readable;
	struct net_rx_fifo free_bufs, given_bufs;
	struct net_tx_meta metas[TAP_GUEST_TX_SLOTS];
	uint32_t free_slots[TAP_GUEST_TX_SLOTS];
	size_t n_free_slots;
	uint64_t sent, received, lost;
};

/* @fd: of the tap, borrowed: not blocking, with a header of 12 bytes in front of
 * each frame. @endpoint: idle, borrowed; one that uses buffers in order. The
 * queue comes later, from the loop. 0 or -errno. */
int tap_guest_start(struct tap_guest *guest, struct loop *loop, int fd,
		    struct net_endpoint *endpoint) MUST_CHECK;

/* Not from within the loop's callbacks. The endpoint is idle afterwards. */
void tap_guest_stop(struct tap_guest *guest);

#endif
