/* SPDX-License-Identifier: MIT */
/*
 * Asking rtnetlink about a tap's interface.
 *
 * The kernel carries a request out within send(): the answer is in the socket
 * when that returns. Between it and us there may be news of other interfaces,
 * which are skipped: whoever follows the state asks for it after this.
 *
 * What the tun driver tells of an interface are attributes within
 * IFLA_INFO_DATA within IFLA_LINKINFO (linux/if_link.h, IFLA_TUN_*).
 */
#include "backends/tap_netlink.h"

#include <errno.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define RECV_SIZE 8192

/* Datagrams that may be before the answer. */
#define RECV_MAX 256

/* The request's number, which its answer repeats. News have 0. */
#define SEQUENCE 1

int tap_netlink_open(void)
{
	struct sockaddr_nl addr = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK,
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_ROUTE);
	int err;

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0) {
		err = -errno;
		close_fd(&fd);
		return err;
	}
	return fd;
}

static int send_request(int netlink, const char *name)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
		struct rtattr mask_attr;
		uint32_t mask;
		struct rtattr name_attr;
		char name[IFNAMSIZ];
	} request = {
		.header.nlmsg_type = RTM_GETLINK,
		.header.nlmsg_flags = NLM_F_REQUEST,
		.header.nlmsg_seq = SEQUENCE,
		.header.nlmsg_len = sizeof(request),
		.mask_attr.rta_type = IFLA_EXT_MASK,
		.mask_attr.rta_len = RTA_LENGTH(sizeof(uint32_t)),
		.mask = RTEXT_FILTER_SKIP_STATS,
		.name_attr.rta_type = IFLA_IFNAME,
		.name_attr.rta_len = RTA_LENGTH(IFNAMSIZ),
	};
	size_t len = strlen(name);

	if (len >= sizeof(request.name))
		return -ENODEV;
	memcpy(request.name, name, len);
	return send(netlink, &request, sizeof(request), 0) < 0 ? -errno : 0;
}

/* Attribute @type among @len bytes at @at, or NULL. */
static struct rtattr *find(void *at, size_t len, unsigned short type)
{
	struct rtattr *attr = at;

	for (; RTA_OK(attr, len); attr = RTA_NEXT(attr, len)) {
		if ((attr->rta_type & NLA_TYPE_MASK) == type)
			return attr;
	}
	return NULL;
}

static struct rtattr *find_in(struct rtattr *outer, unsigned short type)
{
	return outer ? find(RTA_DATA(outer), RTA_PAYLOAD(outer), type) : NULL;
}

static bool has_text(struct rtattr *attr, const char *text)
{
	size_t len = strlen(text);

	return attr && RTA_PAYLOAD(attr) >= len &&
	       strncmp(RTA_DATA(attr), text, RTA_PAYLOAD(attr)) == 0;
}

static uint8_t number8(struct rtattr *data, unsigned short type)
{
	struct rtattr *attr = find_in(data, type);

	return attr && RTA_PAYLOAD(attr) >= 1 ? *(uint8_t *)RTA_DATA(attr) : 0;
}

static uint32_t number32(struct rtattr *data, unsigned short type)
{
	struct rtattr *attr = find_in(data, type);
	uint32_t value = 0;

	if (attr && RTA_PAYLOAD(attr) >= sizeof(value))
		memcpy(&value, RTA_DATA(attr), sizeof(value));
	return value;
}

static void read_info(struct nlmsghdr *header, struct tap_info *info)
{
	size_t skip = NLMSG_SPACE(sizeof(struct ifinfomsg));
	struct rtattr *link, *data;

	*info = (struct tap_info){0};
	if (header->nlmsg_len < skip)
		return;
	link = find((char *)header + skip, header->nlmsg_len - skip,
		    IFLA_LINKINFO);
	info->is_tun = has_text(find_in(link, IFLA_INFO_KIND), "tun");
	data = find_in(link, IFLA_INFO_DATA);
	if (!info->is_tun || !find_in(data, IFLA_TUN_TYPE))
		return;
	info->known = true;
	info->tap = number8(data, IFLA_TUN_TYPE) == IFF_TAP;
	info->pi = number8(data, IFLA_TUN_PI);
	info->multi_queue = number8(data, IFLA_TUN_MULTI_QUEUE);
	info->queues = number32(data, IFLA_TUN_NUM_QUEUES) +
		       number32(data, IFLA_TUN_NUM_DISABLED_QUEUES);
}

/* Looks for the answer in one datagram. 0, -errno, or 1: it is not there. */
static int read_answer(struct nlmsghdr *header, unsigned int len,
		       struct tap_info *info)
{
	for (; NLMSG_OK(header, len); header = NLMSG_NEXT(header, len)) {
		if (header->nlmsg_seq != SEQUENCE)
			continue;
		if (header->nlmsg_type == RTM_NEWLINK) {
			read_info(header, info);
			return 0;
		}
		if (header->nlmsg_type == NLMSG_ERROR &&
		    header->nlmsg_len >= NLMSG_LENGTH(sizeof(int))) {
			const struct nlmsgerr *error = NLMSG_DATA(header);

			return error->error < 0 ? error->error : -EPROTO;
		}
	}
	return 1;
}

int tap_netlink_info(int netlink, const char *name, struct tap_info *info)
{
	union {
		struct nlmsghdr header;
		char bytes[RECV_SIZE];
	} buf;
	int err = send_request(netlink, name);

	for (int i = 0; i < RECV_MAX && err >= 0; i++) {
		ssize_t n = recv(netlink, &buf, sizeof(buf), 0);

		if (n < 0 && errno != ENOBUFS && errno != EINTR)
			return -errno;
		if (n < 0)
			continue;
		err = read_answer(&buf.header, (unsigned int)n, info);
		if (err <= 0)
			return err;
	}
	return err < 0 ? err : -ETIMEDOUT;
}

/* Another interface may have the name there, but not the address. */
unsigned int tap_netlink_index(int netlink, const char *name, int fd)
{
	struct ifreq ours = {0}, theirs = {0};

	memcpy(theirs.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	if (ioctl(fd, SIOCGIFHWADDR, &ours) < 0 ||
	    ioctl(netlink, SIOCGIFHWADDR, &theirs) < 0 ||
	    memcmp(ours.ifr_hwaddr.sa_data, theirs.ifr_hwaddr.sa_data,
		   ETHER_ADDR_LEN) != 0 ||
	    ioctl(netlink, SIOCGIFINDEX, &theirs) < 0)
		return 0;
	return (unsigned int)theirs.ifr_ifindex;
}
