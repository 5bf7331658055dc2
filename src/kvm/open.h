/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_KVM_OPEN_H
#define EVNIC_KVM_OPEN_H

/*
 * Opening what a VM is made of (struct kvm_vm_files), and saying in one line
 * what stands in the way: for the process that may open files, which need not be
 * the one that runs the VM. The device itself is host_open()'s (kvm/host.h).
 *
 * All return a file descriptor, close-on-exec, or -errno with @error.
 */

#include "kvm/vm.h"

/* A file to boot, to be read. @what: "kernel", "initrd". */
int kvm_open_image(const char *what, const char *path,
		   struct kvm_error *error) MUST_CHECK;

/* The file of a serial port: made with mode 0600, or emptied. Non-blocking. */
int kvm_open_serial(const char *path, struct kvm_error *error) MUST_CHECK;

/* Standard input or output as a file that does not block. @restore_fd: one that
 * others have too and whose flags we had to change for that, or -1. */
struct console_file {
	int restore_fd;
	int restore_flags;
};

/* @fd: STDIN_FILENO, to be read, or STDOUT_FILENO, to be written. Input: -ENOTTY
 * says that it is a terminal in whose foreground we are not. */
int console_file_open(struct console_file *file, int fd,
		      struct kvm_error *error) MUST_CHECK;

/* Puts the flags back. Idempotent. */
void console_file_restore(struct console_file *file);

#endif
