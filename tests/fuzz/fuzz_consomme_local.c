/* SPDX-License-Identifier: MIT */
/*
 * What consomme answers by itself: ARP, DHCP, DHCPv6, ICMP, neighbour discovery;
 * and pings with what the host has to say of them.
 *
 * First byte: what the network is like. Then operations, a byte each and its
 * operands; messages have the headers and checksums that they need. Whatever
 * happens, each frame to the guest is sound, nothing is done to a closed socket,
 * and in the end nothing is open.
 */
#include "fuzz/input.h"
#include "support/csm_local.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#define OPS_MAX	  64
#define BUFS	  24
#define BYTES_MAX 1500

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum op {
	OP_FRAME,
	OP_ARP,
	OP_DHCP,
	OP_DHCP6,
	OP_ICMP4,
	OP_ICMP6,
	OP_NDP,
	OP_TIME,
	OP_ANSWER,
	OP_ERROR,
	OP_FAIL,
	OPS,
};

struct stream {
	struct fuzz_input input;
	struct script s;
	uint8_t bytes[BYTES_MAX];
	size_t len;
};

static const char *const search[] = {"corp.example.com", "example.com"};

/* Whom packets go to, and come from. */
static const char *const addresses4[] = {
	"10.0.2.2",  "10.0.2.3",  "10.0.2.4",	     "192.0.2.7",
	"10.0.2.15", "127.0.0.1", "255.255.255.255", "0.0.0.0"};
static const char *const addresses6[] = {
	"fd00::2",     "fd00::3", "fe80::2", "ff02::1:ff00:2",
	"2001:db8::7", "ff02::1", "fd00::4", "::"};
static const char *const sources6[] = {"fd00::15", "fe80::15", "::", "fd00::2"};
static const char *const sources4[] = {"10.0.2.15", "10.0.2.16", "0.0.0.0",
				       "10.0.2.2"};

static uint64_t take(struct stream *f, size_t n)
{
	return fuzz_take(&f->input, n);
}

static const char *pick(struct stream *f, const char *const *from, size_t n)
{
	return from[take(f, 1) % n];
}

/* The next bytes: their number stands before them. */
static void take_bytes(struct stream *f)
{
	f->len = MIN(take(f, 2) % (BYTES_MAX + 1), f->input.size);
	for (size_t i = 0; i < f->len; i++)
		f->bytes[i] = (uint8_t)take(f, 1);
}

static void send_packet(struct stream *f, const char *src, const char *dst,
			uint8_t protocol, uint16_t port, uint8_t ttl)
{
	struct local_head head = {
		.src = local_addr(src),
		.dst = local_addr(dst),
		.ttl = ttl,
		.protocol = protocol,
		.src_port = (uint16_t)(port + 1),
		.dst_port = port,
	};

	take_bytes(f);
	/* An ICMP message has a checksum, at least. */
	if (protocol != IPPROTO_UDP)
		f->len = MAX(f->len, (size_t)4);
	local_send(&f->s, &head, f->bytes, f->len);
}

static void send_icmp6(struct stream *f, uint8_t ttl)
{
	const char *src = pick(f, sources6, ARRAY_SIZE(sources6));
	const char *dst = pick(f, addresses6, ARRAY_SIZE(addresses6));

	send_packet(f, src, dst, IPPROTO_ICMPV6, 0, ttl);
}

static void send_frame(struct stream *f, bool arp)
{
	static const uint8_t head[14] = {0xff, 0xff, 0xff, 0xff, 0xff,
					 0xff, 0x52, 0x54, 0,	 0x12,
					 0x34, 0x56, 8,	   6};

	take_bytes(f);
	if (arp && f->len <= BYTES_MAX - sizeof(head)) {
		memmove(f->bytes + sizeof(head), f->bytes, f->len);
		memcpy(f->bytes, head, sizeof(head));
		f->len += sizeof(head);
	}
	if (f->len)
		local_send_frame(&f->s, f->bytes, f->len);
}

/* The newest socket that is open. */
static struct fake_sock *open_sock(struct stream *f)
{
	struct fake_sock *sock = fake_host_last(&f->s.host);

	return sock && sock->fd >= 0 ? sock : NULL;
}

static void host_answers(struct stream *f)
{
	struct fake_sock *sock = open_sock(f);
	struct csm_addr other = local_addr("198.51.100.1");
	bool true_one = take(f, 1) & 1;

	take_bytes(f);
	if (!sock)
		return;
	fake_sock_datagram(sock, true_one ? &sock->peer : &other, 0, f->bytes,
			   f->len, 0);
	script_run(&f->s);
}

static void host_says_error(struct stream *f)
{
	struct fake_sock *sock = open_sock(f);
	int err = (int)(take(f, 1) % 134);
	uint8_t type = (uint8_t)take(f, 1), code = (uint8_t)take(f, 1);
	uint32_t info = (uint32_t)take(f, 4);
	struct csm_addr from;

	take_bytes(f);
	if (!sock || !err)
		return;
	from = local_addr(
		sock->v6 ? pick(f, addresses6, ARRAY_SIZE(addresses6))
			 : pick(f, addresses4, ARRAY_SIZE(addresses4)));
	fake_sock_icmp(sock, err, type, code, info, &from, f->bytes, f->len);
	script_run(&f->s);
}

static void host_fails(struct stream *f)
{
	static const int errors[] = {EACCES,	   EMFILE, ENETUNREACH, EAGAIN,
				     ECONNREFUSED, EPERM,  ENOMEM,	EIO};
	enum fake_op op = (enum fake_op)(take(f, 1) % FAKE_OPS);

	f->s.host.fail[op].err = errors[take(f, 1) % ARRAY_SIZE(errors)];
	f->s.host.fail[op].times = (unsigned int)take(f, 1) % 4;
}

static void run(struct stream *f, enum op op)
{
	const char *src;

	switch (op) {
	case OP_FRAME:
	case OP_ARP:
		send_frame(f, op == OP_ARP);
		break;
	case OP_DHCP:
		src = pick(f, sources4, ARRAY_SIZE(sources4));
		send_packet(f, src, pick(f, addresses4, ARRAY_SIZE(addresses4)),
			    IPPROTO_UDP, 67, 64);
		break;
	case OP_DHCP6:
		src = pick(f, sources6, ARRAY_SIZE(sources6));
		send_packet(f, src, "ff02::1:2", IPPROTO_UDP, 547, 1);
		break;
	case OP_ICMP4:
		src = pick(f, sources4, ARRAY_SIZE(sources4));
		send_packet(f, src, pick(f, addresses4, ARRAY_SIZE(addresses4)),
			    IPPROTO_ICMP, 0, (uint8_t)take(f, 1));
		break;
	case OP_ICMP6:
		send_icmp6(f, (uint8_t)take(f, 1));
		break;
	case OP_NDP:
		send_icmp6(f, 255);
		break;
	case OP_TIME:
		script_wait(&f->s, take(f, 2) * 10 * SCRIPT_MS);
		break;
	case OP_ANSWER:
		host_answers(f);
		break;
	case OP_ERROR:
		host_says_error(f);
		break;
	case OP_FAIL:
		host_fails(f);
		break;
	case OPS:
		break;
	}
}

/* Reads what the guest got: that is where it is judged. */
static void look(struct stream *f)
{
	while (f->s.n_frames) {
		struct local_packet packet;

		local_take(&f->s, &packet);
		local_free(&packet);
	}
}

static void begin(struct stream *f)
{
	uint8_t flags = (uint8_t)take(f, 1);
	struct consomme_config *c = &f->s.config;

	script_prepare(&f->s, 0);
	c->ipv4 = !(flags & 1);
	c->ipv6 = !(flags & 2);
	c->restricted = flags & 4;
	if (flags & 8) {
		c->search = search;
		c->n_search = ARRAY_SIZE(search);
	}
	if (flags & 16) {
		c->aliases[c->n_aliases++] = local_addr("10.0.2.4");
		c->aliases[c->n_aliases++] = local_addr("fd00::4");
	}
	c->mtu = flags & 32 ? 9000 : 1500;
	c->max_ping = 3;
	f->s.hold = flags & 64;
	f->s.n_bufs = BUFS;
	script_start(&f->s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stream f;

	log_configure(&(struct log_config){.level = LOG_LEVEL_OFF});
	f.input = (struct fuzz_input){data, size};
	begin(&f);
	for (int i = 0; i < OPS_MAX && f.input.size; i++) {
		run(&f, (enum op)(take(&f, 1) % OPS));
		look(&f);
	}
	script_end(&f.s);
	return 0;
}
