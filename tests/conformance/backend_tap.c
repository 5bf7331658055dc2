/* SPDX-License-Identifier: MIT */
/*
 * Row: tap, in a network namespace of its own. Its outer side is a packet
 * socket on the interface.
 */
#include "backends/tap.h"

#include "conformance/backend.h"
#include "support/tap_host.h"

#include <errno.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "tap0"
/* The largest that a tap has. */
#define MTU (65535 - 14)

/* @host: the packet socket. */
struct tap_state {
	int host;
	unsigned char buf[TAP_HOST_HDR_LEN + NET_FRAME_MAX];
};

static bool enter(void)
{
	static bool entered;
	const char *why;

	if (entered)
		return true;
	why = tap_host_enter();
	entered = !why;
	if (why)
		(void)printf("tap: %s\n", why);
	return entered;
}

static int tap_open(struct backend *b, struct loop *control)
{
	struct tap_config config = {.ifname = NAME};
	struct tap_state *state;
	struct tap_error err;
	int code;

	if (!enter())
		return -ENOTSUP;
	tap_host_add(NAME, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
	tap_host_set_mtu(NAME, MTU);
	tap_host_set_up(NAME, true);
	code = tap_endpoint_create(&config, control, &err, &b->endpoint);
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

const struct backend_row backend_tap = {
	.name = "tap",
	.type = "tap",
	.ordered = true,
	.vnet_hdr = true,
	.fast = true,
	.multiqueue = {1, 0},
	.tx_offloads = {.tcp = true, .udp = true, .tso = true, .uso = true},
	.uso_varies = true,
	.max_frame = MTU + 14,
	.open = tap_open,
	.close = tap_close,
	.arrive = tap_arrive,
	.sent = tap_sent,
};
