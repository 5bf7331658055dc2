/* SPDX-License-Identifier: MIT */
/*
 * Blocks of a pcapng file, byte by byte and by a reader.
 */
#include "backends/pcapng.h"
#include "base/bytes.h"
#include "base/util.h"
#include "support/pcapng_reader.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

START_TEST(packet_block_is_as_specified)
{
	static const unsigned char wanted[] = {
		6,    0,    0,	  0,	60,   0,    0,	  0, /* type, length */
		0,    0,    0,	  0,			     /* interface */
		0x67, 0x45, 0x23, 0x01, 0xef, 0xcd, 0xab, 0x89, /* time */
		5,    0,    0,	  0,	0xdc, 5,    0,	  0,	/* lengths */
		'h',  'e',  'l',  'l',	'o',  0,    0,	  0, /* bytes, padded */
		2,    0,    4,	  0,	2,    0,    0,	  0, /* flags: out */
		6,    0,    4,	  0,	7,    0,    0,	  0, /* queue */
		0,    0,    0,	  0,	60,   0,    0,	  0,
	};
	struct pcapng_packet packet = {
		.ns = 0x0123456789abcdef,
		.cap_len = 5,
		.len = 1500,
		.queue = 7,
		.direction = PCAPNG_OUTBOUND,
	};
	unsigned char block[64];

	memset(block, 0xee, sizeof(block));
	ck_assert_uint_eq(pcapng_packet_size(5), sizeof(wanted));
	memcpy(pcapng_packet(block, &packet), "hello", 5);
	ck_assert_mem_eq(block, wanted, sizeof(wanted));
	ck_assert_uint_eq(block[sizeof(wanted)], 0xee);
}
END_TEST

START_TEST(every_length_is_padded)
{
	unsigned char block[256];

	for (uint32_t len = 0; len < 100; len++) {
		struct pcapng_packet packet = {.cap_len = len, .len = len};
		size_t size = pcapng_packet_size(len);
		unsigned char *data;

		memset(block, 0xee, sizeof(block));
		data = pcapng_packet(block, &packet);
		ck_assert_uint_eq(size % 4, 0);
		ck_assert_uint_eq(load_le32(block + 4), size);
		ck_assert_uint_eq(load_le32(block + size - 4), size);
		ck_assert_uint_eq(block[size], 0xee);
		for (uint32_t i = len; i % 4; i++)
			ck_assert_uint_eq(data[i], 0);
	}
}
END_TEST

static struct pcapng_file read_back(const unsigned char *text, size_t size)
{
	struct pcapng_file file;
	unsigned char *copy = malloc(size);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, text, size);
	ck_assert_int_eq(pcapng_file_parse(&file, copy, size), 0);
	return file;
}

START_TEST(file_is_read_back)
{
	struct pcapng_statistics stats = {
		.ns = UINT64_MAX - 1,
		.start_ns = 1,
		.received = 1ULL << 40,
		.dropped = 3,
	};
	struct pcapng_packet packet = {
		.ns = 1600000000123456789,
		.cap_len = 3,
		.len = 3,
		.direction = PCAPNG_INBOUND,
	};
	unsigned char text[1024];
	struct pcapng_file file;
	size_t n;

	n = pcapng_header(text, "nic0", 128);
	ck_assert_uint_le(n, PCAPNG_HEADER_MAX);
	memcpy(pcapng_packet(text + n, &packet), "abc", 3);
	n += pcapng_packet_size(3);
	pcapng_statistics(text + n, &stats);
	n += PCAPNG_STATISTICS_LEN;

	file = read_back(text, n);
	ck_assert(!file.cut);
	ck_assert_str_eq(file.name, "nic0");
	ck_assert_uint_eq(file.snaplen, 128);
	ck_assert_uint_eq(file.resolution, 9);
	ck_assert_uint_eq(file.n_frames, 1);
	ck_assert_uint_eq(file.frames[0].ns, packet.ns);
	ck_assert_uint_eq(file.frames[0].direction, PCAPNG_INBOUND);
	ck_assert_mem_eq(file.frames[0].bytes, "abc", 3);
	ck_assert_uint_eq(file.n_stats, 1);
	ck_assert_uint_eq(file.start_ns, stats.start_ns);
	ck_assert_uint_eq(file.end_ns, stats.ns);
	ck_assert_uint_eq(file.received, stats.received);
	ck_assert_uint_eq(file.dropped, stats.dropped);
	pcapng_file_fini(&file);
}
END_TEST

START_TEST(names_are_cut_off)
{
	unsigned char text[PCAPNG_HEADER_MAX + 1];
	char name[PCAPNG_HEADER_MAX];
	struct pcapng_file file;

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	for (size_t len = 0; len < sizeof(name); len++) {
		const char *tail = name + sizeof(name) - 1 - len;
		size_t n;

		text[PCAPNG_HEADER_MAX] = 0xee;
		n = pcapng_header(text, tail, 0);
		ck_assert_uint_le(n, PCAPNG_HEADER_MAX);
		ck_assert_uint_eq(text[PCAPNG_HEADER_MAX], 0xee);
		file = read_back(text, n);
		ck_assert_uint_eq(strlen(file.name),
				  MIN(len, (size_t)PCAPNG_NAME_MAX));
		pcapng_file_fini(&file);
	}
}
END_TEST

START_TEST(whole_blocks_within_a_limit)
{
	unsigned char text[1024];
	size_t ends[5] = {0}, n = 0;

	for (uint32_t i = 1; i < 5; i++) {
		struct pcapng_packet packet = {.cap_len = i * 8, .len = i * 8};

		(void)pcapng_packet(text + n, &packet);
		n += pcapng_packet_size(i * 8);
		ends[i] = n;
	}
	for (size_t limit = 0; limit <= n + 10; limit++) {
		size_t wanted = 0;

		for (size_t i = 0; i < 5; i++) {
			if (ends[i] <= limit)
				wanted = ends[i];
		}
		ck_assert_uint_eq(pcapng_whole(text, n, limit), wanted);
	}
	ck_assert_uint_eq(pcapng_whole(text, n, UINT64_MAX), n);
	ck_assert_uint_eq(pcapng_whole(text, 0, 0), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pcapng");
	TCase *tc = tcase_create("pcapng");

	tcase_add_test(tc, packet_block_is_as_specified);
	tcase_add_test(tc, every_length_is_padded);
	tcase_add_test(tc, file_is_read_back);
	tcase_add_test(tc, names_are_cut_off);
	tcase_add_test(tc, whole_blocks_within_a_limit);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
