/* SPDX-License-Identifier: MIT */
/*
 * Cutting a stream of bytes into JSON values, however the bytes arrive.
 */
#include "machine/qmp_stream.h"
#include "support/run.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct qmp_stream_limits limits = {
	.bytes = 40,
	.depth = 4,
	.values = 12,
};

/* What comes out of @text if it arrives in pieces of @piece bytes: values in
 * <...>, faults in !...!. To be freed. */
static char *cut(const char *text, size_t len, size_t piece)
{
	enum qmp_stream_result result;
	struct qmp_stream stream;
	char *out = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&out, &size);

	qmp_stream_init(&stream, &limits);
	for (size_t at = 0; at < len;) {
		size_t n = MIN(piece, len - at);

		at += qmp_stream_feed(&stream, text + at, n, &result);
		if (result == QMP_STREAM_VALUE) {
			ck_assert_uint_eq(stream.len, strlen(stream.text));
			ck_assert_uint_le(stream.len, limits.bytes);
			(void)fprintf(f, "<%s>", stream.text);
		} else if (result == QMP_STREAM_FAULT) {
			(void)fprintf(f, "!%s!", stream.fault);
		}
	}
	(void)fclose(f);
	qmp_stream_fini(&stream);
	return out;
}

#define EXPECTING "!JSON parse error, expecting value!"
#define CONTROL	  "!JSON parse error, stray control character!"
#define STRAY	  "!JSON parse error, stray '\\xff'!"
#define TOO_LONG  "!message too long!"
#define TOO_DEEP  "!JSON nesting depth limit exceeded!"
#define TOO_MANY  "!too many values in a message!"

static const struct {
	const char *text, *cut;
} streams[] = {
	{"", ""},
	{" \r\n\t", ""},
	{"{}", "<{}>"},
	{"{}{} []", "<{}><{}><[]>"},
	{"{\"a\": [1, {}]}\r\n{\"b\"", "<{\"a\": [1, {}]}>"},
	{"\"a b\"7 true,", "<\"a b\"><7><true>" EXPECTING},
	{"@@@@ {}", "<@@@@><{}>"},
	{"nul{}", "<nul><{}>"},
	/* Brackets in strings and escaped quotes are not brackets and quotes. */
	{"{\"}\\\"]\"}[]", "<{\"}\\\"]\"}><[]>"},
	{"\"\\\\\"[]", "<\"\\\\\"><[]>"},
	{"[\"{\"]", "<[\"{\"]>"},
	/* Closing what is not open. */
	{"}{}", EXPECTING "<{}>"},
	{"{]}", "<{]>" EXPECTING},
	/* Strings that are cut short. */
	{"{\"a\": \"b\n{}", CONTROL "<{}>"},
	{"\"abc\\\n{}", CONTROL "<{}>"},
	{"{\x01}{}", CONTROL EXPECTING "<{}>"},
	{"\x01{}", EXPECTING "<{}>"},
	{"12\x02{}", CONTROL "<{}>"},
	{"{\"a\":\xff{}", STRAY "<{}>"},
	{"{\"a\xff{}", STRAY "<{}>"},
	{"\xff\xff{}", STRAY STRAY "<{}>"},
	/* Limits: told once, skipped to the end. */
	{"[[[[]]]]{}", "<[[[[]]]]><{}>"},
	{"[[[[[[[\"]\"]]]]]]]{}", TOO_DEEP "<{}>"},
	{"[1,2,3,4,5,6,7,8,9,0,1,2]{}", "<[1,2,3,4,5,6,7,8,9,0,1,2]><{}>"},
	{"[1,2,3,4,5,6,7,8,9,0,1,2,3]{}", TOO_MANY "<{}>"},
	{"\"01234567890123456789012345678901234567\"{}",
	 "<\"01234567890123456789012345678901234567\"><{}>"},
	{"\"012345678901234567890123456789012345678\"{}", TOO_LONG "<{}>"},
	{"\"01234567890123456789012345678901234567890123456789\"{}",
	 TOO_LONG "<{}>"},
	{"01234567890123456789012345678901234567890123456789 {}",
	 TOO_LONG "<{}>"},
	{"[\"012345678901234567890123456789012345\"]{}",
	 "<[\"012345678901234567890123456789012345\"]><{}>"},
	{"[\"0123456789012345678901234567890123456\"]{}", TOO_LONG "<{}>"},
	/* A fault within what is skipped is not told again. */
	{"\"01234567890123456789012345678901234567890123456789\n{}",
	 TOO_LONG "<{}>"},
	{"[[[[[[[\xff{}", TOO_DEEP "<{}>"},
};

START_TEST(values_are_cut_out)
{
	const char *text = streams[_i].text;

	for (size_t piece = 1; piece < 60; piece++) {
		char *got = cut(text, strlen(text), piece);

		ck_assert_str_eq(got, streams[_i].cut);
		free(got);
	}
}
END_TEST

START_TEST(a_zero_byte_is_no_end)
{
	static const char text[] = "{\"a\":\0}{}";
	char *got = cut(text, sizeof(text) - 1, 100);

	ck_assert_str_eq(got, CONTROL EXPECTING "<{}>");
	free(got);
}
END_TEST

/* Whatever never ends takes no more memory than the limit. */
START_TEST(the_endless_takes_no_memory)
{
	static const char *const endless[] = {"\"a", "[",   "{\"a\":", "1",
					      " ",   "[1,", "\\"};
	struct qmp_stream stream;
	enum qmp_stream_result result;
	size_t faults = 0;

	qmp_stream_init(&stream, &limits);
	for (size_t round = 0; round < 100000; round++) {
		const char *text = endless[_i];

		if (round > 0 && text[0] == '"')
			text++;
		while (*text) {
			text += qmp_stream_feed(&stream, text, strlen(text),
						&result);
			faults += result == QMP_STREAM_FAULT;
		}
	}
	ck_assert_uint_le(stream.size, 256);
	ck_assert_uint_le(faults, 1);
	qmp_stream_fini(&stream);
}
END_TEST

START_TEST(a_large_buffer_is_given_back)
{
	static const struct qmp_stream_limits large = {1 << 20, 4, 4};
	size_t len = 500000;
	char *text = malloc(len);
	struct qmp_stream stream;
	enum qmp_stream_result result;

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', len);
	text[0] = '"';
	text[len - 1] = '"';
	qmp_stream_init(&stream, &large);
	ck_assert_uint_eq(qmp_stream_feed(&stream, text, len, &result), len);
	ck_assert_int_eq(result, QMP_STREAM_VALUE);
	ck_assert_uint_eq(stream.len, len);
	ck_assert_mem_eq(stream.text, text, len);
	(void)qmp_stream_feed(&stream, "1 ", 2, &result);
	ck_assert_uint_le(stream.size, 256);
	qmp_stream_fini(&stream);
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("qmp_stream");
	TCase *tc = tcase_create("qmp_stream");

	tcase_add_loop_test(tc, values_are_cut_out, 0, ARRAY_SIZE(streams));
	tcase_add_test(tc, a_zero_byte_is_no_end);
	tcase_add_loop_test(tc, the_endless_takes_no_memory, 0, 7);
	tcase_add_test(tc, a_large_buffer_is_given_back);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
