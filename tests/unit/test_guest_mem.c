/* SPDX-License-Identifier: MIT */
/*
 * Guest memory: the table, copies across regions, translations and their
 * cache, and every way to be outside.
 */
#include "base/guest_mem.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOW  0x1000ULL
#define SIZE 0x1000ULL
#define HIGH 0x100000000ULL

/* Two neighbours, and one far above them. */
static unsigned char first[SIZE], second[SIZE], far_away[SIZE];
static struct guest_mem mem;

static int add(uint64_t gpa, uint64_t size, unsigned char *host)
{
	struct guest_mem_region region = {
		.gpa = gpa,
		.size = size,
		.host = host,
		.fd = -1,
	};

	return guest_mem_add(&mem, &region);
}

static void setup(void)
{
	guest_mem_init(&mem);
	/* Not in order: the table sorts. */
	ck_assert_int_eq(add(HIGH, SIZE, far_away), 0);
	ck_assert_int_eq(add(LOW, SIZE, first), 0);
	ck_assert_int_eq(add(LOW + SIZE, SIZE, second), 0);
}

START_TEST(regions_are_sorted_and_apart)
{
	uint64_t generation = mem.generation;

	ck_assert_uint_eq(mem.n_regions, 3);
	ck_assert_uint_eq(mem.regions[0].gpa, LOW);
	ck_assert_uint_eq(mem.regions[2].gpa, HIGH);
	ck_assert_uint_eq(guest_mem_size(&mem), 3 * SIZE);
	ck_assert_int_eq(add(LOW, 1, first), -EINVAL);
	ck_assert_int_eq(add(LOW + SIZE - 1, 1, first), -EINVAL);
	ck_assert_int_eq(add(LOW - 1, 2, first), -EINVAL);
	ck_assert_int_eq(add(HIGH - 1, 2, first), -EINVAL);
	ck_assert_int_eq(add(0, 2 * HIGH, first), -EINVAL);
	ck_assert_int_eq(add(HIGH * 2, 0, first), -EINVAL);
	ck_assert_int_eq(add(HIGH * 2, SIZE, NULL), -EINVAL);
	ck_assert_int_eq(add(UINT64_MAX, SIZE, first), -EINVAL);
	ck_assert_uint_eq(mem.generation, generation);
	for (uint64_t i = mem.n_regions; i < GUEST_MEM_MAX_REGIONS; i++)
		ck_assert_int_eq(add(HIGH * (2 + i), SIZE, first), 0);
	ck_assert_int_eq(add(HIGH * 99, SIZE, first), -ENOSPC);
	ck_assert_uint_gt(mem.generation, generation);
}
END_TEST

START_TEST(copies_cross_into_a_neighbour)
{
	unsigned char out[8], in[8] = {1, 2, 3, 4, 5, 6, 7, 8};

	ck_assert_int_eq(guest_mem_write(&mem, LOW + SIZE - 3, in, 8), 0);
	ck_assert_mem_eq(first + SIZE - 3, in, 3);
	ck_assert_mem_eq(second, in + 3, 5);
	ck_assert_int_eq(guest_mem_read(&mem, LOW + SIZE - 3, out, 8), 0);
	ck_assert_mem_eq(out, in, 8);
	ck_assert_int_eq(guest_mem_fill(&mem, LOW + SIZE - 1, 0xee, 2), 0);
	ck_assert_uint_eq(first[SIZE - 1], 0xee);
	ck_assert_uint_eq(second[0], 0xee);
	ck_assert_uint_eq(second[1], 5);
}
END_TEST

START_TEST(outside_is_a_fault)
{
	static const struct {
		uint64_t gpa;
		size_t len;
	} outside[] = {
		{0, 1},
		{LOW - 1, 1},
		{LOW - 1, 2},
		{LOW + 2 * SIZE, 1},
		{LOW + 2 * SIZE - 1, 2},
		{HIGH + SIZE - 1, 2},
		{HIGH + SIZE, 1},
		{UINT64_MAX, 1},
		{UINT64_MAX, 2},
		{LOW, SIZE_MAX},
		{HIGH, SIZE_MAX - HIGH + 1},
	};
	static unsigned char buf[16];
	struct guest_mem_cache cache = {0};

	for (size_t i = 0; i < ARRAY_SIZE(outside); i++) {
		uint64_t gpa = outside[i].gpa;
		size_t len = outside[i].len;

		if (len <= sizeof(buf)) {
			ck_assert_int_eq(guest_mem_read(&mem, gpa, buf, len),
					 -EFAULT);
			ck_assert_int_eq(guest_mem_write(&mem, gpa, buf, len),
					 -EFAULT);
			ck_assert_int_eq(guest_mem_fill(&mem, gpa, 0, len),
					 -EFAULT);
		}
		ck_assert_ptr_null(guest_mem_map(&mem, &cache, gpa, len));
	}
	/* A length that wraps is refused before a byte is written. */
	first[0] = 0x11;
	ck_assert_int_eq(guest_mem_fill(&mem, LOW, 0x22, SIZE_MAX), -EFAULT);
	ck_assert_uint_eq(first[0], 0x11);
	ck_assert_int_eq(guest_mem_read(&mem, 0, buf, 0), 0);
}
END_TEST

START_TEST(translations_are_cached_until_the_table_changes)
{
	struct guest_mem_cache cache = {0};

	ck_assert_ptr_eq(guest_mem_map(&mem, &cache, LOW + 5, 10), first + 5);
	ck_assert_uint_eq(cache.last.gpa, LOW);
	ck_assert_ptr_eq(guest_mem_map(&mem, &cache, LOW, SIZE), first);
	/* A miss leaves the cache as it was. */
	ck_assert_ptr_null(guest_mem_map(&mem, &cache, 0, 1));
	ck_assert_uint_eq(cache.last.gpa, LOW);
	/* Not across a border: it is one pointer. */
	ck_assert_ptr_null(guest_mem_map(&mem, &cache, LOW + SIZE - 1, 2));
	ck_assert_ptr_eq(guest_mem_map(&mem, &cache, HIGH + SIZE - 1, 1),
			 far_away + SIZE - 1);
	ck_assert_uint_eq(cache.translations, 5);
	guest_mem_clear(&mem);
	ck_assert_ptr_null(guest_mem_map(&mem, &cache, HIGH, 1));
	ck_assert_int_eq(add(HIGH, SIZE, second), 0);
	ck_assert_ptr_eq(guest_mem_map(&mem, &cache, HIGH, 1), second);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("guest_mem");
	TCase *tc = tcase_create("guest_mem");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, regions_are_sorted_and_apart);
	tcase_add_test(tc, copies_cross_into_a_neighbour);
	tcase_add_test(tc, outside_is_a_fault);
	tcase_add_test(tc, translations_are_cached_until_the_table_changes);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
