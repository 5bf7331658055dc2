/* SPDX-License-Identifier: MIT */
/*
 * Copying a configuration. Lists without items are NULL.
 */
#include "backends/consomme/own_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A copy of @n items; false: no memory. */
static bool copy_list(void *to, const void *from, size_t n, size_t size)
{
	void *copy = NULL;

	if (n) {
		copy = calloc(n, size);
		if (!copy)
			return false;
		memcpy(copy, from, n * size);
	}
	memcpy(to, &copy, sizeof(copy));
	return true;
}

static bool copy_search(struct csm_own_config *own,
			const struct consomme_config *from)
{
	if (!from->n_search)
		return true;
	own->search = calloc(from->n_search, sizeof(*own->search));
	if (!own->search)
		return false;
	for (size_t i = 0; i < from->n_search; i++) {
		own->search[i] = strdup(from->search[i]);
		if (!own->search[i])
			return false;
	}
	return true;
}

int csm_own_config_init(struct csm_own_config *own,
			const struct consomme_config *from)
{
	struct consomme_config *c = &own->config;

	memset(own, 0, sizeof(*own));
	*c = *from;
	own->name = strdup(from->name ? from->name : "consomme");
	if (!own->name || !copy_search(own, from) ||
	    !copy_list(&own->rules, from->rules, from->n_rules,
		       sizeof(*from->rules)) ||
	    !copy_list(&own->records, from->records, from->n_records,
		       sizeof(*from->records)) ||
	    !copy_list(&own->forwards, from->forwards, from->n_forwards,
		       sizeof(*from->forwards))) {
		csm_own_config_fini(own);
		return -ENOMEM;
	}
	c->name = own->name;
	c->search = (const char *const *)own->search;
	c->rules = own->rules;
	c->records = own->records;
	c->forwards = own->forwards;
	return 0;
}

void csm_own_config_fini(struct csm_own_config *own)
{
	for (size_t i = 0; own->search && i < own->config.n_search; i++)
		free(own->search[i]);
	free(own->search);
	free(own->rules);
	free(own->records);
	free(own->forwards);
	free(own->name);
	memset(own, 0, sizeof(*own));
}
