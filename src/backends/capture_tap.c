/* SPDX-License-Identifier: MIT */
/*
 * The tapped queue: frames to blocks.
 *
 * place: out, in (a burst is being copied), awaited (in, and somebody waits for
 * the end of it). The loop says that it is in, then looks if a source is there;
 * who detaches takes the source away, then looks if the loop is in. Both are
 * sequentially consistent: either the loop finds nothing or the other one waits.
 *
 * Bytes come from guest memory and go to the file, nothing looks at them. A
 * frame whose bytes cannot be found costs that frame of the file.
 */
#include "backends/capture_tap.h"

#include "backends/pcapng.h"
#include "base/bytes.h"
#include "net/iov.h"
#include "net/packet.h"

#include <errno.h>
#include <time.h>

#define ETHER_ADDRS 12 /* bytes before the tag */
#define VLAN_TAG    4
#define ETH_P_8021Q 0x8100

enum tap_place {
	TAP_OUT,
	TAP_IN,
	TAP_AWAITED,
};

/* A call's worth of frames. */
struct burst {
	struct capture_source *source;
	uint64_t ns;
	uint64_t packets, bytes, drops;
};

/* A frame. @bytes: where it is; @n_bytes: so many are there. */
struct frame {
	struct net_iov_walk bytes;
	size_t n_bytes;
	uint32_t len;
	const struct net_vlan *vlan; /* NULL: none to put in */
	enum pcapng_direction direction;
};

void capture_tap_init(struct capture_tap *tap)
{
	atomic_init(&tap->source, NULL);
	atomic_init(&tap->place, TAP_OUT);
	(void)sem_init(&tap->left, 0, 0);
}

void capture_tap_fini(struct capture_tap *tap)
{
	(void)sem_destroy(&tap->left);
}

void capture_tap_attach(struct capture_tap *tap, struct capture_source *source)
{
	atomic_store(&tap->source, source);
}

void capture_tap_detach(struct capture_tap *tap)
{
	int in = TAP_IN;

	atomic_store(&tap->source, NULL);
	if (!atomic_compare_exchange_strong(&tap->place, &in, TAP_AWAITED))
		return;
	while (sem_wait(&tap->left) < 0 && errno == EINTR)
		continue;
}

static void leave(struct capture_tap *tap)
{
	if (atomic_exchange(&tap->place, TAP_OUT) == TAP_AWAITED)
		(void)sem_post(&tap->left);
}

static bool burst_begin(struct capture_tap *tap, struct burst *burst)
{
	struct timespec now;

	*burst = (struct burst){0};
	atomic_store(&tap->place, TAP_IN);
	burst->source = atomic_load(&tap->source);
	if (!burst->source) {
		leave(tap);
		return false;
	}
	(void)clock_gettime(CLOCK_REALTIME, &now);
	burst->ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	return true;
}

static void burst_end(struct capture_tap *tap, const struct burst *burst)
{
	struct capture_source *s = burst->source;

	net_stat_add(&s->packets, burst->packets);
	net_stat_add(&s->bytes, burst->bytes);
	net_stat_add(&s->drops, burst->drops);
	if (burst->packets) {
		size_t held = byte_ring_publish(&s->ring);

		capture_bell_ring(s->bell, held > s->ring.size / 2);
	}
	leave(tap);
}

/* The frame as it would be on a wire, its tag between addresses and type. */
static void read_tagged(struct frame *f, unsigned char *to, uint32_t len)
{
	unsigned char tag[VLAN_TAG];
	uint32_t addrs = MIN(len, (uint32_t)ETHER_ADDRS);
	uint32_t n_tag = MIN(len - addrs, (uint32_t)VLAN_TAG);

	store_be16(tag, ETH_P_8021Q);
	store_be16(tag + 2,
		   (uint16_t)(f->vlan->priority << 13 | f->vlan->dei << 12 |
			      (f->vlan->id & 0xfff)));
	(void)net_iov_read(&f->bytes, to, addrs);
	memcpy(to + addrs, tag, n_tag);
	(void)net_iov_read(&f->bytes, to + addrs + n_tag, len - addrs - n_tag);
}

/* With a virtio-net header there is no metadata. */
static const struct net_vlan *tag_of(const struct net_vlan *vlan, bool vnet_hdr)
{
	return vlan->present && !vnet_hdr ? vlan : NULL;
}

static void put_frame(struct burst *burst, struct frame *f)
{
	struct capture_source *s = burst->source;
	uint32_t tag = f->vlan && f->len >= ETHER_ADDRS ? VLAN_TAG : 0;
	struct pcapng_packet packet = {
		.ns = burst->ns,
		.len = f->len + tag,
		.cap_len = MIN(f->len + tag, s->snaplen),
		.queue = s->queue,
		.direction = f->direction,
	};
	size_t size = pcapng_packet_size(packet.cap_len);
	unsigned char *to = NULL;

	if (f->n_bytes >= MIN(f->len, packet.cap_len))
		to = byte_ring_reserve(&s->ring, size);
	if (!to) {
		burst->drops++;
		return;
	}
	to = pcapng_packet(to, &packet);
	if (tag)
		read_tagged(f, to, packet.cap_len);
	else
		(void)net_iov_read(&f->bytes, to, packet.cap_len);
	byte_ring_commit(&s->ring, size);
	burst->packets++;
	burst->bytes += packet.cap_len;
}

static void put_received(struct capture_finder *finder, struct burst *burst,
			 struct net_buffer_access *pool,
			 const struct net_rx_packet *packet)
{
	struct frame f = {
		.len = packet->meta.len,
		.vlan = tag_of(&packet->meta.vlan, packet->meta.vnet_hdr),
		.direction = PCAPNG_INBOUND,
	};
	struct net_rx_packet start = *packet;
	ssize_t n;

	/* No more addresses than bytes are kept. */
	start.meta.len = MIN(f.len, burst->source->snaplen);
	n = net_pool_packet_addresses(pool, &start, NET_ROOM_FRAME, finder->iov,
				      ARRAY_SIZE(finder->iov));
	if (n > 0) {
		size_t n_iov = MIN((size_t)n, ARRAY_SIZE(finder->iov));

		f.bytes = net_iov_walk(finder->iov, n_iov);
		f.n_bytes = net_iov_len(finder->iov, n_iov);
	}
	put_frame(burst, &f);
}

static void put_sent(struct capture_finder *finder, struct burst *burst,
		     const struct guest_mem *mem,
		     const struct net_tx_seg *packet, size_t n)
{
	const struct net_tx_meta *meta = packet->meta;
	size_t hdr = meta->vnet_hdr ? NET_VNET_HDR_LEN : 0;
	struct frame f = {
		.bytes = net_iov_walk(finder->iov, n),
		.len = meta->len,
		.vlan = tag_of(&meta->vlan, meta->vnet_hdr),
		.direction = PCAPNG_OUTBOUND,
	};

	if (n > ARRAY_SIZE(finder->iov) || meta->len > NET_FRAME_MAX ||
	    net_packet_iov(mem, &finder->cache, packet, n, finder->iov,
			   &f.n_bytes) < 0 ||
	    !net_iov_skip(&f.bytes, hdr)) {
		burst->drops++;
		return;
	}
	f.n_bytes -= hdr;
	put_frame(burst, &f);
}

void capture_tap_rx(struct capture_tap *tap, struct capture_finder *finder,
		    struct net_buffer_access *pool,
		    const struct net_rx_packet *packets, size_t n)
{
	struct burst burst;

	if (!burst_begin(tap, &burst))
		return;
	for (size_t i = 0; i < n; i++) {
		if (packets[i].meta.len) /* else it was dropped inside */
			put_received(finder, &burst, pool, &packets[i]);
	}
	burst_end(tap, &burst);
}

void capture_tap_tx(struct capture_tap *tap, struct capture_finder *finder,
		    struct net_buffer_access *pool,
		    const struct net_tx_seg *segs, size_t n)
{
	const struct guest_mem *mem = net_pool_guest_memory(pool);
	const struct net_tx_seg *packet;
	struct burst burst;
	size_t n_packet;

	if (!burst_begin(tap, &burst))
		return;
	while (net_packet_next(segs, n, &packet, &n_packet) == 0) {
		put_sent(finder, &burst, mem, packet, n_packet);
		segs += n_packet;
		n -= n_packet;
	}
	burst_end(tap, &burst);
}
