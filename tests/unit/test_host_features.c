/* SPDX-License-Identifier: MIT */
/*
 * What evnic host says of a feature.
 */
#include "machine/host_features.h"
#include "support/run.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#define NEVER "9999.0"

START_TEST(a_release_is_compared_number_by_number)
{
	ck_assert(host_release_has("6.1.0-18-amd64", "6.1"));
	ck_assert(host_release_has("6.10.3", "6.2"));
	ck_assert(host_release_has("6.1", "5.14"));
	ck_assert(host_release_has("2.6.35", "2.6.35"));
	ck_assert(host_release_has("3.0", "2.6.35"));
	ck_assert(!host_release_has("2.6.34.1", "2.6.35"));
	ck_assert(!host_release_has("6.1.0-18-amd64", "6.2"));
	ck_assert(!host_release_has("5.9", "5.14"));
	ck_assert(!host_release_has("", "5.14"));
}
END_TEST

static int usable(void)
{
	return 0;
}

static int refused(void)
{
	return -EPERM;
}

static int not_tried(void)
{
	return HOST_NOT_TRIED;
}

static const char *state(const char *since, int (*probe)(void), char *text,
			 size_t size)
{
	const struct host_feature feature = {
		.name = "x",
		.since = since,
		.use = "something",
		.without = "nothing",
		.cure = "do this",
		.probe = probe,
	};

	return host_feature_state(&feature, text, size);
}

START_TEST(a_trial_says_more_than_a_version)
{
	struct utsname name;
	char text[512], old[512];

	ck_assert_int_eq(uname(&name), 0);
	ck_assert_str_eq(state("2.6", usable, text, sizeof(text)), "usable");
	ck_assert_str_eq(state(NEVER, usable, text, sizeof(text)), "usable");
	ck_assert_str_eq(state("2.6", refused, text, sizeof(text)),
			 "missing: Operation not permitted (EPERM): do this; "
			 "without it: nothing");
	(void)snprintf(old, sizeof(old),
		       "missing: needs Linux " NEVER
		       ", this is %s; without it: nothing",
		       name.release);
	ck_assert_str_eq(state(NEVER, refused, text, sizeof(text)), old);
	ck_assert_str_eq(state(NEVER, not_tried, text, sizeof(text)), old);
	(void)snprintf(old, sizeof(old), "not tried; Linux %s is new enough",
		       name.release);
	ck_assert_str_eq(state("2.6", not_tried, text, sizeof(text)), old);
}
END_TEST

/* Whoever may do what they do: the process is as before, and they agree with
 * themselves. */
START_TEST(trials_can_be_repeated)
{
	char first[512], second[512];

	for (const struct host_feature *f = host_features; f->name; f++) {
		if (!f->probe)
			continue;
		(void)host_feature_state(f, first, sizeof(first));
		(void)host_feature_state(f, second, sizeof(second));
		ck_assert_msg(strcmp(first, second) == 0, "%s: %s, then %s",
			      f->name, first, second);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("host_features");
	TCase *tc = tcase_create("host_features");

	tcase_add_test(tc, a_release_is_compared_number_by_number);
	tcase_add_test(tc, a_trial_says_more_than_a_version);
	tcase_add_test(tc, trials_can_be_repeated);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
