/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_CONSOMME_OUT_H
#define EVNIC_BACKENDS_CONSOMME_OUT_H

/*
 * The way to the guest: frames are made in its receive buffers.
 *
 * Who has something to send is a *sender* and is on the stack's list. While the
 * frontend polls, senders have their turns, one frame each, one after the other:
 * that is all the fairness there is, and all that is needed.
 *
 * A turn: csm_out_open() finds the buffers for a frame of which only the most
 * is known, and shows where its payload goes; the sender has it filled there (by
 * recvmsg(), for instance), writes the headers into a struct csm_frame, and
 * csm_out_close() puts them in front. Buffers that were not needed are not used
 * up. A turn that found nothing to send just does not close.
 *
 * Thread: the queue's loop, within net_queue_rx_poll().
 */

#include "base/list.h"
#include "base/util.h"
#include "net/iov.h"
#include "net/queue.h"
#include "net/rx_fifo.h"

#include <stdbool.h>
#include <stdint.h>

struct csm_stack;
struct csm_sender;
struct csm_out;

enum csm_turn {
	CSM_TURN_DONE,	  /* it has nothing more: off the list */
	CSM_TURN_MORE,	  /* and again, when the others have had theirs */
	CSM_TURN_NO_ROOM, /* it waits, and all with it, for guest buffers */
};

typedef enum csm_turn (*csm_turn_fn)(struct csm_sender *sender,
				     struct csm_out *out);

struct csm_sender {
	struct list node;
	csm_turn_fn turn;
};

static inline void csm_sender_init(struct csm_sender *sender, csm_turn_fn turn)
{
	list_init(&sender->node);
	sender->turn = turn;
}

/* It has something to send: puts it on the list, if it is not there. */
void csm_sender_wake(struct csm_stack *stack, struct csm_sender *sender);

/* It has not any more. */
static inline void csm_sender_sleep(struct csm_sender *sender)
{
	list_remove(&sender->node);
}

/* Room for the headers of a frame: Ethernet, IPv6, TCP with all options. */
#define CSM_HEAD_MAX 128

/* A frame's headers, and what is left to do on it. @head_len: bytes of @head.
 * @payload: bytes behind them, in place. @csum_start: where the transport header
 * begins; 0: there is nothing to sum up. @csum_offset: its checksum field in it,
 * which holds the sum of the pseudo header. @gso: how it is to be cut, into
 * pieces of @gso_size. */
struct csm_frame {
	uint8_t head[CSM_HEAD_MAX];
	uint16_t head_len;
	uint16_t csum_start, csum_offset;
	uint16_t gso_size;
	enum net_gso_type gso;
	uint32_t payload;
};

/* The most pieces that a frame's payload is in. */
#define CSM_OUT_PIECES 256

/* @room: bytes of payload that @iov (@n_iov entries) has room for. @offloads:
 * what the frontend takes. @no_room: the turns ended for want of buffers. The rest
 * belongs to out.c. */
struct csm_out {
	struct iovec iov[CSM_OUT_PIECES];
	size_t n_iov;
	uint32_t room;
	struct net_rx_offloads offloads;
	struct net_queue *queue;
	struct net_buffer_access *pool;
	struct net_rx_fifo *fifo;
	struct net_rx_packet *packets;
	size_t n_packets, max_packets;
	bool no_room;
	uint32_t head_len;
	size_t n_ids;
	struct net_rx_id ids[CSM_OUT_PIECES];
	uint8_t scrap[1u << 16];
};

/* May frames of @gso be made, whole? Otherwise each is one segment. */
bool csm_out_takes(const struct csm_out *out, enum net_gso_type gso);

/* Finds buffers for a frame with @head_len bytes of headers and @least to @most
 * bytes of payload: as much as there is room for. False: there is not even room
 * for @least; return CSM_TURN_NO_ROOM. (Where the guest's ring could never hold
 * @least the frame is one that csm_out_close() drops, and this says true.) */
bool csm_out_open(struct csm_out *out, uint32_t head_len, uint32_t least,
		  uint32_t most);

/* The frame is ready: @frame->payload bytes, at most out->room, are in place.
 * What the guest does not finish itself (checksum) is done here, in @frame. */
void csm_out_close(struct csm_out *out, struct csm_frame *frame);

#endif
