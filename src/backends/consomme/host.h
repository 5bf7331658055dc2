/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_BACKENDS_CONSOMME_HOST_H
#define EVNIC_BACKENDS_CONSOMME_HOST_H

/*
 * The host as a stack sees it: its clock, its randomness, its sockets.
 *
 * All of a stack's calls to the outside go through here, so that tests can put
 * a host of their own in its place, with a clock that they set and sockets that
 * do as they are told. The functions are the system calls of the same name with
 * -errno as their result; sockets never block.
 *
 * Thread: that of the stack.
 */

#include "backends/consomme/addr.h"
#include "base/util.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>

struct csm_host;

enum csm_socket {
	CSM_SOCKET_TCP,
	CSM_SOCKET_UDP,
	CSM_SOCKET_PING,
};

/* What the host does; called through the functions below. */
struct csm_host_ops {
	uint64_t (*now)(struct csm_host *host);
	void (*random)(struct csm_host *host, void *buf, size_t len);
	int (*socket)(struct csm_host *host, enum csm_socket kind, bool v6);
	int (*connect)(struct csm_host *host, int fd,
		       const struct csm_addr *addr, uint16_t port);
	int (*accept)(struct csm_host *host, int fd, struct csm_addr *addr,
		      uint16_t *port);
	ssize_t (*send)(struct csm_host *host, int fd, const struct msghdr *msg,
			int flags);
	ssize_t (*recv)(struct csm_host *host, int fd, struct msghdr *msg,
			int flags);
	int (*shutdown)(struct csm_host *host, int fd, int how);
	int (*set)(struct csm_host *host, int fd, int level, int name,
		   const void *value, socklen_t len);
	int (*get)(struct csm_host *host, int fd, int level, int name,
		   void *value, socklen_t *len);
	void (*close)(struct csm_host *host, int fd);
	int (*watch)(struct csm_host *host, int fd, uint32_t events, void *arg,
		     bool anew);
	int (*wait)(struct csm_host *host, struct epoll_event *events, int max);
};

/* @event_fd: readable when csm_host_wait() may have something; -1: nobody will
 * say, ask. */
struct csm_host {
	const struct csm_host_ops *ops;
	int event_fd;
};

/* The real one. 0 or -errno. */
int csm_host_linux_create(struct csm_host **out) MUST_CHECK;
void csm_host_linux_destroy(struct csm_host *host);

/* Nanoseconds of a clock that never goes back. */
static inline uint64_t csm_host_now(struct csm_host *host)
{
	return host->ops->now(host);
}

static inline void csm_host_random(struct csm_host *host, void *buf, size_t len)
{
	host->ops->random(host, buf, len);
}

/* A socket, not blocking, close-on-exec: the descriptor or -errno. */
static inline int csm_host_socket(struct csm_host *host, enum csm_socket kind,
				  bool v6)
{
	return host->ops->socket(host, kind, v6);
}

/* 0, -EINPROGRESS (EPOLLOUT will tell, and SO_ERROR how) or -errno. */
static inline int csm_host_connect(struct csm_host *host, int fd,
				   const struct csm_addr *addr, uint16_t port)
{
	return host->ops->connect(host, fd, addr, port);
}

/* The descriptor, and who it is; -EAGAIN: nobody; -errno. */
static inline int csm_host_accept(struct csm_host *host, int fd,
				  struct csm_addr *addr, uint16_t *port)
{
	return host->ops->accept(host, fd, addr, port);
}

/* sendmsg() with MSG_DONTWAIT and MSG_NOSIGNAL. */
static inline ssize_t csm_host_send(struct csm_host *host, int fd,
				    const struct msghdr *msg, int flags)
{
	return host->ops->send(host, fd, msg, flags);
}

/* recvmsg() with MSG_DONTWAIT. With MSG_TRUNC on TCP the bytes are thrown away,
 * and there need not be any place for them. */
static inline ssize_t csm_host_recv(struct csm_host *host, int fd,
				    struct msghdr *msg, int flags)
{
	return host->ops->recv(host, fd, msg, flags);
}

static inline int csm_host_shutdown(struct csm_host *host, int fd, int how)
{
	return host->ops->shutdown(host, fd, how);
}

/* Socket options. */
static inline int csm_host_set(struct csm_host *host, int fd, int level,
			       int name, const void *value, socklen_t len)
{
	return host->ops->set(host, fd, level, name, value, len);
}

static inline int csm_host_get(struct csm_host *host, int fd, int level,
			       int name, void *value, socklen_t *len)
{
	return host->ops->get(host, fd, level, name, value, len);
}

/* The descriptor is not watched any more afterwards. */
static inline void csm_host_close(struct csm_host *host, int fd)
{
	host->ops->close(host, fd);
}

/* Has @events of @fd (EPOLL*, EPOLLET too) told by csm_host_wait() with @arg.
 * -errno: no memory, or too many. */
static inline int csm_host_watch(struct csm_host *host, int fd, uint32_t events,
				 void *arg)
{
	return host->ops->watch(host, fd, events, arg, true);
}

/* Changes what is watched. */
static inline int csm_host_rewatch(struct csm_host *host, int fd,
				   uint32_t events, void *arg)
{
	return host->ops->watch(host, fd, events, arg, false);
}

/* What has happened, at most @max events; never waits. Their number. */
static inline int csm_host_wait(struct csm_host *host,
				struct epoll_event *events, int max)
{
	return host->ops->wait(host, events, max);
}

#endif
