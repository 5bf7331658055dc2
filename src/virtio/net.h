/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_VIRTIO_NET_H
#define EVNIC_VIRTIO_NET_H

/*
 * virtio-net (virtio 1.2, 5.1): a frontend that drives an endpoint's queues.
 *
 * Thread: the control loop; each queue pair runs on the loop it was given.
 */

#include "base/inspect.h"
#include "base/loop.h"
#include "net/endpoint.h"
#include "net/event.h"
#include "virtio/device.h"

/* @name: the NIC's id, for messages; copied. @endpoint, @loop, @queue_loops:
 * borrowed for the device's life. @mtu: 0: not told to the guest. @queue_size:
 * a power of two up to VIRTIO_QUEUE_SIZE_MAX. @busy_poll_us: how long a loop
 * polls after a packet before it sleeps. @queue_loops: one loop for each queue
 * pair; the guest decides how many pairs it uses, one to begin with. @event:
 * what the device has to tell, NULL: nobody wants to know; it must not destroy
 * the device. */
struct virtio_net_config {
	const char *name;
	uint8_t mac[6];
	uint16_t mtu;
	uint16_t queue_size;
	uint32_t busy_poll_us;
	struct net_endpoint *endpoint;
	struct loop *loop;
	struct loop *const *queue_loops;
	uint16_t n_queue_pairs;
	net_event_fn event;
	void *event_arg;
};

/* -EINVAL: the endpoint is not ordered, or has fewer queues. */
int virtio_net_create(const struct virtio_net_config *config,
		      struct virtio_device **out) MUST_CHECK;

/* Frees a device that is stopped and off its transport. Requests that have not
 * been answered never are. */
void virtio_net_destroy(struct virtio_device *device);

/* Stops all queues, or starts them again; rings and what the guest has put into
 * them are kept. Paused, the device answers its guest as ever (start, reset,
 * configuration), but has no endpoint queues. @done is called from the loop,
 * later than the call: of pause when no queue is left and the endpoint is
 * stopped, of resume when the queues run again, or there is nothing to run.
 * Returns 0, or -EBUSY (a pause or resume has not been answered yet) and @done
 * is never called. Pausing twice, or resuming what runs, is no error. */
int virtio_net_pause(struct virtio_device *device, void (*done)(void *arg),
		     void *arg) MUST_CHECK;
int virtio_net_resume(struct virtio_device *device, void (*done)(void *arg),
		      void *arg) MUST_CHECK;

/* The link as the user wants it. The guest sees a link that is up if this is
 * up, as it is at first, and the endpoint's link is. What a guest sends over a
 * link that is down is not held back. */
void virtio_net_set_link(struct virtio_device *device, bool up);

/* The link that the guest sees. */
bool virtio_net_link_up(const struct virtio_device *device);

/* Fills @in with the device and its queue pairs, as they are; @done is called
 * from the loop, later than the call, and @in is the device's until then.
 * Returns 0, or -EBUSY (another is under way) and @done is never called. */
int virtio_net_inspect(struct virtio_device *device, struct inspect *in,
		       void (*done)(void *arg), void *arg) MUST_CHECK;

/* The counters of queue pair @pair, since the device was made. Any thread. */
const struct net_stats *virtio_net_stats(const struct virtio_device *device,
					 uint16_t pair);

#endif
