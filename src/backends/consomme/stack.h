/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_CONSOMME_STACK_H
#define EVNIC_BACKENDS_CONSOMME_STACK_H

/*
 * The stack: one network with one guest.
 *
 * It is driven from outside and never waits: frames come in by csm_stack_input(),
 * what the host has to say by csm_stack_events(), time by csm_stack_tick(); what
 * there is for the guest goes out by csm_stack_output(), into the guest's own
 * buffers, when these have been given. Nothing is kept for sending: who has
 * something to send wakes its sender and makes the frame when its turn comes,
 * but for answers that belong to no flow (replies.h).
 *
 * It belongs to the endpoint and stays while queues come and go.
 *
 * Thread: whichever has it, one at a time: the loop of the queue, or the control
 * loop while there is none.
 */

#include "backends/consomme/consomme.h"
#include "backends/consomme/flow.h"
#include "backends/consomme/host.h"
#include "backends/consomme/in.h"
#include "backends/consomme/out.h"
#include "backends/consomme/replies.h"
#include "backends/consomme/timer.h"
#include "base/log.h"

struct csm_dhcp;
struct csm_dns;
struct csm_forwards;
struct csm_icmp;
struct csm_ndp;
struct csm_tcp;

/* X(name): each is a uint64_t of csm_stack.count, and in inspect. */
#define CSM_COUNTERS(X)    \
	X(arp)             \
	X(dhcp)            \
	X(dhcp6)           \
	X(ndp)             \
	X(echo)            \
	X(icmp_errors)     \
	X(icmp_ignored)    \
	X(dns)             \
	X(dns_static)      \
	X(dns_failed)      \
	X(refused)         \
	X(no_replies)      \
	X(no_flow)         \
	X(tcp_bad)         \
	X(tcp_resets)      \
	X(tcp_retransmits) \
	X(tcp_dup_acks)    \
	X(tcp_challenges)  \
	X(tcp_spilled) X(udp_dropped) X(accept_failed) X(out_of_fds)

#define CSM_COUNTER(name) uint64_t name;

/* The most pieces of guest memory that one sendmsg() takes. */
#define CSM_BATCH_PIECES 1024

/* Consecutive payload of one TCP flow, gathered from a burst of frames, where
 * it lies in guest memory: @len bytes in @n pieces, for the socket of @tcp.
 * (tcp_from_guest.c) */
struct csm_batch {
	struct csm_tcp *tcp; /* NULL: nothing is gathered */
	size_t n, len;
	struct iovec iov[CSM_BATCH_PIECES];
};

/* How many TCP flows used up windows in this second and in the one before, which
 * share what may be promised to the guest. (tcp_window.c) */
struct csm_share {
	uint32_t second; /* since when there is time */
	uint32_t now, before;
};

/* @now: the time, the same for all of one entry. @guest4: leased to the guest,
 * or what it uses; @guest6: the global address it was last seen with; both any
 * until then. @guest_mac: valid if @guest_known. @batch: TCP payload that
 * waits for the end of the burst. @half_open: TCP flows whose handshake is not
 * done, the oldest first. */
struct csm_stack {
	const struct consomme_config *config;
	struct csm_host *host;
	uint64_t now;
	uint64_t secret[2]; /* sequence numbers (RFC 6528) */
	struct csm_timers timers;
	struct list senders;
	struct csm_flows flows;
	struct csm_replies replies;
	uint8_t guest_mac[6];
	bool guest_known;
	struct csm_addr guest4, guest6;
	struct csm_batch batch;
	struct csm_share share;
	struct list half_open;
	uint32_t n_half_open;
	bool peeks4, peeks6; /* SO_PEEK_OFF works for TCP */
	bool no_ping4, no_ping6;
	struct csm_icmp *icmp;
	struct csm_ndp *ndp;
	struct csm_dns *dns;
	struct csm_forwards *forwards;
	struct {
		CSM_COUNTERS(CSM_COUNTER)
		uint64_t drops[CSM_DROPS];
	} count;
	struct log_limit log;
};

/* @config, @host: borrowed for the stack's life. 0 or -errno. */
int csm_stack_create(const struct consomme_config *config,
		     struct csm_host *host, struct csm_stack **out) MUST_CHECK;

/* Ends every flow without a word, and frees. */
void csm_stack_destroy(struct csm_stack *stack);

/* A frame from the guest, and the end of a burst of them. */
void csm_stack_input(struct csm_stack *stack, const struct net_tx_meta *meta,
		     const struct iovec *iov, size_t n_iov);
void csm_stack_input_end(struct csm_stack *stack);

/* Asks the host what has happened, and does what follows from it. */
void csm_stack_events(struct csm_stack *stack);

/* Does what is due. When to call it again is csm_stack_next(). */
void csm_stack_tick(struct csm_stack *stack);
uint64_t csm_stack_next(const struct csm_stack *stack);

/* Is there something for the guest? */
static inline bool csm_stack_has_output(const struct csm_stack *stack)
{
	return !list_is_empty(&stack->senders);
}

/* Gives senders their turns until nobody has anything, the packets' array is
 * full, the buffers are used up (@out->no_room), or enough turns have been had:
 * one may find something that is to be dropped. */
void csm_stack_output(struct csm_stack *stack, struct csm_out *out);

/* Is it one of the stack's own addresses (gateway, DNS)? */
bool csm_stack_is_own(const struct csm_stack *stack,
		      const struct csm_addr *addr);

/* Is it behind the stack's MAC: one of its own, or an alias? */
bool csm_stack_has(const struct csm_stack *stack, const struct csm_addr *addr);

/* Where a flow of the guest's to @far goes on the host: *@host, which differs
 * from it for aliases of the loopback. 0; -EACCES: the rules forbid it;
 * -EHOSTUNREACH: it leads nowhere (policy.h). */
int csm_stack_route(const struct csm_stack *stack, const struct csm_addr *far,
		    struct csm_addr *host) MUST_CHECK;

/* The guest's address of a version, for inbound flows to an unnamed one; false:
 * not known yet. */
bool csm_stack_guest(const struct csm_stack *stack, bool v6,
		     struct csm_addr *out);

void csm_stack_inspect(const struct csm_stack *stack, struct inspect *in);

/* ---- What the protocols' files give to the stack ---- */

/* Frames by protocol; @in is good for the call. (arp.c, icmp.c, icmp6.c, tcp.c,
 * udp.c) */
void csm_arp_input(struct csm_stack *stack, const struct csm_in *in);
void csm_icmp4_input(struct csm_stack *stack, const struct csm_in *in);
void csm_icmp6_input(struct csm_stack *stack, const struct csm_in *in);
void csm_tcp_input(struct csm_stack *stack, const struct csm_in *in);
void csm_udp_input(struct csm_stack *stack, const struct csm_in *in);

/* The burst has ended: data gathered for a socket are sent. (tcp_from_guest.c) */
void csm_tcp_flush(struct csm_stack *stack);

/* DHCP messages of the guest's: to port 67, and IPv6 to port 547. (dhcp.c,
 * dhcp6.c) */
void csm_dhcp_input(struct csm_stack *stack, const struct csm_in *in);
void csm_dhcp6_input(struct csm_stack *stack, const struct csm_in *in);

/* How fast errors may be told to the guest. (icmp.c) */
int csm_icmp_create(struct csm_stack *stack) MUST_CHECK;
void csm_icmp_destroy(struct csm_stack *stack);

/* Neighbour and router discovery; from csm_icmp6_input(). Router advertisements
 * come by themselves once the guest has been seen. (ndp.c) */
int csm_ndp_create(struct csm_stack *stack) MUST_CHECK;
void csm_ndp_destroy(struct csm_stack *stack);
void csm_ndp_input(struct csm_stack *stack, const struct csm_in *in);
void csm_ndp_guest_seen(struct csm_stack *stack);

/* DNS: queries to the stack's DNS address by UDP; by TCP they are connections to
 * a server. @server: 0 or -ENOENT. (dns.c) */
int csm_dns_create(struct csm_stack *stack) MUST_CHECK;
void csm_dns_destroy(struct csm_stack *stack);
void csm_dns_input(struct csm_stack *stack, const struct csm_in *in);
int csm_dns_server(struct csm_stack *stack, struct csm_addr *server) MUST_CHECK;
void csm_dns_set_resolv_conf(struct csm_stack *stack, const char *text);

/* Inbound forwards (forwards.c). The endpoint makes their sockets; @fds: one
 * for each port, the stack's from here on, also if it fails: -EEXIST, -ENOMEM.
 * @find, @remove: 0 or -ENOENT. */
int csm_forwards_create(struct csm_stack *stack) MUST_CHECK;
void csm_forwards_destroy(struct csm_stack *stack);
int csm_forward_add(struct csm_stack *stack,
		    const struct consomme_forward *forward,
		    const int *fds) MUST_CHECK;
int csm_forward_find(const struct csm_stack *stack,
		     const struct consomme_forward *forward) MUST_CHECK;
int csm_forward_remove(struct csm_stack *stack,
		       const struct consomme_forward *forward) MUST_CHECK;
void csm_forwards_inspect(const struct csm_stack *stack, struct inspect *in);

/* A connection has been accepted for port @guest_port of the guest's; @fd is
 * the flow's, also if there is none: then it is reset. (tcp_accept.c) */
void csm_tcp_accept(struct csm_stack *stack, int fd,
		    const struct csm_addr *peer, uint16_t peer_port,
		    const struct csm_addr *guest, uint16_t guest_port);

/* A socket bound by a UDP forward: datagrams that come go to the guest's
 * address, answers go back by the same socket. (udp_forward.c) */
struct csm_udp_forward;
int csm_udp_forward_create(struct csm_stack *stack, int fd,
			   const struct csm_addr *guest, uint16_t guest_port,
			   struct csm_udp_forward **out) MUST_CHECK;
void csm_udp_forward_destroy(struct csm_udp_forward *forward);

/* Does the kernel's SO_PEEK_OFF do what we need, for TCP of a version? Tried on
 * a pair of connected sockets. (peek_probe.c) */
bool csm_peek_probe(bool v6);

#endif
