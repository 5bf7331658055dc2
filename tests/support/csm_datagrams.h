/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_SUPPORT_CSM_DATAGRAMS_H
#define EVNIC_TESTS_SUPPORT_CSM_DATAGRAMS_H

/*
 * A guest's datagrams, and what it gets: on top of a script's stack and host.
 */

#include "support/csm_script.h"

/* Who talks to whom, from the guest to somebody. */
struct talk {
	struct csm_addr guest, far;
	uint16_t guest_port, far_port;
};

/* From the script's guest (of @far's version) port 5000. */
struct talk talk_to(const struct script *s, const char *far, uint16_t port);

struct csm_addr addr_of(const char *text);

/* The guest sends @len bytes; as one frame of datagrams of @gso bytes if that is
 * not 0. The stack has had its turn afterwards. */
void talk_send(struct script *s, const struct talk *t, const void *data,
	       size_t len, uint16_t gso);

/* The same with bytes that follow from their number: byte k is (k * 7) mod 251. */
void talk_send_n(struct script *s, const struct talk *t, size_t len,
		 uint16_t gso);
uint8_t talk_byte(size_t k);

/* A packet that the guest got: good until the next is taken. @l4: the transport
 * header, @l4_len bytes from there to the end. */
struct got {
	bool v6;
	uint8_t protocol;
	struct csm_addr src, dst;
	const uint8_t *l4;
	size_t l4_len;
	uint16_t gso_size;
	struct script_frame *frame;
};

/* The next packet for the guest alone, which must be whole and right; false:
 * there is none. What is for everybody (router advertisements) is thrown away. */
bool take_packet(struct script *s, struct got *out);
void got_free(struct got *got);

/* The next packet is a datagram from @t's far end to its guest with these bytes. */
#define expect_datagram(s, t, data, len) \
	expect_datagram_at(__FILE__, __LINE__, s, t, data, len)
void expect_datagram_at(const char *file, int line, struct script *s,
			const struct talk *t, const void *data, size_t len);

/* The next packet is an ICMP error of this type and code from @from, about a
 * datagram of @t's. Returns the header's last four bytes. */
#define expect_icmp(s, t, from, type, code) \
	expect_icmp_at(__FILE__, __LINE__, s, t, from, type, code)
uint32_t expect_icmp_at(const char *file, int line, struct script *s,
			const struct talk *t, const char *from, uint8_t type,
			uint8_t code);

/* There is no packet. */
#define expect_quiet(s) expect_quiet_at(__FILE__, __LINE__, s)
void expect_quiet_at(const char *file, int line, struct script *s);

/* The oldest datagram that went into @sock is @len bytes at @data; its GSO size
 * is returned. */
#define expect_sent(sock, data, len) \
	expect_sent_at(__FILE__, __LINE__, sock, data, len)
uint16_t expect_sent_at(const char *file, int line, struct fake_sock *sock,
			const void *data, size_t len);

#endif
