/* SPDX-License-Identifier: MIT */
/*
 * Names of domains into their wire form.
 */
#include "backends/consomme/domain.h"

#include "base/util.h"

#include <string.h>

#define LABEL_MAX 63

size_t csm_domain_encode(const char *name, uint8_t *at, size_t size)
{
	size_t room = MIN(size, (size_t)CSM_DOMAIN_MAX);
	size_t len = 0;

	do {
		size_t label = strcspn(name, ".");

		/* Behind it there is the empty one. */
		if (!label || label > LABEL_MAX || len + label + 2 > room)
			return 0;
		at[len] = (uint8_t)label;
		memcpy(at + len + 1, name, label);
		len += 1 + label;
		name += label;
		if (*name == '.')
			name++;
	} while (*name);
	at[len] = 0;
	return len + 1;
}

size_t csm_domain_search(const struct consomme_config *config, uint8_t *at,
			 size_t size)
{
	size_t len = 0;

	for (size_t i = 0; i < config->n_search; i++)
		len += csm_domain_encode(config->search[i], at + len,
					 size - len);
	return len;
}
