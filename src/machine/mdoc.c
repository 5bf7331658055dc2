/* SPDX-License-Identifier: MIT */
/*
 * Writing mdoc(7): a line that begins with a dot is a macro's, and words of its
 * line may be macros too; everything else is text.
 */
#include "machine/mdoc.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* Columns of the source. */
#define LINE_MAX_COLUMNS 78

/* What is set apart from the word before it. */
#define PUNCTUATION ".,:;()[]?!|"

static void write_escaped(FILE *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\')
			(void)fputs("\\e", out);
		else if (text[i] == '"')
			(void)fputs("\\(dq", out);
		else if (text[i] == '-')
			(void)fputs("\\-", out);
		else
			(void)fputc(text[i], out);
	}
}

static void write_prose(FILE *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\')
			(void)fputs("\\e", out);
		else
			(void)fputc(text[i], out);
	}
}

void mdoc_word(FILE *out, const char *text, size_t len)
{
	bool quote = memchr(text, ' ', len) != NULL;
	/* "Ar" would be a macro, "." punctuation. */
	bool guard = len == 1 ||
		     (len <= 3 && len && isupper((unsigned char)text[0]));

	(void)fprintf(out, " %s%s", quote ? "\"" : "", guard ? "\\&" : "");
	write_escaped(out, text, len);
	if (quote)
		(void)fputc('"', out);
}

void mdoc_string(FILE *out, const char *text)
{
	mdoc_word(out, text, strlen(text));
}

/* Bytes up to the next blank that is not in a `literal`. */
static size_t token_length(const char *text)
{
	bool literal = false;
	size_t len = 0;

	for (; text[len] && (literal || text[len] != ' '); len++) {
		if (text[len] == '`')
			literal = !literal;
	}
	return len;
}

/* "(`literal`)." as a line of macros. */
static void write_literal(FILE *out, const char *token, size_t len)
{
	const char *begin = memchr(token, '`', len);
	const char *end =
		memchr(begin + 1, '`', (size_t)(token + len - begin - 1));
	const char *rest;

	if (!end)
		end = token + len;
	(void)fputc('.', out);
	if (begin > token)
		(void)fprintf(out, "Pf %.*s ", (int)(begin - token), token);
	(void)fputs("Ql", out);
	mdoc_word(out, begin + 1, (size_t)(end - begin - 1));
	for (rest = end + 1; rest < token + len; rest++) {
		if (strchr(PUNCTUATION, *rest)) {
			(void)fprintf(out, " %c", *rest);
			continue;
		}
		(void)fputs(" Ns", out);
		mdoc_word(out, rest, (size_t)(token + len - rest));
		break;
	}
	(void)fputc('\n', out);
}

void mdoc_text(FILE *out, const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t len = token_length(text);

		if (column && (memchr(text, '`', len) ||
			       column + 1 + len > LINE_MAX_COLUMNS)) {
			(void)fputc('\n', out);
			column = 0;
		}
		if (memchr(text, '`', len)) {
			write_literal(out, text, len);
		} else {
			if (column)
				(void)fputc(' ', out);
			else if (*text == '.' || *text == '\'')
				(void)fputs("\\&", out);
			write_prose(out, text, len);
			column += (column > 0) + len;
			if (text[len - 1] == '.') {
				(void)fputc('\n', out);
				column = 0;
			}
		}
		text += len;
		text += strspn(text, " ");
	}
	if (column)
		(void)fputc('\n', out);
}

void mdoc_phrase(FILE *out, const char *phrase)
{
	size_t len = strlen(phrase);
	char text[1024];

	(void)snprintf(text, sizeof(text), "%s%s", phrase,
		       len && strchr(".?!:", phrase[len - 1]) ? "" : ".");
	text[0] = (char)toupper((unsigned char)text[0]);
	mdoc_text(out, text);
}

void mdoc_synopsis(FILE *out, const char *synopsis)
{
	const char *s = synopsis;
	bool apart = true; /* is there a blank before this? */

	while (*s) {
		size_t len = strcspn(s, " []|");
		bool dots = strncmp(s, "...", 3) == 0;

		if (*s == ' ') {
			apart = true;
			s++;
			continue;
		}
		if (*s == ']') {
			(void)fputs(" Oc", out);
			s++;
			apart = false;
			continue;
		}
		if (*s == '|') {
			(void)fputs(" |", out);
			s++;
			apart = true;
			continue;
		}
		if (!apart)
			(void)fputs(" Ns", out);
		apart = false;
		if (*s == '[') {
			(void)fputs(" Oo", out);
			s++;
			apart = true;
			continue;
		}
		if (dots) {
			(void)fputs(" No ...", out);
			s += 3;
			continue;
		}
		for (size_t i = 0; i + 3 <= len; i++) {
			if (strncmp(s + i, "...", 3) == 0)
				len = i;
		}
		if (len > 1 && s[0] == '-') {
			(void)fputs(" Fl", out);
			mdoc_word(out, s + 1, len - 1);
		} else {
			(void)fputs(islower((unsigned char)*s) ? " Cm" : " Ar",
				    out);
			mdoc_word(out, s, len);
		}
		s += len;
	}
}

void mdoc_example(FILE *out, const char *text)
{
	(void)fprintf(out, ".Bd -literal -offset indent\n");
	while (*text) {
		size_t len = strcspn(text, "\n");

		if (*text == '.' || *text == '\'')
			(void)fputs("\\&", out);
		write_escaped(out, text, len);
		(void)fputc('\n', out);
		text += len;
		text += *text == '\n';
	}
	(void)fprintf(out, ".Ed\n");
}
