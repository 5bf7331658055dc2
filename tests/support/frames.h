/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_SUPPORT_FRAMES_H
#define EVNIC_TESTS_SUPPORT_FRAMES_H

/*
 * Frames of TCP and UDP for tests, unfinished as a guest hands them out; and a
 * judge of finished ones, which shares no code with src/.
 */

#include "net/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* @tags: EtherTypes of VLAN tags, outermost first, ended by 0.
 * @ipv4_options: bytes of them, a multiple of 4. @extension: an IPv6 extension
 * header of 8 bytes of this kind; 0: none. @tcp_options: bytes of them, a
 * multiple of 4. @gso_size: not 0: a GSO frame. */
struct frame_shape {
	bool ipv6;
	bool udp;
	uint16_t tags[4];
	size_t ipv4_options;
	uint8_t extension;
	size_t tcp_options;
	uint8_t tcp_flags;
	uint16_t ip_id;
	uint32_t seq;
	uint16_t gso_size;
	size_t payload;
};

/* The largest frame that frame_make() makes. */
#define FRAME_ROOM (NET_FRAME_MAX + 64)

/* Makes the frame of this shape in @frame (room for FRAME_ROOM), its checksum
 * field with the pseudo header's sum. What is left to do goes to *@offload.
 * Returns its length. */
size_t frame_make(const struct frame_shape *shape, uint8_t *frame,
		  struct net_offload *offload);

/* Byte @i of the payload of a frame that was made. */
uint8_t frame_payload_byte(size_t i);

/* What is wrong with a finished frame: lengths, checksums; NULL: nothing.
 * *@header_len: where its payload begins. */
const char *frame_fault(const uint8_t *frame, size_t len, size_t *header_len);

/* The internet checksum, slowly. */
uint16_t frame_naive_sum(uint32_t start, const uint8_t *bytes, size_t len);

#endif
