/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BASE_THREAD_H
#define EVNIC_BASE_THREAD_H

/*
 * The kinds of threads, and the first thing that each of them does.
 *
 * A thread says what it is before it does anything else, so that whoever wants
 * to confine it can (sandbox/sandbox.h).
 */

enum thread_kind {
	THREAD_CONTROL, /* the control loop: owns everything but queues */
	THREAD_QUEUE,	/* loops of queue pairs */
	THREAD_VCPU,	/* runs a guest's processor */
	THREAD_WRITER,	/* writes a capture to a disk or a pipe */
	THREAD_OPENER,	/* the process that opens files for the others */
	THREAD_KINDS,
};

/* As users read it: "queue". */
const char *thread_kind_name(enum thread_kind kind);

/* To be called first in every thread but the first. @name: seen in ps, at most
 * 15 characters; the thread gives itself its name, since naming another takes
 * /proc. */
void thread_begin(enum thread_kind kind, const char *name);

/* What the calling thread named itself; "" before. From signal handlers too. */
const char *thread_name(void);

/* What thread_begin() calls after that; NULL: nothing. Set before there are
 * threads. */
void thread_on_begin(void (*hook)(enum thread_kind kind));

#endif
