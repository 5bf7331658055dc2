/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_KVM_FILES_H
#define TESTS_SUPPORT_KVM_FILES_H

/*
 * Opens the files of a VM as the opener of a machine does, in one process.
 */

#include "kvm/open.h"

/* Opens the device, @config's kernel and initrd, if it names one, and the file
 * of a serial port, unless @serial_path is NULL. 0, or -errno with @error and
 * nothing open. */
int kvm_files_open(struct kvm_vm_config *config, const char *serial_path,
		   struct kvm_error *error);

/* Standard input and output as the console; whichever cannot be opened is left
 * out. */
struct kvm_stdio {
	struct console_file in, out;
};
void kvm_files_open_stdio(struct kvm_vm_config *config,
			  struct kvm_stdio *stdio);
void kvm_files_restore_stdio(struct kvm_stdio *stdio);

#endif
