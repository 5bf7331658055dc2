/* SPDX-License-Identifier: MIT */
/*
 * The manual page of the program, evnic(8), made of the tables of verbs and of
 * "evnic ctl".
 */
#include "machine/docs.h"

#include "base/util.h"
#include "machine/ctl.h"
#include "machine/mdoc.h"
#include "machine/verbs.h"

#include <string.h>

static const char head[] =
	".\\\" SPDX-License-Identifier: MIT\n"
	".\\\" Generated from the tables in src/machine: `ninja docs` writes "
	"this file.\n"
	".Dd November 21, 2026\n"
	".Dt EVNIC 8\n"
	".Os\n"
	".Sh NAME\n"
	".Nm evnic\n"
	".Nd virtual machines and their network cards\n";

static const char intro[] =
	"launches a virtual machine on KVM from a JSON description and gives it "
	"network cards, whose packets go to a TAP interface of the host, say. "
	"It ends when the guest does.";

static const char ctl_intro[] =
	"`evnic ctl` prints a table, or with `--json` what the machine "
	"answered. In KEY=VALUE a VALUE that is JSON is taken as such, anything "
	"else as text. Options may stand anywhere; `--` ends them.";

/* What is not in a table. */
struct entry {
	const char *name;
	const char *text;
};

static const struct entry signals[] = {
	{"SIGTERM", "The machine ends; the status is 0."},
	{"SIGINT", "Likewise."},
	{"SIGHUP", "Opens the log file anew, if there is one, and does nothing "
		   "if the log is the journal. Otherwise the machine ends, "
		   "unless the signal was ignored from the start (nohup)."},
	{"SIGUSR1", "Writes to the log how the machine is doing."},
	{"SIGTSTP", "Stops the machine until SIGCONT."},
};

static const struct entry environment[] = {
	{"NOTIFY_SOCKET",
	 "A unix socket on which `evnic run` tells systemd that the machine "
	 "runs, that the log is being opened anew, and that the machine ends."},
	{"TERM", "`evnic ctl top` clears the screen unless this is unset or "
		 "`dumb`."},
};

static const struct entry files[] = {
	{"/dev/kvm", "To be read and written by whoever runs evnic."},
	{"/dev/net/tun", "Likewise, for TAP interfaces by name."},
	{"/etc/evnic/NAME.json",
	 "The description of the machine that the systemd unit evnic@NAME "
	 "runs."},
	{"share/evnic/machine.schema.json",
	 "The keys of a description, for editors."},
	{"share/doc/evnic", "Documentation: the control socket, operations, "
			    "security, examples."},
};

static const struct {
	const char *what;
	const char *commands;
} examples[] = {
	{"A TAP interface that user alice may use, and a machine on it:",
	 "# ip tuntap add tap0 mode tap vnet_hdr user alice\n"
	 "# ip link set tap0 up\n"
	 "$ evnic check vm.json\n"
	 "$ evnic run vm.json --control vm.sock\n"},
	{"The machine's NICs, and their counters:",
	 "$ evnic ctl vm.sock nics\n"
	 "$ evnic ctl vm.sock stats eth0 --all\n"},
	{"Connect the NIC to another interface while the guest runs:",
	 "$ evnic ctl vm.sock netdev-add b1 tap ifname=tap1\n"
	 "$ evnic ctl vm.sock netdev-replace eth0 b1\n"},
	{"Look at its packets:",
	 "$ evnic ctl vm.sock capture start eth0 --stdout | tshark -r -\n"},
};

static void write_entries(FILE *out, const char *macro,
			  const struct entry *entries, size_t n)
{
	(void)fprintf(out, ".Bl -tag -width Ds\n");
	for (size_t i = 0; i < n; i++) {
		(void)fprintf(out, ".It %s", macro);
		mdoc_string(out, entries[i].name);
		(void)fputc('\n', out);
		mdoc_text(out, entries[i].text);
	}
	(void)fprintf(out, ".El\n");
}

/* ".Op Fl -control Ar PATH", without the brackets. */
static void write_option(FILE *out, const struct verb_option *option)
{
	(void)fprintf(out, " Fl \\-%s Ar %s", option->name, option->value);
}

static void write_synopsis(FILE *out)
{
	(void)fprintf(out, ".Sh SYNOPSIS\n");
	for (size_t i = 0; i < VERBS; i++) {
		const struct verb_option *o = verbs[i].options;

		(void)fprintf(out, ".Nm Cm %s", verbs[i].name);
		mdoc_synopsis(out, verbs[i].args);
		(void)fputc('\n', out);
		for (; o && o->name; o++) {
			(void)fprintf(out, ".Op");
			write_option(out, o);
			(void)fputc('\n', out);
		}
	}
	(void)fprintf(out, ".Nm\n.Op Cm VERB\n.Fl \\-help\n"
			   ".Nm\n.Fl \\-version\n");
}

static void write_verb(FILE *out, const struct verb *verb)
{
	const struct verb_option *o = verb->options;

	(void)fprintf(out, ".It Cm %s", verb->name);
	mdoc_synopsis(out, verb->args);
	(void)fputc('\n', out);
	mdoc_text(out, verb->about);
	if (o)
		(void)fprintf(out, ".Bl -tag -width Ds\n");
	for (; o && o->name; o++) {
		(void)fprintf(out, ".It");
		write_option(out, o);
		(void)fputc('\n', out);
		mdoc_phrase(out, o->what);
	}
	if (verb->options)
		(void)fprintf(out, ".El\n");
	if (verb->notes) {
		(void)fprintf(out, ".Pp\n");
		mdoc_text(out, verb->notes);
	}
}

static void write_statuses(FILE *out)
{
	(void)fprintf(out, ".Sh EXIT STATUS\n.Bl -tag -width Ds\n");
	for (size_t i = 0; i < VERBS; i++) {
		(void)fprintf(out, ".It Cm %s\n", verbs[i].name);
		(void)fprintf(out, ".Bl -tag -width Ds -compact\n");
		for (size_t k = 0; k < VERB_STATUSES; k++) {
			if (!verbs[i].statuses[k])
				continue;
			(void)fprintf(out, ".It %zu\n", k);
			mdoc_phrase(out, verbs[i].statuses[k]);
		}
		(void)fprintf(out, ".El\n");
	}
	(void)fprintf(out, ".El\n");
}

void docs_write_man_evnic(FILE *out)
{
	(void)fputs(head, out);
	write_synopsis(out);
	(void)fprintf(out, ".Sh DESCRIPTION\n.Nm\n");
	mdoc_text(out, intro);
	(void)fprintf(out, "The description's keys are in\n"
			   ".Xr evnic.json 5 .\n.Pp\n"
			   "The verbs are:\n.Bl -tag -width Ds\n");
	for (size_t i = 0; i < VERBS; i++)
		write_verb(out, &verbs[i]);
	(void)fprintf(out, ".El\n.Ss Commands of evnic ctl\n");
	mdoc_text(out, ctl_intro);
	ctl_write_mdoc(out);
	(void)fprintf(out, ".Sh SIGNALS\n");
	write_entries(out, "Dv", signals, ARRAY_SIZE(signals));
	(void)fprintf(out, ".Sh ENVIRONMENT\n");
	write_entries(out, "Ev", environment, ARRAY_SIZE(environment));
	(void)fprintf(out, ".Sh FILES\n");
	write_entries(out, "Pa", files, ARRAY_SIZE(files));
	write_statuses(out);
	(void)fprintf(out, ".Sh EXAMPLES\n");
	for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
		if (i)
			(void)fprintf(out, ".Pp\n");
		mdoc_text(out, examples[i].what);
		mdoc_example(out, examples[i].commands);
	}
	(void)fprintf(out, ".Sh SEE ALSO\n"
			   ".Xr evnic.json 5 ,\n"
			   ".Xr ip-tuntap 8\n");
}
