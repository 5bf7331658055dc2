/* SPDX-License-Identifier: MIT */
/*
 * Log lines: what they look like, their level, their limit. Standard error is
 * a pipe here.
 */
#include "base/log.h"
#include "support/run.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fds[2], saved;
static char text[65536];

static void setup(void)
{
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	saved = dup(STDERR_FILENO);
	ck_assert_int_ge(dup2(fds[1], STDERR_FILENO), 0);
	log_set_level(LOG_LEVEL_INFO);
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
}
END_TEST

START_TEST(lines_above_the_level_are_not_written)
{
	log_debug("hidden");
	ck_assert_str_eq(written(), "");
	ck_assert(!log_enabled(LOG_LEVEL_DEBUG));
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("shown");
	ck_assert_str_eq(written(), "evnic: debug: shown\n");
	log_set_level(LOG_LEVEL_ERROR);
	log_warn("hidden");
	ck_assert_str_eq(written(), "");
}
END_TEST

START_TEST(a_long_line_is_cut_and_ends)
{
	static char big[5000];

	memset(big, 'x', sizeof(big) - 1);
	log_info("%s", big);
	(void)written();
	ck_assert_uint_eq(lines(text), 1);
	ck_assert_uint_eq(strlen(text), 1023);
	ck_assert_int_eq(text[1022], '\n');
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

int main(void)
{
	Suite *suite = suite_create("log");
	TCase *tc = tcase_create("log");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_line_names_its_level);
	tcase_add_test(tc, lines_above_the_level_are_not_written);
	tcase_add_test(tc, a_long_line_is_cut_and_ends);
	tcase_add_test(tc, repeated_lines_are_limited);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
