/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_CONSOMME_DHCP_OPTIONS_H
#define EVNIC_BACKENDS_CONSOMME_DHCP_OPTIONS_H

/*
 * Options of DHCPv4 messages (RFC 2132): read from all the places where they
 * may be, and written.
 *
 * Pure functions on copies of messages.
 */

#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Where fields of a message are (RFC 2131, figure 1). */
enum {
	DHCP_AT_OP = 0,
	DHCP_AT_HTYPE = 1,
	DHCP_AT_HLEN = 2,
	DHCP_AT_XID = 4,
	DHCP_AT_FLAGS = 10,
	DHCP_AT_CIADDR = 12,
	DHCP_AT_YIADDR = 16,
	DHCP_AT_GIADDR = 24,
	DHCP_AT_CHADDR = 28,
	DHCP_AT_SNAME = 44,
	DHCP_AT_FILE = 108,
	DHCP_AT_COOKIE = 236,
	DHCP_AT_OPTIONS = 240,
};

enum dhcp_option {
	DHCP_PAD = 0,
	DHCP_MASK = 1,
	DHCP_ROUTER = 3,
	DHCP_DNS = 6,
	DHCP_HOSTNAME = 12,
	DHCP_DOMAIN = 15,
	DHCP_MTU = 26,
	DHCP_BROADCAST = 28,
	DHCP_REQUESTED = 50,
	DHCP_LEASE = 51,
	DHCP_OVERLOAD = 52,
	DHCP_TYPE = 53,
	DHCP_SERVER = 54,
	DHCP_PARAMETERS = 55,
	DHCP_MESSAGE = 56,
	DHCP_MAX_SIZE = 57,
	DHCP_T1 = 58,
	DHCP_T2 = 59,
	DHCP_CLIENT = 61,
	DHCP_SEARCH = 119,
	DHCP_END = 255,
};

/* A message's options. */
struct dhcp_options {
	const uint8_t *message;
	size_t len;
	uint8_t overload; /* option 52: 1: in "file" too, 2: in "sname" */
};

/* @message: DHCP_AT_OPTIONS bytes at least. -EINVAL: an option is longer than
 * what it is in, or says nonsense of where the others are. */
int dhcp_options_open(struct dhcp_options *out, const uint8_t *message,
		      size_t len) MUST_CHECK;

/* Copies option @code, at most @size bytes of it: its length, or -ENOENT. What
 * is split is put together (RFC 3396). */
ssize_t dhcp_options_get(const struct dhcp_options *options, uint8_t code,
			 uint8_t *buf, size_t size);

/* The same, of an option that has exactly @size bytes. */
bool dhcp_options_have(const struct dhcp_options *options, uint8_t code,
		       uint8_t *buf, size_t size);

/* Options being written: @len bytes of at most @size. */
struct dhcp_writer {
	uint8_t *bytes;
	size_t len, size;
};

/* Puts an option, split if it is long; an empty one, or one for which there is
 * no room besides the end's, is left out. */
void dhcp_put(struct dhcp_writer *writer, uint8_t code, const void *value,
	      size_t len);
void dhcp_put_u16(struct dhcp_writer *writer, uint8_t code, uint16_t value);
void dhcp_put_u32(struct dhcp_writer *writer, uint8_t code, uint32_t value);
void dhcp_put_end(struct dhcp_writer *writer);

#endif
