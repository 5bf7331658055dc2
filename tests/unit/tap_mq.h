/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_TAP_MQ_H
#define EVNIC_TESTS_TAP_MQ_H

/*
 * A tap of several queues under test: a frontend of plain memory at each queue,
 * a packet socket at the host's side. Everything on the test's thread.
 */

#include "net/endpoint.h"
#include "net/rss.h"
#include "support/net_bufs.h"
#include "support/rss_frames.h"

#define MQ_MAX 4

struct mq_pair {
	struct net_queue *queue;
	struct net_bufs bufs;
	struct net_queue_client client;
	unsigned int readies;
};

/* @steering: who is to steer: "bpf", "software", or "kernel" (no RSS). @host:
 * packet socket. @rss: what we think of the configuration. @header_room: the
 * frontends have virtio-net headers. @rx_offloads: what they take. @host_hdr:
 * the header of what the host sends. @meta: of the last frame taken, from its
 * header if it has one. */
struct mq {
	struct loop loop;
	struct net_endpoint *ep;
	int host;
	struct mq_pair pairs[MQ_MAX];
	size_t n;
	struct net_rss rss;
	const char *steering;
	bool header_room;
	struct net_rx_offloads rx_offloads;
	uint8_t host_hdr[NET_VNET_HDR_LEN];
	struct net_rx_meta meta;
};

/* A tap of MQ_MAX queues, and its endpoint. @load, @arg: as in struct
 * tap_config. */
void mq_open(struct mq *mq, int (*load)(void *arg, const struct net_rss *rss),
	     void *arg);
void mq_close(struct mq *mq);

/* Gets @n queues, steered as mq->steering says by a table that names them in
 * turns, with all buffers given. False: this host cannot do that. */
bool mq_start(struct mq *mq, size_t n);
void mq_stop(struct mq *mq);

/* Is @what in the inspected tree of the endpoint, or of queue @i? */
bool mq_endpoint_says(const struct mq *mq, const char *what);
bool mq_queue_says(const struct mq *mq, size_t i, const char *what);

/* A UDP frame of @len bytes of flow @flow, and the one that answers it. */
void mq_frame(struct rss_frame *frame, uint16_t flow, size_t len, bool back);

/* Where it belongs. */
size_t mq_queue_of(const struct mq *mq, const struct rss_frame *frame);

/* The host sends; the guest sends on queue @i. */
void mq_host_send(struct mq *mq, const struct rss_frame *frame);
void mq_guest_send(struct mq *mq, size_t i, const struct rss_frame *frame);

/* Takes a frame from queue @i and gives its buffers back: its length, 0: there
 * is none, and the queue is to tell when there is. */
size_t mq_take(struct mq *mq, size_t i, struct rss_frame *frame);

/* Takes all that there is, on all queues; each frame must be at the queue where
 * it belongs. Returns how many. */
size_t mq_take_all(struct mq *mq);

#endif
