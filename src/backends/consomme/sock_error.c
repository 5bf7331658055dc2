/* SPDX-License-Identifier: MIT */
/*
 * Error queues.
 *
 * The kernel turns types and codes of ICMP into error numbers with some loss:
 * what was forbidden is unreachable then, as is what has travelled too long. So
 * the type and the code are looked at, where there are any.
 */
#include "backends/consomme/sock_error.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>

/* A control message's value: the error, and behind it who sent it. */
struct told {
	struct sock_extended_err error;
	struct sockaddr_storage from;
};

int csm_sock_error_enable(struct csm_host *host, int fd, bool v6)
{
	int on = 1;

	if (v6)
		return csm_host_set(host, fd, IPPROTO_IPV6, IPV6_RECVERR, &on,
				    sizeof(on));
	return csm_host_set(host, fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
}

static int errno4(const struct sock_extended_err *e)
{
	if (e->ee_type == ICMP_TIME_EXCEEDED)
		return ETIME;
	if (e->ee_type == ICMP_DEST_UNREACH &&
	    (e->ee_code == ICMP_NET_ANO || e->ee_code == ICMP_HOST_ANO ||
	     e->ee_code == ICMP_PKT_FILTERED))
		return EACCES;
	return (int)e->ee_errno;
}

static int errno6(const struct sock_extended_err *e)
{
	if (e->ee_type == ICMP6_TIME_EXCEEDED)
		return ETIME;
	return (int)e->ee_errno;
}

static void read_told(struct csm_sock_error *out, const struct told *told)
{
	const struct sock_extended_err *e = &told->error;
	uint16_t port;

	switch (e->ee_origin) {
	case SO_EE_ORIGIN_ICMP:
		out->err = errno4(e);
		break;
	case SO_EE_ORIGIN_ICMP6:
		out->err = errno6(e);
		break;
	default:
		out->err = (int)e->ee_errno;
	}
	out->local = e->ee_origin == SO_EE_ORIGIN_LOCAL;
	out->mtu = e->ee_info;
	if (out->local ||
	    csm_addr_from_sockaddr(&told->from, &out->from, &port) < 0)
		out->from = csm_addr_any6;
}

/* Finds the error among what came with the packet. */
static int read_control(struct csm_sock_error *out, struct msghdr *msg)
{
	struct told told = {0};

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c;
	     c = CMSG_NXTHDR(msg, c)) {
		size_t len = c->cmsg_len - CMSG_LEN(0);

		if (!(c->cmsg_level == IPPROTO_IP &&
		      c->cmsg_type == IP_RECVERR) &&
		    !(c->cmsg_level == IPPROTO_IPV6 &&
		      c->cmsg_type == IPV6_RECVERR))
			continue;
		if (len < sizeof(told.error))
			continue;
		memcpy(&told, CMSG_DATA(c), MIN(len, sizeof(told)));
		read_told(out, &told);
		return 0;
	}
	return -EPROTO;
}

int csm_sock_error_next(struct csm_host *host, int fd,
			struct csm_sock_error *out)
{
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(sizeof(struct told)) + 256];
	} control;
	struct iovec iov = {.iov_base = out->data,
			    .iov_len = sizeof(out->data)};
	struct msghdr msg = {
		.msg_name = &out->to,
		.msg_namelen = sizeof(out->to),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = csm_host_recv(host, fd, &msg, MSG_ERRQUEUE);

	if (n < 0)
		return (int)n;
	out->n = (size_t)n;
	out->to_len = msg.msg_namelen;
	return read_control(out, &msg);
}
