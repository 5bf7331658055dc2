/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_CONSOMME_DOMAIN_H
#define EVNIC_BACKENDS_CONSOMME_DOMAIN_H

/*
 * Names of domains as DHCP and router advertisements carry them: labels behind
 * their lengths, ended by an empty one (RFC 1035, 3.1), not compressed.
 */

#include "backends/consomme/consomme.h"

#include <stddef.h>
#include <stdint.h>

/* The longest name on the wire. */
#define CSM_DOMAIN_MAX 255

/* Writes @name to @at; its length. 0: there is no such name (an empty or too
 * long label), or no room in @size. */
size_t csm_domain_encode(const char *name, uint8_t *at, size_t size);

/* Writes as many of the config's search domains as @size has room for, one
 * behind the other; how many bytes. */
size_t csm_domain_search(const struct consomme_config *config, uint8_t *at,
			 size_t size);

#endif
