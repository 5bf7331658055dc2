/* SPDX-License-Identifier: MIT */
/*
 * Log lines: what they look like, their level, their limits. Standard error is
 * a pipe here.
 */
#include "base/log.h"
#include "base/log_output.h"
#include "base/thread.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fds[2], saved;
static char text[262144];

static void set_level(enum log_level level)
{
	log_configure(&(struct log_config){.level = level});
}

static void setup(void)
{
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	ck_assert_int_gt(fcntl(fds[1], F_SETPIPE_SZ, (int)sizeof(text)), 0);
	saved = dup(STDERR_FILENO);
	ck_assert_int_ge(dup2(fds[1], STDERR_FILENO), 0);
	set_level(LOG_LEVEL_INFO);
}

static void teardown(void)
{
	(void)dup2(saved, STDERR_FILENO);
	(void)close(saved);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

/* What was written since the last time. */
static const char *written(void)
{
	ssize_t n = read(fds[0], text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static size_t lines(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += *s == '\n';
	return n;
}

START_TEST(a_line_names_its_level)
{
	log_error("%s: %d", "tap0", 7);
	ck_assert_str_eq(written(), "evnic: error: tap0: 7\n");
	log_warn("careful");
	ck_assert_str_eq(written(), "evnic: warning: careful\n");
	log_info("well");
	ck_assert_str_eq(written(), "evnic: info: well\n");
	log_configure(&(struct log_config){
		.level = LOG_LEVEL_INFO,
		.hide_level = true,
	});
	log_warn("careful");
	ck_assert_str_eq(written(), "evnic: careful\n");
}
END_TEST

START_TEST(lines_above_the_level_are_not_written)
{
	log_debug("hidden");
	ck_assert_str_eq(written(), "");
	ck_assert(!log_enabled(LOG_LEVEL_DEBUG));
	set_level(LOG_LEVEL_DEBUG);
	log_debug("shown");
	ck_assert_str_eq(written(), "evnic: debug: shown\n");
	set_level(LOG_LEVEL_ERROR);
	log_warn("hidden");
	ck_assert_str_eq(written(), "");
	set_level(LOG_LEVEL_OFF);
	log_error("hidden");
	log_emergency("hidden", 6);
	ck_assert_str_eq(written(), "");
}
END_TEST

static void *writer_cb(void *arg)
{
	thread_begin(THREAD_QUEUE, "a-name-that-is-longer");
	UNUSED(arg);
	log_warn("I did");
	log_emergency("and so did I", strlen("and so did I"));
	return NULL;
}

START_TEST(a_line_names_machine_and_thread)
{
	char id[LOG_ID_MAX + 1];
	pthread_t thread;

	log_configure(&(struct log_config){
		.level = LOG_LEVEL_INFO,
		.id = "web1",
	});
	log_info("tap0: up");
	ck_assert_str_eq(written(), "evnic: info: web1: tap0: up\n");
	ck_assert_int_eq(pthread_create(&thread, NULL, writer_cb, NULL), 0);
	(void)pthread_join(thread, NULL);
	ck_assert_str_eq(
		written(),
		"evnic: warning: web1: [a-name-that-is-] I did\n"
		"evnic: error: web1: [a-name-that-is-] and so did I\n");
	memset(id, 'i', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	log_configure(&(struct log_config){
		.level = LOG_LEVEL_INFO,
		.id = id,
		.hide_level = true,
		.hide_thread = true,
	});
	ck_assert_int_eq(pthread_create(&thread, NULL, writer_cb, NULL), 0);
	(void)pthread_join(thread, NULL);
	id[LOG_ID_MAX - 1] = '\0';
	ck_assert_ptr_eq(strstr(written(), "evnic: iiii"), text);
	ck_assert_ptr_nonnull(strstr(text, id));
	ck_assert_ptr_nonnull(strstr(text, "i: I did\n"));
	ck_assert_uint_eq(lines(text), 2);
}
END_TEST

START_TEST(a_long_line_is_cut_and_ends)
{
	static char big[5000];

	memset(big, 'x', sizeof(big) - 1);
	log_info("%s", big);
	(void)written();
	ck_assert_uint_eq(lines(text), 1);
	ck_assert_uint_eq(strlen(text), 1024);
	ck_assert_str_eq(text + 1020, "...\n");
	log_emergency(big, sizeof(big) - 1);
	(void)written();
	ck_assert_uint_eq(lines(text), 1);
	ck_assert_uint_eq(strlen(text), 1024);
}
END_TEST

START_TEST(nobody_can_forge_a_line)
{
	log_info("said: %s", "a\nevnic: error: b\r\t\x1b[31m\x7f\xc3\xa9");
	ck_assert_str_eq(written(), "evnic: info: said: a?evnic: error: b??"
				    "?[31m?\xc3\xa9\n");
}
END_TEST

START_TEST(repeated_lines_are_limited)
{
	struct log_limit limit = {0};
	char *last;

	for (unsigned int i = 0; i < 1000; i++)
		log_limited(&limit, LOG_LEVEL_WARN, "again %u", i);
	ck_assert_uint_eq(lines(written()), LOG_LIMIT_BURST);
	ck_assert_uint_eq(limit.suppressed, 1000 - LOG_LIMIT_BURST);
	/* As after a silence. */
	limit.window_start_ms -= LOG_LIMIT_PERIOD_MS;
	log_limited(&limit, LOG_LEVEL_WARN, "later");
	last = strstr(written(), "evnic");
	ck_assert_str_eq(last,
			 "evnic: warning: later (995 such lines left out)\n");
	log_limited(&limit, LOG_LEVEL_DEBUG, "below the level");
	ck_assert_str_eq(written(), "");
}
END_TEST

/* A new window may begin in between. */
START_TEST(a_flood_is_stopped)
{
	const char *told;
	unsigned long n;
	size_t seen;

	for (unsigned int i = 0; i < 3 * LOG_CEILING; i++)
		log_warn("flood");
	seen = lines(written());
	ck_assert_uint_ge(seen, LOG_CEILING);
	ck_assert_uint_lt(seen, 3 * LOG_CEILING);
	/* Other levels are not drowned, and tell. */
	log_error("and now?");
	told = written();
	ck_assert_ptr_nonnull(strstr(told, "evnic: error: and now?\n"));
	ck_assert_ptr_eq(strstr(told, "evnic: warning: "), told);
	n = strtoul(told + strlen("evnic: warning: "), NULL, 10);
	ck_assert_uint_ge(n, LOG_CEILING);
	ck_assert_uint_le(n, 2 * LOG_CEILING);
	ck_assert_ptr_nonnull(strstr(told, " lines were left out: more than "
					   "1000 in 10 s\n"));
	log_error("again");
	ck_assert_str_eq(written(), "evnic: error: again\n");
}
END_TEST

START_TEST(errno_stays)
{
	struct log_limit limit = {0};

	(void)signal(SIGPIPE, SIG_IGN);
	(void)close(fds[0]); /* writing is an error */
	errno = EBUSY;
	log_info("%s", "text");
	log_limited(&limit, LOG_LEVEL_INFO, "text");
	log_emergency("text", 4);
	ck_assert_int_eq(errno, EBUSY);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log");
	TCase *tc = tcase_create("log");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_line_names_its_level);
	tcase_add_test(tc, lines_above_the_level_are_not_written);
	tcase_add_test(tc, a_line_names_machine_and_thread);
	tcase_add_test(tc, a_long_line_is_cut_and_ends);
	tcase_add_test(tc, nobody_can_forge_a_line);
	tcase_add_test(tc, repeated_lines_are_limited);
	tcase_add_test(tc, a_flood_is_stopped);
	tcase_add_test(tc, errno_stays);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
