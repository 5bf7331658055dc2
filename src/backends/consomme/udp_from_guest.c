/* SPDX-License-Identifier: MIT */
/*
 * Datagrams of the guest's into a socket, from where they lie.
 *
 * A frame with USO is several datagrams of one size. The kernel cuts them
 * (UDP_SEGMENT), SEGMENTS_MAX at a time, if it can: it refuses where the device
 * computes no checksums (EIO) and where a datagram would have to be fragmented
 * (EINVAL or EMSGSIZE, by its age). Then they are sent one by one.
 */
#include "backends/consomme/udp.h"

#include <errno.h>
#include <netinet/udp.h>

/* As many as every kernel with UDP_SEGMENT takes. */
#define SEGMENTS_MAX 64

/* Of one frame: as many as 64 KiB have at the smallest MTU that there is. More
 * would be more work than a frame is worth. */
#define DATAGRAMS_MAX 1024

/* Of guest memory, that a datagram may be in. */
#define PIECES_MAX 512

/* A cut of a guest's frame: the next @len bytes of @walk, as datagrams of @size
 * bytes (0: it is one). */
struct cut {
	struct net_iov_walk walk;
	uint32_t len;
	uint16_t size;
};

/* What goes with a datagram: how it is to be cut, and where it comes from. */
union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(uint16_t)) +
		   CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

/* Puts a control message behind those that are there. */
static void put_control(struct msghdr *msg, union control *control, int level,
			int type, const void *data, size_t len)
{
	struct cmsghdr *cmsg = (struct cmsghdr *)(void *)(control->bytes +
							  msg->msg_controllen);

	cmsg->cmsg_level = level;
	cmsg->cmsg_type = type;
	cmsg->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(cmsg), data, len);
	msg->msg_control = control;
	msg->msg_controllen += CMSG_SPACE(len);
}

/* To @peer, from the address that it has talked to. */
static void put_peer(struct msghdr *msg, union control *control,
		     struct csm_udp_peer *peer)
{
	struct in6_pktinfo v6 = {0};
	struct in_pktinfo v4 = {0};

	msg->msg_name = &peer->name;
	msg->msg_namelen = peer->len;
	if (csm_addr_is_any(&peer->local))
		return;
	if (peer->name.sin6_family == AF_INET6) {
		memcpy(&v6.ipi6_addr, peer->local.b, sizeof(v6.ipi6_addr));
		put_control(msg, control, IPPROTO_IPV6, IPV6_PKTINFO, &v6,
			    sizeof(v6));
	} else {
		memcpy(&v4.ipi_spec_dst, csm_addr_bytes4(&peer->local),
		       sizeof(v4.ipi_spec_dst));
		put_control(msg, control, IPPROTO_IP, IP_PKTINFO, &v4,
			    sizeof(v4));
	}
}

static ssize_t send_once(struct csm_udp *udp, struct cut cut)
{
	union control control = {0};
	struct iovec iov[PIECES_MAX];
	struct msghdr msg = {.msg_iov = iov};

	while (cut.len &&
	       net_iov_next(&cut.walk, cut.len, &iov[msg.msg_iovlen])) {
		cut.len -= (uint32_t)iov[msg.msg_iovlen++].iov_len;
		if (cut.len && msg.msg_iovlen == PIECES_MAX)
			return -ENOBUFS;
	}
	if (udp->forward)
		put_peer(&msg, &control, &udp->peer);
	if (cut.size)
		put_control(&msg, &control, IPPROTO_UDP, UDP_SEGMENT, &cut.size,
			    sizeof(cut.size));
	return csm_host_send(udp->flow.stack->host, csm_udp_fd(udp), &msg, 0);
}

/* What a send says when it is about an earlier one. */
static bool is_late(ssize_t err)
{
	return err == -ECONNREFUSED || err == -EHOSTUNREACH ||
	       err == -ENETUNREACH || err == -EACCES || err == -EMSGSIZE ||
	       err == -ENOPROTOOPT || err == -EPROTO || err == -EHOSTDOWN;
}

/* An error that the socket still has from before is told and taken away; the
 * datagram has not been tried then. */
static ssize_t send_cut(struct csm_udp *udp, const struct cut *cut)
{
	ssize_t n = send_once(udp, *cut);

	if (!is_late(n))
		return n;
	if (udp->forward)
		csm_udp_forward_errors(udp->forward);
	else
		csm_udp_errors(udp);
	return send_once(udp, *cut);
}

static bool cannot_cut(ssize_t err)
{
	return err == -EINVAL || err == -EIO || err == -EMSGSIZE;
}

static int send_all(struct csm_udp *udp, const struct csm_in *in)
{
	struct cut cut = {.walk = in->payload};
	uint32_t left = in->payload_len, size = left;
	ssize_t n;

	if (in->gso_size && in->gso_size < left)
		size = in->gso_size;
	if (size && left / size > DATAGRAMS_MAX)
		return -ENOBUFS;
	do {
		cut.len = MIN(left, udp->uncut ? size : size * SEGMENTS_MAX);
		cut.size = (uint16_t)(cut.len > size ? size : 0);
		n = send_cut(udp, &cut);
		if (cut.size && cannot_cut(n)) {
			udp->uncut = true;
			continue;
		}
		if (n < 0)
			return (int)n;
		left -= cut.len;
		(void)net_iov_skip(&cut.walk, cut.len);
	} while (left);
	return 0;
}

/* Has the socket no way any more? The host may have another address than when it
 * was connected. */
static bool is_lost(int err)
{
	return err == -EINVAL || err == -ENETUNREACH || err == -ENETDOWN ||
	       err == -EADDRNOTAVAIL;
}

void csm_udp_send(struct csm_udp *udp, const struct csm_in *in)
{
	int err = send_all(udp, in);

	if (err == 0) {
		csm_udp_used(udp, false, in->payload_len);
		return;
	}
	csm_udp_unsent(udp, in, err);
	/* The next datagram finds a way anew. */
	if (!udp->forward && is_lost(err))
		csm_udp_end(udp);
}
