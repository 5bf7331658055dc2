/* SPDX-License-Identifier: MIT */
/*
 * One line for people.
 */
#include "backends/tap_error.h"

#include "backends/tap_netlink.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int tap_fail(struct tap_error *err, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return code;
}

int tap_fail_errno(struct tap_error *err, const char *what, const char *cure)
{
	int code = errno;
	char text[ERRNO_TEXT_MAX];

	return tap_fail(err, -code, "%s: %s: %s", what,
			errno_text(code, text, sizeof(text)), cure);
}

int tap_check_others(int netlink, const char *name, const int *fds, size_t n,
		     struct tap_error *err)
{
	struct tap_info info;

	if (!tap_netlink_index(netlink, name, fds[0]) ||
	    tap_netlink_info(netlink, name, &info) < 0 || !info.multi_queue ||
	    info.queues <= n)
		return 0;
	return tap_fail(err, -EBUSY,
			"%s: another process has %zu of its queues open; end "
			"that process or use another tap",
			name, info.queues - n);
}
