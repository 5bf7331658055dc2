/* SPDX-License-Identifier: MIT */
/*
 * mode=smoke: frames of every size from the smallest to the largest go out in
 * bursts and have to come back (the backend is a loopback), in order and byte
 * for byte, each in a receive buffer of its own. "frames=" says how many.
 *
 * Kicks follow the device's wishes (EVENT_IDX if it offers it), so a device
 * that misses a re-check hangs here and the wait fails.
 */
#include <linux/virtio_net.h>

#include "payload.h"
#include "vnet.h"

#define BURST		32
#define ETHERTYPE_LOCAL 0x88b5 /* IEEE 802, local experimental */

struct smoke {
	struct vnet nic;
	uint64_t sent;
	uint64_t received;
	uint64_t bytes;
	uint64_t kicks;
	uint16_t tx_done; /* of the burst */
	uint16_t rx_done;
	uint16_t burst;
};

static uint32_t frame_len(uint64_t seq)
{
	uint32_t range = VNET_FRAME_MAX - VNET_FRAME_MIN + 1;

	/* A step prime to the range visits every length. */
	return VNET_FRAME_MIN + (uint32_t)(seq * 401 % range);
}

static uint8_t frame_byte(const struct vnet *nic, uint64_t seq, uint32_t i)
{
	if (i < 12)
		return nic->mac[i % 6];
	if (i == 12)
		return ETHERTYPE_LOCAL >> 8;
	if (i == 13)
		return ETHERTYPE_LOCAL & 0xff;
	return (uint8_t)(seq * 7 + i * 13ULL + (i >> 8));
}

static void smoke_send(struct smoke *s, uint16_t i)
{
	uint8_t *buffer = vnet_tx_buffer(i);
	uint32_t len = frame_len(s->sent);

	__builtin_memset(buffer, 0, VNET_HEADER);
	for (uint32_t at = 0; at < len; at++)
		buffer[VNET_HEADER + at] = frame_byte(&s->nic, s->sent, at);
	vnet_tx_post(&s->nic, i, len);
	s->sent++;
}

static void smoke_check(struct smoke *s, const struct vring_used_elem *elem)
{
	struct virtio_net_hdr_v1 hdr;
	uint32_t len = frame_len(s->received);
	const uint8_t *buffer;

	if (elem->id >= s->nic.rx.size)
		payload_fail("used receive id out of range");
	buffer = vnet_rx_buffer((uint16_t)elem->id);
	__builtin_memcpy(&hdr, buffer, sizeof(hdr));
	if (elem->len != VNET_HEADER + len)
		payload_fail("received length differs");
	if (hdr.flags & ~VIRTIO_NET_HDR_F_DATA_VALID || hdr.gso_type ||
	    hdr.num_buffers != 1)
		payload_fail("received header differs");
	for (uint32_t at = 0; at < len; at++) {
		if (buffer[VNET_HEADER + at] !=
		    frame_byte(&s->nic, s->received, at))
			payload_fail("received bytes differ");
	}
	s->received++;
	s->bytes += len;
	vnet_rx_post(&s->nic, (uint16_t)elem->id);
}

static bool smoke_burst_is_done(void *arg)
{
	struct smoke *s = arg;
	struct vring_used_elem elem;

	while (virtq_take(&s->nic.tx, &elem)) {
		if (elem.id != s->tx_done)
			payload_fail("transmit completed out of order");
		s->tx_done++;
	}
	while (virtq_take(&s->nic.rx, &elem)) {
		smoke_check(s, &elem);
		s->rx_done++;
	}
	return s->tx_done == s->burst && s->rx_done == s->burst;
}

static void smoke_burst(struct smoke *s, uint16_t burst)
{
	s->burst = burst;
	s->tx_done = 0;
	s->rx_done = 0;
	for (uint16_t i = 0; i < burst; i++)
		smoke_send(s, i);
	s->kicks += virtq_kick_if_wanted(&s->nic.tx);
	payload_wait(smoke_burst_is_done, s, "frames did not come back");
	s->kicks += virtq_kick_if_wanted(&s->nic.rx);
}

static void smoke_report(const struct smoke *s)
{
	console_text("PASS frames=");
	console_number(s->received);
	console_text(" bytes=");
	console_number(s->bytes);
	console_text(" kicks=");
	console_number(s->kicks);
	console_text(" features=0x");
	console_hex(s->nic.dev.features);
	console_text(" mac=");
	for (unsigned int i = 0; i < sizeof(s->nic.mac); i++) {
		console_hex(s->nic.mac[i] >> 4);
		console_hex(s->nic.mac[i] & 15);
	}
	console_text("\n");
}

void mode_smoke(void)
{
	static struct smoke s;
	uint64_t frames = option_number("frames", 1455);

	vnet_start(&s.nic, 1ULL << VIRTIO_RING_F_EVENT_IDX |
				   1ULL << VIRTIO_NET_F_MRG_RXBUF);
	for (uint16_t i = 0; i < s.nic.rx.size; i++)
		vnet_rx_post(&s.nic, i);
	virtq_kick_if_wanted(&s.nic.rx);
	while (s.received < frames) {
		uint64_t left = frames - s.received;

		smoke_burst(&s, (uint16_t)(left < BURST ? left : BURST));
	}
	if (virtio_needs_reset(&s.nic.dev))
		payload_fail("device needs reset");
	smoke_report(&s);
}
