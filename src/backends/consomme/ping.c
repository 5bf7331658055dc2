/* SPDX-License-Identifier: MIT */
/*
 * Echo requests to the world, by ping sockets (icmp(7), ping_group_range).
 *
 * Each identifier that the guest uses with a peer is a flow with a socket of its
 * own. The kernel gives what is sent an identifier that it chooses, and hands out
 * the answers to that; ours only has to put the guest's back. Time to live goes
 * through in both directions, and ICMP errors come back by the socket's error
 * queue, so that the guest can trace routes.
 *
 * A flow ends when the guest has not asked for IDLE. Without the right to make
 * such sockets there are no flows, and the guest is told that it is forbidden.
 */
#include "backends/consomme/build.h"
#include "backends/consomme/icmp.h"
#include "backends/consomme/sock_error.h"
#include "base/bytes.h"
#include "net/checksum.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>

#define IDLE (10 * CSM_SEC)
/* The most pieces of guest memory that a request may be in. */
#define PIECES 64
/* The most errors that are told at once. */
#define ERRORS 64

/* Where fields of an echo message are; it has both versions' shape. */
#define ECHO_LEN 8
#define AT_CSUM	 2
#define AT_ID	 4

/* @host: who is asked, as the host knows it. @largest: payload of a request, and
 * so of an answer. @ttl: of the socket; 0: not set yet. */
struct ping {
	struct csm_flow flow;
	struct csm_timer timer;
	struct csm_addr host;
	uint32_t largest;
	uint8_t ttl;
};

static struct ping *ping_of(struct csm_flow *flow)
{
	return container_of(flow, struct ping, flow);
}

static bool is_v6(const struct ping *ping)
{
	return !csm_addr_is4(&ping->flow.key.far);
}

static void end(struct csm_flow *flow)
{
	csm_timer_stop(&flow->stack->timers, &ping_of(flow)->timer);
	csm_flow_bury(flow);
}

static void destroy(struct csm_flow *flow)
{
	free(ping_of(flow));
}

static const struct csm_flow_ops ping_ops = {
	.proto = "ping",
	.end = end,
	.destroy = destroy,
};

static void timer_cb(struct csm_timer *timer)
{
	end(&container_of(timer, struct ping, timer)->flow);
}

/* Who says of an error, as the guest may know it; NULL: the gateway. */
static const struct csm_addr *find_teller(const struct ping *ping,
					  const struct csm_addr *from)
{
	const struct consomme_config *c = ping->flow.stack->config;

	if (csm_addr_equal(from, &ping->host))
		return &ping->flow.key.far;
	if (csm_addr_is4(from) != csm_addr_is4(&ping->host) ||
	    csm_addr_is_any(from) || csm_addr_is_loopback(from) ||
	    csm_prefix_has(&c->network, from) ||
	    csm_prefix_has(&c->network6, from))
		return NULL;
	return from;
}

static void tell_error(struct ping *ping, struct csm_sock_error *e)
{
	const struct csm_key *key = &ping->flow.key;
	uint16_t check;

	if (e->local || e->n < ECHO_LEN)
		return;
	/* As the guest has sent it. */
	check = net_csum_update(load_be16(e->data + AT_CSUM),
				load_be16(e->data + AT_ID), key->guest_port);
	store_be16(e->data + AT_CSUM, check);
	store_be16(e->data + AT_ID, key->guest_port);
	csm_icmp_error_for(ping->flow.stack, key, e->data, e->n, e->n, e->err,
			   e->mtu, find_teller(ping, &e->from));
}

static void tell_errors(struct ping *ping)
{
	struct csm_sock_error e = {0};

	for (int i = 0; i < ERRORS; i++) {
		if (csm_sock_error_next(ping->flow.stack->host,
					ping->flow.source.fd, &e) < 0)
			return;
		tell_error(ping, &e);
	}
}

static void event(struct csm_source *source, uint32_t events)
{
	struct ping *ping = container_of(source, struct ping, flow.source);

	if (events & EPOLLERR)
		tell_errors(ping);
	csm_sender_wake(ping->flow.stack, &ping->flow.sender);
}

/* An answer being passed on. @head: its echo header. */
struct answer {
	uint8_t head[ECHO_LEN];
	size_t len;
	uint8_t ttl;
};

static uint8_t find_ttl(struct msghdr *msg)
{
	int ttl = CSM_TTL;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c;
	     c = CMSG_NXTHDR(msg, c)) {
		if (((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
		     (c->cmsg_level == IPPROTO_IPV6 &&
		      c->cmsg_type == IPV6_HOPLIMIT)) &&
		    c->cmsg_len >= CMSG_LEN(sizeof(ttl)))
			memcpy(&ttl, CMSG_DATA(c), sizeof(ttl));
	}
	return (uint8_t)MAX(ttl, 1);
}

/* The kernel looks at the identifier only: who answers is ours to check. */
static bool is_answer(const struct ping *ping, const struct answer *answer,
		      const struct sockaddr_storage *sa, int flags)
{
	struct csm_addr from;
	uint16_t port;

	return !(flags & MSG_TRUNC) && answer->len >= ECHO_LEN &&
	       answer->head[0] ==
		       (is_v6(ping) ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY) &&
	       csm_addr_from_sockaddr(sa, &from, &port) == 0 &&
	       csm_addr_equal(&from, &ping->host);
}

/* Reads an answer, its payload to where @out says. 1; 0: something else; -EAGAIN:
 * nothing; -errno. */
static int read_answer(struct ping *ping, struct csm_out *out,
		       struct answer *answer)
{
	union {
		struct cmsghdr align;
		uint8_t bytes[256];
	} control;
	struct iovec iov[1 + CSM_OUT_PIECES];
	struct sockaddr_storage sa = {0};
	struct msghdr msg = {
		.msg_name = &sa,
		.msg_namelen = sizeof(sa),
		.msg_iov = iov,
		.msg_iovlen = 1 + out->n_iov,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;

	iov[0] = (struct iovec){answer->head, sizeof(answer->head)};
	memcpy(iov + 1, out->iov, out->n_iov * sizeof(iov[0]));
	n = csm_host_recv(ping->flow.stack->host, ping->flow.source.fd, &msg,
			  0);
	if (n < 0)
		return (int)n;
	answer->len = (size_t)n;
	answer->ttl = find_ttl(&msg);
	return is_answer(ping, answer, &sa, msg.msg_flags);
}

/* The headers around an answer, which is in place. */
static void make_frame(const struct ping *ping, const struct csm_out *out,
		       const struct answer *answer, struct csm_frame *frame)
{
	const struct csm_key *key = &ping->flow.key;
	uint8_t protocol = is_v6(ping) ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	struct net_iov_walk walk = net_iov_walk(out->iov, out->n_iov);
	struct net_csum sum = {0};
	size_t at = csm_build_ip(
		ping->flow.stack, frame->head, ping->flow.stack->guest_mac,
		protocol, answer->ttl, &key->far, &key->guest, answer->len);
	uint8_t *echo = frame->head + at;

	frame->head_len = (uint16_t)(at + ECHO_LEN);
	frame->payload = (uint32_t)(answer->len - ECHO_LEN);
	memcpy(echo, answer->head, ECHO_LEN);
	store_be16(echo + AT_ID, key->guest_port);
	store_be16(echo + AT_CSUM, 0);
	if (is_v6(ping))
		net_csum_add_u16(&sum,
				 csm_build_pseudo(protocol, &key->far,
						  &key->guest, answer->len));
	net_csum_add(&sum, echo, ECHO_LEN);
	(void)net_csum_add_walk(&sum, &walk, frame->payload);
	store_be16(echo + AT_CSUM, net_csum_finish(&sum));
}

static enum csm_turn turn(struct csm_sender *sender, struct csm_out *out)
{
	struct ping *ping = container_of(sender, struct ping, flow.sender);
	uint32_t head_len = (uint32_t)csm_build_ip_len(is_v6(ping)) + ECHO_LEN;
	struct csm_frame frame = {0};
	struct answer answer;
	int is;

	if (!csm_out_open(out, head_len, ping->largest, ping->largest))
		return CSM_TURN_NO_ROOM;
	is = read_answer(ping, out, &answer);
	if (is == -EAGAIN)
		return CSM_TURN_DONE;
	if (is <= 0)
		return CSM_TURN_MORE;
	make_frame(ping, out, &answer, &frame);
	ping->flow.in += frame.payload;
	csm_out_close(out, &frame);
	return CSM_TURN_MORE;
}

/* The right is missing: says so once. */
static void turn_off(struct csm_stack *stack, bool v6, int err)
{
	char text[ERRNO_TEXT_MAX];

	if (!stack->no_ping4 && !stack->no_ping6)
		log_warn("%s: ping socket: %s: the guest's pings go no further "
			 "than the gateway; allow them by \"sysctl -w "
			 "net.ipv4.ping_group_range='0 2147483647'\"",
			 stack->config->name,
			 errno_text(err, text, sizeof(text)));
	if (v6)
		stack->no_ping6 = true;
	else
		stack->no_ping4 = true;
}

static int open_socket(struct csm_stack *stack, struct ping *ping)
{
	struct csm_source *source = &ping->flow.source;
	bool v6 = is_v6(ping);
	int fd = csm_host_socket(stack->host, CSM_SOCKET_PING, v6);
	int on = 1, err;

	if (fd == -EMFILE || fd == -ENFILE)
		stack->count.out_of_fds++;
	if (fd == -EACCES || fd == -EPERM)
		turn_off(stack, v6, -fd);
	if (fd < 0)
		return fd;
	source->fd = fd;
	err = csm_sock_error_enable(stack->host, fd, v6);
	if (!err)
		err = v6 ? csm_host_set(stack->host, fd, IPPROTO_IPV6,
					IPV6_RECVHOPLIMIT, &on, sizeof(on))
			 : csm_host_set(stack->host, fd, IPPROTO_IP, IP_RECVTTL,
					&on, sizeof(on));
	if (!err)
		err = csm_host_connect(stack->host, fd, &ping->host, 0);
	return err ? err
		   : csm_host_watch(stack->host, fd, EPOLLIN | EPOLLET, source);
}

static int make(struct csm_stack *stack, const struct csm_key *key,
		const struct csm_addr *host, struct ping **out)
{
	struct ping *ping = calloc(1, sizeof(*ping));
	int err;

	if (!ping)
		return -ENOMEM;
	ping->flow.ops = &ping_ops;
	ping->flow.key = *key;
	ping->flow.source = (struct csm_source){.event = event, .fd = -1};
	ping->host = *host;
	csm_sender_init(&ping->flow.sender, turn);
	csm_timer_init(&ping->timer, timer_cb);
	err = csm_flow_add(stack, &ping->flow);
	if (err < 0) {
		free(ping);
		return err;
	}
	err = open_socket(stack, ping);
	if (err < 0) {
		end(&ping->flow);
		return err;
	}
	*out = ping;
	return 0;
}

/* Finds the flow, or makes it. */
static int find(struct csm_stack *stack, const struct csm_key *key,
		struct ping **out)
{
	struct csm_flow *flow = csm_flow_find(&stack->flows, key);
	struct csm_addr host;
	int err;

	if (flow) {
		*out = ping_of(flow);
		return 0;
	}
	err = csm_stack_route(stack, &key->far, &host);
	if (err < 0)
		return err;
	if (csm_addr_is4(&key->far) ? stack->no_ping4 : stack->no_ping6)
		return -EACCES;
	return make(stack, key, &host, out);
}

/* The guest's TTL becomes the socket's. */
static void set_ttl(struct ping *ping, uint8_t ttl)
{
	int value = ttl;
	int err;

	if (ttl == ping->ttl)
		return;
	err = is_v6(ping)
		      ? csm_host_set(ping->flow.stack->host,
				     ping->flow.source.fd, IPPROTO_IPV6,
				     IPV6_UNICAST_HOPS, &value, sizeof(value))
		      : csm_host_set(ping->flow.stack->host,
				     ping->flow.source.fd, IPPROTO_IP, IP_TTL,
				     &value, sizeof(value));
	if (!err)
		ping->ttl = ttl;
}

/* Sends the message as it lies in the guest's memory, but for its header. */
static ssize_t send_request(struct ping *ping, const struct csm_in *in,
			    uint8_t head[ECHO_LEN])
{
	struct iovec iov[1 + PIECES] = {{head, ECHO_LEN}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 1};
	struct net_iov_walk walk = in->payload;
	size_t left = in->payload_len - ECHO_LEN;

	if (!net_iov_skip(&walk, ECHO_LEN))
		return -EINVAL;
	while (left > 0 && msg.msg_iovlen < ARRAY_SIZE(iov) &&
	       net_iov_next(&walk, left, &iov[msg.msg_iovlen]))
		left -= iov[msg.msg_iovlen++].iov_len;
	if (left > 0)
		return -EINVAL;
	return csm_host_send(ping->flow.stack->host, ping->flow.source.fd, &msg,
			     0);
}

void csm_ping_input(struct csm_stack *stack, const struct csm_in *in)
{
	uint8_t head[ECHO_LEN];
	struct csm_key key = {
		.guest = in->src, .far = in->dst, .kind = CSM_FLOW_PING};
	struct ping *ping;
	ssize_t n;
	int err;

	if (in->ttl == 0 ||
	    csm_in_copy(in, head, sizeof(head)) < sizeof(head) || head[1] != 0)
		return;
	key.guest_port = load_be16(head + AT_ID);
	err = find(stack, &key, &ping);
	if (err < 0) {
		stack->count.refused++;
		csm_icmp_error(stack, in, -err, 0, NULL);
		return;
	}
	ping->largest = MAX(ping->largest, in->payload_len - ECHO_LEN);
	csm_flow_touch(&ping->flow);
	csm_timer_set(&stack->timers, &ping->timer, stack->now + IDLE);
	set_ttl(ping, in->ttl);
	n = send_request(ping, in, head);
	if (n < 0 && n != -EAGAIN) {
		/* What came of an earlier one stood in the way. */
		tell_errors(ping);
		n = send_request(ping, in, head);
	}
	if (n < 0 && n != -EAGAIN)
		csm_icmp_error(stack, in, (int)-n, 0, NULL);
	if (n > 0)
		ping->flow.out += (uint64_t)n - ECHO_LEN;
}
