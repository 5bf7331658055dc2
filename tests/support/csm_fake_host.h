/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_SUPPORT_CSM_FAKE_HOST_H
#define EVNIC_TESTS_SUPPORT_CSM_FAKE_HOST_H

/*
 * A host for consomme's stack that a test plays: the clock stands still until it
 * is set, sockets do as they are told, and what a socket is told is on record.
 *
 * Sockets behave as Linux's do where a stack can see it: edges of EPOLLET (a
 * socket that has become writable tells it only if a send was short before),
 * SO_PEEK_OFF, MSG_TRUNC, SO_ERROR, error queues, UDP_SEGMENT and UDP_GRO. Each
 * socket stays for the test to look at when the stack has closed it; its
 * descriptor is used again, the lowest free one first.
 */

#include "backends/consomme/host.h"
#include "base/list.h"

#define FAKE_FD_FIRST 1000
#define FAKE_OPTIONS  24

/* Bytes in order. @total: ever put in. */
struct fake_stream {
	uint8_t *bytes;
	size_t first, len, size;
	uint64_t total;
};

/* A datagram, or an entry of an error queue (@err not 0: @type, @code, @info,
 * @from as IP_RECVERR tells them). @gso: of several datagrams in one. */
struct fake_dgram {
	struct list node;
	struct csm_addr addr;
	uint16_t port;
	uint16_t gso;
	int err;
	uint8_t type, code, origin;
	uint32_t info;
	struct csm_addr from;
	size_t len;
	uint8_t bytes[];
};

enum fake_state {
	FAKE_IDLE,
	FAKE_CONNECTING,
	FAKE_CONNECTED,
	FAKE_DEAD, /* failed, or reset */
};

struct fake_option {
	int level, name, value;
};

/* @peer: whom it was connected to. @out: what the stack has sent and the peer
 * has not taken; @in: what the peer has sent and the stack has not taken.
 * @peek_off: SO_PEEK_OFF, -1: off. @eof: the peer has no more. @shut: the stack
 * has no more. @error: SO_ERROR. @rst: closed by the stack with a reset. @nospace:
 * a send was short, so that room will be told. @sndbuf: bytes @out may hold.
 * @send_max: at most so many for one send. @dgrams_in, @dgrams_out, @errors,
 * @waiting: datagrams both ways, the error queue, connections to be accepted. */
struct fake_sock {
	struct list node, ready_node, accept_node;
	struct fake_host *host;
	enum csm_socket kind;
	enum fake_state state;
	int fd; /* -1: closed */
	bool v6, listens;
	struct csm_addr peer;
	uint16_t port;
	struct fake_stream in, out;
	int64_t peek_off;
	bool eof, shut, rst, nospace;
	int error;
	size_t sndbuf, rcvbuf, send_max;
	struct list dgrams_in, dgrams_out, errors, waiting;
	size_t n_dgrams_out;
	uint32_t events; /* watched; 0: not */
	void *arg;
	struct fake_option options[FAKE_OPTIONS];
	size_t n_options;
	unsigned int sends, recvs, peeks;
};

enum fake_op {
	FAKE_SOCKET,
	FAKE_CONNECT,
	FAKE_ACCEPT,
	FAKE_SEND,
	FAKE_RECV,
	FAKE_WATCH,
	FAKE_SET,
	FAKE_OPS,
};

/* @connect_result: of each connect(): 0, -EINPROGRESS (then fake_sock_accept()
 * or fake_sock_fail() end it) or -errno. @max_open: sockets that may be open,
 * then -EMFILE. @fail: the next @times calls say @err. @peeks: SO_PEEK_OFF works.
 * @sndbuf: of new sockets. @calls: of each op. */
struct fake_host {
	struct csm_host base;
	uint64_t now;
	uint64_t seed;
	int connect_result;
	size_t max_open;
	size_t sndbuf;
	bool peeks;
	struct {
		int err;
		unsigned int times;
	} fail[FAKE_OPS];
	uint64_t calls[FAKE_OPS];
	struct fake_sock **table; /* by descriptor */
	size_t n_table, n_open;
	struct list socks; /* all, in the order of their making */
	size_t n_socks;
	struct list ready;
	/* Things that a stack must not do: calls with a descriptor that is
	 * closed, say. */
	unsigned int violations;
};

void fake_host_init(struct fake_host *host);
void fake_host_fini(struct fake_host *host);

/* The newest socket, or NULL. */
struct fake_sock *fake_host_last(struct fake_host *host);

/* Frees the sockets that the stack has closed. */
void fake_host_forget_closed(struct fake_host *host);

/* A socket that listens, or is bound, as the opener would give it. */
struct fake_sock *fake_host_bound(struct fake_host *host, enum csm_socket kind,
				  bool v6);

/* Somebody connects to @listener; the socket that accept() will give. */
struct fake_sock *fake_listener_push(struct fake_sock *listener,
				     const struct csm_addr *peer,
				     uint16_t port);

/* The end of a connect() under way. */
void fake_sock_accept(struct fake_sock *sock);
void fake_sock_fail(struct fake_sock *sock, int err);

/* The peer sends bytes, or no more, or a reset. */
void fake_sock_deliver(struct fake_sock *sock, const void *data, size_t len);
void fake_sock_eof(struct fake_sock *sock);
void fake_sock_reset(struct fake_sock *sock);

/* The peer takes what the stack has sent: at most @size bytes (@buf NULL: to
 * throw away); how many. */
size_t fake_sock_take(struct fake_sock *sock, void *buf, size_t size);

/* A datagram comes from @addr; @gso: of several in one (UDP_GRO). */
void fake_sock_datagram(struct fake_sock *sock, const struct csm_addr *addr,
			uint16_t port, const void *data, size_t len,
			uint16_t gso);

/* The oldest datagram that the stack has sent, off its list: the caller frees
 * it. NULL: none. */
struct fake_dgram *fake_sock_take_datagram(struct fake_sock *sock);

/* An ICMP error has come back for a datagram of which @data is left. @err: as
 * the kernel turns it into one; @type, @code, @info, @from: as it came. */
void fake_sock_icmp(struct fake_sock *sock, int err, uint8_t type, uint8_t code,
		    uint32_t info, const struct csm_addr *from,
		    const void *data, size_t len);

/* The last value that the option was set to, or @none. */
int fake_sock_option(const struct fake_sock *sock, int level, int name,
		     int none);

/* Something has happened that a watcher should be told. */
void fake_sock_wake(struct fake_sock *sock);

#endif
