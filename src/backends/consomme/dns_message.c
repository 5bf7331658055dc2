/* SPDX-License-Identifier: MIT */
/*
 * DNS messages (RFC 1035, RFC 6891): a header of six words (id, flags, and the
 * numbers of questions, answers, authority and additional records), then those.
 *
 * We read the header and the question of both queries and answers, and walk over
 * a query's records to find its OPT record, which says how long an answer may
 * be. A question's name must be written out: there is nothing before it that it
 * could point to.
 */
#include "backends/consomme/dns_message.h"

#include "base/bytes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FLAG_QR	    0x8000 /* an answer */
#define FLAG_OPCODE 0x7800
#define FLAG_AA	    0x0400 /* of our own knowledge */
#define FLAG_TC	    0x0200 /* cut */
#define FLAG_RD	    0x0100
#define FLAG_RA	    0x0080
#define FLAG_CD	    0x0010
#define FLAG_RCODE  0x000f

#define AT_ID	   0
#define AT_FLAGS   2
#define AT_QDCOUNT 4
#define AT_ANCOUNT 6
#define AT_NSCOUNT 8
#define AT_ARCOUNT 10

#define LABEL_MAX  63
#define POINTER	   0xc0 /* in place of a label's length */
#define QUESTION   4	/* bytes behind its name */
#define RECORD	   10	/* bytes between a record's name and its data */
#define OPT_LEN	   11	/* one without data */
#define EDNS_SIZE  1232 /* that we say we take: passes everywhere */
#define STATIC_TTL 60

/* A message, and how far it has been read. */
struct reader {
	const uint8_t *msg;
	size_t len, at;
};

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

void csm_dns_name_from_text(const char *text, struct csm_dns_name *out)
{
	size_t at = 0;

	out->len = 0;
	while (*text) {
		size_t n = strcspn(text, ".");

		/* The root's 0 must have room behind it. */
		if (n == 0 || n > LABEL_MAX || at + 1 + n >= CSM_DNS_NAME_LEN)
			return;
		out->b[at++] = (uint8_t)n;
		memcpy(out->b + at, text, n);
		at += n;
		text += n + (text[n] == '.');
	}
	if (at == 0)
		return;
	out->b[at++] = 0;
	out->len = (uint8_t)at;
}

void csm_dns_name_from_addr(const struct csm_addr *addr,
			    struct csm_dns_name *out)
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *v4 = csm_addr_bytes4(addr);
	char text[80];
	size_t n = 0;

	if (csm_addr_is4(addr)) {
		(void)snprintf(text, sizeof(text), "%u.%u.%u.%u.in-addr.arpa",
			       v4[3], v4[2], v4[1], v4[0]);
	} else {
		for (size_t i = sizeof(addr->b); i-- > 0;) {
			text[n++] = hex[addr->b[i] & 0xf];
			text[n++] = '.';
			text[n++] = hex[addr->b[i] >> 4];
			text[n++] = '.';
		}
		memcpy(text + n, "ip6.arpa", sizeof("ip6.arpa"));
	}
	csm_dns_name_from_text(text, out);
}

bool csm_dns_name_equal(const struct csm_dns_name *a,
			const struct csm_dns_name *b)
{
	if (a->len != b->len)
		return false;
	/* Lengths of labels are not letters. */
	for (size_t i = 0; i < a->len; i++) {
		if (lower((char)a->b[i]) != lower((char)b->b[i]))
			return false;
	}
	return true;
}

/* The name that is written out where @in is. */
static bool read_name(struct reader *in, struct csm_dns_name *out)
{
	size_t at = 0, n;

	do {
		if (in->at == in->len)
			return false;
		n = in->msg[in->at];
		if (n > LABEL_MAX || n >= in->len - in->at ||
		    at + 1 + n > CSM_DNS_NAME_LEN)
			return false;
		memcpy(out->b + at, in->msg + in->at, 1 + n);
		in->at += 1 + n;
		at += 1 + n;
	} while (n);
	out->len = (uint8_t)at;
	return true;
}

static bool skip(struct reader *in, size_t n)
{
	if (n > in->len - in->at)
		return false;
	in->at += n;
	return true;
}

/* Over a name of any form. */
static bool skip_name(struct reader *in)
{
	while (in->at < in->len) {
		uint8_t n = in->msg[in->at];

		if (n == 0)
			return skip(in, 1);
		if ((n & POINTER) == POINTER)
			return skip(in, 2);
		if (n > LABEL_MAX || !skip(in, 1u + n))
			return false;
	}
	return false;
}

static bool read_question(struct reader *in, struct csm_dns_name *name,
			  uint16_t *type, uint16_t *class)
{
	const uint8_t *at;

	if (!read_name(in, name))
		return false;
	at = in->msg + in->at;
	if (!skip(in, QUESTION))
		return false;
	*type = load_be16(at);
	*class = load_be16(at + 2);
	return true;
}

/* A record; an OPT record is taken down in @query. */
static bool read_record(struct reader *in, struct csm_dns_query *query)
{
	const uint8_t *at;

	if (!skip_name(in))
		return false;
	at = in->msg + in->at;
	if (!skip(in, RECORD) || !skip(in, load_be16(at + 8)))
		return false;
	if (load_be16(at) == CSM_DNS_OPT) {
		if (query->edns)
			return false;
		query->edns = true;
		query->room = MAX(load_be16(at + 2), CSM_DNS_UDP_MIN);
	}
	return true;
}

int csm_dns_query_parse(const uint8_t *msg, size_t len,
			struct csm_dns_query *out)
{
	struct reader in = {.msg = msg, .len = len, .at = CSM_DNS_HEADER_LEN};
	uint32_t n_records;

	memset(out, 0, sizeof(*out));
	out->room = CSM_DNS_UDP_MIN;
	if (len < CSM_DNS_HEADER_LEN)
		return -EINVAL;
	out->id = load_be16(msg + AT_ID);
	out->flags = load_be16(msg + AT_FLAGS);
	if (out->flags & FLAG_QR)
		return -EINVAL;
	if (out->flags & FLAG_OPCODE)
		return CSM_DNS_NOTIMP;
	if (load_be16(msg + AT_QDCOUNT) != 1 ||
	    !read_question(&in, &out->name, &out->type, &out->class)) {
		out->name.len = 0;
		return CSM_DNS_FORMERR;
	}
	n_records = (uint32_t)load_be16(msg + AT_ANCOUNT) +
		    load_be16(msg + AT_NSCOUNT) + load_be16(msg + AT_ARCOUNT);
	while (n_records-- > 0) {
		if (!read_record(&in, out))
			return CSM_DNS_FORMERR;
	}
	return 0;
}

/* Writes the question behind the header; the length of both. */
static size_t put_question(const struct csm_dns_query *query, uint8_t *msg)
{
	uint8_t *at = msg + CSM_DNS_HEADER_LEN;

	store_be16(msg + AT_QDCOUNT, query->name.len ? 1 : 0);
	memset(msg + AT_ANCOUNT, 0, CSM_DNS_HEADER_LEN - AT_ANCOUNT);
	if (!query->name.len)
		return CSM_DNS_HEADER_LEN;
	memcpy(at, query->name.b, query->name.len);
	at += query->name.len;
	store_be16(at, query->type);
	store_be16(at + 2, query->class);
	return (size_t)(at + QUESTION - msg);
}

size_t csm_dns_answer_begin(const struct csm_dns_query *query,
			    enum csm_dns_rcode rcode, uint8_t *msg)
{
	uint16_t kept = FLAG_OPCODE | FLAG_RD | FLAG_CD;

	store_be16(msg + AT_ID, query->id);
	store_be16(msg + AT_FLAGS, (uint16_t)(FLAG_QR | FLAG_RA | rcode |
					      (query->flags & kept)));
	return put_question(query, msg);
}

size_t csm_dns_answer_add(uint8_t *msg, size_t len, enum csm_dns_type type,
			  const void *data, size_t data_len)
{
	uint16_t flags = load_be16(msg + AT_FLAGS) | FLAG_AA;
	uint8_t *at = msg + len;

	if (len + 2 + RECORD + data_len + OPT_LEN > CSM_DNS_UDP_MIN) {
		store_be16(msg + AT_FLAGS, flags | FLAG_TC);
		return len;
	}
	store_be16(msg + AT_FLAGS, flags);
	store_be16(at, POINTER << 8 | CSM_DNS_HEADER_LEN);
	store_be16(at + 2, (uint16_t)type);
	store_be16(at + 4, CSM_DNS_IN);
	store_be32(at + 6, STATIC_TTL);
	store_be16(at + 10, (uint16_t)data_len);
	memcpy(at + 2 + RECORD, data, data_len);
	store_be16(msg + AT_ANCOUNT,
		   (uint16_t)(load_be16(msg + AT_ANCOUNT) + 1));
	return len + 2 + RECORD + data_len;
}

size_t csm_dns_answer_end(const struct csm_dns_query *query, uint8_t *msg,
			  size_t len)
{
	uint8_t *at = msg + len;

	if (!query->edns)
		return len;
	memset(at, 0, OPT_LEN);
	store_be16(at + 1, CSM_DNS_OPT);
	store_be16(at + 3, EDNS_SIZE);
	store_be16(msg + AT_ARCOUNT, 1);
	return len + OPT_LEN;
}

enum csm_dns_rcode csm_dns_answer_rcode(const uint8_t *msg)
{
	return load_be16(msg + AT_FLAGS) & FLAG_RCODE;
}

bool csm_dns_is_answer(const struct csm_dns_query *query, uint16_t id,
		       const uint8_t *msg, size_t len)
{
	struct reader in = {.msg = msg, .len = len, .at = CSM_DNS_HEADER_LEN};
	struct csm_dns_name name;
	uint16_t flags, type, class;

	if (len < CSM_DNS_HEADER_LEN || load_be16(msg + AT_ID) != id)
		return false;
	flags = load_be16(msg + AT_FLAGS);
	if ((flags & (FLAG_QR | FLAG_OPCODE)) != FLAG_QR)
		return false;
	/* Who could not make sense of the question may leave it out. */
	if (load_be16(msg + AT_QDCOUNT) == 0)
		return csm_dns_answer_rcode(msg) != CSM_DNS_NOERROR;
	return load_be16(msg + AT_QDCOUNT) == 1 &&
	       read_question(&in, &name, &type, &class) &&
	       csm_dns_name_equal(&name, &query->name) && type == query->type &&
	       class == query->class;
}

size_t csm_dns_answer_cut(const struct csm_dns_query *query, uint8_t *msg)
{
	uint16_t flags = load_be16(msg + AT_FLAGS);

	store_be16(msg + AT_FLAGS, flags | FLAG_TC);
	return csm_dns_answer_end(query, msg, put_question(query, msg));
}
