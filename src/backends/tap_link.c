/* SPDX-License-Identifier: MIT */
/*
 * The link state of a tap, by rtnetlink (tap_netlink.h).
 *
 * A socket of the interface's network namespace hears of every change of an
 * interface there (RTNLGRP_LINK). The state is IFF_LOWER_UP, which the kernel
 * sets for an interface that is up and has a carrier. The first state is asked
 * for; the answer is in the socket before send() returns.
 *
 * Messages are lost when the socket overflows (ENOBUFS): then the state is
 * asked for again, as soon as there is room for the answer.
 *
 * RTM_DELLINK for our index means that the interface was deleted, or that it
 * was moved to another namespace, where this socket does not see it.
 */
#include "backends/tap_link.h"

#include "backends/tap_netlink.h"
#include "base/log.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

/* linux/if.h has it too, but collides with net/if.h. */
#define LINK_LOWER_UP 0x10000u

#define RECV_SIZE 8192

/* Datagrams in one go. */
#define RECV_MAX 64

static void set_up(struct tap_link *link, bool up)
{
	if (link->up == up)
		return;
	link->up = up;
	link->changed(link);
}

static void ask(struct tap_link *link)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
	} request = {
		.header.nlmsg_type = RTM_GETLINK,
		.header.nlmsg_flags = NLM_F_REQUEST,
		.header.nlmsg_len = sizeof(request),
		.info.ifi_index = (int)link->ifindex,
	};

	if (send(link->fd, &request, sizeof(request), 0) < 0)
		log_warn("%s: its link state cannot be asked for",
			 link->device->label);
}

static void not_followed(struct tap_link *link)
{
	close_fd(&link->fd);
	log_warn("%s: its link state cannot be followed (another network "
		 "namespace?): taken to be up",
		 link->device->label);
	set_up(link, true);
}

static void vanished(struct tap_link *link)
{
	char name[IFNAMSIZ];

	ev_io_stop(link->loop->ev, &link->watcher);
	close_fd(&link->fd);
	if (tap_device_present_name(link->device, name) < 0) {
		log_warn("%s: the interface was deleted: link down",
			 link->device->label);
		set_up(link, false);
	} else {
		not_followed(link);
	}
}

/* False: the socket is not what it was, forget what was read from it. */
static bool take_message(struct tap_link *link, struct nlmsghdr *header)
{
	const struct ifinfomsg *info = NLMSG_DATA(header);
	char name[IFNAMSIZ];

	/* The answer to ask(): there is no such interface. */
	if (header->nlmsg_type == NLMSG_ERROR &&
	    tap_device_present_name(link->device, name) < 0) {
		vanished(link);
		return false;
	}
	if (header->nlmsg_len < NLMSG_LENGTH(sizeof(*info)) ||
	    info->ifi_family != AF_UNSPEC ||
	    (unsigned int)info->ifi_index != link->ifindex)
		return true;
	if (header->nlmsg_type == RTM_DELLINK) {
		vanished(link);
		return false;
	}
	if (header->nlmsg_type == RTM_NEWLINK)
		set_up(link, (info->ifi_flags & LINK_LOWER_UP) != 0);
	return true;
}

/* Reads one datagram of messages. False: no more for now. */
static bool receive(struct tap_link *link)
{
	union {
		struct nlmsghdr header;
		char bytes[RECV_SIZE];
	} buf;
	ssize_t n = recv(link->fd, &buf, sizeof(buf), 0);
	unsigned int left;

	if (n < 0 && errno == ENOBUFS) {
		link->lost = true;
		return true;
	}
	if (n < 0 && link->lost) {
		link->lost = false;
		ask(link);
		return true;
	}
	if (n < 0)
		return false;
	left = (unsigned int)n;
	for (struct nlmsghdr *at = &buf.header; NLMSG_OK(at, left);
	     at = NLMSG_NEXT(at, left)) {
		if (!take_message(link, at))
			return false;
	}
	return true;
}

static void receive_some(struct tap_link *link)
{
	for (int i = 0; i < RECV_MAX && receive(link); i++)
		continue;
}

static void link_cb(struct ev_loop *ev, ev_io *w, int revents)
{
	UNUSED(ev);
	UNUSED(revents);
	receive_some(container_of(w, struct tap_link, watcher));
}

/* The interface's index in the socket's namespace, 0: it is not there. */
static unsigned int find(const struct tap_link *link)
{
	char name[IFNAMSIZ];

	if (link->fd < 0 || tap_device_present_name(link->device, name) < 0)
		return 0;
	return tap_netlink_index(link->fd, name, link->device->fds[0]);
}

/* Reads the first state from the socket @fd, and what happened meanwhile. */
static void follow(struct tap_link *link, int fd)
{
	link->fd = fd;
	link->ifindex = find(link);
	if (!link->ifindex) {
		not_followed(link);
		return;
	}
	ev_io_set(&link->watcher, link->fd, EV_READ);
	ev_io_start(link->loop->ev, &link->watcher);
	ask(link);
	receive_some(link);
}

static void not_yet(struct tap_link *link)
{
	UNUSED(link);
}

void tap_link_init(struct tap_link *link, struct loop *loop,
		   const struct tap_device *device, int fd, tap_link_fn changed)
{
	*link = (struct tap_link){
		.loop = loop,
		.device = device,
		.changed = not_yet,
		.fd = -1,
		.up = true,
	};
	ev_io_init(&link->watcher, link_cb, -1, EV_READ);
	follow(link, fd);
	link->changed = changed;
}

void tap_link_gone(struct tap_link *link)
{
	if (link->fd >= 0 || link->up)
		vanished(link);
}

void tap_link_fini(struct tap_link *link)
{
	ev_io_stop(link->loop->ev, &link->watcher);
	close_fd(&link->fd);
}
