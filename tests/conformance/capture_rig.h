/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_CONFORMANCE_CAPTURE_RIG_H
#define EVNIC_TESTS_CONFORMANCE_CAPTURE_RIG_H

/*
 * A capture around an endpoint that a test steers, with everything on one loop
 * (the writer's thread apart), and a directory for files. Checks as it goes.
 */

#include "backends/capture.h"
#include "support/net_bufs.h"
#include "support/pcapng_reader.h"
#include "support/script_endpoint.h"

#define CAPTURE_RIG_QUEUES 4

/* An assertion for what is done very often: Check writes down every one of its
 * own to a file, also where a test has limited files. */
#define must(condition)                                 \
	do {                                            \
		if (!(condition))                       \
			ck_abort_msg("%s", #condition); \
	} while (0)

/* @path: for a file, in @dir. @rotate_files: how many are kept, with
 * @config.rotate_size. @vnet_hdr: queues pass headers through, the pool
 * has room for them. @ends: how often a capture has ended; @lost: of these, by
 * itself; @err, @cause: the last time. */
struct capture_rig {
	struct loop loop;
	struct net_queue_client client;
	struct script_endpoint *inner;
	struct net_endpoint *ep;
	struct net_queue *queues[CAPTURE_RIG_QUEUES];
	size_t n_queues;
	bool vnet_hdr;
	struct net_bufs bufs;
	uint32_t next_buf;
	int answer;
	bool answered;
	char dir[64], path[96];
	unsigned int ends, lost;
	int err;
	char cause[320];
	struct capture_config config;
	unsigned int rotate_files;
	struct capture_error error;
};

/* @config: of the pool; NULL: buffers of 2 KiB. */
void capture_rig_begin(struct capture_rig *r,
		       const struct net_bufs_config *config);
/* Ends all, and the files. */
void capture_rig_end(struct capture_rig *r);

/* Makes @n queues; destroys all. */
void capture_rig_queues(struct capture_rig *r, size_t n);
void capture_rig_no_queues(struct capture_rig *r);

/* Runs the loop until captures have ended @n times in all. */
void capture_rig_wait(struct capture_rig *r, unsigned int n);

/* Starts with @config; opens its path, unless there is a descriptor. Stops and
 * waits. */
void capture_rig_start(struct capture_rig *r);
void capture_rig_stop(struct capture_rig *r);

/* Sends a frame of @len bytes, in pieces of @piece (0: one), that begin with
 * number @i. Returns the packets that were taken: 1 or 0. */
size_t capture_rig_send(struct capture_rig *r, size_t queue, uint32_t i,
			size_t len, size_t piece);

/* Such a frame arrives. */
void capture_rig_arrive(struct capture_rig *r, size_t queue, uint32_t i,
			size_t len);

/* Bytes of frame @i. */
void capture_rig_fill(unsigned char *bytes, uint32_t i, size_t len);

/* Is @frame the first bytes of frame @i of @len bytes? */
bool capture_rig_is(const struct pcapng_frame *frame, uint32_t i, size_t len);

/* Reads a file; it must be good. */
struct pcapng_file capture_rig_read(const char *path);

#endif
