/* SPDX-License-Identifier: MIT */
/*
 * Where log lines go: files, pipes, the journal; and what becomes of those that
 * cannot be written.
 */
#include "base/log.h"
#include "base/log_output.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <regex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/evnic-log-XXXXXX";
static char path[64], other[64], text[1 << 20];

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/log", dir);
	(void)snprintf(other, sizeof(other), "%s/log.1", dir);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	log_configure(&(struct log_config){
		.level = LOG_LEVEL_INFO,
		.id = "web1",
	});
}

static void teardown(void)
{
	(void)unlink(path);
	(void)unlink(other);
	(void)rmdir(dir);
}

static const char *content_of(int fd)
{
	ssize_t n = read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static const char *content(const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	(void)content_of(fd);
	(void)close(fd);
	return text;
}

static size_t count(const char *s, char c)
{
	size_t n = 0;

	for (; *s; s++)
		n += *s == c;
	return n;
}

static void assert_matches(const char *s, const char *pattern)
{
	regex_t regex;

	ck_assert_int_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	ck_assert_msg(regexec(&regex, s, 0, NULL, 0) == 0, "%s is not %s", s,
		      pattern);
	regfree(&regex);
}

#define STAMP \
	"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{6}Z "

START_TEST(a_file_has_times)
{
	struct stat st;

	(void)umask(0);
	ck_assert_int_eq(log_output_open(path), 0);
	ck_assert_int_eq(log_output_shape(), LOG_SHAPE_FILE);
	log_warn("tap0: link down");
	assert_matches(content(path),
		       "^" STAMP "warning: web1: tap0: link down\n$");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	/* What is there stays, also after copytruncate. */
	ck_assert_int_eq(log_output_open(path), 0);
	log_info("again");
	ck_assert_uint_eq(count(content(path), '\n'), 2);
	ck_assert_int_eq(truncate(path, 0), 0);
	log_info("from the front");
	assert_matches(content(path),
		       "^" STAMP "info: web1: from the front\n$");
}
END_TEST

START_TEST(two_writers_share_a_file)
{
	int fd;

	ck_assert_int_eq(log_output_open(path), 0);
	log_info("mine");
	fd = log_output_open_file(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "theirs\n", 7), 7);
	(void)close(fd);
	log_info("mine");
	ck_assert_uint_eq(count(content(path), '\n'), 3);
	assert_matches(text, "mine\ntheirs\n.*mine\n$");
}
END_TEST

/* Lines from several threads while the file is replaced under them: each is in
 * one of the two, whole. */
#define REPLACE_LINES 200
static atomic_uint replace_seen;

static void *replace_cb(void *arg)
{
	UNUSED(arg);
	for (unsigned int i = 0; i < REPLACE_LINES; i++) {
		log_info("line %u.", i);
		atomic_fetch_add(&replace_seen, 1);
	}
	return NULL;
}

START_TEST(no_line_is_lost_by_a_rotation)
{
	pthread_t threads[4];
	size_t n, number;
	int fd;

	ck_assert_int_eq(log_output_open(path), 0);
	number = (size_t)log_output_fd();
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, replace_cb, NULL), 0);
	while (atomic_load(&replace_seen) < REPLACE_LINES)
		(void)sched_yield();
	ck_assert_int_eq(rename(path, other), 0);
	fd = log_output_open_file(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(log_output_replace(fd), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
	ck_assert_uint_eq((size_t)log_output_fd(), number);
	ck_assert_int_eq(fcntl(log_output_fd(), F_GETFD), FD_CLOEXEC);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		(void)pthread_join(threads[i], NULL);
	log_info("last");
	ck_assert_ptr_nonnull(strstr(content(path), "last"));
	n = count(text, '\n');
	ck_assert_uint_eq(count(text, '.'), 2 * n - 1);
	n += count(content(other), '\n');
	ck_assert_uint_eq(n, ARRAY_SIZE(threads) * REPLACE_LINES + 1);
	ck_assert_int_eq(log_output_replace(-1), -EBADF);
	log_info("still here");
	ck_assert_ptr_nonnull(strstr(content(path), "still here"));
}
END_TEST

/* The file may grow by @bytes. */
static void limit_size(rlim_t bytes)
{
	struct rlimit limit;
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes == RLIM_INFINITY ? limit.rlim_max
						: (rlim_t)st.st_size + bytes;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(lines_for_a_full_disk_are_counted)
{
	ck_assert_int_eq(log_output_open(path), 0);
	log_info("before");
	limit_size(10);
	log_info("cut after ten bytes");
	log_info("lost");
	log_emergency("lost", 4);
	limit_size(RLIM_INFINITY);
	log_info("after");
	ck_assert_uint_eq(count(content(path), '\n'), 4);
	assert_matches(text, "^" STAMP "info: web1: before\n"
			     "[0-9-]{10}\n" STAMP
			     "warning: web1: 3 lines were lost: File too large "
			     "[(]EFBIG[)]\n" STAMP "info: web1: after\n$");
	log_info("and on");
	assert_matches(content(path), "after\n" STAMP "info: web1: and on\n$");
}
END_TEST

START_TEST(a_device_that_is_full)
{
	ck_assert_int_eq(log_output_open("/dev/full"), 0);
	log_info("lost");
	log_info("lost, with the notice of the first");
	ck_assert_int_eq(log_output_open(path), 0);
	log_info("after");
	assert_matches(content(path), "2 lines were lost: No space left on "
				      "device [(]ENOSPC[)]\n.*after\n$");
}
END_TEST

START_TEST(a_pipe_that_nobody_reads)
{
	unsigned int n = 0;
	int fd;

	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(log_output_open(path), 0);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	(void)fcntl(fd, F_SETPIPE_SZ, 4096);
	while (n++ < 200)
		log_info("line %u of a pipe that nobody reads", n);
	ck_assert_uint_gt(count(content_of(fd), '\n'), 10);
	ck_assert_uint_lt(count(text, '\n'), 100);
	ck_assert_int_eq(text[strlen(text) - 1], '\n');
	log_info("read again");
	assert_matches(content_of(fd),
		       "^" STAMP "warning: web1: [0-9]+ lines were lost: "
		       "Resource temporarily unavailable [(]EAGAIN[)]\n" STAMP
		       "info: web1: read again\n$");
	(void)close(fd);
}
END_TEST

/* As above, on standard error, whose open file is somebody else's too. */
START_TEST(standard_error_does_not_block)
{
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_ge(dup2(fds[1], STDERR_FILENO), 0);
	(void)fcntl(fds[0], F_SETPIPE_SZ, 4096);
	ck_assert_int_eq(log_output_open(NULL), 0);
	ck_assert_int_eq(log_output_shape(), LOG_SHAPE_STDERR);
	for (unsigned int n = 0; n < 500; n++)
		log_info("a line for a pipe that nobody reads");
	ck_assert_int_eq(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0);
	assert_matches(content_of(fds[0]), "^evnic: info: web1: a line");
}
END_TEST

START_TEST(the_journal_gets_priorities)
{
	char stream[64];
	struct stat st;
	int fds[2];

	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	ck_assert_int_ge(dup2(fds[1], STDERR_FILENO), 0);
	ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
	(void)snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
		       (uintmax_t)st.st_ino);
	(void)setenv("JOURNAL_STREAM", stream, 1);
	ck_assert_int_eq(log_output_open(NULL), 0);
	ck_assert_int_eq(log_output_shape(), LOG_SHAPE_JOURNAL);
	log_configure(&(struct log_config){
		.level = LOG_LEVEL_DEBUG,
		.id = "web1",
	});
	log_error("a");
	log_warn("b");
	log_info("c");
	log_debug("d");
	ck_assert_str_eq(content_of(fds[0]), "<3>web1: a\n<4>web1: b\n"
					     "<6>web1: c\n<7>web1: d\n");
	for (unsigned int n = 0; n < 900; n++)
		log_info("%*s", 900, "does not wait");
	/* Somebody else's stream, and nonsense. */
	(void)snprintf(stream, sizeof(stream), "%ju:%ju0", (uintmax_t)st.st_dev,
		       (uintmax_t)st.st_ino);
	(void)setenv("JOURNAL_STREAM", stream, 1);
	ck_assert_int_eq(log_output_open(NULL), 0);
	ck_assert_int_eq(log_output_shape(), LOG_SHAPE_STDERR);
	(void)setenv("JOURNAL_STREAM", "", 1);
	ck_assert_int_eq(log_output_open(NULL), 0);
	ck_assert_int_eq(log_output_shape(), LOG_SHAPE_STDERR);
}
END_TEST

START_TEST(what_cannot_be_opened_changes_nothing)
{
	ck_assert_int_eq(log_output_open(path), 0);
	ck_assert_int_eq(log_output_open(dir), -EISDIR);
	ck_assert_int_eq(log_output_open("/nowhere/at/all"), -ENOENT);
	log_info("here");
	assert_matches(content(path), "here\n$");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log_output");
	TCase *tc = tcase_create("log_output");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_file_has_times);
	tcase_add_test(tc, two_writers_share_a_file);
	tcase_add_test(tc, no_line_is_lost_by_a_rotation);
	tcase_add_test(tc, lines_for_a_full_disk_are_counted);
	tcase_add_test(tc, a_device_that_is_full);
	tcase_add_test(tc, a_pipe_that_nobody_reads);
	tcase_add_test(tc, standard_error_does_not_block);
	tcase_add_test(tc, the_journal_gets_priorities);
	tcase_add_test(tc, what_cannot_be_opened_changes_nothing);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
