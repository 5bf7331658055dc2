/* SPDX-License-Identifier: MIT */
/*
 * bench_boot_floor PAYLOAD: the floor under the boot benchmark. It makes a VM
 * of 128 MiB with one slot and one vCPU, runs it to its first exit (which is
 * the payload's first instruction but two) and says so with a newline.
 */
#include "bare_vm.h"

#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MEM_SIZE (128UL << 20)

int main(int argc, char **argv)
{
	struct bare_vm vm;
	int err;

	if (argc != 2) {
		fprintf(stderr, "usage: bench_boot_floor PAYLOAD\n");
		return 2;
	}
	if (bare_vm_init(&vm, MEM_SIZE))
		return EXIT_FAILURE;
	err = bare_vm_load(&vm, argv[1]);
	if (!err)
		err = bare_vm_enter_pvh(&vm, "mode=boot");
	if (!err)
		err = bare_vm_run(&vm);
	if (!err && vm.run->exit_reason != KVM_EXIT_IO) {
		fprintf(stderr, "bench_boot_floor: exit reason %u\n",
			vm.run->exit_reason);
		err = -1;
	}
	if (!err && write(STDOUT_FILENO, "\n", 1) != 1)
		err = -1;
	bare_vm_fini(&vm);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
