/* SPDX-License-Identifier: MIT */
/*
 * Keys of backends of type "consomme": what they come to, and what is said about
 * wrong ones.
 */
#include "machine/consomme_setup.h"
#include "machine/description.h"
#include "machine/kinds.h"
#include "support/run.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct description desc;
static struct consomme_setup *made;
static char *said;

#define HEAD                                                           \
	"{\"boot-source\": {\"kernel_image_path\": \"k\"}, "           \
	"\"network-interfaces\": [{\"iface_id\": \"a\", \"backend\": " \
	"\"u\""

#define UNIT(nic, keys)                                           \
	HEAD nic "}],\n\"backends\": [{\"id\": \"u\", \"type\": " \
		 "\"consomme\"" keys "}]}"

static void parse(const char *text)
{
	size_t size;
	FILE *out = open_memstream(&said, &size);

	ck_assert_ptr_nonnull(out);
	description_parse(&desc, "vm.json", text, strlen(text));
	problems_print(&desc.problems, out);
	(void)fclose(out);
}

static void no_problem_cb(void *arg, const char *key, const char *what)
{
	UNUSED(arg);
	ck_abort_msg("%s: %s", key, what);
}

/* The setup of the first backend. */
static const struct consomme_config *setup_of(const char *text)
{
	parse(text);
	ck_assert_str_eq(said, "");
	made = calloc(1, sizeof(*made));
	ck_assert_ptr_nonnull(made);
	ck_assert(consomme_setup_read(made, &desc.config.backends[0].consomme,
				      desc.config.nics[0].mtu, no_problem_cb,
				      NULL));
	return &made->config;
}

static void teardown(void)
{
	description_fini(&desc);
	free(said);
	free(made);
	said = NULL;
	made = NULL;
}

static void is_addr(const struct csm_addr *addr, const char *text)
{
	char buf[CSM_ADDR_TEXT_MAX];

	ck_assert_str_eq(csm_addr_text(addr, buf), text);
}

START_TEST(nothing_said)
{
	const struct consomme_config *c = setup_of(UNIT("", ""));
	struct consomme_config standard;

	consomme_config_init(&standard);
	ck_assert(csm_addr_equal(&c->network.addr, &standard.network.addr));
	ck_assert_uint_eq(c->network.len, standard.network.len);
	ck_assert_uint_eq(c->network6.len, standard.network6.len);
	is_addr(&c->gateway, "10.0.2.2");
	is_addr(&c->dns, "10.0.2.3");
	is_addr(&c->guest, "10.0.2.15");
	is_addr(&c->gateway6, "fd00::2");
	is_addr(&c->dns6, "fd00::3");
	ck_assert(c->ipv4 && c->ipv6 && !c->restricted && !c->ring);
	ck_assert_uint_eq(c->mtu, 1500);
	ck_assert_uint_eq(c->max_tcp, standard.max_tcp);
	ck_assert_uint_eq(c->max_udp, standard.max_udp);
	ck_assert(!*c->hostname && !*c->domain);
	ck_assert(desc.config.sandbox.sockets);
	ck_assert_int_eq(desc.config.backends[0].queue_pairs, 1);
}
END_TEST

START_TEST(everything_said)
{
	const struct consomme_config *c = setup_of(
		UNIT(", \"mtu\": 9000",
		     ", \"network\": \"192.168.7.0/25\", "
		     "\"gateway\": \"192.168.7.1\", \"dns\": \"192.168.7.9\", "
		     "\"network6\": \"fd12:3::/64\", \"gateway6\": "
		     "\"fd12:3::9\", \"hostname\": \"guest-1\", "
		     "\"domain\": \"example.org\", \"search\": "
		     "[\"a.example\", \"b\"], \"dns_servers\": "
		     "[\"127.0.0.53\", \"2001:db8::53\"], \"records\": "
		     "[\"db.example.org=10.1.1.1\", \"db=fd00::1\"], "
		     "\"hostfwd\": [\"tcp::2222-:22\", "
		     "\"udp:127.0.0.1:5000..5009-:5000\", "
		     "\"tcp:[::1]:2222-:22\"], "
		     "\"host_loopback\": [\"192.168.7.1\", \"fd12:3::9\"], "
		     "\"allow\": [\"8.8.8.8\", \"10.0.0.0/8\"], "
		     "\"deny\": [\"10.1.0.0/16\"], \"restrict\": true, "
		     "\"copy_ring\": true, \"max_tcp\": 5, \"max_udp\": 6"));

	is_addr(&c->network.addr, "192.168.7.0");
	ck_assert_uint_eq(c->network.len, 96 + 25);
	is_addr(&c->gateway, "192.168.7.1");
	is_addr(&c->dns, "192.168.7.9");
	is_addr(&c->guest, "192.168.7.15");
	is_addr(&c->gateway6, "fd12:3::9");
	is_addr(&c->dns6, "fd12:3::3");
	is_addr(&c->gateway6_local, "fe80::2");
	ck_assert_uint_eq(c->mtu, 9000);
	ck_assert_str_eq(c->hostname, "guest-1");
	ck_assert_str_eq(c->domain, "example.org");
	ck_assert_uint_eq(c->n_search, 2);
	ck_assert_str_eq(c->search[0], "a.example");
	ck_assert_uint_eq(c->n_servers, 2);
	is_addr(&c->servers[1], "2001:db8::53");
	ck_assert_uint_eq(c->n_records, 2);
	ck_assert_str_eq(c->records[0].name, "db.example.org");
	is_addr(&c->records[1].addr, "fd00::1");
	ck_assert_uint_eq(c->n_forwards, 3);
	ck_assert_uint_eq(c->forwards[1].n_ports, 10);
	ck_assert_uint_eq(c->n_aliases, 2);
	is_addr(&c->aliases[1], "fd12:3::9");
	ck_assert_uint_eq(c->n_rules, 3);
	ck_assert(!c->rules[1].deny && c->rules[2].deny);
	ck_assert(c->restricted && c->ring);
	ck_assert_uint_eq(c->max_tcp, 5);
	ck_assert_uint_eq(c->max_udp, 6);
}
END_TEST

/* The backend's own word on the MTU is the last. */
START_TEST(two_mtus)
{
	ck_assert_uint_eq(
		setup_of(UNIT(", \"mtu\": 9000", ", \"mtu\": 1400"))->mtu,
		1400);
}
END_TEST

/* One mistake in the backend, and all that is said about it. */
static const struct {
	const char *keys;
	const char *said;
} mistakes[] = {
	{"\"network\": \"10.0.2.0\"",
	 "network: \"10.0.2.0\" is no IPv4 network: must be ADDRESS/BITS with "
	 "8 to 27 bits and nothing behind them, such as 10.0.2.0/24"},
	{"\"network\": \"10.0.2.1/24\"", "network: \"10.0.2.1/24\" is no IPv4"},
	{"\"network\": \"10.0.2.0/28\"", "network: \"10.0.2.0/28\" is no IPv4"},
	{"\"network\": \"fd00::/24\"", "network: \"fd00::/24\" is no IPv4"},
	{"\"network\": \"127.0.0.0/8\"",
	 "network: \"127.0.0.0/8\" is not for guests"},
	{"\"network6\": \"fd00::/48\"",
	 "network6: \"fd00::/48\" is no IPv6 network of 64 bits"},
	{"\"network6\": \"fe80::/64\"",
	 "network6: \"fe80::/64\" is not for guests"},
	{"\"gateway\": \"10.0.3.2\"",
	 "gateway: \"10.0.3.2\" is not in \"network\""},
	{"\"gateway6\": \"10.0.2.2\"",
	 "gateway6: \"10.0.2.2\" is not in \"network6\""},
	{"\"gateway\": \"here\"", "gateway: \"here\" is no IP address"},
	{"\"guest\": \"10.0.2.255\"",
	 "guest: \"10.0.2.255\" is the network's own"},
	{"\"guest\": \"10.0.2.0\"", "guest: \"10.0.2.0\" is the network's own"},
	{"\"guest\": \"10.0.2.3\"", "guest: \"gateway\", \"dns\" and \"guest\" "
				    "must be three addresses"},
	{"\"dns6\": \"fd00::2\"",
	 "dns6: \"gateway6\" and \"dns6\" must be two addresses"},
	{"\"ipv4\": false, \"ipv6\": false",
	 "ipv6: \"ipv4\" and \"ipv6\" are false: nothing is left"},
	{"\"hostname\": \"a.b\"", "hostname: \"a.b\" is no host name"},
	{"\"domain\": \"a..b\"", "domain: \"a..b\" is no domain"},
	{"\"search\": [\"a\", \"-b\"]", "search/1: \"-b\" is no domain"},
	{"\"dns_servers\": [\"0.0.0.0\"]",
	 "dns_servers/0: \"0.0.0.0\" is nobody's address"},
	{"\"dns_servers\": [\"dns.example\"]",
	 "dns_servers/0: \"dns.example\" is no IP address"},
	{"\"records\": [\"a=1.2.3.4\", \"b\"]",
	 "records/1: \"b\" is no record: must be NAME=ADDRESS"},
	{"\"records\": [\"a b=1.2.3.4\"]",
	 "records/0: \"a b=1.2.3.4\" has a wrong name"},
	{"\"hostfwd\": [\"tcp::1-:1\", \"tcp::2222-22\"]",
	 "hostfwd/1: \"tcp::2222-22\" is no forward: must be [tcp|udp]:"},
	{"\"hostfwd\": [\"tcp::1..5-:1\", \"udp::5-:1\", "
	 "\"tcp:127.0.0.1:5-:22\"]",
	 "hostfwd/2: \"tcp:127.0.0.1:5-:22\" takes a port that another of "
	 "\"hostfwd\" has"},
	{"\"hostfwd\": [\"tcp::1-10.0.3.4:1\"]",
	 "hostfwd/0: \"tcp::1-10.0.3.4:1\" leads to an address beside "
	 "\"network\""},
	{"\"ipv6\": false, \"hostfwd\": [\"tcp:[::1]:1-:1\"]",
	 "hostfwd/0: \"tcp:[::1]:1-:1\" is for IPv6, but \"ipv6\" is false"},
	{"\"host_loopback\": [\"127.0.0.1\"]",
	 "host_loopback/0: \"127.0.0.1\" is no address that a guest can ask"},
	{"\"host_loopback\": [\"10.0.2.3\"]",
	 "host_loopback/0: \"10.0.2.3\" is the guest's or the name server's"},
	{"\"host_loopback\": [\"10.0.2.2\", \"10.0.2.4\"]",
	 "host_loopback/1: \"10.0.2.4\" is the second of its IP version"},
	{"\"allow\": [\"10.0.0.0/8\", \"10.0.0.1/8\"]",
	 "allow/1: \"10.0.0.1/8\" is no network"},
	{"\"deny\": [\"*\"]", "deny/0: \"*\" is no network"},
	{"\"mtu\": 1000",
	 "mtu: an MTU of 1000 is too small for IPv6: must be at least 1280, or "
	 "\"ipv6\" false"},
	{"\"max_tcp\": 0", "max_tcp: 0 is out of range"},
	{"\"fd\": 4", "fd: not with \"type\": \"consomme\", only with tap"},
	{"\"queue_pairs\": 1",
	 "queue_pairs: not with \"type\": \"consomme\", only with tap"},
};

START_TEST(mistake_is_told)
{
	char text[1024], expected[512];

	(void)snprintf(text, sizeof(text), UNIT("", ",\n%s"),
		       mistakes[_i].keys);
	(void)snprintf(expected, sizeof(expected), "/backends/0/%s",
		       mistakes[_i].said);
	parse(text);
	ck_assert_msg(strncmp(said, "vm.json:3:", 10) == 0, "%s", said);
	ck_assert_msg(strstr(said, expected), "%s", said);
	ck_assert_msg(desc.problems.n == 1, "%s", said);
}
END_TEST

/* Mistakes beside the backend. */
START_TEST(mistakes_elsewhere)
{
	parse(UNIT(", \"queue_pairs\": 2", ""));
	ck_assert_str_eq(said,
			 "vm.json:1:117: /network-interfaces/0/queue_pairs: 2 "
			 "is more than the one pair that /backends/0 has, as "
			 "every \"consomme\": leave it out, or use a tap\n");
	teardown();
	parse(UNIT(", \"mtu\": 1000", ""));
	ck_assert_str_eq(said,
			 "vm.json:2:14: /backends/0: an MTU of 1000 is too "
			 "small for IPv6: must be at least 1280, or \"ipv6\" "
			 "false\n");
	teardown();
	parse("{\"sandbox\": {\"sockets\": false}, \"boot-source\": "
	      "{\"kernel_image_path\": \"k\"}, \"backends\": [{\"id\": \"a\", "
	      "\"type\": \"consomme\"}]}");
	ck_assert_str_eq(said, "vm.json:1:25: /sandbox/sockets: false, but "
			       "/backends/0 makes sockets: leave it out\n");
	teardown();
	parse("{\"boot-source\": {\"kernel_image_path\": \"k\"},"
	      "\"backends\": [{\"id\": \"a\", \"type\": \"consomme\", "
	      "\"hostfwd\": [\"tcp::80-:80\"]},\n{\"id\": \"b\", \"type\": "
	      "\"consomme\", \"hostfwd\": [\"udp::80-:80\", "
	      "\"tcp:127.0.0.1:80-:80\"]}]}");
	ck_assert_str_eq(said, "vm.json:2:60: /backends/1/hostfwd/1: takes a "
			       "port that /backends/0 has already\n");
}
END_TEST

START_TEST(sockets_on_their_own)
{
	parse("{\"boot-source\": {\"kernel_image_path\": \"k\"}}");
	ck_assert(!desc.config.sandbox.sockets);
	teardown();
	parse("{\"sandbox\": {\"sockets\": true}, \"boot-source\": "
	      "{\"kernel_image_path\": \"k\"}}");
	ck_assert_str_eq(said, "");
	ck_assert(desc.config.sandbox.sockets);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("consomme_setup");
	TCase *tc = tcase_create("core");

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, nothing_said);
	tcase_add_test(tc, everything_said);
	tcase_add_test(tc, two_mtus);
	tcase_add_loop_test(tc, mistake_is_told, 0, ARRAY_SIZE(mistakes));
	tcase_add_test(tc, mistakes_elsewhere);
	tcase_add_test(tc, sockets_on_their_own);
	return test_run(suite);
}
