/* SPDX-License-Identifier: MIT */
/*
 * Where a capture goes, and how it ends.
 */
#include "conformance/capture_rig.h"
#include "support/count_calls.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct capture_rig r;

static void setup(void)
{
	capture_rig_begin(&r, NULL);
	capture_rig_queues(&r, 2);
}

static void teardown(void)
{
	capture_rig_end(&r);
}

/* Sends frames @from to @to - 1. */
static void send_frames(uint32_t from, uint32_t to, size_t len)
{
	for (uint32_t i = from; i < to; i++)
		must(capture_rig_send(&r, 0, i, len, 0) == 1);
}

static struct capture_state state(void)
{
	struct capture_state s;

	capture_query(r.ep, &s);
	return s;
}

/* Sends until the capture ends by itself. The writer is not waited for, so it
 * may take any number of frames. */
static void send_until_lost(size_t len)
{
	for (uint32_t i = 0; !r.ends; i++) {
		send_frames(i, i + 1, len);
		loop_run_once(&r.loop);
	}
	ck_assert_uint_eq(r.lost, 1);
	ck_assert(!state().active);
	/* Traffic goes on. */
	send_frames(0, 10, len);
}

static void refused(int err, const char *why)
{
	size_t fds = count_fds();

	r.error.text[0] = 0;
	ck_assert_int_eq(capture_start(r.ep, &r.config, &r.error), err);
	ck_assert_msg(strstr(r.error.text, why) != NULL, "%s: %s", why,
		      r.error.text);
	ck_assert_msg(strncmp(r.error.text, "nic0: capture: ", 15) == 0, "%s",
		      r.error.text);
	ck_assert_uint_eq(count_fds(), fds);
	ck_assert(!state().active);
}

START_TEST(errors_name_cause_and_cure)
{
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	r.config.path = NULL;
	refused(-EBADF, "open for writing");
	r.config.fd = ends[0];
	refused(-EBADF, "open for writing");
	r.config.fd = 999;
	refused(-EBADF, "open for writing");
	r.config.fd = ends[1];
	r.config.rotate_size = 1U << 20;
	refused(-EINVAL, "only a file can be rotated");
	r.config.rotate_size = CAPTURE_ROTATE_MIN - 1;
	refused(-EINVAL, "131072 or more");
	r.config.rotate_size = 0;
	r.config.ring_bytes = CAPTURE_RING_MIN - 1;
	refused(-EINVAL, "262144 to 1073741824");
	r.config.ring_bytes = CAPTURE_RING_MAX + 1UL;
	refused(-EINVAL, "262144 to 1073741824");
	/* A descriptor that was refused is the caller's. */
	ck_assert_int_eq(close(ends[0]), 0);
	ck_assert_int_eq(close(ends[1]), 0);
	ck_assert_int_eq(capture_stop(r.ep, NULL, NULL), -ENOENT);
}
END_TEST

static int never(int rotator)
{
	UNUSED(rotator);
	return -EIO;
}

/* What had something in it is left alone: appended to, not rotated. */
START_TEST(file_that_was_not_empty)
{
	static const char before[] = "before";
	struct stat st;

	r.config.fd = open(r.path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(write(r.config.fd, before, 6), 6);
	r.config.rotate_size = 1U << 20;
	r.config.rotate = never;
	refused(-EINVAL, "it must be empty");
	r.config.rotate_size = 0;
	capture_rig_start(&r);
	send_frames(0, 3, 100);
	capture_rig_stop(&r);
	ck_assert_int_eq(stat(r.path, &st), 0);
	ck_assert_int_eq((int)st.st_size, (int)state().written + 6);
}
END_TEST

static void ignore_end(void *arg, const struct capture_end *end)
{
	UNUSED(end);
	++*(unsigned int *)arg;
}

START_TEST(one_at_a_time)
{
	unsigned int stopped = 0;

	capture_rig_start(&r);
	ck_assert_int_eq(capture_start(r.ep, &r.config, &r.error), -EBUSY);
	ck_assert_ptr_nonnull(strstr(r.error.text, "stop it first"));
	ck_assert_int_eq(capture_stop(r.ep, ignore_end, &stopped), 0);
	ck_assert_int_eq(capture_stop(r.ep, ignore_end, &stopped), -EBUSY);
	ck_assert_int_eq(capture_start(r.ep, &r.config, &r.error), -EBUSY);
	while (!stopped)
		loop_run_once(&r.loop);
	ck_assert_uint_eq(stopped, 1);
	ck_assert_uint_eq(r.lost, 0);
	ck_assert_int_eq(capture_stop(r.ep, ignore_end, &stopped), -ENOENT);
}
END_TEST

START_TEST(file_is_overwritten)
{
	struct pcapng_file file;

	capture_rig_start(&r);
	send_frames(0, 100, 1000);
	capture_rig_stop(&r);
	capture_rig_start(&r);
	send_frames(7, 8, 60);
	capture_rig_stop(&r);
	file = capture_rig_read(r.path);
	ck_assert_uint_eq(file.n_frames, 1);
	ck_assert(capture_rig_is(&file.frames[0], 7, 60));
	pcapng_file_fini(&file);
}
END_TEST

/* Generation @i of the file holds frames up to @wanted - 1, and is full but for
 * the last one. Returns the first. */
static uint32_t check_generation(unsigned int i, uint32_t wanted, size_t len)
{
	struct pcapng_file file;
	char path[128];

	(void)snprintf(path, sizeof(path), i ? "%s.%u" : "%s", r.path, i);
	file = capture_rig_read(path);
	ck_assert_uint_le(file.size, CAPTURE_ROTATE_MIN);
	if (i)
		ck_assert_uint_gt(file.size, CAPTURE_ROTATE_MIN - len - 100);
	ck_assert_uint_eq(file.n_stats, 1);
	for (size_t f = file.n_frames; f; f--)
		must(capture_rig_is(&file.frames[f - 1], --wanted, len));
	pcapng_file_fini(&file);
	return wanted;
}

/* Between the files no frame is missing. */
static void rotate(size_t len, uint32_t n)
{
	uint32_t wanted = n;
	char path[128];

	r.config.rotate_size = CAPTURE_ROTATE_MIN;
	r.rotate_files = 4;
	capture_rig_start(&r);
	send_frames(0, n, len);
	capture_rig_stop(&r);
	ck_assert_uint_eq(state().drops, 0);
	ck_assert_uint_eq(state().packets, n);
	for (unsigned int i = 0; i < 4; i++)
		wanted = check_generation(i, wanted, len);
	ck_assert_uint_gt(wanted, 0);
	(void)snprintf(path, sizeof(path), "%s.4", r.path);
	ck_assert_int_eq(access(path, F_OK), -1);
}

START_TEST(rotates_by_size)
{
	rotate(1000, 2000);
}
END_TEST

/* The last block but one of a file would fit without its statistics. */
START_TEST(rotates_small_frames)
{
	rotate(60, 8000);
}
END_TEST

START_TEST(rotates_a_single_file)
{
	struct pcapng_file file;
	char path[128];

	r.config.rotate_size = CAPTURE_ROTATE_MIN;
	r.rotate_files = 1;
	capture_rig_start(&r);
	send_frames(0, 1000, 1000);
	capture_rig_stop(&r);
	file = capture_rig_read(r.path);
	ck_assert_uint_le(file.size, CAPTURE_ROTATE_MIN);
	ck_assert_uint_gt(file.n_frames, 0);
	ck_assert(capture_rig_is(&file.frames[file.n_frames - 1], 999, 1000));
	ck_assert_uint_eq(file.received, 1000);
	pcapng_file_fini(&file);
	(void)snprintf(path, sizeof(path), "%s.1", r.path);
	ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

START_TEST(directory_that_went_ends_it)
{
	r.config.rotate_size = CAPTURE_ROTATE_MIN;
	r.rotate_files = 1;
	capture_rig_start(&r);
	ck_assert_int_eq(unlink(r.path), 0);
	ck_assert_int_eq(rmdir(r.dir), 0);
	send_until_lost(1000);
	ck_assert_int_eq(r.err, -ENOENT);
	ck_assert_int_eq(mkdir(r.dir, 0700), 0);
}
END_TEST

/* A file that must not grow any more is what a full disk is: the capture ends,
 * and what is there is good. */
START_TEST(full_disk_ends_it)
{
	struct rlimit limit, old;
	struct pcapng_file file;

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = 100001;
	/* The writer's thread must not take it as a signal either. */
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	capture_rig_start(&r);
	send_until_lost(1000);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
	ck_assert_int_eq(r.err, -EFBIG);
	ck_assert_ptr_nonnull(strstr(r.cause, r.path));
	ck_assert_ptr_nonnull(strstr(r.cause, "make room"));
	file = capture_rig_read(r.path);
	ck_assert_uint_gt(file.n_frames, 90);
	for (uint32_t i = 0; i < file.n_frames; i++)
		ck_assert(capture_rig_is(&file.frames[i], i, 1000));
	ck_assert_uint_eq(state().written, file.size);
	pcapng_file_fini(&file);
	/* And there may be another. */
	capture_rig_start(&r);
	capture_rig_stop(&r);
	ck_assert_int_eq(r.err, 0);
}
END_TEST

START_TEST(full_device_ends_it)
{
	r.config.path = "/dev/full";
	capture_rig_start(&r);
	capture_rig_wait(&r, 1);
	ck_assert_uint_eq(r.lost, 1);
	ck_assert_int_eq(r.err, -ENOSPC);
	ck_assert_str_eq(r.cause,
			 "nic0: capture: /dev/full: No space left on device "
			 "(ENOSPC): make room, or limit it with a snaplen and "
			 "rotation");
	send_frames(0, 10, 100);
}
END_TEST

/* A stop that is under way when the capture ends by itself is answered with
 * the reason. */
START_TEST(stop_tells_what_went_wrong)
{
	r.config.path = "/dev/full";
	capture_rig_start(&r);
	capture_rig_stop(&r);
	ck_assert_uint_eq(r.ends, 1);
	ck_assert_uint_eq(r.lost, 0);
	ck_assert_int_eq(r.err, -ENOSPC);
}
END_TEST

static int ends[2];

static void begin_stream(bool socket)
{
	if (socket)
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC,
					    0, ends),
				 0);
	else
		ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	r.config.path = NULL;
	r.config.fd = ends[1];
	capture_rig_start(&r);
	ck_assert_ptr_null(state().path);
}

/* Small frames: the whole file waits in the pipe. */
static void stream(bool socket)
{
	struct pcapng_file file;

	begin_stream(socket);
	send_frames(0, 50, 100);
	capture_rig_stop(&r);
	ck_assert_int_eq(r.err, 0);
	ck_assert_int_eq(pcapng_file_read_fd(&file, ends[0]), 0);
	ck_assert(!file.cut);
	ck_assert_uint_eq(file.n_frames, 50);
	for (uint32_t i = 0; i < 50; i++)
		ck_assert(capture_rig_is(&file.frames[i], i, 100));
	ck_assert_uint_eq(file.received, 50);
	pcapng_file_fini(&file);
	(void)close(ends[0]);
}

START_TEST(to_a_pipe)
{
	stream(false);
}
END_TEST

START_TEST(to_a_socket)
{
	stream(true);
}
END_TEST

/* Reads to the end while the capture is being stopped, a little at a time. */
static size_t read_slowly(unsigned char *text)
{
	size_t size = 0;
	ssize_t n;

	ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	ck_assert_int_eq(capture_stop(r.ep, ignore_end, &r.ends), 0);
	while (!r.ends) {
		n = read(ends[0], text + size, 3001);
		if (n > 0)
			size += (size_t)n;
		loop_run_once(&r.loop);
	}
	while ((n = read(ends[0], text + size, 1U << 20)) > 0)
		size += (size_t)n;
	ck_assert_int_eq(n, 0);
	(void)close(ends[0]);
	return size;
}

/* A reader that is behind costs captured frames, which are counted, and the
 * stream stays whole. */
START_TEST(slow_reader_costs_frames_only)
{
	unsigned char *text = malloc(64U << 20);
	uint32_t next[2] = {0, 1}, sent = 0;
	struct pcapng_file file;

	ck_assert_ptr_nonnull(text);
	r.config.ring_bytes = CAPTURE_RING_MIN;
	begin_stream(false);
	/* Frames are dropped at the end only. */
	for (; !state().drops; sent++)
		must(capture_rig_send(&r, sent % 2, sent, 1000, 0) == 1);
	ck_assert_int_eq(pcapng_file_parse(&file, text, read_slowly(text)), 0);
	ck_assert(!file.cut);
	ck_assert_uint_eq(file.n_frames, sent - 1);
	ck_assert_uint_eq(file.dropped, 1);
	ck_assert_uint_eq(file.received, sent);
	for (uint32_t i = 0; i < file.n_frames; i++) {
		uint32_t queue = file.frames[i].queue;

		must(capture_rig_is(&file.frames[i], next[queue], 1000));
		next[queue] += 2;
	}
	pcapng_file_fini(&file);
}
END_TEST

/* A frame comes out though nothing follows it, whether the writer naps or
 * sleeps. */
START_TEST(stream_is_live)
{
	char bytes[4096];

	begin_stream(false);
	for (uint32_t i = 0; i < 20; i++) {
		struct pollfd pfd = {.fd = ends[0], .events = POLLIN};
		uint64_t before = state().written;

		while (poll(&pfd, 1, i % 2 ? 30 : 0) > 0)
			ck_assert_int_gt(read(ends[0], bytes, sizeof(bytes)),
					 0);
		send_frames(i, i + 1, 100);
		while (i && state().written == before)
			ck_assert_int_eq(poll(&pfd, 1, 60000), 1);
	}
	(void)close(ends[0]);
}
END_TEST

/* Also when nothing is sent. */
static void reader_goes(bool socket)
{
	char header[256];

	begin_stream(socket);
	ck_assert_int_gt(read(ends[0], header, sizeof(header)), 0);
	(void)close(ends[0]);
	capture_rig_wait(&r, 1);
	ck_assert_uint_eq(r.lost, 1);
	ck_assert_int_eq(r.err, -EPIPE);
	ck_assert_ptr_nonnull(strstr(r.cause, "the reader has gone"));
	send_frames(0, 10, 100);
}

START_TEST(closed_pipe_ends_it)
{
	reader_goes(false);
}
END_TEST

START_TEST(closed_socket_ends_it)
{
	reader_goes(true);
}
END_TEST

/* What the reader says is not listened to, that it says no more is no end. */
START_TEST(reader_may_talk)
{
	struct pcapng_file file;

	begin_stream(true);
	ck_assert_int_eq(write(ends[0], "hello", 5), 5);
	ck_assert_int_eq(shutdown(ends[0], SHUT_WR), 0);
	send_frames(0, 50, 100);
	capture_rig_stop(&r);
	ck_assert_int_eq(r.err, 0);
	ck_assert_int_eq(pcapng_file_read_fd(&file, ends[0]), 0);
	ck_assert_uint_eq(file.n_frames, 50);
	pcapng_file_fini(&file);
	(void)close(ends[0]);
}
END_TEST

START_TEST(stop_waits_for_a_reader_only_so_long)
{
	begin_stream(false);
	send_frames(0, 1000, 1000);
	capture_rig_stop(&r);
	ck_assert_int_eq(r.err, -ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(r.cause, "took nothing"));
	(void)close(ends[0]);
}
END_TEST

/* teardown() destroys the endpoint. */
START_TEST(destroyed_while_active)
{
	capture_rig_start(&r);
	send_frames(0, 10, 100);
}
END_TEST

START_TEST(destroyed_while_stopping)
{
	capture_rig_start(&r);
	send_frames(0, 10, 100);
	ck_assert_int_eq(capture_stop(r.ep, ignore_end, &r.ends), 0);
}
END_TEST

START_TEST(destroyed_while_ending)
{
	begin_stream(false);
	(void)close(ends[0]);
	send_frames(0, 10, 100);
}
END_TEST

START_TEST(destroyed_while_a_reader_is_behind)
{
	begin_stream(false);
	send_frames(0, 1000, 1000);
}
END_TEST

START_TEST(destroying_writes_what_there_is)
{
	struct pcapng_file file;

	capture_rig_start(&r);
	send_frames(0, 10, 100);
	capture_rig_no_queues(&r);
	net_endpoint_destroy(r.ep);
	r.ep = NULL;
	file = capture_rig_read(r.path);
	ck_assert_uint_eq(file.n_frames, 10);
	ck_assert_uint_eq(file.n_stats, 1);
	pcapng_file_fini(&file);
}
END_TEST

START_TEST(nothing_is_left_over)
{
	long live = 0;
	size_t fds = 0;

	for (unsigned int i = 0; i < 6; i++) {
		struct capture_rig *rig = &r;

		capture_rig_start(rig);
		send_frames(0, 10, 100);
		capture_rig_stop(rig);
		begin_stream(i % 2);
		(void)close(ends[0]);
		rig->ends = 0;
		rig->lost = 0;
		capture_rig_wait(rig, 1);
		rig->config.path = rig->path;
		rig->config.fd = -1;
		rig->config.rotate_size = CAPTURE_ROTATE_MIN;
		rig->rotate_files = 2;
		capture_rig_start(rig);
		capture_rig_stop(rig);
		rig->config.rotate_size = 0;
		if (i == 1) {
			live = count_live_allocations();
			fds = count_fds();
		}
	}
	ck_assert_int_eq(count_live_allocations(), live);
	ck_assert_uint_eq(count_fds(), fds);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, errors_name_cause_and_cure);
	tcase_add_test(tc, file_that_was_not_empty);
	tcase_add_test(tc, one_at_a_time);
	tcase_add_test(tc, file_is_overwritten);
	tcase_add_test(tc, rotates_by_size);
	tcase_add_test(tc, rotates_small_frames);
	tcase_add_test(tc, rotates_a_single_file);
	tcase_add_test(tc, directory_that_went_ends_it);
	tcase_add_test(tc, full_disk_ends_it);
	tcase_add_test(tc, full_device_ends_it);
	tcase_add_test(tc, stop_tells_what_went_wrong);
	tcase_add_test(tc, to_a_pipe);
	tcase_add_test(tc, to_a_socket);
	tcase_add_test(tc, slow_reader_costs_frames_only);
	tcase_add_test(tc, stream_is_live);
	tcase_add_test(tc, closed_pipe_ends_it);
	tcase_add_test(tc, closed_socket_ends_it);
	tcase_add_test(tc, reader_may_talk);
	tcase_add_test(tc, stop_waits_for_a_reader_only_so_long);
	tcase_add_test(tc, destroyed_while_active);
	tcase_add_test(tc, destroyed_while_stopping);
	tcase_add_test(tc, destroyed_while_ending);
	tcase_add_test(tc, destroyed_while_a_reader_is_behind);
	tcase_add_test(tc, destroying_writes_what_there_is);
	tcase_add_test(tc, nothing_is_left_over);
}

int main(void)
{
	Suite *suite = suite_create("capture_sink");
	TCase *tc = tcase_create("capture_sink");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 90);
	add_tests(tc);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
