/* SPDX-License-Identifier: MIT */
/*
 * Descriptions: what they come to, and what is said about wrong ones.
 */
#include "machine/description.h"
#include "machine/keys.h"
#include "machine/kinds.h"
#include "support/run.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct description desc;
static char *said;

static void parse(const char *text)
{
	size_t size;
	FILE *out = open_memstream(&said, &size);

	ck_assert_ptr_nonnull(out);
	description_parse(&desc, "vm.json", text, strlen(text));
	problems_print(&desc.problems, out);
	(void)fclose(out);
}

static void teardown(void)
{
	description_fini(&desc);
	free(said);
	said = NULL;
}

#define BOOT "\"boot-source\": {\"kernel_image_path\": \"k\"}\n"

START_TEST(defaults)
{
	const struct machine_config *c = &desc.config;

	parse("{" BOOT "}");
	ck_assert_str_eq(said, "");
	ck_assert_str_eq(c->boot.kernel_image_path, "k");
	ck_assert_ptr_null(c->boot.initrd_path);
	ck_assert_str_eq(c->boot.boot_args, "console=ttyS0 panic=-1");
	ck_assert_int_eq(c->shape.vcpu_count, 1);
	ck_assert_int_eq(c->shape.mem_size_mib, 128);
	ck_assert_int_eq(c->shape.huge_pages, CONFIG_HUGE_NONE);
	ck_assert(!c->shape.prefault);
	ck_assert_int_eq(c->shape.transport, CONFIG_PCI);
	ck_assert_int_eq(c->shape.on_reset, CONFIG_RESET_EXIT);
	ck_assert_int_eq(c->serial.type, CONFIG_SERIAL_STDIO);
	ck_assert_int_eq(c->iothreads, CONFIG_ABSENT);
	ck_assert_ptr_null(c->id);
	ck_assert_ptr_null(c->logger.log_path);
	ck_assert_int_eq(c->logger.level, CONFIG_LEVEL_INFO);
	ck_assert_int_eq(c->sandbox.seccomp, CONFIG_SECCOMP_ON);
	ck_assert_int_eq(c->sandbox.uid, CONFIG_ABSENT);
	ck_assert(c->sandbox.require_sandbox);
	ck_assert_uint_eq(c->sandbox.taps.n, 0);
	ck_assert_uint_eq(c->n_nics, 0);
	ck_assert_uint_eq(c->n_backends, 0);
}
END_TEST

START_TEST(everything_said)
{
	static const uint8_t mac[] = {0x06, 0x00, 0xac, 0x10, 0xFf, 0x02};
	const struct machine_config *c = &desc.config;

	parse("{\"boot-source\": {\"kernel_image_path\": \"k\", "
	      "\"initrd_path\": \"i\", \"boot_args\": \"\"},"
	      "\"machine-config\": {\"vcpu_count\": 32, \"mem_size_mib\": 2, "
	      "\"huge_pages\": \"2M\", \"prefault\": true, "
	      "\"transport\": \"mmio\", \"on_reset\": \"restart\"},"
	      "\"serial\": {\"path\": \"out\", \"type\": \"file\"},"
	      "\"iothreads\": 0,"
	      "\"network-interfaces\": ["
	      "{\"iface_id\": \"a\", \"guest_mac\": \"06:00:aC:10:fF:02\", "
	      "\"backend\": \"two\", \"mtu\": 68, \"queue_size\": 1024, "
	      "\"model\": \"virtio-net\"},"
	      "{\"iface_id\": \"b\", \"host_dev_name\": \"tap7\"}],"
	      "\"backends\": [{\"id\": \"one\", \"type\": \"null\"},"
	      "{\"type\": \"tap\", \"id\": \"two\", \"fd\": 3}]}");
	ck_assert_str_eq(said, "");
	ck_assert_str_eq(c->boot.initrd_path, "i");
	ck_assert_str_eq(c->boot.boot_args, "");
	ck_assert_int_eq(c->shape.vcpu_count, 32);
	ck_assert_int_eq(c->shape.mem_size_mib, 2);
	ck_assert_int_eq(c->shape.huge_pages, CONFIG_HUGE_2M);
	ck_assert(c->shape.prefault);
	ck_assert_int_eq(c->shape.transport, CONFIG_MMIO);
	ck_assert_int_eq(c->shape.on_reset, CONFIG_RESET_RESTART);
	ck_assert_int_eq(c->serial.type, CONFIG_SERIAL_FILE);
	ck_assert_str_eq(c->serial.path, "out");
	ck_assert_int_eq(c->iothreads, 0);
	ck_assert_uint_eq(c->n_nics, 2);
	ck_assert_mem_eq(c->nics[0].guest_mac.bytes, mac, 6);
	ck_assert(c->nics[0].guest_mac.given);
	ck_assert_int_eq(c->nics[0].mtu, 68);
	ck_assert_int_eq(c->nics[0].queue_size, 1024);
	ck_assert_uint_eq(c->nics[0].endpoint, 1);
	ck_assert_int_eq(c->backends[1].fd, 3);
	ck_assert(!c->nics[1].guest_mac.given);
	ck_assert_int_eq(c->nics[1].mtu, CONFIG_ABSENT);
	/* The second NIC's TAP is anonymous. */
	ck_assert_uint_eq(c->n_backends, 3);
	ck_assert_uint_eq(c->nics[1].endpoint, 2);
	ck_assert_str_eq(c->backends[2].host_dev_name, "tap7");
	ck_assert_int_eq(c->backends[2].type, endpoint_kind_tap());
	ck_assert_int_eq(c->backends[2].fd, CONFIG_ABSENT);
}
END_TEST

/* A file such as Firecracker's own tools write. */
START_TEST(firecracker_file)
{
	const struct machine_config *c = &desc.config;

	parse("{\"boot-source\": {\"kernel_image_path\": \"vmlinux\", "
	      "\"boot_args\": \"console=ttyS0 reboot=k panic=1 pci=off\", "
	      "\"initrd_path\": \"initrd\"}, \"drives\": [], "
	      "\"machine-config\": {\"vcpu_count\": 2, "
	      "\"mem_size_mib\": 1024, \"smt\": false, "
	      "\"cpu_template\": \"None\", \"track_dirty_pages\": false, "
	      "\"huge_pages\": \"None\"}, \"cpu-config\": null, "
	      "\"balloon\": null, \"network-interfaces\": [{"
	      "\"iface_id\": \"eth0\", \"guest_mac\": null, "
	      "\"host_dev_name\": \"tap0\", \"rx_rate_limiter\": null, "
	      "\"tx_rate_limiter\": null}], \"vsock\": null, "
	      "\"logger\": null, \"metrics\": null, \"mmds-config\": null, "
	      "\"entropy\": null, \"pmem\": [], \"memory-hotplug\": null}");
	ck_assert_str_eq(said, "");
	/* pci=off leaves the guest only one way to find its NIC. */
	ck_assert_int_eq(c->shape.transport, CONFIG_MMIO);
}
END_TEST

/* Limits as Firecracker writes them, several queues, and sockets. */
START_TEST(limits_and_queues)
{
	const struct machine_config *c = &desc.config;
	const struct config_limiter *rx = &c->nics[0].rx_rate_limiter;

	parse("{\"boot-source\": {\"kernel_image_path\": \"k\"}, "
	      "\"control-socket\": \"c.sock\", "
	      "\"metrics-socket\": \"m.sock\", "
	      "\"network-interfaces\": [{\"iface_id\": \"a\", "
	      "\"host_dev_name\": \"tap0\", \"queue_pairs\": 4, "
	      "\"rx_rate_limiter\": {\"bandwidth\": {\"size\": 1000, "
	      "\"one_time_burst\": 77, \"refill_time\": 100}, "
	      "\"ops\": null}}, {\"iface_id\": \"b\", "
	      "\"backend\": \"n\", \"queue_pairs\": 2}], "
	      "\"backends\": [{\"id\": \"n\", \"type\": \"tap\", "
	      "\"host_dev_name\": \"tap1\", \"queue_pairs\": 3}]}");
	ck_assert_str_eq(said, "");
	ck_assert_str_eq(c->control_socket, "c.sock");
	ck_assert_str_eq(c->metrics_socket, "m.sock");
	ck_assert_int_eq(rx->bandwidth.size, 1000);
	ck_assert_int_eq(rx->bandwidth.one_time_burst, 77);
	ck_assert_int_eq(rx->bandwidth.refill_time, 100);
	ck_assert_int_eq(rx->ops.size, CONFIG_ABSENT);
	ck_assert_int_eq(c->nics[0].tx_rate_limiter.bandwidth.size,
			 CONFIG_ABSENT);
	ck_assert_int_eq(c->backends[0].queue_pairs, 3);
	ck_assert_uint_eq(c->nics[0].endpoint, 1);
	ck_assert_int_eq(c->backends[1].queue_pairs, 4);
}
END_TEST

/* How it is confined, and what it logs. */
START_TEST(sandbox_and_logger)
{
	const struct machine_config *c = &desc.config;

	parse("{" BOOT ", \"id\": \"vm7\", "
	      "\"logger\": {\"log_path\": \"l\", \"level\": \"warninG\", "
	      "\"show_level\": false, \"show_log_origin\": false}, "
	      "\"sandbox\": {\"seccomp\": \"log\", \"uid\": 0, "
	      "\"gid\": 4294967294, \"require_sandbox\": false, "
	      "\"taps\": [\"tap*\", \"x?\"], "
	      "\"captures\": [\"/c/*.pcapng\"]}}");
	ck_assert_str_eq(said, "");
	ck_assert_str_eq(c->id, "vm7");
	ck_assert_str_eq(c->logger.log_path, "l");
	ck_assert_int_eq(c->logger.level, CONFIG_LEVEL_WARNING);
	ck_assert(!c->logger.show_level && !c->logger.show_log_origin);
	ck_assert_int_eq(c->sandbox.seccomp, CONFIG_SECCOMP_LOG);
	ck_assert_int_eq(c->sandbox.uid, 0);
	ck_assert_int_eq(c->sandbox.gid, 4294967294);
	ck_assert(!c->sandbox.require_sandbox);
	ck_assert_uint_eq(c->sandbox.taps.n, 2);
	ck_assert_str_eq(c->sandbox.taps.items[1], "x?");
	ck_assert_uint_eq(c->sandbox.captures.n, 1);
	ck_assert_str_eq(c->sandbox.captures.items[0], "/c/*.pcapng");
}
END_TEST

#define NIC_WITH(keys)                                                 \
	"{\"boot-source\": {\"kernel_image_path\": \"k\"}, "           \
	"\"network-interfaces\": [{\"iface_id\": \"a\", \"backend\": " \
	"\"n\", " keys "}], \"backends\": [{\"id\": \"n\", \"type\": " \
	"\"tap\", \"host_dev_name\": \"tap1\", \"queue_pairs\": 2}]}"

/* One mistake, and all that is said about it. */
static const struct {
	const char *text;
	const char *said;
} mistakes[] = {
	{NIC_WITH("\"queue_pairs\": 3"),
	 "1:117: /network-interfaces/0/queue_pairs: 3 is more than the 2 of "
	 "/backends/0\n"},
	{NIC_WITH("\"queue_pairs\": 17"),
	 "1:117: /network-interfaces/0/queue_pairs: 17 is out of range: must "
	 "be an integer from 1 to 16 (pairs)\n"},
	{NIC_WITH("\"rx_rate_limiter\": 5"),
	 "1:121: /network-interfaces/0/rx_rate_limiter: 5 is not an object\n"},
	{NIC_WITH("\"rx_rate_limiter\": {\"ops\": {\"size\": 5}}"),
	 "1:129: /network-interfaces/0/rx_rate_limiter/ops: \"refill_time\" "
	 "is missing: must be an integer from 0 to 1099511627776 "
	 "(milliseconds)\n"},
	{NIC_WITH("\"tx_rate_limiter\": {\"bandwidth\": {\"size\": -1, "
		  "\"refill_time\": 1}}"),
	 "1:144: /network-interfaces/0/tx_rate_limiter/bandwidth/size: -1 is "
	 "out of range: must be an integer from 0 to 1125899906842624 (bytes, "
	 "or frames)\n"},
	{NIC_WITH("\"tx_rate_limiter\": {\"bandwith\": {}}"),
	 "1:122: /network-interfaces/0/tx_rate_limiter/bandwith: unknown key, "
	 "did you mean \"bandwidth\"?\n"},
	{"{" BOOT ", \"sandbox\": {\"taps\": \"tap0\"}}",
	 "2:23: /sandbox/taps: \"tap0\" is not a list: must be a list of at "
	 "most 16 texts of 1 to 15 bytes\n"},
	{"{" BOOT ", \"sandbox\": {\"taps\": [\"a\", 5, \"\"]}}",
	 "2:29: /sandbox/taps/1: 5 is not text: must be a list of at most 16 "
	 "texts of 1 to 15 bytes\n"
	 "vm.json:2:32: /sandbox/taps/2: \"\" is too short: must be a list of at most "
	 "16 texts of 1 to 15 bytes\n"},
	{"{" BOOT ", \"sandbox\": {\"taps\": [\"a\", \"a/b\"]}}",
	 "2:29: /sandbox/taps/1: \"a/b\": no interface can have such a name: "
	 "must be without space, '/', ':' and '%'\n"},
	{"{" BOOT ", \"sandbox\": {\"captures\": [\"c/*.pcapng\"]}}",
	 "2:28: /sandbox/captures/0: \"c/*.pcapng\": must begin with '/': an "
	 "absolute directory, and a pattern for names\n"},
	{"{" BOOT ", \"sandbox\": {\"captures\": [\"/a/../*\"]}}",
	 "2:28: /sandbox/captures/0: \"/a/../*\": must be without \".\", "
	 "\"..\" and empty parts, and end with a pattern for names\n"},
	{"{" BOOT ", \"sandbox\": {\"captures\": [\"/a/*/b\"]}}",
	 "2:28: /sandbox/captures/0: \"/a/*/b\": '*' and '?' must be in the "
	 "name only, not in the directory\n"},
	{"{" BOOT ", \"sandbox\": {\"seccomp\": true}}",
	 "2:26: /sandbox/seccomp: true is not known: must be \"on\", \"log\" "
	 "or \"off\"\n"},
	{"[]", "1:1: a list is not an object\n"},
	{"{}", "1:1: \"boot-source\" is missing: must be an object\n"},
	{"{\"boot-source\": null}",
	 "1:17: /boot-source: null is not allowed: must be an object\n"},
	{"{\"boot-source\": {}}",
	 "1:17: /boot-source: \"kernel_image_path\" is missing: must be text "
	 "of 1 to 4095 bytes\n"},
	{"{" BOOT ", " BOOT "}",
	 "2:3: /boot-source: given twice: a key may appear once\n"},
	{"{" BOOT ",\n \"macine-config\": {}}",
	 "3:2: /macine-config: unknown key, did you mean "
	 "\"machine-config\"?\n"},
	{"{" BOOT ", \"x\": 1}", "2:3: /x: unknown key\n"},
	{"{" BOOT ", \"a/\\u001bb\": 1}", "2:3: /a~1\\x1bb: unknown key\n"},
	{"{" BOOT ", \"drives\": [{}]}",
	 "2:3: /drives: evnic has no block devices: boot from an initrd; "
	 "leave the key out\n"},
	{"{" BOOT ", \"vsock\": {}}",
	 "2:3: /vsock: evnic has no vsock device; leave the key out\n"},
	{"{" BOOT ", \"machine-config\": {\"smt\": true}}",
	 "2:22: /machine-config/smt: evnic does not show hyper-threads to the "
	 "guest; leave the key out\n"},
	{"{" BOOT ", \"iothreads\": \"two\"}",
	 "2:16: /iothreads: \"two\" is not an integer: must be an integer from "
	 "0 to 64 (threads)\n"},
	{"{" BOOT ", \"iothreads\": 1.5}",
	 "2:16: /iothreads: 1.5 is not written as an integer: must be an "
	 "integer from 0 to 64 (threads)\n"},
	{"{" BOOT ", \"iothreads\": 2.0000000000000000001}",
	 "2:16: /iothreads: 2 is not written as an integer: must be an integer "
	 "from 0 to 64 (threads)\n"},
	{"{" BOOT ", \"iothreads\": -1}",
	 "2:16: /iothreads: -1 is out of range: must be an integer from 0 to "
	 "64 (threads)\n"},
	{"{" BOOT ", \"machine-config\": {\"mem_size_mib\": 0}}",
	 "2:38: /machine-config/mem_size_mib: 0 is out of range: must be an "
	 "integer from 2 to 16777216 (MiB)\n"},
	{"{" BOOT ", \"machine-config\": {\"prefault\": 1}}",
	 "2:34: /machine-config/prefault: 1 is not true or false: must be true "
	 "or false\n"},
	{"{" BOOT ", \"machine-config\": {\"transport\": \"usb\"}}",
	 "2:35: /machine-config/transport: \"usb\" is not known: must be "
	 "\"pci\" or \"mmio\"\n"},
	{"{" BOOT ", \"machine-config\": {\"huge_pages\": \"2M\", "
	 "\"mem_size_mib\": 3}}",
	 "2:58: /machine-config/mem_size_mib: 3 is odd: must be a multiple of "
	 "2 with 2M pages\n"},
	{"{\"boot-source\": {\"kernel_image_path\": \"k\", \"boot_args\": "
	 "\"a pci=off\"}, \"machine-config\": {\"transport\": \"pci\"}}",
	 "1:103: /machine-config/transport: \"pci\", but boot_args tell the "
	 "guest pci=off: it would find no NIC\n"},
	{"{" BOOT ", \"serial\": {\"type\": \"file\"}}",
	 "2:13: /serial: type \"file\" needs \"path\"\n"},
	{"{" BOOT ", \"serial\": {\"path\": \"x\"}}",
	 "2:14: /serial/path: not with \"type\": \"stdio\", only with file\n"},
	{"{" BOOT ", \"backends\": {}}",
	 "2:15: /backends: an object is not a list: must be a list of at most "
	 "16 objects\n"},
	{"{" BOOT ", \"backends\": [3]}",
	 "2:16: /backends/0: 3 is not an object\n"},
	{"{" BOOT ", \"backends\": [{\"id\": \"n\", \"type\": \"tun\"}]}",
	 "2:36: /backends/0/type: \"tun\" is not known: must be \"tap\", "
	 "\"consomme\", \"null\" or \"loopback\"\n"},
	{"{" BOOT ", \"backends\": [{\"id\": \"n\", \"type\": \"null\", "
	 "\"fd\": 4}]}",
	 "2:44: /backends/0/fd: not with \"type\": \"null\", only with tap\n"},
	{"{" BOOT ", \"backends\": [{\"id\": \"t\", \"type\": \"tap\"}]}",
	 "2:16: /backends/0: a tap needs \"host_dev_name\" or \"fd\"\n"},
	{"{" BOOT ", \"backends\": [{\"id\": \"t\", \"type\": \"tap\", "
	 "\"fd\": 4, \"host_dev_name\": \"x\"}]}",
	 "2:49: /backends/0/fd: not together with \"host_dev_name\"\n"},
	{"{" BOOT ", \"backends\": [{\"id\": \"t\", \"type\": \"tap\", "
	 "\"fd\": 4, \"create\": true}]}",
	 "2:62: /backends/0/create: not together with \"fd\"\n"},
	{"{" BOOT ", \"backends\": [{\"id\": \"n\", \"type\": \"null\"}, "
	 "{\"id\": \"n\", \"type\": \"null\"}]}",
	 "2:52: /backends/1/id: is the id of /backends/0 too: ids must "
	 "differ\n"},
	{"{" BOOT ", \"network-interfaces\": [{\"iface_id\": \"a\"}]}",
	 "2:26: /network-interfaces/0: needs \"backend\" or "
	 "\"host_dev_name\"\n"},
	{"{" BOOT ", \"network-interfaces\": [{\"iface_id\": \"a\", "
	 "\"backend\": \"n\", \"host_dev_name\": \"t\"}], "
	 "\"backends\": [{\"id\": \"n\", \"type\": \"null\"}]}",
	 "2:77: /network-interfaces/0/host_dev_name: not together with "
	 "\"backend\"\n"},
	{"{" BOOT ", \"network-interfaces\": [{\"iface_id\": \"a\", "
	 "\"backend\": \"b\"}]}",
	 "2:55: /network-interfaces/0/backend: \"b\" is not the id of an entry "
	 "of /backends\n"},
	{"{" BOOT ", \"network-interfaces\": [{\"iface_id\": \"a\", "
	 "\"host_dev_name\": \"0123456789abcdef\"}]}",
	 "2:61: /network-interfaces/0/host_dev_name: \"0123456789abcdef\" is "
	 "too long: must be text of 1 to 15 bytes\n"},
	{"{" BOOT ", \"network-interfaces\": [{\"iface_id\": \"\", "
	 "\"host_dev_name\": \"t\"}]}",
	 "2:39: /network-interfaces/0/iface_id: \"\" is too short: must be "
	 "text of 1 to 64 bytes\n"},
	{"{" BOOT ", \"network-interfaces\": [{\"iface_id\": \"a\", "
	 "\"host_dev_name\": \"t\", \"queue_size\": 100}]}",
	 "2:80: /network-interfaces/0/queue_size: 100 is not a power of two: "
	 "must be a power of two from 16 to 1024 (descriptors)\n"},
	{"{" BOOT ", \"network-interfaces\": [{\"iface_id\": \"a\", "
	 "\"host_dev_name\": \"t\"}, {\"iface_id\": \"b\", "
	 "\"host_dev_name\": \"t\"}]}",
	 "2:102: /network-interfaces/1/host_dev_name: /network-interfaces/0 "
	 "has this interface already\n"},
	{"{" BOOT ", \"a\nb\": 1}",
	 "2:3: /a\\x0ab: unknown key\n"
	 "vm.json:2:5: a control character inside a string: write it as an "
	 "escape\n"},
};

START_TEST(mistake_is_told)
{
	char expected[1024];

	(void)snprintf(expected, sizeof(expected), "vm.json:%s",
		       mistakes[_i].said);
	parse(mistakes[_i].text);
	ck_assert_str_eq(said, expected);
}
END_TEST

static const char *const bad_macs[] = {
	"06:00:ac:10:00",     "06:00:ac:10:00:0",   "06:00:ac:10:00:02:03",
	"06-00-ac-10-00-02",  "0600ac100002",	    "06:00:ac:10:00:0g",
	"01:00:5e:00:00:01",  "ff:ff:ff:ff:ff:ff",  "00:00:00:00:00:00",
	" 06:00:ac:10:00:02", "06:00:ac:10:00:02 ", "06:00:ac:10:00: 2",
};

START_TEST(bad_mac_is_told)
{
	char text[512];

	(void)snprintf(text, sizeof(text),
		       "{%s, \"network-interfaces\": [{\"iface_id\": \"a\", "
		       "\"host_dev_name\": \"t\", \"guest_mac\": \"%s\"}]}",
		       BOOT, bad_macs[_i]);
	parse(text);
	ck_assert_uint_eq(desc.problems.n, 1);
	ck_assert_ptr_nonnull(strstr(said, "/network-interfaces/0/guest_mac"));
	ck_assert_ptr_nonnull(strstr(said, bad_macs[_i]));
}
END_TEST

/* Two NICs, or two backends, that share what they may not. */
static const struct {
	const char *nics, *backends;
	const char *said;
} twins[] = {
	{"{\"iface_id\": \"a\", \"backend\": \"m\"},\n"
	 "{\"iface_id\": \"a\", \"backend\": \"n\"}",
	 "{\"id\": \"m\", \"type\": \"null\"},\n"
	 "{\"id\": \"n\", \"type\": \"null\"}",
	 "3:14: /network-interfaces/1/iface_id: is the id of "
	 "/network-interfaces/0 too: ids must differ\n"},
	{"{\"iface_id\": \"a\", \"backend\": \"m\",\"guest_mac\": "
	 "\"02:00:00:00:00:aA\"},\n"
	 "{\"guest_mac\": \"02:00:00:00:00:Aa\", \"iface_id\": \"b\", "
	 "\"backend\": \"n\"}",
	 "{\"id\": \"m\", \"type\": \"null\"},\n"
	 "{\"id\": \"n\", \"type\": \"null\"}",
	 "3:15: /network-interfaces/1/guest_mac: /network-interfaces/0 has "
	 "this address already\n"},
	{"{\"iface_id\": \"a\", \"backend\": \"m\"},\n"
	 "{\"backend\": \"m\", \"iface_id\": \"b\"}",
	 "{\"id\": \"m\", \"type\": \"null\"}",
	 "3:13: /network-interfaces/1/backend: /network-interfaces/0 uses it "
	 "already: a backend serves one NIC\n"},
	{"{\"iface_id\": \"a\", \"backend\": \"m\"},\n"
	 "{\"host_dev_name\": \"t\", \"iface_id\": \"b\"}",
	 "{\"id\": \"m\", \"type\": \"tap\", \"host_dev_name\": \"t\"}",
	 "3:19: /network-interfaces/1/host_dev_name: /backends/0 has this "
	 "interface already\n"},
	{"",
	 "{\"id\": \"m\", \"type\": \"tap\", \"fd\": 3},\n"
	 "{\"fd\": 3, \"id\": \"n\", \"type\": \"tap\"}",
	 "4:8: /backends/1/fd: /backends/0 has this descriptor already\n"},
	{"",
	 "{\"id\": \"m\", \"type\": \"tap\", \"host_dev_name\": \"t\"},\n"
	 "{\"host_dev_name\": \"t\", \"id\": \"n\", \"type\": \"tap\"}",
	 "4:19: /backends/1/host_dev_name: /backends/0 has this interface "
	 "already\n"},
};

START_TEST(twins_are_told)
{
	char text[1024], expected[256];

	(void)snprintf(text, sizeof(text),
		       "{%s, \"network-interfaces\": [%s],\n"
		       "\"backends\": [%s]}",
		       BOOT, twins[_i].nics, twins[_i].backends);
	(void)snprintf(expected, sizeof(expected), "vm.json:%s",
		       twins[_i].said);
	parse(text);
	ck_assert_str_eq(said, expected);
}
END_TEST

START_TEST(all_mistakes_in_one_pass)
{
	parse("{\"boot-source\": {\"initrd_path\": 3},\n"
	      "\"iothreads\": 65,\n"
	      "\"network-interfaces\": [{\"mtu\": 67}]}");
	ck_assert_str_eq(
		said,
		"vm.json:1:17: /boot-source: \"kernel_image_path\" is missing: "
		"must be text of 1 to 4095 bytes\n"
		"vm.json:1:33: /boot-source/initrd_path: 3 is not text: must "
		"be text of 1 to 4095 bytes\n"
		"vm.json:2:14: /iothreads: 65 is out of range: must be an "
		"integer from 0 to 64 (threads)\n"
		"vm.json:3:24: /network-interfaces/0: \"iface_id\" is missing: "
		"must be text of 1 to 64 bytes\n"
		"vm.json:3:24: /network-interfaces/0: needs \"backend\" or "
		"\"host_dev_name\"\n"
		"vm.json:3:32: /network-interfaces/0/mtu: 67 is out of range: "
		"must be an integer from 68 to 65535 (bytes)\n");
}
END_TEST

/* A megabyte of mistakes: a hundred are told, quickly. */
START_TEST(many_mistakes)
{
	size_t n = 120000;
	char *text = malloc(n * 8 + 3), *at = text;

	ck_assert_ptr_nonnull(text);
	*at++ = '{';
	for (size_t i = 0; i < n; i++)
		at += sprintf(at, "\"mtx\":1,");
	(void)strcpy(at - 1, "}");
	parse(text);
	free(text);
	ck_assert_uint_eq(desc.problems.n, n + 1);
	ck_assert_ptr_nonnull(strstr(said, "vm.json: and 119901 more\n"));
}
END_TEST

START_TEST(too_many_items)
{
	char text[2048] = "{" BOOT ", \"backends\": [";

	for (size_t i = 0; i < 18; i++)
		(void)sprintf(text + strlen(text),
			      "%s{\"id\": \"b%zu\", \"type\": \"null\"}",
			      i ? ",\n" : "", i);
	(void)strcat(text, "]}");
	parse(text);
	ck_assert_str_eq(said, "vm.json:18:1: /backends/16: one too many: at "
			       "most 16 are allowed\n");
	ck_assert_uint_eq(desc.config.n_backends, 16);
}
END_TEST

START_TEST(too_many_texts)
{
	char text[2048] = "{" BOOT ", \"sandbox\": {\"taps\": [\"a\"";

	for (size_t i = 0; i < 18; i++)
		(void)strcat(text, ",\n\"b\"");
	(void)strcat(text, "]}}");
	parse(text);
	ck_assert_str_eq(said, "vm.json:18:1: /sandbox/taps/16: \"b\" is one "
			       "too many: must be a list of at most 16 texts "
			       "of 1 to 15 bytes\n");
	ck_assert_uint_eq(desc.config.sandbox.taps.n, 0);
}
END_TEST

static void check_table(const struct key_table *table)
{
	ck_assert_uint_le(table->n_keys, 64);
	if (table->selector)
		ck_assert_int_eq(key_find(table, table->selector)->type,
				 KEY_WORD);
	for (size_t i = 0; i < table->n_keys; i++) {
		const struct key *key = &table->keys[i];

		ck_assert_ptr_eq(key_find(table, key->name), key);
		ck_assert_uint_le(strlen(key->name), KEY_NAME_MAX);
		ck_assert_ptr_nonnull(key->text);
		if (key->type == KEY_WORD && key->fallback)
			ck_assert_int_ge(key_word_index(key, key->fallback), 0);
		if (key->type == KEY_INT && key->fallback) {
			long long v = strtoll(key->fallback, NULL, 10);

			ck_assert(v >= key->min && v <= key->max);
		}
		if (key->table)
			check_table(key->table);
	}
}

START_TEST(table_is_sound)
{
	check_table(&key_table_machine);
}
END_TEST

START_TEST(words_of_a_selector)
{
	const struct key all = {.name = "a"};
	const struct key some = {.name = "b", .only_for = "tap bridge"};

	ck_assert(key_applies(&all, "tap"));
	ck_assert(key_applies(&some, "tap"));
	ck_assert(key_applies(&some, "bridge"));
	ck_assert(!key_applies(&some, "ridge"));
	ck_assert(!key_applies(&some, "ta"));
	ck_assert(!key_applies(&some, "null"));
}
END_TEST

START_TEST(quoting)
{
	char buf[QUOTED_MAX], small[16];
	char text[300];

	ck_assert_str_eq(quoted("a b", buf, sizeof(buf)), "\"a b\"");
	ck_assert_str_eq(quoted("\x1b[2J\xff", buf, sizeof(buf)),
			 "\"\\x1b[2J\\xff\"");
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ck_assert_uint_lt(strlen(quoted(text, buf, sizeof(buf))), QUOTED_MAX);
	ck_assert_str_eq(quoted("0123456789abcdef", small, sizeof(small)),
			 "\"0123456789...\"");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("description");
	TCase *tc = tcase_create("core");

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, defaults);
	tcase_add_test(tc, everything_said);
	tcase_add_test(tc, firecracker_file);
	tcase_add_test(tc, limits_and_queues);
	tcase_add_test(tc, sandbox_and_logger);
	tcase_add_loop_test(tc, mistake_is_told, 0, ARRAY_SIZE(mistakes));
	tcase_add_loop_test(tc, bad_mac_is_told, 0, ARRAY_SIZE(bad_macs));
	tcase_add_loop_test(tc, twins_are_told, 0, ARRAY_SIZE(twins));
	tcase_add_test(tc, all_mistakes_in_one_pass);
	tcase_add_test(tc, many_mistakes);
	tcase_add_test(tc, too_many_items);
	tcase_add_test(tc, too_many_texts);
	tcase_add_test(tc, table_is_sound);
	tcase_add_test(tc, words_of_a_selector);
	tcase_add_test(tc, quoting);
	return test_run(suite);
}
