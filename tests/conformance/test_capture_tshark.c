/* SPDX-License-Identifier: MIT */
/*
 * A capture as tshark reads it: frames, directions, queues, lengths, times, and
 * what the file says about its interface.
 */
#include "base/bytes.h"
#include "conformance/capture_rig.h"
#include "support/run.h"
#include "support/skip.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define QUEUES 3
#define FRAMES 90

#define FIELDS                                                      \
	"-T fields -E separator=, -e frame.interface_name "         \
	"-e frame.interface_queue -e frame.packet_flags_direction " \
	"-e frame.cap_len -e frame.len -e frame.time_epoch "        \
	"-e eth.dst -e eth.src -e eth.type -e data.data"

/* The file's own blocks. */
#define BLOCKS "-X 'read_format:MIME Files Format' -V"

static struct capture_rig r;

static void setup(void)
{
	capture_rig_begin(&r, NULL);
	capture_rig_queues(&r, QUEUES);
}

static void teardown(void)
{
	capture_rig_end(&r);
}

static size_t len_of(uint32_t i)
{
	return 60 + (size_t)i * 97 % 1455;
}

static void make_file(uint32_t snaplen)
{
	r.config.snaplen = snaplen;
	capture_rig_start(&r);
	for (uint32_t i = 0; i < FRAMES; i++) {
		if (i % 5 < 3)
			must(capture_rig_send(&r, i % QUEUES, i, len_of(i),
					      i % 4 * 100) == 1);
		else
			capture_rig_arrive(&r, i % QUEUES, i, len_of(i));
	}
	capture_rig_stop(&r);
}

static FILE *run(const char *options)
{
	char command[1024];
	FILE *out;

	(void)snprintf(command, sizeof(command),
		       "tshark -n -r '%s' %s 2>/dev/null", r.path, options);
	out = popen(command, "re");
	ck_assert_ptr_nonnull(out);
	return out;
}

/* One line without colons and the newline. False: the end. */
static bool next_line(FILE *out, char *line, size_t size)
{
	char *to = line;

	if (!fgets(line, (int)size, out))
		return false;
	for (const char *from = line; *from && *from != '\n'; from++) {
		if (*from != ':')
			*to++ = *from;
	}
	*to = 0;
	return true;
}

static void put_hex(char **at, const unsigned char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(*at, 3, "%02x", bytes[i]);
		*at += 2;
	}
}

/* What tshark has to say of frame @i. */
static void expect(char *line, size_t size, const struct pcapng_frame *frame,
		   uint32_t i)
{
	size_t len = len_of(i);
	char *at = line;

	ck_assert(capture_rig_is(frame, i, len));
	at += snprintf(line, size,
		       "nic0,%u,0x%08x,%zu,%zu,%" PRIu64 ".%09" PRIu64 ",",
		       i % QUEUES, i % 5 < 3 ? 2U : 1U,
		       r.config.snaplen ? MIN(len, r.config.snaplen) : len, len,
		       frame->ns / 1000000000, frame->ns % 1000000000);
	put_hex(&at, frame->bytes, 6);
	*at++ = ',';
	put_hex(&at, frame->bytes + 6, 6);
	at += snprintf(at, 16, ",0x88b5,");
	put_hex(&at, frame->bytes + 14, frame->cap_len - 14);
}

static void check_frames(uint32_t snaplen)
{
	static char line[8192], wanted[8192];
	struct pcapng_file file;
	uint32_t n = 0;
	FILE *out;

	make_file(snaplen);
	file = capture_rig_read(r.path);
	ck_assert_uint_eq(file.n_frames, FRAMES);
	out = run(FIELDS);
	for (; next_line(out, line, sizeof(line)); n++) {
		ck_assert_uint_lt(n, FRAMES);
		expect(wanted, sizeof(wanted), &file.frames[n],
		       load_le32(file.frames[n].bytes));
		ck_assert_str_eq(line, wanted);
	}
	ck_assert_int_eq(pclose(out), 0);
	ck_assert_uint_eq(n, FRAMES);
	pcapng_file_fini(&file);
}

START_TEST(frames)
{
	check_frames(0);
}
END_TEST

START_TEST(frames_cut_short)
{
	check_frames(128);
}
END_TEST

START_TEST(interface_and_statistics)
{
	static const char *const wanted[] = {
		"Section Header Block",
		"Link Type ETHERNET (1)",
		"Snap Length 200",
		"Interface Name = nic0",
		"Timestamp Resolution = 10^-9 (nanoseconds)",
		"Number of Received Packets = 90",
		"Number of Dropped Packets = 0",
	};
	bool found[ARRAY_SIZE(wanted)] = {false};
	char line[8192];
	FILE *out;

	make_file(200);
	out = run(BLOCKS);
	while (next_line(out, line, sizeof(line))) {
		ck_assert_ptr_null(strstr(line, "Malformed"));
		for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
			found[i] |= strstr(line, wanted[i]) != NULL;
	}
	ck_assert_int_eq(pclose(out), 0);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		ck_assert_msg(found[i], "%s", wanted[i]);
}
END_TEST

static bool have_tshark(void)
{
	FILE *out = popen("tshark --version 2>/dev/null", "re");
	char line[256];
	bool have = out && fgets(line, sizeof(line), out);

	return out && pclose(out) == 0 && have;
}

int main(void)
{
	Suite *suite = suite_create("capture_tshark");
	TCase *tc = tcase_create("capture_tshark");

	if (!have_tshark())
		return test_skip("no tshark: tools/deps peer installs it");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 110);
	tcase_add_test(tc, frames);
	tcase_add_test(tc, frames_cut_short);
	tcase_add_test(tc, interface_and_statistics);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
