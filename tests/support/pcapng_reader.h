/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_SUPPORT_PCAPNG_READER_H
#define EVNIC_TESTS_SUPPORT_PCAPNG_READER_H

/*
 * Reads pcapng files, for tests: strictly, what evnic writes and no more.
 */

#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pcapng_frame {
	uint64_t ns;
	uint32_t cap_len, len, direction, queue;
	const unsigned char *bytes;
};

/* @cut: the file ends within a block. @n_stats: statistics blocks; the fields
 * after it are the last one's. */
struct pcapng_file {
	unsigned char *text;
	size_t size;
	struct pcapng_frame *frames;
	size_t n_frames;
	bool cut;
	char name[64];
	uint32_t snaplen;
	unsigned int resolution;
	unsigned int n_stats;
	uint64_t start_ns, end_ns, received, dropped;
};

/* 0, -errno, or -EPROTO: not such a file. */
int pcapng_file_read(struct pcapng_file *file, const char *path) MUST_CHECK;
int pcapng_file_read_fd(struct pcapng_file *file, int fd) MUST_CHECK;
/* @text: of @size bytes, from malloc(), the reader's from now on. */
int pcapng_file_parse(struct pcapng_file *file, unsigned char *text,
		      size_t size) MUST_CHECK;
void pcapng_file_fini(struct pcapng_file *file);

#endif
