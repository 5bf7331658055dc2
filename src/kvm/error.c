/* SPDX-License-Identifier: MIT */
/*
 * Error texts of this folder.
 */
#include "kvm/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int kvm_error_set(struct kvm_error *error, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(error->text, sizeof(error->text), fmt, args);
	va_end(args);
	return err;
}

int kvm_error_errno(struct kvm_error *error, int err, const char *fmt, ...)
{
	char cause[ERRNO_TEXT_MAX];
	va_list args;
	size_t len;

	va_start(args, fmt);
	(void)vsnprintf(error->text, sizeof(error->text), fmt, args);
	va_end(args);
	len = strlen(error->text);
	(void)snprintf(error->text + len, sizeof(error->text) - len, ": %s",
		       errno_text(-err, cause, sizeof(cause)));
	return err;
}
