/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_SUPPORT_CSM_LOCAL_H
#define EVNIC_TESTS_SUPPORT_CSM_LOCAL_H

/*
 * Packets that are neither TCP nor a UDP flow's, for tests of what consomme
 * answers by itself: made by hand, sent by the script's guest, and read again.
 */

#include "support/csm_script.h"

/* The most bytes of a packet's payload that is sent. */
#define LOCAL_MAX 10000

/* What stands in a packet around its payload. @mac: of who gets it; all 0: the
 * gateway's, or a group's if @dst is one. @ttl: 0: 64. @protocol: UDP has ports
 * and a header, ICMP's message is all payload. @bad_sum: the checksum is wrong. */
struct local_head {
	uint8_t mac[6];
	struct csm_addr src, dst;
	uint8_t ttl, protocol;
	uint16_t src_port, dst_port;
	bool bad_sum;
};

/* A frame that the guest got, its checksums verified. @ethertype; the rest is
 * valid for IP only. @payload: in @frame. */
struct local_packet {
	struct script_frame *frame;
	uint16_t ethertype;
	uint8_t mac[6];
	struct local_head head;
	const uint8_t *payload;
	size_t len;
};

struct csm_addr local_addr(const char *text);

/* Sends a packet, and gives the stack its turn. */
void local_send(struct script *s, const struct local_head *head,
		const void *payload, size_t len);

/* The same with a whole frame. */
void local_send_frame(struct script *s, const void *frame, size_t len);

/* Takes the next frame off; the test fails if there is none. */
void local_take(struct script *s, struct local_packet *out);
void local_free(struct local_packet *packet);

/* Nothing has come for the guest. */
#define local_expect_nothing(s) ck_assert_uint_eq((s)->n_frames, 0)

/* Bytes out of hexadecimal digits; blanks are passed over. Their number. */
size_t local_hex(const char *text, uint8_t *buf, size_t size);

#define local_addr_eq(a, text)                                      \
	do {                                                        \
		char text_[CSM_ADDR_TEXT_MAX];                      \
		ck_assert_str_eq(csm_addr_text(&(a), text_), text); \
	} while (0)

#endif
