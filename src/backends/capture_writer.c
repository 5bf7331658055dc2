/* SPDX-License-Identifier: MIT */
/*
 * The writer.
 *
 *   round: write what is left of a block of our own; then, ring by ring, what
 *   is there. A round that was long goes on at once, one that wrote something
 *   is followed by a nap, so that a steady stream is written in large pieces
 *   and costs its loop no wake-ups, one that found nothing by sleep.
 *
 * A stream whose reader is behind stops the rounds until it is writable; rings
 * fill up meanwhile and frames are dropped there.
 *
 * Phases: writes -> (stop) -> stops -> (all is written) -> ended; an error ends
 * it at once. When stopping, sources are detached first, so what there is to
 * write is bounded; in the end comes a block of statistics.
 */
#include "backends/capture_writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NAP_S 0.01

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void detach_all(struct capture_writer *w)
{
	for (struct capture_source *s = w->sources; s; s = s->next)
		capture_tap_detach(s->tap);
}

static void end(struct capture_writer *w, int err)
{
	struct ev_loop *ev = w->io->loop.ev;

	detach_all(w);
	w->phase = CAPTURE_ENDED;
	w->err = err;
	if (err < 0)
		capture_sink_cause(&w->sink, w->name, err, &w->cause);
	ev_timer_stop(ev, &w->again);
	ev_timer_stop(ev, &w->patience);
	ev_io_stop(ev, &w->writable);
	ev_io_stop(ev, &w->readable);
	capture_sink_close(&w->sink);
	loop_post(w->control, &w->ended_msg);
}

/* A block of our own is next. The former has been written. */
static void put_header(struct capture_writer *w)
{
	w->extra_len = pcapng_header(w->extra, w->name, w->snaplen);
	w->extra_at = 0;
}

static void put_statistics(struct capture_writer *w)
{
	struct pcapng_statistics stats = {
		.ns = now_ns(),
		.start_ns = w->start_ns,
	};

	for (struct capture_source *s = w->sources; s; s = s->next) {
		stats.dropped += net_stat_get(&s->drops);
		stats.received += net_stat_get(&s->packets);
	}
	stats.received += stats.dropped;
	pcapng_statistics(w->extra, &stats);
	w->extra_len = PCAPNG_STATISTICS_LEN;
	w->extra_at = 0;
}

static int flush_extra(struct capture_writer *w)
{
	while (w->extra_at < w->extra_len) {
		ssize_t n = capture_sink_write(&w->sink, w->extra + w->extra_at,
					       w->extra_len - w->extra_at);

		if (n < 0) {
			if (n != -EAGAIN)
				capture_sink_cut(&w->sink, w->extra_at);
			return (int)n;
		}
		w->extra_at += (size_t)n;
	}
	return 0;
}

static int next_file(struct capture_writer *w)
{
	int err;

	put_statistics(w);
	err = flush_extra(w);
	if (!err)
		err = capture_sink_rotate(&w->sink);
	if (err < 0)
		return err;
	put_header(w);
	return flush_extra(w);
}

/* How many of @len bytes of whole blocks the present file has room for. */
static size_t fitting(const struct capture_writer *w, const void *blocks,
		      size_t len)
{
	uint64_t end_at = w->sink.rotate_size - PCAPNG_STATISTICS_LEN;

	if (!w->sink.rotate_size)
		return len;
	return pcapng_whole(blocks, len, end_at - MIN(end_at, w->sink.len));
}

/* Writes @len bytes from the front of a ring. */
static int write_out(struct capture_writer *w, struct capture_source *s,
		     const unsigned char *blocks, size_t len)
{
	size_t done = 0;
	ssize_t n = 0;

	while (done < len) {
		n = capture_sink_write(&w->sink, blocks + done, len - done);
		if (n < 0)
			break;
		done += (size_t)n;
	}
	if (n < 0 && n != -EAGAIN)
		capture_sink_cut(&w->sink,
				 done - pcapng_whole(blocks, len, done));
	byte_ring_consume(&s->ring, done);
	w->behind = n == -EAGAIN ? s : NULL;
	return n < 0 ? (int)n : 0;
}

/* Writes what is in one piece in the ring. Returns if there was something, or
 * an error. */
static int drain(struct capture_writer *w, struct capture_source *s)
{
	size_t len, fit;
	const void *blocks = byte_ring_peek(&s->ring, &len);
	int err;

	if (!blocks)
		return 0;
	fit = fitting(w, blocks, len);
	err = fit ? write_out(w, s, blocks, fit) : next_file(w);
	return err < 0 ? err : 1;
}

/* One round. Returns if there was something, or an error. */
static int write_round(struct capture_writer *w)
{
	int err = flush_extra(w), moved = 0;

	if (!err && w->behind)
		err = drain(w, w->behind);
	for (struct capture_source *s = w->sources; s && err >= 0;
	     s = s->next) {
		err = drain(w, s);
		moved |= err > 0;
	}
	return err < 0 ? err : moved;
}

/* Is there, now that the bell's state is set, something that it will not be
 * rung for? */
static bool missed(struct capture_writer *w, bool naps)
{
	for (struct capture_source *s = w->sources; s; s = s->next) {
		if (byte_ring_held(&s->ring) > (naps ? s->ring.size / 2 : 0))
			return true;
	}
	return false;
}

static void go_on_after(struct capture_writer *w, double seconds)
{
	struct ev_loop *ev = w->io->loop.ev;

	ev_timer_stop(ev, &w->again);
	ev_timer_set(&w->again, seconds, 0.);
	ev_timer_start(ev, &w->again);
}

static void rest(struct capture_writer *w, bool moved)
{
	capture_bell_set(&w->bell,
			 moved ? CAPTURE_BELL_NAPS : CAPTURE_BELL_SLEEPS);
	if (missed(w, moved)) {
		capture_bell_set(&w->bell, CAPTURE_BELL_AWAKE);
		go_on_after(w, 0.);
	} else if (moved) {
		go_on_after(w, NAP_S);
	}
}

static void wait_for_reader(struct capture_writer *w)
{
	struct ev_loop *ev = w->io->loop.ev;

	if (w->abandoned) {
		end(w, -ETIMEDOUT);
		return;
	}
	ev_io_start(ev, &w->writable);
	if (w->phase == CAPTURE_STOPS)
		ev_timer_again(ev, &w->patience);
}

static void work(struct capture_writer *w)
{
	struct ev_loop *ev = w->io->loop.ev;
	int moved;

	capture_bell_set(&w->bell, CAPTURE_BELL_AWAKE);
	ev_timer_stop(ev, &w->again);
	ev_io_stop(ev, &w->writable);
	moved = write_round(w);
	if (moved == -EAGAIN) {
		wait_for_reader(w);
	} else if (moved < 0) {
		end(w, moved);
	} else if (w->phase == CAPTURE_WRITES) {
		rest(w, moved);
	} else if (moved) {
		go_on_after(w, 0.);
	} else if (!w->closing) {
		w->closing = true;
		put_statistics(w);
		go_on_after(w, 0.);
	} else {
		end(w, 0);
	}
}

static void bell_run(struct loop_msg *msg)
{
	struct capture_writer *w =
		container_of(msg, struct capture_writer, bell.msg);

	capture_bell_heard(&w->bell);
	if (w->phase != CAPTURE_ENDED && !ev_is_active(&w->writable))
		work(w);
}

static void again_cb(struct ev_loop *ev, ev_timer *timer, int revents)
{
	UNUSED(ev);
	UNUSED(revents);
	work(container_of(timer, struct capture_writer, again));
}

static void writable_cb(struct ev_loop *ev, ev_io *io, int revents)
{
	UNUSED(ev);
	UNUSED(revents);
	work(container_of(io, struct capture_writer, writable));
}

static void patience_cb(struct ev_loop *ev, ev_timer *timer, int revents)
{
	UNUSED(ev);
	UNUSED(revents);
	end(container_of(timer, struct capture_writer, patience), -ETIMEDOUT);
}

static void readable_cb(struct ev_loop *ev, ev_io *io, int revents)
{
	struct capture_writer *w =
		container_of(io, struct capture_writer, readable);
	bool deaf;

	UNUSED(revents);
	if (capture_sink_reader_gone(&w->sink, &deaf))
		end(w, -EPIPE);
	else if (deaf)
		ev_io_stop(ev, io);
}

static void begin_run(struct loop_msg *msg)
{
	struct capture_writer *w =
		container_of(msg, struct capture_writer, begin_msg);

	w->start_ns = now_ns();
	ev_timer_init(&w->again, again_cb, 0., 0.);
	ev_timer_init(&w->patience, patience_cb, 0., CAPTURE_STOP_MS / 1000.);
	ev_io_init(&w->writable, writable_cb, w->sink.fd, EV_WRITE);
	ev_io_init(&w->readable, readable_cb, w->sink.fd, EV_READ);
	if (w->sink.stream)
		ev_io_start(w->io->loop.ev, &w->readable);
	put_header(w);
	work(w);
}

static void stop(struct capture_writer *w)
{
	w->phase = CAPTURE_STOPS;
	detach_all(w);
	work(w);
}

static void stop_run(struct loop_msg *msg)
{
	struct capture_writer *w =
		container_of(msg, struct capture_writer, stop_msg);

	if (w->phase == CAPTURE_WRITES)
		stop(w);
}

static void abandon_run(struct loop_msg *msg)
{
	struct capture_writer *w =
		container_of(msg, struct capture_writer, abandon_msg);

	w->abandoned = true;
	if (w->phase == CAPTURE_WRITES)
		stop(w);
	while (w->phase != CAPTURE_ENDED)
		work(w);
}

/* Its frames may have come before it. */
static void added_run(struct loop_msg *msg)
{
	struct capture_source *s =
		container_of(msg, struct capture_source, added);
	struct capture_writer *w =
		container_of(s->bell, struct capture_writer, bell);

	s->next = w->sources;
	w->sources = s;
	if (w->phase != CAPTURE_WRITES)
		capture_tap_detach(s->tap);
	if (w->phase != CAPTURE_ENDED && !ev_is_active(&w->writable))
		work(w);
}

int capture_writer_create(struct loop *control, const char *name,
			  uint32_t snaplen, struct capture_sink *sink,
			  loop_msg_fn ended, void *owner,
			  struct capture_writer **out)
{
	struct capture_writer *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	err = iothread_create("capture", THREAD_WRITER, &w->io);
	if (err < 0) {
		free(w);
		return err;
	}
	w->control = control;
	w->owner = owner;
	w->sink = *sink;
	w->snaplen = snaplen;
	(void)snprintf(w->name, sizeof(w->name), "%s", name);
	w->begin_msg.run = begin_run;
	w->stop_msg.run = stop_run;
	w->abandon_msg.run = abandon_run;
	w->ended_msg.run = ended;
	capture_bell_init(&w->bell, &w->io->loop, bell_run);
	loop_post(&w->io->loop, &w->begin_msg);
	*out = w;
	return 0;
}

void capture_writer_add(struct capture_writer *w, struct capture_source *source)
{
	source->bell = &w->bell;
	source->added.run = added_run;
	/* Attached first: whoever ends the writer finds it in the list, or in
	 * the message. */
	capture_tap_attach(source->tap, source);
	loop_post(&w->io->loop, &source->added);
}

void capture_writer_stop(struct capture_writer *w)
{
	loop_post(&w->io->loop, &w->stop_msg);
}

void capture_writer_abandon(struct capture_writer *w)
{
	loop_post(&w->io->loop, &w->abandon_msg);
	capture_writer_join(w);
}

void capture_writer_join(struct capture_writer *w)
{
	iothread_destroy(w->io);
	w->io = NULL;
}

void capture_writer_destroy(struct capture_writer *w)
{
	if (!w)
		return;
	capture_sink_fini(&w->sink);
	free(w);
}
