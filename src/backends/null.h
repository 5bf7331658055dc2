/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_NULL_H
#define EVNIC_BACKENDS_NULL_H

#include "net/endpoint.h"

/* An endpoint that takes every packet and delivers none. */
int null_endpoint_create(struct loop *loop,
			 struct net_endpoint **out) MUST_CHECK;

#endif
