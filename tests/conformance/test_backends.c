/* SPDX-License-Identifier: MIT */
/*
 * The contract of endpoint and queue, one suite for every backend, on one
 * thread and with an iothread, with and without virtio-net headers.
 *
 * Every case runs RIG_MODES times for every row. A failure names the index of
 * the run: row * RIG_MODES + mode.
 */
#include "conformance/cases.h"
#include "conformance/rig.h"

#include <stdlib.h>

static TCase *(*const cases[])(int n) = {
	endpoint_cases,
	receive_cases,
	transmit_cases,
	hostile_cases,
};

int main(void)
{
	Suite *suite = suite_create("backends");
	SRunner *runner = srunner_create(suite);
	int n = (int)backend_rows_count * RIG_MODES, failed;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		TCase *tc = cases[i](n);

		tcase_set_timeout(tc, 30);
		suite_add_tcase(suite, tc);
	}
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
