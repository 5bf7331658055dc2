/* SPDX-License-Identifier: MIT */
/*
 * evnic: what the verbs of the command line do, and where the parts of the
 * program are put together. Their arguments are machine/verbs.c's.
 *
 * Exit status: 0 all well (run: the guest powered off, or reset itself with
 * "on_reset": "exit", or a signal ended evnic), 1 something failed on this
 * host, 2 wrong arguments or a wrong description.
 */
#include "machine/ctl.h"
#include "machine/description.h"
#include "machine/host.h"
#include "machine/launch.h"
#include "machine/verbs.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_WRONG 2

static int verb_run(const struct verb_arguments *args)
{
	const struct launch_options options = {
		.pidfile = args->options[OPTION_PIDFILE],
		.ready_fd = -1,
	};
	struct description desc;
	int status;

	description_load(&desc, args->file);
	if (desc.problems.n) {
		problems_print(&desc.problems, stderr);
		status = EXIT_WRONG;
		goto out;
	}
	if (args->options[OPTION_CONTROL])
		desc.config.control_socket = args->options[OPTION_CONTROL];
	status = launch(&desc.config, &options);
out:
	description_fini(&desc);
	return status;
}

static int verb_check(const struct verb_arguments *args)
{
	struct description desc;
	int status = EXIT_SUCCESS;

	description_load(&desc, args->file);
	if (desc.problems.n) {
		problems_print(&desc.problems, stderr);
		status = EXIT_WRONG;
	} else {
		(void)printf("%s: good\n", args->file);
	}
	description_fini(&desc);
	return status;
}

static int verb_host(const struct verb_arguments *args)
{
	UNUSED(args);
	return host_report(stdout);
}

/* What verbs do, but for "ctl", which reads its arguments itself. */
static int (*const runs[VERBS])(const struct verb_arguments *args) = {
	[VERB_RUN] = verb_run,
	[VERB_CHECK] = verb_check,
	[VERB_HOST] = verb_host,
};

/* @argv[0] is the verb. */
static int run_verb(const struct verb *verb, int argc, char **argv)
{
	struct verb_arguments args;
	int status;

	if (verb == &verbs[VERB_CTL])
		return ctl_main(argc, argv);
	status = verb_read(verb, argc, argv, &args);
	return status >= 0 ? status : runs[verb - verbs](&args);
}

static int run(int argc, char **argv)
{
	const struct verb *verb;

	if (argc < 2) {
		verbs_write_help(stderr);
		return EXIT_WRONG;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		verbs_write_help(stdout);
		return EXIT_SUCCESS;
	}
	if (strcmp(argv[1], "--version") == 0) {
		(void)printf("evnic %s\n", EVNIC_VERSION);
		return EXIT_SUCCESS;
	}
	verb = verb_find(argv[1]);
	return verb ? run_verb(verb, argc - 1, argv + 1)
		    : verb_wrong(NULL, "unknown verb", argv[1]);
}

/* Descriptors 0 to 2 are taken, if only by /dev/null, so that no file opened
 * later can be mistaken for standard output. */
static void take_standard_fds(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd);
}

int main(int argc, char **argv)
{
	int status;

	take_standard_fds();
	(void)signal(SIGPIPE, SIG_IGN);
	status = run(argc, argv);
	/* What was promised on standard output must have got there. */
	if (fflush(stdout) != 0 && status == EXIT_SUCCESS) {
		perror("evnic: standard output");
		status = EXIT_FAILURE;
	}
	return status;
}
