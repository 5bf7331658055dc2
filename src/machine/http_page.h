/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_HTTP_PAGE_H
#define EVNIC_MACHINE_HTTP_PAGE_H

/*
 * One page of text, by HTTP on a unix socket: as much of HTTP/1.0 as it takes to
 * answer GET and HEAD. The page is written anew for each request.
 *
 * Thread: the loop's.
 */

#include "base/loop.h"

#include <stdio.h>

struct http_page;

/* @write: writes the page's body. @name: where it is, "/metrics"; "/" leads there
 * too. Strings are borrowed. */
struct http_page_config {
	struct loop *loop;
	int fd;		  /* that listens (machine/unix_listen.h) */
	const char *path; /* what messages call it */
	const char *name;
	const char *content_type;
	void (*write)(void *arg, FILE *out);
	void *arg;
};

/* @config->fd is the page's if this succeeds. 0 or -ENOMEM. */
int http_page_create(const struct http_page_config *config,
		     struct http_page **out) MUST_CHECK;

/* Ends all connections, closes the socket. NULL is allowed. */
void http_page_destroy(struct http_page *page);

#endif
