/* SPDX-License-Identifier: MIT */
/*
 * Rules about a description that depend on the host that is to run it: the
 * files must be there, and so must the memory. What a rule cannot foresee (a TAP
 * interface that another process has open) is told when the machine starts.
 */
#include "machine/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB (1LL << 20)

/* Is there a regular file at @path that may be read? Its size, or -1 and a
 * problem. */
static off_t check_file(struct description *desc, const char *pointer,
			const char *path)
{
	char text[QUOTED_MAX], cause[ERRNO_TEXT_MAX];
	struct stat st;
	/* Not to be stopped by a pipe that nobody writes to. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &st) < 0) {
		description_problem(desc, pointer,
				    "%s cannot be read: %s; must be a file, "
				    "relative to where evnic is started",
				    quoted(path, text, sizeof(text)),
				    errno_text(errno, cause, sizeof(cause)));
		close_fd(&fd);
		return -1;
	}
	close_fd(&fd);
	if (!S_ISREG(st.st_mode)) {
		description_problem(desc, pointer,
				    "%s is not a file: must be a regular file",
				    quoted(path, text, sizeof(text)));
		return -1;
	}
	return st.st_size;
}

void rules_check_host(struct description *desc)
{
	const struct machine_config *config = &desc->config;
	long pages = sysconf(_SC_PHYS_PAGES);
	long page = sysconf(_SC_PAGESIZE);
	long long host_mib = (long long)pages * page / MIB;
	off_t size;

	if (config->boot.kernel_image_path)
		(void)check_file(desc, "/boot-source/kernel_image_path",
				 config->boot.kernel_image_path);
	if (config->boot.initrd_path) {
		size = check_file(desc, "/boot-source/initrd_path",
				  config->boot.initrd_path);
		if (size > config->shape.mem_size_mib * MIB)
			description_problem(
				desc, "/boot-source/initrd_path",
				"the file has %lld MiB, which is more than the "
				"guest's memory: raise mem_size_mib (%lld)",
				(long long)size / MIB,
				(long long)config->shape.mem_size_mib);
	}
	if (pages > 0 && page > 0 && config->shape.mem_size_mib > host_mib)
		description_problem(desc, "/machine-config/mem_size_mib",
				    "%lld is more than this host has: must be "
				    "at most %lld (MiB)",
				    (long long)config->shape.mem_size_mib,
				    host_mib);
}
