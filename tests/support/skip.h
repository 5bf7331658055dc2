/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_SUPPORT_SKIP_H
#define EVNIC_TESTS_SUPPORT_SKIP_H

/*
 * A test program that cannot run on this host says why and ends: skipped, or
 * failed if the environment has CI=true, where everything has to run.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEST_SKIP_STATUS 77

static inline int test_skip(const char *reason)
{
	const char *ci = getenv("CI");

	(void)printf("skip: %s\n", reason);
	return ci && !strcmp(ci, "true") ? EXIT_FAILURE : TEST_SKIP_STATUS;
}

#endif
