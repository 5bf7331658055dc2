/* SPDX-License-Identifier: MIT */
/*
 * Writes one of the generated files of docs/ to standard output:
 * run by the build's "docs" target, and by the test that they are up to date.
 */
#include "machine/docs.h"

#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	if (argc != 2) {
		(void)fprintf(stderr, "usage: %s markdown|schema|control\n",
			      argv[0]);
		return 2;
	}
	if (strcmp(argv[1], "markdown") == 0)
		docs_write_markdown(stdout);
	else if (strcmp(argv[1], "control") == 0)
		docs_write_control(stdout);
	else if (strcmp(argv[1], "schema") != 0 ||
		 docs_write_schema(stdout) < 0)
		return EXIT_FAILURE;
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
