/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_CONSOMME_RESOLV_CONF_H
#define EVNIC_BACKENDS_CONSOMME_RESOLV_CONF_H

/*
 * What resolv.conf(5) says about name servers. Pure.
 */

#include "backends/consomme/addr.h"
#include "backends/consomme/consomme.h"

#include <stddef.h>

/* @timeout: seconds that a server has to answer. @attempts: how often each is
 * asked. */
struct csm_resolv_conf {
	struct csm_addr servers[CONSOMME_SERVERS_MAX];
	size_t n_servers;
	unsigned int timeout, attempts;
};

/* Reads "nameserver", and "timeout:" and "attempts:" of "options"; everything
 * else, and what is not understood, is passed over. Without a usable server it is
 * 127.0.0.1, as resolv.conf(5) has it. Link-local addresses are not usable: which
 * link they are on (%eth0) is not kept. */
void csm_resolv_conf_parse(const char *text, struct csm_resolv_conf *out);

#endif
