/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_BENCH_TAP_RUN_H
#define EVNIC_TESTS_BENCH_TAP_RUN_H

/*
 * The two sides of the tap benchmark: a bare loop of readv() or writev(), and
 * evnic: tap endpoint, worker, virtio-net and split ring behind a driver in the
 * same process. Both use the same tap, the same guest memory, the same number
 * of buffers in the same pieces, and full queues.
 *
 * One call moves one batch. What it costs is the CPU time of the thread, user
 * and system, between the moment when everything is ready (the ring is full,
 * frames are queued) and the moment when all is moved. What the driver and the
 * sender do before and after is not counted.
 */

#include "support/vnic.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* @frame: bytes of a frame, without header. @gso: it is to be cut. @ring: its
 * entries. @buf_len: of a receive buffer, one descriptor. @mergeable: a frame
 * may span buffers, and may be unfinished. @first, @piece: how a packet to
 * transmit is cut, header included. */
struct tap_case {
	const char *name;
	bool transmit;
	size_t frame;
	bool gso;
	uint16_t ring;
	uint32_t buf_len;
	bool mergeable;
	uint32_t first, piece;
};

/* @fd: of the tap, a duplicate of the endpoint's. @host: packet socket.
 * @batch: frames in a batch. @span: buffers that a frame fills. @iov: of the
 * bare loop, @n_iov for each slot (transmit), or one for each buffer, twice in
 * a row (receive). @next: the slot or buffer that comes next, of each side. */
struct tap_run {
	const struct tap_case *what;
	int fd, host;
	struct vnic vnic;
	uint32_t batch, span;
	struct iovec *iov;
	uint32_t n_iov;
	uint32_t bare_next, next;
};

struct tap_cost {
	uint64_t ns;
	uint64_t packets;
	uint64_t syscalls, allocations, translations;
};

/* Set up after the vnic runs with @what's rings. */
void tap_run_init(struct tap_run *run);
void tap_run_fini(struct tap_run *run);

/* Queues a batch of frames for reading. */
void tap_run_feed(struct tap_run *run);

/* Move one batch, and add what it cost. */
void tap_run_bare(struct tap_run *run, struct tap_cost *cost);
void tap_run_evnic(struct tap_run *run, struct tap_cost *cost);

/* The guest address of a slot for a packet, or of a receive buffer. */
uint64_t tap_run_slot(const struct tap_run *run, uint32_t i);

/* Starts and stops counting into @cost. */
void tap_count_begin(struct tap_cost *cost);
void tap_count_end(struct tap_cost *cost);

/* Keeps this thread, and what it forks, on the processor that it is on. */
void tap_run_pin(void);

/* Prints what went wrong and ends the program. */
void tap_run_fail(const char *what) __attribute__((noreturn));

#endif
