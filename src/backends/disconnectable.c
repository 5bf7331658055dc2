/* SPDX-License-Identifier: MIT */
/*
 * disconnectable: an endpoint whose inside can be replaced.
 *
 * @current is what the next queues come from; NULL means null. @leaving is one
 * that has been taken out and may still have queues. Both pass their queues
 * through this endpoint, so its number of live queues is theirs.
 *
 * Either is @inner, the endpoint that was connected, or software around it: that
 * is put there when queues are asked for of which more was promised than @inner
 * can do, and taken off before @inner is given back.
 *
 * The frontend replaces its queues at its own pace: a restart is raised, and at
 * some time it destroys the old ones, stops this endpoint and asks for new ones.
 * Wherever one of these steps ends, settle() looks whether @leaving is of no
 * more use: no queue of it lives and no request is with it. Then it is stopped
 * and given back. A stop that the frontend has asked for is answered when that
 * is done, so that whoever takes the old one back may connect another before the
 * frontend asks for queues: a replacement costs one restart and not two.
 */
#include "backends/disconnectable.h"

#include "backends/null.h"
#include "backends/software.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* What does not change any more. */
struct promise {
	bool ordered, vnet_hdr;
	struct net_tx_offloads tx;
	struct net_rx_offloads rx;
	struct net_multiqueue multiqueue;
};

/* @asked: the one that the frontend's request is with; NULL: there is none.
 * @releasing: @leaving is being stopped. @stop_waits: the frontend's stop is
 * answered after that. @dying: all is freed after that, and nobody is told.
 * @n_used, @table_used: queues and table of the latest request. */
struct disconnectable {
	struct net_endpoint base;
	struct promise promise;
	bool fast;
	uint64_t link_speed;
	struct net_endpoint *null;
	struct net_endpoint *inner;
	struct net_endpoint *current, *leaving, *asked;
	bool releasing, stop_waits, dying;
	disconnectable_done_fn done;
	void *done_arg;
	size_t n_used, table_used;
};

static struct disconnectable *self(const struct net_endpoint *ep)
{
	return container_of((struct net_endpoint *)(uintptr_t)ep,
			    struct disconnectable, base);
}

static struct net_endpoint *source(const struct disconnectable *d)
{
	return d->current ? d->current : d->null;
}

static struct promise promise_of(const struct net_endpoint *ep)
{
	return (struct promise){
		.ordered = net_endpoint_is_ordered(ep),
		.vnet_hdr = net_endpoint_vnet_hdr(ep),
		.tx = net_endpoint_tx_offload_support(ep),
		.rx = net_endpoint_rx_offload_support(ep),
		.multiqueue = net_endpoint_multiqueue_support(ep),
	};
}

static void free_all(struct disconnectable *d)
{
	net_endpoint_destroy(d->current);
	net_endpoint_destroy(d->leaving);
	net_endpoint_destroy(d->null);
	free(d);
}

static void released(void *arg, int err)
{
	struct disconnectable *d = arg;
	struct net_endpoint *inner = d->inner;

	UNUSED(err); /* an endpoint cannot stay running */
	d->releasing = false;
	if (d->dying) {
		free_all(d);
		return;
	}
	if (d->leaving == inner)
		net_endpoint_set_passer(inner, NULL);
	else
		(void)software_endpoint_unwrap(d->leaving);
	d->leaving = NULL;
	d->inner = NULL;
	if (d->stop_waits) {
		d->stop_waits = false;
		net_endpoint_done(&d->base, 0);
	}
	d->done(d->done_arg, inner); /* may destroy d */
}

/* Gives @leaving back if it is of no more use. */
static void settle(struct disconnectable *d)
{
	int err;

	if (!d->leaving || d->releasing || d->asked == d->leaving ||
	    net_endpoint_live_queues(d->leaving))
		return;
	d->releasing = true;
	err = net_endpoint_stop(d->leaving, released, d);
	if (err < 0)
		released(d, err);
}

/* The answer to the frontend's request. */
static void answered(void *arg, int err)
{
	struct disconnectable *d = arg;

	d->asked = NULL;
	net_endpoint_done(&d->base, err);
	settle(d);
}

static void inner_action(void *arg, struct net_action action)
{
	struct disconnectable *d = arg;

	net_endpoint_raise(&d->base, action);
	net_endpoint_wait_for_action(d->current, inner_action, d);
}

/* Is every offload of @promised among those of @tx? */
static bool has_offloads(struct net_tx_offloads tx,
			 struct net_tx_offloads promised)
{
	return tx.ipv4_header >= promised.ipv4_header &&
	       tx.tcp >= promised.tcp && tx.udp >= promised.udp &&
	       tx.tso >= promised.tso && tx.uso >= promised.uso;
}

/* Do queues with these configurations promise more than @inner can do? A
 * virtio-net header does not ask for the IPv4 header's checksum. */
static bool needs_software(const struct disconnectable *d,
			   const struct net_queue_config *configs, size_t n)
{
	struct promise has = promise_of(d->inner);
	struct net_tx_offloads promised = d->promise.tx;
	bool headers = false;

	for (size_t i = 0; i < n; i++)
		headers |= configs[i].vnet_hdr;
	promised.ipv4_header &= !headers;
	return has.vnet_hdr < headers || !has_offloads(has.tx, promised);
}

/* Puts software around @inner, which has no queues now. */
static int add_software(struct disconnectable *d)
{
	struct net_endpoint *software;
	int err = software_endpoint_create(d->base.loop, d->inner, &software);

	if (err < 0)
		return err;
	net_endpoint_set_passer(d->inner, NULL);
	net_endpoint_set_passer(software, &d->base);
	d->current = software;
	net_endpoint_wait_for_action(software, inner_action, d);
	return 0;
}

static void get_queues(struct net_endpoint *ep,
		       const struct net_queue_config *configs, size_t n,
		       const struct net_rss_config *rss, struct net_queue **out)
{
	struct disconnectable *d = self(ep);
	int err;

	d->n_used = n;
	d->table_used = rss ? rss->indirection_table_len : 0;
	if (d->current && d->current == d->inner &&
	    needs_software(d, configs, n)) {
		err = add_software(d);
		if (err < 0) {
			net_endpoint_done(ep, err);
			return;
		}
	}
	d->asked = source(d);
	/* null steers nothing; its table may be smaller than was promised. */
	err = net_endpoint_get_queues(d->asked, configs, n,
				      d->current ? rss : NULL, out, answered,
				      d);
	if (err < 0)
		answered(d, err);
	else
		settle(d);
}

static void stop(struct net_endpoint *ep)
{
	struct disconnectable *d = self(ep);
	int err;

	if (d->leaving) {
		d->stop_waits = true;
		settle(d);
		return;
	}
	d->asked = source(d);
	err = net_endpoint_stop(d->asked, answered, d);
	if (err < 0)
		answered(d, err);
}

static void set_data_path(struct net_endpoint *ep, bool use_vf)
{
	struct disconnectable *d = self(ep);
	int err;

	d->asked = source(d);
	err = net_endpoint_set_data_path_to_guest_vf(d->asked, use_vf, answered,
						     d);
	if (err < 0)
		answered(d, err);
}

static int get_data_path(const struct net_endpoint *ep, bool *use_vf)
{
	return net_endpoint_get_data_path_to_guest_vf(source(self(ep)), use_vf);
}

static bool is_ordered(const struct net_endpoint *ep)
{
	return self(ep)->promise.ordered;
}

static bool vnet_hdr(const struct net_endpoint *ep)
{
	return self(ep)->promise.vnet_hdr;
}

static struct net_tx_offloads tx_offloads(const struct net_endpoint *ep)
{
	return self(ep)->promise.tx;
}

static struct net_rx_offloads rx_offloads(const struct net_endpoint *ep)
{
	return self(ep)->promise.rx;
}

static struct net_multiqueue multiqueue(const struct net_endpoint *ep)
{
	return self(ep)->promise.multiqueue;
}

static bool fast_completions(const struct net_endpoint *ep)
{
	return self(ep)->fast;
}

static uint64_t link_speed(const struct net_endpoint *ep)
{
	return self(ep)->link_speed;
}

static bool link_up(const struct net_endpoint *ep)
{
	const struct disconnectable *d = self(ep);

	return d->current && net_endpoint_link_up(d->current);
}

static void inspect(const struct net_endpoint *ep, struct inspect *in)
{
	const struct disconnectable *d = self(ep);

	inspect_bool(in, "connected", d->current != NULL);
	inspect_bool(in, "leaving", d->leaving != NULL);
	inspect_begin(in, "inner");
	net_endpoint_inspect(source(d), in);
	inspect_end(in);
}

static void destroy(struct net_endpoint *ep)
{
	struct disconnectable *d = self(ep);

	if (d->releasing)
		d->dying = true;
	else
		free_all(d);
}

static const struct net_endpoint_ops disconnectable_ops = {
	.type = "disconnectable",
	.get_queues = get_queues,
	.stop = stop,
	.is_ordered = is_ordered,
	.destroy = destroy,
	.vnet_hdr = vnet_hdr,
	.tx_offload_support = tx_offloads,
	.rx_offload_support = rx_offloads,
	.multiqueue_support = multiqueue,
	.tx_fast_completions = fast_completions,
	.link_speed = link_speed,
	.link_up = link_up,
	.inspect = inspect,
	.get_data_path_to_guest_vf = get_data_path,
	.set_data_path_to_guest_vf = set_data_path,
};

static void take_in(struct disconnectable *d, struct net_endpoint *inner)
{
	d->inner = inner;
	d->current = inner;
	d->fast = net_endpoint_tx_fast_completions(inner);
	d->link_speed = net_endpoint_link_speed(inner);
	net_endpoint_set_passer(inner, &d->base);
	net_endpoint_wait_for_action(inner, inner_action, d);
}

int disconnectable_create(struct loop *loop, struct net_endpoint *inner,
			  struct net_endpoint **out)
{
	struct disconnectable *d = calloc(1, sizeof(*d));

	if (!d || null_endpoint_create(loop, &d->null) < 0) {
		free(d);
		return -ENOMEM;
	}
	net_endpoint_init(&d->base, &disconnectable_ops, loop);
	net_endpoint_set_passer(d->null, &d->base);
	d->promise = promise_of(inner ? inner : d->null);
	d->fast = net_endpoint_tx_fast_completions(d->null);
	d->link_speed = net_endpoint_link_speed(d->null);
	if (inner)
		take_in(d, inner);
	*out = &d->base;
	return 0;
}

static int refuse(struct disconnectable_error *error, int err,
		  const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse(struct disconnectable_error *error, int err,
		  const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return err;
}

/* Can @inner take over from what is promised and in use? */
static int check(const struct disconnectable *d,
		 const struct net_endpoint *inner,
		 struct disconnectable_error *error)
{
	struct promise has = promise_of(inner);

	if (d->current)
		return refuse(error, -EISCONN,
			      "an endpoint is connected already; disconnect it "
			      "first");
	if (d->leaving)
		return refuse(error, -EBUSY,
			      "the endpoint before it has not left yet; wait "
			      "until its disconnect is answered");
	if (d->promise.ordered && !has.ordered)
		return refuse(error, -ENOTSUP,
			      "an unordered endpoint (%s) cannot follow an "
			      "ordered one; use one that keeps the order",
			      net_endpoint_type(inner));
	if (has.multiqueue.max_queues < d->n_used)
		return refuse(error, -ENOTSUP,
			      "it has %u queue%s and %zu are in use; use one "
			      "with as many",
			      has.multiqueue.max_queues,
			      has.multiqueue.max_queues == 1 ? "" : "s",
			      d->n_used);
	if (has.multiqueue.indirection_table_size < d->table_used)
		return refuse(error, -ENOTSUP,
			      "it has room for a receive-side scaling table of "
			      "%u entries and %zu are in use; use one with as "
			      "many",
			      has.multiqueue.indirection_table_size,
			      d->table_used);
	return 0;
}

/* What follows for the frontend from a change of @current; @was_up: the link
 * before it. */
static void tell(struct disconnectable *d, bool was_up)
{
	bool up = link_up(&d->base);

	if (net_endpoint_live_queues(&d->base) || d->asked)
		net_endpoint_raise(&d->base, net_action_restart());
	if (up != was_up)
		net_endpoint_raise(&d->base, net_action_link(up));
}

int disconnectable_connect(struct net_endpoint *ep, struct net_endpoint *inner,
			   struct disconnectable_error *error)
{
	struct disconnectable *d = self(ep);
	int err = check(d, inner, error);

	if (err < 0)
		return err;
	take_in(d, inner);
	tell(d, false);
	return 0;
}

int disconnectable_disconnect(struct net_endpoint *ep,
			      disconnectable_done_fn done, void *arg)
{
	struct disconnectable *d = self(ep);
	bool was_up = link_up(ep);

	if (d->leaving)
		return -EBUSY;
	if (!d->current)
		return -ENOTCONN;
	d->leaving = d->current;
	d->current = NULL;
	d->done = done;
	d->done_arg = arg;
	net_endpoint_wait_for_action(d->leaving, NULL, NULL);
	tell(d, was_up);
	settle(d);
	return 0;
}

struct net_endpoint *disconnectable_inner(const struct net_endpoint *ep)
{
	const struct disconnectable *d = self(ep);

	return d->current ? d->inner : NULL;
}
