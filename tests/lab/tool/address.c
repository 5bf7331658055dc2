/* SPDX-License-Identifier: MIT */
/*
 * Addresses of both IP versions, and sockets that hear both.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

bool lab_addr_parse(const char *text, const char *port, struct lab_addr *out)
{
	in_port_t wire = htons((uint16_t)lab_number(port, UINT16_MAX));
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = wire};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = wire};

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
		memcpy(&out->storage, &v4, sizeof(v4));
		out->len = sizeof(v4);
		return true;
	}
	if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) {
		memcpy(&out->storage, &v6, sizeof(v6));
		out->len = sizeof(v6);
		return true;
	}
	errno = EINVAL;
	return false;
}

int lab_addr_socket(const struct lab_addr *addr, int type)
{
	return socket(addr->storage.ss_family, type | SOCK_CLOEXEC, 0);
}

int lab_addr_server(const struct lab_addr *addr, int type)
{
	const int yes = 1;
	int sock = lab_addr_socket(addr, type);

	if (sock < 0)
		return -errno;
	setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(sock, (const void *)&addr->storage, addr->len) != 0 ||
	    (type == SOCK_STREAM && listen(sock, 8) != 0)) {
		int err = errno;

		close(sock);
		errno = err;
		return -err;
	}
	return sock;
}

int lab_addr_server_any(const char *port, int type)
{
	struct lab_addr addr;
	int sock = -1;

	/* Hears IPv4 as well; a kernel may be without IPv6. */
	if (lab_addr_parse("::", port, &addr))
		sock = lab_addr_server(&addr, type);
	if (sock == -EAFNOSUPPORT && lab_addr_parse("0.0.0.0", port, &addr))
		sock = lab_addr_server(&addr, type);
	return sock;
}
