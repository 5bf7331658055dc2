/* SPDX-License-Identifier: MIT */
/*
 * Addresses, forwards and the policy of consomme: what is read from text, and
 * whom a guest may reach.
 */
#include "backends/consomme/policy.h"

#include "support/run.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

static struct csm_addr addr(const char *text)
{
	struct csm_addr out;

	ck_assert_msg(csm_addr_parse(text, &out) == 0, "%s", text);
	return out;
}

START_TEST(addresses_and_their_text)
{
	static const struct {
		const char *in, *out;
		bool is4;
	} rows[] = {
		{"10.0.2.2", "10.0.2.2", true},
		{"0.0.0.0", "0.0.0.0", true},
		{"::", "::", false},
		{"FD00::0002", "fd00::2", false},
		{"::ffff:1.2.3.4", "1.2.3.4", true},
	};
	static const char *const bad[] = {
		"",	     "10.0.2",	 "10.0.2.256", "10.0.2.2 ", "fd00",
		"[fd00::2]", "fd00:::2", "localhost",  "10.0.2.2/8"};
	char text[CSM_ADDR_TEXT_MAX];
	struct csm_addr out;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct csm_addr a = addr(rows[i].in);

		ck_assert_str_eq(csm_addr_text(&a, text), rows[i].out);
		ck_assert(csm_addr_is4(&a) == rows[i].is4);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(csm_addr_parse(bad[i], &out) == -EINVAL, "%s",
			      bad[i]);
	out = addr("10.0.2.2");
	ck_assert_str_eq(csm_addr_port_text(&out, 80, text), "10.0.2.2:80");
	out = addr("fd00::2");
	ck_assert_str_eq(csm_addr_port_text(&out, 65535, text),
			 "[fd00::2]:65535");
	out = addr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	ck_assert_str_eq(csm_addr_port_text(&out, 65535, text),
			 "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}
END_TEST

START_TEST(kinds_of_addresses)
{
	static const struct {
		const char *text;
		bool any, loopback, multicast, local;
	} rows[] = {
		{"0.0.0.0", true, false, false, false},
		{"::", true, false, false, false},
		{"127.0.0.1", false, true, false, false},
		{"127.255.255.255", false, true, false, false},
		{"128.0.0.1", false, false, false, false},
		{"::1", false, true, false, false},
		{"::ffff:127.0.0.1", false, true, false, false},
		{"224.0.0.1", false, false, true, false},
		{"239.1.2.3", false, false, true, false},
		{"240.0.0.1", false, false, false, false},
		{"255.255.255.255", false, false, true, false},
		{"ff02::1", false, false, true, false},
		{"169.254.1.1", false, false, false, true},
		{"fe80::2", false, false, false, true},
		{"febf::2", false, false, false, true},
		{"fec0::2", false, false, false, false},
		{"10.0.2.2", false, false, false, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct csm_addr a = addr(rows[i].text);

		ck_assert_msg(csm_addr_is_any(&a) == rows[i].any, "%s",
			      rows[i].text);
		ck_assert_msg(csm_addr_is_loopback(&a) == rows[i].loopback,
			      "%s", rows[i].text);
		ck_assert_msg(csm_addr_is_multicast(&a) == rows[i].multicast,
			      "%s", rows[i].text);
		ck_assert_msg(csm_addr_is_link_local(&a) == rows[i].local, "%s",
			      rows[i].text);
	}
}
END_TEST

START_TEST(prefixes)
{
	static const struct {
		const char *prefix, *addr;
		bool has;
	} rows[] = {
		{"10.0.0.0/8", "10.255.255.255", true},
		{"10.0.0.0/8", "11.0.0.0", false},
		{"10.0.2.15", "10.0.2.15", true},
		{"10.0.2.15", "10.0.2.14", false},
		{"10.0.2.8/29", "10.0.2.15", true},
		{"10.0.2.8/29", "10.0.2.16", false},
		{"0.0.0.0/0", "255.1.2.3", true},
		{"0.0.0.0/0", "fd00::1", false},
		{"::/0", "fd00::1", true},
		{"::/0", "10.0.2.2", false},
		{"fd00::/9", "fd7f::", true},
		{"fd00::/9", "fd80::", false},
		{"fd00::5/128", "fd00::5", true},
	};
	static const char *const bad[] = {
		"10.0.2.0/33", "10.0.2.1/24", "10.0.2.0/",    "10.0.2.0/-1",
		"/24",	       "fd00::/129",  "fd00::1/64",   "fd00::/0064x",
		"10.0.2.0/ 8", "10.0.2.0/+8", "10.0.2.0/008x"};
	struct csm_prefix prefix;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct csm_addr a = addr(rows[i].addr);

		ck_assert(csm_prefix_parse(rows[i].prefix, &prefix) == 0);
		ck_assert_msg(csm_prefix_has(&prefix, &a) == rows[i].has,
			      "%s %s", rows[i].prefix, rows[i].addr);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(csm_prefix_parse(bad[i], &prefix) == -EINVAL,
			      "%s", bad[i]);
}
END_TEST

START_TEST(socket_addresses)
{
	static const char *const texts[] = {"10.0.2.2", "fd00::2"};
	static const socklen_t sizes[] = {sizeof(struct sockaddr_in),
					  sizeof(struct sockaddr_in6)};
	struct sockaddr_storage sa;
	struct csm_addr back;
	uint16_t port;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct csm_addr a = addr(texts[i]);

		ck_assert_uint_eq(csm_addr_to_sockaddr(&a, 80, &sa), sizes[i]);
		ck_assert(csm_addr_from_sockaddr(&sa, &back, &port) == 0);
		ck_assert(csm_addr_equal(&a, &back));
		ck_assert_uint_eq(port, 80);
	}
	sa.ss_family = AF_UNIX;
	ck_assert(csm_addr_from_sockaddr(&sa, &back, &port) == -EINVAL);
}
END_TEST

START_TEST(forwards_and_their_text)
{
	/* NULL: the same again. */
	static const char *const rows[][2] = {
		{"tcp::2222-:22", NULL},
		{"::2222-:22", "tcp::2222-:22"},
		{"udp::5353-10.0.2.15:53", NULL},
		{"tcp:127.0.0.1:2222-:22", NULL},
		{"tcp:[::1]:80-:80", NULL},
		{"tcp:[::]:80-:80", NULL},
		{"tcp::80-[fd00::15]:8080", "tcp:[::]:80-[fd00::15]:8080"},
		{"tcp::8000..8010-:9000", NULL},
		{"tcp::8000..8000-:9000", "tcp::8000-:9000"},
		{"tcp:0.0.0.0:1-0.0.0.0:1", "tcp::1-:1"},
		{"tcp::1..1024-:1", NULL},
	};
	char text[CONSOMME_FORWARD_TEXT_MAX];
	struct consomme_forward f;
	const char *why;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ck_assert_msg(consomme_forward_parse(rows[i][0], &f, &why) == 0,
			      "%s", rows[i][0]);
		ck_assert_str_eq(consomme_forward_text(&f, text),
				 rows[i][1] ? rows[i][1] : rows[i][0]);
	}
	ck_assert(consomme_forward_parse("udp:[fd00::1]:7..9-:100", &f, &why) ==
		  0);
	ck_assert_int_eq(f.proto, CONSOMME_UDP);
	ck_assert_uint_eq(f.host_port, 7);
	ck_assert_uint_eq(f.n_ports, 3);
	ck_assert_uint_eq(f.guest_port, 100);
	ck_assert(csm_addr_equal(&f.guest, &csm_addr_any6));
}
END_TEST

START_TEST(what_is_no_forward)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{"", "protocol"},
		{"sctp::1-:1", "protocol"},
		{"tcp", "protocol"},
		{"tcp::", "port"},
		{"tcp:2222-:22", "not an IP address"},
		{"tcp::2222", "must be"},
		{"tcp::2222-22", "must be"},
		{"tcp::2222-:22x", "must be"},
		{"tcp::2222-:22 ", "must be"},
		{"tcp::0-:22", "port"},
		{"tcp::65536-:22", "port"},
		{"tcp::+1-:22", "port"},
		{"tcp::1-:0", "port"},
		{"tcp::10..9-:22", "below"},
		{"tcp::1..1025-:1", "1024"},
		{"tcp::1..2-:65535", "beyond"},
		{"tcp:fd00::1:80-:80", "not an IP address"},
		{"tcp:[10.0.0.1]:80-:80", "not an IP address"},
		{"tcp:[fd00::1:80-:80", "must be"},
		{"tcp:localhost:80-:80", "not an IP address"},
		{"tcp:127.0.0.1:80-[fd00::2]:80", "one IP version"},
		{"tcp:224.0.0.1:80-:80", "such an address"},
		{"tcp::80-127.0.0.1:80", "such an address"},
		{"tcp:0000000000000000000000000000000000000000000000000000000"
		 "00000000000000:80-:80",
		 "must be"},
	};
	struct consomme_forward f;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *why = "";

		ck_assert_msg(consomme_forward_parse(rows[i].text, &f, &why) ==
				      -EINVAL,
			      "%s", rows[i].text);
		ck_assert_msg(strstr(why, rows[i].why), "%s: %s", rows[i].text,
			      why);
	}
}
END_TEST

/* A config with rules: "+PREFIX" allows, "-PREFIX" denies. */
struct policy {
	struct consomme_config config;
	struct consomme_rule rules[8];
};

static void set_policy(struct policy *p, const char *const *rules)
{
	consomme_config_init(&p->config);
	p->config.rules = p->rules;
	for (; *rules; rules++) {
		struct consomme_rule *rule = &p->rules[p->config.n_rules++];

		rule->deny = **rules == '-';
		ck_assert(csm_prefix_parse(*rules + 1, &rule->prefix) == 0);
	}
}

static int check(const struct policy *p, const char *text)
{
	struct csm_addr dest = addr(text), host = csm_addr_any4;
	int err = csm_policy_check(&p->config, &dest, &host);

	if (err == 0)
		ck_assert_msg(csm_addr_equal(&dest, &host), "%s", text);
	return err;
}

START_TEST(nowhere)
{
	static const char *const none[] = {NULL};
	static const char *const all[] = {"+0.0.0.0/0", "+::/0", NULL};
	static const char *const far[] = {
		"127.0.0.1", "127.1.2.3", "::1",       "::ffff:127.0.0.1",
		"0.0.0.0",   "0.1.2.3",	  "::",	       "255.255.255.255",
		"224.0.0.1", "ff02::1",	  "10.0.2.77", "10.0.2.255",
		"fd00::77",  "fe80::1",
	};
	struct policy p;

	for (int i = 0; i < 2; i++) {
		set_policy(&p, i ? all : none);
		for (size_t j = 0; j < ARRAY_SIZE(far); j++)
			ck_assert_msg(check(&p, far[j]) == -EHOSTUNREACH, "%s",
				      far[j]);
	}
}
END_TEST

START_TEST(the_longest_rule_wins)
{
	static const char *const none[] = {NULL};
	static const char *const deny[] = {"-192.168.0.0/16", NULL};
	static const char *const mixed[] = {
		"+0.0.0.0/0", "-10.0.0.0/8", "+10.1.0.0/16",
		"-10.1.1.1",  "+10.1.1.1",   "-fd00::/8",
		NULL};
	struct policy p;

	set_policy(&p, none);
	ck_assert_int_eq(check(&p, "192.168.1.1"), 0);
	ck_assert_int_eq(check(&p, "2001:db8::1"), 0);
	ck_assert_int_eq(check(&p, "169.254.169.254"), -EACCES);
	set_policy(&p, deny);
	ck_assert_int_eq(check(&p, "192.168.1.1"), -EACCES);
	ck_assert_int_eq(check(&p, "::ffff:192.168.1.1"), -EACCES);
	ck_assert_int_eq(check(&p, "192.169.1.1"), 0);
	ck_assert_int_eq(check(&p, "2001:db8::1"), 0);
	set_policy(&p, mixed);
	ck_assert_int_eq(check(&p, "8.8.8.8"), 0);
	ck_assert_int_eq(check(&p, "169.254.169.254"), 0);
	ck_assert_int_eq(check(&p, "10.2.0.1"), -EACCES);
	ck_assert_int_eq(check(&p, "10.1.0.1"), 0);
	ck_assert_int_eq(check(&p, "10.1.1.1"), -EACCES);
	ck_assert_int_eq(check(&p, "2001:db8::1"), -EACCES);
	p.config.restricted = true;
	ck_assert_int_eq(check(&p, "8.8.8.8"), -EACCES);
}
END_TEST

START_TEST(an_alias_is_the_loopback)
{
	static const char *const deny[] = {"-10.0.2.2", NULL};
	static const char *const other[] = {"+8.8.8.8", NULL};
	struct csm_addr dest, host, loopback;
	struct policy p;

	set_policy(&p, other);
	p.config.aliases[0] = addr("10.0.2.2");
	p.config.aliases[1] = addr("fd00::2");
	p.config.n_aliases = 2;
	dest = addr("10.0.2.2");
	loopback = addr("127.0.0.1");
	ck_assert_int_eq(csm_policy_check(&p.config, &dest, &host), 0);
	ck_assert(csm_addr_equal(&host, &loopback));
	dest = addr("fd00::2");
	loopback = addr("::1");
	ck_assert_int_eq(csm_policy_check(&p.config, &dest, &host), 0);
	ck_assert(csm_addr_equal(&host, &loopback));
	ck_assert_int_eq(check(&p, "10.0.2.3"), -EHOSTUNREACH);
	ck_assert_int_eq(check(&p, "127.0.0.1"), -EHOSTUNREACH);
	p.config.restricted = true;
	ck_assert_int_eq(csm_policy_check(&p.config, &dest, &host), -EACCES);

	set_policy(&p, deny);
	p.config.aliases[0] = dest = addr("10.0.2.2");
	p.config.n_aliases = 1;
	ck_assert_int_eq(csm_policy_check(&p.config, &dest, &host), -EACCES);
}
END_TEST

START_TEST(defaults)
{
	struct consomme_config config;

	consomme_config_init(&config);
	ck_assert(csm_prefix_has(&config.network, &config.gateway));
	ck_assert(csm_prefix_has(&config.network, &config.dns));
	ck_assert(csm_prefix_has(&config.network, &config.guest));
	ck_assert(csm_prefix_has(&config.network6, &config.gateway6));
	ck_assert(csm_prefix_has(&config.network6, &config.dns6));
	ck_assert(csm_addr_is_link_local(&config.gateway6_local));
	ck_assert(!(config.mac[0] & 1));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("consomme_addr");
	TCase *text = tcase_create("text");
	TCase *policy = tcase_create("policy");

	tcase_add_test(text, addresses_and_their_text);
	tcase_add_test(text, kinds_of_addresses);
	tcase_add_test(text, prefixes);
	tcase_add_test(text, socket_addresses);
	tcase_add_test(text, forwards_and_their_text);
	tcase_add_test(text, what_is_no_forward);
	tcase_add_test(text, defaults);
	suite_add_tcase(suite, text);
	tcase_add_test(policy, nowhere);
	tcase_add_test(policy, the_longest_rule_wins);
	tcase_add_test(policy, an_alias_is_the_loopback);
	suite_add_tcase(suite, policy);
	return test_run(suite);
}
