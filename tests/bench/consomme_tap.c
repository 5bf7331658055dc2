/* SPDX-License-Identifier: MIT */
/*
 * consomme_tap: consomme behind a tap. Usage: consomme_tap FD
 *
 * The network is 10.0.2.0/24; 10.0.2.4 stands for the host's loopback. Prints a
 * line when it is ready, and runs until it is killed.
 */
#include "support/tap_guest.h"

#include "backends/consomme/consomme.h"

#include <stdio.h>
#include <stdlib.h>

#define FLOWS_MAX 16384

static struct tap_guest guest;

static _Noreturn void fail(const char *what)
{
	(void)fprintf(stderr, "consomme_tap: %s\n", what);
	exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
	struct consomme_config config;
	char error[CONSOMME_ERROR_MAX];
	struct net_endpoint *endpoint;
	struct loop loop;

	if (argc != 2 || loop_init(&loop) < 0)
		return EXIT_FAILURE;
	consomme_config_init(&config);
	config.name = "bench";
	config.ipv6 = false;
	config.max_tcp = FLOWS_MAX;
	config.n_aliases = 1;
	if (csm_addr_parse("10.0.2.4", &config.aliases[0]) < 0)
		fail("the alias");
	if (consomme_endpoint_create(&config, &loop, error, &endpoint) < 0)
		fail(error);
	if (tap_guest_start(&guest, &loop, (int)strtol(argv[1], NULL, 10),
			    endpoint) < 0)
		fail("no guest");
	(void)printf("consomme\n");
	(void)fflush(stdout);
	loop_run(&loop);
	return EXIT_SUCCESS;
}
