/* SPDX-License-Identifier: MIT */
/*
 * From the description's keys of a backend of type "consomme" to what the
 * backend is made of.
 *
 * Addresses that are left out follow from the network. A value that is wrong is
 * told and leaves the default in its place, so that what depends on it is not
 * told, too.
 */
#include "machine/consomme_setup.h"

#include "machine/problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* RFC 8200, 5. */
#define MTU6_MIN 1280

#define LABEL_MAX 63

/* Where the addresses that are left out are in the network. */
#define GATEWAY 2
#define DNS	3
#define GUEST	15

struct reader {
	struct consomme_setup *setup;
	const struct consomme_keys *keys;
	consomme_problem_fn problem;
	void *arg;
	bool good;
};

static void wrong(struct reader *r, const char *key, const char *value,
		  const char *fmt, ...) PRINTF_LIKE(4, 5);

/* @value: NULL: the message does not begin with one. */
static void wrong(struct reader *r, const char *key, const char *value,
		  const char *fmt, ...)
{
	char text[QUOTED_MAX] = "", what[256];
	va_list ap;
	int n = 0;

	if (value)
		n = snprintf(what, sizeof(what), "%s ",
			     quoted(value, text, sizeof(text)));
	va_start(ap, fmt);
	(void)vsnprintf(what + n, sizeof(what) - (size_t)n, fmt, ap);
	va_end(ap);
	r->good = false;
	r->problem(r->arg, key, what);
}

/* "KEY/", and the digits of a size_t. */
#define ITEM_MAX 48

/* The name of item @i. */
static const char *item(char buf[ITEM_MAX], const char *key, size_t i)
{
	(void)snprintf(buf, ITEM_MAX, "%s/%zu", key, i);
	return buf;
}

/* Networks and the addresses in them. */

static struct csm_addr nth(const struct csm_prefix *network, uint8_t i)
{
	struct csm_addr addr = network->addr;

	addr.b[15] = (uint8_t)(addr.b[15] + i);
	return addr;
}

/* The network's own address, or the broadcast address: nobody's. */
static bool is_nobodys(const struct csm_prefix *network,
		       const struct csm_addr *addr)
{
	unsigned int bits = 128u - network->len;
	uint32_t low = (uint32_t)addr->b[12] << 24 |
		       (uint32_t)addr->b[13] << 16 |
		       (uint32_t)addr->b[14] << 8 | addr->b[15];
	uint32_t mask;

	if (!csm_addr_is4(addr))
		return csm_addr_equal(addr, &network->addr);
	mask = bits < 32 ? (1u << bits) - 1 : UINT32_MAX;
	return (low & mask) == 0 || (low & mask) == mask;
}

/* Is it of a kind that no network of a guest's can have? */
static bool is_special(const struct csm_addr *addr)
{
	return csm_addr_is_loopback(addr) || csm_addr_is_multicast(addr) ||
	       csm_addr_is_any(addr) || csm_addr_is_link_local(addr) ||
	       (csm_addr_is4(addr) && (csm_addr_bytes4(addr)[0] == 0 ||
				       csm_addr_bytes4(addr)[0] >= 240));
}

static void read_network(struct reader *r)
{
	struct csm_prefix *network = &r->setup->config.network;
	const char *text = r->keys->network;
	struct csm_prefix p;

	if (csm_prefix_parse(text, &p) < 0 || !csm_addr_is4(&p.addr) ||
	    p.len < 96 + 8 || p.len > 96 + 27)
		wrong(r, "network", text,
		      "is no IPv4 network: must be ADDRESS/BITS with 8 to 27 "
		      "bits and nothing behind them, such as 10.0.2.0/24");
	else if (is_special(&p.addr))
		wrong(r, "network", text,
		      "is not for guests: choose a private network, such as "
		      "10.0.2.0/24");
	else
		*network = p;
}

static void read_network6(struct reader *r)
{
	struct csm_prefix *network = &r->setup->config.network6;
	const char *text = r->keys->network6;
	struct csm_prefix p;

	if (csm_prefix_parse(text, &p) < 0 || csm_addr_is4(&p.addr) ||
	    p.len != 64)
		wrong(r, "network6", text,
		      "is no IPv6 network of 64 bits, such as fd00::/64");
	else if (is_special(&p.addr))
		wrong(r, "network6", text,
		      "is not for guests: choose a private network, such as "
		      "fd00::/64");
	else
		*network = p;
}

/* An address in @network: @text, or its @i-th if that is NULL. */
static void read_own(struct reader *r, const char *key, const char *text,
		     const struct csm_prefix *network, uint8_t i,
		     struct csm_addr *out)
{
	struct csm_addr addr;

	*out = nth(network, i);
	if (!text)
		return;
	if (csm_addr_parse(text, &addr) < 0)
		wrong(r, key, text, "is no IP address");
	else if (!csm_prefix_has(network, &addr))
		wrong(r, key, text, "is not in \"network%s\"",
		      csm_addr_is4(&network->addr) ? "" : "6");
	else if (is_nobodys(network, &addr))
		wrong(r, key, text, "is the network's own: choose another");
	else
		*out = addr;
}

static void read_addresses(struct reader *r)
{
	const struct consomme_keys *k = r->keys;
	struct consomme_config *c = &r->setup->config;

	read_network(r);
	read_own(r, "gateway", k->gateway, &c->network, GATEWAY, &c->gateway);
	read_own(r, "dns", k->dns, &c->network, DNS, &c->dns);
	read_own(r, "guest", k->guest, &c->network, GUEST, &c->guest);
	read_network6(r);
	read_own(r, "gateway6", k->gateway6, &c->network6, GATEWAY,
		 &c->gateway6);
	read_own(r, "dns6", k->dns6, &c->network6, DNS, &c->dns6);
	if (!r->good)
		return;
	if (csm_addr_equal(&c->gateway, &c->dns) ||
	    csm_addr_equal(&c->gateway, &c->guest) ||
	    csm_addr_equal(&c->dns, &c->guest))
		wrong(r,
		      k->guest ? "guest"
		      : k->dns ? "dns"
			       : "gateway",
		      NULL,
		      "\"gateway\", \"dns\" and \"guest\" must be three "
		      "addresses");
	if (csm_addr_equal(&c->gateway6, &c->dns6))
		wrong(r, k->dns6 ? "dns6" : "gateway6", NULL,
		      "\"gateway6\" and \"dns6\" must be two addresses");
}

/* Names. */

/* Letters, digits and hyphens, not at an end (RFC 1123, 2.1); an underscore
 * where services are named. */
static bool is_label(const char *text, size_t n)
{
	if (n == 0 || n > LABEL_MAX || text[0] == '-' || text[n - 1] == '-')
		return false;
	return strspn(text, "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") >= n;
}

/* Labels with dots between them. */
static bool is_domain(const char *text)
{
	for (;;) {
		size_t n = strcspn(text, ".");

		if (!is_label(text, n))
			return false;
		if (!text[n])
			return true;
		text += n + 1;
	}
}

#define NAME_RULE \
	"letters, digits and hyphens, not at an end, at most 63 between dots"

static void read_names(struct reader *r)
{
	const struct consomme_keys *k = r->keys;
	struct consomme_config *c = &r->setup->config;
	char key[ITEM_MAX];

	if (k->hostname && !is_label(k->hostname, strlen(k->hostname)))
		wrong(r, "hostname", k->hostname,
		      "is no host name: must be " NAME_RULE
		      "; the rest is for \"domain\"");
	else if (k->hostname)
		(void)snprintf(c->hostname, sizeof(c->hostname), "%s",
			       k->hostname);
	if (k->domain && !is_domain(k->domain))
		wrong(r, "domain", k->domain,
		      "is no domain: must be " NAME_RULE);
	else if (k->domain)
		(void)snprintf(c->domain, sizeof(c->domain), "%s", k->domain);
	for (size_t i = 0; i < k->search.n; i++) {
		if (!is_domain(k->search.items[i]))
			wrong(r, item(key, "search", i), k->search.items[i],
			      "is no domain: must be " NAME_RULE);
	}
	c->search = k->search.items;
	c->n_search = k->search.n;
}

static void read_servers(struct reader *r)
{
	const struct config_strings *list = &r->keys->dns_servers;
	struct consomme_config *c = &r->setup->config;
	struct csm_addr addr;
	char key[ITEM_MAX];

	for (size_t i = 0; i < list->n; i++) {
		if (csm_addr_parse(list->items[i], &addr) < 0)
			wrong(r, item(key, "dns_servers", i), list->items[i],
			      "is no IP address");
		else if (csm_addr_is_any(&addr) || csm_addr_is_multicast(&addr))
			wrong(r, item(key, "dns_servers", i), list->items[i],
			      "is nobody's address");
		else
			c->servers[c->n_servers++] = addr;
	}
}

static void read_records(struct reader *r)
{
	const struct config_strings *list = &r->keys->records;
	struct consomme_config *c = &r->setup->config;
	char key[ITEM_MAX];

	for (size_t i = 0; i < list->n; i++) {
		struct consomme_record *record =
			&r->setup->records[c->n_records];
		const char *text = list->items[i];
		size_t n = strcspn(text, "=");

		if (!text[n] || n >= sizeof(record->name) ||
		    csm_addr_parse(text + n + 1, &record->addr) < 0) {
			wrong(r, item(key, "records", i), text,
			      "is no record: must be NAME=ADDRESS");
			continue;
		}
		memcpy(record->name, text, n);
		record->name[n] = '\0';
		if (is_domain(record->name))
			c->n_records++;
		else
			wrong(r, item(key, "records", i), text,
			      "has a wrong name: must be " NAME_RULE);
	}
}

/* Ways in and out. */

bool consomme_forwards_collide(const struct consomme_forward *a,
			       const struct consomme_forward *b)
{
	if (a->proto != b->proto ||
	    csm_addr_is4(&a->host) != csm_addr_is4(&b->host))
		return false;
	if (!csm_addr_equal(&a->host, &b->host) && !csm_addr_is_any(&a->host) &&
	    !csm_addr_is_any(&b->host))
		return false;
	return a->host_port < b->host_port + b->n_ports &&
	       b->host_port < a->host_port + a->n_ports;
}

static void check_forward(struct reader *r, const char *key, const char *text,
			  const struct consomme_forward *f)
{
	const struct consomme_config *c = &r->setup->config;
	bool is4 = csm_addr_is4(&f->guest);
	const struct csm_prefix *network = is4 ? &c->network : &c->network6;

	if (!(is4 ? c->ipv4 : c->ipv6))
		wrong(r, key, text, "is for IPv%c, but \"ipv%c\" is false",
		      is4 ? '4' : '6', is4 ? '4' : '6');
	else if (!csm_addr_is_any(&f->guest) &&
		 !csm_prefix_has(network, &f->guest))
		wrong(r, key, text, "leads to an address beside \"network%s\"",
		      is4 ? "" : "6");
	for (size_t i = 0; i < c->n_forwards; i++) {
		if (consomme_forwards_collide(&r->setup->forwards[i], f))
			wrong(r, key, text,
			      "takes a port that another of \"hostfwd\" has");
	}
}

static void read_forwards(struct reader *r)
{
	const struct config_strings *list = &r->keys->hostfwd;
	struct consomme_config *c = &r->setup->config;
	char key[ITEM_MAX];

	for (size_t i = 0; i < list->n; i++) {
		struct consomme_forward f;
		const char *why;

		(void)item(key, "hostfwd", i);
		if (consomme_forward_parse(list->items[i], &f, &why) < 0) {
			wrong(r, key, list->items[i], "is no forward: %s", why);
			continue;
		}
		check_forward(r, key, list->items[i], &f);
		r->setup->forwards[c->n_forwards++] = f;
	}
}

static void read_rules(struct reader *r, const char *name,
		       const struct config_strings *list, bool deny)
{
	struct consomme_config *c = &r->setup->config;
	char key[ITEM_MAX];

	for (size_t i = 0; i < list->n; i++) {
		struct consomme_rule *rule = &r->setup->rules[c->n_rules];

		rule->deny = deny;
		if (csm_prefix_parse(list->items[i], &rule->prefix) == 0)
			c->n_rules++;
		else
			wrong(r, item(key, name, i), list->items[i],
			      "is no network: must be an address, or "
			      "ADDRESS/BITS with nothing behind the bits");
	}
}

static void read_aliases(struct reader *r)
{
	const struct config_strings *list = &r->keys->host_loopback;
	struct consomme_config *c = &r->setup->config;
	struct csm_addr addr;
	char key[ITEM_MAX];

	for (size_t i = 0; i < list->n; i++) {
		const char *text = list->items[i];

		(void)item(key, "host_loopback", i);
		if (csm_addr_parse(text, &addr) < 0)
			wrong(r, key, text, "is no IP address");
		else if (is_special(&addr))
			wrong(r, key, text,
			      "is no address that a guest can ask a router "
			      "for: choose one such as \"gateway\"");
		else if (csm_addr_equal(&addr, &c->guest) ||
			 csm_addr_equal(&addr, &c->dns) ||
			 csm_addr_equal(&addr, &c->dns6))
			wrong(r, key, text,
			      "is the guest's or the name "
			      "server's: choose another");
		else if (c->n_aliases &&
			 csm_addr_is4(&c->aliases[0]) == csm_addr_is4(&addr))
			wrong(r, key, text,
			      "is the second of its IP version: one is enough");
		else
			c->aliases[c->n_aliases++] = addr;
	}
}

static void read_mtu(struct reader *r, int64_t nic)
{
	struct consomme_config *c = &r->setup->config;
	int64_t mtu = r->keys->mtu;

	if (mtu == CONFIG_ABSENT)
		mtu = nic;
	if (mtu == CONFIG_ABSENT)
		return;
	c->mtu = (uint16_t)mtu;
	if (c->ipv6 && mtu < MTU6_MIN)
		wrong(r, r->keys->mtu == CONFIG_ABSENT ? "" : "mtu", NULL,
		      "an MTU of %lld is too small for IPv6: must be at least "
		      "%d, or \"ipv6\" false",
		      (long long)mtu, MTU6_MIN);
}

bool consomme_setup_read(struct consomme_setup *setup,
			 const struct consomme_keys *keys, int64_t mtu,
			 consomme_problem_fn problem, void *arg)
{
	struct reader r = {
		.setup = setup,
		.keys = keys,
		.problem = problem,
		.arg = arg,
		.good = true,
	};
	struct consomme_config *c = &setup->config;

	consomme_config_init(c);
	c->forwards = setup->forwards;
	c->rules = setup->rules;
	c->records = setup->records;
	c->ipv4 = keys->ipv4;
	c->ipv6 = keys->ipv6;
	c->restricted = keys->restricted;
	c->ring = keys->copy_ring;
	c->max_tcp = (uint32_t)keys->max_tcp;
	c->max_udp = (uint32_t)keys->max_udp;
	if (!c->ipv4 && !c->ipv6)
		wrong(&r, "ipv6", NULL,
		      "\"ipv4\" and \"ipv6\" are false: nothing is left");
	read_addresses(&r);
	read_names(&r);
	read_servers(&r);
	read_records(&r);
	read_forwards(&r);
	read_aliases(&r);
	read_rules(&r, "allow", &keys->allow, false);
	read_rules(&r, "deny", &keys->deny, true);
	read_mtu(&r, mtu);
	return r.good;
}
