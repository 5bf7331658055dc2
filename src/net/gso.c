/* SPDX-License-Identifier: MIT */
/*
 * Cutting a large frame into packets.
 *
 * What changes from packet to packet:
 *
 *   IPv4	total length; identification, one more each time; checksum
 *   IPv6	payload length
 *   TCP	sequence number; FIN and PSH only in the last packet; CWR only in
 *		the first (RFC 3168, 6.1.2: it answers one ECE); checksum
 *   UDP	length; checksum, 0xffff instead of 0
 *
 * The pseudo header's sum is made from the addresses and not from what the
 * frame's checksum field holds, since senders do not agree on its length there.
 */
#include "net/gso.h"

#include "base/bytes.h"
#include "net/checksum.h"
#include "net/offload.h"

#include <errno.h>
#include <string.h>

#define IPV4_TOTAL_LEN	 2
#define IPV4_ID		 4
#define IPV4_ADDRESSES	 12
#define IPV6_PAYLOAD_LEN 4
#define IPV6_ADDRESSES	 8

#define TCP_SEQ	  4
#define TCP_FLAGS 13
#define TCP_FIN	  0x01
#define TCP_PSH	  0x08
#define TCP_CWR	  0x80

#define UDP_LEN_AT 4

/* Is the frame what the offload says? */
static int check_offload(const struct net_gso *gso,
			 const struct net_offload *offload)
{
	struct net_tx_meta meta = {.offload = *offload};

	if (offload->gso == NET_GSO_NONE)
		return -EINVAL;
	return net_offload_to_flags(&gso->h, &meta);
}

int net_gso_init(struct net_gso *gso, const struct net_offload *offload,
		 const struct iovec *iov, size_t n)
{
	struct net_iov_walk walk = net_iov_walk(iov, n);
	size_t len = net_iov_len(iov, n), got;
	uint32_t longest;
	int err;

	got = net_iov_read(&walk, gso->header, sizeof(gso->header));
	err = net_headers_parse(gso->header, got, &gso->h);
	if (!err)
		err = check_offload(gso, offload);
	if (err < 0)
		return err;
	gso->header_len = net_headers_len(&gso->h);
	if (len - gso->header_len > NET_FRAME_MAX)
		return -EINVAL;
	gso->payload_len = (uint32_t)(len - gso->header_len);
	gso->size = offload->gso_size;
	longest = MIN(gso->payload_len, (uint32_t)gso->size);
	if (gso->header_len - gso->h.l2_len + longest > UINT16_MAX)
		return -EINVAL;
	gso->count = (gso->payload_len + gso->size - 1U) / gso->size;
	gso->count = MAX(gso->count, 1U);
	gso->index = 0;
	return net_gso_resume(gso, iov, n);
}

int net_gso_resume(struct net_gso *gso, const struct iovec *iov, size_t n)
{
	size_t at = gso->header_len + (size_t)gso->index * gso->size;

	if (net_iov_len(iov, n) < (size_t)gso->header_len + gso->payload_len)
		return -EINVAL;
	gso->walk = net_iov_walk(iov, n);
	return net_iov_skip(&gso->walk, at) ? 0 : -EINVAL;
}

static void set_ipv4(const struct net_gso *gso, uint8_t *ip, uint32_t l4_len)
{
	store_be16(ip + IPV4_TOTAL_LEN, (uint16_t)(gso->h.l3_len + l4_len));
	store_be16(ip + IPV4_ID,
		   (uint16_t)(load_be16(ip + IPV4_ID) + gso->index));
	net_offload_finish_ipv4(ip, gso->h.l3_len);
}

static void set_ipv6(const struct net_gso *gso, uint8_t *ip, uint32_t l4_len)
{
	store_be16(ip + IPV6_PAYLOAD_LEN,
		   (uint16_t)(gso->h.l3_len - NET_IPV6_LEN + l4_len));
}

static void set_tcp(const struct net_gso *gso, uint8_t *tcp)
{
	store_be32(tcp + TCP_SEQ,
		   load_be32(tcp + TCP_SEQ) + gso->index * gso->size);
	if (gso->index)
		tcp[TCP_FLAGS] &= (uint8_t)~TCP_CWR;
	if (gso->index + 1 < gso->count)
		tcp[TCP_FLAGS] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
}

/* The sum over pseudo header, transport header and payload, which goes to the
 * field at @field. */
static void set_checksum(const struct net_gso *gso, uint8_t *header,
			 const struct net_gso_packet *packet)
{
	const uint8_t *ip = header + gso->h.l2_len;
	uint8_t *l4 = header + net_headers_l4_offset(&gso->h);
	uint8_t *field = l4 + net_headers_csum_offset(gso->h.l4);
	uint32_t l4_len = gso->h.l4_len + packet->payload_len;
	struct net_iov_walk payload = packet->payload;
	struct net_csum csum = {0};

	if (gso->h.l3 == NET_L3_IPV6)
		net_csum_add_pseudo_v6(&csum, ip + IPV6_ADDRESSES,
				       gso->h.protocol, l4_len);
	else
		net_csum_add_pseudo_v4(&csum, ip + IPV4_ADDRESSES,
				       gso->h.protocol, l4_len);
	store_be16(field, 0);
	net_csum_add(&csum, l4, gso->h.l4_len);
	/* resume has seen that there is as much. */
	(void)net_csum_add_walk(&csum, &payload, packet->payload_len);
	store_be16(field, gso->h.l4 == NET_L4_UDP ? net_csum_finish_udp(&csum)
						  : net_csum_finish(&csum));
}

bool net_gso_next(struct net_gso *gso, uint8_t *header,
		  struct net_gso_packet *out)
{
	uint32_t at = gso->index * gso->size, l4_len;
	uint8_t *ip = header + gso->h.l2_len;
	uint8_t *l4 = header + net_headers_l4_offset(&gso->h);

	if (gso->index == gso->count)
		return false;
	out->header_len = gso->header_len;
	out->payload_at = gso->header_len + at;
	out->payload_len = MIN(gso->payload_len - at, (uint32_t)gso->size);
	out->payload = gso->walk;
	l4_len = gso->h.l4_len + out->payload_len;
	memcpy(header, gso->header, gso->header_len);
	if (gso->h.l3 == NET_L3_IPV4)
		set_ipv4(gso, ip, l4_len);
	else
		set_ipv6(gso, ip, l4_len);
	if (gso->h.l4 == NET_L4_TCP)
		set_tcp(gso, l4);
	else
		store_be16(l4 + UDP_LEN_AT, (uint16_t)l4_len);
	set_checksum(gso, header, out);
	(void)net_iov_skip(&gso->walk, out->payload_len);
	gso->index++;
	return true;
}
