/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_CAPTURE_WRITER_H
#define EVNIC_BACKENDS_CAPTURE_WRITER_H

/*
 * The writer: a thread with a loop that empties the rings of one capture.
 *
 * The control loop makes it, gives it sources, asks it to stop. It ends once, by
 * request or by itself: then all sources are detached, and the control loop is
 * told.
 */

#include "backends/capture_bell.h"
#include "backends/capture_sink.h"
#include "backends/capture_tap.h"
#include "backends/pcapng.h"

enum capture_writer_phase {
	CAPTURE_WRITES,
	CAPTURE_STOPS, /* no new frames; what is there is being written */
	CAPTURE_ENDED,
};

/* @sink, @bell: the control loop may read sink.written and hand out the bell.
 * @err, @cause: valid when it has ended. The rest is the writer's thread's.
 * @extra: a block that is to be written before frames, from @extra_at on.
 * @behind: a ring whose last block has been written in part. */
struct capture_writer {
	struct capture_sink sink;
	struct capture_bell bell;
	char name[PCAPNG_NAME_MAX + 1];
	uint32_t snaplen;
	struct iothread *io;
	struct loop *control;
	void *owner;
	int err;
	struct capture_error cause;

	enum capture_writer_phase phase;
	bool abandoned; /* nothing is waited for */
	bool closing;	/* the last block is in @extra */
	struct capture_source *sources, *behind;
	uint64_t start_ns;
	ev_timer again, patience;
	ev_io writable, readable;
	unsigned char extra[PCAPNG_HEADER_MAX];
	size_t extra_len, extra_at;
	struct loop_msg begin_msg, stop_msg, abandon_msg, ended_msg;
};

/* Starts the thread. @sink: the writer's if this succeeds. @ended: called on
 * @control with &writer->ended_msg, once, in any case; @owner: for it. 0 or
 * -errno. */
int capture_writer_create(struct loop *control, const char *name,
			  uint32_t snaplen, struct capture_sink *sink,
			  loop_msg_fn ended, void *owner,
			  struct capture_writer **out) MUST_CHECK;

/* Attaches a source to its tap and writes what it gets. The source and its tap
 * outlive the writer. */
void capture_writer_add(struct capture_writer *writer,
			struct capture_source *source);

/* Asks it to end. Once. */
void capture_writer_stop(struct capture_writer *writer);

/* Ends it without waiting for a reader; when this returns it has ended. Once;
 * capture_writer_join() is not needed any more. */
void capture_writer_abandon(struct capture_writer *writer);

/* Ends the thread of a writer that has ended. */
void capture_writer_join(struct capture_writer *writer);

/* Frees a writer that has ended, after ended() was called. */
void capture_writer_destroy(struct capture_writer *writer);

#endif
