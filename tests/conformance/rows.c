/* SPDX-License-Identifier: MIT */
/*
 * The backends under test.
 */
#include "conformance/backend.h"

const struct backend_row *const backend_rows[] = {
	&backend_null,	      /* takes, never gives */
	&backend_loopback,    /* gives what it takes */
	&backend_tap,	      /* left out where there is no tun driver */
	&backend_script_now,  /* all that a test tells it */
	&backend_script_soon, /* likewise, and completes later */
	&backend_software_null,
	&backend_software_loopback,
	&backend_software_script,
	&backend_software_script_hdr,
};

const size_t backend_rows_count = ARRAY_SIZE(backend_rows);
