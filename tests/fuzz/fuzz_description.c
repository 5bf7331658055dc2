/* SPDX-License-Identifier: MIT */
/*
 * The description parser: any bytes as a machine description. Whatever they
 * are, there is either a config or a problem, and each problem is printed in
 * printable characters.
 */
#include "machine/description.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct description desc;
	char *text = NULL;
	size_t len = 0;
	FILE *out;

	if (size > 65536)
		return 0;
	out = open_memstream(&text, &len);
	if (!out)
		return 0;
	description_parse(&desc, "f", (const char *)data, size);
	if (!desc.root && desc.problems.n == 0)
		abort();
	if (desc.problems.n == 0 && !desc.config.boot.kernel_image_path)
		abort();
	problems_print(&desc.problems, out);
	(void)fclose(out);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c != '\n' && (c < 0x20 || c > 0x7e))
			abort();
	}
	free(text);
	description_fini(&desc);
	return 0;
}
