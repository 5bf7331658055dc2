/* SPDX-License-Identifier: MIT */
/*
 * capture: the endpoint.
 *
 *   queue (its loop) -> tap -> ring -> writer (a thread) -> file, pipe, socket
 *
 * Each number of a queue has a tap for the endpoint's life, with the first queue
 * of that number. Starting a capture gives every tap a ring (a source); a queue
 * that comes later gets one as it is made.
 *
 * A capture ends once, on the writer's thread, which detaches all sources and
 * tells the control loop; there it is taken apart. An endpoint that is destroyed
 * meanwhile ends the thread and leaves the rest to that message, which is under
 * way by then.
 */
#include "backends/capture.h"

#include "backends/capture_tap.h"
#include "backends/capture_writer.h"
#include "base/log.h"
#include "net/wrapper.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* @sources: by queue; NULL: not captured. @owner: NULL: the endpoint is gone. */
struct session {
	struct capture *owner;
	struct capture_writer *writer;
	struct capture_source **sources;
	size_t n_sources;
	uint32_t snaplen;
	uint64_t queues;
	size_t ring_bytes;
	bool stopping;
	capture_end_fn done;
	void *done_arg;
};

struct capture {
	struct net_wrapper wrapper;
	char name[PCAPNG_NAME_MAX + 1];
	struct log_limit log;
	capture_end_fn lost;
	void *arg;
	struct capture_tap **taps;
	size_t n_taps;
	struct session *session;
	struct capture_state last;
	char *last_path;
};

struct capture_queue {
	struct net_wrapper_queue wrapper;
	struct capture_tap *tap;
	struct capture_finder finder;
};

static struct capture *capture_of(struct net_endpoint *ep)
{
	return container_of(ep, struct capture, wrapper.base);
}

static const struct capture *capture_of_const(const struct net_endpoint *ep)
{
	return container_of_const(ep, struct capture, wrapper.base);
}

static struct capture_queue *queue_of(struct net_queue *queue)
{
	return container_of(queue, struct capture_queue, wrapper.base);
}

static int queue_rx_poll(struct net_queue *queue,
			 struct net_buffer_access *pool,
			 struct net_rx_packet *out, size_t max, size_t *n)
{
	struct capture_queue *q = queue_of(queue);
	int err = net_wrapper_rx_poll(queue, pool, out, max, n);

	if (capture_tap_is_on(q->tap) && *n)
		capture_tap_rx(q->tap, &q->finder, pool, out, *n);
	return err;
}

/* What the inner queue does not take comes again. */
static int queue_tx_avail(struct net_queue *queue,
			  struct net_buffer_access *pool,
			  const struct net_tx_seg *segs, size_t n,
			  struct net_tx_taken *taken)
{
	struct capture_queue *q = queue_of(queue);
	int err = net_wrapper_tx_avail(queue, pool, segs, n, taken);

	if (capture_tap_is_on(q->tap) && taken->n_segs)
		capture_tap_tx(q->tap, &q->finder, pool, segs, taken->n_segs);
	return err;
}

static void queue_destroy(struct net_queue *queue)
{
	struct capture_queue *q = queue_of(queue);

	net_wrapper_queue_fini(&q->wrapper);
	free(q);
}

static const struct net_queue_ops queue_ops = {
	.poll_ready = net_wrapper_poll_ready,
	.rx_avail = net_wrapper_rx_avail,
	.rx_poll = queue_rx_poll,
	.tx_avail = queue_tx_avail,
	.destroy = queue_destroy,
	.tx_poll = net_wrapper_tx_poll,
	.inspect = net_wrapper_queue_inspect,
	.update_target_vp = net_wrapper_update_target_vp,
};

static void session_state(const struct session *s, struct capture_state *state)
{
	*state = (struct capture_state){
		.active = true,
		.written = net_stat_get(&s->writer->sink.written),
		.path = s->writer->sink.path,
	};
	for (size_t i = 0; i < s->n_sources; i++) {
		if (!s->sources[i])
			continue;
		state->packets += net_stat_get(&s->sources[i]->packets);
		state->bytes += net_stat_get(&s->sources[i]->bytes);
		state->drops += net_stat_get(&s->sources[i]->drops);
	}
}

static void source_destroy(struct capture_source *source)
{
	if (!source)
		return;
	byte_ring_fini(&source->ring);
	free(source);
}

/* The writer has ended. */
static void session_destroy(struct session *s)
{
	capture_writer_destroy(s->writer);
	for (size_t i = 0; i < s->n_sources; i++)
		source_destroy(s->sources[i]);
	free(s->sources);
	free(s);
}

static int session_reserve(struct session *s, size_t n)
{
	struct capture_source **sources;

	if (n <= s->n_sources)
		return 0;
	sources = realloc(s->sources, n * sizeof(struct capture_source *));
	if (!sources)
		return -ENOMEM;
	memset(sources + s->n_sources, 0,
	       (n - s->n_sources) * sizeof(struct capture_source *));
	s->sources = sources;
	s->n_sources = n;
	return 0;
}

static bool wants_queue(const struct session *s, size_t index)
{
	return s->queues >> MIN(index, (size_t)63) & 1;
}

/* Makes the source of queue @index, if that is wanted. 0 or -ENOMEM. */
static int session_make(struct session *s, size_t index)
{
	struct capture_source *source;
	int err = session_reserve(s, index + 1);

	if (err < 0)
		return err;
	if (!wants_queue(s, index) || s->sources[index])
		return 0;
	source = aligned_alloc(BYTE_RING_LINE, sizeof(*source));
	if (!source)
		return -ENOMEM;
	memset(source, 0, sizeof(*source));
	err = byte_ring_init(&source->ring, s->ring_bytes);
	if (err < 0) {
		free(source);
		return err;
	}
	source->tap = s->owner->taps[index];
	source->queue = (uint32_t)index;
	source->snaplen = s->snaplen;
	s->sources[index] = source;
	return 0;
}

static void session_add(struct session *s, size_t index)
{
	if (s->sources[index])
		capture_writer_add(s->writer, s->sources[index]);
}

static void session_ended(struct loop_msg *msg)
{
	struct capture_writer *w =
		container_of(msg, struct capture_writer, ended_msg);
	struct session *s = w->owner;
	struct capture *c = s->owner;
	struct capture_end end = {.err = w->err};

	if (!c) {
		session_destroy(s);
		return;
	}
	capture_writer_join(w);
	if (end.err < 0)
		end.cause = w->cause.text;
	session_state(s, &c->last);
	free(c->last_path);
	c->last_path = w->sink.path;
	w->sink.path = NULL;
	c->last.active = false;
	c->session = NULL;
	if (s->stopping)
		s->done(s->done_arg, &end);
	else if (c->lost)
		c->lost(c->arg, &end);
	session_destroy(s);
}

static int make_tap(struct capture *c, size_t index)
{
	struct capture_tap **taps;

	if (index < c->n_taps)
		return 0;
	taps = realloc(c->taps, (index + 1) * sizeof(struct capture_tap *));
	if (!taps)
		return -ENOMEM;
	c->taps = taps;
	taps[index] = calloc(1, sizeof(**taps));
	if (!taps[index])
		return -ENOMEM;
	capture_tap_init(taps[index]);
	c->n_taps = index + 1;
	return 0;
}

/* Queues are made in the order of their numbers. */
static int make_queue(struct net_wrapper *w,
		      const struct net_queue_config *config, size_t index,
		      struct net_queue_config *inner_config,
		      struct net_wrapper_queue **out)
{
	struct capture *c = container_of(w, struct capture, wrapper);
	struct capture_queue *q = calloc(1, sizeof(*q));
	int err = q ? make_tap(c, index) : -ENOMEM;

	if (err < 0) {
		free(q);
		return err;
	}
	if (c->session && index >= c->session->n_sources) {
		if (session_make(c->session, index) < 0)
			log_limited(&c->log, LOG_LEVEL_WARN,
				    "%s: capture: no memory for queue %zu, its "
				    "frames are not captured: start again with "
				    "smaller rings",
				    c->name, index);
		else
			session_add(c->session, index);
	}
	q->tap = c->taps[index];
	net_queue_init(&q->wrapper.base, &queue_ops, &w->base, config);
	inner_config->stats = q->wrapper.base.stats;
	*out = &q->wrapper;
	return 0;
}

static void release(struct net_wrapper *w)
{
	struct capture *c = container_of(w, struct capture, wrapper);

	if (c->session) {
		c->session->owner = NULL;
		capture_writer_abandon(c->session->writer);
	}
	for (size_t i = 0; i < c->n_taps; i++) {
		capture_tap_fini(c->taps[i]);
		free(c->taps[i]);
	}
	free(c->taps);
	free(c->last_path);
	free(c);
}

static void capture_inspect(const struct net_endpoint *ep, struct inspect *in)
{
	struct capture_state state;

	capture_query(ep, &state);
	inspect_begin(in, "capture");
	inspect_bool(in, "active", state.active);
	inspect_str(in, "path", state.path);
	inspect_u64(in, "packets", state.packets);
	inspect_u64(in, "bytes", state.bytes);
	inspect_u64(in, "drops", state.drops);
	inspect_u64(in, "written", state.written);
	inspect_end(in);
	net_wrapper_inspect(ep, in);
}

static const struct net_endpoint_ops endpoint_ops = {
	.type = "capture",
	NET_WRAPPER_PASSES_ON,
	.vnet_hdr = net_wrapper_vnet_hdr,
	.tx_offload_support = net_wrapper_tx_offload_support,
	.inspect = capture_inspect,
};

static const struct net_wrapper_ops wrapper_ops = {
	.make = make_queue,
	.release = release,
};

int capture_endpoint_create(struct loop *loop, const char *name,
			    struct net_endpoint *inner, capture_end_fn lost,
			    void *arg, struct net_endpoint **out)
{
	struct capture *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	net_wrapper_init(&c->wrapper, &endpoint_ops, &wrapper_ops, loop, inner);
	(void)snprintf(c->name, sizeof(c->name), "%s", name);
	c->lost = lost;
	c->arg = arg;
	*out = &c->wrapper.base;
	return 0;
}

static int refuse(const struct capture *c, struct capture_error *error, int err,
		  const char *why)
{
	(void)snprintf(error->text, sizeof(error->text), "%s: capture: %s",
		       c->name, why);
	return err;
}

/* The memory of a capture; nothing is visible yet. */
static int session_create(struct capture *c,
			  const struct capture_config *config,
			  struct session **out)
{
	struct session *s = calloc(1, sizeof(*s));
	int err = 0;

	if (!s)
		return -ENOMEM;
	s->owner = c;
	s->queues = config->queues;
	s->snaplen = config->snaplen ? config->snaplen : UINT32_MAX;
	s->ring_bytes =
		config->ring_bytes ? config->ring_bytes : CAPTURE_RING_DEFAULT;
	for (size_t i = 0; i < c->n_taps && !err; i++)
		err = session_make(s, i);
	if (err < 0) {
		session_destroy(s);
		return err;
	}
	*out = s;
	return 0;
}

static int session_begin(struct session *s, const struct capture_config *config,
			 struct capture_error *error)
{
	struct capture *c = s->owner;
	struct capture_sink sink;
	int err = capture_sink_init(&sink, c->name, config, error);

	if (err < 0)
		return err;
	err = capture_writer_create(c->wrapper.base.loop, c->name,
				    config->snaplen, &sink, session_ended, s,
				    &s->writer);
	if (err < 0) {
		capture_sink_cause(&sink, c->name, err, error);
		capture_sink_forget(&sink);
		return err;
	}
	for (size_t i = 0; i < s->n_sources; i++)
		session_add(s, i);
	return 0;
}

int capture_check(const struct net_endpoint *ep,
		  const struct capture_config *config,
		  struct capture_error *error)
{
	const struct capture *c = capture_of_const(ep);

	if (c->session)
		return refuse(c, error, -EBUSY,
			      "one is active: stop it first, or wait for its "
			      "end");
	if (config->ring_bytes && (config->ring_bytes < CAPTURE_RING_MIN ||
				   config->ring_bytes > CAPTURE_RING_MAX))
		return refuse(c, error, -EINVAL,
			      "the ring must have 262144 to 1073741824 bytes");
	if (config->rotate_size && config->rotate_size < CAPTURE_ROTATE_MIN)
		return refuse(c, error, -EINVAL,
			      "the rotation size is too small: take 131072 or "
			      "more");
	return 0;
}

int capture_start(struct net_endpoint *ep, const struct capture_config *config,
		  struct capture_error *error)
{
	struct capture *c = capture_of(ep);
	struct session *s;
	int err = capture_check(ep, config, error);

	if (err < 0)
		return err;
	err = session_create(c, config, &s);
	if (err < 0)
		return refuse(c, error, err,
			      "no memory for the rings: ask for smaller ones");
	err = session_begin(s, config, error);
	if (err < 0) {
		session_destroy(s);
		return err;
	}
	c->session = s;
	return 0;
}

int capture_stop(struct net_endpoint *ep, capture_end_fn done, void *arg)
{
	struct session *s = capture_of(ep)->session;

	if (!s)
		return -ENOENT;
	if (s->stopping)
		return -EBUSY;
	s->stopping = true;
	s->done = done;
	s->done_arg = arg;
	capture_writer_stop(s->writer);
	return 0;
}

void capture_query(const struct net_endpoint *ep, struct capture_state *state)
{
	const struct capture *c = capture_of_const(ep);

	if (c->session) {
		session_state(c->session, state);
		return;
	}
	*state = c->last;
	state->path = c->last_path;
}
