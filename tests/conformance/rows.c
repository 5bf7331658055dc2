/* SPDX-License-Identifier: MIT */
/*
 * The backends under test, each by itself and in every wrapper.
 */
#include "conformance/backend.h"

const struct backend_row *const backend_rows[] = {
	&backend_null,	      /* takes, never gives */
	&backend_loopback,    /* gives what it takes */
	&backend_consomme,    /* takes what it knows, gives what the host has */
	&backend_tap,	      /* left out where there is no tun driver */
	&backend_tap_mq,      /* likewise */
	&backend_script_now,  /* all that a test tells it */
	&backend_script_soon, /* likewise, and completes later */
	&backend_script_plain, /* likewise, and knows no headers */
};

const size_t backend_rows_count = ARRAY_SIZE(backend_rows);

size_t pairings_count(void)
{
	return backend_rows_count * (1 + wrapper_rows_count);
}

struct pairing pairing_at(size_t i)
{
	size_t wrapper = i / backend_rows_count;

	return (struct pairing){
		.backend = backend_rows[i % backend_rows_count],
		.wrapper = wrapper ? &wrapper_rows[wrapper - 1] : NULL,
	};
}
