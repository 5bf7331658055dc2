/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_METRICS_H
#define EVNIC_MACHINE_METRICS_H

/*
 * The counters of all NICs as Prometheus' text format (0.0.4), made of the table
 * in net/stats.h.
 *
 * Thread: the control loop.
 */

#include "machine/http_page.h"
#include "machine/nics.h"

/* Serves them as /metrics on @fd, a unix socket that listens, and is the page's
 * if this succeeds. @path: what messages call it. @path, @nics: borrowed for the
 * life. 0 or -ENOMEM. */
int metrics_create(struct loop *loop, int fd, const char *path,
		   struct nics *nics, struct http_page **out) MUST_CHECK;

/* The text itself. */
void metrics_write(struct nics *nics, FILE *out);

#endif
