/* SPDX-License-Identifier: MIT */
/*
 * The files of a VM, for tests.
 */
#include "support/kvm_files.h"

#include "kvm/host.h"

#include <unistd.h>

static int keep(int fd, int *file)
{
	if (fd < 0)
		return fd;
	*file = fd;
	return 0;
}

int kvm_files_open(struct kvm_vm_config *config, const char *serial_path,
		   struct kvm_error *error)
{
	struct kvm_vm_files *files = &config->files;
	int err;

	*files = KVM_VM_NO_FILES;
	err = keep(host_open(error), &files->kvm);
	if (!err)
		err = keep(kvm_open_image("kernel", config->kernel_path, error),
			   &files->kernel);
	if (!err && config->initrd_path)
		err = keep(kvm_open_image("initrd", config->initrd_path, error),
			   &files->initrd);
	if (!err && serial_path)
		err = keep(kvm_open_serial(serial_path, error),
			   &files->console_out);
	if (err < 0)
		kvm_vm_files_close(files);
	return err;
}

void kvm_files_open_stdio(struct kvm_vm_config *config, struct kvm_stdio *stdio)
{
	struct kvm_error error;

	config->files.console_in =
		console_file_open(&stdio->in, STDIN_FILENO, &error);
	config->files.console_out =
		console_file_open(&stdio->out, STDOUT_FILENO, &error);
}

void kvm_files_restore_stdio(struct kvm_stdio *stdio)
{
	console_file_restore(&stdio->in);
	console_file_restore(&stdio->out);
}
