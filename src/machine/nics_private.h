/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_NICS_PRIVATE_H
#define EVNIC_MACHINE_NICS_PRIVATE_H

/*
 * What nics.c (all of them), nic.c (one), netdevs.c and nics_inspect.c share.
 */

#include "machine/iothreads.h"
#include "machine/nics.h"

/* @endpoint: NULL while it is in the chain of @nic. @consomme: the same wherever
 * it is, if it is a consomme. @nic: who has it, or is about to. */
struct netdev {
	char *id;
	const char *type;
	struct net_endpoint *endpoint;
	struct net_endpoint *consomme;
	struct nic *nic;
};

/* A change of a NIC's netdev: from the present one (if any) to @to (if any).
 * @destroy: what is taken out is to be destroyed. */
struct nic_swap {
	bool active;
	bool destroy;
	struct netdev *to;
	nics_done_fn done;
	void *arg;
};

/* @loops: one for each pair, of @n_loops that were taken. @disconnectable,
 * @limiter, @capture: the chain, each around the one before; @top: its
 * outermost link. @pausing: a request to
 * the frontend that makes it @paused, or not, has not been answered. */
struct nic {
	struct nics *nics;
	char *id;
	const char *model;
	uint8_t mac[6];
	uint16_t n_pairs;
	uint16_t n_loops;
	struct loop *loops[CONFIG_MAX_QUEUE_PAIRS];
	struct netdev *netdev;
	struct net_endpoint *disconnectable, *limiter, *capture, *top;
	struct frontend *frontend;
	struct nic_swap swap;
	bool paused, pausing;
	bool asked_back; /* the guest has been asked to let it go */
	bool leaving;	 /* it goes, whatever happens */
	bool resetting;
	bool was_reset; /* on its way out */
	bool inspecting;
};

struct nics_walk;

/* @reset_done, @pause_done: whom the reset or pause under way is for. @check:
 * looks whether it is complete. @walks: inspections, the first is under way. */
struct nics {
	struct nics_config config;
	enum config_transport transport;
	bool sockets;		     /* as in struct endpoint_setup */
	struct resolv_watch *resolv; /* NULL: nobody has needed it */
	struct iothreads iothreads;
	struct nic *nics[NICS_MAX];
	size_t n_nics;
	struct netdev *netdevs[NETDEVS_MAX];
	size_t n_netdevs;
	bool paused;
	unsigned int n_resetting;
	void (*reset_done)(void *arg);
	void *reset_arg;
	void (*pause_done)(void *arg);
	void *pause_arg;
	ev_timer check;
	struct nics_walk *walks;
};

/* @error: "NAME: WHAT". Returns @err. */
int nics_fail(struct kind_error *error, int err, const char *format, ...)
	PRINTF_LIKE(3, 4);

/* Something has come to an end that a reset or a pause may have waited for. */
void nics_check(struct nics *nics);

/* nic.c */

/* Makes a NIC on @netdev, which nobody has, and puts it into the table. 0, or
 * -errno and @error; then the NIC is on its way out, or gone. */
int nic_create(struct nics *nics, const struct nic_config *config,
	       struct netdev *netdev, struct kind_error *error) MUST_CHECK;

/* Frees a NIC at once. Its queues do not run, its threads have been joined. */
void nic_destroy(struct nic *nic);

/* Resets the NIC, gives everything back and frees it, as fast as that goes. */
void nic_leave(struct nic *nic);

/* Goes on with that, if it is under way. May free the NIC. */
void nic_leave_step(struct nic *nic);

void nic_reset(struct nic *nic);

/* Has the frontend paused or running, as nics->paused says. */
void nic_settle(struct nic *nic);

/* Is something under way that a reset waits for? */
bool nic_is_busy(const struct nic *nic);

/* Changes the netdev; see struct nic_swap. Nothing is active and the NIC stays.
 * @to, if any, is free. */
void nic_begin_swap(struct nic *nic, struct netdev *to, bool destroy,
		    nics_done_fn done, void *arg);

/* netdevs.c */

/* @fd, @mtu: as in struct endpoint_setup. */
int netdev_create(struct nics *nics, const struct backend_config *config,
		  int fd, int64_t mtu, struct kind_error *error,
		  struct netdev **out) MUST_CHECK;
void netdev_destroy(struct nics *nics, struct netdev *netdev);

/* After all netdevs. */
void netdevs_fini(struct nics *nics);

/* nics_inspect.c */

/* NIC @i has gone from the table. */
void nics_left(struct nics *nics, size_t i);

void nics_forget_walks(struct nics *nics);

#endif
