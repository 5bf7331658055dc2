/* SPDX-License-Identifier: MIT */
/*
 * Whom the guest may reach.
 *
 * The host's loopback is out of reach, since much listens there that believes
 * everybody who comes from there; 0.0.0.0 is the same to a host's connect(2). An
 * alias in the guest's network opens it. Link-local addresses are the host's
 * neighbourhood, not the world's (169.254.169.254 gives a cloud machine's
 * secrets away): an allow rule must name them. Those of IPv6 are not to be had,
 * as the guest's links are not the host's.
 */
#include "backends/consomme/policy.h"

#include <errno.h>

/* The rule of the longest prefix; NULL: none matches. @closed: there is a rule
 * that allows something. */
static const struct consomme_rule *find_rule(const struct consomme_config *c,
					     const struct csm_addr *dest,
					     bool *closed)
{
	const struct consomme_rule *best = NULL;

	*closed = false;
	for (size_t i = 0; i < c->n_rules; i++) {
		const struct consomme_rule *rule = &c->rules[i];

		if (!rule->deny)
			*closed = true;
		if (!csm_prefix_has(&rule->prefix, dest))
			continue;
		if (!best || rule->prefix.len > best->prefix.len ||
		    (rule->prefix.len == best->prefix.len && rule->deny))
			best = rule;
	}
	return best;
}

static bool is_alias(const struct consomme_config *c,
		     const struct csm_addr *dest)
{
	for (size_t i = 0; i < c->n_aliases; i++) {
		if (csm_addr_equal(&c->aliases[i], dest))
			return true;
	}
	return false;
}

static bool leads_nowhere(const struct consomme_config *c,
			  const struct csm_addr *dest)
{
	if (csm_addr_is4(dest)) {
		/* 0.0.0.0/8 is "this host". */
		if (csm_addr_bytes4(dest)[0] == 0)
			return true;
	} else if (csm_addr_is_link_local(dest)) {
		return true;
	}
	return csm_addr_is_any(dest) || csm_addr_is_loopback(dest) ||
	       csm_addr_is_multicast(dest) ||
	       csm_prefix_has(&c->network, dest) ||
	       csm_prefix_has(&c->network6, dest);
}

int csm_policy_check(const struct consomme_config *config,
		     const struct csm_addr *dest, struct csm_addr *host)
{
	static const struct csm_addr loopback6 = {{[15] = 1}};
	bool alias = is_alias(config, dest), closed, allowed;
	const struct consomme_rule *rule = find_rule(config, dest, &closed);

	if (!alias && leads_nowhere(config, dest))
		return -EHOSTUNREACH;
	if (rule)
		allowed = !rule->deny;
	else
		allowed = alias || (!closed && !csm_addr_is_link_local(dest));
	if (config->restricted || !allowed)
		return -EACCES;
	*host = *dest;
	if (alias)
		*host = csm_addr_is4(dest) ? csm_addr_from_u32(0x7f000001)
					   : loopback6;
	return 0;
}

bool csm_policy_shows(const struct consomme_config *config,
		      const struct csm_addr *guest, const struct csm_addr *peer)
{
	return csm_addr_is4(guest) == csm_addr_is4(peer) &&
	       !csm_addr_is_any(peer) && !csm_addr_is_loopback(peer) &&
	       !csm_addr_is_multicast(peer) && !csm_addr_is_link_local(peer) &&
	       !csm_prefix_has(&config->network, peer) &&
	       !csm_prefix_has(&config->network6, peer) &&
	       !csm_addr_equal(guest, peer) && !is_alias(config, peer);
}
