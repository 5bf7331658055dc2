/* SPDX-License-Identifier: MIT */
/*
 * Sockets on which a consomme listens, and the host's list of name servers.
 *
 * What a machine can make by itself (a socket that connects) is not asked for
 * here. To bind takes the opener, so that a machine that was taken over cannot
 * stand in for a service of the host: below port 1024 it gets what the
 * description has, and no more.
 *
 * resolv.conf is replaced more often than written to, and more often than not it
 * is a symbolic link into another directory. So both directories are watched,
 * and the file. The watch comes first: what changes after that is told.
 */
#include "machine/opener_server.h"

#include "backends/consomme/consomme.h"
#include "machine/kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define BACKLOG 128

/* Ports below are not for everybody, whoever evnic runs as. */
#define FREE_PORT 1024

struct place {
	enum consomme_proto proto;
	struct csm_addr addr;
	uint16_t port;
};

static bool is_in(const struct consomme_forward *f, const struct place *p)
{
	return f->proto == p->proto && csm_addr_equal(&f->host, &p->addr) &&
	       p->port >= f->host_port && p->port - f->host_port < f->n_ports;
}

/* Has the description a forward from there? */
static bool is_described(const struct machine_config *config,
			 const struct place *place)
{
	for (size_t i = 0; i < config->n_backends; i++) {
		const struct backend_config *b = &config->backends[i];
		const struct config_strings *list = &b->consomme.hostfwd;

		if (b->type != endpoint_kind_consomme())
			continue;
		for (size_t j = 0; j < list->n; j++) {
			struct consomme_forward f;
			const char *why;

			if (!consomme_forward_parse(list->items[j], &f, &why) &&
			    is_in(&f, place))
				return true;
		}
	}
	return false;
}

static int set(int fd, int level, int name)
{
	const int on = 1;

	return setsockopt(fd, level, name, &on, sizeof(on));
}

/* Two UDP sockets with SO_REUSEADDR could share a port; TCP's may not both
 * listen. */
static int prepare(int fd, const struct place *place)
{
	bool tcp = place->proto == CONSOMME_TCP;
	struct sockaddr_storage sa;
	socklen_t len = csm_addr_to_sockaddr(&place->addr, place->port, &sa);

	if ((!csm_addr_is4(&place->addr) &&
	     set(fd, IPPROTO_IPV6, IPV6_V6ONLY) < 0) ||
	    (tcp && set(fd, SOL_SOCKET, SO_REUSEADDR) < 0) ||
	    bind(fd, (struct sockaddr *)&sa, len) < 0 ||
	    (tcp && listen(fd, BACKLOG) < 0))
		return -errno;
	return 0;
}

static int listen_once(void *arg)
{
	const struct place *place = arg;
	bool tcp = place->proto == CONSOMME_TCP;
	int fd = socket(csm_addr_is4(&place->addr) ? AF_INET : AF_INET6,
			(tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC |
				SOCK_NONBLOCK,
			0);
	int err = fd < 0 ? -errno : prepare(fd, place);

	if (err == 0)
		return fd;
	close_fd(&fd);
	return err;
}

static const char *cure(int err)
{
	switch (err) {
	case -EADDRINUSE:
		return "somebody has this port already: choose another";
	case -EACCES:
		return "low ports take root: choose one from 1024 on, or lower "
		       "sysctl net.ipv4.ip_unprivileged_port_start";
	case -EADDRNOTAVAIL:
		return "no interface of this host has this address";
	case -EAFNOSUPPORT:
		return "this host has no such IP version";
	case -EMFILE:
	case -ENFILE:
		return "raise the limit of open files";
	default:
		return "choose another address";
	}
}

static void fail(struct opener_answer *answer, const struct place *place,
		 int err)
{
	char text[CSM_ADDR_TEXT_MAX], cause[ERRNO_TEXT_MAX];

	opener_answer_fail(answer, err, "%s %s: %s: %s",
			   place->proto == CONSOMME_TCP ? "tcp" : "udp",
			   csm_addr_port_text(&place->addr, place->port, text),
			   errno_text(-err, cause, sizeof(cause)), cure(err));
}

/* False: it may not, and this is the answer. */
static bool may_listen(const struct opener_server *server,
		       const struct place *place, struct opener_answer *answer)
{
	char text[CSM_ADDR_TEXT_MAX];

	if (!server->config->sandbox.sockets) {
		opener_answer_fail(answer, -EACCES,
				   "this machine may not have sockets: start "
				   "it with \"sandbox\": {\"sockets\": true}");
		return false;
	}
	if (place->port >= FREE_PORT || is_described(server->config, place))
		return true;
	opener_answer_fail(answer, -EACCES,
			   "%s: a running machine gets ports from %d on: "
			   "choose one, or put the forward into the "
			   "description",
			   csm_addr_port_text(&place->addr, place->port, text),
			   FREE_PORT);
	return false;
}

void opener_serve_listen(struct opener_server *server,
			 const struct opener_request *request,
			 struct opener_answer *answer)
{
	const struct opener_listen_request ask = request->u.listen;
	struct place place = {
		.proto =
			ask.proto == CONSOMME_UDP ? CONSOMME_UDP : CONSOMME_TCP,
		.addr = csm_addr_from6(ask.addr),
		.port = ask.port,
	};
	int fd;

	if (ask.proto > CONSOMME_UDP || !ask.port ||
	    csm_addr_is_multicast(&place.addr)) {
		opener_answer_fail(answer, -EINVAL, "no such port");
		return;
	}
	if (!may_listen(server, &place, answer))
		return;
	fd = server->ready ? listen_once(&place)
			   : opener_retry(listen_once, &place);
	if (fd < 0)
		fail(answer, &place, fd);
	else
		opener_answer_fd(answer, fd);
}

/* The name servers. */

static void watch_directory(int watch, const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[OPENER_PATH_MAX];

	(void)snprintf(dir, sizeof(dir), "%.*s",
		       (int)MAX(slash ? slash - path : 0, 1), path);
	(void)inotify_add_watch(watch, dir,
				IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE |
					IN_ONLYDIR);
}

/* A descriptor that becomes readable, or -errno. */
static int open_watch(const char *path)
{
	int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char *target;

	if (watch < 0)
		return -errno;
	watch_directory(watch, path);
	target = realpath(path, NULL);
	if (target)
		watch_directory(watch, target);
	free(target);
	(void)inotify_add_watch(watch, path,
				IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF);
	return watch;
}

/* A regular file, or -errno. */
static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close_fd(&fd);
	return -EINVAL;
}

void opener_serve_resolv_conf(struct opener_server *server,
			      const struct opener_request *request,
			      struct opener_answer *answer)
{
	int watch, fd;

	UNUSED(request);
	if (!server->config->sandbox.sockets) {
		opener_answer_fail(answer, -EACCES,
				   "this machine may not have sockets");
		return;
	}
	watch = open_watch(server->resolv_conf);
	fd = open_file(server->resolv_conf);
	if (fd >= 0) {
		answer->flags |= OPENER_HAS_FILE;
		opener_answer_fd(answer, fd);
	}
	if (watch >= 0) {
		answer->flags |= OPENER_HAS_WATCH;
		opener_answer_fd(answer, watch);
	}
}
