/* SPDX-License-Identifier: MIT */
/*
 * DNS for the guest: queries to the stack's DNS address.
 *
 * A name of the description's records, or the name of such an address, is
 * answered here, and so is every question about that name: that there is nothing
 * else. Everything else goes to the host's servers, unless the network is
 * restricted: what is asked leads outside as well as any packet.
 */
#include "backends/consomme/dns.h"

#include "backends/consomme/build.h"

#include <errno.h>
#include <stdlib.h>

/* The longest query that is read: what a guest with large frames could send is
 * no query. */
#define QUERY_MAX 1500

int csm_dns_create(struct csm_stack *stack)
{
	struct csm_dns *dns = calloc(1, sizeof(*dns));

	if (!dns)
		return -ENOMEM;
	stack->dns = dns;
	csm_dns_set_resolv_conf(stack, "");
	return 0;
}

void csm_dns_destroy(struct csm_stack *stack)
{
	free(stack->dns);
	stack->dns = NULL;
}

void csm_dns_set_resolv_conf(struct csm_stack *stack, const char *text)
{
	const struct consomme_config *config = stack->config;
	struct csm_resolv_conf *conf = &stack->dns->conf;

	csm_resolv_conf_parse(text, conf);
	if (config->n_servers) {
		conf->n_servers = config->n_servers;
		memcpy(conf->servers, config->servers, sizeof(conf->servers));
	}
	stack->dns->current = 0;
}

int csm_dns_server(struct csm_stack *stack, struct csm_addr *server)
{
	if (stack->config->restricted)
		return -ENOENT;
	*server = stack->dns->conf.servers[stack->dns->current];
	return 0;
}

void csm_dns_say(struct csm_stack *stack, const struct csm_key *key,
		 const struct csm_dns_query *query, enum csm_dns_rcode rcode)
{
	uint8_t msg[CSM_DNS_UDP_MIN];
	size_t len = csm_dns_answer_begin(query, rcode, msg);

	len = csm_dns_answer_end(query, msg, len);
	csm_build_udp_reply(stack, &key->far, CSM_DNS_PORT, &key->guest,
			    key->guest_port, msg, len);
}

static bool asks_for(const struct csm_dns_query *query, enum csm_dns_type type)
{
	return query->type == type || query->type == CSM_DNS_ANY;
}

/* Adds what @record says to @query, if it is about the record's name or address;
 * false: it is not. */
static bool answer_record(const struct consomme_record *record,
			  const struct csm_dns_query *query, uint8_t *msg,
			  size_t *len)
{
	bool is4 = csm_addr_is4(&record->addr);
	enum csm_dns_type type = is4 ? CSM_DNS_A : CSM_DNS_AAAA;
	struct csm_dns_name name, pointer;

	csm_dns_name_from_text(record->name, &name);
	csm_dns_name_from_addr(&record->addr, &pointer);
	if (csm_dns_name_equal(&pointer, &query->name)) {
		if (asks_for(query, CSM_DNS_PTR))
			*len = csm_dns_answer_add(msg, *len, CSM_DNS_PTR,
						  name.b, name.len);
		return true;
	}
	if (!csm_dns_name_equal(&name, &query->name))
		return false;
	if (!asks_for(query, type))
		return true;
	*len = is4 ? csm_dns_answer_add(msg, *len, type,
					csm_addr_bytes4(&record->addr), 4)
		   : csm_dns_answer_add(msg, *len, type, record->addr.b, 16);
	return true;
}

/* Answers out of the description's records; false: they know nothing of it. */
static bool answer_static(struct csm_stack *stack, const struct csm_in *in,
			  const struct csm_dns_query *query)
{
	const struct consomme_config *c = stack->config;
	uint8_t msg[CSM_DNS_UDP_MIN];
	size_t len = csm_dns_answer_begin(query, CSM_DNS_NOERROR, msg);
	bool known = false;

	if (query->class != CSM_DNS_IN && query->class != CSM_DNS_ANY)
		return false;
	for (size_t i = 0; i < c->n_records; i++)
		known |= answer_record(&c->records[i], query, msg, &len);
	if (!known)
		return false;
	stack->count.dns_static++;
	len = csm_dns_answer_end(query, msg, len);
	csm_build_udp_reply(stack, &in->dst, CSM_DNS_PORT, &in->src,
			    in->src_port, msg, len);
	return true;
}

static struct csm_key key_of(const struct csm_in *in,
			     const struct csm_dns_query *query)
{
	return (struct csm_key){
		.guest = in->src,
		.guest_port = in->src_port,
		.far = in->dst,
		.far_port = query->id,
		.kind = CSM_FLOW_DNS,
	};
}

void csm_dns_input(struct csm_stack *stack, const struct csm_in *in)
{
	struct csm_dns_query query;
	uint8_t msg[QUERY_MAX];
	struct csm_key key;
	size_t len;
	int rcode;

	stack->count.dns++;
	if (in->payload_len > sizeof(msg)) {
		stack->count.udp_dropped++;
		return;
	}
	len = csm_in_copy(in, msg, sizeof(msg));
	rcode = csm_dns_query_parse(msg, len, &query);
	key = key_of(in, &query);
	if (rcode < 0)
		stack->count.udp_dropped++;
	else if (rcode > 0)
		csm_dns_say(stack, &key, &query, (enum csm_dns_rcode)rcode);
	else if (answer_static(stack, in, &query))
		return;
	else if (stack->config->restricted)
		csm_dns_say(stack, &key, &query, CSM_DNS_REFUSED);
	else
		csm_dns_forward(stack, &key, &query, msg, len);
}
