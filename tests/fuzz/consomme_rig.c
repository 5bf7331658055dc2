/* SPDX-License-Identifier: MIT */
/*
 * The rig and the judge.
 */
#include "fuzz/consomme_rig.h"

#include "base/bytes.h"
#include "net/offload.h"
#include "support/frames.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_LEN	   2060
#define PACKETS	   32
#define FRAMES_MAX 200000
#define SPAN	   48
#define SPILL_MAX  (CSM_TCP_WINDOW_MAX + 65536)

void csm_rig_require(bool condition, const char *what)
{
	if (condition)
		return;
	(void)fprintf(stderr, "consomme: %s\n", what);
	abort();
}

#define require csm_rig_require

uint8_t csm_rig_byte(uint32_t q)
{
	return (uint8_t)((q * UINT32_C(2654435761)) >> 24);
}

static struct csm_addr addr(const char *text)
{
	struct csm_addr out;

	require(csm_addr_parse(text, &out) == 0, "address");
	return out;
}

static void name_talks(struct csm_rig *rig)
{
	for (size_t i = 0; i < CSM_RIG_TALKS; i++) {
		struct csm_key *key = &rig->talks[i].key;
		bool v6 = i & 1, inbound = i >= CSM_RIG_INBOUND;

		if (inbound)
			v6 = false;
		key->kind = CSM_FLOW_TCP;
		key->guest = v6 ? addr("fd00::15") : rig->config.guest;
		key->far = v6 ? addr("2001:db8::7") : addr("192.0.2.7");
		key->guest_port = inbound ? CSM_RIG_PORT : (uint16_t)(1000 + i);
		key->far_port = (uint16_t)(inbound ? 5000 + i : 80);
	}
	rig->talks[4].key.far = rig->config.dns;
	rig->talks[4].key.far_port = 53;
	rig->talks[5].key.far = addr("fd00::99"); /* an alias, maybe */
}

static void give(struct csm_rig *rig, const struct net_rx_id *ids, size_t n)
{
	net_bufs_note_given(&rig->bufs, ids, n);
	require(net_rx_fifo_push(&rig->fifo, ids, n) == 0, "memory");
}

void csm_rig_give(struct csm_rig *rig)
{
	rig->hold = false;
	for (uint32_t i = 0; i < CSM_RIG_BUFS; i++) {
		if (!rig->bufs.bufs[i].held)
			give(rig, &(struct net_rx_id){i}, 1);
	}
}

static void add_forward(struct csm_rig *rig, enum consomme_proto proto,
			struct fake_sock **sock)
{
	struct consomme_forward forward = {
		.proto = proto,
		.host = addr("127.0.0.1"),
		.host_port = 2222,
		.guest = csm_addr_any4,
		.guest_port = CSM_RIG_PORT,
		.n_ports = 1,
	};
	int fd;

	*sock = fake_host_bound(
		&rig->host,
		proto == CONSOMME_TCP ? CSM_SOCKET_TCP : CSM_SOCKET_UDP, false);
	fd = (*sock)->fd;
	require(csm_forward_add(rig->stack, &forward, &fd) == 0, "forward");
}

static void configure(struct csm_rig *rig, unsigned int mode)
{
	struct consomme_config *c = &rig->config;

	consomme_config_init(c);
	c->name = "net0";
	c->ring = mode & 1;
	c->restricted = mode & 8;
	c->servers[0] = addr("192.0.2.53");
	c->n_servers = 1;
	if (mode & 16) {
		c->aliases[0] = addr("fd00::99");
		c->n_aliases = 1;
	}
	if (mode & 32) {
		c->max_tcp = 3;
		c->max_udp = 2;
		c->max_ping = 1;
		c->max_dns = 2;
	}
}

void csm_rig_init(struct csm_rig *rig, unsigned int mode)
{
	const struct net_bufs_config config = {
		.n_bufs = CSM_RIG_BUFS,
		.buf_len = BUF_LEN,
		.header_room = true,
		.rx_span = SPAN,
		.tx_len = 1,
	};
	struct net_rx_offloads *o = &rig->queue.config.rx_offloads;

	memset(rig, 0, sizeof(*rig));
	fake_host_init(&rig->host);
	configure(rig, mode);
	rig->frame = malloc(NET_FRAME_MAX + NET_VNET_HDR_LEN);
	rig->out = calloc(1, sizeof(*rig->out));
	require(rig->frame && rig->out &&
			net_bufs_init(&rig->bufs, &config) == 0 &&
			csm_stack_create(&rig->config, &rig->host.base,
					 &rig->stack) == 0,
		"memory");
	rig->stack->peeks4 = !(mode & 1);
	rig->stack->peeks6 = rig->stack->peeks4;
	o->csum = !(mode & 4);
	o->tso4 = !(mode & 6);
	o->tso6 = o->tso4;
	o->uso = o->tso4;
	rig->queue.config.rx_span = SPAN;
	rig->queue.stats = &rig->queue.own_stats;
	rig->out->queue = &rig->queue;
	rig->out->pool = &rig->bufs.base;
	rig->out->fifo = &rig->fifo;
	rig->out->offloads = *o;
	name_talks(rig);
	csm_rig_give(rig);
	add_forward(rig, CONSOMME_TCP, &rig->listener);
	add_forward(rig, CONSOMME_UDP, &rig->udp_bound);
}

static void end_burst(struct csm_rig *rig)
{
	csm_stack_input_end(rig->stack);
	while (rig->n_burst)
		free(rig->burst[--rig->n_burst]);
}

void csm_rig_fini(struct csm_rig *rig)
{
	end_burst(rig);
	require(net_bufs_guards_ok(&rig->bufs) && !rig->bufs.violations,
		"buffers that are not ours");
	csm_stack_destroy(rig->stack);
	require(rig->host.n_open == 0, "a socket is left");
	require(rig->host.violations == 0, "a descriptor that is closed");
	net_bufs_fini(&rig->bufs);
	net_rx_fifo_fini(&rig->fifo);
	fake_host_fini(&rig->host);
	free(rig->out);
	free(rig->frame);
}

void csm_rig_send(struct csm_rig *rig, const struct net_offload *offload,
		  const uint8_t *frame, size_t len, size_t piece)
{
	/* At least one byte, that malloc() gives memory to be overrun. */
	uint8_t *at = malloc(len + !len);
	struct net_tx_meta meta = {.len = (uint32_t)len, .offload = *offload};
	struct net_headers h;
	struct iovec iov[64];
	size_t n = 0;

	require(at != NULL, "memory");
	memcpy(at, frame, len);
	piece = MAX(piece, len / ARRAY_SIZE(iov) + 1);
	for (size_t done = 0; done < len; done += piece)
		iov[n++] = (struct iovec){at + done, MIN(piece, len - done)};
	meta.n_segs = (uint16_t)n;
	if (n &&
	    net_headers_parse(at, MIN(len, (size_t)NET_HEADERS_MAX), &h) == 0 &&
	    net_offload_to_flags(&h, &meta) == 0)
		csm_stack_input(rig->stack, &meta, iov, n);
	if (n == 1 && len < NET_ETHERNET_LEN)
		csm_stack_input(rig->stack, &meta, iov, n);
	rig->burst[rig->n_burst++] = at;
	if (rig->n_burst == ARRAY_SIZE(rig->burst))
		end_burst(rig);
}

struct csm_tcp *csm_rig_tcp(struct csm_rig *rig, size_t talk)
{
	struct csm_flow *flow =
		csm_flow_find(&rig->stack->flows, &rig->talks[talk].key);

	return flow ? csm_tcp_of(flow) : NULL;
}

/* ---- The judge ---- */

/* The payload of a TCP segment to the guest. */
static void judge_payload(struct csm_rig *rig, const uint8_t *frame,
			  size_t header_len, size_t len, bool v6)
{
	const uint8_t *tcp = frame + (v6 ? 54 : 34);
	uint32_t seq = load_be32(tcp + 4);

	for (size_t i = 0; i < CSM_RIG_TALKS; i++) {
		const struct csm_rig_talk *t = &rig->talks[i];

		if (csm_addr_is4(&t->key.guest) == v6 || !t->sock ||
		    load_be16(tcp) != t->key.far_port ||
		    load_be16(tcp + 2) != t->key.guest_port)
			continue;
		for (size_t at = header_len; at < len; at++) {
			uint32_t k =
				seq + (uint32_t)(at - header_len) - t->iss - 1;

			require(frame[at] == csm_rig_byte(~k),
				"another byte for the guest");
		}
	}
}

static void judge_frame(struct csm_rig *rig, const struct net_rx_meta *meta,
			uint8_t *frame, size_t len)
{
	const struct net_offload *o = &meta->offload;
	uint16_t type = load_be16(frame + 12);
	bool v6 = type == NET_ETHERTYPE_IPV6;
	uint8_t protocol = v6 ? frame[20] : frame[23];
	size_t header_len = 0;

	require(len >= NET_ETHERNET_LEN, "a runt for the guest");
	if (o->csum_needed) {
		uint16_t sum;

		require(rig->out->offloads.csum, "a checksum is missing");
		require(o->csum_start + o->csum_offset + 1U < len,
			"a checksum beyond the frame");
		sum = (uint16_t)~frame_naive_sum(0, frame + o->csum_start,
						 len - o->csum_start);
		store_be16(frame + o->csum_start + o->csum_offset,
			   sum ? sum : 0xffff);
	}
	if (o->gso != NET_GSO_NONE)
		require(rig->out->offloads.tso4 && o->gso_size &&
				o->gso_size < len,
			"a large frame");
	if (type == NET_ETHERTYPE_ARP)
		return;
	require(v6 || type == NET_ETHERTYPE_IPV4, "a frame of what?");
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP) {
		require(v6 ? load_be16(frame + 18) == len - 54
			   : load_be16(frame + 16) == len - 14 &&
					frame_naive_sum(0, frame + 14, 20) ==
						0xffff,
			"an IP header");
		return;
	}
	require(!frame_fault(frame, len, &header_len), "a bad frame");
	if (protocol == IPPROTO_TCP)
		judge_payload(rig, frame, header_len, len, v6);
}

/* What has come to the host, and what the stack believes. */
static void judge_talk(struct csm_rig *rig, struct csm_rig_talk *t)
{
	struct csm_flow *flow = csm_flow_find(&rig->stack->flows, &t->key);
	const struct fake_stream *out;
	const struct csm_tcp *tcp;
	uint64_t first;

	if (flow && flow->source.fd >= 0) {
		struct fake_sock *sock =
			rig->host.table[flow->source.fd - FAKE_FD_FIRST];

		if (sock != t->sock) {
			t->checked = 0;
			t->tainted = false;
		}
		t->sock = sock;
	}
	if (flow) {
		tcp = csm_tcp_of(flow);
		t->irs = tcp->irs;
		t->iss = tcp->iss;
		require(csm_seq_le(tcp->una, tcp->nxt) &&
				csm_seq_le(tcp->nxt, tcp->max),
			"numbers out of order");
		require(tcp->spill.len <= SPILL_MAX, "the spill is too long");
		require(csm_seq_le(tcp->rcv_nxt, tcp->rcv_edge + 1),
			"more than the window");
	}
	if (!t->sock || t->tainted)
		return;
	out = &t->sock->out;
	first = out->total - out->len;
	for (t->checked = MAX(t->checked, first); t->checked < out->total;
	     t->checked++)
		require(out->bytes[out->first + (t->checked - first)] ==
				csm_rig_byte(t->irs + 1 + (uint32_t)t->checked),
			"another byte for the host");
}

static void judge(struct csm_rig *rig)
{
	const struct csm_stack *stack = rig->stack;
	size_t n = 0, half_open = 0;

	for (size_t i = 0; i < CSM_RIG_TALKS; i++)
		judge_talk(rig, &rig->talks[i]);
	for (size_t i = 0; i < CSM_FLOW_KINDS; i++) {
		const struct csm_flow_list *list = &stack->flows.kinds[i];

		require(list->n <= list->max, "more flows than may be");
		n += list->n;
	}
	require(n == stack->flows.n, "flows are miscounted");
	for (const struct list *at = stack->half_open.next;
	     at != &stack->half_open; at = at->next)
		half_open++;
	require(half_open == stack->n_half_open, "half-open flows");
	require(rig->host.n_open <= n + 2, "sockets without a flow");
}

static void take_packet(struct csm_rig *rig, const struct net_rx_packet *packet)
{
	struct net_rx_id ids[SPAN];
	ssize_t n;

	require(packet->n_ids <= SPAN, "more buffers than a frame may have");
	memcpy(ids, rig->bufs.order, packet->n_ids * sizeof(ids[0]));
	n = net_bufs_take(&rig->bufs, packet, rig->frame,
			  NET_FRAME_MAX + NET_VNET_HDR_LEN);
	require(n > NET_VNET_HDR_LEN, "a packet that is none");
	judge_frame(rig, &packet->meta, rig->frame + NET_VNET_HDR_LEN,
		    (size_t)n - NET_VNET_HDR_LEN);
	if (!rig->hold)
		give(rig, ids, packet->n_ids);
}

static void output(struct csm_rig *rig)
{
	struct net_rx_packet packets[PACKETS];
	unsigned int frames = 0;

	while (csm_stack_has_output(rig->stack)) {
		rig->out->packets = packets;
		rig->out->max_packets = PACKETS;
		rig->out->n_packets = 0;
		csm_stack_output(rig->stack, rig->out);
		for (size_t i = 0; i < rig->out->n_packets; i++)
			take_packet(rig, &packets[i]);
		if (!rig->out->n_packets)
			return;
		frames += (unsigned int)rig->out->n_packets;
		require(frames < FRAMES_MAX, "frames without end");
	}
}

void csm_rig_run(struct csm_rig *rig)
{
	end_burst(rig);
	judge(rig);
	csm_stack_events(rig->stack);
	if (csm_stack_next(rig->stack) <= rig->host.now)
		csm_stack_tick(rig->stack);
	judge(rig);
	output(rig);
	judge(rig);
}
