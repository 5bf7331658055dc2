/* SPDX-License-Identifier: MIT */
/*
 * Our texts as mdoc(7).
 */
#include "machine/mdoc.h"

#include "base/util.h"
#include "support/run.h"

#include <check.h>
#include <stdlib.h>

static const struct {
	void (*write)(FILE *out, const char *text);
	const char *text;
	const char *mdoc;
} texts[] = {
	/* A sentence a line; literals, and what clings to them. */
	{mdoc_text, "One two. Three", "One two.\nThree\n"},
	{mdoc_text, "Two `a-b c`, (`dd`). `kk`s",
	 "Two\n.Ql \"a\\-b c\" ,\n.Pf ( Ql dd ) .\n.Ql kk Ns \\&s\n"},
	{mdoc_text, "`open", ".Ql open\n"},
	{mdoc_text, "", ""},
	/* Nothing becomes a request, a macro or an escape. */
	{mdoc_text, ".Dd 'x' a\\b", "\\&.Dd 'x' a\\eb\n"},
	{mdoc_text, "'x", "\\&'x\n"},
	{mdoc_text, "`Ar` `.` `\"\\`", ".Ql \\&Ar\n.Ql \\&.\n.Ql \\(dq\\e\n"},
	/* Long lines are broken, and not before a dot that would count. */
	{mdoc_text,
	 "123456789 123456789 123456789 123456789 123456789 123456789 "
	 "123456789 12345678 .Sh",
	 "123456789 123456789 123456789 123456789 123456789 123456789 "
	 "123456789 12345678\n\\&.Sh\n"},
	{mdoc_phrase, "not like this", "Not like this.\n"},
	{mdoc_phrase, "is it?", "Is it?\n"},
	{mdoc_synopsis, "NIC up|down", " Ar \\&NIC Cm up | Cm down"},
	{mdoc_synopsis, "[NIC [KEY=A/B[/C]]...]",
	 " Oo Ar \\&NIC Oo Ar KEY=A/B Ns Oo Ar /C Oc Oc Ns No ... Oc"},
	{mdoc_synopsis, "--dry-run FILE...",
	 " Fl \\-dry\\-run Ar FILE Ns No ..."},
	{mdoc_example, "$ ls -l\n.x\n",
	 ".Bd -literal -offset indent\n$ ls \\-l\n\\&.x\n.Ed\n"},
};

START_TEST(texts_become_mdoc)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(out);
	texts[_i].write(out, texts[_i].text);
	(void)fclose(out);
	ck_assert_str_eq(text, texts[_i].mdoc);
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mdoc");
	TCase *tc = tcase_create("core");

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, texts_become_mdoc, 0, ARRAY_SIZE(texts));
	return test_run(suite);
}
