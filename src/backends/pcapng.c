/* SPDX-License-Identifier: MIT */
/*
 * pcapng: blocks.
 *
 * A block is type, length, body, length again; a body is fixed fields and then
 * options, each code, length and a value padded to 4 bytes, with an empty
 * option in the end.
 */
#include "backends/pcapng.h"

#include "base/bytes.h"
#include "base/util.h"

#include <string.h>

enum block_type {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_STATISTICS = 5,
	BLOCK_PACKET = 6,
};

enum option {
	OPT_END = 0,
	SHB_USERAPPL = 4,
	IF_NAME = 2,
	IF_TSRESOL = 9,
	EPB_FLAGS = 2,
	EPB_QUEUE = 6,
	ISB_STARTTIME = 2,
	ISB_ENDTIME = 3,
	ISB_IFRECV = 4,
	ISB_IFDROP = 5,
};

#define BYTE_ORDER_MAGIC  0x1a2b3c4d
#define LINKTYPE_ETHERNET 1
#define NANOSECONDS	  9 /* 10^-9 s */

/* Where the bytes of a packet are in its block. */
#define PACKET_DATA 28

static uint32_t padded(uint32_t len)
{
	return (len + 3) & ~3U;
}

static unsigned char *put16(unsigned char *p, unsigned int v)
{
	store_le16(p, (uint16_t)v);
	return p + 2;
}

static unsigned char *put32(unsigned char *p, uint32_t v)
{
	store_le32(p, v);
	return p + 4;
}

/* Times are two words, the high one first. */
static unsigned char *put_time(unsigned char *p, uint64_t ns)
{
	p = put32(p, (uint32_t)(ns >> 32));
	return put32(p, (uint32_t)ns);
}

static unsigned char *put_bytes(unsigned char *p, const void *bytes,
				uint32_t len)
{
	memcpy(p, bytes, len);
	memset(p + len, 0, padded(len) - len);
	return p + padded(len);
}

static unsigned char *put_option(unsigned char *p, enum option code,
				 uint32_t len)
{
	p = put16(p, code);
	return put16(p, len);
}

static unsigned char *put_text(unsigned char *p, enum option code,
			       const char *text)
{
	uint32_t len = (uint32_t)strnlen(text, PCAPNG_NAME_MAX);

	p = put_option(p, code, len);
	return put_bytes(p, text, len);
}

/* The length is known when the block ends. */
static unsigned char *block_begin(unsigned char *p, enum block_type type)
{
	return put32(p, type) + 4;
}

static unsigned char *block_end(unsigned char *block, unsigned char *p)
{
	uint32_t len;

	p = put_option(p, OPT_END, 0);
	len = (uint32_t)(p - block) + 4;
	(void)put32(block + 4, len);
	return put32(p, len);
}

static unsigned char *put_section(unsigned char *block)
{
	unsigned char *p = block_begin(block, BLOCK_SECTION);

	p = put32(p, BYTE_ORDER_MAGIC);
	p = put16(p, 1); /* version 1.0 */
	p = put16(p, 0);
	p = put32(p, UINT32_MAX); /* its length is not told */
	p = put32(p, UINT32_MAX);
	p = put_text(p, SHB_USERAPPL, "evnic");
	return block_end(block, p);
}

static unsigned char *put_interface(unsigned char *block, const char *name,
				    uint32_t snaplen)
{
	static const unsigned char resolution = NANOSECONDS;
	unsigned char *p = block_begin(block, BLOCK_INTERFACE);

	p = put16(p, LINKTYPE_ETHERNET);
	p = put16(p, 0);
	p = put32(p, snaplen);
	p = put_text(p, IF_NAME, name);
	p = put_option(p, IF_TSRESOL, 1);
	p = put_bytes(p, &resolution, 1);
	return block_end(block, p);
}

size_t pcapng_header(void *to, const char *name, uint32_t snaplen)
{
	unsigned char *start = to;
	unsigned char *p = put_section(start);

	return (size_t)(put_interface(p, name, snaplen) - start);
}

size_t pcapng_packet_size(uint32_t cap_len)
{
	return PCAPNG_PACKET_OVERHEAD + (size_t)padded(cap_len);
}

unsigned char *pcapng_packet(void *to, const struct pcapng_packet *packet)
{
	unsigned char *block = to, *data, *p;
	uint32_t room = padded(packet->cap_len);

	p = block_begin(block, BLOCK_PACKET);
	p = put32(p, 0); /* the interface */
	p = put_time(p, packet->ns);
	p = put32(p, packet->cap_len);
	data = put32(p, packet->len);
	/* The padding is in the last word. */
	p = data + room;
	if (room)
		(void)put32(p - 4, 0);
	p = put_option(p, EPB_FLAGS, 4);
	p = put32(p, packet->direction);
	p = put_option(p, EPB_QUEUE, 4);
	p = put32(p, packet->queue);
	(void)block_end(block, p);
	return data;
}

static unsigned char *put_count(unsigned char *p, enum option code, uint64_t v)
{
	p = put_option(p, code, 8);
	store_le64(p, v);
	return p + 8;
}

void pcapng_statistics(void *to, const struct pcapng_statistics *stats)
{
	unsigned char *block = to;
	unsigned char *p = block_begin(block, BLOCK_STATISTICS);

	p = put32(p, 0); /* the interface */
	p = put_time(p, stats->ns);
	p = put_option(p, ISB_STARTTIME, 8);
	p = put_time(p, stats->start_ns);
	p = put_option(p, ISB_ENDTIME, 8);
	p = put_time(p, stats->ns);
	p = put_count(p, ISB_IFRECV, stats->received);
	p = put_count(p, ISB_IFDROP, stats->dropped);
	(void)block_end(block, p);
}

size_t pcapng_whole(const void *blocks, size_t len, uint64_t limit)
{
	const unsigned char *p = blocks;
	size_t at = 0;

	if (limit >= len)
		return len;
	while (at < len) {
		size_t next = at + load_le32(p + at + 4);

		if (next > limit)
			break;
		at = next;
	}
	return at;
}
