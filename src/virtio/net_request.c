/* SPDX-License-Identifier: MIT */
/*
 * What whoever runs the machine asks of a virtio-net device, and gets an answer
 * to: one of a kind at a time, answered from the loop.
 *
 * The message that carries the answer is the device's, so a device that is
 * destroyed meanwhile is freed when it has arrived; nobody is called then.
 */
#include "virtio/net_private.h"

#include <errno.h>

static void request_run(struct loop_msg *msg)
{
	struct virtio_net_request *request =
		container_of(msg, struct virtio_net_request, msg);
	void (*done)(void *arg) = request->done;

	request->posted = false;
	request->done = NULL;
	if (request->net->destroyed)
		virtio_net_free_unused(request->net);
	else
		done(request->arg);
}

void virtio_net_request_init(struct virtio_net_request *request,
			     struct virtio_net *net)
{
	request->net = net;
	request->msg.run = request_run;
}

int virtio_net_ask(struct virtio_net_request *request, void (*done)(void *arg),
		   void *arg)
{
	if (request->done)
		return -EBUSY;
	request->done = done;
	request->arg = arg;
	return 0;
}

void virtio_net_answer(struct virtio_net_request *request)
{
	if (!request->done || request->posted)
		return;
	request->posted = true;
	loop_post(request->net->loop, &request->msg);
}
