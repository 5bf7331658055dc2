/* SPDX-License-Identifier: MIT */
/*
 * The machine's first steps: from here on there is nothing but the log and the
 * opener.
 */
#include "machine/launch_private.h"

#include "backends/consomme/consomme.h"
#include "base/log.h"
#include "base/log_output.h"
#include "machine/machine.h"
#include "machine/opener_client.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

static void keep(int fd, unsigned int from, unsigned int *next)
{
	if (fd >= 0 && (unsigned int)fd >= from && (unsigned int)fd < *next)
		*next = (unsigned int)fd;
}

/* The first of the descriptors that stay, from @from on; UINT_MAX: none. */
static unsigned int next_kept(int fd, unsigned int from)
{
	unsigned int next = UINT_MAX;

	keep(fd, from, &next);
	keep(log_output_fd(), from, &next);
	return next;
}

/* Closes all but the log and @fd: what the user's shell has left open, and what
 * the opener holds, taps of the description among them. Standard input and output
 * are /dev/null. 0 or -errno. */
static int close_inherited(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	unsigned int from = STDERR_FILENO + 1, kept;

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(null, STDOUT_FILENO) < 0)
		return -errno;
	do {
		kept = next_kept(fd, from);
		if (kept > from && close_range(from, kept - 1, 0) < 0)
			return -errno;
		from = kept + 1;
	} while (kept != UINT_MAX);
	return 0;
}

/* 0 or -errno, after a log line. */
static int confine(const struct sandbox_config *sandbox,
		   struct sandbox_report *report)
{
	char error[sizeof(report->lines[0]) + ERRNO_TEXT_MAX];
	int err = sandbox_enter(sandbox, report, error, sizeof(error));

	if (err < 0)
		log_error("%s", error);
	else
		launch_tell(report);
	return err;
}

void launch_machine(const struct machine_config *config,
		    const struct sandbox_config *sandbox,
		    struct sandbox_report *report, int fd)
{
	struct opener opener = {.fd = fd};
	int err = close_inherited(fd);

	if (config->sandbox.sockets)
		(void)consomme_probe();
	if (err < 0)
		launch_failed("machine", err);
	else
		err = confine(sandbox, report);
	if (err == 0)
		err = machine_run(config, &opener);
	exit(err < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}
