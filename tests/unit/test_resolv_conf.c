/* SPDX-License-Identifier: MIT */
/*
 * What is read from resolv.conf(5).
 */
#include "backends/consomme/resolv_conf.h"

#include "support/run.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

/* The servers with spaces between them, the time-out, the attempts. */
static void check(const char *conf, const char *servers, unsigned int timeout,
		  unsigned int attempts)
{
	struct csm_resolv_conf out;
	char text[CSM_ADDR_TEXT_MAX], all[512] = "";

	csm_resolv_conf_parse(conf, &out);
	for (size_t i = 0; i < out.n_servers; i++) {
		if (i)
			strcat(all, " ");
		strcat(all, csm_addr_text(&out.servers[i], text));
	}
	ck_assert_msg(strcmp(all, servers) == 0, "\"%s\": %s", conf, all);
	ck_assert_msg(out.timeout == timeout && out.attempts == attempts,
		      "\"%s\": timeout %u, attempts %u", conf, out.timeout,
		      out.attempts);
}

START_TEST(servers)
{
	static const struct {
		const char *conf, *servers;
	} rows[] = {
		{"nameserver 192.0.2.1\n", "192.0.2.1"},
		{"nameserver 192.0.2.1", "192.0.2.1"},
		{"nameserver\t192.0.2.1\r\n", "192.0.2.1"},
		{"nameserver  192.0.2.1  # first\nnameserver 192.0.2.2;x\n",
		 "192.0.2.1 192.0.2.2"},
		{"# by NetworkManager\nsearch lan\nnameserver 2001:db8::53\n",
		 "2001:db8::53"},
		{"nameserver 127.0.0.53\noptions edns0 trust-ad\n",
		 "127.0.0.53"},
		{"nameserver 2001:db8::1%eth0\n", "2001:db8::1"},
		{"nameserver fe80::1%eth0\nnameserver 192.0.2.1\n",
		 "192.0.2.1"},
		{"nameserver 1.1.1.1\nnameserver 2.2.2.2\nnameserver 3.3.3.3\n"
		 "nameserver 4.4.4.4\nnameserver 5.5.5.5\n",
		 "1.1.1.1 2.2.2.2 3.3.3.3 4.4.4.4"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check(rows[i].conf, rows[i].servers, 2, 2);
}
END_TEST

START_TEST(none_is_the_host_itself)
{
	static const char *const rows[] = {
		"",
		"\n\n",
		"search example.org\n",
		"nameserver\n",
		"nameserver \n192.0.2.1\n",
		"nameserver example.org\n",
		"nameserver 192.0.2\n",
		"nameserver 224.0.0.251\n",
		"nameserver192.0.2.1\n",
		" nameserver 192.0.2.1\n",
		"#nameserver 192.0.2.1\n",
		";nameserver 192.0.2.1\n",
		"nameservers 192.0.2.1\n",
		"NAMESERVER 192.0.2.1\n",
		"nameserver #192.0.2.1\n",
		"nameserver "
		"1111111111111111111111111111111111111111111111111111111111111"
		"1111111111111111111111111111111111111111111111111111111111111"
		"\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check(rows[i], "127.0.0.1", 2, 2);
}
END_TEST

START_TEST(options)
{
	static const struct {
		const char *conf;
		unsigned int timeout, attempts;
	} rows[] = {
		{"options timeout:5 attempts:3\n", 5, 3},
		{"options rotate timeout:1\noptions attempts:1\n", 1, 1},
		{"options timeout:0 attempts:0\n", 1, 1},
		{"options timeout:99999999999999999999 attempts:100\n", 30, 5},
		{"options timeout: attempts:x\n", 2, 2},
		{"options timeout:3s attempts:-1\n", 2, 2},
		{"options # timeout:9\n", 2, 2},
		{"timeout:9\n", 2, 2},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check(rows[i].conf, "127.0.0.1", rows[i].timeout,
		      rows[i].attempts);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("resolv_conf");
	TCase *tc = tcase_create("resolv_conf");

	tcase_add_test(tc, servers);
	tcase_add_test(tc, none_is_the_host_itself);
	tcase_add_test(tc, options);
	suite_add_tcase(suite, tc);
	return test_run(suite);
}
