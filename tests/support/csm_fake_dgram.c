/* SPDX-License-Identifier: MIT */
/*
 * Datagrams, error queues and their control messages.
 */
#include "support/csm_fake_dgram.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

static struct fake_dgram *dgram_new(const struct csm_addr *addr, uint16_t port,
				    size_t len)
{
	struct fake_dgram *d = calloc(1, sizeof(*d) + len);

	if (!d)
		abort();
	d->addr = *addr;
	d->port = port;
	d->len = len;
	return d;
}

static struct fake_dgram *first_of(const struct list *dgrams)
{
	struct list *node = list_first(dgrams);

	return node ? container_of(node, struct fake_dgram, node) : NULL;
}

void fake_dgrams_free(struct list *dgrams)
{
	struct fake_dgram *d;

	while ((d = first_of(dgrams))) {
		list_remove(&d->node);
		free(d);
	}
}

uint32_t fake_dgram_mask(const struct fake_sock *s)
{
	uint32_t mask = EPOLLOUT;

	if (!list_is_empty(&s->dgrams_in))
		mask |= EPOLLIN;
	if (!list_is_empty(&s->errors) || s->error)
		mask |= EPOLLERR;
	return mask;
}

static uint16_t segment_of(const struct msghdr *msg)
{
	struct msghdr *m = (struct msghdr *)(uintptr_t)msg;
	struct cmsghdr *c;
	uint16_t size = 0;

	for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_SEGMENT)
			memcpy(&size, CMSG_DATA(c), sizeof(size));
	}
	return size;
}

ssize_t fake_dgram_send(struct fake_sock *s, const struct msghdr *msg)
{
	struct csm_addr to = s->peer;
	uint16_t port = s->port;
	struct sockaddr_storage sa = {0};
	struct fake_dgram *d;
	size_t total = 0;

	if (s->error) {
		int err = s->error;

		s->error = 0;
		return -err;
	}
	if (msg->msg_name) {
		memcpy(&sa, msg->msg_name, MIN(msg->msg_namelen, sizeof(sa)));
		if (csm_addr_from_sockaddr(&sa, &to, &port) < 0)
			return -EAFNOSUPPORT;
	} else if (s->state != FAKE_CONNECTED) {
		return -EDESTADDRREQ;
	}
	for (size_t i = 0; i < msg->msg_iovlen; i++)
		total += msg->msg_iov[i].iov_len;
	if (total > s->send_max)
		return -EAGAIN;
	if (total > 65507)
		return -EMSGSIZE;
	d = dgram_new(&to, port, total);
	d->gso = segment_of(msg);
	total = 0;
	for (size_t i = 0; i < msg->msg_iovlen; i++) {
		if (msg->msg_iov[i].iov_len)
			memcpy(d->bytes + total, msg->msg_iov[i].iov_base,
			       msg->msg_iov[i].iov_len);
		total += msg->msg_iov[i].iov_len;
	}
	list_insert_before(&s->dgrams_out, &d->node);
	s->n_dgrams_out++;
	return (ssize_t)total;
}

static void tell_name(struct msghdr *msg, const struct fake_dgram *d)
{
	struct sockaddr_storage sa;
	socklen_t len = csm_addr_to_sockaddr(&d->addr, d->port, &sa);

	if (!msg->msg_name) {
		msg->msg_namelen = 0;
		return;
	}
	memcpy(msg->msg_name, &sa, MIN(len, msg->msg_namelen));
	msg->msg_namelen = len;
}

/* Puts a control message at *@at of what there is room for. */
static void tell_control(struct msghdr *msg, size_t *at, int level, int type,
			 const void *data, size_t len)
{
	struct cmsghdr *c;

	if (!msg->msg_control ||
	    *at + CMSG_SPACE(len) > (size_t)msg->msg_controllen) {
		msg->msg_flags |= MSG_CTRUNC;
		return;
	}
	c = (struct cmsghdr *)(void *)((uint8_t *)msg->msg_control + *at);
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
	*at += CMSG_SPACE(len);
}

static void tell_error(const struct fake_sock *s, struct msghdr *msg,
		       size_t *at, const struct fake_dgram *d)
{
	struct {
		struct sock_extended_err err;
		struct sockaddr_storage from;
	} told = {
		.err =
			{
				.ee_errno = (uint32_t)d->err,
				.ee_origin = d->origin,
				.ee_type = d->type,
				.ee_code = d->code,
				.ee_info = d->info,
			},
	};
	socklen_t n = csm_addr_to_sockaddr(&d->from, 0, &told.from);

	tell_control(msg, at, s->v6 ? IPPROTO_IPV6 : IPPROTO_IP,
		     s->v6 ? IPV6_RECVERR : IP_RECVERR, &told,
		     sizeof(told.err) + n);
	msg->msg_flags |= MSG_ERRQUEUE;
}

/* Copies a datagram; what does not fit is lost. */
static size_t copy_out(struct msghdr *msg, const struct fake_dgram *d)
{
	size_t done = 0;

	for (size_t i = 0; i < msg->msg_iovlen; i++) {
		size_t n = MIN(d->len - done, msg->msg_iov[i].iov_len);

		if (n)
			memcpy(msg->msg_iov[i].iov_base, d->bytes + done, n);
		done += n;
	}
	if (done < d->len)
		msg->msg_flags |= MSG_TRUNC;
	return done;
}

ssize_t fake_dgram_recv(struct fake_sock *s, struct msghdr *msg, int flags)
{
	bool errors = flags & MSG_ERRQUEUE;
	struct fake_dgram *d = first_of(errors ? &s->errors : &s->dgrams_in);
	size_t control = 0, len, full;
	int gso;

	if (!errors && s->error) {
		int err = s->error;

		s->error = 0;
		return -err;
	}
	if (!d)
		return -EAGAIN;
	msg->msg_flags = 0;
	tell_name(msg, d);
	len = copy_out(msg, d);
	full = d->len;
	gso = d->gso;
	if (errors)
		tell_error(s, msg, &control, d);
	else if (gso)
		tell_control(msg, &control, SOL_UDP, UDP_GRO, &gso,
			     sizeof(gso));
	msg->msg_controllen = control;
	if (!(flags & MSG_PEEK)) {
		list_remove(&d->node);
		free(d);
	}
	return (ssize_t)(flags & MSG_TRUNC ? full : len);
}

void fake_sock_datagram(struct fake_sock *s, const struct csm_addr *addr,
			uint16_t port, const void *data, size_t len,
			uint16_t gso)
{
	struct fake_dgram *d = dgram_new(addr, port, len);

	if (len)
		memcpy(d->bytes, data, len);
	d->gso = gso;
	list_insert_before(&s->dgrams_in, &d->node);
	fake_sock_wake(s);
}

struct fake_dgram *fake_sock_take_datagram(struct fake_sock *s)
{
	struct fake_dgram *d = first_of(&s->dgrams_out);

	if (d)
		list_remove(&d->node);
	return d;
}

void fake_sock_icmp(struct fake_sock *s, int err, uint8_t type, uint8_t code,
		    uint32_t info, const struct csm_addr *from,
		    const void *data, size_t len)
{
	struct fake_dgram *d = dgram_new(&s->peer, s->port, len);

	if (len)
		memcpy(d->bytes, data, len);
	d->err = err;
	d->origin = s->v6 ? SO_EE_ORIGIN_ICMP6 : SO_EE_ORIGIN_ICMP;
	d->type = type;
	d->code = code;
	d->info = info;
	d->from = *from;
	list_insert_before(&s->errors, &d->node);
	s->error = err;
	fake_sock_wake(s);
}
