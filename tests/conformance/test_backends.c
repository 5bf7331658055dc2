/* SPDX-License-Identifier: MIT */
/*
 * The contract of endpoint and queue, one suite for every backend, by itself
 * and in every wrapper, on one thread and with an iothread, with and without
 * virtio-net headers.
 *
 * It waits more than it computes, so several may run at a time: with arguments
 * SHARD N it runs every N-th pairing from SHARD on.
 *
 * A failure names the test case, which is the wrapper and the backend, and the
 * index of the run, which is RIG_MODES times that of the pairing plus the mode.
 */
#include "conformance/cases.h"
#include "conformance/rig.h"
#include "support/run.h"

#include <stdio.h>
#include <stdlib.h>

#define NAME_MAX_LEN 80

static void (*const cases[])(TCase *tc, int from, int to) = {
	endpoint_cases, slots_cases,   receive_cases,
	transmit_cases, hostile_cases, load_cases,
};

static void add_cases(TCase *tc, int from, int to)
{
	for (size_t k = 0; k < ARRAY_SIZE(cases); k++)
		cases[k](tc, from, to);
}

/* A backend by itself runs in all modes. In a wrapper it has two: one thread and
 * no headers, an iothread and headers, if there are any. @name: kept by the test
 * case. */
static void add_pairing(Suite *suite, size_t i, char name[NAME_MAX_LEN])
{
	struct pairing pairing = pairing_at(i);
	int from = (int)i * RIG_MODES, full = rig_full_mode((int)i);
	TCase *tc;

	(void)snprintf(name, NAME_MAX_LEN, "%s%s%s",
		       pairing.wrapper ? pairing.wrapper->name : "",
		       pairing.wrapper ? " around " : "",
		       pairing.backend->name);
	tc = tcase_create(name);
	tcase_set_timeout(tc, 100);
	if (!pairing.wrapper) {
		add_cases(tc, from, from + RIG_MODES);
	} else {
		add_cases(tc, from, from + 1);
		add_cases(tc, from + full, from + full + 1);
	}
	suite_add_tcase(suite, tc);
}

int main(int argc, char **argv)
{
	size_t first = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
	size_t shards = argc == 3 ? strtoul(argv[2], NULL, 10) : 1;
	Suite *suite = suite_create("backends");
	char(*names)[NAME_MAX_LEN];
	int status;

	if (!shards)
		return EXIT_FAILURE;

	for (size_t i = 0; i < backend_rows_count; i++) {
		if (backend_rows[i]->prepare)
			backend_rows[i]->prepare();
	}
	names = calloc(pairings_count(), sizeof(*names));
	if (!names)
		return EXIT_FAILURE;
	for (size_t i = first; i < pairings_count(); i += shards) {
		if (!pairing_at(i).wrapper || !pairing_at(i).backend->alone)
			add_pairing(suite, i, names[i]);
	}
	status = test_run(suite);
	free(names);
	return status;
}
