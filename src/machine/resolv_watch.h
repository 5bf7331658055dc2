/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_RESOLV_WATCH_H
#define EVNIC_MACHINE_RESOLV_WATCH_H

/*
 * The host's resolv.conf as it is now, for those who ask its name servers.
 *
 * Thread: the control loop.
 */

#include "base/loop.h"
#include "base/util.h"

struct opener;
struct resolv_watch;

/* @changed: called from the loop whenever the text is another one. @loop,
 * @opener: borrowed for the life. What is amiss is told in the log. 0 or
 * -ENOMEM. */
int resolv_watch_create(struct loop *loop, struct opener *opener,
			void (*changed)(void *arg, const char *text), void *arg,
			struct resolv_watch **out) MUST_CHECK;

/* "" if there is none. Good until the loop runs. */
const char *resolv_watch_text(const struct resolv_watch *watch);

/* NULL is allowed. */
void resolv_watch_destroy(struct resolv_watch *watch);

#endif
