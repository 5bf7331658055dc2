/* SPDX-License-Identifier: MIT */
/*
 * Rows: tap, of one queue and of several, in a network namespace of its own. The
 * outer side is a packet socket on the interface.
 */

#include "conformance/backend.h"
#include "support/tap_host.h"
#include "support/tap_named.h"

#include <errno.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME   "tap0"
#define QUEUES 2
/* The largest that a tap has. */
#define MTU (65535 - 14)

/* @host: the packet socket. */
struct tap_state {
	int host;
	unsigned char buf[TAP_HOST_HDR_LEN + NET_FRAME_MAX];
};

static bool entered;

/* A namespace for all cases: making one for each takes longer than they do. */
static void prepare(void)
{
	const char *why;

	if (entered)
		return;
	why = tap_host_enter();
	entered = !why;
	if (why)
		(void)printf("tap: %s\n", why);
}

static int open_queues(struct backend *b, struct loop *control, uint16_t n)
{
	struct tap_request request = {.ifname = NAME, .max_queues = n};
	short flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	struct tap_state *state;
	struct tap_error err;
	int code;

	if (!entered)
		return -ENOTSUP;
	tap_host_add(NAME, n > 1 ? flags | IFF_MULTI_QUEUE : flags);
	tap_host_set_mtu(NAME, MTU);
	tap_host_set_up(NAME, true);
	code = tap_named_create(&request, control, &err, &b->endpoint);
	if (code < 0) {
		(void)printf("tap: %s\n", err.text);
		return code;
	}
	state = malloc(sizeof(*state));
	if (!state)
		return -ENOMEM;
	state->host = tap_host_socket(NAME);
	b->state = state;
	return 0;
}

static int open_single(struct backend *b, struct loop *control)
{
	return open_queues(b, control, 1);
}

static int open_multi(struct backend *b, struct loop *control)
{
	return open_queues(b, control, QUEUES);
}

static void tap_close(struct backend *b)
{
	struct tap_state *state = b->state;

	(void)close(state->host);
	free(state);
	tap_host_delete(NAME);
}

static int tap_arrive(struct backend *b, const void *frame, size_t len)
{
	struct tap_state *state = b->state;

	memset(state->buf, 0, TAP_HOST_HDR_LEN);
	memcpy(state->buf + TAP_HOST_HDR_LEN, frame, len);
	return tap_host_send(state->host, state->buf, TAP_HOST_HDR_LEN + len)
		       ? 0
		       : -ENOBUFS;
}

static ssize_t tap_sent(struct backend *b, void *frame, size_t size)
{
	struct tap_state *state = b->state;
	size_t len = tap_host_receive(state->host, state->buf,
				      sizeof(state->buf), 0);

	if (!len)
		return -EAGAIN;
	len = MIN(len - TAP_HOST_HDR_LEN, size);
	memcpy(frame, state->buf + TAP_HOST_HDR_LEN, len);
	return (ssize_t)len;
}

#define TAP_SAYS                                                        \
	.type = "tap", .ordered = true, .vnet_hdr = true, .fast = true, \
	.tx_offloads = {.ipv4_header = true,                            \
			.tcp = true,                                    \
			.udp = true,                                    \
			.tso = true,                                    \
			.uso = true},                                   \
	.uso_varies = true, .max_frame = MTU + 14, .close = tap_close,  \
	.prepare = prepare, .arrive = tap_arrive, .sent = tap_sent

const struct backend_row backend_tap = {
	TAP_SAYS,
	.name = "tap",
	.alone = true,
	.multiqueue = {1, 0},
	.open = open_single,
};

const struct backend_row backend_tap_mq = {
	TAP_SAYS,
	.name = "tap of several queues",
	.multiqueue = {QUEUES, NET_RSS_TABLE_MAX},
	.open = open_multi,
};
