/* SPDX-License-Identifier: MIT */
/*
 * Segments to the guest: TCP headers (RFC 9293, 3.1). Each carries the
 * acknowledgement and the window of the moment it is made.
 */
#include "backends/consomme/build.h"
#include "backends/consomme/tcp_data.h"
#include "base/bytes.h"
#include "net/headers.h"

#include <netinet/in.h>

#define OPTIONS_MAX 40

uint32_t csm_tcp_head_len(const struct csm_tcp *tcp)
{
	bool v6 = !csm_addr_is4(&tcp->flow.key.guest);

	return (uint32_t)csm_build_ip_len(v6) + NET_TCP_LEN_MIN;
}

static uint16_t window_field(struct csm_tcp *tcp, uint8_t flags)
{
	if (flags & TH_SYN)
		return CSM_TCP_WINDOW_SYN;
	return tcp->state == CSM_TCP_OPEN ? csm_tcp_window_field(tcp) : 0;
}

void csm_tcp_segment(struct csm_tcp *tcp, struct csm_out *out, uint8_t flags,
		     uint32_t seq, uint32_t payload)
{
	const struct csm_key *key = &tcp->flow.key;
	uint8_t options[OPTIONS_MAX];
	size_t n_options =
		flags & TH_SYN ? csm_tcp_syn_options(tcp, options) : 0;
	size_t len = NET_TCP_LEN_MIN + n_options;
	struct csm_frame frame;
	uint8_t *th = csm_frame_begin(&frame, tcp->flow.stack, IPPROTO_TCP, len,
				      NET_TCP_CSUM_OFFSET, &key->far,
				      &key->guest, payload);

	store_be16(th, key->far_port);
	store_be16(th + 2, key->guest_port);
	store_be32(th + 4, seq);
	store_be32(th + 8, flags & TH_ACK ? tcp->rcv_nxt : 0);
	th[12] = (uint8_t)(len / 4 << 4);
	th[13] = flags;
	store_be16(th + 14, window_field(tcp, flags));
	store_be16(th + 18, 0);
	memcpy(th + NET_TCP_LEN_MIN, options, n_options);
	if (payload > tcp->mss) {
		frame.gso = csm_addr_is4(&key->guest) ? NET_GSO_TCPV4
						      : NET_GSO_TCPV6;
		frame.gso_size = tcp->mss;
	}
	if (flags & TH_ACK)
		tcp->rcv_told = tcp->rcv_nxt;
	csm_out_close(out, &frame);
}
