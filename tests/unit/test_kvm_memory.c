/* SPDX-License-Identifier: MIT */
/*
 * The guest's memory, as the host sees it.
 */
#include "kvm/memory.h"
#include "support/run.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The line "VmFlags:" of the mapping that begins at @host, from
 * /proc/self/smaps. */
static void read_flags(const void *host, char *flags, size_t size)
{
	FILE *maps = fopen("/proc/self/smaps", "re");
	bool here = false;
	uintptr_t start, end;
	char line[512];

	flags[0] = '\0';
	ck_assert_ptr_nonnull(maps);
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &start, &end) == 2)
			here = start == (uintptr_t)host;
		else if (here && strncmp(line, "VmFlags:", 8) == 0)
			(void)snprintf(flags, size, "%s", line + 8);
	}
	(void)fclose(maps);
}

START_TEST(is_in_no_core_dump)
{
	const struct kvm_vm_config config = {
		.mem_size = 8 << 20,
		.prefault = _i == 1,
	};
	struct kvm_error error;
	struct memory memory;
	char flags[512];

	ck_assert_int_eq(memory_init(&memory, &config, &error), 0);
	read_flags(memory.host, flags, sizeof(flags));
	ck_assert_msg(strstr(flags, " dd") != NULL, "VmFlags:%s", flags);
	memory_fini(&memory);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kvm memory");
	TCase *tc = tcase_create("memory");

	tcase_add_loop_test(tc, is_in_no_core_dump, 0, 2);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
