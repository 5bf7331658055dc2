/* SPDX-License-Identifier: MIT */
/*
 * Check's assertions for programs that are no tests of Check's: fuzz targets that
 * use the rigs of tests. Check's own want to report to their runner, and end a
 * program that has none; these abort where they fail. To be linked before Check.
 */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void _mark_point(const char *file, int line)
{
	(void)file;
	(void)line;
}

void _ck_assert_failed(const char *file, int line, const char *expr,
		       const char *msg, ...)
{
	va_list ap;

	(void)fprintf(stderr, "%s:%d: %s ", file, line, expr);
	if (msg) {
		va_start(ap, msg);
		(void)vfprintf(stderr, msg, ap);
		va_end(ap);
	}
	(void)fputc('\n', stderr);
	abort();
}
