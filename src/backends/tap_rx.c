/* SPDX-License-Identifier: MIT */
/*
 * Receiving from a tap: readv() into the guest's buffers.
 *
 * The length of a frame is not known before it is read, and what does not fit
 * is cut off. So a read gets the buffers at the front of the queue (the
 * window), as many as the longest frame may need, and behind them the spill, a
 * buffer of our own that is as long as any frame. Nearly every frame ends
 * within the window and was not copied by us.
 *
 * A frame that reaches into the spill takes more buffers, if they are held, by
 * a copy. If they are not held it waits: nothing else is read until the guest
 * has given enough. It is dropped when waiting is pointless: the frame needs
 * more than rx_span buffers, or more than the guest has ever had in the ring.
 *
 * The window shifts from packet to packet, so that each buffer is looked up
 * once in an op; it is thrown away at the end of the op, since its pointers are
 * not good any longer. An op also ends when the window gets short while buffers
 * are still coming in: with the next ones the spill is not needed. Where the header has no place in the guest's buffers
 * (vnet_hdr false), it is read beside them and becomes metadata; then the
 * window is one buffer, and the spill the rest.
 *
 * After 64 KiB frames were negotiated the window has 64 KiB. Otherwise it is
 * as long as the longest frame that was seen.
 */
#include "backends/tap_queue.h"

#include "net/vnet_hdr.h"

#include <errno.h>
#include <string.h>

#define ETHERNET_HDR_LEN 14

static bool has_place_for_hdr(const struct tap_queue *q)
{
	return q->base.config.vnet_hdr;
}

/* Entry 0 is for a header beside the buffers. */
static void window_clear(struct tap_rx_window *w)
{
	w->iov_first = 1;
	w->iov_end = 1;
	w->buf_first = 0;
	w->buf_end = 0;
	w->bytes = 0;
}

/* Moves what is in use to the start, when the end is reached. */
static void window_compact(struct tap_rx_window *w)
{
	size_t n_iov = w->iov_end - w->iov_first;
	size_t n_bufs = w->buf_end - w->buf_first;

	memmove(&w->iov[1], &w->iov[w->iov_first], n_iov * sizeof(w->iov[0]));
	memmove(w->bufs, &w->bufs[w->buf_first], n_bufs * sizeof(w->bufs[0]));
	w->iov_first = 1;
	w->iov_end = 1 + n_iov;
	w->buf_first = 0;
	w->buf_end = n_bufs;
}

/* What the @n entries at the end of the window are is buffer number @buf_end. */
static void window_note(struct tap_rx_window *w, size_t n)
{
	struct tap_rx_buf *buf = &w->bufs[w->buf_end++];
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
		len += w->iov[w->iov_end + i].iov_len;
	buf->n_iov = (uint32_t)n;
	buf->len = (uint32_t)len;
	w->iov_end += n;
	w->bytes += len;
}

/* Adds a buffer. False: it does not go in. Of a single buffer with too many
 * pieces the first ones do. */
static bool window_add(struct tap_rx_window *w, struct net_buffer_access *pool,
		       struct net_rx_id id, enum net_room room)
{
	size_t space;
	ssize_t n;

	for (;;) {
		space = ARRAY_SIZE(w->iov) - 1 - w->iov_end;
		n = net_pool_guest_addresses(pool, &id, 1, room, 0,
					     &w->iov[w->iov_end], space);
		if (n <= 0)
			return false;
		if ((size_t)n <= space) {
			window_note(w, (size_t)n);
			return true;
		}
		if (w->iov_first == 1)
			break;
		window_compact(w);
	}
	if (w->buf_end > w->buf_first)
		return false;
	window_note(w, space);
	return true;
}

static void window_fill(struct tap_queue *q, struct net_buffer_access *pool)
{
	struct tap_rx_window *w = &q->rx.window;
	const struct net_rx_fifo *fifo = &q->rx.fifo;
	enum net_room room = NET_ROOM_FRAME;
	size_t most = 1;

	if (has_place_for_hdr(q)) {
		room = NET_ROOM_HEADER;
		most = q->base.config.rx_span;
	}
	most = MIN(most, fifo->count);
	for (size_t n = w->buf_end - w->buf_first; n < most; n++) {
		if (w->bytes >= q->rx.wanted ||
		    !window_add(w, pool, net_rx_fifo_at(fifo, n), room))
			return;
	}
}

/* Takes the buffers of a packet of @len bytes off the window. Returns how many
 * they are. */
static uint16_t window_take(struct tap_rx_window *w, size_t len)
{
	size_t left = len;
	uint16_t n = 0;
	const struct tap_rx_buf *buf;

	do {
		buf = &w->bufs[w->buf_first++];
		w->iov_first += buf->n_iov;
		w->bytes -= buf->len;
		left -= MIN(left, buf->len);
		n++;
	} while (left);
	if (w->buf_first == w->buf_end)
		window_clear(w);
	return n;
}

static void drop(struct tap_queue *q, const char *why)
{
	q->base.stats.rx_dropped++;
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
	(void)net_rx_fifo_peek(&rx->fifo, 0, rx->ids, n);
	return net_pool_write_header(pool, rx->ids, n, meta);
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
		q->base.stats.rx_errors++;
		drop(q, "its header cannot be passed on");
		window_clear(&rx->window);
		return false;
	}
	net_rx_fifo_pop(&rx->fifo, n);
	q->base.stats.rx_packets++;
	q->base.stats.rx_bytes += len;
	return true;
}

/* The smallest number of the @held buffers in rx->ids that hold a frame of @len
 * bytes; 0: all together do not. */
static size_t buffers_for(struct tap_queue *q, struct net_buffer_access *pool,
			  size_t held, uint32_t len)
{
	size_t low = 1, high = held;

	if (!held || net_pool_capacity(pool, q->rx.ids, held) < len)
		return 0;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (net_pool_capacity(pool, q->rx.ids, middle) >= len)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Tries to finish the frame that waits. True: a packet is in @out. */
static bool finish_waiting(struct tap_queue *q, struct net_buffer_access *pool,
			   struct net_rx_packet *out)
{
	struct tap_rx *rx = &q->rx;
	struct tap_rx_waiting frame = rx->waiting;
	size_t span = MIN((size_t)q->base.config.rx_span, ARRAY_SIZE(rx->ids));
	size_t held = net_rx_fifo_peek(&rx->fifo, 0, rx->ids, span);
	size_t n = buffers_for(q, pool, held, frame.len);

	window_clear(&rx->window);
	if (!n && held < MIN(span, rx->most_held)) {
		rx->waiting.starved = true;
		return false;
	}
	rx->waiting = (struct tap_rx_waiting){0};
	if (!n) {
		drop(q, "longer than the guest's receive buffers");
		return false;
	}
	if (net_pool_write_data(pool, rx->ids, n, frame.head, rx->spill,
				frame.len - frame.head) < 0) {
		q->base.stats.rx_errors++;
		drop(q, "a receive buffer cannot be written");
		return false;
	}
	return deliver(q, pool, frame.len, (uint16_t)n, out);
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
			q->base.stats.rx_errors++;
			drop(q, "a receive buffer cannot be written");
			return false;
		}
		head -= NET_VNET_HDR_LEN;
	}
	rx->waiting = (struct tap_rx_waiting){
		.len = (uint32_t)(n - NET_VNET_HDR_LEN),
		.head = (uint32_t)head,
	};
	return finish_waiting(q, pool, out);
}

/* Reads one frame, with its header. Returns the bytes of both or -errno. */
static ssize_t read_frame(struct tap_queue *q)
{
	struct tap_rx_window *w = &q->rx.window;
	size_t first = w->iov_first;
	ssize_t n;

	w->iov[w->iov_end] = (struct iovec){q->rx.spill, sizeof(q->rx.spill)};
	if (!has_place_for_hdr(q)) {
		first = 0;
		w->iov[0] = (struct iovec){q->rx.hdr, sizeof(q->rx.hdr)};
	}
	do {
		n = readv(q->fd, &w->iov[first], (int)(w->iov_end - first + 1));
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
		q->base.stats.rx_errors++;
		log_limited(&q->rx.log, LOG_LEVEL_WARN, "%s: read: %s", q->name,
			    errno_text(-err, text, sizeof(text)));
	}
	q->rx.drained = true;
	ev_io_start(q->base.config.loop->ev, &q->rx.watcher);
}

/* Reads one frame into the window. True: a packet is in @out. */
static bool receive(struct tap_queue *q, struct net_buffer_access *pool,
		    struct net_rx_packet *out)
{
	struct tap_rx_window *w = &q->rx.window;
	size_t beside = has_place_for_hdr(q) ? 0 : NET_VNET_HDR_LEN;
	size_t len;
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
	if (len > beside + w->bytes)
		return spilled(q, pool, len, out);
	return deliver(q, pool, (uint32_t)(len - NET_VNET_HDR_LEN),
		       window_take(w, len - beside), out);
}

int tap_rx_poll(struct net_queue *queue, struct net_buffer_access *pool,
		struct net_rx_packet *out, size_t max, size_t *n)
{
	struct tap_queue *q = tap_queue_of(queue);
	struct tap_rx *rx = &q->rx;

	/* Frames that are dropped count too: a flood of them must not keep us
	 * here. */
	window_clear(&rx->window);
	for (size_t i = 0; i < max && tap_rx_is_ready(q); i++) {
		if (rx->waiting.len) {
			*n += finish_waiting(q, pool, &out[*n]);
			continue;
		}
		window_fill(q, pool);
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
		queue->stats.rx_errors += n;
	q->rx.refilled = true;
	q->rx.most_held = MAX(q->rx.most_held, q->rx.fifo.count);
	q->rx.waiting.starved = false;
}

bool tap_rx_is_ready(const struct tap_queue *q)
{
	const struct tap_rx *rx = &q->rx;

	if (q->gone || !rx->fifo.count)
		return false;
	return rx->waiting.len ? !rx->waiting.starved : !rx->drained;
}

static void readable_cb(struct ev_loop *ev, ev_io *w, int revents)
{
	struct tap_queue *q = container_of(w, struct tap_queue, rx.watcher);

	UNUSED(revents);
	ev_io_stop(ev, w);
	q->rx.drained = false;
	tap_queue_notify(q);
}

void tap_rx_init(struct tap_queue *q)
{
	const struct net_rx_offloads *offloads = &q->base.config.rx_offloads;

	ev_io_init(&q->rx.watcher, readable_cb, q->fd, EV_READ);
	q->rx.wanted = offloads->tso4 || offloads->tso6 || offloads->uso
			       ? TAP_READ_MAX
			       : 1;
}

void tap_rx_fini(struct tap_queue *q)
{
	net_rx_fifo_fini(&q->rx.fifo);
}
