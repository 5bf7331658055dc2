/* SPDX-License-Identifier: MIT */
/*
 * DNS queries on their way to the host's servers.
 *
 * Each query is a flow with a connected socket of its own and a number of its
 * own, so that an answer has to come from the server, to a port and with a number
 * that others would have to guess (RFC 5452); the question must be the same too.
 *
 * Servers are asked one after the other, beginning with the one that answered
 * last: the next when one fails, or has not answered in time; as many rounds as
 * "attempts" says. An answer of failure (SERVFAIL, REFUSED, NOTIMP) counts as
 * one as long as there is a server that has not been asked yet. In the end the
 * guest gets SERVFAIL.
 *
 * An asker that repeats itself is not asked for twice: we repeat it already.
 */
#include "backends/consomme/build.h"
#include "backends/consomme/dns.h"
#include "base/bytes.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

/* The longest answer that is read, and with it the longest that is passed on. */
#define ANSWER_MAX 4096
static_assert(ANSWER_MAX + NET_ETHERNET_LEN + NET_IPV6_LEN + NET_UDP_LEN <=
		      CSM_REPLY_MAX,
	      "an answer is a reply");

#define UDP_HEADERS4 (NET_IPV4_LEN_MIN + NET_UDP_LEN)
#define UDP_HEADERS6 (NET_IPV6_LEN + NET_UDP_LEN)

/* @id: its number with the servers. @first: the server that was asked first.
 * @tries: how often one was asked. @msg: the query, with @id. */
struct asked {
	struct csm_flow flow;
	struct csm_timer timer;
	struct csm_dns_query query;
	uint16_t id;
	size_t first, server;
	size_t tries;
	size_t len;
	uint8_t msg[];
};

static struct asked *asked_of(struct csm_flow *flow)
{
	return container_of(flow, struct asked, flow);
}

static void end(struct csm_flow *flow)
{
	csm_timer_stop(&flow->stack->timers, &asked_of(flow)->timer);
	csm_flow_bury(flow);
}

static void destroy(struct csm_flow *flow)
{
	free(asked_of(flow));
}

/* A flood of queries must not push out those that wait. */
static bool may_evict(const struct csm_flow *flow)
{
	UNUSED(flow);
	return false;
}

static const struct csm_flow_ops asked_ops = {
	.proto = "dns",
	.may_evict = may_evict,
	.end = end,
	.destroy = destroy,
};

/* A new socket to @server. */
static int connect_to(struct asked *q, const struct csm_addr *server)
{
	struct csm_source *source = &q->flow.source;
	struct csm_host *host = q->flow.stack->host;
	int err;

	if (source->fd >= 0)
		csm_host_close(host, source->fd);
	source->fd =
		csm_host_socket(host, CSM_SOCKET_UDP, !csm_addr_is4(server));
	if (source->fd < 0) {
		err = source->fd;
		source->fd = -1;
		if (err == -EMFILE || err == -ENFILE)
			q->flow.stack->count.out_of_fds++;
		return err;
	}
	err = csm_host_connect(host, source->fd, server, CSM_DNS_PORT);
	return err < 0 ? err
		       : csm_host_watch(host, source->fd, EPOLLIN, source);
}

static int ask(struct asked *q, const struct csm_addr *server)
{
	struct iovec iov = {.iov_base = q->msg, .iov_len = q->len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	int err = connect_to(q, server);
	ssize_t n;

	if (err < 0)
		return err;
	csm_host_random(q->flow.stack->host, &q->id, sizeof(q->id));
	store_be16(q->msg, q->id);
	n = csm_host_send(q->flow.stack->host, q->flow.source.fd, &msg, 0);
	return n < 0 ? (int)n : 0;
}

/* Asks the next server, or gives up. */
static void ask_next(struct asked *q)
{
	struct csm_stack *stack = q->flow.stack;
	const struct csm_resolv_conf *conf = &stack->dns->conf;

	while (q->tries < conf->n_servers * conf->attempts) {
		q->server = (q->first + q->tries++) % conf->n_servers;
		if (ask(q, &conf->servers[q->server]) == 0) {
			csm_timer_set(&stack->timers, &q->timer,
				      stack->now + conf->timeout * CSM_SEC);
			return;
		}
	}
	stack->count.dns_failed++;
	csm_dns_say(stack, &q->flow.key, &q->query, CSM_DNS_SERVFAIL);
	end(&q->flow);
}

static void timed_out(struct csm_timer *timer)
{
	ask_next(container_of(timer, struct asked, timer));
}

/* How long an answer to it may be: what the asker takes, what a frame holds, and
 * what was read. */
static size_t room(const struct asked *q)
{
	bool is4 = csm_addr_is4(&q->flow.key.guest);
	size_t headers = is4 ? UDP_HEADERS4 : UDP_HEADERS6;
	size_t mtu = q->flow.stack->config->mtu - headers;

	return MIN(MIN((size_t)q->query.room, mtu), (size_t)ANSWER_MAX);
}

/* @len: the answer's; only ANSWER_MAX bytes of it are in @msg. */
static void pass_on(struct asked *q, uint8_t *msg, size_t len)
{
	struct csm_flow *flow = &q->flow;

	store_be16(msg, q->query.id);
	if (len > room(q))
		len = csm_dns_answer_cut(&q->query, msg);
	csm_build_udp_reply(flow->stack, &flow->key.far, CSM_DNS_PORT,
			    &flow->key.guest, flow->key.guest_port, msg, len);
	flow->stack->dns->current =
		q->server % flow->stack->dns->conf.n_servers;
	end(flow);
}

static bool is_failure(const uint8_t *msg)
{
	enum csm_dns_rcode rcode = csm_dns_answer_rcode(msg);

	return rcode == CSM_DNS_SERVFAIL || rcode == CSM_DNS_REFUSED ||
	       rcode == CSM_DNS_NOTIMP;
}

/* One datagram for each event: there will be another if there is more. What is
 * no answer is passed over: the true one may still come. */
static void event(struct csm_source *source, uint32_t events)
{
	struct asked *q = container_of(source, struct asked, flow.source);
	uint8_t answer[ANSWER_MAX];
	struct iovec iov = {.iov_base = answer, .iov_len = sizeof(answer)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	UNUSED(events);
	n = csm_host_recv(q->flow.stack->host, source->fd, &msg, MSG_TRUNC);
	if (n == -EAGAIN)
		return;
	if (n < 0) {
		ask_next(q);
		return;
	}
	if (!csm_dns_is_answer(&q->query, q->id, answer,
			       MIN((size_t)n, sizeof(answer))))
		return;
	if (is_failure(answer) && q->tries < q->flow.stack->dns->conf.n_servers)
		ask_next(q);
	else
		pass_on(q, answer, (size_t)n);
}

void csm_dns_forward(struct csm_stack *stack, const struct csm_key *key,
		     const struct csm_dns_query *query, const uint8_t *msg,
		     size_t len)
{
	struct asked *q;

	if (csm_flow_find(&stack->flows, key))
		return;
	q = calloc(1, sizeof(*q) + len);
	if (!q)
		return;
	q->flow.ops = &asked_ops;
	q->flow.key = *key;
	q->flow.source.event = event;
	q->flow.source.fd = -1;
	csm_sender_init(&q->flow.sender, NULL);
	csm_timer_init(&q->timer, timed_out);
	q->query = *query;
	q->first = stack->dns->current;
	q->len = len;
	memcpy(q->msg, msg, len);
	if (csm_flow_add(stack, &q->flow) < 0) {
		csm_dns_say(stack, key, query, CSM_DNS_REFUSED);
		free(q);
		return;
	}
	q->flow.out = len;
	ask_next(q);
}
