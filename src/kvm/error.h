/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_KVM_ERROR_H
#define EVNIC_KVM_ERROR_H

/*
 * Filling a struct kvm_error: the first failure is told, in one line.
 */

#include "kvm/vm.h"

/* Formats the text and returns @err (negative errno), for "return". */
int kvm_error_set(struct kvm_error *error, int err, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* The same with ": No such device (ENODEV)" for @err behind the text. */
int kvm_error_errno(struct kvm_error *error, int err, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

#endif
