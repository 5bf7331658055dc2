/* SPDX-License-Identifier: MIT */
/*
 * Helpers that are too large for a header.
 */
#include "base/util.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void close_fd(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = saved;
}

const char *errno_text(int err, char *buf, size_t size)
{
	const char *name = strerrorname_np(err);
	const char *text = strerrordesc_np(err);

	if (name && text)
		(void)snprintf(buf, size, "%s (%s)", text, name);
	else
		(void)snprintf(buf, size, "error %d", err);
	return buf;
}
