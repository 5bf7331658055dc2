/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_CONFORMANCE_FAKE_FRONTEND_H
#define EVNIC_TESTS_CONFORMANCE_FAKE_FRONTEND_H

/*
 * A frontend for the worker, without a ring: lists of what the guest has made
 * available, and a trace of what the worker does.
 *
 * Thread: the loop's.
 */

#include "net/worker.h"
#include "support/net_bufs.h"

#define FAKE_PACKETS 4096
#define FAKE_TRACE   65536
#define FAKE_LEN     64 /* bytes of a packet */

/* What the trace shows: one character for each call of an op. */
#define FAKE_RX_FETCH 'g' /* found buffers */
#define FAKE_RX_DONE  'r'
#define FAKE_TX_FETCH 't' /* found packets */
#define FAKE_TX_DONE  'c'
#define FAKE_FLUSH    'f'
#define FAKE_ARM      'A' /* both directions */
#define FAKE_ARM_RX   'R' /* not for transmit */
#define FAKE_DISARM   'd'
#define FAKE_FAILED   'x'

/* @endless: there is always another packet. @recycle: a buffer is available
 * again as soon as it was returned. @before_arm: called between the worker's
 * last look and the arming. @unflushed: done and not published. */
struct fake_frontend {
	struct net_worker worker;
	struct net_bufs bufs;
	struct loop *loop;
	struct net_queue *queue;

	struct net_rx_id posted[FAKE_PACKETS];
	size_t n_posted;
	struct net_tx_meta metas[FAKE_PACKETS];
	struct net_tx_seg waiting[FAKE_PACKETS];
	size_t wait_first, wait_end;
	bool endless, recycle;
	void (*before_arm)(struct fake_frontend *fe);

	bool armed_rx, armed_tx;
	unsigned int done[FAKE_PACKETS];
	size_t n_done, n_received, n_fetched, unflushed, kicks;
	struct net_rx_id received[FAKE_PACKETS];
	enum net_tx_error error;
	unsigned int wrong; /* fetched or called when it must not be */
	char trace[FAKE_TRACE];
	size_t n_trace;
};

void fake_frontend_init(struct fake_frontend *fe, struct loop *loop,
			size_t n_bufs);
void fake_frontend_fini(struct fake_frontend *fe);

/* For get_queues. */
struct net_queue_config fake_frontend_config(struct fake_frontend *fe);

/* The guest makes buffers or packets available, and kicks if it is asked to. */
void fake_frontend_post(struct fake_frontend *fe, uint32_t first, size_t n);
void fake_frontend_send(struct fake_frontend *fe, size_t n);

/* Every packet that was sent is complete, once. */
bool fake_frontend_all_done(const struct fake_frontend *fe);

/* The queue is gone: what it has not returned is available again, in the order
 * in which the guest had made it available. */
void fake_frontend_repost(struct fake_frontend *fe);

/* How often @what is in the trace; and forgetting it. */
size_t fake_frontend_count(const struct fake_frontend *fe, char what);
void fake_frontend_forget_trace(struct fake_frontend *fe);
/* The last call of an op, 0: none. */
char fake_frontend_last(const struct fake_frontend *fe);

#endif
