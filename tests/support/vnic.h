/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_VNIC_H
#define EVNIC_TESTS_VNIC_H

/*
 * A guest with one virtio-net device and no transport between them: memory,
 * rings, a driver for each, and a host that notes what the device says.
 *
 * Thread: the control loop's, which is the caller's. The queue pairs run on
 * the control loop, or each on a thread of its own.
 */

#include "base/loop.h"
#include "support/ring_driver.h"
#include "virtio/net.h"
#include "virtio/net_defs.h"

#define VNIC_PAIRS_MAX 4
#define VNIC_HDR_LEN   12
/* Bytes of each buffer that vnic_post() and vnic_send() use. */
#define VNIC_BUF_LEN 70000
/* The longest command. */
#define VNIC_COMMAND_MAX 16384
/* Events that a test may leave unread. */
#define VNIC_EVENTS_MAX 4096
#define VNIC_CAUSE_MAX	64

/* @size: of each ring. @features: that the last start was given.
 * @done, @err: the device's answer to the last start or stop. @events: what the
 * device has told so far, @causes: in words. */
struct vnic {
	struct loop loop;
	struct guest_ram ram;
	struct virtio_device *device;
	struct virtio_host host;
	struct iothread *threads[VNIC_PAIRS_MAX];
	uint16_t n_pairs, size;
	uint64_t features;
	struct ring_driver rx[VNIC_PAIRS_MAX], tx[VNIC_PAIRS_MAX], ctrl;
	uint64_t rx_buf, tx_buf; /* one slice for each head, pair by pair */
	uint64_t ctrl_buf;	 /* a command and, at its end, the answer */
	bool one_pair;
	bool running;
	unsigned int config_changes, needs_reset;
	struct net_event events[VNIC_EVENTS_MAX];
	char causes[VNIC_EVENTS_MAX][VNIC_CAUSE_MAX];
	size_t n_events;
	bool done;
	int err;
	struct ring_piece pieces[VIRTIO_QUEUE_SIZE_MAX]; /* scratch */
};

/* Makes loop and memory. */
void vnic_init(struct vnic *vnic);

/* Puts a device on @endpoint (which stays the caller's). @threads: a thread for
 * each pair. */
void vnic_plug(struct vnic *vnic, struct net_endpoint *endpoint,
	       uint16_t n_pairs, uint16_t size, bool threads);

/* Stops the device if it runs, and frees everything but the endpoint; that, and
 * then the loop, by vnic_fini(). */
void vnic_unplug(struct vnic *vnic);
void vnic_fini(struct vnic *vnic);

/* Makes rings for @features and starts the device. Returns its answer. A device
 * of several pairs is asked to run all of them, unless vnic->one_pair is set;
 * MQ and CTRL_VQ come with that. */
int vnic_start(struct vnic *vnic, uint64_t features);

/* A command through the control queue, with @len bytes of data. Returns the
 * answer's byte, or -1: the device has written none. */
int vnic_command(struct vnic *vnic, uint8_t class, uint8_t command,
		 const void *data, size_t len);

/* The same in two steps. Of the answer -EAGAIN: it is not there yet. */
void vnic_begin_command(struct vnic *vnic, uint8_t class, uint8_t command,
			const void *data, size_t len);
int vnic_command_answer(struct vnic *vnic);

/* Asks the device to run @n pairs. Returns the answer. */
int vnic_set_pairs(struct vnic *vnic, uint16_t n);

/* Starts the device with rings that are not as the drivers have them. */
int vnic_start_with(struct vnic *vnic, const struct virtio_start *start);

/* As above, without waiting: vnic->done tells. vnic_begin_start() makes the
 * rings too. */
void vnic_begin_start(struct vnic *vnic, uint64_t features);
void vnic_begin_stop(struct vnic *vnic);
void vnic_stop(struct vnic *vnic);

/* Runs the control loop for a while: until all is quiet, if there are no
 * threads. */
void vnic_run(struct vnic *vnic);

/* Runs the control loop until @pred(@arg). False: it took a minute. */
bool vnic_run_until(struct vnic *vnic, bool (*pred)(void *arg), void *arg);

/* Posts @n receive buffers of @len bytes, each in pieces of @piece (0: one). */
void vnic_post(struct vnic *vnic, unsigned int n, uint32_t len, uint32_t piece);

/* Makes one frame available with @hdr in front (NULL: zeroes), in pieces of
 * @piece bytes (0: header, frame); not shown yet. Returns the head. */
uint16_t vnic_queue(struct vnic *vnic, const void *hdr, const void *frame,
		    size_t len, uint32_t piece);

/* The same, shown. */
uint16_t vnic_send(struct vnic *vnic, const void *hdr, const void *frame,
		   size_t len, uint32_t piece);

/* Takes one received packet: header to @hdr, frame to @frame. The length of the
 * frame, or -EAGAIN, or -EPROTO (the header and the used lengths disagree).
 * @n_bufs (may be NULL): how many buffers it filled. */
ssize_t vnic_receive(struct vnic *vnic, uint8_t hdr[VNIC_HDR_LEN], void *frame,
		     size_t size, unsigned int *n_bufs);

/* Collects all completed transmits; returns how many. */
unsigned int vnic_reap(struct vnic *vnic);

/* The same for any pair; those above are about pair 0. */
void vnic_post_to(struct vnic *vnic, uint16_t pair, unsigned int n,
		  uint32_t len, uint32_t piece);
uint16_t vnic_queue_to(struct vnic *vnic, uint16_t pair, const void *hdr,
		       const void *frame, size_t len, uint32_t piece);
ssize_t vnic_receive_from(struct vnic *vnic, uint16_t pair,
			  uint8_t hdr[VNIC_HDR_LEN], void *frame, size_t size,
			  unsigned int *n_bufs);
unsigned int vnic_reap_from(struct vnic *vnic, uint16_t pair);

/* Interrupts raised by a ring since the last call. */
uint64_t vnic_interrupts(const struct ring_driver *drv);

const struct net_stats *vnic_stats(const struct vnic *vnic);

#endif
