/* SPDX-License-Identifier: MIT */
/*
 * The text of a forward, as QEMU has it:
 *
 *	[tcp|udp]:[host address]:port-[guest address]:port
 *
 * with two things more: IPv6 addresses in brackets, and "8000..8010" for ports
 * of the host. What is left out is TCP, any address, the guest's own address.
 *
 * Source: qemu(1), -netdev user, hostfwd.
 */
#include "backends/consomme/consomme.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORM "must be [tcp|udp]:[host address]:port-[guest address]:port"

/* What is left of the text, and what is wrong with it. */
struct reader {
	const char *at;
	const char *why;
};

static int wrong(struct reader *r, const char *why)
{
	r->why = why;
	return -EINVAL;
}

/* Takes @text if it is next. */
static bool take(struct reader *r, const char *text)
{
	size_t n = strlen(text);

	if (strncmp(r->at, text, n) != 0)
		return false;
	r->at += n;
	return true;
}

static int take_proto(struct reader *r, enum consomme_proto *proto)
{
	*proto = take(r, "udp") ? CONSOMME_UDP : CONSOMME_TCP;
	if (*proto == CONSOMME_TCP)
		(void)take(r, "tcp");
	if (!take(r, ":"))
		return wrong(r, "the protocol must be tcp or udp, and a colon");
	return 0;
}

/* An address and the colon after it. @given: there is one. */
static int take_addr(struct reader *r, struct csm_addr *addr, bool *given)
{
	const char *end = *r->at == '[' ? "]" : ":";
	char text[CSM_ADDR_TEXT_MAX];
	size_t n;

	*given = !take(r, ":");
	if (!*given)
		return 0;
	(void)take(r, "[");
	n = strcspn(r->at, end);
	if (n >= sizeof(text) || !r->at[n])
		return wrong(r, FORM);
	memcpy(text, r->at, n);
	text[n] = '\0';
	r->at += n;
	if (csm_addr_parse(text, addr) < 0 ||
	    (*end == ']') != (strchr(text, ':') != NULL))
		return wrong(r, "not an IP address; IPv6 in brackets: "
				"[fd00::2]");
	if (*end == ']')
		(void)take(r, "]");
	return take(r, ":") ? 0 : wrong(r, FORM);
}

static int take_port(struct reader *r, uint16_t *port)
{
	size_t n = strspn(r->at, "0123456789");
	int number = n > 0 && n <= 5 ? (int)strtol(r->at, NULL, 10) : 0;

	if (number < 1 || number > UINT16_MAX)
		return wrong(r, "a port must be from 1 to 65535");
	*port = (uint16_t)number;
	r->at += n;
	return 0;
}

/* PORT or PORT..PORT, and the hyphen. */
static int take_ports(struct reader *r, uint16_t *first, uint16_t *n)
{
	uint16_t last;
	int err = take_port(r, first);

	if (err < 0)
		return err;
	last = *first;
	if (take(r, ".."))
		err = take_port(r, &last);
	if (err < 0)
		return err;
	if (last < *first)
		return wrong(r, "the last port must not be below the first");
	if (last - *first >= CONSOMME_PORTS_MAX)
		return wrong(r, "a range must have at most 1024 ports");
	*n = (uint16_t)(last - *first + 1);
	return take(r, "-") ? 0 : wrong(r, FORM);
}

/* What was left out has the version of what was given. */
static int settle(struct reader *r, struct consomme_forward *f, bool host,
		  bool guest)
{
	if (!host)
		f->host = guest && !csm_addr_is4(&f->guest) ? csm_addr_any6
							    : csm_addr_any4;
	if (!guest)
		f->guest =
			csm_addr_is4(&f->host) ? csm_addr_any4 : csm_addr_any6;
	if (csm_addr_is4(&f->host) != csm_addr_is4(&f->guest))
		return wrong(r, "both addresses must be of one IP version");
	if (csm_addr_is_multicast(&f->host) ||
	    csm_addr_is_multicast(&f->guest) || csm_addr_is_loopback(&f->guest))
		return wrong(r, "nobody can have such an address there");
	if (f->guest_port + f->n_ports - 1 > UINT16_MAX)
		return wrong(r, "the guest's ports would go beyond 65535");
	return 0;
}

static int parse(struct reader *r, struct consomme_forward *f)
{
	bool host = false, guest = false;
	int err = take_proto(r, &f->proto);

	if (err == 0)
		err = take_addr(r, &f->host, &host);
	if (err == 0)
		err = take_ports(r, &f->host_port, &f->n_ports);
	if (err == 0)
		err = take_addr(r, &f->guest, &guest);
	if (err == 0)
		err = take_port(r, &f->guest_port);
	if (err < 0)
		return err;
	if (*r->at)
		return wrong(r, FORM);
	return settle(r, f, host, guest);
}

int consomme_forward_parse(const char *text, struct consomme_forward *out,
			   const char **why)
{
	struct reader r = {.at = text};
	int err;

	memset(out, 0, sizeof(*out));
	err = parse(&r, out);
	if (err < 0)
		*why = r.why;
	return err;
}

/* ":PORT", "10.0.2.15:PORT", "[::]:PORT". 0.0.0.0 is left out, and so is any
 * address of the guest's. */
static const char *end_text(const struct csm_addr *addr, uint16_t port,
			    bool guest, char buf[CSM_ADDR_TEXT_MAX])
{
	if (!csm_addr_is_any(addr) || (!guest && !csm_addr_is4(addr)))
		return csm_addr_port_text(addr, port, buf);
	(void)snprintf(buf, CSM_ADDR_TEXT_MAX, ":%u", port);
	return buf;
}

const char *consomme_forward_text(const struct consomme_forward *f,
				  char buf[CONSOMME_FORWARD_TEXT_MAX])
{
	char host[CSM_ADDR_TEXT_MAX], guest[CSM_ADDR_TEXT_MAX], last[16] = "";

	if (f->n_ports > 1)
		(void)snprintf(last, sizeof(last), "..%d",
			       f->host_port + f->n_ports - 1);
	(void)snprintf(buf, CONSOMME_FORWARD_TEXT_MAX, "%s:%s%s-%s",
		       f->proto == CONSOMME_TCP ? "tcp" : "udp",
		       end_text(&f->host, f->host_port, false, host), last,
		       end_text(&f->guest, f->guest_port, true, guest));
	return buf;
}
