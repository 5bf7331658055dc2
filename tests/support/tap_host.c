/* SPDX-License-Identifier: MIT */
/*
 * The host's side of a tap.
 *
 * Interfaces are changed by ioctl where there is one and by rtnetlink where
 * there is not (deleting and moving). IPv6 is off in the namespace, or the
 * kernel would send frames of its own.
 */
#include "support/tap_host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RECEIVE_BUFFER (64 << 20)

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "tap_host: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 &&
		  write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		(void)close(fd);
	return ok;
}

static bool become_root_of_namespace(uid_t uid, gid_t gid)
{
	char map[64];

	(void)write_file("/proc/self/setgroups", "deny");
	(void)snprintf(map, sizeof(map), "0 %u 1", (unsigned int)gid);
	if (!write_file("/proc/self/gid_map", map))
		return false;
	(void)snprintf(map, sizeof(map), "0 %u 1", (unsigned int)uid);
	return write_file("/proc/self/uid_map", map);
}

const char *tap_host_enter(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int flags = CLONE_NEWNET | CLONE_NEWNS | (uid ? CLONE_NEWUSER : 0);
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return "/dev/net/tun cannot be opened";
	(void)close(fd);
	if (unshare(flags) < 0)
		return "no right to make a network namespace";
	if (uid && !become_root_of_namespace(uid, gid))
		return "no right to map users in a namespace";
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("sysfs", "/sys", "sysfs", 0, NULL) < 0)
		return "no right to mount a sysfs for the namespace";
	(void)write_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
	(void)write_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	return NULL;
}

static void set_name(struct ifreq *ifr, const char *name)
{
	must(strlen(name) < sizeof(ifr->ifr_name), name);
	(void)strcpy(ifr->ifr_name, name);
}

static void control(const char *name, unsigned long request, struct ifreq *ifr)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	set_name(ifr, name);
	must(fd >= 0 && ioctl(fd, request, ifr) == 0, name);
	(void)close(fd);
}

int tap_host_open(const char *name, short flags)
{
	struct ifreq ifr = {.ifr_flags = flags};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	must(fd >= 0, "/dev/net/tun");
	set_name(&ifr, name);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
		int err = -errno;

		(void)close(fd);
		return err;
	}
	return fd;
}

void tap_host_add(const char *name, short flags)
{
	int fd = tap_host_open(name, flags);

	must(fd >= 0 && ioctl(fd, TUNSETPERSIST, 1) == 0, name);
	(void)close(fd);
}

/* One rtnetlink request about @name, acknowledged. */
static void request_link(const char *name, uint16_t type, bool with_pid,
			 pid_t pid)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
		struct rtattr attr;
		uint32_t pid;
	} request = {
		.header.nlmsg_type = type,
		.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		.header.nlmsg_len = sizeof(request),
		.info.ifi_index = (int)if_nametoindex(name),
		.attr.rta_type = IFLA_NET_NS_PID,
		.attr.rta_len = RTA_LENGTH(sizeof(uint32_t)),
		.pid = (uint32_t)pid,
	};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char rest[512];
	} answer;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (!with_pid)
		request.header.nlmsg_len = NLMSG_LENGTH(sizeof(request.info));
	must(fd >= 0 && request.info.ifi_index > 0 &&
		     send(fd, &request, request.header.nlmsg_len, 0) > 0 &&
		     recv(fd, &answer, sizeof(answer), 0) > 0,
	     name);
	errno = -answer.error.error;
	must(answer.header.nlmsg_type == NLMSG_ERROR && !answer.error.error,
	     name);
	(void)close(fd);
}

void tap_host_delete(const char *name)
{
	request_link(name, RTM_DELLINK, false, 0);
}

void tap_host_move(const char *name, pid_t pid)
{
	request_link(name, RTM_SETLINK, true, pid);
}

void tap_host_set_up(const char *name, bool up)
{
	struct ifreq ifr = {0};

	control(name, SIOCGIFFLAGS, &ifr);
	if (up)
		ifr.ifr_flags |= IFF_UP;
	else
		ifr.ifr_flags &= (short)~IFF_UP;
	control(name, SIOCSIFFLAGS, &ifr);
}

void tap_host_set_mtu(const char *name, int mtu)
{
	struct ifreq ifr = {.ifr_mtu = mtu};

	control(name, SIOCSIFMTU, &ifr);
}

/* @caps: a bit for each. */
static void set_capabilities(uint64_t caps, bool on)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	must(syscall(SYS_capget, &header, data) == 0, "capget");
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		uint32_t part = (uint32_t)(caps >> 32 * i);

		if (on)
			data[i].effective |= part & data[i].permitted;
		else
			data[i].effective &= ~part;
	}
	must(syscall(SYS_capset, &header, data) == 0, "capset");
}

void tap_host_set_net_admin(bool on)
{
	set_capabilities(1ULL << CAP_NET_ADMIN, on);
}

void tap_host_set_bpf(bool on)
{
	set_capabilities(1ULL << CAP_SYS_ADMIN | 1ULL << CAP_BPF, on);
}

bool tap_host_exists(const char *name)
{
	return if_nametoindex(name) != 0;
}

int tap_host_socket(const char *name)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(name),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	int one = 1, size = RECEIVE_BUFFER;

	must(fd >= 0, "packet socket");
	/* A few long frames fill the usual one. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	must(setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) ==
		     0,
	     "PACKET_VNET_HDR");
	must(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one,
			sizeof(one)) == 0,
	     "PACKET_IGNORE_OUTGOING");
	must(setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)) == 0,
	     "PACKET_AUXDATA");
	must(bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0, name);
	return fd;
}

bool tap_host_send(int fd, const void *frame, size_t len)
{
	ssize_t n = send(fd, frame, len, MSG_DONTWAIT);

	must(n == (ssize_t)len || (n < 0 && errno == ENOBUFS), "send");
	return n > 0;
}

/* recv(), and the VLAN tag that the kernel has taken out of the frame. */
static ssize_t receive_with_tag(int fd, void *frame, size_t size, int *tci)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	} control;
	struct iovec iov = {frame, size};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(fd, &msg, 0);
	const struct cmsghdr *cmsg = n < 0 ? NULL : CMSG_FIRSTHDR(&msg);
	struct tpacket_auxdata aux = {0};

	if (cmsg && cmsg->cmsg_type == PACKET_AUXDATA)
		memcpy(&aux, CMSG_DATA(cmsg), sizeof(aux));
	*tci = aux.tp_status & TP_STATUS_VLAN_VALID ? aux.tp_vlan_tci : -1;
	return n;
}

size_t tap_host_receive_tagged(int fd, void *frame, size_t size, int timeout_ms,
			       int *tci)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	const unsigned char *type =
		(const unsigned char *)frame + TAP_HOST_HDR_LEN + 12;

	while (poll(&wait, 1, timeout_ms) > 0) {
		ssize_t n = receive_with_tag(fd, frame, size, tci);

		if (n < 0 && errno == ENETDOWN)
			continue; /* told once for each time it goes down */
		must(n >= TAP_HOST_HDR_LEN, "recv");
		if (n > TAP_HOST_HDR_LEN + ETH_HLEN &&
		    type[0] == TAP_HOST_ETHERTYPE >> 8 &&
		    type[1] == (TAP_HOST_ETHERTYPE & 0xff))
			return (size_t)n;
	}
	return 0;
}

size_t tap_host_receive(int fd, void *frame, size_t size, int timeout_ms)
{
	int tci;

	return tap_host_receive_tagged(fd, frame, size, timeout_ms, &tci);
}
