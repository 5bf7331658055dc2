/* SPDX-License-Identifier: MIT */
/*
 * Patterns for names: what matches, and what is no pattern.
 */
#include "machine/patterns.h"

#include "support/run.h"

#include <check.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

START_TEST(stars_and_question_marks)
{
	static const struct {
		const char *pattern, *name;
		bool matches;
	} rows[] = {
		{"tap0", "tap0", true},
		{"tap0", "tap1", false},
		{"tap0", "tap00", false},
		{"tap00", "tap0", false},
		{"*", "", true},
		{"*", "anything", true},
		{"", "", true},
		{"", "a", false},
		{"?", "", false},
		{"?", "a", true},
		{"?", "ab", false},
		{"tap*", "tap", true},
		{"tap*", "tap12", true},
		{"tap*", "ta", false},
		{"tap*", "xtap", false},
		{"*.pcapng", ".pcapng", true},
		{"*.pcapng", "a.pcapng.pcapng", true},
		{"*.pcapng", "a.pcapng.1", false},
		{"*.pcapng", "a.pcap", false},
		{"*a*b*", "xxaxxbxx", true},
		{"*a*b*", "xxbxxaxx", false},
		{"*ab", "aab", true},
		{"*ab?", "abababc", true},
		{"**?**", "a", true},
		{"**?**", "", false},
		{"[ab]", "a", false},
		{"[ab]", "[ab]", true},
		{"\\*", "*", false},
		{"\\*", "\\x", true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		ck_assert_msg(pattern_matches(rows[i].pattern, rows[i].name) ==
				      rows[i].matches,
			      "%s, %s", rows[i].pattern, rows[i].name);
}
END_TEST

/* What would take the time of many stars. */
START_TEST(takes_no_time)
{
	char name[4096];

	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	ck_assert(!pattern_matches("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", name));
	ck_assert(pattern_matches("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a", name));
}
END_TEST

START_TEST(patterns_of_captures)
{
	static const char *const good[] = {"/*", "/c/x", "/a/b.c/*.?",
					   "/...a/x", "/a/..."};
	static const char *const bad[] = {
		"",	"*",	 "a/*",	  "/",	     "//*",  "/a//*",
		"/a/",	"/./*",	 "/../*", "/a/..",   "/a/.", "/a/../b/*",
		"/*/x", "/a?/x", "./a/*", "/a/b*/c",
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		ck_assert_msg(!pattern_capture_problem(good[i]), "%s", good[i]);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(pattern_capture_problem(bad[i]) != NULL, "%s",
			      bad[i]);
}
END_TEST

START_TEST(patterns_of_taps)
{
	static const char *const bad[] = {"a/b", "a b", "a:1", "tap%d", "a\n"};

	ck_assert_ptr_null(pattern_tap_problem("*"));
	ck_assert_ptr_null(pattern_tap_problem("tap?-x.1"));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(pattern_tap_problem(bad[i]) != NULL, "%s",
			      bad[i]);
}
END_TEST

START_TEST(paths)
{
	static const char *const allowed[] = {"/c/d/a.x", "/c/d/.x",
					      "/c/d/\xc3\xa4.x", "/c/d/*.x"};
	static const char *const refused[] = {
		"",
		"a.x",
		"/a.x",
		"c/d/a.x",
		"/c/a.x",
		"/c/d/",
		"/c/d",
		"/c/d/e/a.x",
		"//c/d/a.x",
		"/c//d/a.x",
		"/c/./d/a.x",
		"/c/d/../d/a.x",
		"/C/d/a.x",
		"/c/d/a.X",
		"/c/d/a\n.x",
		"/c/d/a\x7f.x",
		"/c/d/\x1b[2J.x",
	};
	char longest[NAME_MAX + 8] = "/c/d/";

	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
		ck_assert_msg(pattern_allows("/c/d/*.x", allowed[i]), "%s",
			      allowed[i]);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		ck_assert_msg(!pattern_allows("/c/d/*.x", refused[i]), "%s",
			      refused[i]);
	ck_assert(!pattern_allows("/c/d/*", "/c/d/.."));
	ck_assert(!pattern_allows("/c/d/*", "/c/d/."));
	ck_assert(pattern_allows("/*", "/a"));
	ck_assert(!pattern_allows("/*", "a"));
	memset(longest + 5, 'a', NAME_MAX);
	ck_assert(pattern_allows("/c/d/*", longest));
	longest[5 + NAME_MAX] = 'a';
	longest[6 + NAME_MAX] = '\0';
	ck_assert(!pattern_allows("/c/d/*", longest));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("patterns");
	TCase *tc = tcase_create("patterns");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, stars_and_question_marks);
	tcase_add_test(tc, takes_no_time);
	tcase_add_test(tc, patterns_of_captures);
	tcase_add_test(tc, patterns_of_taps);
	tcase_add_test(tc, paths);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
