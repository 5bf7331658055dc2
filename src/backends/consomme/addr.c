/* SPDX-License-Identifier: MIT */
/*
 * Addresses and prefixes of both IP versions, and their text.
 *
 * An IPv4 address that came in an IPv6 packet as ::ffff:a.b.c.d is the IPv4
 * address to everybody who asks here: what is said about 127.0.0.1 holds for
 * it.
 */
#include "backends/consomme/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#define V4_BITS 96 /* in front of an IPv4 address */

const struct csm_addr csm_addr_any4 = {
	{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}};
const struct csm_addr csm_addr_any6 = {{0}};

struct csm_addr csm_addr_from4(const uint8_t v4[4])
{
	struct csm_addr addr = csm_addr_any4;

	memcpy(addr.b + 12, v4, 4);
	return addr;
}

struct csm_addr csm_addr_from6(const uint8_t v6[16])
{
	struct csm_addr addr;

	memcpy(addr.b, v6, sizeof(addr.b));
	return addr;
}

struct csm_addr csm_addr_from_u32(uint32_t v4)
{
	const uint8_t bytes[4] = {
		(uint8_t)(v4 >> 24),
		(uint8_t)(v4 >> 16),
		(uint8_t)(v4 >> 8),
		(uint8_t)v4,
	};

	return csm_addr_from4(bytes);
}

bool csm_addr_is4(const struct csm_addr *addr)
{
	return memcmp(addr->b, csm_addr_any4.b, 12) == 0;
}

bool csm_addr_is_any(const struct csm_addr *addr)
{
	return csm_addr_equal(addr, &csm_addr_any4) ||
	       csm_addr_equal(addr, &csm_addr_any6);
}

bool csm_addr_is_loopback(const struct csm_addr *addr)
{
	static const struct csm_addr loopback6 = {{[15] = 1}};

	if (csm_addr_is4(addr))
		return csm_addr_bytes4(addr)[0] == 127;
	return csm_addr_equal(addr, &loopback6);
}

bool csm_addr_is_multicast(const struct csm_addr *addr)
{
	static const uint8_t broadcast[4] = {255, 255, 255, 255};
	const uint8_t *v4 = csm_addr_bytes4(addr);

	if (csm_addr_is4(addr))
		return (v4[0] & 0xf0) == 0xe0 || memcmp(v4, broadcast, 4) == 0;
	return addr->b[0] == 0xff;
}

bool csm_addr_is_link_local(const struct csm_addr *addr)
{
	const uint8_t *v4 = csm_addr_bytes4(addr);

	if (csm_addr_is4(addr))
		return v4[0] == 169 && v4[1] == 254;
	return addr->b[0] == 0xfe && (addr->b[1] & 0xc0) == 0x80;
}

/* The first @len bits of @addr, the others 0. */
static struct csm_addr masked(const struct csm_addr *addr, unsigned int len)
{
	struct csm_addr out = {{0}};
	size_t bytes = len / 8;

	memcpy(out.b, addr->b, bytes);
	if (len % 8)
		out.b[bytes] =
			(uint8_t)(addr->b[bytes] & (0xff00u >> (len % 8)));
	return out;
}

bool csm_prefix_has(const struct csm_prefix *prefix,
		    const struct csm_addr *addr)
{
	struct csm_addr head = masked(addr, prefix->len);

	return csm_addr_is4(&prefix->addr) == csm_addr_is4(addr) &&
	       csm_addr_equal(&head, &prefix->addr);
}

int csm_addr_parse(const char *text, struct csm_addr *out)
{
	uint8_t bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1)
		*out = csm_addr_from4(bytes);
	else if (inet_pton(AF_INET6, text, bytes) == 1)
		*out = csm_addr_from6(bytes);
	else
		return -EINVAL;
	return 0;
}

/* Digits and nothing else, at most @max; or -EINVAL. */
static int parse_bits(const char *text, int max)
{
	size_t n = strspn(text, "0123456789");
	int bits = n > 0 && n <= 3 && !text[n] ? (int)strtol(text, NULL, 10)
					       : max + 1;

	return bits > max ? -EINVAL : bits;
}

int csm_prefix_parse(const char *text, struct csm_prefix *out)
{
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	char addr[CSM_ADDR_TEXT_MAX];
	struct csm_addr head;
	int bits, first;

	if (n >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, n);
	addr[n] = '\0';
	if (csm_addr_parse(addr, &out->addr) < 0)
		return -EINVAL;
	first = strchr(addr, ':') ? 0 : V4_BITS;
	bits = slash ? parse_bits(slash + 1, 128 - first) : 128 - first;
	if (bits < 0)
		return -EINVAL;
	out->len = (uint8_t)(first + bits);
	head = masked(&out->addr, out->len);
	return csm_addr_equal(&head, &out->addr) ? 0 : -EINVAL;
}

const char *csm_addr_text(const struct csm_addr *addr,
			  char buf[CSM_ADDR_TEXT_MAX])
{
	bool is4 = csm_addr_is4(addr);

	(void)inet_ntop(is4 ? AF_INET : AF_INET6,
			is4 ? csm_addr_bytes4(addr) : addr->b, buf,
			CSM_ADDR_TEXT_MAX);
	return buf;
}

const char *csm_addr_port_text(const struct csm_addr *addr, uint16_t port,
			       char buf[CSM_ADDR_TEXT_MAX])
{
	char text[CSM_ADDR_TEXT_MAX];
	bool is4 = csm_addr_is4(addr);

	(void)snprintf(buf, CSM_ADDR_TEXT_MAX, "%s%.45s%s:%u", is4 ? "" : "[",
		       csm_addr_text(addr, text), is4 ? "" : "]", port);
	return buf;
}

socklen_t csm_addr_to_sockaddr(const struct csm_addr *addr, uint16_t port,
			       struct sockaddr_storage *out)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

	memset(out, 0, sizeof(*out));
	if (csm_addr_is4(addr)) {
		v4.sin_port = htons(port);
		memcpy(&v4.sin_addr, csm_addr_bytes4(addr), 4);
		memcpy(out, &v4, sizeof(v4));
		return sizeof(v4);
	}
	v6.sin6_port = htons(port);
	memcpy(&v6.sin6_addr, addr->b, sizeof(addr->b));
	memcpy(out, &v6, sizeof(v6));
	return sizeof(v6);
}

int csm_addr_from_sockaddr(const struct sockaddr_storage *sa,
			   struct csm_addr *addr, uint16_t *port)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (sa->ss_family == AF_INET) {
		memcpy(&v4, sa, sizeof(v4));
		*addr = csm_addr_from4((const uint8_t *)&v4.sin_addr);
		*port = ntohs(v4.sin_port);
		return 0;
	}
	if (sa->ss_family == AF_INET6) {
		memcpy(&v6, sa, sizeof(v6));
		*addr = csm_addr_from6(v6.sin6_addr.s6_addr);
		*port = ntohs(v6.sin6_port);
		return 0;
	}
	return -EINVAL;
}
