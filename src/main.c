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
#include "machine/logger.h"
#include "machine/verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_WRONG 2

static int wrong_option(const char *what, const char *value)
{
	return verb_wrong(&verbs[VERB_RUN], what, value);
}

/* A file descriptor that we were started with, or -1. */
static int inherited_fd(const char *text)
{
	char *end;
	long fd;

	errno = 0;
	fd = strtol(text, &end, 10);
	if (errno || end == text || *end != '\0' || fd <= STDERR_FILENO ||
	    fd > INT_MAX || fcntl((int)fd, F_GETFD) < 0)
		return -1;
	return (int)fd;
}

/* Makes @config say what the options say. -1; otherwise the exit status: they
 * are wrong, and this was told. */
static int apply_options(const struct verb_arguments *args,
			 struct machine_config *config)
{
	const char *const *options = args->options;

	if (options[OPTION_CONTROL])
		config->control_socket = options[OPTION_CONTROL];
	if (options[OPTION_LOG_PATH])
		config->logger.log_path = options[OPTION_LOG_PATH];
	if (options[OPTION_ID])
		config->id = options[OPTION_ID];
	if (config->id && (!*config->id || strlen(config->id) >= LOG_ID_MAX))
		return wrong_option("--id takes 1 to 64 bytes, not",
				    config->id);
	if (options[OPTION_LEVEL]) {
		config->logger.level = logger_level(options[OPTION_LEVEL]);
		if (config->logger.level < 0)
			return wrong_option("no such level",
					    options[OPTION_LEVEL]);
	}
	return -1;
}

static int verb_run(const struct verb_arguments *args)
{
	const char *ready_fd = args->options[OPTION_READY_FD];
	const struct launch_options options = {
		.pidfile = args->options[OPTION_PIDFILE],
		.ready_fd = ready_fd ? inherited_fd(ready_fd) : -1,
	};
	struct description desc;
	char id[LOG_ID_MAX];
	int status;

	if (ready_fd && options.ready_fd < 0)
		return wrong_option("--ready-fd takes an open file descriptor "
				    "of 3 or more, not",
				    ready_fd);
	description_load(&desc, args->file);
	if (desc.problems.n) {
		problems_print(&desc.problems, stderr);
		status = EXIT_WRONG;
		goto out;
	}
	status = apply_options(args, &desc.config);
	if (status >= 0)
		goto out;
	logger_default_id(args->file, id);
	if (!desc.config.id)
		desc.config.id = id;
	status = logger_open(&desc.config) < 0 ? EXIT_FAILURE
					       : launch(&desc.config, &options);
	if (status != EXIT_SUCCESS && desc.config.logger.log_path)
		(void)fprintf(stderr, "evnic: %s: failed: see %s\n",
			      desc.config.id, desc.config.logger.log_path);
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
