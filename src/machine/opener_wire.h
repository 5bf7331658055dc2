/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_OPENER_WIRE_H
#define EVNIC_MACHINE_OPENER_WIRE_H

/*
 * What goes between the machine and its opener: a request, a reply, each one
 * message of a SOCK_SEQPACKET pair, of fixed size. File descriptors come with
 * the reply. Both ends are the same program, so numbers are the host's.
 *
 * Nothing in a request is believed: a handler copies what it needs, checks it
 * and uses the copy; text need not be terminated.
 */

#include "machine/config.h"
#include "machine/opener.h"
#include "net/rss.h"

#include <net/if.h>
#include <stdint.h>

enum opener_kind {
	OPENER_ASK_THING,
	OPENER_ASK_TAP,
	OPENER_ASK_LINK,
	OPENER_ASK_STEERING,
	OPENER_ASK_CAPTURE,
	OPENER_ASK_LISTEN,
	OPENER_ASK_RESOLV_CONF,
	OPENER_TELL_READY, /* is not answered */
	OPENER_KINDS,
};

/* The most descriptors of a reply: a tap's queues and its netlink socket; or a
 * capture and its rotator. */
#define OPENER_FDS_MAX (CONFIG_MAX_QUEUE_PAIRS + 1)

#define OPENER_PATH_MAX 4096

/* @thing: enum opener_thing. */
struct opener_thing_request {
	uint32_t thing;
};

/* As in struct backend_config. @fd: a number in the description, which names a
 * descriptor that evnic was started with; -1: @ifname is given. */
struct opener_tap_request {
	char ifname[IFNAMSIZ];
	int64_t fd;
	uint32_t queue_pairs;
	uint8_t create;
};

/* @proto: enum consomme_proto. @addr: as in struct csm_addr. */
struct opener_listen_request {
	uint32_t proto;
	uint8_t addr[16];
	uint16_t port;
};

struct opener_capture_request {
	uint32_t files;
	char path[OPENER_PATH_MAX];
};

/* @kind: enum opener_kind, of the member in use. */
struct opener_request {
	uint32_t kind;
	union {
		struct opener_thing_request thing;
		struct opener_tap_request tap;
		struct net_rss steering;
		struct opener_capture_request capture;
		struct opener_listen_request listen;
	} u;
};

/* Of OPENER_CONSOLE_IN. */
#define OPENER_IS_TERMINAL 1U

/* Of OPENER_ASK_RESOLV_CONF: which descriptors there are, in this order. */
#define OPENER_HAS_FILE	 1U
#define OPENER_HAS_WATCH 2U

/* @err: 0 or -errno; then @text is a line for people, or empty. The handler of
 * the request's kind says in which order its descriptors come; @n_fds is how
 * many were sent. @flags: of the kind. */
struct opener_reply {
	int32_t err;
	uint32_t n_fds;
	uint32_t flags;
	char text[OPENER_ERROR_MAX];
};

#endif
