/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_CONSOMME_DNS_MESSAGE_H
#define EVNIC_BACKENDS_CONSOMME_DNS_MESSAGE_H

/*
 * DNS messages (RFC 1035, 4; EDNS: RFC 6891), as far as a proxy has to know
 * them: what is asked, whether something is an answer to that, and how to make
 * short answers. Pure.
 *
 * Names are in wire form here: labels behind their lengths, up to the root's 0.
 */

#include "backends/consomme/addr.h"
#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CSM_DNS_PORT	   53
#define CSM_DNS_HEADER_LEN 12
#define CSM_DNS_NAME_LEN   255 /* the longest */
#define CSM_DNS_UDP_MIN	   512 /* what everybody takes */

enum csm_dns_rcode {
	CSM_DNS_NOERROR = 0,
	CSM_DNS_FORMERR = 1,
	CSM_DNS_SERVFAIL = 2,
	CSM_DNS_NXDOMAIN = 3,
	CSM_DNS_NOTIMP = 4,
	CSM_DNS_REFUSED = 5,
};

enum csm_dns_type {
	CSM_DNS_A = 1,
	CSM_DNS_PTR = 12,
	CSM_DNS_AAAA = 28,
	CSM_DNS_OPT = 41,
	CSM_DNS_ANY = 255,
};

#define CSM_DNS_IN 1

struct csm_dns_name {
	uint8_t b[CSM_DNS_NAME_LEN];
	uint8_t len; /* 0: there is none */
};

/* "www.example.org", with or without a dot at the end; none if @text is not
 * one. */
void csm_dns_name_from_text(const char *text, struct csm_dns_name *out);

/* Where an address has its name: "2.2.0.10.in-addr.arpa". */
void csm_dns_name_from_addr(const struct csm_addr *addr,
			    struct csm_dns_name *out);

/* Case does not count. */
bool csm_dns_name_equal(const struct csm_dns_name *a,
			const struct csm_dns_name *b);

/* A query. @flags: the header's second word. @edns: it has an OPT record. @room:
 * the longest answer that the asker takes by UDP. */
struct csm_dns_query {
	uint16_t id, flags;
	uint16_t type, class;
	struct csm_dns_name name;
	bool edns;
	uint16_t room;
};

/* Reads a query. 0; -EINVAL: it is not one, no answer; or what to answer (enum
 * csm_dns_rcode). With FORMERR and NOTIMP @out is good for that much. */
int csm_dns_query_parse(const uint8_t *msg, size_t len,
			struct csm_dns_query *out) MUST_CHECK;

/* An answer of our own to @query: begin, add records, end. @msg has room for
 * CSM_DNS_UDP_MIN bytes, which are enough for any without records. Each gives the
 * new length. */
size_t csm_dns_answer_begin(const struct csm_dns_query *query,
			    enum csm_dns_rcode rcode, uint8_t *msg);

/* A record of the name that was asked for. If there is no room for it the answer
 * is marked as cut. */
size_t csm_dns_answer_add(uint8_t *msg, size_t len, enum csm_dns_type type,
			  const void *data, size_t data_len);
size_t csm_dns_answer_end(const struct csm_dns_query *query, uint8_t *msg,
			  size_t len);

/* Is @msg, from a server that was asked @query as number @id, the answer? */
bool csm_dns_is_answer(const struct csm_dns_query *query, uint16_t id,
		       const uint8_t *msg, size_t len);

/* Of an answer. */
enum csm_dns_rcode csm_dns_answer_rcode(const uint8_t *msg);

/* Makes of an answer to @query that is too long one that says so (TC): its
 * beginning, without records. The new length, less than CSM_DNS_UDP_MIN. */
size_t csm_dns_answer_cut(const struct csm_dns_query *query, uint8_t *msg);

#endif
