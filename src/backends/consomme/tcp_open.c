/* SPDX-License-Identifier: MIT */
/*
 * Connections that the guest makes.
 *
 * A SYN that the policy allows becomes a socket that connects. The guest is
 * answered when that has ended: by a SYN-ACK, by a reset if nobody listens
 * there, or by an ICMP error and a reset if the host cannot get there; so that
 * its programs see what they would see on the host.
 *
 * A connection to the stack's DNS address is made to a name server. At no other
 * address of the stack's own does anything listen.
 */
#include "backends/consomme/build.h"
#include "backends/consomme/tcp_life.h"
#include "base/bytes.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define DNS_PORT 53

/* How large a segment we take: what fits a frame of the NIC's. */
static uint16_t own_mss(const struct csm_stack *stack, bool v6)
{
	uint16_t headers = (uint16_t)((v6 ? NET_IPV6_LEN : NET_IPV4_LEN_MIN) +
				      NET_TCP_LEN_MIN);

	return (uint16_t)(stack->config->mtu - headers);
}

size_t csm_tcp_syn_options(const struct csm_tcp *tcp, uint8_t *at)
{
	bool v6 = !csm_addr_is4(&tcp->flow.key.guest);

	at[0] = TCPOPT_MAXSEG;
	at[1] = TCPOLEN_MAXSEG;
	store_be16(at + 2, own_mss(tcp->flow.stack, v6));
	if (tcp->state == CSM_TCP_SYN_RCVD && !tcp->scaled)
		return 4;
	at[4] = TCPOPT_NOP;
	at[5] = TCPOPT_WINDOW;
	at[6] = TCPOLEN_WINDOW;
	at[7] = CSM_TCP_SCALE;
	return 8;
}

void csm_tcp_take_syn(struct csm_tcp *tcp, const struct csm_seg *seg)
{
	bool v6 = !csm_addr_is4(&tcp->flow.key.guest);
	uint16_t mss = seg->mss ? seg->mss : CSM_TCP_MSS_DEFAULT;

	tcp->mss = MIN(MAX(mss, (uint16_t)CSM_TCP_MSS_MIN),
		       own_mss(tcp->flow.stack, v6));
	tcp->scaled = seg->scale != CSM_TCP_NO_SCALE;
	tcp->scale = tcp->scaled ? seg->scale : 0;
	tcp->wnd = seg->window;
	tcp->irs = seg->seq;
	tcp->rcv_nxt = seg->seq + 1;
	tcp->rcv_edge = tcp->rcv_nxt + CSM_TCP_WINDOW_SYN;
}

int csm_tcp_create(struct csm_stack *stack, const struct csm_key *key,
		   struct csm_tcp **out)
{
	struct csm_tcp *tcp;
	int err;

	if (!csm_tcp_make_room(stack))
		return -EAGAIN;
	tcp = calloc(1, sizeof(*tcp));
	if (!tcp)
		return -ENOMEM;
	tcp->flow.ops = &csm_tcp_ops;
	tcp->flow.stack = stack;
	tcp->flow.key = *key;
	tcp->flow.source.event = csm_tcp_event;
	tcp->flow.source.fd = -1;
	csm_sender_init(&tcp->flow.sender, csm_tcp_turn);
	list_init(&tcp->half_open);
	csm_tcp_life_init(tcp);
	csm_tcp_data_init(tcp);
	tcp->iss = csm_tcp_isn(stack, key);
	tcp->una = tcp->iss;
	tcp->nxt = tcp->iss + 1;
	tcp->max = tcp->nxt;
	tcp->heard = stack->now;
	err = csm_flow_add(stack, &tcp->flow);
	if (err < 0) {
		csm_tcp_data_fini(tcp);
		free(tcp);
		return err;
	}
	list_insert_before(&stack->half_open, &tcp->half_open);
	stack->n_half_open++;
	*out = tcp;
	return 0;
}

/* Nothing that the guest writes waits in the host for more; urgent data stay
 * where they are in the stream; the kernel finds out if the peer has vanished.
 * An option that is refused does no harm, but for the one that is looked at. */
void csm_tcp_prepare(struct csm_tcp *tcp, bool v6)
{
	struct csm_stack *stack = tcp->flow.stack;
	int fd = tcp->flow.source.fd, on = 1, zero = 0;

	(void)csm_host_set(stack->host, fd, IPPROTO_TCP, TCP_NODELAY, &on,
			   sizeof(on));
	(void)csm_host_set(stack->host, fd, SOL_SOCKET, SO_OOBINLINE, &on,
			   sizeof(on));
	(void)csm_host_set(stack->host, fd, SOL_SOCKET, SO_KEEPALIVE, &on,
			   sizeof(on));
	tcp->peeks = (v6 ? stack->peeks6 : stack->peeks4) &&
		     csm_host_set(stack->host, fd, SOL_SOCKET, SO_PEEK_OFF,
				  &zero, sizeof(zero)) == 0;
}

int csm_tcp_watch(struct csm_tcp *tcp)
{
	return csm_host_watch(tcp->flow.stack->host, tcp->flow.source.fd,
			      CSM_TCP_EVENTS, &tcp->flow.source);
}

/* Where a connection of the guest's goes. 0 or -errno. */
static int route(struct csm_stack *stack, const struct csm_key *key,
		 struct csm_addr *host)
{
	const struct consomme_config *c = stack->config;
	int err;

	if (key->far_port == DNS_PORT && (csm_addr_equal(&key->far, &c->dns) ||
					  csm_addr_equal(&key->far, &c->dns6)))
		return csm_dns_server(stack, host);
	err = csm_stack_route(stack, &key->far, host);
	if (err == -EHOSTUNREACH && csm_stack_is_own(stack, &key->far))
		return -ECONNREFUSED;
	return err;
}

static bool is_exhaustion(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOBUFS ||
	       err == -ENOMEM;
}

static int make_socket(struct csm_tcp *tcp)
{
	struct csm_stack *stack = tcp->flow.stack;
	bool v6 = !csm_addr_is4(&tcp->host);
	char cause[ERRNO_TEXT_MAX];
	int fd = csm_host_socket(stack->host, CSM_SOCKET_TCP, v6);

	if (fd >= 0) {
		tcp->flow.source.fd = fd;
		csm_tcp_prepare(tcp, v6);
		return 0;
	}
	if (is_exhaustion(fd)) {
		stack->count.out_of_fds++;
		log_limited(&stack->log, LOG_LEVEL_WARN,
			    "%s: a TCP connection of the guest's is refused: "
			    "socket: %s: raise the limit of open files",
			    stack->config->name,
			    errno_text(-fd, cause, sizeof(cause)));
	}
	return fd;
}

/* 0: it is on its way. */
static int start_connect(struct csm_tcp *tcp)
{
	struct csm_stack *stack = tcp->flow.stack;
	int err = make_socket(tcp);

	if (err < 0)
		return err;
	err = csm_host_connect(stack->host, tcp->flow.source.fd, &tcp->host,
			       tcp->host_port);
	if (err < 0 && err != -EINPROGRESS)
		return err;
	tcp->state = CSM_TCP_CONNECTING;
	csm_tcp_life_start(tcp);
	if (err == 0)
		csm_tcp_connected(tcp, 0);
	return csm_tcp_watch(tcp);
}

/* Does an error say that the host cannot get there? Others are about the port
 * there, or about us. */
static int icmp_error(int err)
{
	switch (err) {
	case EACCES:
	case EPERM:
		return EACCES;
	case EHOSTUNREACH:
	case ETIMEDOUT:
	case EHOSTDOWN:
	case ENOENT:
		return EHOSTUNREACH;
	case ENETUNREACH:
	case ENETDOWN:
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
		return ENETUNREACH;
	default:
		return 0;
	}
}

static void refuse(struct csm_stack *stack, const struct csm_in *in,
		   const struct csm_seg *seg, int err)
{
	int icmp = icmp_error(err);

	stack->count.refused++;
	if (icmp)
		csm_icmp_error(stack, in, icmp, 0, NULL);
	csm_tcp_refuse(stack, in, seg);
}

void csm_tcp_open(struct csm_stack *stack, const struct csm_in *in,
		  const struct csm_seg *seg)
{
	struct csm_key key = {
		.guest = in->src,
		.far = in->dst,
		.guest_port = in->src_port,
		.far_port = in->dst_port,
		.kind = CSM_FLOW_TCP,
	};
	struct csm_addr host;
	struct csm_tcp *tcp;
	int err;

	if (csm_addr_is_multicast(&in->dst)) {
		stack->count.refused++;
		return;
	}
	err = route(stack, &key, &host);
	if (err == 0)
		err = csm_tcp_create(stack, &key, &tcp);
	/* As a listener with a full backlog: it will ask again. */
	if (err == -EAGAIN) {
		stack->count.refused++;
		return;
	}
	if (err) {
		refuse(stack, in, seg, -err);
		return;
	}
	csm_tcp_take_syn(tcp, seg);
	tcp->host = host;
	tcp->host_port = key.far_port;
	err = start_connect(tcp);
	if (err < 0) {
		csm_tcp_end(tcp, true);
		refuse(stack, in, seg, -err);
	}
}

void csm_tcp_connected(struct csm_tcp *tcp, int err)
{
	struct csm_stack *stack = tcp->flow.stack;
	int icmp = icmp_error(err);

	if (!err) {
		tcp->state = CSM_TCP_SYN_RCVD;
		csm_tcp_life_start(tcp);
		csm_tcp_say(tcp, CSM_DUE_SYN);
		return;
	}
	tcp->error = err;
	stack->count.refused++;
	if (icmp) {
		uint8_t head[8] = {0};

		/* The first bytes of the guest's SYN. */
		store_be16(head, tcp->flow.key.guest_port);
		store_be16(head + 2, tcp->flow.key.far_port);
		store_be32(head + 4, tcp->irs);
		csm_icmp_error_for(stack, &tcp->flow.key, head, sizeof(head),
				   NET_TCP_LEN_MIN, icmp, 0, NULL);
	}
	csm_tcp_abort(tcp);
}
