/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_CONFORMANCE_RIG_H
#define EVNIC_TESTS_CONFORMANCE_RIG_H

/*
 * A backend under test between a frontend that is all memory and the row's
 * outer side. With one thread or with an iothread for the queue; with or
 * without virtio-net headers: the same calls for all four.
 *
 * Thread: the test's, which runs the control loop. What has to happen on the
 * queue's loop is sent there and waited for.
 *
 * Frames that the rig makes have an EtherType of their own; all others that a
 * host may send are left out of what was received and sent.
 */

#include "conformance/backend.h"
#include "support/net_bufs.h"

#include <stdatomic.h>

#define RIG_THREAD 1
#define RIG_HEADER 2
#define RIG_MODES  4

#define RIG_PACKETS   256
#define RIG_SEGS      4096
#define RIG_FRAMES    512
#define RIG_MIN_FRAME 18 /* what rig_frame() needs */

struct rig_frame {
	size_t len;
	unsigned char *bytes;
};

struct rig_frames {
	struct rig_frame list[RIG_FRAMES];
	size_t n;
};

/* @buf_len: bytes of frame in a receive buffer, the header's not counted.
 * Zero members get a default. */
struct rig_options {
	size_t n_bufs;
	uint32_t buf_len;
	uint32_t piece;
	uint16_t rx_span;
};

enum rig_tx_state {
	RIG_TX_UNUSED,
	RIG_TX_WAITS, /* not yet taken */
	RIG_TX_FLIES, /* taken, to be completed by tx_poll */
	RIG_TX_DONE,
};

/* @wrong: what a backend must never do: complete a packet that is not in
 * flight, take a part of a packet, return buffers out of order if it is
 * ordered, call ready from within an op. @now, @later: packets completed by
 * tx_avail and by tx_poll. @op_allocations, @op_reads: allocations and calls of
 * guest_mem_read() within ops. */
struct rig {
	const struct backend_row *row;
	struct backend_row described; /* of a backend in a wrapper */
	int mode;
	struct rig_options options;
	struct loop *control;
	struct loop own_control;
	struct iothread *io;
	struct loop *loop; /* the queue's */
	struct backend backend;
	struct net_endpoint *endpoint; /* the outermost */
	struct net_queue *queue;       /* its queue, while there is one */
	struct net_bufs bufs;
	struct net_queue_client client;
	atomic_uint ready;

	struct net_tx_meta metas[RIG_PACKETS];
	enum rig_tx_state tx_state[RIG_PACKETS];
	size_t n_packets;
	struct net_tx_seg segs[RIG_SEGS];
	size_t seg_first, seg_end;
	unsigned int now, later, wrong;
	unsigned long op_allocations, op_reads;
	bool in_op;
	bool polled_ready;
	int rx_err, tx_err;
	enum net_tx_error tx_poll_err;

	unsigned int fail_nth; /* the allocation that fails in get_queues */
	bool recycle; /* give buffers back as soon as they are returned */
	bool shares_outside; /* with another rig: nobody looks there */
	struct rig_frames received;
	struct rig_frames sent;
	unsigned char scratch[NET_FRAME_MAX + NET_VNET_HDR_LEN];
};

/* Makes the endpoint of pairing @index / RIG_MODES in mode @index % RIG_MODES.
 * False: it has no such mode, or this host cannot. @options: may be NULL. */
bool rig_open(struct rig *rig, int index, const struct rig_options *options);
/* The mode of pairing @i with everything. */
int rig_full_mode(int i);
/* And its queue. */
bool rig_open_queue(struct rig *rig, int index,
		    const struct rig_options *options);
/* Ends whatever there is, and checks what must hold in every case. */
void rig_close(struct rig *rig);

/* The configuration of the rig's queue. */
struct net_queue_config rig_config(struct rig *rig);

/* As the endpoint's functions, but they wait for the answer and return it. */
int rig_get_queues(struct rig *rig, const struct net_queue_config *configs,
		   size_t n, const struct net_rss_config *rss,
		   struct net_queue **out);
int rig_stop(struct rig *rig);
/* On the queue's loop. */
void rig_destroy_queue(struct rig *rig, struct net_queue *queue);
/* The one queue, with this configuration, or with the default one. */
void rig_use_queue(struct rig *rig, const struct net_queue_config *config);
void rig_make_queue(struct rig *rig);

/* A second frontend on @first's endpoint, for another queue; in mode RIG_THREAD
 * with a thread of its own. Closed before @first. */
void rig_open_beside(struct rig *rig, struct rig *first);
void rig_close_beside(struct rig *rig);
/* The queues of both. */
void rig_make_both(struct rig *a, struct rig *b);
/* Both offer and poll at the same time, each on its loop, until @done of both
 * or 60 s have passed. */
bool rig_both_until(struct rig *a, struct rig *b, bool (*done)(struct rig *));

/* Calls @fn(@arg) on the queue's loop and waits. */
void rig_call(struct rig *rig, void (*fn)(void *arg), void *arg);

/* Bytes in front of a frame: 0 without virtio-net headers. */
uint32_t rig_header_len(const struct rig *rig);

/* Gives the buffers @first to @first + @n - 1. */
void rig_give(struct rig *rig, uint32_t first, size_t n);

/* Writes frame number @seq, of @len bytes (at least RIG_MIN_FRAME). */
void rig_frame(unsigned char *frame, uint32_t seq, size_t len);
bool rig_frame_is(const struct rig_frame *frame, uint32_t seq, size_t len);
/* Is every frame in the list what its number and length say? */
bool rig_frames_whole(const struct rig_frames *frames);

/* Prepares a packet of these bytes, in segments of @piece; returns its id.
 * rig_offer() offers it. */
uint32_t rig_add_packet(struct rig *rig, const void *frame, size_t len,
			size_t piece);
/* Frame @seq likewise. */
uint32_t rig_add_frame(struct rig *rig, uint32_t seq, size_t len, size_t piece);

/* One tx_avail with all that waits. */
void rig_offer(struct rig *rig);
/* poll_ready, rx_poll and tx_poll, once; takes what went out. */
void rig_poll(struct rig *rig);
/* Some rounds of both, on the queue's loop. */
void rig_turns(struct rig *rig);
/* Once round: the control loop, then offer and poll. */
void rig_step(struct rig *rig);
/* Steps until @done(@rig) or 60 s have passed; returns @done(@rig). */
bool rig_wait(struct rig *rig, bool (*done)(struct rig *rig));
bool rig_all_complete(struct rig *rig);

/* Runs the loops @n times without a poll. */
void rig_run_loops(struct rig *rig, unsigned int n);
/* Polls until the queue says that there is nothing. */
bool rig_wait_quiet(struct rig *rig);
/* Runs the loops until ready is told. */
bool rig_wait_ready(struct rig *rig);
/* As a frontend does whose queue has gone. */
void rig_forget_packets(struct rig *rig);
/* Forgets the frames that were received. */
void rig_forget_frames(struct rig *rig);

/* Can frames arrive, and can we see what was sent? */
bool rig_can_receive(const struct rig *rig);
bool rig_can_see_sent(const struct rig *rig);
/* Frame @seq arrives from outside (or is sent, in a loop). */
void rig_arrive(struct rig *rig, uint32_t seq, size_t len);
/* Waits until frame @seq has been received, whole. */
bool rig_wait_frame(struct rig *rig, uint32_t seq, size_t len);
/* Waits until @n frames have been received / have gone out. */
bool rig_wait_received(struct rig *rig, size_t n);
bool rig_wait_sent(struct rig *rig, size_t n);
/* What has gone out: the frames seen outside, or received in a loop. */
const struct rig_frames *rig_sent(const struct rig *rig);

void rig_squeeze(struct rig *rig, size_t room);

#endif
