/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_CONSOMME_ADDR_H
#define EVNIC_BACKENDS_CONSOMME_ADDR_H

/*
 * Addresses of both IP versions in one shape: 16 bytes in wire order, IPv4 as
 * ::ffff:a.b.c.d (RFC 4291, 2.5.5.2). Ports are host integers.
 */

#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

struct csm_addr {
	uint8_t b[16];
};

/* Room for "[ffff:...:ffff]:65535" or a prefix. */
#define CSM_ADDR_TEXT_MAX 64

extern const struct csm_addr csm_addr_any4; /* 0.0.0.0 */
extern const struct csm_addr csm_addr_any6; /* :: */

/* @v4: the four bytes as they stand in a packet. */
struct csm_addr csm_addr_from4(const uint8_t v4[4]);
struct csm_addr csm_addr_from6(const uint8_t v6[16]);

/* The same from a host integer: 0x0a000202 is 10.0.2.2. */
struct csm_addr csm_addr_from_u32(uint32_t v4);

bool csm_addr_is4(const struct csm_addr *addr);

/* The four bytes of an IPv4 address. */
static inline const uint8_t *csm_addr_bytes4(const struct csm_addr *addr)
{
	return addr->b + 12;
}

static inline bool csm_addr_equal(const struct csm_addr *a,
				  const struct csm_addr *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool csm_addr_is_any(const struct csm_addr *addr);	  /* 0.0.0.0 or :: */
bool csm_addr_is_loopback(const struct csm_addr *addr);	  /* 127/8 or ::1 */
bool csm_addr_is_multicast(const struct csm_addr *addr);  /* or broadcast */
bool csm_addr_is_link_local(const struct csm_addr *addr); /* 169.254, fe80 */

/* A prefix: the first @len bits; of IPv4 96 to 128. */
struct csm_prefix {
	struct csm_addr addr;
	uint8_t len;
};

bool csm_prefix_has(const struct csm_prefix *prefix,
		    const struct csm_addr *addr);

/* "10.0.2.2" or "fd00::2"; 0 or -EINVAL. A prefix: "10.0.0.0/8", "fd00::/8",
 * or an address, which is all of it; -EINVAL also if bits beyond it are set. */
int csm_addr_parse(const char *text, struct csm_addr *out) MUST_CHECK;
int csm_prefix_parse(const char *text, struct csm_prefix *out) MUST_CHECK;

/* Returns @buf. */
const char *csm_addr_text(const struct csm_addr *addr,
			  char buf[CSM_ADDR_TEXT_MAX]);

/* "10.0.2.2:80", "[fd00::2]:80". Returns @buf. */
const char *csm_addr_port_text(const struct csm_addr *addr, uint16_t port,
			       char buf[CSM_ADDR_TEXT_MAX]);

/* A socket address of the address's own family; its length. */
socklen_t csm_addr_to_sockaddr(const struct csm_addr *addr, uint16_t port,
			       struct sockaddr_storage *out);

/* -EINVAL: another family. */
int csm_addr_from_sockaddr(const struct sockaddr_storage *sa,
			   struct csm_addr *addr, uint16_t *port) MUST_CHECK;

#endif
