/* SPDX-License-Identifier: MIT */
/*
 * evnic: the command line, and where the parts of the program are put together.
 *
 * Exit status: 0 all well (run: the guest powered off, or reset itself with
 * "on_reset": "exit", or a signal ended evnic), 1 something failed on this
 * host, 2 wrong arguments or a wrong description.
 */
#include "machine/ctl.h"
#include "machine/description.h"
#include "machine/host.h"
#include "machine/machine.h"
#include "machine/pidfile.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_WRONG 2

/* What the arguments of a verb came to. */
struct arguments {
	const char *file;
	const char *pidfile;
	const char *control;
};

/* @args: what follows the verb in its usage line. @options: as getopt_long()
 * wants them; each has a help option. @main: of a verb that reads its arguments
 * itself; the other members from @details on are not used then. */
struct verb {
	const char *name;
	const char *args;
	const char *summary;
	const char *details;
	int n_files;
	const struct option *options;
	int (*run)(const struct arguments *args);
	int (*main)(int argc, char **argv);
};

static int verb_run(const struct arguments *args);
static int verb_check(const struct arguments *args);
static int verb_host(const struct arguments *args);

static const struct option run_options[] = {
	{"help", no_argument, NULL, 'h'},
	{"control", required_argument, NULL, 'c'},
	{"pidfile", required_argument, NULL, 'p'},
	{0},
};

static const struct option no_options[] = {
	{"help", no_argument, NULL, 'h'},
	{0},
};

static const struct verb verbs[] = {
	{
		.name = "run",
		.args = "FILE [OPTIONS]",
		.summary = "launch the machine that a description describes",
		.details =
			"Launches the machine that FILE describes, on KVM, and "
			"runs it until it ends.\n"
			"  --control PATH  take commands on a unix socket "
			"there (evnic ctl)\n"
			"  --pidfile PATH  hold the process id in PATH while it "
			"runs; no second evnic\n"
			"                  runs with the same PATH\n"
			"With the serial port on the terminal, Ctrl-A x ends "
			"the machine.\n"
			"Exit status: 0 the guest powered off, or reset itself "
			"with \"on_reset\": \"exit\", or\n"
			"SIGTERM, SIGINT or SIGHUP or Ctrl-A x ended it; 1 it "
			"failed; 2 the arguments or the\n"
			"description are wrong.\n",
		.n_files = 1,
		.options = run_options,
		.run = verb_run,
	},
	{
		.name = "check",
		.args = "FILE",
		.summary = "tell everything that is wrong with a description",
		.details = "Reads the machine description in FILE and looks "
			   "for the files and the memory that\n"
			   "it needs. Each error is a line on standard error:\n"
			   "  FILE:LINE:COLUMN: /json/pointer: what, and the "
			   "rule\n"
			   "Exit status: 0 the description is good, 2 it is "
			   "not.\n",
		.n_files = 1,
		.options = no_options,
		.run = verb_check,
	},
	{
		.name = "ctl",
		.args = "SOCKET COMMAND...",
		.summary = "talk to a running machine",
		.main = ctl_main,
	},
	{
		.name = "host",
		.args = "",
		.summary = "tell what this host offers, and what to do about "
			   "gaps",
		.details = "Tries what evnic needs of a host: KVM (for up to a "
			   "second), tun, memory, limits.\n"
			   "The last line is kvm-verdict=WORD: usable, absent, "
			   "denied, unfit, broken or slow.\n"
			   "Exit status: 0 stock kernels can run here, 1 they "
			   "cannot.\n",
		.options = no_options,
		.run = verb_host,
	},
};

static int verb_run(const struct arguments *args)
{
	struct pidfile pidfile = {.fd = -1};
	struct description desc;
	int status = EXIT_FAILURE;

	description_load(&desc, args->file);
	if (desc.problems.n) {
		problems_print(&desc.problems, stderr);
		status = EXIT_WRONG;
		goto out;
	}
	if (args->control)
		desc.config.control_socket = args->control;
	machine_block_signals();
	if (args->pidfile && pidfile_create(&pidfile, args->pidfile) < 0)
		goto out;
	if (machine_run(&desc.config) == 0)
		status = EXIT_SUCCESS;
	pidfile_remove(&pidfile);
out:
	description_fini(&desc);
	return status;
}

static int verb_check(const struct arguments *args)
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

static int verb_host(const struct arguments *args)
{
	UNUSED(args);
	return host_report(stdout);
}

static void print_help(FILE *out)
{
	(void)fprintf(out, "evnic: a microVM network process\n\nusage:\n");
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		(void)fprintf(out, "  evnic %-6s %-22s %s\n", verbs[i].name,
			      verbs[i].args, verbs[i].summary);
	(void)fprintf(out,
		      "  evnic VERB --help                   more about it\n"
		      "  evnic --version                     which evnic this "
		      "is\n");
}

static void print_verb_help(const struct verb *verb)
{
	(void)printf("usage: evnic %s%s%s\n\n%s", verb->name,
		     *verb->args ? " " : "", verb->args, verb->details);
}

/* A complaint about the arguments, and where to read on. */
static int wrong(const struct verb *verb, const char *what, const char *which)
{
	char text[QUOTED_MAX];

	(void)fprintf(stderr, "evnic: %s%s%s; see evnic %s%s--help\n", what,
		      which ? " " : "",
		      which ? quoted(which, text, sizeof(text)) : "",
		      verb ? verb->name : "", verb ? " " : "");
	return EXIT_WRONG;
}

/* @argv[0] is the verb. */
static int run_verb(const struct verb *verb, int argc, char **argv)
{
	struct arguments args = {0};
	int option;

	if (verb->main)
		return verb->main(argc, argv);
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", verb->options, NULL)) !=
	       -1) {
		switch (option) {
		case 'h':
			print_verb_help(verb);
			return EXIT_SUCCESS;
		case 'c':
			args.control = optarg;
			break;
		case 'p':
			args.pidfile = optarg;
			break;
		case ':':
			return wrong(verb, "a value is missing after",
				     argv[optind - 1]);
		default:
			return wrong(verb, "unknown option", argv[optind - 1]);
		}
	}
	if (argc - optind < verb->n_files)
		return wrong(verb, "FILE is missing", NULL);
	if (argc - optind > verb->n_files)
		return wrong(verb, "unexpected argument",
			     argv[optind + verb->n_files]);
	args.file = argv[optind];
	return verb->run(&args);
}

static int run(int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		return EXIT_WRONG;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_help(stdout);
		return EXIT_SUCCESS;
	}
	if (strcmp(argv[1], "--version") == 0) {
		(void)printf("evnic %s\n", EVNIC_VERSION);
		return EXIT_SUCCESS;
	}
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(argv[1], verbs[i].name) == 0)
			return run_verb(&verbs[i], argc - 1, argv + 1);
	}
	return wrong(NULL, "unknown verb", argv[1]);
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
