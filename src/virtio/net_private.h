/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_VIRTIO_NET_PRIVATE_H
#define EVNIC_VIRTIO_NET_PRIVATE_H

/*
 * What the files of the virtio-net device share: the device itself.
 *
 * Thread: the control loop.
 */

#include "base/log.h"
#include "virtio/net.h"
#include "virtio/net_ctrl.h"
#include "virtio/net_pair.h"

struct virtio_net;

/* See net.c. */
enum virtio_net_state {
	VIRTIO_NET_STOPPED,
	VIRTIO_NET_GETTING,
	VIRTIO_NET_BEGINNING,
	VIRTIO_NET_RUNNING,
	VIRTIO_NET_TELLING,
	VIRTIO_NET_ENDING,
	VIRTIO_NET_STOPPING,
};

/* A request of whoever runs the machine. @done: NULL: there is none. @posted:
 * the answer is under way. */
struct virtio_net_request {
	struct virtio_net *net;
	void (*done)(void *arg);
	void *arg;
	bool posted;
	struct loop_msg msg;
};

/* @wanted: between start and stop. @restart: the queues are to be replaced.
 * @broken: until the guest resets. @paused: no queues, whatever the guest
 * wants. @filter_changed: the running pairs do not know yet. @n_ready: the pairs
 * that the guest has set up, from the first on; @n_active of them are driven;
 * @n_waiting have not answered yet. @configs, @steering, @rss, @queues: of the
 * request to the endpoint. @mac: the NIC's own; the guest may have set another
 * (@ctrl). @run: a pause or resume. @tree: of the inspection. @n_looking: pairs
 * that have not said how they are. */
struct virtio_net {
	struct virtio_device base;
	struct net_endpoint *endpoint;
	struct loop *loop;
	char *name;
	uint8_t mac[6];
	uint16_t mtu;
	bool admin_up, endpoint_up, lost;
	net_event_fn event;
	void *event_arg;
	enum virtio_net_state state;
	bool wanted, restart, broken, paused, filter_changed;
	virtio_done_fn done; /* of the start or stop that is under way */
	void *done_arg;
	double restarts_since;
	unsigned int restarts;
	struct log_limit log;
	struct virtio_net_ctrl ctrl;
	struct virtio_net_pair *pairs;
	struct net_queue_config *configs;
	struct virtio_net_steering steering;
	struct net_rss_config rss;
	struct net_queue **queues;
	uint16_t n_pairs, n_ready, n_active, n_waiting;
	uint64_t features;
	struct virtio_net_request run, inspect;
	struct inspect *tree;
	uint16_t n_looking;
	bool destroyed;
};

static inline struct virtio_net *virtio_net_of(struct virtio_device *device)
{
	return container_of(device, struct virtio_net, base);
}

static inline const struct virtio_net *virtio_net_of_const(
	const struct virtio_device *device)
{
	return (const struct virtio_net *)(const void *)device;
}

/* For the transport (net_config.c): see struct virtio_device_ops. */
uint64_t virtio_net_offer(struct virtio_device *device);
bool virtio_net_accept(struct virtio_device *device, uint64_t features);
void virtio_net_read_config(struct virtio_device *device, uint32_t offset,
			    void *data, size_t len);
void virtio_net_write_config(struct virtio_device *device, uint32_t offset,
			     const void *data, size_t len);

/* Frees a device that was destroyed, unless messages under way still need it. */
void virtio_net_free_unused(struct virtio_net *net);

/* Requests (net_request.c). Taken: 0, or -EBUSY (there is one). Answered from
 * the loop, if there is one that has not been. */
void virtio_net_request_init(struct virtio_net_request *request,
			     struct virtio_net *net);
int virtio_net_ask(struct virtio_net_request *request, void (*done)(void *arg),
		   void *arg) MUST_CHECK;
void virtio_net_answer(struct virtio_net_request *request);

/* A pair has said how it is (net_inspect.c). */
void virtio_net_pair_looked(struct virtio_net_pair *pair);

#endif
