/* SPDX-License-Identifier: MIT */
/*
 * Rules about backends of type "consomme": each by itself, what they share of
 * the host, and the NICs that name them.
 */
#include "machine/rules.h"

#include "machine/consomme_setup.h"
#include "machine/kinds.h"

#include <stdio.h>
#include <stdlib.h>

#define POINTER_MAX 96

/* The backend that is looked at. */
struct at {
	struct description *desc;
	size_t backend;
};

static void problem_cb(void *arg, const char *key, const char *what)
{
	const struct at *at = arg;
	char pointer[POINTER_MAX];

	(void)snprintf(pointer, sizeof(pointer), "/backends/%zu%s%s",
		       at->backend, *key ? "/" : "", key);
	description_problem(at->desc, pointer, "%s", what);
}

/* The NIC on backend @i, or NULL. */
static const struct nic_config *nic_on(const struct machine_config *config,
				       size_t i)
{
	for (size_t n = 0; n < config->n_nics; n++) {
		const struct nic_config *nic = &config->nics[n];

		if (nic->backend && nic->endpoint == i)
			return nic;
	}
	return NULL;
}

/* Forwards of @b that want a port of a forward of @a, which is backend @i. */
static void check_ports(struct at *at, size_t i,
			const struct consomme_config *a,
			const struct consomme_config *b)
{
	char key[32], what[96];

	for (size_t n = 0; n < b->n_forwards; n++) {
		size_t m = 0;

		while (m < a->n_forwards &&
		       !consomme_forwards_collide(&a->forwards[m],
						  &b->forwards[n]))
			m++;
		if (m == a->n_forwards)
			continue;
		(void)snprintf(key, sizeof(key), "hostfwd/%zu", n);
		(void)snprintf(what, sizeof(what),
			       "takes a port that /backends/%zu has already",
			       i);
		problem_cb(at, key, what);
	}
}

void rules_check_consomme(struct description *desc)
{
	struct machine_config *config = &desc->config;
	struct consomme_setup *setups[CONFIG_MAX_BACKENDS] = {NULL};
	struct at at = {.desc = desc};

	for (size_t i = 0; i < MIN(config->n_backends, CONFIG_MAX_BACKENDS);
	     i++) {
		const struct nic_config *nic = nic_on(config, i);

		at.backend = i;
		if (config->backends[i].type != endpoint_kind_consomme())
			continue;
		setups[i] = calloc(1, sizeof(*setups[i]));
		if (!setups[i]) {
			problem_cb(&at, "", "out of memory");
			break;
		}
		if (!consomme_setup_read(
			    setups[i], &config->backends[i].consomme,
			    nic ? nic->mtu : CONFIG_ABSENT, problem_cb, &at))
			continue;
		for (size_t j = 0; j < i; j++) {
			if (setups[j])
				check_ports(&at, j, &setups[j]->config,
					    &setups[i]->config);
		}
	}
	for (size_t i = 0; i < CONFIG_MAX_BACKENDS; i++)
		free(setups[i]);
}
