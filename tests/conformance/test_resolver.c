/* SPDX-License-Identifier: MIT */
/*
 * The resolver: every kind of backend that a description may name becomes an
 * endpoint of that type, or an error that says what it wants.
 */
#include "machine/kinds.h"
#include "support/run.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(every_kind_makes_an_endpoint_of_its_type)
{
	size_t made = 0, kinds = 0;
	struct loop loop;

	ck_assert_int_eq(loop_init(&loop), 0);
	for (; endpoint_kind_name(kinds); kinds++) {
		/* With nobody to open it a tap cannot be had, nor a consomme
		 * without sockets. */
		struct backend_config config = {
			.id = "b0",
			.type = (int)kinds,
			.fd = -1,
		};
		const struct endpoint_setup setup = {
			.config = &config,
			.loop = &loop,
			.fd = -1,
		};
		struct kind_error error = {""};
		struct net_endpoint *ep = NULL;
		int err = endpoint_create(&setup, &error, &ep);

		if (err < 0) {
			ck_assert((int)kinds == endpoint_kind_tap() ||
				  (int)kinds == endpoint_kind_consomme());
			ck_assert_int_eq(strncmp(error.text, "b0: ", 4), 0);
			continue;
		}
		ck_assert_str_eq(net_endpoint_type(ep),
				 endpoint_kind_name(kinds));
		net_endpoint_destroy(ep);
		made++;
	}
	ck_assert_uint_ge(kinds, 3);
	ck_assert_uint_ge(made, 2);
	loop_fini(&loop);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("resolver");
	TCase *tc = tcase_create("resolver");

	tcase_add_test(tc, every_kind_makes_an_endpoint_of_its_type);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
