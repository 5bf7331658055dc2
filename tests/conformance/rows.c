/* SPDX-License-Identifier: MIT */
/*
 * The backends under test.
 */
#include "conformance/backend.h"

const struct backend_row *const backend_rows[] = {
	&backend_null,
	&backend_loopback,
	&backend_tap,
	&backend_script_now,
	&backend_script_soon,
};

const size_t backend_rows_count = ARRAY_SIZE(backend_rows);
