/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_PCAPNG_H
#define EVNIC_BACKENDS_PCAPNG_H

/*
 * Blocks of a pcapng file (IETF draft-ietf-opsawg-pcapng, sections 3 and 4):
 * one section with one Ethernet interface, times in nanoseconds since 1970,
 * little-endian.
 *
 * Functions write whole blocks; a block's length is a multiple of 4. Pure: any
 * thread, no memory of their own.
 */

#include <stddef.h>
#include <stdint.h>

/* Room for what pcapng_header() and pcapng_statistics() write. */
#define PCAPNG_HEADER_MAX     256
#define PCAPNG_STATISTICS_LEN 76

/* A name longer than this is cut off. */
#define PCAPNG_NAME_MAX 63

/* What a packet takes besides its bytes. */
#define PCAPNG_PACKET_OVERHEAD 52

/* As in epb_flags (section 4.3.1). */
enum pcapng_direction {
	PCAPNG_INBOUND = 1,
	PCAPNG_OUTBOUND = 2,
};

/* @cap_len: bytes kept. @len: bytes that there were. */
struct pcapng_packet {
	uint64_t ns;
	uint32_t cap_len;
	uint32_t len;
	uint32_t queue;
	enum pcapng_direction direction;
};

/* @received: packets seen. @dropped: of them, not in the file. */
struct pcapng_statistics {
	uint64_t ns, start_ns;
	uint64_t received, dropped;
};

/* The start of a file: section header, and the interface called @name, of whose
 * frames @snaplen bytes are kept (0: all). Returns the bytes written. */
size_t pcapng_header(void *to, const char *name, uint32_t snaplen);

/* Bytes of the block for a packet of which @cap_len bytes are kept. */
size_t pcapng_packet_size(uint32_t cap_len);

/* Writes a packet's block but for its bytes. Returns where these go. */
unsigned char *pcapng_packet(void *to, const struct pcapng_packet *packet);

/* The interface's statistics up to now: PCAPNG_STATISTICS_LEN bytes. */
void pcapng_statistics(void *to, const struct pcapng_statistics *stats);

/* How many of the first @limit bytes at @blocks, which is @len bytes of whole
 * blocks, are whole blocks. */
size_t pcapng_whole(const void *blocks, size_t len, uint64_t limit);

#endif
