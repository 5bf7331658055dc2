/* SPDX-License-Identifier: MIT */
/*
 * virtio-net on the control loop: features, configuration, and the order in
 * which queue pairs and the endpoint start and stop.
 *
 * One step is under way at a time, and only its answer moves the device on:
 *
 *   STOPPED -> GETTING (the endpoint's queues) -> BEGINNING (the pairs)
 *      ^                                             |
 *      |                                             v
 *   STOPPING (the endpoint) <- ENDING (the pairs) <- RUNNING <-> TELLING
 *                                                   (the pairs their filter)
 *
 * What happens meanwhile (the guest stops, the endpoint wants a restart, a pair
 * is in trouble, the machine pauses) is only noted: @wanted, @restart, @broken,
 * @paused. RUNNING goes on to ENDING if any of these asks for it, and STOPPED to
 * GETTING if the device is still wanted and neither broken nor paused; so every
 * order of events ends where the last one points, with each step done once. A
 * restart is nothing but that circle, and a pause a halt on it.
 *
 * The rings are mapped when the device starts and given up when it stops; over
 * a restart the pairs keep them, and the guest notices nothing.
 *
 * What the guest asks for through the control queue is noted in the same way,
 * and answered when the device has come to rest with it: another filter by
 * TELLING, another number of pairs or another steering by a restart. One pair
 * runs until the guest asks for more; those that do not run keep their rings.
 * Steering that the endpoint refuses is undone.
 */
#include "virtio/net.h"

#include "base/bytes.h"
#include "base/log.h"
#include "virtio/net_defs.h"
#include "virtio/net_features.h"
#include "virtio/net_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLASS_ETHERNET 0x020000
/* Restarts because of failures, in any such time, before it is no use. */
#define RESTARTS_MAX	 16
#define RESTARTS_SECONDS 10.0

static void step(struct virtio_net *net);

static void answer(struct virtio_net *net, int err)
{
	virtio_done_fn done = net->done;

	net->done = NULL;
	if (done)
		done(net->done_arg, err);
}

static void tell(struct virtio_net *net, enum net_event_type type,
		 uint16_t queue, const char *cause)
{
	const struct net_event event = {
		.type = type,
		.queue = queue,
		.cause = cause,
	};

	if (net->event)
		net->event(net->event_arg, &event);
}

static void finish_pairs(struct virtio_net *net)
{
	for (uint16_t i = 0; i < net->n_ready; i++)
		virtio_net_pair_finish(&net->pairs[i]);
	net->n_ready = 0;
	net->n_active = 0;
}

/* The device is of no use until the guest resets it. @pair: where it was found,
 * NULL: it is about all of them. */
static void break_device(struct virtio_net *net,
			 const struct virtio_net_pair *pair, const char *where,
			 const char *what)
{
	char cause[128];

	if (net->broken)
		return;
	net->broken = true;
	(void)snprintf(cause, sizeof(cause), "%s: %s", where, what);
	log_limited(&net->log, LOG_LEVEL_WARN,
		    "%s: %s; the device stands still until the guest resets it",
		    net->name, cause);
	virtio_host_needs_reset(net->base.host);
	for (uint16_t i = 0; i < net->n_active; i++) {
		if (!pair || pair == &net->pairs[i])
			tell(net, NET_EVENT_QUEUE_BROKEN, i, cause);
	}
}

/* Nothing is left of what the guest has set up. */
static void forget_guest(struct virtio_net *net)
{
	virtio_net_ctrl_stop(&net->ctrl);
	finish_pairs(net);
	virtio_net_settings_init(&net->ctrl.settings, 0, net->mac, 1, 0);
	net->filter_changed = false;
}

/* A start that fails is the transport's to tell; a restart is ours. */
static void got_no_queues(struct virtio_net *net, int err)
{
	char text[ERRNO_TEXT_MAX];

	net->state = VIRTIO_NET_STOPPED;
	if (net->wanted && net->done) {
		net->wanted = false;
		forget_guest(net);
		answer(net, err);
	} else if (net->wanted && !virtio_net_ctrl_undo(&net->ctrl)) {
		break_device(net, NULL, "backend",
			     errno_text(-err, text, sizeof(text)));
	}
	step(net);
}

static void got_queues(void *arg, int err)
{
	struct virtio_net *net = arg;

	if (err < 0) {
		got_no_queues(net, err);
		return;
	}
	net->state = VIRTIO_NET_BEGINNING;
	net->n_waiting = net->n_active;
	net->filter_changed = false;
	for (uint16_t i = 0; i < net->n_active; i++)
		virtio_net_pair_begin(&net->pairs[i], net->queues[i],
				      &net->ctrl.settings.filter);
}

static void endpoint_stopped(void *arg, int err)
{
	struct virtio_net *net = arg;

	UNUSED(err); /* an endpoint cannot stay running */
	net->state = VIRTIO_NET_STOPPED;
	step(net);
}

/* Answers a pause or resume, and a command of the guest, once the device is
 * where it was to be. */
static void settle(struct virtio_net *net)
{
	bool stays = net->state == VIRTIO_NET_STOPPED &&
		     (net->paused || !net->wanted || net->broken);
	bool runs = net->state == VIRTIO_NET_RUNNING && !net->paused;

	if (stays || runs)
		virtio_net_answer(&net->run);
	if (runs || (stays && net->broken))
		virtio_net_ctrl_answer(&net->ctrl, runs);
}

/* As many pairs as the guest wants, steered as it wants. */
static int get_queues(struct virtio_net *net)
{
	bool fast = net_endpoint_tx_fast_completions(net->endpoint);
	const struct virtio_net_settings *settings = &net->ctrl.settings;
	uint16_t n = settings->steering.n_pairs;

	for (uint16_t i = n; i < net->n_active; i++)
		virtio_net_pair_rest(&net->pairs[i]);
	net->n_active = n;
	net->steering = settings->steering;
	net->rss = virtio_net_steering_rss(&net->steering);
	for (uint16_t i = 0; i < n; i++) {
		net->pairs[i].fast_completions = fast;
		net->configs[i] = virtio_net_pair_config(
			&net->pairs[i], virtio_net_settings_features(settings));
		net->configs[i].nic = net->name;
	}
	return net_endpoint_get_queues(net->endpoint, net->configs, n,
				       net->steering.rss ? &net->rss : NULL,
				       net->queues, got_queues, net);
}

static void tell_filter(struct virtio_net *net)
{
	net->filter_changed = false;
	net->n_waiting = net->n_active;
	for (uint16_t i = 0; i < net->n_active; i++)
		virtio_net_pair_tell(&net->pairs[i],
				     &net->ctrl.settings.filter);
}

/* Goes from the present state to the next, if there is a reason to. */
static void step(struct virtio_net *net)
{
	int err = 0;

	if (net->state == VIRTIO_NET_STOPPED && net->wanted && !net->broken &&
	    !net->paused) {
		net->state = VIRTIO_NET_GETTING;
		net->restart = false;
		err = get_queues(net);
		if (err < 0)
			got_queues(net, err);
	} else if (net->state == VIRTIO_NET_STOPPED && !net->wanted) {
		forget_guest(net);
		answer(net, 0);
	} else if (net->state == VIRTIO_NET_RUNNING &&
		   (!net->wanted || net->restart || net->broken ||
		    net->paused)) {
		net->state = VIRTIO_NET_ENDING;
		net->n_waiting = net->n_active;
		for (uint16_t i = 0; i < net->n_active; i++)
			virtio_net_pair_end(&net->pairs[i]);
	} else if (net->state == VIRTIO_NET_RUNNING && net->filter_changed) {
		net->state = VIRTIO_NET_TELLING;
		tell_filter(net);
	} else if (net->state == VIRTIO_NET_ENDING && !net->n_waiting) {
		net->state = VIRTIO_NET_STOPPING;
		err = net_endpoint_stop(net->endpoint, endpoint_stopped, net);
		if (err < 0)
			endpoint_stopped(net, err);
	}
	settle(net);
}

static void pair_began(struct virtio_net_pair *pair)
{
	struct virtio_net *net = pair->owner;

	if (--net->n_waiting)
		return;
	net->state = VIRTIO_NET_RUNNING;
	if (net->wanted)
		answer(net, 0);
	step(net);
}

static void pair_told(struct virtio_net_pair *pair)
{
	struct virtio_net *net = pair->owner;

	if (--net->n_waiting)
		return;
	net->state = VIRTIO_NET_RUNNING;
	step(net);
}

static void pair_ended(struct virtio_net_pair *pair)
{
	struct virtio_net *net = pair->owner;

	if (!--net->n_waiting)
		step(net);
}

/* May it be tried once more? */
static bool may_restart(struct virtio_net *net)
{
	double now = ev_now(net->loop->ev);

	if (now - net->restarts_since > RESTARTS_SECONDS) {
		net->restarts_since = now;
		net->restarts = 0;
	}
	return ++net->restarts <= RESTARTS_MAX;
}

static void pair_trouble(struct virtio_net_pair *pair,
			 enum virtio_net_trouble trouble, const char *what)
{
	static const char *const where[] = {
		[VIRTIO_NET_TRY_RESTART] = "backend",
		[VIRTIO_NET_FATAL] = "backend",
		[VIRTIO_NET_BROKEN_RX] = "receive queue",
		[VIRTIO_NET_BROKEN_TX] = "transmit queue",
	};
	struct virtio_net *net = pair->owner;

	if (!net->wanted)
		return; /* too late to matter */
	if (trouble == VIRTIO_NET_TRY_RESTART && may_restart(net))
		net->restart = true;
	else
		break_device(net, pair, where[trouble], what);
	step(net);
}

static const struct virtio_net_pair_ops pair_ops = {
	.began = pair_began,
	.ended = pair_ended,
	.told = pair_told,
	.trouble = pair_trouble,
	.looked = virtio_net_pair_looked,
};

static void settings_changed(struct virtio_net_ctrl *ctrl,
			     enum virtio_net_change change)
{
	struct virtio_net *net = container_of(ctrl, struct virtio_net, ctrl);

	if (change == VIRTIO_NET_CHANGED_QUEUES)
		net->restart = true;
	else
		net->filter_changed = true;
	step(net);
}

static void ctrl_broken(struct virtio_net_ctrl *ctrl, const char *what)
{
	struct virtio_net *net = container_of(ctrl, struct virtio_net, ctrl);

	break_device(net, NULL, "control queue", what);
	step(net);
}

static const struct virtio_net_ctrl_ops ctrl_ops = {
	.changed = settings_changed,
	.broken = ctrl_broken,
};

static bool link_up(const struct virtio_net *net)
{
	return net->admin_up && net->endpoint_up;
}

static void set_link(struct virtio_net *net, bool admin_up, bool endpoint_up,
		     const char *cause)
{
	bool was_up = link_up(net);

	net->admin_up = admin_up;
	net->endpoint_up = endpoint_up;
	if (link_up(net) == was_up)
		return;
	/* It may be another network now. */
	net->ctrl.settings.announce = !was_up && (net->ctrl.settings.features &
						  VIRTIO_NET_F_GUEST_ANNOUNCE);
	virtio_host_config_changed(net->base.host);
	tell(net, was_up ? NET_EVENT_LINK_DOWN : NET_EVENT_LINK_UP, 0, cause);
}

static void endpoint_link(struct virtio_net *net, const struct net_action *act)
{
	set_link(net, net->admin_up, act->link_up, "the backend");
	if (act->lost && !net->lost)
		tell(net, NET_EVENT_BACKEND_LOST, 0,
		     "the host's side of the backend has gone");
	else if (act->link_up && net->lost)
		tell(net, NET_EVENT_BACKEND_BACK, 0, "the backend");
	net->lost = act->lost || (net->lost && !act->link_up);
}

static void action(void *arg, struct net_action act)
{
	struct virtio_net *net = arg;

	if (act.type == NET_ACTION_RESTART_REQUIRED) {
		net->restart = true;
		step(net);
	} else {
		endpoint_link(net, &act);
	}
	net_endpoint_wait_for_action(net->endpoint, action, net);
}

/* Maps the rings of the pairs that the guest has enabled, which are the first
 * @n at most. */
static int start_pairs(struct virtio_net *net, const struct virtio_start *start,
		       uint16_t n)
{
	bool vnet_hdr = net_endpoint_vnet_hdr(net->endpoint);

	while (net->n_ready < n && 2U * net->n_ready + 1 < start->n_queues) {
		const struct virtio_queue_setup *rx =
			&start->queues[2 * (size_t)net->n_ready];
		int err;

		if (!rx[0].enabled || !rx[1].enabled)
			break;
		err = virtio_net_pair_start(&net->pairs[net->n_ready],
					    start->mem, &rx[0], &rx[1],
					    start->features, vnet_hdr);
		if (err < 0)
			return err;
		net->n_ready++;
	}
	return net->n_ready ? 0 : -EINVAL;
}

/* The control queue comes after those of the pairs that there are, or of the
 * only one if the guest does not know of more (5.1.2). */
static int start_queues(struct virtio_net *net,
			const struct virtio_start *start)
{
	bool many = start->features & (VIRTIO_NET_F_MQ | VIRTIO_NET_F_RSS);
	uint16_t n = many ? net->n_pairs : 1;
	size_t ctrl = 2 * (size_t)n;
	int err = start_pairs(net, start, n);

	if (err < 0)
		return err;
	virtio_net_settings_init(&net->ctrl.settings, start->features, net->mac,
				 net->n_ready,
				 virtio_net_features_rss_table(net->endpoint));
	if (!(start->features & VIRTIO_NET_F_CTRL_VQ) ||
	    ctrl >= start->n_queues || !start->queues[ctrl].enabled)
		return 0;
	return virtio_net_ctrl_start(&net->ctrl, start->mem,
				     &start->queues[ctrl], start->features);
}

static void start_device(struct virtio_device *device,
			 const struct virtio_start *start, virtio_done_fn done,
			 void *arg)
{
	struct virtio_net *net = virtio_net_of(device);
	int err;

	net->broken = false;
	net->restarts = 0;
	err = start_queues(net, start);
	if (err < 0) {
		forget_guest(net);
		done(arg, err);
		return;
	}
	net->features = start->features;
	net->wanted = true;
	if (net->paused) {
		done(arg, 0); /* what follows is the resume's to tell */
		return;
	}
	net->done = done;
	net->done_arg = arg;
	step(net);
}

static void stop_device(struct virtio_device *device, virtio_done_fn done,
			void *arg)
{
	struct virtio_net *net = virtio_net_of(device);

	virtio_net_ctrl_stop(&net->ctrl);
	net->done = done;
	net->done_arg = arg;
	net->wanted = false;
	step(net);
}

/* The pair goes where its receive interrupt goes. */
static void queue_target(struct virtio_device *device, uint16_t index,
			 unsigned int vcpu)
{
	struct virtio_net *net = virtio_net_of(device);
	bool driven = net->state == VIRTIO_NET_BEGINNING ||
		      net->state == VIRTIO_NET_RUNNING ||
		      net->state == VIRTIO_NET_TELLING;
	uint16_t pair = index / 2;

	if (index % 2 == 0 && pair < net->n_pairs)
		virtio_net_pair_target(&net->pairs[pair], vcpu,
				       driven && pair < net->n_active);
}

static void destroy(struct virtio_device *device)
{
	virtio_net_destroy(device);
}

static const struct virtio_device_ops net_ops = {
	.features = virtio_net_offer,
	.accept_features = virtio_net_accept,
	.read_config = virtio_net_read_config,
	.write_config = virtio_net_write_config,
	.start = start_device,
	.stop = stop_device,
	.queue_target = queue_target,
	.destroy = destroy,
};

static int make_tables(struct virtio_net *net,
		       const struct virtio_net_config *config)
{
	uint16_t n = config->n_queue_pairs;

	net->name = strdup(config->name);
	net->pairs = calloc(n, sizeof(*net->pairs));
	net->configs = calloc(n, sizeof(*net->configs));
	net->queues = calloc(n, sizeof(struct net_queue *));
	if (!net->name || !net->pairs || !net->configs || !net->queues)
		return -ENOMEM;
	for (uint16_t i = 0; i < n; i++) {
		virtio_net_pair_init(&net->pairs[i], &pair_ops, net,
				     config->loop, config->queue_loops[i]);
		net->pairs[i].busy_poll_us = config->busy_poll_us;
	}
	return 0;
}

static void free_device(struct virtio_net *net)
{
	free(net->name);
	free(net->pairs);
	free(net->configs);
	free(net->queues);
	free(net);
}

void virtio_net_free_unused(struct virtio_net *net)
{
	if (net->destroyed && !net->run.posted && !net->inspect.posted &&
	    !net->n_looking)
		free_device(net);
}

int virtio_net_create(const struct virtio_net_config *config,
		      struct virtio_device **out)
{
	struct virtio_net *net;

	if (!net_endpoint_is_ordered(config->endpoint) ||
	    !config->n_queue_pairs ||
	    config->n_queue_pairs > VIRTIO_NET_PAIRS_MAX ||
	    config->n_queue_pairs >
		    net_endpoint_multiqueue_support(config->endpoint)
			    .max_queues)
		return -EINVAL;
	net = calloc(1, sizeof(*net));
	if (!net)
		return -ENOMEM;
	if (make_tables(net, config) < 0) {
		free_device(net);
		return -ENOMEM;
	}
	net->endpoint = config->endpoint;
	net->loop = config->loop;
	memcpy(net->mac, config->mac, sizeof(net->mac));
	net->mtu = config->mtu;
	net->n_pairs = config->n_queue_pairs;
	net->event = config->event;
	net->event_arg = config->event_arg;
	net->admin_up = true;
	net->endpoint_up = net_endpoint_link_up(config->endpoint);
	virtio_net_ctrl_init(&net->ctrl, &ctrl_ops, net->loop);
	virtio_net_settings_init(&net->ctrl.settings, 0, net->mac, 1, 0);
	virtio_net_request_init(&net->run, net);
	virtio_net_request_init(&net->inspect, net);
	net->base = (struct virtio_device){
		.ops = &net_ops,
		.name = net->name,
		.device_id = VIRTIO_ID_NET,
		.class_code = CLASS_ETHERNET,
		.n_queues = (uint16_t)(2 * config->n_queue_pairs + 1),
		.queue_size = config->queue_size,
		.config_len = VIRTIO_NET_CONFIG_LEN,
	};
	net_endpoint_wait_for_action(net->endpoint, action, net);
	*out = &net->base;
	return 0;
}

void virtio_net_destroy(struct virtio_device *device)
{
	struct virtio_net *net = virtio_net_of(device);

	net_endpoint_wait_for_action(net->endpoint, NULL, NULL);
	net->destroyed = true;
	virtio_net_free_unused(net);
}

static int change_run(struct virtio_net *net, bool pause,
		      void (*done)(void *arg), void *arg)
{
	int err = virtio_net_ask(&net->run, done, arg);

	if (err < 0)
		return err;
	net->paused = pause;
	step(net);
	return 0;
}

int virtio_net_pause(struct virtio_device *device, void (*done)(void *arg),
		     void *arg)
{
	return change_run(virtio_net_of(device), true, done, arg);
}

int virtio_net_resume(struct virtio_device *device, void (*done)(void *arg),
		      void *arg)
{
	return change_run(virtio_net_of(device), false, done, arg);
}

void virtio_net_set_link(struct virtio_device *device, bool up)
{
	struct virtio_net *net = virtio_net_of(device);

	set_link(net, up, net->endpoint_up, "the user");
}

bool virtio_net_link_up(const struct virtio_device *device)
{
	return link_up(virtio_net_of_const(device));
}

const struct net_stats *virtio_net_stats(const struct virtio_device *device,
					 uint16_t pair)
{
	return &virtio_net_of_const(device)->pairs[pair].stats;
}
