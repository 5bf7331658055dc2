/* SPDX-License-Identifier: MIT */
/*
 * The documentation of the control socket, made of the tables of commands, of
 * "evnic ctl" and of counters. The events' table is here.
 */
#include "machine/commands.h"
#include "machine/ctl.h"
#include "machine/docs.h"
#include "machine/qmp_session.h"
#include "net/stats.h"

static const char intro[] =
	"# The control socket\n"
	"\n"
	"<!-- Generated from the tables in src/machine: `ninja docs` writes this "
	"file. -->\n"
	"\n"
	"A running machine takes commands on a unix socket: that of the "
	"description's key\n"
	"`control-socket`, or of `evnic run FILE --control PATH`. The socket has "
	"mode 0600;\n"
	"one that a dead process left behind is replaced, one on which a process "
	"listens is\n"
	"an error. `evnic ctl` speaks to it for people and scripts; any QMP "
	"client can.\n"
	"\n"
	"## evnic ctl\n"
	"\n"
	"`evnic ctl [--json] SOCKET COMMAND...` prints a table, or with "
	"`--json` what the\n"
	"machine answered. It ends with status 0 if all is done, 1 if the "
	"machine refused or\n"
	"cannot be reached (one line on standard error says why), 2 if the "
	"arguments are\n"
	"wrong.\n"
	"\n";

static const char ctl_notes[] =
	"\n"
	"In `KEY=VALUE` a VALUE that is JSON is taken as such, anything else as "
	"text:\n"
	"`create=true`, `ifname=tap0`, `ifname='\"7\"'`. Examples:\n"
	"\n"
	"```sh\n"
	"evnic ctl vm.sock nics\n"
	"evnic ctl vm.sock netdev-add b1 tap ifname=tap1\n"
	"evnic ctl vm.sock netdev-replace eth0 b1       # the guest keeps its "
	"connections\n"
	"evnic ctl vm.sock device-add eth1 b2 mac=06:00:ac:10:00:09\n"
	"evnic ctl vm.sock hostfwd-add eth0 tcp:127.0.0.1:8080-:80\n"
	"evnic ctl vm.sock limits eth0 rx_bandwidth=1250000/100 tx_ops=0\n"
	"evnic ctl vm.sock capture start eth0 --stdout --snaplen 128 | wireshark "
	"-k -i -\n"
	"evnic ctl vm.sock qmp query-stats '{\"id\": \"eth0\"}'\n"
	"```\n"
	"\n"
	"A capture begins and ends while queues run. In the file a frame's "
	"direction is the\n"
	"guest's (inbound: received), its queue is in `epb_queue`, times are "
	"nanoseconds,\n"
	"lengths are the frame's. It is what the guest and the backend "
	"exchange: checksums\n"
	"and segments that offloads leave to others are not there yet. A disk "
	"or a reader\n"
	"that is too slow costs captured frames, never traffic; the statistics "
	"block at\n"
	"each file's end counts them. With rotation the file written to keeps "
	"its name,\n"
	"older ones are FILE.1, FILE.2 and so on. A full disk or a reader that "
	"goes ends\n"
	"the capture.\n"
	"\n"
	"A limit is a token bucket: SIZE bytes (or operations) every MS "
	"milliseconds, and\n"
	"BURST more once.\n";

static const char protocol[] =
	"\n"
	"## The protocol\n"
	"\n"
	"QMP as QEMU and StratoVirt speak it: JSON objects back to back; ours "
	"stand on a\n"
	"line each, ended by CR LF. The machine greets with its version. The "
	"first command\n"
	"must be `qmp_capabilities` (there are no capabilities to enable); "
	"events come only\n"
	"after it.\n"
	"\n"
	"```\n"
	"<- {\"QMP\":{\"version\":{\"qemu\":{\"micro\":0,\"minor\":1,\"major\":0}"
	",\"package\":\"evnic 0.1.0\"},\"capabilities\":[]}}\n"
	"-> {\"execute\":\"qmp_capabilities\"}\n"
	"<- {\"return\":{}}\n"
	"-> {\"execute\":\"set_link\",\"arguments\":{\"name\":\"eth0\",\"up\":"
	"false},\"id\":7}\n"
	"<- {\"timestamp\":{\"seconds\":1795280158,\"microseconds\":741566},"
	"\"event\":\"LINK_DOWN\",\"data\":{\"id\":\"eth0\"}}\n"
	"<- {\"return\":{},\"id\":7}\n"
	"-> {\"execute\":\"set_link\",\"arguments\":{\"name\":\"eth9\",\"up\":"
	"true}}\n"
	"<- {\"error\":{\"class\":\"DeviceNotFound\",\"desc\":\"Device 'eth9' not "
	"found\"}}\n"
	"```\n"
	"\n"
	"An `id` of any kind comes back with the answer, a number exactly as it "
	"was written.\n"
	"A connection's commands are answered in their order. Error classes are\n"
	"`GenericError`, `CommandNotFound` and `DeviceNotFound`. File "
	"descriptors are passed\n"
	"with SCM_RIGHTS and named by `getfd`; a name is good on its connection, "
	"until a\n"
	"command takes the descriptor.\n"
	"\n";

static const struct {
	const char *name, *data, *what;
} events[] = {
	{"STOP", "", "The machine is paused."},
	{"RESUME", "", "It runs again."},
	{"POWERDOWN", "", "The power button was pressed."},
	{"RESET", "`guest`, `reason`", "The guest is booted again."},
	{"SHUTDOWN", "`guest`, `reason`", "The machine ends."},
	{"LINK_DOWN", "`id`, `cause`", "The guest sees a NIC's link down."},
	{"LINK_UP", "`id`, `cause`", "And up."},
	{"BACKEND_LOST", "`id`, `cause`",
	 "The host's side of a NIC has gone: its interface was deleted, say."},
	{"BACKEND_BACK", "`id`, `cause`", "It is back."},
	{"QUEUE_BROKEN", "`id`, `queue`, `cause`",
	 "The guest did what it must not; until it resets the device, the queue "
	 "stands still."},
	{"CAPTURE_STOPPED", "`id`, `cause`",
	 "A capture has ended: it was stopped, or the disk is full, or its "
	 "reader has gone."},
	{"DEVICE_DELETED", "`device`, `path`",
	 "The guest has given a NIC back."},
};

static void write_limits(FILE *out)
{
	(void)fprintf(
		out,
		"Limits: 64 connections (one more is told so and closed); a "
		"message of %u bytes,\n"
		"%d brackets deep, with %d values; %d descriptors that wait "
		"for a name and %d with\n"
		"one. A client that leaves more than %u bytes of answers "
		"unread is not read until\n"
		"it has taken them, and is disconnected if it takes nothing for "
		"30 seconds or lets\n"
		"events pile up to %u bytes. A message that is too long is "
		"refused and skipped; the\n"
		"end of a line ends a string that was cut short; the byte 0xff "
		"ends whatever was\n"
		"begun.\n",
		QMP_MESSAGE_MAX, QMP_DEPTH_MAX, QMP_VALUES_MAX, QMP_FDS_MAX,
		QMP_FD_NAMES_MAX, QMP_OUTPUT_ENOUGH, QMP_OUTPUT_MAX);
}

static void write_commands(FILE *out, const struct qmp_command *command)
{
	for (; command->name; command++) {
		const struct qmp_arg *arg = command->args;

		(void)fprintf(out, "| `%s` | ", command->name);
		for (; arg && arg->name; arg++)
			(void)fprintf(out, "%s`%s` (%s%s): %s",
				      arg == command->args ? "" : "<br>",
				      arg->name,
				      arg->required ? "" : "optional ",
				      qmp_arg_type_name(arg->type), arg->what);
		(void)fprintf(out, " | %s |\n", command->what);
	}
}

static const char answers[] =
	"\n"
	"Commands return `{}` unless they ask for something:\n"
	"\n"
	"- `query-status`: `status` (\"running\", \"paused\", ...), `running`, "
	"`singlestep`.\n"
	"- `query-nics`: for each NIC `id`, `model`, `mac`, `netdev`, `backend`, "
	"`link` (true:\n"
	"  the guest sees it up), `queue_pairs`, `rx_rate_limiter` and "
	"`tx_rate_limiter` as the\n"
	"  description has them, and `capture` (`active`, `path`, `packets`, "
	"`bytes`, `drops`,\n"
	"  `written`).\n"
	"- `query-stats`: see the counters below.\n"
	"- `inspect`: a tree of objects, each of which says what it is and how "
	"it is. It is for\n"
	"  people: its names may change.\n"
	"- `capture-stop`: what `capture` holds in `query-nics`.\n"
	"- `query-flows`: for each netdev of type `consomme` `id`, `nic` (or "
	"null), `total` (how\n"
	"  many flows it has) and `flows`, those used last first: `proto`, "
	"`state`, `inbound`,\n"
	"  `guest` and `far` (ADDRESS:PORT, as the guest sees them), `bytes_out` "
	"(from the\n"
	"  guest), `bytes_in`, `age_ms`, `idle_ms`. At most 10000 in all.\n";

static void write_events(FILE *out)
{
	(void)fprintf(out, "\n## Events\n\n| event | data | meaning |\n"
			   "|---|---|---|\n");
	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		(void)fprintf(out, "| `%s` | %s | %s |\n", events[i].name,
			      events[i].data, events[i].what);
}

static void write_counters(FILE *out)
{
	(void)fprintf(
		out,
		"\n## Counters\n"
		"\n"
		"`query-stats` returns for each NIC its `id` and a list "
		"`queues` with an object of\n"
		"these for each queue pair. The description's `metrics-socket` "
		"serves the same as\n"
		"Prometheus' text format (`curl --unix-socket PATH "
		"http://evnic/metrics`), named\n"
		"`evnic_NAME_total`, gauges without `_total`, nanoseconds as "
		"seconds; labels are\n"
		"`nic` and `queue`. `evnic_link_up` and `evnic_nic_info` tell "
		"of the NICs themselves.\n"
		"\n"
		"| name | kind | what it counts |\n"
		"|---|---|---|\n");
	for (size_t i = 0; i < net_stat_n; i++)
		(void)fprintf(
			out, "| `%s` | %s | %s |\n", net_stat_table[i].name,
			net_stat_table[i].kind == NET_STAT_COUNTER ? "counter"
								   : "gauge",
			net_stat_table[i].what);
}

void docs_write_control(FILE *out)
{
	(void)fputs(intro, out);
	ctl_write_markdown(out);
	(void)fputs(ctl_notes, out);
	(void)fputs(protocol, out);
	write_limits(out);
	(void)fprintf(out, "\n## Commands\n\n| command | arguments | what it "
			   "does |\n|---|---|---|\n");
	write_commands(out, qmp_builtin_commands);
	write_commands(out, commands_table);
	(void)fputs(answers, out);
	write_events(out);
	write_counters(out);
}
