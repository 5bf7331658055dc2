/* SPDX-License-Identifier: MIT */
/*
 * The arguments of "evnic ctl" and the table of its commands.
 *
 *	evnic ctl [--json] SOCKET COMMAND [WORD | --OPTION [VALUE]]...
 *
 * Options may stand anywhere; "--" ends them.
 */
#include "machine/ctl.h"

#include "machine/ctl_private.h"
#include "machine/problems.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct ctl_option stats_options[] = {
	{"--all", NULL, "also the counters that are 0"},
	{0},
};

static const struct ctl_option capture_options[] = {
	{"--stdout", NULL, "write the capture to standard output"},
	{"--snaplen", "N", "keep the first N bytes of each frame"},
	{"--queues", "LIST", "only these queue pairs: 0,2"},
	{"--rotate-size", "BYTES",
	 "begin a new file after so many bytes; the machine itself must be "
	 "allowed to write FILE (\"captures\" in evnic.json(5))"},
	{"--rotate-files", "N", "keep the last N files"},
	{"--ring-size", "BYTES", "memory for each queue's frames on their way"},
	{0},
};

static const struct ctl_option flows_options[] = {
	{"--max", "N", "show at most N of each NIC, those used last"},
	{0},
};

static const struct ctl_option top_options[] = {
	{"--batch", "N", "print N screens one after another, then end"},
	{0},
};

const struct ctl_command ctl_commands[] = {
	{"status", "", 0, 0, NULL, "query-status", "does the machine run?",
	 ctl_run_status},
	{"nics", "", 0, 0, NULL, "query-nics",
	 "the NICs: address, link, backend", ctl_run_nics},
	{"stats", "[NIC]", 0, 1, stats_options, "query-stats",
	 "counters of each queue pair", ctl_run_stats},
	{"top", "", 0, 0, top_options, "query-stats",
	 "rates of each queue pair, every second", ctl_run_top},
	{"inspect", "[PATH]", 0, 1, NULL, "inspect",
	 "everything there is to know, or what is at PATH", ctl_run_inspect},
	{"events", "", 0, 0, NULL, NULL,
	 "events as they come, a line of JSON each", ctl_run_events},
	{"stop", "", 0, 0, NULL, "stop", "pause the guest and its NICs",
	 ctl_run_simple},
	{"cont", "", 0, 0, NULL, "cont", "let them run again", ctl_run_simple},
	{"powerdown", "", 0, 0, NULL, "system_powerdown",
	 "press the power button", ctl_run_simple},
	{"reset", "", 0, 0, NULL, "system_reset", "boot the guest again",
	 ctl_run_simple},
	{"quit", "", 0, 0, NULL, "quit", "end the machine", ctl_run_simple},
	{"netdev-add", "ID TYPE [KEY=VALUE]...", 2, 16, NULL, "netdev_add",
	 "make a backend; fd=N passes file descriptor N of ctl's",
	 ctl_run_netdev_add},
	{"netdev-del", "BACKEND", 1, 1, NULL, "netdev_del",
	 "destroy a backend; its NIC is detached", ctl_run_netdev_del},
	{"netdev-replace", "NIC BACKEND", 2, 2, NULL, "netdev_replace",
	 "connect a NIC to another backend", ctl_run_netdev_replace},
	{"set-link", "NIC up|down", 2, 2, NULL, "set_link",
	 "plug or pull a NIC's cable", ctl_run_set_link},
	{"device-add", "ID BACKEND [KEY=VALUE]...", 2, 16, NULL, "device_add",
	 "plug a NIC in; driver=virtio-net-pci if not given",
	 ctl_run_device_add},
	{"device-del", "NIC", 1, 1, NULL, "device_del",
	 "ask the guest to give a NIC back", ctl_run_device_del},
	{"hostfwd-add", "NIC RULE", 2, 2, NULL, "hostfwd_add",
	 "make a port of the host lead to the guest; RULE is as in a "
	 "description's \"hostfwd\": tcp:127.0.0.1:2222-:22",
	 ctl_run_hostfwd},
	{"hostfwd-remove", "NIC RULE", 2, 2, NULL, "hostfwd_remove",
	 "end that; connections that there are go on", ctl_run_hostfwd},
	{"flows", "[NIC]", 0, 1, flows_options, "query-flows",
	 "connections of NICs with a consomme, those used last first",
	 ctl_run_flows},
	{"limits", "[NIC [KEY=SIZE/MS[/BURST]]...]", 0, 5, NULL,
	 "set-rate-limiter",
	 "rate limits; KEY is rx_bandwidth, rx_ops, tx_bandwidth or tx_ops, "
	 "KEY=0 lifts one",
	 ctl_run_limits},
	{"capture", "", 0, 0, NULL, "query-nics", "captures and their counters",
	 ctl_run_capture},
	{"capture start", "[NIC [FILE]]", 0, 2, capture_options,
	 "capture-start",
	 "write a NIC's frames to FILE (pcapng); NIC may be left out where "
	 "there is but one",
	 ctl_run_capture_start},
	{"capture stop", "NIC", 1, 1, NULL, "capture-stop", "end that",
	 ctl_run_capture_stop},
	{"qmp", "NAME [JSON]", 1, 2, NULL, NULL,
	 "any command of the control socket, with its arguments", ctl_run_qmp},
	{0},
};

int ctl_wrong(const struct ctl *ctl, const char *what, const char *which)
{
	char text[QUOTED_MAX];

	(void)fprintf(stderr, "evnic: %s%s%s; see evnic ctl %s%s%s--help\n",
		      what, which ? " " : "",
		      which ? quoted(which, text, sizeof(text)) : "",
		      ctl->command ? "SOCKET " : "",
		      ctl->command ? ctl->command->name : "",
		      ctl->command ? " " : "");
	return CTL_WRONG;
}

/* The command that @words begin with, and of how many words its name is. */
static const struct ctl_command *find(char **words, size_t n, size_t *used)
{
	const struct ctl_command *found = NULL;

	for (const struct ctl_command *c = ctl_commands; c->name && n > 0;
	     c++) {
		const char *name = c->name;
		const char *space = strchr(name, ' ');
		size_t first = strcspn(name, " ");

		if (strlen(words[0]) != first ||
		    strncmp(words[0], name, first) != 0)
			continue;
		if (!space) {
			found = c;
			*used = 1;
		} else if (n > 1 && strcmp(words[1], space + 1) == 0) {
			*used = 2;
			return c;
		}
	}
	return found;
}

const char *ctl_option(const struct ctl *ctl, const char *name)
{
	const struct ctl_option *options = ctl->command->options;

	for (size_t i = 0; options && options[i].name; i++) {
		if (strcmp(options[i].name, name) == 0)
			return ctl->options[i];
	}
	return NULL;
}

const char *ctl_word(const struct ctl *ctl, size_t i)
{
	return i < ctl->n_words ? ctl->words[i] : NULL;
}

/* What the command line came to before the command was known. */
struct line {
	char **words; /* not options */
	size_t n_words;
	char **options; /* with their values */
	size_t n_options;
	bool json, help;
};

static bool is_option(const char *arg)
{
	return arg[0] == '-' && arg[1] != '\0';
}

/* Does an option of this name, of whatever command, have a value? */
static bool has_value(const char *name)
{
	for (const struct ctl_command *c = ctl_commands; c->name; c++) {
		const struct ctl_option *o = c->options;

		for (; o && o->name; o++) {
			if (strcmp(o->name, name) == 0 && o->value)
				return true;
		}
	}
	return false;
}

/* Sorts the arguments into words and options. */
static void sort(struct line *line, int argc, char **argv)
{
	bool options = true;

	for (int i = 1; i < argc; i++) {
		char *arg = argv[i];

		if (!options || !is_option(arg)) {
			line->words[line->n_words++] = arg;
		} else if (strcmp(arg, "--") == 0) {
			options = false;
		} else if (strcmp(arg, "--json") == 0) {
			line->json = true;
		} else if (strcmp(arg, "--help") == 0 ||
			   strcmp(arg, "-h") == 0) {
			line->help = true;
		} else {
			char *equals = strchr(arg, '=');

			line->options[line->n_options++] = arg;
			if (equals) {
				*equals = '\0';
				line->options[line->n_options++] = equals + 1;
			} else if (has_value(arg) && i + 1 < argc) {
				line->options[line->n_options++] = argv[++i];
			}
		}
	}
}

/* 0 or CTL_WRONG. */
static int take_options(struct ctl *ctl, const struct line *line)
{
	const struct ctl_option *table = ctl->command->options;

	for (size_t i = 0; i < line->n_options; i++) {
		const char *name = line->options[i];
		size_t row = 0;

		while (table && table[row].name &&
		       strcmp(table[row].name, name) != 0)
			row++;
		if (!table || !table[row].name)
			return ctl_wrong(ctl, "unknown option", name);
		if (!table[row].value)
			ctl->options[row] = "";
		else if (i + 1 < line->n_options)
			ctl->options[row] = line->options[++i];
		else
			return ctl_wrong(ctl, "a value is missing after", name);
	}
	return 0;
}

static int run_line(struct ctl *ctl, const struct line *line)
{
	size_t used = 0;
	int status;

	if (line->n_words > 1)
		ctl->command = find(line->words + 1, line->n_words - 1, &used);
	if (line->help) {
		if (ctl->command)
			ctl_write_usage(stdout, ctl->command);
		else
			ctl_write_help(stdout);
		return CTL_DONE;
	}
	if (line->n_words == 0)
		return ctl_wrong(ctl, "SOCKET and COMMAND are missing", NULL);
	if (line->n_words == 1)
		return ctl_wrong(ctl, "COMMAND is missing", NULL);
	if (!ctl->command)
		return ctl_wrong(ctl, "unknown command", line->words[1]);
	ctl->socket = line->words[0];
	ctl->json = line->json;
	ctl->words = line->words + 1 + used;
	ctl->n_words = line->n_words - 1 - used;
	if (ctl->n_words < ctl->command->min_words)
		return ctl_wrong(ctl, "missing:", ctl->command->words);
	if (ctl->n_words > ctl->command->max_words)
		return ctl_wrong(ctl, "unexpected argument",
				 ctl->words[ctl->command->max_words]);
	status = take_options(ctl, line);
	if (status)
		return status;
	if (ctl_client_open(&ctl->client, ctl->socket) < 0)
		return CTL_FAILED;
	status = ctl->command->run(ctl);
	ctl_client_close(&ctl->client);
	return status;
}

int ctl_main(int argc, char **argv)
{
	struct ctl ctl = {.client.fd = -1};
	struct line line = {0};
	int status = CTL_FAILED;

	line.words = calloc((size_t)argc, sizeof(*line.words));
	line.options = calloc((size_t)argc * 2, sizeof(*line.options));
	if (line.words && line.options) {
		sort(&line, argc, argv);
		status = run_line(&ctl, &line);
	} else {
		(void)fprintf(stderr, "evnic: out of memory\n");
	}
	free(line.words);
	free(line.options);
	return status;
}
