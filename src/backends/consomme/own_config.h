/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_CONSOMME_OWN_CONFIG_H
#define EVNIC_BACKENDS_CONSOMME_OWN_CONFIG_H

/*
 * A copy of a configuration that owns all it points to.
 */

#include "backends/consomme/consomme.h"

struct csm_own_config {
	struct consomme_config config;
	char *name;
	char **search;
	struct consomme_rule *rules;
	struct consomme_record *records;
	struct consomme_forward *forwards;
};

/* 0 or -ENOMEM. */
int csm_own_config_init(struct csm_own_config *own,
			const struct consomme_config *from) MUST_CHECK;
void csm_own_config_fini(struct csm_own_config *own);

#endif
