/* SPDX-License-Identifier: MIT */
/*
 * A host that a test plays: descriptors, the clock, events, streams. What
 * datagrams and control messages need is in csm_fake_dgram.c.
 */
#include "support/csm_fake_host.h"

#include "support/csm_fake_dgram.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

static struct fake_host *self(struct csm_host *host)
{
	return container_of(host, struct fake_host, base);
}

/* ---- Streams ---- */

static void stream_put(struct fake_stream *s, const void *data, size_t len)
{
	if (!len)
		return;
	if (s->first + s->len + len > s->size) {
		if (s->len)
			memmove(s->bytes, s->bytes + s->first, s->len);
		s->first = 0;
		if (s->len + len > s->size) {
			s->size = 2 * (s->len + len);
			s->bytes = realloc(s->bytes, s->size);
			if (!s->bytes)
				abort();
		}
	}
	memcpy(s->bytes + s->first + s->len, data, len);
	s->len += len;
	s->total += len;
}

static void stream_drop(struct fake_stream *s, size_t len)
{
	s->first += len;
	s->len -= len;
}

/* ---- Sockets ---- */

/* The socket of a descriptor that a call names. */
static struct fake_sock *find(struct fake_host *h, int fd)
{
	size_t i = (size_t)(fd - FAKE_FD_FIRST);

	if (fd >= FAKE_FD_FIRST && i < h->n_table && h->table[i])
		return h->table[i];
	h->violations++;
	return NULL;
}

/* Does this call fail at will? Its error, or 0. */
static int at_will(struct fake_host *h, enum fake_op op)
{
	h->calls[op]++;
	if (!h->fail[op].times)
		return 0;
	h->fail[op].times--;
	return -h->fail[op].err;
}

static struct fake_sock *sock_new(struct fake_host *h, enum csm_socket kind,
				  bool v6)
{
	struct fake_sock *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->host = h;
	s->kind = kind;
	s->v6 = v6;
	s->fd = -1;
	s->peek_off = -1;
	s->sndbuf = h->sndbuf;
	s->rcvbuf = 128 << 10;
	s->send_max = SIZE_MAX;
	list_init(&s->ready_node);
	list_init(&s->accept_node);
	list_init(&s->dgrams_in);
	list_init(&s->dgrams_out);
	list_init(&s->errors);
	list_init(&s->waiting);
	list_insert_before(&h->socks, &s->node);
	h->n_socks++;
	return s;
}

static void sock_free(struct fake_sock *s)
{
	struct list *node;

	while ((node = list_first(&s->waiting)))
		list_remove(node);
	list_remove(&s->node);
	list_remove(&s->ready_node);
	list_remove(&s->accept_node);
	s->host->n_socks--;
	free(s->in.bytes);
	free(s->out.bytes);
	fake_dgrams_free(&s->dgrams_in);
	fake_dgrams_free(&s->dgrams_out);
	fake_dgrams_free(&s->errors);
	free(s);
}

/* Gives it the lowest free descriptor, or -EMFILE. */
static int sock_open(struct fake_host *h, struct fake_sock *s)
{
	size_t i = 0;

	if (h->n_open >= h->max_open)
		return -EMFILE;
	while (i < h->n_table && h->table[i])
		i++;
	if (i == h->n_table) {
		size_t n = 2 * h->n_table + 16;

		h->table = realloc(h->table, n * sizeof(struct fake_sock *));
		if (!h->table)
			abort();
		memset(&h->table[h->n_table], 0,
		       (n - h->n_table) * sizeof(struct fake_sock *));
		h->n_table = n;
	}
	h->table[i] = s;
	h->n_open++;
	s->fd = FAKE_FD_FIRST + (int)i;
	return s->fd;
}

static size_t room_of(const struct fake_sock *s)
{
	return s->sndbuf - MIN(s->sndbuf, s->out.len);
}

/* As sk_stream_is_writeable(): a third is free. */
static bool writable(const struct fake_sock *s)
{
	return room_of(s) >= s->out.len / 2 && room_of(s);
}

static uint32_t stream_mask(struct fake_sock *s)
{
	uint32_t mask = 0;

	if (s->listens)
		return list_is_empty(&s->waiting) ? 0 : EPOLLIN;
	if (s->state == FAKE_CONNECTING)
		return 0;
	if (s->state != FAKE_CONNECTED || (s->eof && s->shut))
		mask |= EPOLLHUP;
	if (s->error)
		mask |= EPOLLERR;
	if (s->state == FAKE_IDLE)
		return mask | EPOLLOUT;
	if (s->in.len || s->eof || s->state == FAKE_DEAD)
		mask |= EPOLLIN;
	if (s->eof || s->state == FAKE_DEAD)
		mask |= EPOLLRDHUP;
	if (s->shut || s->state == FAKE_DEAD || writable(s))
		mask |= EPOLLOUT;
	else
		s->nospace = true;
	return mask;
}

static uint32_t mask_of(struct fake_sock *s)
{
	return s->kind == CSM_SOCKET_TCP ? stream_mask(s) : fake_dgram_mask(s);
}

void fake_sock_wake(struct fake_sock *s)
{
	if (s->events && s->fd >= 0 && !list_is_on(&s->ready_node))
		list_insert_before(&s->host->ready, &s->ready_node);
}

/* ---- The calls ---- */

static uint64_t op_now(struct csm_host *host)
{
	return self(host)->now;
}

static void op_random(struct csm_host *host, void *buf, size_t len)
{
	struct fake_host *h = self(host);
	uint8_t *at = buf;

	for (; len; len--, at++) {
		h->seed ^= h->seed << 13;
		h->seed ^= h->seed >> 7;
		h->seed ^= h->seed << 17;
		*at = (uint8_t)(h->seed >> 32);
	}
}

static int op_socket(struct csm_host *host, enum csm_socket kind, bool v6)
{
	struct fake_host *h = self(host);
	int err = at_will(h, FAKE_SOCKET);

	if (err)
		return err;
	if (h->n_open >= h->max_open)
		return -EMFILE;
	return sock_open(h, sock_new(h, kind, v6));
}

static int op_connect(struct csm_host *host, int fd,
		      const struct csm_addr *addr, uint16_t port)
{
	struct fake_host *h = self(host);
	struct fake_sock *s = find(h, fd);
	int err = at_will(h, FAKE_CONNECT);

	if (!s)
		return -EBADF;
	s->peer = *addr;
	s->port = port;
	if (err)
		return err;
	if (s->kind != CSM_SOCKET_TCP) {
		s->state = FAKE_CONNECTED;
		return 0;
	}
	if (!h->connect_result)
		s->state = FAKE_CONNECTED;
	else if (h->connect_result == -EINPROGRESS)
		s->state = FAKE_CONNECTING;
	if (!h->connect_result)
		fake_sock_wake(s);
	return h->connect_result;
}

static int op_accept(struct csm_host *host, int fd, struct csm_addr *addr,
		     uint16_t *port)
{
	struct fake_host *h = self(host);
	struct fake_sock *s = find(h, fd), *conn;
	int err = at_will(h, FAKE_ACCEPT);

	if (!s || err)
		return s ? err : -EBADF;
	if (list_is_empty(&s->waiting))
		return -EAGAIN;
	conn = container_of(s->waiting.next, struct fake_sock, accept_node);
	err = sock_open(h, conn);
	if (err < 0)
		return err;
	list_remove(&conn->accept_node);
	*addr = conn->peer;
	*port = conn->port;
	return conn->fd;
}

static int take_error(struct fake_sock *s)
{
	int err = s->error;

	s->error = 0;
	return -err;
}

static ssize_t stream_send(struct fake_sock *s, const struct msghdr *msg)
{
	size_t room = MIN(room_of(s), s->send_max), sent = 0, total = 0;

	if (s->error)
		return take_error(s);
	if (s->shut || s->state == FAKE_DEAD)
		return -EPIPE;
	if (s->state != FAKE_CONNECTED)
		return s->state == FAKE_IDLE ? -ENOTCONN : -EAGAIN;
	for (size_t i = 0; i < msg->msg_iovlen; i++) {
		size_t n = MIN(room - sent, msg->msg_iov[i].iov_len);

		total += msg->msg_iov[i].iov_len;
		if (n)
			stream_put(&s->out, msg->msg_iov[i].iov_base, n);
		sent += n;
	}
	if (sent < total)
		s->nospace = true;
	return sent || !total ? (ssize_t)sent : -EAGAIN;
}

static ssize_t op_send(struct csm_host *host, int fd, const struct msghdr *msg,
		       int flags)
{
	struct fake_host *h = self(host);
	struct fake_sock *s = find(h, fd);
	int err = at_will(h, FAKE_SEND);

	UNUSED(flags);
	if (!s || err)
		return s ? err : -EBADF;
	s->sends++;
	return s->kind == CSM_SOCKET_TCP ? stream_send(s, msg)
					 : fake_dgram_send(s, msg);
}

static size_t copy_out(const struct msghdr *msg, const uint8_t *from,
		       size_t len)
{
	size_t done = 0;

	for (size_t i = 0; i < msg->msg_iovlen; i++) {
		size_t n = MIN(len - done, msg->msg_iov[i].iov_len);

		if (n)
			memcpy(msg->msg_iov[i].iov_base, from + done, n);
		done += n;
	}
	return done;
}

static ssize_t stream_recv(struct fake_sock *s, struct msghdr *msg, int flags)
{
	bool peek = flags & MSG_PEEK, moves = s->peek_off >= 0;
	size_t at = peek && moves && s->host->peeks ? (size_t)s->peek_off : 0;
	size_t want = 0, n;

	for (size_t i = 0; i < msg->msg_iovlen; i++)
		want += msg->msg_iov[i].iov_len;
	if (at >= s->in.len) {
		if (s->eof)
			return 0;
		if (s->error)
			return take_error(s);
		return s->state == FAKE_DEAD ? 0 : -EAGAIN;
	}
	n = MIN(want, s->in.len - at);
	if (!(flags & MSG_TRUNC))
		copy_out(msg, s->in.bytes + s->in.first + at, n);
	if (!peek)
		stream_drop(&s->in, n);
	if (moves && s->host->peeks)
		s->peek_off = peek ? s->peek_off + (int64_t)n
				   : MAX(0, s->peek_off - (int64_t)n);
	return (ssize_t)n;
}

static ssize_t op_recv(struct csm_host *host, int fd, struct msghdr *msg,
		       int flags)
{
	struct fake_host *h = self(host);
	struct fake_sock *s = find(h, fd);
	int err = at_will(h, FAKE_RECV);

	if (!s || err)
		return s ? err : -EBADF;
	s->recvs++;
	s->peeks += (flags & MSG_PEEK) != 0;
	return s->kind == CSM_SOCKET_TCP ? stream_recv(s, msg, flags)
					 : fake_dgram_recv(s, msg, flags);
}

static int op_shutdown(struct csm_host *host, int fd, int how)
{
	struct fake_sock *s = find(self(host), fd);

	if (!s)
		return -EBADF;
	if (s->state != FAKE_CONNECTED)
		return -ENOTCONN;
	if (how != SHUT_RD)
		s->shut = true;
	fake_sock_wake(s);
	return 0;
}

static int op_set(struct csm_host *host, int fd, int level, int name,
		  const void *value, socklen_t len)
{
	struct fake_host *h = self(host);
	struct fake_sock *s = find(h, fd);
	int err = at_will(h, FAKE_SET), v = 0;

	if (!s || err)
		return s ? err : -EBADF;
	memcpy(&v, value, MIN(len, sizeof(v)));
	if (level == SOL_SOCKET && name == SO_PEEK_OFF)
		s->peek_off = v;
	if (level == SOL_SOCKET && name == SO_SNDBUF)
		s->sndbuf = 2 * (size_t)v;
	s->options[s->n_options++ % FAKE_OPTIONS] =
		(struct fake_option){level, name, v};
	return 0;
}

/* What SO_MEMINFO and TCP_INFO tell, as far as anybody looks at it. */
static void meminfo(const struct fake_sock *s, uint32_t info[SK_MEMINFO_VARS])
{
	memset(info, 0, SK_MEMINFO_VARS * sizeof(*info));
	info[SK_MEMINFO_RMEM_ALLOC] = (uint32_t)s->in.len;
	info[SK_MEMINFO_RCVBUF] = (uint32_t)s->rcvbuf;
	info[SK_MEMINFO_WMEM_ALLOC] = (uint32_t)s->out.len;
	info[SK_MEMINFO_SNDBUF] = (uint32_t)s->sndbuf;
	info[SK_MEMINFO_WMEM_QUEUED] = (uint32_t)s->out.len;
}

static int op_get(struct csm_host *host, int fd, int level, int name,
		  void *value, socklen_t *len)
{
	struct fake_sock *s = find(self(host), fd);
	uint32_t info[SK_MEMINFO_VARS];
	struct tcp_info tcp = {0};
	const void *from = info;
	size_t n = sizeof(int);

	if (!s)
		return -EBADF;
	if (level == SOL_SOCKET && name == SO_ERROR) {
		info[0] = (uint32_t)-take_error(s);
	} else if (level == SOL_SOCKET && name == SO_SNDBUF) {
		info[0] = (uint32_t)s->sndbuf;
	} else if (level == SOL_SOCKET && name == SO_RCVBUF) {
		info[0] = (uint32_t)s->rcvbuf;
	} else if (level == SOL_SOCKET && name == SO_MEMINFO) {
		meminfo(s, info);
		n = sizeof(info);
	} else if (level == IPPROTO_TCP && name == TCP_INFO) {
		tcp.tcpi_state = s->state == FAKE_CONNECTED ? TCP_ESTABLISHED
							    : TCP_CLOSE;
		tcp.tcpi_unacked = s->out.len != 0;
		from = &tcp;
		n = sizeof(tcp);
	} else {
		return -ENOPROTOOPT;
	}
	*len = (socklen_t)MIN(*len, n);
	memcpy(value, from, *len);
	return 0;
}

static void op_close(struct csm_host *host, int fd)
{
	struct fake_host *h = self(host);
	struct fake_sock *s = find(h, fd);

	if (!s)
		return;
	h->table[fd - FAKE_FD_FIRST] = NULL;
	h->n_open--;
	/* As Linux does: bytes that nobody has read are told by a reset. */
	s->rst = s->kind == CSM_SOCKET_TCP && s->state == FAKE_CONNECTED &&
		 (s->in.len ||
		  fake_sock_option(s, SOL_SOCKET, SO_LINGER, 0) == 1);
	s->fd = -1;
	s->events = 0;
	list_remove(&s->ready_node);
}

static int op_watch(struct csm_host *host, int fd, uint32_t events, void *arg,
		    bool anew)
{
	struct fake_host *h = self(host);
	struct fake_sock *s = find(h, fd);
	int err = at_will(h, FAKE_WATCH);

	if (!s || err)
		return s ? err : -EBADF;
	if (anew == (s->events != 0))
		return anew ? -EEXIST : -ENOENT;
	s->events = events | EPOLLERR | EPOLLHUP;
	s->arg = arg;
	fake_sock_wake(s);
	return 0;
}

static int op_wait(struct csm_host *host, struct epoll_event *events, int max)
{
	struct fake_host *h = self(host);
	struct list *node = h->ready.next, *next;
	int n = 0;

	for (; node != &h->ready && n < max; node = next) {
		struct fake_sock *s =
			container_of(node, struct fake_sock, ready_node);
		uint32_t mask = mask_of(s) & s->events;

		next = node->next;
		if (!mask || s->events & EPOLLET)
			list_remove(node);
		if (mask)
			events[n++] = (struct epoll_event){
				.events = mask,
				.data.ptr = s->arg,
			};
	}
	return n;
}

static const struct csm_host_ops ops = {
	.now = op_now,
	.random = op_random,
	.socket = op_socket,
	.connect = op_connect,
	.accept = op_accept,
	.send = op_send,
	.recv = op_recv,
	.shutdown = op_shutdown,
	.set = op_set,
	.get = op_get,
	.close = op_close,
	.watch = op_watch,
	.wait = op_wait,
};

/* ---- The test's side ---- */

void fake_host_init(struct fake_host *h)
{
	memset(h, 0, sizeof(*h));
	h->base.ops = &ops;
	h->base.event_fd = -1;
	h->now = 1000 * UINT64_C(1000000000);
	h->seed = 88172645463325252ULL;
	h->max_open = SIZE_MAX;
	h->sndbuf = 4 << 20;
	h->peeks = true;
	list_init(&h->socks);
	list_init(&h->ready);
}

void fake_host_fini(struct fake_host *h)
{
	struct list *node;

	while ((node = list_first(&h->socks)))
		sock_free(container_of(node, struct fake_sock, node));
	free(h->table);
	h->table = NULL;
}

struct fake_sock *fake_host_last(struct fake_host *h)
{
	return list_is_empty(&h->socks)
		       ? NULL
		       : container_of(h->socks.prev, struct fake_sock, node);
}

void fake_host_forget_closed(struct fake_host *h)
{
	struct list *node = h->socks.next, *next;

	for (; node != &h->socks; node = next) {
		struct fake_sock *s =
			container_of(node, struct fake_sock, node);

		next = node->next;
		if (s->fd < 0 && !list_is_on(&s->accept_node))
			sock_free(s);
	}
}

struct fake_sock *fake_host_bound(struct fake_host *h, enum csm_socket kind,
				  bool v6)
{
	struct fake_sock *s = sock_new(h, kind, v6);

	s->listens = kind == CSM_SOCKET_TCP;
	if (sock_open(h, s) < 0)
		abort();
	return s;
}

struct fake_sock *fake_listener_push(struct fake_sock *listener,
				     const struct csm_addr *peer, uint16_t port)
{
	struct fake_sock *s =
		sock_new(listener->host, CSM_SOCKET_TCP, listener->v6);

	s->state = FAKE_CONNECTED;
	s->peer = *peer;
	s->port = port;
	list_insert_before(&listener->waiting, &s->accept_node);
	fake_sock_wake(listener);
	return s;
}

void fake_sock_accept(struct fake_sock *s)
{
	s->state = FAKE_CONNECTED;
	fake_sock_wake(s);
}

void fake_sock_fail(struct fake_sock *s, int err)
{
	s->state = FAKE_DEAD;
	s->error = err;
	fake_sock_wake(s);
}

void fake_sock_deliver(struct fake_sock *s, const void *data, size_t len)
{
	stream_put(&s->in, data, len);
	fake_sock_wake(s);
}

void fake_sock_eof(struct fake_sock *s)
{
	s->eof = true;
	fake_sock_wake(s);
}

/* As tcp_reset(): what was received can still be read; the rest is gone. */
void fake_sock_reset(struct fake_sock *s)
{
	stream_drop(&s->out, s->out.len);
	fake_sock_fail(s, ECONNRESET);
}

size_t fake_sock_take(struct fake_sock *s, void *buf, size_t size)
{
	size_t n = MIN(size, s->out.len);

	if (buf && n)
		memcpy(buf, s->out.bytes + s->out.first, n);
	stream_drop(&s->out, n);
	if (s->nospace && writable(s)) {
		s->nospace = false;
		fake_sock_wake(s);
	}
	return n;
}

int fake_sock_option(const struct fake_sock *s, int level, int name, int none)
{
	size_t n = MIN(s->n_options, (size_t)FAKE_OPTIONS);

	while (n--) {
		if (s->options[n].level == level && s->options[n].name == name)
			return s->options[n].value;
	}
	return none;
}
