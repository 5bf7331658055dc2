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

static void ask_for_segments(struct msghdr *msg, void *control, uint16_t size)
{
	struct cmsghdr *cmsg;

	msg->msg_control = control;
	msg->msg_controllen = CMSG_SPACE(sizeof(size));
	cmsg = CMSG_FIRSTHDR(msg);
	cmsg->cmsg_level = IPPROTO_UDP;
	cmsg->cmsg_type = UDP_SEGMENT;
	cmsg->cmsg_len = CMSG_LEN(sizeof(size));
	memcpy(CMSG_DATA(cmsg), &size, sizeof(size));
}

static ssize_t send_once(struct csm_udp *udp, struct cut cut)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(uint16_t))];
	} control = {0};
	struct iovec iov[PIECES_MAX];
	struct msghdr msg = {.msg_iov = iov};

	while (cut.len &&
	       net_iov_next(&cut.walk, cut.len, &iov[msg.msg_iovlen])) {
		cut.len -= (uint32_t)iov[msg.msg_iovlen++].iov_len;
		if (cut.len && msg.msg_iovlen == PIECES_MAX)
			return -ENOBUFS;
	}
	if (udp->forward) {
		msg.msg_name = &udp->peer.name;
		msg.msg_namelen = udp->peer.len;
	}
	if (cut.size)
		ask_for_segments(&msg, &control, cut.size);
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

void csm_udp_send(struct csm_udp *udp, const struct csm_in *in)
{
	int err = send_all(udp, in);

	if (err < 0)
		csm_udp_unsent(udp, in, err);
	else
		csm_udp_used(udp, false, in->payload_len);
}
