/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_CONSOMME_NETDEV_H
#define EVNIC_MACHINE_CONSOMME_NETDEV_H

/*
 * Backends of type "consomme" in a machine: how one is made of its keys and the
 * opener's sockets.
 */

#include "machine/kinds.h"

/* As endpoint_create(). */
int consomme_netdev_create(const struct endpoint_setup *setup,
			   struct kind_error *error,
			   struct net_endpoint **out) MUST_CHECK;

#endif
