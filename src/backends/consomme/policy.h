/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_CONSOMME_POLICY_H
#define EVNIC_BACKENDS_CONSOMME_POLICY_H

/*
 * Whom the guest may reach, and by which address of the host's view. What the
 * stack answers by itself (the gateway's ICMP, DNS, DHCP) is not asked about.
 */

#include "backends/consomme/consomme.h"

/* The guest sends something to @dest. 0: it may, and @host is where it goes:
 * @dest, or the host's loopback if @dest is an alias. -EACCES: the rules do not
 * allow it. -EHOSTUNREACH: an address that leads nowhere from here: the host's
 * loopback by its own name, any, multicast, the guest's own networks. */
int csm_policy_check(const struct consomme_config *config,
		     const struct csm_addr *dest,
		     struct csm_addr *host) MUST_CHECK;

/* May the guest at @guest know @peer, which has come to a forward, by its own
 * address? Only where its answer to that would come back to us: not of another
 * IP version, the loopback, an alias, the guest or its networks, or an address
 * that is nobody's. Otherwise it sees the gateway. */
bool csm_policy_shows(const struct consomme_config *config,
		      const struct csm_addr *guest,
		      const struct csm_addr *peer);

#endif
