/* SPDX-License-Identifier: MIT */
/*
 * Small helpers: descriptors, errno in words, byte order, eventfds.
 */
#include "base/bytes.h"
#include "base/irq.h"
#include "base/utc.h"
#include "base/util.h"
#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

START_TEST(close_fd_closes_once_and_keeps_errno)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), copy = fd;

	ck_assert_int_ge(fd, 0);
	errno = EBUSY;
	close_fd(&fd);
	ck_assert_int_eq(fd, -1);
	ck_assert_int_eq(errno, EBUSY);
	ck_assert_int_eq(fcntl(copy, F_GETFD), -1);
	errno = EBUSY;
	close_fd(&fd);
	ck_assert_int_eq(errno, EBUSY);
	ck_assert_int_eq(fd, -1);
}
END_TEST

START_TEST(errno_has_words_and_a_name)
{
	char text[ERRNO_TEXT_MAX], tiny[8];

	ck_assert_str_eq(errno_text(EBUSY, text, sizeof(text)),
			 "Device or resource busy (EBUSY)");
	ck_assert_str_eq(errno_text(99999, text, sizeof(text)), "error 99999");
	ck_assert_str_eq(errno_text(EBUSY, tiny, sizeof(tiny)), "Device ");
}
END_TEST

START_TEST(bytes_have_an_order_at_any_alignment)
{
	unsigned char b[16] = {0};

	store_le32(b + 1, 0x11223344);
	ck_assert_uint_eq(b[1], 0x44);
	ck_assert_uint_eq(load_le32(b + 1), 0x11223344);
	ck_assert_uint_eq(load_be32(b + 1), 0x44332211);
	store_be16(b + 3, 0xabcd);
	ck_assert_uint_eq(b[3], 0xab);
	ck_assert_uint_eq(load_be16(b + 3), 0xabcd);
	ck_assert_uint_eq(load_le16(b + 3), 0xcdab);
	store_le64(b + 5, 0x0102030405060708ULL);
	ck_assert_uint_eq(b[5], 8);
	ck_assert_uint_eq(load_le64(b + 5), 0x0102030405060708ULL);
	store_be32(b + 1, 0x11223344);
	ck_assert_uint_eq(b[1], 0x11);
	store_le16(b + 1, 0x1122);
	ck_assert_uint_eq(b[1], 0x22);
}
END_TEST

struct outer {
	int before;
	int member;
};

START_TEST(container_of_finds_the_object)
{
	struct outer outer;
	const int *member = &outer.member;

	ck_assert_ptr_eq(container_of(&outer.member, struct outer, member),
			 &outer);
	ck_assert_ptr_eq(container_of_const(member, struct outer, member),
			 &outer);
}
END_TEST

START_TEST(eventfds_count_signals_into_one)
{
	int fd = eventfd_create();

	ck_assert_int_ge(fd, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert(!eventfd_take(fd));
	eventfd_signal(fd);
	eventfd_signal(fd);
	ck_assert_uint_eq(eventfd_take(fd), 2);
	ck_assert(!eventfd_take(fd));
	eventfd_signal(-1); /* nobody to tell */
	(void)close(fd);
}
END_TEST

/* Days on which calendars go wrong, by gmtime(3). */
START_TEST(dates_are_gmtime_s)
{
	const long long times[] = {
		0,	    951782399,	951782400,  951868799,	951868800,
		978307199,  978307200,	1709164800, 1709251200, 1735689599,
		1767225600, 4107542399, 4107542400, 4133980799, 253402300799,
	};

	for (size_t i = 0; i < ARRAY_SIZE(times) + 50000; i++) {
		struct timespec at = {.tv_nsec = 12345678};
		char want[64], got[UTC_TEXT_SIZE];
		struct tm tm;

		/* Those, then each day of 137 years. */
		at.tv_sec =
			(time_t)(i < ARRAY_SIZE(times) ? times[i]
						       : (long long)i * 86400);
		ck_assert_ptr_nonnull(gmtime_r(&at.tv_sec, &tm));
		(void)strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S.012345Z",
			       &tm);
		utc_text(&at, got);
		ck_assert_str_eq(got, want);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("util");
	TCase *tc = tcase_create("util");

	tcase_add_test(tc, close_fd_closes_once_and_keeps_errno);
	tcase_add_test(tc, errno_has_words_and_a_name);
	tcase_add_test(tc, bytes_have_an_order_at_any_alignment);
	tcase_add_test(tc, container_of_finds_the_object);
	tcase_add_test(tc, eventfds_count_signals_into_one);
	tcase_add_test(tc, dates_are_gmtime_s);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
