/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_SUPPORT_RUN_H
#define EVNIC_TESTS_SUPPORT_RUN_H

/*
 * The end of a test program's main(): runs the suite, each case in a process of
 * its own, and returns the exit status. CK_VERBOSITY, CK_RUN_CASE and the like
 * are heard (Check manual, "Environment Variables").
 */

#include <check.h>
#include <stdlib.h>

static inline int test_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
