/* SPDX-License-Identifier: MIT */
/*
 * How many files the process may have open: each flow of a consomme is a socket.
 */
#include "machine/fd_limit.h"

#include "base/log.h"
#include "machine/kinds.h"

#include <fcntl.h>
#include <sys/resource.h>

/* What a confined process cannot ask any more. */
static rlim_t limit_now;

void fd_limit_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit_now = limit.rlim_cur;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
		limit_now = limit.rlim_max;
}

void fd_limit_tell(const struct machine_config *config, int fd)
{
	unsigned long long wanted = 0, room, in_use;
	int next = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	for (size_t i = 0; i < config->n_backends; i++) {
		const struct backend_config *b = &config->backends[i];

		if (b->type == endpoint_kind_consomme())
			wanted += (unsigned long long)(b->consomme.max_tcp +
						       b->consomme.max_udp);
	}
	/* The lowest that is free: as many are in use. */
	in_use = next < 0 ? 0 : (unsigned long long)next;
	close_fd(&next);
	if (!wanted || !limit_now)
		return;
	room = limit_now > in_use ? limit_now - in_use : 0;
	if (room >= wanted)
		log_info("open files: at most %llu: room for all %llu flows "
			 "that \"max_tcp\" and \"max_udp\" allow",
			 (unsigned long long)limit_now, wanted);
	else
		log_info("open files: at most %llu: room for %llu of the %llu "
			 "flows that \"max_tcp\" and \"max_udp\" allow; for "
			 "more raise the hard limit (ulimit -Hn, "
			 "LimitNOFILE=)",
			 (unsigned long long)limit_now, room, wanted);
}
