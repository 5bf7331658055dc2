/* SPDX-License-Identifier: MIT */
/*
 * Checked arithmetic, at the edges.
 */
#include "base/checked.h"
#include "support/run.h"

#include <check.h>
#include <stdlib.h>

START_TEST(sums_that_do_not_fit_are_refused)
{
	uint64_t u64 = 7;
	uint32_t u32 = 7;
	size_t size = 7;

	ck_assert(!checked_add_u64(UINT64_MAX, 1, &u64));
	ck_assert(!checked_add_u32(UINT32_MAX, 1, &u32));
	ck_assert(!checked_add_size(SIZE_MAX, 1, &size));
	ck_assert(!checked_sub_size(1, 2, &size));
	ck_assert(!checked_mul_u64(1ULL << 32, 1ULL << 32, &u64));
	ck_assert(!checked_align_up(UINT64_MAX - 1, 16, &u64));
	ck_assert_uint_eq(u64, 7); /* left alone */
	ck_assert_uint_eq(u32, 7);
	ck_assert_uint_eq(size, 7);
}
END_TEST

START_TEST(sums_that_fit_are_right)
{
	uint64_t u64;
	uint32_t u32;
	size_t size;

	ck_assert(checked_add_u64(UINT64_MAX - 1, 1, &u64));
	ck_assert_uint_eq(u64, UINT64_MAX);
	ck_assert(checked_add_u32(UINT32_MAX - 1, 1, &u32));
	ck_assert_uint_eq(u32, UINT32_MAX);
	ck_assert(checked_add_size(SIZE_MAX, 0, &size));
	ck_assert_uint_eq(size, SIZE_MAX);
	ck_assert(checked_sub_size(2, 2, &size));
	ck_assert_uint_eq(size, 0);
	ck_assert(checked_mul_u64(1ULL << 32, UINT32_MAX, &u64));
	ck_assert_uint_eq(u64, 0xffffffff00000000ULL);
	ck_assert(checked_align_up(17, 16, &u64));
	ck_assert_uint_eq(u64, 32);
	ck_assert(checked_align_up(32, 16, &u64));
	ck_assert_uint_eq(u64, 32);
}
END_TEST

START_TEST(range_inside_does_not_wrap)
{
	ck_assert(range_inside(100, 10, 100, 10));
	ck_assert(range_inside(110, 0, 100, 10));
	ck_assert(!range_inside(111, 0, 100, 10));
	ck_assert(!range_inside(99, 1, 100, 10));
	ck_assert(!range_inside(100, 11, 100, 10));
	ck_assert(!range_inside(109, 2, 100, 10));
	ck_assert(!range_inside(105, UINT64_MAX, 100, 10));
	ck_assert(!range_inside(UINT64_MAX, 2, 0, UINT64_MAX));
	ck_assert(range_inside(UINT64_MAX, 0, 0, UINT64_MAX));
	ck_assert(range_inside(UINT64_MAX - 1, 1, 0, UINT64_MAX));
}
END_TEST

START_TEST(powers_of_two)
{
	ck_assert(!is_power_of_two(0));
	ck_assert(is_power_of_two(1));
	ck_assert(!is_power_of_two(3));
	ck_assert(is_power_of_two(1ULL << 63));
	ck_assert(!is_power_of_two(UINT64_MAX));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("checked");
	TCase *tc = tcase_create("checked");

	tcase_add_test(tc, sums_that_do_not_fit_are_refused);
	tcase_add_test(tc, sums_that_fit_are_right);
	tcase_add_test(tc, range_inside_does_not_wrap);
	tcase_add_test(tc, powers_of_two);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
