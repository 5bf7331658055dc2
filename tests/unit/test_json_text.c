/* SPDX-License-Identifier: MIT */
/*
 * Places in JSON text: what cJSON accepts and what it refuses.
 */
#include "machine/json_text.h"
#include "support/run.h"

#include <check.h>
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

/* Parses with cJSON, as the description does; the fault, or NULL. */
static const char *fault_of(const char *text, size_t *offset)
{
	const char *end = NULL;
	cJSON *root;

	root = cJSON_ParseWithLengthOpts(text, strlen(text) + 1, &end, true);
	if (root) {
		cJSON_Delete(root);
		return NULL;
	}
	*offset = end ? (size_t)(end - text) : 0;
	return json_text_fault(text, strlen(text), offset);
}

static const struct {
	const char *text;
	size_t offset;
	const char *fault;
} faults[] = {
	{"", 0, "the text ends where a value should be"},
	{"  ", 2, "the text ends where a value should be"},
	{"{\"a\": 1", 7, "the text ends before all brackets are closed"},
	{"{\"a\": [1, 2", 11, "the text ends before all brackets are closed"},
	{"{\"a", 1, "the text ends inside this string"},
	{"{\"a\\\"", 1, "the text ends inside this string"},
	{"{\"a\": \"x\\q\"}", 8, "an escape that is not JSON"},
	{"{\"a\": 1,}", 8, "a comma after the last key"},
	{"{\"a\": 1,\n}", 9, "a comma after the last key"},
	{"{a: 1}", 1, "a key must start with a quote"},
	{"[1, 2, ]", 7, "a comma after the last item"},
	{"{\"a\" 1}", 5, "this is not JSON"},
	{"{\"a\": nil}", 6, "this is not JSON"},
	{"[1, [nil]]", 5, "this is not JSON"},
	{"{} x", 3, "text after the end of the description"},
};

START_TEST(faults_are_placed)
{
	size_t offset = 999;
	const char *fault = fault_of(faults[_i].text, &offset);

	ck_assert_str_eq(fault, faults[_i].fault);
	ck_assert_uint_eq(offset, faults[_i].offset);
}
END_TEST

START_TEST(deep_nesting_is_a_fault)
{
	static char text[10001];
	size_t offset;

	memset(text, '[', 10000);
	ck_assert_str_eq(fault_of(text, &offset),
			 "nested too deep for any description");
	ck_assert_uint_eq(offset, CJSON_NESTING_LIMIT);
}
END_TEST

/* No prefix of a text, and no offset in it, makes a function read beyond it
 * (the sanitizers watch) or point beyond it. */
START_TEST(any_offset_is_safe)
{
	static const char text[] =
		"\xef\xbb\xbf{\"a\\\"\": [1, {\"b\": \"c\"}], \"d\": null}";

	for (size_t len = 0; len < sizeof(text); len++) {
		char *copy = malloc(MAX(len, 1));

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, text, len);
		for (size_t at = 0; at <= len + 2; at++) {
			const size_t path[] = {at, at, at};
			size_t offset = at;

			ck_assert_ptr_nonnull(
				json_text_fault(copy, len, &offset));
			ck_assert_uint_le(offset, len);
			ck_assert_uint_le(
				json_text_find(copy, len, path, 3, false), len);
			(void)json_text_is_integer(copy, len, at);
		}
		(void)json_text_strict(copy, len, &(size_t){0});
		free(copy);
	}
}
END_TEST

static const char sample[] = "\xef\xbb\xbf { \"a\" : 1,\n"
			     "\t\"\xc3\xa4,}\\\"\": [ true, {\"b\":\"c\"} ,\n"
			     "-2.5 ],\"d\":{} }";

START_TEST(nodes_are_found)
{
	static const struct {
		size_t path[3];
		size_t depth;
		bool key;
		const char *at;
	} nodes[] = {
		{{0}, 0, false, "{ \"a\""},	{{0}, 1, true, "\"a\""},
		{{0}, 1, false, "1,"},		{{1}, 1, true, "\"\xc3\xa4"},
		{{1}, 1, false, "[ true"},	{{1, 0}, 2, false, "true"},
		{{1, 1}, 2, false, "{\"b\""},	{{1, 1, 0}, 3, true, "\"b\""},
		{{1, 1, 0}, 3, false, "\"c\""}, {{1, 2}, 2, false, "-2.5"},
		{{2}, 1, true, "\"d\""},	{{2}, 1, false, "{} }"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		size_t at =
			json_text_find(sample, strlen(sample), nodes[i].path,
				       nodes[i].depth, nodes[i].key);

		ck_assert_msg(strncmp(sample + at, nodes[i].at,
				      strlen(nodes[i].at)) == 0,
			      "node %zu found at %zu", i, at);
	}
}
END_TEST

START_TEST(nodes_that_are_not_there)
{
	const size_t beyond[] = {3}, below[] = {0, 0};
	size_t len = strlen(sample);

	ck_assert_uint_eq(json_text_find(sample, len, beyond, 1, false), len);
	ck_assert_uint_eq(json_text_find(sample, len, below, 2, false), len);
}
END_TEST

START_TEST(columns_are_characters)
{
	size_t offset = (size_t)(strstr(sample, "[ true") - sample);
	struct text_pos pos = json_text_pos(sample, strlen(sample), offset);

	ck_assert_uint_eq(pos.line, 2);
	ck_assert_uint_eq(pos.column, 11);
}
END_TEST

START_TEST(integers_are_digits)
{
	static const char *const yes[] = {"0", "7,", "-12 ", "1024}"};
	static const char *const no[] = {"1.0", "1e3", "01",	"-",
					 "x",	"1.",  "\"1\"", "2E0"};

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		ck_assert(json_text_is_integer(yes[i], strlen(yes[i]), 0));
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		ck_assert(!json_text_is_integer(no[i], strlen(no[i]), 0));
}
END_TEST

START_TEST(strictness)
{
	static const struct {
		const char *text;
		size_t offset;
	} bad[] = {
		{"{\"a\nb\": 1}", 3},
		{"{\"a\\u0000b\": 1}", 3},
		{"{\x01}", 1},
	};
	static const char *const good[] = {
		"{\"a\\\\u0000\": 1}\r\n",
		"\t[\"\\u0001\"]",
	};
	size_t offset;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const char *text = bad[i].text;

		ck_assert_ptr_nonnull(
			json_text_strict(text, strlen(text), &offset));
		ck_assert_uint_eq(offset, bad[i].offset);
	}
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		ck_assert_ptr_null(
			json_text_strict(good[i], strlen(good[i]), &offset));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("json_text");
	TCase *tc = tcase_create("core");

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, faults_are_placed, 0, ARRAY_SIZE(faults));
	tcase_add_test(tc, deep_nesting_is_a_fault);
	tcase_add_test(tc, any_offset_is_safe);
	tcase_add_test(tc, nodes_are_found);
	tcase_add_test(tc, nodes_that_are_not_there);
	tcase_add_test(tc, columns_are_characters);
	tcase_add_test(tc, integers_are_digits);
	tcase_add_test(tc, strictness);
	return test_run(suite);
}
