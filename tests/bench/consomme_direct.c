/* SPDX-License-Identifier: MIT */
/*
 * consomme_direct: consomme with a guest in the same thread, and no tap.
 * Usage: consomme_direct g2h|h2g
 *
 * The guest is a script that speaks as much TCP as a wire without loss needs:
 * one connection to the load's server, frames of 64 KiB in pieces as a driver
 * has them (headers, then pages) as far as the window allows, and one
 * acknowledgement for each burst that came. What it takes to make and to look at
 * headers is in the figure; the bytes themselves it does not touch.
 *
 * Prints the bytes that were moved and the CPU time that they took, in ns.
 */
#include "load.h"

#include "backends/consomme/consomme.h"
#include "base/bytes.h"
#include "child.h"
#include "net/checksum.h"
#include "net/headers.h"
#include "net/offload.h"
#include "net/rx_fifo.h"
#include "net/vnet_hdr.h"
#include "net/worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WARM_UP_NS 200000000ULL
#define RUN_NS	   1000000000ULL
#define PAGE	   4096U
#define BUFS	   512U
#define SPAN_MAX   17U
#define SLOTS	   32U /* frames in flight to the queue */
#define HEAD_LEN   128U
#define RAM_GPA	   0x100000U
#define MSS	   1460U
#define CUTS	   44U /* segments of a frame of 64 KiB */
#define PAYLOAD	   (MSS * CUTS)
#define SCALE	   10
#define WINDOW	   (8U << 20)
#define HEADERS	   (14U + 20U + 20U)
#define GUEST_PORT 40000

#define FLAG_SYN 0x02
#define FLAG_RST 0x04
#define FLAG_PSH 0x08
#define FLAG_ACK 0x10

enum state {
	STATE_CLOSED,
	STATE_SYN_SENT,
	STATE_OPENING, /* the first bytes are to be sent */
	STATE_OPENED,  /* their answer has not come */
	STATE_DATA,
};

/* The guest's memory: buffers, slots for headers, pages with payload. */
struct ram {
	uint8_t bufs[BUFS][PAGE];
	uint8_t heads[SLOTS][HEAD_LEN];
	uint8_t payload[PAYLOAD];
};

static const uint8_t guest_mac[6] = {2, 0, 0, 0, 0, 1};

static struct ram ram;
static struct net_buffer_access pool;
static struct guest_mem mem;
static struct loop loop;
static struct net_worker worker;
static struct net_queue *queue;
static struct consomme_config config;
static struct net_rx_fifo free_bufs, given_bufs;
static struct net_tx_meta metas[SLOTS];
static uint32_t free_slots[SLOTS];
static size_t n_free_slots;
static bool sends;
static enum state state;
static uint32_t snd_nxt = 1000, snd_una = 1000, snd_edge = 1000, rcv_nxt;
static bool ack_due;
static uint8_t peer_scale;
static uint64_t bytes;

/* Where the measurement began. */
static uint64_t begin_ns, begin_cpu_ns, begin_bytes;

static _Noreturn void fail(const char *what)
{
	(void)fprintf(stderr, "consomme_direct: %s\n", what);
	exit(EXIT_FAILURE);
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static uint64_t gpa_of(const void *at)
{
	return RAM_GPA + (uint64_t)((const uint8_t *)at - (uint8_t *)&ram);
}

/* The pool: buffers of a page; the header has its own room in front of the first
 * one's frame. */

static const struct guest_mem *op_guest_memory(struct net_buffer_access *p)
{
	UNUSED(p);
	return &mem;
}

static uint32_t op_capacity(struct net_buffer_access *p,
			    const struct net_rx_id *ids, size_t n)
{
	UNUSED(p);
	UNUSED(ids);
	return n ? (uint32_t)n * PAGE - NET_VNET_HDR_LEN : 0;
}

static ssize_t op_guest_addresses(struct net_buffer_access *p,
				  const struct net_rx_id *ids, size_t n,
				  enum net_room room, uint32_t offset,
				  struct iovec *iov, size_t max)
{
	size_t at = offset, first;

	UNUSED(p);
	if (room == NET_ROOM_FRAME)
		at += NET_VNET_HDR_LEN;
	first = at / PAGE;
	at %= PAGE;
	for (size_t i = first; i < n && i - first < max; i++) {
		iov[i - first] =
			(struct iovec){ram.bufs[ids[i].v] + at, PAGE - at};
		at = 0;
	}
	return first < n ? (ssize_t)(n - first) : 0;
}

static int op_write_data(struct net_buffer_access *p,
			 const struct net_rx_id *ids, size_t n, uint32_t offset,
			 const void *data, size_t len)
{
	struct iovec iov[SPAN_MAX];
	ssize_t count = op_guest_addresses(p, ids, n, NET_ROOM_FRAME, offset,
					   iov, SPAN_MAX);
	struct net_iov_walk walk = net_iov_walk(iov, (size_t)count);

	return net_iov_write(&walk, data, len) ? 0 : -EMSGSIZE;
}

static int op_write_header(struct net_buffer_access *p,
			   const struct net_rx_id *ids, size_t n,
			   const struct net_rx_meta *meta)
{
	UNUSED(p);
	UNUSED(n);
	net_vnet_hdr_from_rx(meta, ram.bufs[ids[0].v]);
	return 0;
}

static ssize_t op_packet_addresses(struct net_buffer_access *p,
				   const struct net_rx_packet *packet,
				   enum net_room room, struct iovec *iov,
				   size_t max)
{
	UNUSED(p);
	UNUSED(packet);
	UNUSED(room);
	UNUSED(iov);
	UNUSED(max);
	return -EINVAL; /* for wrappers, and there is none */
}

static const struct net_buffer_access_ops pool_ops = {
	.guest_memory = op_guest_memory,
	.capacity = op_capacity,
	.guest_addresses = op_guest_addresses,
	.packet_addresses = op_packet_addresses,
	.write_data = op_write_data,
	.write_header = op_write_header,
};

/* The guest's TCP. */

/* Writes the headers of a segment with @len bytes of payload at @at; the sum of
 * the pseudo header is where the checksum goes. Returns their length. */
static uint32_t make_headers(uint8_t *at, uint8_t flags, uint32_t len)
{
	uint8_t *ip = at + 14, *tcp = ip + 20;
	uint32_t options = flags & FLAG_SYN ? 8 : 0;
	struct net_csum csum = {0};

	memset(at, 0, HEAD_LEN);
	memcpy(at, config.mac, 6);
	memcpy(at + 6, guest_mac, 6);
	store_be16(at + 12, NET_ETHERTYPE_IPV4);
	ip[0] = 0x45;
	store_be16(ip + 2, (uint16_t)(40 + options + len));
	ip[8] = 64;
	ip[9] = NET_PROTO_TCP;
	memcpy(ip + 12, csm_addr_bytes4(&config.guest), 4);
	memcpy(ip + 16, csm_addr_bytes4(&config.aliases[0]), 4);
	net_offload_finish_ipv4(ip, 20);
	store_be16(tcp, GUEST_PORT);
	store_be16(tcp + 2, LOAD_PORT);
	store_be32(tcp + 4, snd_nxt);
	store_be32(tcp + 8, flags & FLAG_ACK ? rcv_nxt : 0);
	tcp[12] = (uint8_t)((20 + options) / 4 << 4);
	tcp[13] = flags;
	store_be16(tcp + 14,
		   flags & FLAG_SYN ? UINT16_MAX : (uint16_t)(WINDOW >> SCALE));
	if (options) {
		const uint8_t said[8] = {2, 4, MSS >> 8, MSS & 0xff,
					 1, 3, 3,	 SCALE};

		memcpy(tcp + 20, said, sizeof(said));
	}
	net_csum_add_pseudo_v4(&csum, ip + 12, NET_PROTO_TCP,
			       20 + options + len);
	store_be16(tcp + NET_TCP_CSUM_OFFSET, net_csum_fold(&csum));
	return HEADERS + options;
}

/* Makes a segment into @segs: its headers, and the payload by pages. Returns the
 * number of pieces. */
static size_t make_segment(struct net_tx_seg *segs, uint8_t flags,
			   const void *payload, uint32_t len)
{
	uint32_t slot = free_slots[--n_free_slots];
	struct net_tx_meta *meta = &metas[slot];
	uint32_t head = make_headers(ram.heads[slot], flags, len);
	size_t n = 0;

	*meta = (struct net_tx_meta){
		.id = {slot},
		.flags = NET_TX_IPV4 | NET_TX_TCP_CSUM,
		.len = head + len,
		.l2_len = 14,
		.l3_len = 20,
		.l4_len = (uint8_t)(head - 34),
		.l4_offset = 34,
		.offload = {.csum_needed = true,
			    .csum_start = 34,
			    .csum_offset = NET_TCP_CSUM_OFFSET,
			    .hdr_len = (uint16_t)head},
	};
	if (len > MSS) {
		meta->flags |= NET_TX_TSO;
		meta->mss = MSS;
		meta->offload.gso = NET_GSO_TCPV4;
		meta->offload.gso_size = MSS;
	}
	segs[n++] = (struct net_tx_seg){.gpa = gpa_of(ram.heads[slot]),
					.len = head,
					.type = NET_TX_HEAD,
					.meta = meta};
	for (uint32_t at = 0; at < len; at += PAGE)
		segs[n++] = (struct net_tx_seg){
			.gpa = gpa_of(payload) + at,
			.len = MIN(PAGE, len - at),
			.type = NET_TX_TAIL,
		};
	meta->n_segs = (uint16_t)n;
	snd_nxt += len + (flags & FLAG_SYN ? 1 : 0);
	ack_due = false;
	return n;
}

/* The next segment that there is to send; 0: none. */
static size_t next_segment(struct net_tx_seg *segs)
{
	struct load_opening opening = {.kind = sends ? LOAD_SEND
						     : LOAD_RECEIVE};

	switch (state) {
	case STATE_CLOSED:
		state = STATE_SYN_SENT;
		return make_segment(segs, FLAG_SYN, NULL, 0);
	case STATE_OPENING:
		state = STATE_OPENED;
		memcpy(ram.payload, &opening, sizeof(opening));
		return make_segment(segs, FLAG_ACK | FLAG_PSH, ram.payload,
				    sizeof(opening));
	case STATE_DATA:
		if (sends && (int32_t)(snd_edge - snd_nxt) >= (int32_t)PAYLOAD)
			return make_segment(segs, FLAG_ACK, ram.payload,
					    PAYLOAD);
		break;
	default:
		break;
	}
	return ack_due ? make_segment(segs, FLAG_ACK, NULL, 0) : 0;
}

/* The peer's window scale in the options of its SYN-ACK. */
static uint8_t find_scale(const uint8_t *option, const uint8_t *end)
{
	while (option < end && *option) {
		if (*option == 3)
			return option[2];
		option += *option == 1 ? 1 : option[1];
	}
	return 0;
}

static void take_segment(const uint8_t *frame, uint32_t frame_len)
{
	const uint8_t *tcp = frame + 34;
	uint32_t head = 34U + (tcp[12] >> 4) * 4U, len;
	uint8_t flags = tcp[13];

	if (frame_len < HEADERS ||
	    load_be16(frame + 12) != NET_ETHERTYPE_IPV4 ||
	    frame[23] != NET_PROTO_TCP)
		return;
	len = 14U + load_be16(frame + 16) - head;
	if (flags & FLAG_RST)
		fail("the connection was reset");
	if (state == STATE_SYN_SENT) {
		if (!(flags & FLAG_SYN))
			fail("no SYN-ACK");
		rcv_nxt = load_be32(tcp + 4) + 1;
		peer_scale = find_scale(tcp + 20, frame + head);
		state = STATE_OPENING;
	} else if (len) {
		if (load_be32(tcp + 4) != rcv_nxt)
			fail("a segment is out of order");
		rcv_nxt += len;
		ack_due = true;
		if (state == STATE_OPENED)
			state = STATE_DATA;
		if (!sends)
			bytes += len;
	}
	if (sends && state == STATE_DATA)
		bytes += load_be32(tcp + 8) - snd_una;
	snd_una = load_be32(tcp + 8);
	snd_edge = snd_una + ((uint32_t)load_be16(tcp + 14)
			      << (flags & FLAG_SYN ? 0 : peer_scale));
}

/* The worker's side. */

static size_t rx_fetch(void *arg, struct net_rx_id *ids, size_t max)
{
	size_t n = net_rx_fifo_peek(&free_bufs, 0, ids, max);

	UNUSED(arg);
	net_rx_fifo_pop(&free_bufs, n);
	if (net_rx_fifo_push(&given_bufs, ids, n) < 0)
		fail("memory");
	return n;
}

static void rx_done(void *arg, const struct net_rx_packet *packets, size_t n)
{
	struct net_rx_id ids[SPAN_MAX];

	UNUSED(arg);
	for (size_t i = 0; i < n; i++) {
		(void)net_rx_fifo_peek(&given_bufs, 0, ids, packets[i].n_ids);
		if (ids[0].v != packets[i].first.v)
			fail("buffers come back out of order");
		take_segment(ram.bufs[ids[0].v] + NET_VNET_HDR_LEN,
			     packets[i].meta.len);
		net_rx_fifo_pop(&given_bufs, packets[i].n_ids);
		if (net_rx_fifo_push(&free_bufs, ids, packets[i].n_ids) < 0)
			fail("memory");
	}
}

static size_t tx_fetch(void *arg, struct net_tx_seg *segs, size_t max,
		       size_t max_packets)
{
	size_t n = 0, more;

	UNUSED(arg);
	while (max_packets-- && n_free_slots && max - n > SPAN_MAX) {
		more = next_segment(segs + n);
		if (!more)
			break;
		n += more;
	}
	return n;
}

static void tx_done(void *arg, const struct net_tx_id *ids, size_t n)
{
	UNUSED(arg);
	for (size_t i = 0; i < n; i++)
		free_slots[n_free_slots++] = ids[i].v;
}

static _Noreturn void report(void)
{
	(void)printf("%llu %llu\n", (unsigned long long)(bytes - begin_bytes),
		     (unsigned long long)(cpu_ns() - begin_cpu_ns));
	exit(EXIT_SUCCESS);
}

/* Once for each batch: looks at the time. */
static void flush(void *arg)
{
	uint64_t now = bench_now_ns();

	UNUSED(arg);
	if (state != STATE_DATA)
		return;
	if (!begin_ns)
		begin_ns = now + WARM_UP_NS;
	if (!begin_cpu_ns && now >= begin_ns) {
		begin_cpu_ns = cpu_ns();
		begin_bytes = bytes;
	}
	if (begin_cpu_ns && now >= begin_ns + RUN_NS)
		report();
}

static bool arm(void *arg, bool tx)
{
	UNUSED(arg);
	UNUSED(tx);
	return free_bufs.count != 0;
}

static void disarm(void *arg)
{
	UNUSED(arg);
}

static void failed(void *arg, enum net_tx_error error)
{
	UNUSED(arg);
	UNUSED(error);
	fail("the queue has failed");
}

static const struct net_worker_ops worker_ops = {
	.rx_fetch = rx_fetch,
	.rx_done = rx_done,
	.tx_fetch = tx_fetch,
	.tx_done = tx_done,
	.flush = flush,
	.arm = arm,
	.disarm = disarm,
	.failed = failed,
};

static void queue_made(void *arg, int err)
{
	UNUSED(arg);
	if (err)
		fail("no queue");
	net_worker_start(&worker, queue);
}

static void init_memory(void)
{
	const struct guest_mem_region region = {.gpa = RAM_GPA,
						.size = sizeof(ram),
						.host = (uint8_t *)&ram,
						.fd = -1};
	struct net_rx_id id;

	memset(&ram, 1, sizeof(ram));
	guest_mem_init(&mem);
	if (guest_mem_add(&mem, &region) < 0)
		fail("memory");
	for (id.v = 0; id.v < BUFS; id.v++) {
		if (net_rx_fifo_push(&free_bufs, &id, 1) < 0)
			fail("memory");
	}
	while (n_free_slots < SLOTS) {
		free_slots[n_free_slots] = (uint32_t)n_free_slots;
		n_free_slots++;
	}
}

int main(int argc, char **argv)
{
	static struct net_queue_config queue_config = {
		.loop = &loop,
		.client = &worker.client,
		.rx_span = SPAN_MAX,
		.rx_offloads = {.csum = true, .tso4 = true},
	};
	char error[CONSOMME_ERROR_MAX];
	struct net_endpoint *endpoint;

	if (argc != 2 || loop_init(&loop) < 0)
		return EXIT_FAILURE;
	sends = !strcmp(argv[1], "g2h");
	init_memory();
	consomme_config_init(&config);
	config.name = "bench";
	config.n_aliases = 1;
	if (csm_addr_parse("10.0.2.4", &config.aliases[0]) < 0 ||
	    consomme_endpoint_create(&config, &loop, error, &endpoint) < 0)
		fail("no endpoint");
	pool.ops = &pool_ops;
	net_worker_init(&worker, &worker_ops, NULL, &loop, &pool);
	if (net_endpoint_get_queues(endpoint, &queue_config, 1, NULL, &queue,
				    queue_made, NULL) < 0)
		fail("no queue");
	loop_run(&loop);
	return EXIT_FAILURE;
}
