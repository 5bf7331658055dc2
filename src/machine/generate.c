/* SPDX-License-Identifier: MIT */
/*
 * Writes one of the generated files of docs/, or a table of README.md or of
 * docs/security.md, to standard output: run by the build's "docs" target, and by
 * the test that they are up to date.
 */
#include "base/util.h"
#include "machine/docs.h"
#include "machine/host_features.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	void (*write)(FILE *out);
} texts[] = {
	{"markdown", docs_write_markdown}, {"schema", docs_write_schema},
	{"control", docs_write_control},   {"man8", docs_write_man_evnic},
	{"man5", docs_write_man_json},	   {"features", host_write_features},
	{"calls", docs_write_calls},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (argc != 2 || strcmp(argv[1], texts[i].name) != 0)
			continue;
		texts[i].write(stdout);
		return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	(void)fprintf(stderr, "usage: %s", argv[0]);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		(void)fprintf(stderr, "%s%s", i ? "|" : " ", texts[i].name);
	(void)fputc('\n', stderr);
	return 2;
}
