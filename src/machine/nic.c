/* SPDX-License-Identifier: MIT */
/*
 * One NIC: its chain, its netdev, its end.
 *
 * A NIC leaves in steps, each of which waits for the one before and for
 * whatever is under way at the time (a change of the netdev, a pause, an
 * inspection):
 *
 *	frontend reset -> threads given back, frontend unplugged
 *	-> netdev taken out -> freed
 *
 * The same steps take back a NIC that could not be made.
 */
#include "machine/nics_private.h"

#include "backends/disconnectable.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

const char *nic_id(const struct nic *nic)
{
	return nic->id;
}

const char *nic_model(const struct nic *nic)
{
	return nic->model;
}

const uint8_t *nic_mac(const struct nic *nic)
{
	return nic->mac;
}

uint16_t nic_queue_pairs(const struct nic *nic)
{
	return nic->n_pairs;
}

struct netdev *nic_netdev(const struct nic *nic)
{
	return nic->netdev;
}

const char *nic_netdev_id(const struct nic *nic)
{
	return nic->netdev ? nic->netdev->id : NULL;
}

const char *nic_backend_type(const struct nic *nic)
{
	return nic->netdev ? nic->netdev->type : NULL;
}

bool nic_link_up(const struct nic *nic)
{
	return nic->frontend && frontend_link_up(nic->frontend);
}

void nic_set_link(struct nic *nic, bool up)
{
	if (nic->frontend)
		frontend_set_link(nic->frontend, up);
}

const struct net_stats *nic_stats(const struct nic *nic, uint16_t pair)
{
	return nic->frontend ? frontend_stats(nic->frontend, pair) : NULL;
}

struct net_endpoint *nic_capture(const struct nic *nic)
{
	return nic->capture;
}

struct net_endpoint *nic_limiter(const struct nic *nic)
{
	return nic->limiter;
}

bool nic_is_busy(const struct nic *nic)
{
	return nic->swap.active || nic->leaving;
}

/* The netdev. */

static int connect_netdev(struct nic *nic, struct netdev *netdev,
			  struct kind_error *error)
{
	struct disconnectable_error cause;
	int err = disconnectable_connect(nic->disconnectable, netdev->endpoint,
					 &cause);

	if (err < 0)
		return nics_fail(error, err, "%s: %s: %s", nic->id, netdev->id,
				 cause.text);
	netdev->endpoint = NULL;
	netdev->nic = nic;
	nic->netdev = netdev;
	return 0;
}

static void end_swap(struct nic *nic, const struct kind_error *error)
{
	struct nic_swap swap = nic->swap;

	nic->swap = (struct nic_swap){0};
	nics_check(nic->nics);
	if (swap.done)
		swap.done(swap.arg, error);
	nic_leave_step(nic);
}

/* Nothing is inside. @from: what was, if it still exists. */
static void put_in(struct nic *nic, struct netdev *from)
{
	struct netdev *to = nic->swap.to;
	struct kind_error error = {""};
	int err;

	if (!to) {
		end_swap(nic, NULL);
		return;
	}
	to->nic = NULL;
	if (nic->leaving)
		err = nics_fail(&error, -ENODEV, "%s: the NIC was deleted",
				nic->id);
	else
		err = connect_netdev(nic, to, &error);
	if (err < 0 && !nic->leaving && from) {
		struct kind_error again = {""};

		if (connect_netdev(nic, from, &again) < 0)
			log_error("%s", again.text);
	}
	end_swap(nic, err < 0 ? &error : NULL);
}

static void taken_out_cb(void *arg, struct net_endpoint *inner)
{
	struct nic *nic = arg;
	struct netdev *from = nic->netdev;

	nic->netdev = NULL;
	from->nic = NULL;
	from->endpoint = inner;
	if (nic->swap.destroy) {
		netdev_destroy(nic->nics, from);
		from = NULL;
	}
	put_in(nic, from);
}

void nic_begin_swap(struct nic *nic, struct netdev *to, bool destroy,
		    nics_done_fn done, void *arg)
{
	nic->swap = (struct nic_swap){
		.active = true,
		.destroy = destroy,
		.to = to,
		.done = done,
		.arg = arg,
	};
	if (to)
		to->nic = nic;
	/* It cannot be refused: one is inside, and no change is under way. */
	if (!nic->netdev || disconnectable_disconnect(nic->disconnectable,
						      taken_out_cb, nic) < 0)
		put_in(nic, NULL);
}

/* Run state. */

static void settled_cb(void *arg)
{
	struct nic *nic = arg;

	nic->pausing = false;
	nic->paused = !nic->paused;
	nics_check(nic->nics);
	nic_settle(nic);
	nic_leave_step(nic);
}

void nic_settle(struct nic *nic)
{
	int err;

	if (!nic->frontend || nic->leaving || nic->pausing ||
	    nic->paused == nic->nics->paused)
		return;
	nic->pausing = true;
	err = nic->paused ? frontend_resume(nic->frontend, settled_cb, nic)
			  : frontend_pause(nic->frontend, settled_cb, nic);
	if (err < 0) /* no other request is under way */
		settled_cb(nic);
}

/* Life. */

/* The address that the description gives, or a random one that is locally
 * administered. */
static int choose_mac(struct nic *nic, const struct config_mac *given,
		      struct kind_error *error)
{
	uint8_t *mac = nic->mac;

	memcpy(mac, given->bytes, sizeof(nic->mac));
	if (given->given)
		return 0;
	if (getrandom(mac, sizeof(nic->mac), 0) != sizeof(nic->mac))
		return nics_fail(error, -EIO,
				 "%s: no random address: give \"guest_mac\"",
				 nic->id);
	mac[0] = (uint8_t)((mac[0] & 0xfc) | 0x02);
	return 0;
}

static int take_loops(struct nic *nic, struct kind_error *error)
{
	while (nic->n_loops < nic->n_pairs) {
		char cause[ERRNO_TEXT_MAX];
		int err = iothreads_take(&nic->nics->iothreads,
					 &nic->loops[nic->n_loops]);

		if (err < 0)
			return nics_fail(
				error, err,
				"%s: a thread for queue pair %u: %s", nic->id,
				nic->n_loops,
				errno_text(-err, cause, sizeof(cause)));
		nic->n_loops++;
	}
	return 0;
}

static void give_loops(struct nic *nic)
{
	while (nic->n_loops)
		iothreads_give(&nic->nics->iothreads,
			       nic->loops[--nic->n_loops]);
}

static void capture_ended_cb(void *arg, const struct capture_end *end)
{
	const struct nic *nic = arg;
	const struct nics_config *config = &nic->nics->config;

	config->client->capture_ended(config->arg, nic->id, end);
}

static void event_cb(void *arg, const struct net_event *event)
{
	const struct nic *nic = arg;
	const struct nics_config *config = &nic->nics->config;

	config->client->event(config->arg, nic->id, event);
}

struct token_bucket_config nics_bucket(const struct config_bucket *bucket)
{
	struct token_bucket_config none = {0};

	if (bucket->size <= 0 || bucket->refill_time <= 0)
		return none;
	return (struct token_bucket_config){
		.size = (uint64_t)bucket->size,
		.one_time_burst = (uint64_t)bucket->one_time_burst,
		.refill_time = (uint64_t)bucket->refill_time,
	};
}

static struct limiter_direction limits_of(const struct config_limiter *config)
{
	return (struct limiter_direction){
		.bandwidth = nics_bucket(&config->bandwidth),
		.ops = nics_bucket(&config->ops),
	};
}

static int make_chain(struct nic *nic, const struct nic_config *config,
		      struct netdev *netdev)
{
	const struct limiter_config limits = {
		.rx = limits_of(&config->rx_rate_limiter),
		.tx = limits_of(&config->tx_rate_limiter),
	};
	struct loop *loop = nic->nics->config.loop;
	int err = disconnectable_create(loop, netdev->endpoint,
					&nic->disconnectable);

	if (err < 0)
		return err;
	nic->top = nic->disconnectable;
	nic->netdev = netdev;
	netdev->endpoint = NULL;
	netdev->nic = nic;
	err = limiter_endpoint_create(nic->top, &limits, loop, &nic->limiter);
	if (err < 0)
		return err;
	nic->top = nic->limiter;
	err = capture_endpoint_create(loop, nic->id, nic->top, capture_ended_cb,
				      nic, &nic->capture);
	if (err < 0)
		return err;
	nic->top = nic->capture;
	return 0;
}

static int make_frontend(struct nic *nic, const struct nic_config *config,
			 struct kind_error *error)
{
	const struct frontend_setup setup = {
		.config = config,
		.mac = nic->mac,
		.transport = nic->nics->transport,
		.platform = nic->nics->config.platform,
		.loop = nic->nics->config.loop,
		.queue_loops = nic->loops,
		.n_queue_pairs = nic->n_pairs,
		.endpoint = nic->top,
		.event = event_cb,
		.event_arg = nic,
	};

	return frontend_create(&setup, error, &nic->frontend);
}

/* Does the netdev have the queues? */
static int check_queues(const struct nic *nic, const struct netdev *netdev,
			struct kind_error *error)
{
	unsigned int most =
		net_endpoint_multiqueue_support(netdev->endpoint).max_queues;

	if (nic->n_pairs <= most)
		return 0;
	return nics_fail(error, -EINVAL,
			 "%s: \"queue_pairs\" is %u, but %s (%s) has %u",
			 nic->id, nic->n_pairs, netdev->id, netdev->type, most);
}

static int make(struct nic *nic, const struct nic_config *config,
		struct netdev *netdev, struct kind_error *error)
{
	char cause[ERRNO_TEXT_MAX];
	int err = choose_mac(nic, &config->guest_mac, error);

	if (!err)
		err = check_queues(nic, netdev, error);
	if (!err)
		err = take_loops(nic, error);
	if (err < 0)
		return err;
	err = make_chain(nic, config, netdev);
	if (err < 0)
		return nics_fail(error, err, "%s: %s", nic->id,
				 errno_text(-err, cause, sizeof(cause)));
	return make_frontend(nic, config, error);
}

int nic_create(struct nics *nics, const struct nic_config *config,
	       struct netdev *netdev, struct kind_error *error)
{
	struct nic *nic = calloc(1, sizeof(*nic));
	int err;

	if (nic)
		nic->id = strdup(config->iface_id);
	if (!nic || !nic->id) {
		free(nic);
		return nics_fail(error, -ENOMEM, "%s: out of memory",
				 config->iface_id);
	}
	nic->nics = nics;
	nic->model = frontend_kind_name((size_t)config->model);
	nic->n_pairs = (uint16_t)config->queue_pairs;
	nics->nics[nics->n_nics++] = nic;
	err = make(nic, config, netdev, error);
	if (err < 0) {
		nic_leave(nic);
		return err;
	}
	if (!config->guest_mac.given)
		log_info("%s: guest_mac %02x:%02x:%02x:%02x:%02x:%02x", nic->id,
			 nic->mac[0], nic->mac[1], nic->mac[2], nic->mac[3],
			 nic->mac[4], nic->mac[5]);
	nic_settle(nic);
	return 0;
}

void nic_destroy(struct nic *nic)
{
	struct nics *nics = nic->nics;
	size_t i = 0;

	while (nics->nics[i] != nic)
		i++;
	nics->n_nics--;
	memmove(&nics->nics[i], &nics->nics[i + 1],
		(nics->n_nics - i) * sizeof(struct nic *));
	nics_left(nics, i);
	frontend_destroy(nic->frontend);
	net_endpoint_destroy(nic->top);
	free(nic->id);
	free(nic);
}

static void was_reset_cb(void *arg, int err)
{
	struct nic *nic = arg;

	UNUSED(err); /* a reset cannot be refused */
	nic->resetting = false;
	nic->was_reset = true;
	nic_leave_step(nic);
}

static void tell_deleted(const struct nic *nic)
{
	const struct nics_config *config = &nic->nics->config;

	if (nic->asked_back)
		config->client->deleted(config->arg, nic->id);
}

void nic_leave_step(struct nic *nic)
{
	struct nics *nics = nic->nics;

	if (!nic->leaving || nic->resetting || nic->swap.active ||
	    nic->pausing || nic->inspecting)
		return;
	if (nic->frontend && !nic->was_reset) {
		nic->resetting = true;
		frontend_reset(nic->frontend, was_reset_cb, nic);
		return;
	}
	give_loops(nic);
	frontend_destroy(nic->frontend);
	nic->frontend = NULL;
	if (nic->netdev) {
		nic_begin_swap(nic, NULL, false, NULL, NULL);
		return;
	}
	tell_deleted(nic);
	nic_destroy(nic);
	nics_check(nics);
}

void nic_leave(struct nic *nic)
{
	if (nic->leaving)
		return;
	nic->leaving = true;
	nic_leave_step(nic);
}
