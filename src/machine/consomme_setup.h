/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_CONSOMME_SETUP_H
#define EVNIC_MACHINE_CONSOMME_SETUP_H

/*
 * From the description's keys of a backend of type "consomme" to what the
 * backend is made of. Used to check a description, and to make the backend.
 */

#include "backends/consomme/consomme.h"
#include "machine/config.h"

#define CONSOMME_FORWARDS_MAX 64
#define CONSOMME_RULES_MAX    256 /* of "allow", and of "deny" */
#define CONSOMME_RECORDS_MAX  256
#define CONSOMME_SEARCH_MAX   16

/* @config points to the arrays and to the keys' text. */
struct consomme_setup {
	struct consomme_config config;
	struct consomme_forward forwards[CONSOMME_FORWARDS_MAX];
	struct consomme_rule rules[2 * CONSOMME_RULES_MAX];
	struct consomme_record records[CONSOMME_RECORDS_MAX];
};

/* What is wrong with a key: @key may be one item of a list: "hostfwd/1". @what:
 * the value, the cause and the cure, in one line. */
typedef void (*consomme_problem_fn)(void *arg, const char *key,
				    const char *what);

/* Fills @setup; tells all that is wrong. @mtu: of the NIC, or CONFIG_ABSENT.
 * True: nothing is. */
bool consomme_setup_read(struct consomme_setup *setup,
			 const struct consomme_keys *keys, int64_t mtu,
			 consomme_problem_fn problem, void *arg) MUST_CHECK;

/* Do they want a port of the host that is the same? */
bool consomme_forwards_collide(const struct consomme_forward *a,
			       const struct consomme_forward *b);

#endif
