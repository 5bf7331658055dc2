/* SPDX-License-Identifier: MIT */
/*
 * Receiving from a tap: readv() into the guest's buffers.
 *
 * The length of a frame is not known before it is read, and what does not fit
 * is cut off. So a read gets the buffers at the front of the queue (the window,
 * tap_window.h), as many as the longest frame may need, and behind them the
 * spill, a buffer of our own that is as long as any frame. Nearly every frame
 * ends within the window and was not copied by us.
 *
 * A frame that reaches into the spill takes more buffers, if they are held, by
 * a copy. If they are not held it waits: nothing else is read until the guest
 * has given enough. It is dropped when waiting is pointless: the frame needs
 * more than rx_span buffers, or more than the guest has ever had in the ring.
 *
 * An op also ends when the window gets short while buffers are still coming in:
 * with the next ones there is no need of the spill.
 *
 * Where the header has no place in the guest's buffers (vnet_hdr false), it is
 * read beside them and becomes metadata; then the window is one buffer, and the
 * spill the rest.
 *
 * With steering in software a frame may be another queue's: it is handed over
 * (tap_siblings.c), and what comes from others is placed like a frame that
 * waits.
 *
 * After 64 KiB frames were negotiated the window has 64 KiB. Otherwise it is as
 * long as the longest frame that was seen.
 */
#include "backends/tap_queue.h"

#include "net/iov.h"
#include "net/vnet_hdr.h"

#include <errno.h>
#include <string.h>

#define ETHERNET_HDR_LEN 14

static bool has_place_for_hdr(const struct tap_queue *q)
{
	return q->base.config.vnet_hdr;
}

static void drop(struct tap_queue *q, const char *why)
{
	net_stat_add(&q->base.stats->rx_dropped, 1);
	log_limited(&q->rx.log, LOG_LEVEL_DEBUG, "%s: frame dropped: %s",
		    q->name, why);
}

/* Hands on the header that was read beside the buffers. */
static int convert_header(struct tap_queue *q, struct net_buffer_access *pool,
			  size_t n, struct net_rx_meta *meta)
{
	struct tap_rx *rx = &q->rx;
	int err = net_vnet_hdr_to_rx(rx->hdr, meta);

	if (err < 0)
		return err;
	(void)net_rx_fifo_peek(&rx->fifo, 0, rx->window.ids, n);
	return net_pool_write_header(pool, rx->window.ids, n, meta);
}

/* Fills in the packet of the @n oldest buffers and takes them. */
static bool deliver(struct tap_queue *q, struct net_buffer_access *pool,
		    uint32_t len, uint16_t n, struct net_rx_packet *out)
{
	struct tap_rx *rx = &q->rx;

	out->first = net_rx_fifo_at(&rx->fifo, 0);
	out->n_ids = n;
	out->meta = (struct net_rx_meta){
		.len = len,
		.vnet_hdr = has_place_for_hdr(q),
	};
	if (!out->meta.vnet_hdr && convert_header(q, pool, n, &out->meta) < 0) {
		net_stat_add(&q->base.stats->rx_errors, 1);
		drop(q, "its header cannot be passed on");
		tap_window_clear(&rx->window);
		return false;
	}
	net_rx_fifo_pop(&rx->fifo, n);
	net_stat_add(&q->base.stats->rx_packets, 1);
	net_stat_add(&q->base.stats->rx_bytes, len);
	return true;
}

/* Writes the header of a frame that was not read into the buffers. */
static int write_vnet_hdr(struct tap_queue *q, struct net_buffer_access *pool,
			  size_t n)
{
	struct iovec iov[NET_VNET_HDR_LEN];
	struct net_iov_walk walk;
	ssize_t pieces;

	pieces = net_pool_guest_addresses(pool, q->rx.window.ids, n,
					  NET_ROOM_HEADER, 0, iov,
					  ARRAY_SIZE(iov));
	if (pieces < 0)
		return (int)pieces;
	walk = net_iov_walk(iov, MIN((size_t)pieces, ARRAY_SIZE(iov)));
	return net_iov_write(&walk, q->rx.hdr, NET_VNET_HDR_LEN) ? 0 : -EFAULT;
}

/* Puts what waits of @frame into the first @n buffers, whose ids are in the
 * window. */
static bool place(struct tap_queue *q, struct net_buffer_access *pool,
		  const struct tap_rx_waiting *frame, size_t n,
		  struct net_rx_packet *out)
{
	int err = 0;

	if (!n) {
		drop(q, "longer than the guest's receive buffers");
		return false;
	}
	if (frame->handed && has_place_for_hdr(q))
		err = write_vnet_hdr(q, pool, n);
	if (!err)
		err = net_pool_write_data(pool, q->rx.window.ids, n,
					  frame->head, frame->rest,
					  frame->len - frame->head);
	if (err < 0) {
		net_stat_add(&q->base.stats->rx_errors, 1);
		drop(q, "a receive buffer cannot be written");
		return false;
	}
	return deliver(q, pool, frame->len, (uint16_t)n, out);
}

/* Tries to finish the frame that waits. True: a packet is in @out. */
static bool finish_waiting(struct tap_queue *q, struct net_buffer_access *pool,
			   struct net_rx_packet *out)
{
	struct tap_rx *rx = &q->rx;
	struct tap_rx_waiting frame = rx->waiting;
	size_t span = q->base.config.rx_span;
	size_t held = MIN(span, rx->fifo.count);
	size_t n = tap_window_count(&rx->window, pool, held, frame.len);
	bool done;

	tap_window_clear(&rx->window);
	if (!n && held < MIN(span, rx->most_held)) {
		rx->waiting.starved = true;
		return false;
	}
	rx->waiting = (struct tap_rx_waiting){0};
	done = place(q, pool, &frame, n, out);
	if (frame.handed)
		tap_siblings_done(q);
	return done;
}

/* A read of @n bytes (header included) has reached into the spill. */
static bool spilled(struct tap_queue *q, struct net_buffer_access *pool,
		    size_t n, struct net_rx_packet *out)
{
	struct tap_rx *rx = &q->rx;
	size_t head = rx->window.bytes;

	rx->wanted = MAX(rx->wanted, n);
	if (has_place_for_hdr(q)) {
		if (head < NET_VNET_HDR_LEN) {
			net_stat_add(&q->base.stats->rx_errors, 1);
			drop(q, "a receive buffer cannot be written");
			return false;
		}
		head -= NET_VNET_HDR_LEN;
	}
	rx->waiting = (struct tap_rx_waiting){
		.len = (uint32_t)(n - NET_VNET_HDR_LEN),
		.head = (uint32_t)head,
		.rest = rx->spill,
	};
	return finish_waiting(q, pool, out);
}

/* Where a frame with its header is read to: its @n places. */
static const struct iovec *places(struct tap_queue *q, size_t *n)
{
	struct tap_window *w = &q->rx.window;
	size_t first = w->first;

	w->iov[w->end] = (struct iovec){q->rx.spill, sizeof(q->rx.spill)};
	if (!has_place_for_hdr(q)) {
		first = 0;
		w->iov[0] = (struct iovec){q->rx.hdr, sizeof(q->rx.hdr)};
	}
	*n = w->end - first + 1;
	return &w->iov[first];
}

/* Reads one frame, with its header. Returns the bytes of both or -errno. */
static ssize_t read_frame(struct tap_queue *q)
{
	size_t n_iov;
	const struct iovec *iov = places(q, &n_iov);
	ssize_t n;

	do {
		n = readv(q->fd, iov, (int)n_iov);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* A read has brought no frame. */
static void handle_error(struct tap_queue *q, int err)
{
	char text[ERRNO_TEXT_MAX];

	if (err == -EBADFD) {
		tap_queue_set_gone(q);
		return;
	}
	if (err != -EAGAIN) {
		net_stat_add(&q->base.stats->rx_errors, 1);
		log_limited(&q->rx.log, LOG_LEVEL_WARN, "%s: read: %s", q->name,
			    errno_text(-err, text, sizeof(text)));
	}
	q->rx.drained = true;
	ev_io_start(q->base.config.loop->ev, &q->rx.watcher);
}

/* Is the frame that was just read, of @len bytes, another queue's? Then it goes
 * there. */
static bool pass_on(struct tap_queue *q, size_t len)
{
	size_t n_iov;
	const struct iovec *iov = places(q, &n_iov);

	return tap_siblings_give(q, net_iov_walk(iov, n_iov), (uint32_t)len);
}

/* Reads one frame into the window. True: a packet is in @out. */
static bool receive(struct tap_queue *q, struct net_buffer_access *pool,
		    struct net_rx_packet *out)
{
	struct tap_window *w = &q->rx.window;
	size_t beside = has_place_for_hdr(q) ? 0 : NET_VNET_HDR_LEN;
	size_t len, n_bufs;
	ssize_t n;

	n = read_frame(q);
	if (n < 0) {
		handle_error(q, (int)n);
		return false;
	}
	len = (size_t)n;
	if (len < NET_VNET_HDR_LEN + ETHERNET_HDR_LEN) {
		drop(q, "shorter than an Ethernet header");
		return false;
	}
	if (q->rx.siblings.steering && pass_on(q, len - NET_VNET_HDR_LEN))
		return false;
	if (len > beside + w->bytes)
		return spilled(q, pool, len, out);
	len -= NET_VNET_HDR_LEN;
	n_bufs = tap_window_take(w, pool, (uint32_t)len);
	return deliver(q, pool, (uint32_t)len, (uint16_t)n_bufs, out);
}

int tap_rx_poll(struct net_queue *queue, struct net_buffer_access *pool,
		struct net_rx_packet *out, size_t max, size_t *n)
{
	struct tap_queue *q = tap_queue_of(queue);
	struct tap_rx *rx = &q->rx;
	size_t most = has_place_for_hdr(q) ? queue->config.rx_span : 1;

	/* Frames that are dropped count too: a flood of them must not keep us
	 * here. */
	tap_window_clear(&rx->window);
	for (size_t i = 0; i < max && tap_rx_is_ready(q); i++) {
		if (!rx->waiting.len)
			tap_siblings_fetch(q);
		if (rx->waiting.len) {
			*n += finish_waiting(q, pool, &out[*n]);
			continue;
		}
		if (rx->drained)
			continue; /* the siblings had nothing either */
		tap_window_fill(&rx->window, pool, most, rx->wanted);
		if (rx->refilled && *n && rx->window.bytes < rx->wanted)
			break;
		*n += receive(q, pool, &out[*n]);
	}
	rx->refilled = false;
	return 0;
}

void tap_rx_avail(struct net_queue *queue, struct net_buffer_access *pool,
		  const struct net_rx_id *ids, size_t n)
{
	struct tap_queue *q = tap_queue_of(queue);

	UNUSED(pool);
	if (net_rx_fifo_push(&q->rx.fifo, ids, n) < 0)
		net_stat_add(&queue->stats->rx_errors, n);
	q->rx.refilled = true;
	q->rx.most_held = MAX(q->rx.most_held, q->rx.fifo.count);
	q->rx.waiting.starved = false;
}

bool tap_rx_is_ready(const struct tap_queue *q)
{
	const struct tap_rx *rx = &q->rx;

	if (q->gone || !rx->fifo.count)
		return false;
	if (rx->waiting.len)
		return !rx->waiting.starved;
	return !rx->drained || tap_siblings_ready(q);
}

static void readable_cb(struct ev_loop *ev, ev_io *w, int revents)
{
	struct tap_queue *q = container_of(w, struct tap_queue, rx.watcher);

	UNUSED(revents);
	ev_io_stop(ev, w);
	q->rx.drained = false;
	tap_queue_notify(q);
}

void tap_rx_init(struct tap_queue *q, struct tap_steering *steering)
{
	const struct net_rx_offloads *offloads = &q->base.config.rx_offloads;

	tap_siblings_init(q, steering);
	ev_io_init(&q->rx.watcher, readable_cb, q->fd, EV_READ);
	q->rx.window.fifo = &q->rx.fifo;
	q->rx.window.room =
		has_place_for_hdr(q) ? NET_ROOM_HEADER : NET_ROOM_FRAME;
	q->rx.wanted = offloads->tso4 || offloads->tso6 || offloads->uso
			       ? TAP_READ_MAX
			       : 1;
}

void tap_rx_stop(struct tap_queue *q)
{
	ev_io_stop(q->base.config.loop->ev, &q->rx.watcher);
	tap_siblings_stop(q);
}

void tap_rx_fini(struct tap_queue *q)
{
	net_rx_fifo_fini(&q->rx.fifo);
}
