/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_SUPPORT_QMP_TOY_H
#define EVNIC_TESTS_SUPPORT_QMP_TOY_H

/*
 * A machine for tests of the control protocol that is none: its commands do
 * nothing but answer, each in a way of its own.
 */

#include "machine/qmp.h"

/* @held: the calls of "hold", oldest first: "release" answers one, from another
 * connection. @fd: the descriptor of the last connection that "detach" gave away,
 * -1 if it had ended; -2 before. @server: for "tell", which sends an event. */
#define QMP_TOY_HELD_MAX 256

struct qmp_toy {
	struct qmp_server *server;
	struct qmp_call *held[QMP_TOY_HELD_MAX];
	size_t n_held;
	int fd;
	unsigned int runs;
	void (*quit)(struct qmp_toy *toy);
};

extern const struct qmp_command qmp_toy_commands[];

/* Answers the oldest call that is held. False: there is none. */
bool qmp_toy_release(struct qmp_toy *toy);

#endif
