/* SPDX-License-Identifier: MIT */
/*
 * consomme under a stream of operations of the guest, the host and the clock.
 *
 * First byte: the mode (consomme_rig.h). Each operation is a byte and its
 * operands. Segments are made with numbers around those that the stack is
 * waiting for, so that few bytes lead far into a connection.
 */
#include "base/bytes.h"
#include "fuzz/consomme_rig.h"
#include "fuzz/input.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#define OPS_MAX	  400
#define RAW_MAX	  1600
#define BYTES_MAX (4u << 20) /* of one connection's */

static struct csm_rig rig;
static struct fuzz_input input;
static uint8_t frame[NET_FRAME_MAX];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t take(size_t n)
{
	return (uint32_t)fuzz_take(&input, n);
}

/* ---- The guest ---- */

static size_t put_link(uint16_t type)
{
	static const uint8_t mac[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};

	memcpy(frame, rig.config.mac, 6);
	memcpy(frame + 6, mac, 6);
	store_be16(frame + 12, type);
	return NET_ETHERNET_LEN;
}

static uint16_t ip_sum(const uint8_t *ip)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < 20; i += 2)
		sum += load_be16(ip + i);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

/* Where the transport header goes. */
static size_t put_ip(const struct csm_key *key, uint8_t protocol, size_t len)
{
	bool v6 = !csm_addr_is4(&key->guest);
	size_t at = put_link(v6 ? NET_ETHERTYPE_IPV6 : NET_ETHERTYPE_IPV4);
	uint8_t *ip = frame + at;

	memset(ip, 0, 40);
	if (v6) {
		ip[0] = 0x60;
		store_be16(ip + 4, (uint16_t)len);
		ip[6] = protocol;
		ip[7] = 64;
		memcpy(ip + 8, key->guest.b, 16);
		memcpy(ip + 24, key->far.b, 16);
		return at + 40;
	}
	ip[0] = 0x45;
	store_be16(ip + 2, (uint16_t)(20 + len));
	ip[8] = 64;
	ip[9] = protocol;
	memcpy(ip + 12, csm_addr_bytes4(&key->guest), 4);
	memcpy(ip + 16, csm_addr_bytes4(&key->far), 4);
	store_be16(ip + 10, ip_sum(ip));
	return at + 20;
}

static uint8_t some_flags(void)
{
	static const uint8_t flags[] = {
		TH_SYN,
		TH_ACK,
		TH_ACK | TH_PUSH,
		TH_ACK,
		TH_FIN | TH_ACK,
		TH_SYN | TH_ACK,
		TH_RST,
		TH_RST | TH_ACK,
		TH_ACK | TH_URG,
		TH_ACK | TH_FIN | TH_PUSH | TH_URG,
		0,
	};
	uint32_t which = take(1) % (ARRAY_SIZE(flags) + 1);

	return which < ARRAY_SIZE(flags) ? flags[which] : (uint8_t)take(1);
}

/* A number near one of @bases. */
static uint32_t near(const uint32_t bases[4])
{
	uint32_t how = take(1), base = bases[how & 3];

	switch (how >> 2 & 7) {
	case 0:
		return base + take(1) - 128;
	case 1:
		return base + take(2) - 32768;
	case 2:
		return base + take(4);
	default:
		return base;
	}
}

static uint32_t some_len(void)
{
	switch (take(1) % 6) {
	case 0:
		return take(1);
	case 1:
		return take(2) % 1461;
	case 2:
		return take(2) % 62000;
	default:
		return 0;
	}
}

static size_t put_options(uint8_t *at)
{
	uint32_t which = take(1) % 4;

	memset(at, 1, 12);
	if (which == 1 || which == 2) {
		at[0] = 2;
		at[1] = 4;
		store_be16(at + 2, (uint16_t)take(2));
	}
	if (which == 2) {
		at[4] = 3;
		at[5] = 3;
		at[6] = (uint8_t)take(1);
	}
	if (which == 3)
		store_le32(at, take(4));
	return which ? 12 : 0;
}

static void guest_segment(size_t talk)
{
	const struct csm_rig_talk *t = &rig.talks[talk];
	const struct csm_tcp *tcp = csm_rig_tcp(&rig, talk);
	uint32_t seqs[4] = {1000, 1000, 1000, 1000}, acks[4] = {0, 0, 0, 0};
	uint8_t flags = some_flags(), *th, options[12];
	struct net_offload offload = {.csum_needed = true, .csum_offset = 16};
	uint32_t seq, ack, len;
	size_t n_options, at, header;

	if (tcp) {
		memcpy(seqs,
		       (uint32_t[]){tcp->rcv_nxt, tcp->rcv_edge, tcp->irs,
				    tcp->rcv_nxt - 1},
		       sizeof(seqs));
		memcpy(acks,
		       (uint32_t[]){tcp->max, tcp->nxt, tcp->una, tcp->iss + 1},
		       sizeof(acks));
	}
	seq = near(seqs);
	ack = near(acks);
	len = some_len();
	n_options = put_options(options);
	header = 20 + n_options;
	at = put_ip(&t->key, IPPROTO_TCP, header + len);
	th = frame + at;
	store_be16(th, t->key.guest_port);
	store_be16(th + 2, t->key.far_port);
	store_be32(th + 4, seq);
	store_be32(th + 8, ack);
	th[12] = (uint8_t)(header / 4 << 4);
	th[13] = flags;
	store_be16(th + 14, take(1) & 1 ? (uint16_t)take(2) : 65535);
	store_be16(th + 16, 0);
	store_be16(th + 18, 0);
	memcpy(th + 20, options, n_options);
	if (flags & TH_SYN)
		seq++;
	for (uint32_t i = 0; i < len; i++)
		th[header + i] = csm_rig_byte(seq + i);
	offload.csum_start = (uint16_t)at;
	if (len > 1460) {
		offload.gso = csm_addr_is4(&t->key.guest) ? NET_GSO_TCPV4
							  : NET_GSO_TCPV6;
		offload.gso_size = (uint16_t)(1 + take(1) * 8);
		offload.hdr_len = (uint16_t)(at + header);
	}
	csm_rig_send(&rig, &offload, frame, at + header + len, take(1));
}

/* UDP: to the world, to DNS, to DHCP, from the forwarded port. */
static void guest_datagram(void)
{
	static const uint16_t ports[] = {7, 53, 67, 547, 5000, 5001, 443, 546};
	uint32_t how = take(1);
	struct csm_key key = rig.talks[how & 1].key;
	struct net_offload offload = {.csum_needed = true, .csum_offset = 6};
	uint16_t port = ports[how >> 1 & 7], from = 2000;
	size_t at, len;

	if (port == 53)
		key.far = how & 1 ? rig.config.dns6 : rig.config.dns;
	if (port == 67)
		from = 68;
	if (port == 547)
		from = 546;
	if (port == 5000)
		from = CSM_RIG_PORT;
	len = how & 16 ? take(2) % 60000 : take(1);
	at = put_ip(&key, IPPROTO_UDP, 8 + len);
	store_be16(frame + at, (uint16_t)(from + (how >> 5 & 3)));
	store_be16(frame + at + 2, port);
	store_be16(frame + at + 4, (uint16_t)(8 + len));
	store_be16(frame + at + 6, 0);
	for (size_t i = 0; i < len; i++)
		frame[at + 8 + i] = (uint8_t)take(1);
	offload.csum_start = (uint16_t)at;
	if (len > 1472) {
		offload.gso = NET_GSO_UDP;
		offload.gso_size = (uint16_t)(1 + take(2));
		offload.hdr_len = (uint16_t)(at + 8);
	}
	csm_rig_send(&rig, &offload, frame, at + 8 + len, take(1));
}

/* ICMP and ICMPv6, whose checksums are made right. */
static void guest_icmp(void)
{
	uint32_t how = take(1);
	bool v6 = how & 1;
	struct csm_key key = rig.talks[how & 1].key;
	size_t len = 8 + take(1) % 80, at;
	struct net_offload offload = {.csum_needed = true, .csum_offset = 2};

	if (how & 2)
		key.far = v6 ? rig.config.gateway6 : rig.config.gateway;
	at = put_ip(&key, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, len);
	if (v6 && how & 4)
		frame[NET_ETHERNET_LEN + 7] = 255;
	for (size_t i = 0; i < len; i++)
		frame[at + i] = (uint8_t)take(1);
	if (how & 8)
		frame[at] = v6 ? 128 : 8;
	offload.csum_start = (uint16_t)at;
	csm_rig_send(&rig, &offload, frame, at + len, take(1));
}

/* Whatever it is. What may be TCP is not held against the stack. */
static void guest_raw(void)
{
	struct net_offload offload = {0};
	size_t len = take(2) % RAW_MAX;
	uint32_t how = take(1);

	for (size_t i = 0; i < len; i++)
		frame[i] = (uint8_t)take(1);
	if (how & 1 && len >= NET_ETHERNET_LEN)
		(void)put_link(how & 2	 ? NET_ETHERTYPE_ARP
			       : how & 4 ? NET_ETHERTYPE_IPV6
					 : NET_ETHERTYPE_IPV4);
	if (how & 8 && len >= 34)
		store_be16(frame + 24, ip_sum(frame + 14));
	if (how & 16) {
		offload.csum_needed = true;
		offload.csum_start = (uint16_t)take(1);
		offload.csum_offset = (uint16_t)take(1);
	}
	for (size_t i = 0; i < CSM_RIG_TALKS; i++)
		rig.talks[i].tainted = true;
	csm_rig_send(&rig, &offload, frame, len, take(1));
}

/* ---- The host ---- */

/* One of the sockets that are open, or NULL. */
static struct fake_sock *some_sock(void)
{
	size_t which = take(1);

	for (size_t i = 0; i < rig.host.n_table; i++) {
		struct fake_sock *s =
			rig.host.table[(which + i) % rig.host.n_table];

		if (s && s != rig.listener)
			return s;
	}
	return NULL;
}

static void deliver(struct fake_sock *s, size_t n)
{
	static uint8_t bytes[65536];

	if (s->state != FAKE_CONNECTED || s->eof || s->in.total + n > BYTES_MAX)
		return;
	for (size_t i = 0; i < n; i++)
		bytes[i] = csm_rig_byte(~(uint32_t)(s->in.total + i));
	fake_sock_deliver(s, bytes, n);
}

static const int errors[] = {
	ECONNREFUSED, ECONNRESET, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT,
	EACCES,	      EMSGSIZE,	  EPIPE,	ENOMEM,	     EMFILE,
};

static int some_error(void)
{
	return errors[take(1) % ARRAY_SIZE(errors)];
}

static void host_stream(struct fake_sock *s, uint32_t how)
{
	switch (how % 8) {
	case 0:
		if (s->state == FAKE_CONNECTING)
			fake_sock_accept(s);
		break;
	case 1:
		if (s->state == FAKE_CONNECTING)
			fake_sock_fail(s, some_error());
		break;
	case 2:
		deliver(s, take(1));
		break;
	case 3:
		deliver(s, take(2));
		break;
	case 4:
		if (s->state == FAKE_CONNECTED)
			fake_sock_eof(s);
		break;
	case 5:
		if (s->state == FAKE_CONNECTED)
			fake_sock_reset(s);
		break;
	case 6:
		(void)fake_sock_take(s, NULL, take(2));
		break;
	default:
		s->sndbuf = take(2);
		s->send_max = take(1) & 1 ? take(2) : SIZE_MAX;
	}
}

static void host_datagram(struct fake_sock *s, uint32_t how)
{
	struct fake_dgram *d;
	size_t len = take(1);
	struct csm_addr from = how & 8 ? rig.talks[0].key.far : s->peer;
	uint8_t bytes[4096];

	if (s->v6)
		from = rig.talks[1].key.far;
	else if (!csm_addr_is4(&from))
		from = rig.talks[0].key.far;
	if (how & 16)
		len *= 16;
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)take(1);
	switch (how % 4) {
	case 0:
		fake_sock_icmp(s, some_error(), (uint8_t)take(1),
			       (uint8_t)take(1), take(2), &from, bytes, len);
		break;
	case 1:
		while ((d = fake_sock_take_datagram(s)))
			free(d);
		break;
	default:
		/* Merged at will, asked for or not: it may have been before. */
		fake_sock_datagram(s, &from, (uint16_t)(4000 + (how >> 5)),
				   bytes, len, how & 4 ? (uint16_t)take(1) : 0);
	}
}

static void host_event(void)
{
	struct fake_sock *s = some_sock();
	uint32_t how = take(1);

	if (!s)
		return;
	if (s->kind == CSM_SOCKET_TCP)
		host_stream(s, how);
	else
		host_datagram(s, how);
}

/* Somebody connects to the forward. */
static void host_connects(void)
{
	size_t talk =
		CSM_RIG_INBOUND + take(1) % (CSM_RIG_TALKS - CSM_RIG_INBOUND);
	const struct csm_key *key = &rig.talks[talk].key;

	(void)fake_listener_push(rig.listener, &key->far, key->far_port);
}

static void host_faults(void)
{
	static const int results[] = {0, -EINPROGRESS, -EINPROGRESS,
				      -ECONNREFUSED, -ENETUNREACH};
	uint32_t how = take(1);

	if (how & 1)
		rig.host.connect_result =
			results[take(1) % ARRAY_SIZE(results)];
	if (how & 2)
		rig.host.max_open = how & 4 ? SIZE_MAX : take(1) % 8;
	if (how & 8) {
		uint32_t op = take(1) % FAKE_OPS;

		rig.host.fail[op].err = some_error();
		rig.host.fail[op].times = take(1) % 4;
	}
}

static void resolv_conf(void)
{
	char text[300];
	size_t n = take(1);

	for (size_t i = 0; i < n; i++)
		text[i] = (char)take(1);
	text[n] = 0;
	csm_dns_set_resolv_conf(rig.stack, text);
}

static void step(void)
{
	uint32_t op = take(1);
	bool run = true;

	switch (op % 16) {
	case 0:
	case 1:
	case 2:
	case 3:
	case 4:
		guest_segment(op >> 5);
		run = op & 16;
		break;
	case 5:
		guest_datagram();
		break;
	case 6:
		guest_icmp();
		break;
	case 7:
		guest_raw();
		break;
	case 8:
	case 9:
	case 10:
		host_event();
		break;
	case 11:
		host_connects();
		break;
	case 12:
		host_faults();
		break;
	case 13:
		rig.host.now += UINT64_C(1) << (op >> 4) * 3;
		break;
	case 14:
		if (op & 16)
			csm_rig_give(&rig);
		else
			rig.hold = true;
		break;
	default:
		if (op & 16)
			resolv_conf();
		else
			rig.host.now += UINT64_C(100000000) << (op >> 5);
	}
	if (run)
		csm_rig_run(&rig);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input = (struct fuzz_input){data, size};
	csm_rig_init(&rig, take(1));
	for (unsigned int i = 0; i < OPS_MAX && input.size; i++)
		step();
	csm_rig_fini(&rig);
	return 0;
}
