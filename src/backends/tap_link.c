/* SPDX-License-Identifier: MIT */
/*
 * The link state of a tap, by rtnetlink (rtnetlink(7)).
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
 * was moved to another namespace: there it is looked up anew. A namespace lives
 * as long as a socket of it, ours too.
 */
#include "backends/tap_link.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

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

static int open_socket(void)
{
	struct sockaddr_nl addr = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK,
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_ROUTE);

	if (fd >= 0 &&
	    bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		close_fd(&fd);
	return fd;
}

static bool same_file(int a, int b)
{
	struct stat sa, sb;

	return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 &&
	       sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/* A socket of the namespace @there. Only the calling thread changes over, and
 * not before it is sure that it may come back. */
static int open_socket_in(int there)
{
	int here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int fd = -1;

	if (here >= 0 && same_file(here, there)) {
		fd = open_socket();
	} else if (here >= 0 && setns(here, CLONE_NEWNET) == 0 &&
		   setns(there, CLONE_NEWNET) == 0) {
		fd = open_socket();
		if (setns(here, CLONE_NEWNET) < 0)
			log_error("network namespace: cannot be entered again "
				  "after a look at a tap");
	}
	close_fd(&here);
	return fd;
}

/* Without TUNGETDEVNETNS (no right, or before Linux 5.2) the interface is taken
 * to be in our namespace; if it is not, asking for it shows that. */
static int open_socket_of(const struct tap_device *device)
{
	int ns = ioctl(device->fds[0], TUNGETDEVNETNS);
	int fd;

	if (ns < 0)
		return open_socket();
	fd = open_socket_in(ns);
	close_fd(&ns);
	return fd;
}

/* The interface's index in the socket's namespace, 0: it is not there. Another
 * one may have its name there, but not its address. */
static unsigned int find(const struct tap_link *link)
{
	struct ifreq ours = {0}, theirs = {0};

	if (link->fd < 0 ||
	    tap_device_present_name(link->device, theirs.ifr_name) < 0 ||
	    ioctl(link->device->fds[0], SIOCGIFHWADDR, &ours) < 0 ||
	    ioctl(link->fd, SIOCGIFHWADDR, &theirs) < 0 ||
	    memcmp(ours.ifr_hwaddr.sa_data, theirs.ifr_hwaddr.sa_data,
		   ETHER_ADDR_LEN) != 0 ||
	    ioctl(link->fd, SIOCGIFINDEX, &theirs) < 0)
		return 0;
	return (unsigned int)theirs.ifr_ifindex;
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
			 link->device->name);
}

static void follow(struct tap_link *link);

static void vanished(struct tap_link *link)
{
	char name[IFNAMSIZ];

	ev_io_stop(link->loop->ev, &link->watcher);
	close_fd(&link->fd);
	if (tap_device_present_name(link->device, name) < 0) {
		log_warn("%s: the interface was deleted: link down",
			 link->device->name);
		set_up(link, false);
	} else {
		follow(link);
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

/* Opens the socket, reads the first state, and what happened meanwhile. */
static void follow(struct tap_link *link)
{
	link->fd = open_socket_of(link->device);
	link->ifindex = find(link);
	if (!link->ifindex) {
		close_fd(&link->fd);
		log_warn("%s: its link state cannot be followed (another "
			 "network namespace?): taken to be up",
			 link->device->name);
		set_up(link, true);
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
		   const struct tap_device *device, tap_link_fn changed)
{
	*link = (struct tap_link){
		.loop = loop,
		.device = device,
		.changed = not_yet,
		.fd = -1,
		.up = true,
	};
	ev_io_init(&link->watcher, link_cb, -1, EV_READ);
	follow(link);
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
