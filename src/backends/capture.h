/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_CAPTURE_H
#define EVNIC_BACKENDS_CAPTURE_H

/*
 * capture: an endpoint around an endpoint that writes what goes through to a
 * pcapng file (IETF draft-ietf-opsawg-pcapng) or stream, on request.
 *
 * Started and stopped while queues run; they notice it by one relaxed load per
 * call. The queue's loop copies frames into a ring in memory, a thread of the
 * capture's own writes them out: a slow disk or reader costs captured frames,
 * which are counted, and never traffic.
 *
 * The file has one interface, the NIC. A frame's direction is the guest's
 * (inbound: received) and stands in epb_flags, its queue in epb_queue. Times
 * are nanoseconds of CLOCK_REALTIME, one for each call of the queue. Lengths
 * are the frame's; the virtio-net header is left out, a VLAN tag that travels
 * in metadata is put back in. What offloads leave to be done (checksums,
 * segments) is not done in the file either. Frames of several queues are
 * written in groups: in order for each queue, not among queues.
 *
 * Thread: the control loop, for everything here.
 */

#include "base/loop.h"
#include "net/endpoint.h"

#define CAPTURE_ALL_QUEUES   UINT64_MAX
#define CAPTURE_RING_DEFAULT (4U << 20)
#define CAPTURE_RING_MIN     (256U << 10)
#define CAPTURE_RING_MAX     (1U << 30)
#define CAPTURE_ROTATE_MIN   (128U << 10)
#define CAPTURE_FILES_MAX    1000

/* One line, without a newline: the thing, the cause and the cure. */
struct capture_error {
	char text[320];
};

/* @fd: an open file, pipe or socket; made non-blocking. The capture's from a
 * successful start on: it closes it in the end.
 * @path: what people call that (copied), or NULL.
 * @snaplen: bytes kept of each frame; 0: all.
 * @rotate_size: a file is at most so long, at least CAPTURE_ROTATE_MIN; then comes
 * the next. For files that were empty only; 0: one file.
 * @rotate: makes the next file, with @rotator; returns its file descriptor or
 * -errno. Called on a thread of the capture's, and may wait; the file before is
 * closed. With @rotate_size.
 * @rotator: a file descriptor for @rotate, the capture's as @fd is; -1: none.
 * @queues: bit i: capture queue i; the last bit stands for all others too.
 * @ring_bytes: memory for each queue, rounded up to a power of two; 0:
 * CAPTURE_RING_DEFAULT. */
struct capture_config {
	int fd;
	const char *path;
	uint32_t snaplen;
	uint64_t rotate_size;
	int (*rotate)(int rotator);
	int rotator;
	uint64_t queues;
	size_t ring_bytes;
};

/* Why a capture has ended. @err: 0: it was stopped; or -errno, and @cause says
 * it in a line for people, good for the call. */
struct capture_end {
	int err;
	const char *cause;
};

typedef void (*capture_end_fn)(void *arg, const struct capture_end *end);

/* The present capture, or when there is none the last. @packets: captured.
 * @bytes: of them, as captured. @drops: frames that are missing because the ring
 * was full or their bytes could not be read. @written: bytes of the file, of
 * all files. @path: the capture's; good until the next start. */
struct capture_state {
	bool active;
	uint64_t packets, bytes, drops, written;
	const char *path;
};

/* @name: the NIC's, for the file and for messages (copied). @inner: owned from
 * now on if this succeeds. @lost: called from the loop when a capture has ended
 * by itself (a full disk, a reader that went), not for one that was stopped;
 * NULL: nobody. 0 or -ENOMEM. */
int capture_endpoint_create(struct loop *loop, const char *name,
			    struct net_endpoint *inner, capture_end_fn lost,
			    void *arg, struct net_endpoint **out) MUST_CHECK;

/* May a capture of @config begin now, whatever its descriptors? To be asked
 * before a file is made or emptied for it. 0, or -errno and @error (-EBUSY: a
 * capture is active). */
int capture_check(const struct net_endpoint *ep,
		  const struct capture_config *config,
		  struct capture_error *error) MUST_CHECK;

/* Frames are captured from when this returns. 0, or -errno and @error (-EBUSY: a
 * capture is active). */
int capture_start(struct net_endpoint *ep, const struct capture_config *config,
		  struct capture_error *error) MUST_CHECK;

/* Ends the capture: @done is called from the loop, later than this call, when
 * all that was captured has been written, or could not be. A reader of a pipe
 * or socket that takes nothing for CAPTURE_STOP_MS is not waited for. 0, or
 * -ENOENT (there is none) or -EBUSY (it is being stopped), and @done is never
 * called. */
#define CAPTURE_STOP_MS 5000
int capture_stop(struct net_endpoint *ep, capture_end_fn done,
		 void *arg) MUST_CHECK;

void capture_query(const struct net_endpoint *ep, struct capture_state *state);

/* Destroying the endpoint ends a capture too: what a pipe or socket does not
 * take at once is lost, and neither @lost nor @done is called. */

#endif
