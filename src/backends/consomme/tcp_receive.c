/* SPDX-License-Identifier: MIT */
/*
 * What the socket has received, until the guest has acknowledged it.
 *
 * It stays in the socket, if the kernel can peek at an offset: the offset goes
 * on with each peek and is set back to send something again; what has been
 * acknowledged is thrown away without being looked at, once for all that one
 * burst acknowledged. Otherwise bytes are read into a ring of ours, and copied
 * from there.
 *
 * The kernel makes the buffer of a socket larger whose program reads much; it
 * does not see that we do until the guest has answered, and a buffer that stays
 * small stays behind the others. So whoever has filled a frame gets a larger one
 * from us.
 *
 * Edges tell when there is something. A read that brought less than there was
 * room for has emptied the socket, so it is not asked again before the next edge;
 * but not when the last edge told of an end or of urgent data, at whose mark the
 * kernel stops reading: then it is asked until it says that there is no more.
 */
#include "backends/consomme/tcp_data.h"

#include <errno.h>

/* A peek of as many bytes has the buffer made so large, at least. */
#define WIDEN_AT (32u << 10)
#define WIDEN_TO (512u << 10)

/* A read into the ring. */
#define RING_READ (64u << 10)

static bool set_peek(struct csm_tcp *tcp, uint32_t offset)
{
	int value = (int)offset;

	tcp->peeked = offset;
	return csm_host_set(tcp->flow.stack->host, tcp->flow.source.fd,
			    SOL_SOCKET, SO_PEEK_OFF, &value,
			    sizeof(value)) == 0;
}

static void fail(struct csm_tcp *tcp, int err)
{
	tcp->error = err;
	csm_tcp_abort(tcp);
}

/* Reads, and draws from the result what the socket has left. */
static uint32_t read_socket(struct csm_tcp *tcp, struct iovec *iov,
			    size_t n_iov, uint32_t room, int flags)
{
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = n_iov};
	ssize_t n = csm_host_recv(tcp->flow.stack->host, tcp->flow.source.fd,
				  &msg, flags);

	if (n < 0 && n != -EAGAIN) {
		fail(tcp, (int)-n);
		return 0;
	}
	if (n == 0)
		tcp->eof = true;
	if (n <= 0 || ((uint32_t)n < room && !tcp->ending))
		tcp->readable = false;
	if (n == -EAGAIN)
		tcp->ending = false;
	return n > 0 ? (uint32_t)n : 0;
}

/* By a low-water mark, for which the kernel makes room, and which is taken back:
 * unlike SO_RCVBUF it leaves the kernel free to go on. */
static void widen(struct csm_tcp *tcp)
{
	const int marks[] = {WIDEN_TO, 1};

	tcp->widened = true;
	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		(void)csm_host_set(tcp->flow.stack->host, tcp->flow.source.fd,
				   SOL_SOCKET, SO_RCVLOWAT, &marks[i],
				   sizeof(marks[i]));
}

static uint32_t peek(struct csm_tcp *tcp, struct iovec *iov, size_t n_iov,
		     uint32_t room)
{
	uint32_t at = tcp->discard + (tcp->nxt - tcp->una);
	uint32_t n;

	if (tcp->peeked != at && !set_peek(tcp, at)) {
		fail(tcp, EIO);
		return 0;
	}
	n = read_socket(tcp, iov, n_iov, room, MSG_PEEK);
	tcp->peeked += n;
	if (n >= WIDEN_AT && !tcp->widened)
		widen(tcp);
	if (!n && tcp->state == CSM_TCP_OPEN && csm_tcp_unsent(tcp))
		fail(tcp, EIO); /* what was there has gone */
	return n;
}

/* Reads into the ring, as much as it may have more. */
static void fill_ring(struct csm_tcp *tcp)
{
	uint32_t room = MIN(CSM_TCP_FLIGHT_MAX - tcp->ring.len, RING_READ);
	struct iovec iov[2];
	size_t n_iov;

	if (!room)
		return;
	if (csm_ring_reserve(&tcp->ring, room) < 0) {
		fail(tcp, ENOMEM);
		return;
	}
	n_iov = csm_ring_room(&tcp->ring, iov);
	room = (uint32_t)net_iov_len(iov, n_iov);
	csm_ring_added(&tcp->ring, read_socket(tcp, iov, n_iov, room, 0));
	if (!tcp->ring.len)
		csm_ring_fini(&tcp->ring);
}

static uint32_t copy_ring(const struct csm_tcp *tcp, const struct iovec *iov,
			  size_t n_iov, uint32_t room)
{
	struct net_iov_walk walk = net_iov_walk(iov, n_iov);
	uint32_t len = MIN(csm_tcp_unsent(tcp), room);
	struct iovec from[2];
	size_t n = csm_ring_held(&tcp->ring, tcp->nxt - tcp->una, len, from);

	for (size_t i = 0; i < n; i++)
		if (!net_iov_write(&walk, from[i].iov_base, from[i].iov_len))
			return 0;
	return len;
}

uint32_t csm_tcp_unsent(const struct csm_tcp *tcp)
{
	uint32_t sent = tcp->nxt - tcp->una;
	uint32_t held =
		tcp->peeks ? tcp->max - tcp->una - tcp->fin_out : tcp->ring.len;

	if (tcp->fin_acked)
		return 0;
	return held > sent ? held - sent : 0;
}

uint32_t csm_tcp_receive(struct csm_tcp *tcp, struct iovec *iov, size_t n_iov,
			 uint32_t room)
{
	if (tcp->peeks)
		return peek(tcp, iov, n_iov, room);
	if (tcp->readable && !tcp->eof && csm_tcp_unsent(tcp) < room)
		fill_ring(tcp);
	if (tcp->state != CSM_TCP_OPEN)
		return 0;
	return copy_ring(tcp, iov, n_iov, room);
}

void csm_tcp_receive_acked(struct csm_tcp *tcp, uint32_t n)
{
	if (tcp->peeks)
		tcp->discard += n;
	else
		csm_ring_take(&tcp->ring, n);
}

void csm_tcp_receive_discard(struct csm_tcp *tcp)
{
	while (tcp->discard) {
		struct iovec nowhere = {NULL, tcp->discard};
		struct msghdr msg = {.msg_iov = &nowhere, .msg_iovlen = 1};
		ssize_t n = csm_host_recv(tcp->flow.stack->host,
					  tcp->flow.source.fd, &msg, MSG_TRUNC);

		if (n <= 0) {
			fail(tcp, n < 0 ? (int)-n : EIO);
			return;
		}
		tcp->discard -= (uint32_t)n;
		tcp->peeked -= MIN((uint32_t)n, tcp->peeked);
	}
}
