/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_LOOPBACK_H
#define EVNIC_BACKENDS_LOOPBACK_H

#include "net/endpoint.h"

/* An endpoint that delivers what it is given to transmit: queue i to itself. */
int loopback_endpoint_create(struct loop *loop,
			     struct net_endpoint **out) MUST_CHECK;

#endif
