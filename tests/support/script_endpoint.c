/* SPDX-License-Identifier: MIT */
/*
 * An endpoint that does what a test tells it.
 *
 * Arriving frames wait in a list and are written to buffers by rx_poll. "Ready"
 * is told by a timer that is due at once, so that it comes from the loop.
 */
#include "support/script_endpoint.h"

#include "net/packet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SCRIPT_IOV_MAX 256

struct script_frame {
	struct script_frame *next;
	struct net_tx_meta meta;
	size_t len;
	unsigned char bytes[];
};

static struct script_frame *frame_new(size_t len)
{
	struct script_frame *frame = calloc(1, sizeof(*frame) + len);

	if (frame)
		frame->len = len;
	return frame;
}

static void frames_push(struct script_frames *frames,
			struct script_frame *frame)
{
	if (frames->first)
		frames->last->next = frame;
	else
		frames->first = frame;
	frames->last = frame;
}

static struct script_frame *frames_pop(struct script_frames *frames)
{
	struct script_frame *frame = frames->first;

	if (frame)
		frames->first = frame->next;
	return frame;
}

static void frames_clear(struct script_frames *frames)
{
	struct script_frame *frame;

	while ((frame = frames_pop(frames)))
		free(frame);
}

void script_queue_wake(struct script_queue *q)
{
	if (q->armed)
		ev_timer_start(q->base.config.loop->ev, &q->wake);
}

static void wake_cb(struct ev_loop *ev, ev_timer *w, int revents)
{
	struct script_queue *q = container_of(w, struct script_queue, wake);

	UNUSED(ev);
	UNUSED(revents);
	if (!q->armed)
		return;
	q->armed = false;
	q->base.config.client->ready(q->base.config.client);
}

static bool queue_poll_ready(struct net_queue *queue,
			     struct net_buffer_access *pool)
{
	struct script_queue *q = script_queue_of(queue);
	bool ready;

	q->n_poll_ready++;
	q->kept = pool;
	ready = (q->arriving.first && q->fifo.count && !q->starved) ||
		q->n_complete || (q->refused && q->tx_room) || q->rx_err ||
		q->tx_poll_err;
	q->armed = !ready;
	return ready;
}

static void queue_rx_avail(struct net_queue *queue,
			   struct net_buffer_access *pool,
			   const struct net_rx_id *ids, size_t n)
{
	struct script_queue *q = script_queue_of(queue);

	q->n_rx_avail++;
	q->kept = pool;
	q->given += n;
	q->starved = false;
	if (net_rx_fifo_push(&q->fifo, ids, n) < 0)
		abort();
}

/* Writes a frame with its header, in front of where a frame goes. */
static int write_with_header(struct net_buffer_access *pool,
			     const struct net_rx_id *ids, size_t n,
			     const struct script_frame *frame)
{
	struct iovec iov[SCRIPT_IOV_MAX];
	ssize_t n_iov = net_pool_guest_addresses(pool, ids, n, NET_ROOM_HEADER,
						 0, iov, ARRAY_SIZE(iov));
	size_t at = 0;

	if (n_iov < 0)
		return (int)n_iov;
	for (size_t i = 0; at < frame->len; i++) {
		size_t part;

		if (i == MIN((size_t)n_iov, ARRAY_SIZE(iov)))
			return -EMSGSIZE;
		part = MIN(iov[i].iov_len, frame->len - at);
		memcpy(iov[i].iov_base, frame->bytes + at, part);
		at += part;
	}
	return 0;
}

/* Writes the oldest frame. -EAGAIN: there are not enough buffers. */
static int write_frame(struct script_queue *q, struct net_buffer_access *pool,
		       const struct script_frame *frame,
		       struct net_rx_packet *out)
{
	struct net_rx_id ids[64];
	struct net_rx_meta meta = q->rx_meta;
	struct iovec iov = {
		.iov_base = (void *)(uintptr_t)frame->bytes,
		.iov_len = frame->len,
	};
	size_t span = MIN((size_t)q->base.config.rx_span, ARRAY_SIZE(ids));
	ssize_t n;
	int err;

	meta.vnet_hdr = q->rx_header;
	meta.len = (uint32_t)frame->len -
		   (q->rx_header ? (uint32_t)NET_VNET_HDR_LEN : 0);
	n = net_rx_fifo_fit(&q->fifo, pool, span, meta.len, ids);
	if (n < 0)
		return (int)n;
	if (q->rx_header)
		err = write_with_header(pool, ids, (size_t)n, frame);
	else
		err = net_pool_write_packet(pool, ids, (size_t)n, &meta, &iov,
					    1);
	if (err < 0)
		return err;
	net_rx_fifo_pop(&q->fifo, (size_t)n);
	*out = (struct net_rx_packet){ids[0], (uint16_t)n, meta};
	return 0;
}

static int queue_rx_poll(struct net_queue *queue,
			 struct net_buffer_access *pool,
			 struct net_rx_packet *out, size_t max, size_t *n)
{
	struct script_queue *q = script_queue_of(queue);
	int err = q->rx_err;

	q->n_rx_poll++;
	q->kept = pool;
	q->rx_err = 0;
	if (err < 0)
		return err;
	while (*n < max && q->arriving.first) {
		err = write_frame(q, pool, q->arriving.first, &out[*n]);
		if (err == -EAGAIN) {
			q->starved = true;
			break;
		}
		free(frames_pop(&q->arriving));
		if (err < 0) {
			q->dropped++;
			net_stat_add(&queue->stats->rx_dropped, 1);
			continue;
		}
		net_stat_add(&queue->stats->rx_packets, 1);
		net_stat_add(&queue->stats->rx_bytes, out[*n].meta.len);
		(*n)++;
	}
	return 0;
}

static int record(struct script_queue *q, struct net_buffer_access *pool,
		  const struct net_tx_seg *packet, size_t n)
{
	size_t len = packet->meta->len;
	struct script_frame *frame;
	ssize_t got;

	if (len > NET_FRAME_MAX)
		return -EMSGSIZE;
	if (packet->meta->vnet_hdr)
		len += NET_VNET_HDR_LEN;
	frame = frame_new(len);
	if (!frame)
		return -ENOMEM;
	frame->meta = *packet->meta;
	got = net_packet_linearize(pool, packet, n, frame->bytes, len);
	if (got < 0) {
		free(frame);
		return (int)got;
	}
	frames_push(&q->sent, frame);
	return 0;
}

static void send_packet(struct script_queue *q, struct net_buffer_access *pool,
			const struct net_tx_seg *packet, size_t n)
{
	if (record(q, pool, packet, n) < 0) {
		net_stat_add(&q->base.stats->tx_errors, 1);
		net_stat_add(&q->base.stats->tx_dropped, 1);
	} else {
		net_stat_add(&q->base.stats->tx_packets, 1);
		net_stat_add(&q->base.stats->tx_bytes, packet->meta->len);
	}
	if (q->tx == SCRIPT_TX_SOON)
		q->complete[q->n_complete++] = packet->meta->id;
	else if (q->tx == SCRIPT_TX_HELD)
		q->flying[q->n_flying++] = packet->meta->id;
}

static int queue_tx_avail(struct net_queue *queue,
			  struct net_buffer_access *pool,
			  const struct net_tx_seg *segs, size_t n,
			  struct net_tx_taken *taken)
{
	struct script_queue *q = script_queue_of(queue);
	const struct net_tx_seg *packet;
	size_t n_packet;
	int err = q->tx_err;

	q->n_tx_avail++;
	q->kept = pool;
	q->tx_err = 0;
	if (err < 0)
		return err;
	taken->completed = q->tx == SCRIPT_TX_NOW;
	q->refused = false;
	while (taken->n_segs < n) {
		if (!q->tx_room ||
		    q->n_flying + q->n_complete == SCRIPT_IDS_MAX) {
			q->refused = true;
			break;
		}
		err = net_packet_next(segs + taken->n_segs, n - taken->n_segs,
				      &packet, &n_packet);
		if (err < 0)
			return err;
		send_packet(q, pool, packet, n_packet);
		taken->n_segs += n_packet;
		if (q->tx_room != SIZE_MAX)
			q->tx_room--;
	}
	return 0;
}

static enum net_tx_error queue_tx_poll(struct net_queue *queue,
				       struct net_buffer_access *pool,
				       struct net_tx_id *out, size_t max,
				       size_t *n)
{
	struct script_queue *q = script_queue_of(queue);
	enum net_tx_error err = q->tx_poll_err;

	q->n_tx_poll++;
	q->kept = pool;
	q->tx_poll_err = NET_TX_OK;
	*n = MIN(max, q->n_complete);
	memcpy(out, q->complete, *n * sizeof(*out));
	q->n_complete -= *n;
	memmove(q->complete, q->complete + *n,
		q->n_complete * sizeof(q->complete[0]));
	return err;
}

static void queue_update_target_vp(struct net_queue *queue, uint32_t vp)
{
	script_queue_of(queue)->target_vp = vp;
}

static void queue_destroy(struct net_queue *queue)
{
	struct script_queue *q = script_queue_of(queue);

	*q->self = NULL;
	if (queue->config.loop)
		ev_timer_stop(queue->config.loop->ev, &q->wake);
	frames_clear(&q->sent);
	frames_clear(&q->arriving);
	net_rx_fifo_fini(&q->fifo);
	free(q);
}

static const struct net_queue_ops queue_ops = {
	.poll_ready = queue_poll_ready,
	.rx_avail = queue_rx_avail,
	.rx_poll = queue_rx_poll,
	.tx_avail = queue_tx_avail,
	.tx_poll = queue_tx_poll,
	.destroy = queue_destroy,
	.update_target_vp = queue_update_target_vp,
};

int script_queue_arrive(struct script_queue *q, const void *bytes, size_t len)
{
	struct script_frame *frame = frame_new(len);

	if (!frame)
		return -ENOMEM;
	memcpy(frame->bytes, bytes, len);
	frames_push(&q->arriving, frame);
	script_queue_wake(q);
	return 0;
}

ssize_t script_queue_take(struct script_queue *q, void *buf, size_t size,
			  struct net_tx_meta *meta)
{
	struct script_frame *frame = frames_pop(&q->sent);
	ssize_t len;

	if (!frame)
		return -EAGAIN;
	len = frame->len <= size ? (ssize_t)frame->len : -EMSGSIZE;
	if (len >= 0)
		memcpy(buf, frame->bytes, frame->len);
	if (meta)
		*meta = frame->meta;
	free(frame);
	return len;
}

void script_queue_complete(struct script_queue *q, size_t at)
{
	if (at >= q->n_flying)
		abort();
	q->complete[q->n_complete++] = q->flying[at];
	q->n_flying--;
	memmove(&q->flying[at], &q->flying[at + 1],
		(q->n_flying - at) * sizeof(q->flying[0]));
	script_queue_wake(q);
}

void script_queue_grant(struct script_queue *q, size_t n)
{
	q->tx_room += n;
	script_queue_wake(q);
}

int script_queue_use_kept_pool(struct script_queue *q)
{
	struct net_rx_id id = {0};

	return net_pool_write_data(q->kept, &id, 1, 0, "x", 1);
}

static struct script_endpoint *self(const struct net_endpoint *ep)
{
	return container_of((struct net_endpoint *)(uintptr_t)ep,
			    struct script_endpoint, base);
}

/* The answer, unless the test gives it. */
static void answer_or_hold(struct script_endpoint *ep, int err)
{
	if (ep->hold)
		ep->answer_waits = true;
	else
		net_endpoint_done(&ep->base, err);
}

static void make_queues(struct script_endpoint *ep,
			const struct net_queue_config *configs, size_t n,
			struct net_queue **out)
{
	for (size_t i = 0; i < n; i++) {
		struct script_queue *q = calloc(1, sizeof(*q));

		if (!q || (ep->get_queues_err && i == ep->fail_after)) {
			free(q);
			while (i)
				net_queue_destroy(out[--i]);
			answer_or_hold(ep, ep->get_queues_err
						   ? ep->get_queues_err
						   : -ENOMEM);
			return;
		}
		net_queue_init(&q->base, &queue_ops, &ep->base, &configs[i]);
		q->tx = ep->tx;
		q->tx_room = SIZE_MAX;
		ev_timer_init(&q->wake, wake_cb, 0., 0.);
		q->self = &ep->queues[i];
		*q->self = q;
		out[i] = &q->base;
	}
	answer_or_hold(ep, 0);
}

static void script_get_queues(struct net_endpoint *base,
			      const struct net_queue_config *configs, size_t n,
			      const struct net_rss_config *rss,
			      struct net_queue **out)
{
	struct script_endpoint *ep = self(base);

	ep->rss = rss ? *rss : (struct net_rss_config){0};
	ep->n_get_queues++;
	make_queues(ep, configs, n, out);
}

static void script_stop(struct net_endpoint *base)
{
	struct script_endpoint *ep = self(base);

	ep->n_stop++;
	answer_or_hold(ep, 0);
}

void script_endpoint_answer(struct script_endpoint *ep, int err)
{
	if (!ep->answer_waits)
		abort();
	ep->answer_waits = false;
	net_endpoint_done(&ep->base, err);
}

static bool is_ordered(const struct net_endpoint *ep)
{
	return self(ep)->ordered;
}

static bool vnet_hdr(const struct net_endpoint *ep)
{
	return self(ep)->vnet_hdr;
}

static bool fast(const struct net_endpoint *ep)
{
	return self(ep)->fast;
}

static uint64_t link_speed(const struct net_endpoint *ep)
{
	return self(ep)->link_speed;
}

static struct net_tx_offloads tx_offloads(const struct net_endpoint *ep)
{
	return self(ep)->tx_offloads;
}

static struct net_rx_offloads rx_offloads(const struct net_endpoint *ep)
{
	return self(ep)->rx_offloads;
}

static bool link_up(const struct net_endpoint *ep)
{
	return self(ep)->link_up;
}

static struct net_multiqueue multiqueue(const struct net_endpoint *ep)
{
	return self(ep)->multiqueue;
}

static void script_destroy(struct net_endpoint *ep)
{
	free(self(ep));
}

static const struct net_endpoint_ops script_ops = {
	.type = "script",
	.get_queues = script_get_queues,
	.stop = script_stop,
	.is_ordered = is_ordered,
	.destroy = script_destroy,
	.vnet_hdr = vnet_hdr,
	.tx_offload_support = tx_offloads,
	.rx_offload_support = rx_offloads,
	.multiqueue_support = multiqueue,
	.tx_fast_completions = fast,
	.link_speed = link_speed,
	.link_up = link_up,
};

static const struct net_endpoint_ops bare_ops = {
	.type = "bare",
	.get_queues = script_get_queues,
	.stop = script_stop,
	.is_ordered = is_ordered,
	.destroy = script_destroy,
};

static int create(struct loop *loop, const struct net_endpoint_ops *ops,
		  struct script_endpoint **out)
{
	struct script_endpoint *ep = calloc(1, sizeof(*ep));

	if (!ep)
		return -ENOMEM;
	net_endpoint_init(&ep->base, ops, loop);
	ep->ordered = true;
	ep->link_up = true;
	ep->link_speed = NET_LINK_SPEED_DEFAULT;
	ep->multiqueue = (struct net_multiqueue){SCRIPT_QUEUES_MAX, 16};
	*out = ep;
	return 0;
}

int script_endpoint_create(struct loop *loop, struct script_endpoint **out)
{
	return create(loop, &script_ops, out);
}

int script_endpoint_create_bare(struct loop *loop, struct script_endpoint **out)
{
	return create(loop, &bare_ops, out);
}
