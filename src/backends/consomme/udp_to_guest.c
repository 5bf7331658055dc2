/* SPDX-License-Identifier: MIT */
/*
 * Datagrams into the guest's buffers.
 *
 * A datagram's length is not known before it is there. Without merging there is
 * room for what fits the guest's MTU; the rest of a longer one is cut off by the
 * kernel, and all of it is dropped: there is nobody here who makes fragments.
 * Merged ones are up to 64 KiB; if the guest has not given that much yet, the
 * socket is asked how long the next is.
 *
 * Merging is asked for when a second datagram comes: for many flows there is only
 * one.
 */
#include "backends/consomme/udp.h"

#include "backends/consomme/build.h"
#include "base/bytes.h"

#include <errno.h>
#include <netinet/udp.h>

static uint32_t ip_len(bool v6)
{
	return v6 ? NET_IPV6_LEN : NET_IPV4_LEN_MIN;
}

static void set_gro(struct csm_stack *stack, int fd, struct csm_udp_gro *gro,
		    bool on)
{
	int value = on;

	if (gro->on == on)
		return;
	/* Where it cannot be had nothing comes merged. */
	(void)csm_host_set(stack->host, fd, IPPROTO_UDP, UDP_GRO, &value,
			   sizeof(value));
	gro->on = on;
}

/* Room for the next datagram, at least @least bytes. */
static enum csm_udp_got open_for(struct csm_stack *stack, int fd, bool v6,
				 uint32_t least, uint32_t most,
				 struct csm_out *out)
{
	uint32_t head = (uint32_t)csm_build_ip_len(v6) + NET_UDP_LEN;
	struct msghdr msg = {0};
	ssize_t n;

	if (!csm_out_open(out, head, least, most))
		return CSM_UDP_NO_ROOM;
	if (out->room == most)
		return CSM_UDP_GOT;
	n = csm_host_recv(stack->host, fd, &msg, MSG_PEEK | MSG_TRUNC);
	if (n == -EAGAIN)
		return CSM_UDP_NONE;
	if (n > (ssize_t)out->room && n <= (ssize_t)most &&
	    !csm_out_open(out, head, (uint32_t)n, (uint32_t)n))
		return CSM_UDP_NO_ROOM;
	return CSM_UDP_GOT;
}

/* The datagrams' size before they were merged. */
static void read_gro(const struct cmsghdr *cmsg, struct csm_udp_rx *rx)
{
	int size;

	memcpy(&size, CMSG_DATA(cmsg), sizeof(size));
	if (size > 0 && (uint32_t)size < rx->len)
		rx->gso_size = (uint16_t)size;
}

static void read_local4(const struct cmsghdr *cmsg, struct csm_udp_rx *rx)
{
	struct in_pktinfo info;

	memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
	rx->from.local = csm_addr_from4((const uint8_t *)&info.ipi_spec_dst);
}

static void read_local6(const struct cmsghdr *cmsg, struct csm_udp_rx *rx)
{
	struct in6_pktinfo info;
	struct csm_addr local;

	memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
	local = csm_addr_from6(info.ipi6_addr.s6_addr);
	if (!csm_addr_is_multicast(&local))
		rx->from.local = local;
}

/* What comes with a datagram. */
static void read_control(struct msghdr *msg, struct csm_udp_rx *rx)
{
	struct cmsghdr *c;

	rx->gso_size = 0;
	rx->from.local = csm_addr_any6;
	for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO)
			read_gro(c, rx);
		else if (c->cmsg_level == IPPROTO_IP &&
			 c->cmsg_type == IP_PKTINFO)
			read_local4(c, rx);
		else if (c->cmsg_level == IPPROTO_IPV6 &&
			 c->cmsg_type == IPV6_PKTINFO)
			read_local6(c, rx);
	}
}

static ssize_t receive(struct csm_stack *stack, int fd, struct csm_out *out,
		       struct csm_udp_rx *rx, bool *whole)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int)) +
			   CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control;
	struct msghdr msg = {
		.msg_name = &rx->from.name,
		.msg_namelen = sizeof(rx->from.name),
		.msg_iov = out->iov,
		.msg_iovlen = out->n_iov,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = csm_host_recv(stack->host, fd, &msg, 0);

	if (n < 0)
		return n;
	rx->len = (uint32_t)n;
	rx->from.len = msg.msg_namelen;
	read_control(&msg, rx);
	*whole = !(msg.msg_flags & MSG_TRUNC);
	return n;
}

enum csm_udp_got csm_udp_receive(struct csm_stack *stack, int fd, bool v6,
				 struct csm_udp_gro *gro, struct csm_out *out,
				 struct csm_udp_rx *rx)
{
	uint32_t headers = ip_len(v6) + NET_UDP_LEN;
	uint32_t mtu = stack->config->mtu - headers;
	bool takes = csm_out_takes(out, NET_GSO_UDP);
	enum csm_udp_got got;
	bool whole;
	ssize_t n;

	if (!takes)
		set_gro(stack, fd, gro, false);
	got = open_for(stack, fd, v6, mtu,
		       gro->on ? (uint32_t)UINT16_MAX - headers : mtu, out);
	if (got != CSM_UDP_GOT)
		return got;
	n = receive(stack, fd, out, rx, &whole);
	/* An error that was waiting is taken away by being told: again. */
	if (n < 0 && n != -EAGAIN)
		n = receive(stack, fd, out, rx, &whole);
	if (n < 0)
		return CSM_UDP_NONE;
	/* It may have been merged before the guest's driver was another. */
	if (rx->gso_size && !gro->on)
		whole = false;
	if (takes && gro->worth)
		set_gro(stack, fd, gro, true);
	gro->worth = true;
	if (whole && (rx->gso_size ? rx->gso_size : rx->len) <= mtu)
		return CSM_UDP_GOT;
	stack->count.udp_dropped++;
	return CSM_UDP_LOST;
}

void csm_udp_deliver(struct csm_udp *udp, struct csm_out *out,
		     const struct csm_udp_rx *rx)
{
	const struct csm_key *key = &udp->flow.key;
	struct csm_frame frame;
	uint8_t *at = csm_frame_begin(&frame, udp->flow.stack, IPPROTO_UDP,
				      NET_UDP_LEN, NET_UDP_CSUM_OFFSET,
				      &key->far, &key->guest, rx->len);

	store_be16(at, key->far_port);
	store_be16(at + 2, key->guest_port);
	store_be16(at + 4, (uint16_t)(NET_UDP_LEN + rx->len));
	if (rx->gso_size) {
		frame.gso = NET_GSO_UDP;
		frame.gso_size = rx->gso_size;
	}
	csm_out_close(out, &frame);
	csm_udp_used(udp, true, rx->len);
}

enum csm_turn csm_udp_turn(struct csm_sender *sender, struct csm_out *out)
{
	struct csm_udp *udp = container_of(sender, struct csm_udp, flow.sender);
	struct csm_udp_rx rx = {0};

	switch (csm_udp_receive(udp->flow.stack, udp->flow.source.fd,
				!csm_addr_is4(&udp->flow.key.guest), &udp->gro,
				out, &rx)) {
	case CSM_UDP_NONE:
		return CSM_TURN_DONE;
	case CSM_UDP_NO_ROOM:
		return CSM_TURN_NO_ROOM;
	case CSM_UDP_LOST:
		return CSM_TURN_MORE;
	case CSM_UDP_GOT:
		break;
	}
	csm_udp_deliver(udp, out, &rx);
	return CSM_TURN_MORE;
}
