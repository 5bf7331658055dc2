/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_NICS_H
#define EVNIC_MACHINE_NICS_H

/*
 * The NICs of a running machine, and what they are connected to.
 *
 * A NIC is a chain:
 *
 *	frontend -> capture -> limiter -> disconnectable -> backend
 *
 * The backend is a netdev: it has a name of its own, can be taken out and
 * replaced while the guest runs, and stays when its NIC goes. The others live as
 * long as the NIC.
 *
 * NICs and netdevs come from the description or are added later; what they are
 * called is unique among NICs, and among netdevs.
 *
 * Thread: the control loop. Errors are one line for people.
 */

#include "backends/capture.h"
#include "backends/limiter.h"
#include "base/inspect.h"
#include "machine/kinds.h"
#include "net/event.h"
#include "net/stats.h"

#define NICS_MAX    32
#define NETDEVS_MAX 64

struct nics;
struct nic;
struct netdev;

/* What the NICs have to tell. Called from the loop; nothing here may be called
 * from within but to look. */
struct nics_client {
	void (*event)(void *arg, const char *nic_id,
		      const struct net_event *event);
	/* A capture has ended by itself. */
	void (*capture_ended)(void *arg, const char *nic_id,
			      const struct capture_end *end);
	/* A NIC that was to be deleted is gone. */
	void (*deleted)(void *arg, const char *nic_id);
};

/* @machine: borrowed for the call; the rest for the life. @opener: opens what
 * netdevs name; NULL: nobody does. */
struct nics_config {
	struct loop *loop;
	struct opener *opener;
	struct platform *platform;
	const struct machine_config *machine;
	const struct nics_client *client;
	void *arg;
};

/* Makes all NICs and netdevs of the description. 0, or -errno and @error; then
 * there is nothing left but *@out, to be destroyed in any case. */
int nics_create(const struct nics_config *config, struct kind_error *error,
		struct nics **out) MUST_CHECK;

/* Frees all. The NICs must have been reset, or the guest has never run. What
 * has not been answered never is. NULL is allowed. */
void nics_destroy(struct nics *nics);

/* Resets all NICs. @done is called from the loop, later than the call, when none
 * of their queues runs, and no change is under way. One at a time. A NIC that
 * the guest was asked to let go goes. */
void nics_reset(struct nics *nics, void (*done)(void *arg), void *arg);

/* Stops all queues, or starts them again; rings are kept. @done is called from
 * the loop, later than the call, when that is so. One at a time. */
void nics_pause(struct nics *nics, void (*done)(void *arg), void *arg);
void nics_resume(struct nics *nics, void (*done)(void *arg), void *arg);

/* The answer to a change: @error is NULL if all is well. */
typedef void (*nics_done_fn)(void *arg, const struct kind_error *error);

/* A new netdev. 0, or -errno and @error. Strings are copied. @fd: as in struct
 * endpoint_setup. */
int nics_netdev_add(struct nics *nics, const struct backend_config *config,
		    int fd, struct kind_error *error) MUST_CHECK;

/* Destroys a netdev. If a NIC has it, the NIC is without one afterwards, with
 * the link down. @done: at once, or from the loop when no queue uses it. */
void nics_netdev_del(struct nics *nics, struct netdev *netdev,
		     nics_done_fn done, void *arg);

/* Connects a NIC to another netdev, which no NIC has. The one before is without
 * a NIC afterwards. @done: at once, or from the loop when that is so; after an
 * error the NIC has what it had. */
void nics_netdev_replace(struct nics *nics, struct nic *nic,
			 struct netdev *netdev, nics_done_fn done, void *arg);

/* A new NIC in the running machine; config->backend names its netdev. 0, or
 * -errno and @error. */
int nics_device_add(struct nics *nics, const struct nic_config *config,
		    struct kind_error *error) MUST_CHECK;

/* Asks the guest to let the NIC go; client->deleted says when it has. 0, or
 * -errno and @error. Asking again is no error. */
int nics_device_del(struct nics *nics, struct nic *nic,
		    struct kind_error *error) MUST_CHECK;

/* A limit of a description's, as backends/limiter.h has it. */
struct token_bucket_config nics_bucket(const struct config_bucket *bucket);

/* By name; NULL: there is none. */
struct nic *nics_find(struct nics *nics, const char *id);
struct netdev *nics_find_netdev(struct nics *nics, const char *id);

/* The NIC that has @netdev, or NULL. */
struct nic *netdev_nic(const struct netdev *netdev);

/* Netdev @i, NULL past the last. */
struct netdev *nics_netdev_at(struct nics *nics, size_t i);

const char *netdev_id(const struct netdev *netdev);

/* What consomme.h takes, wherever it is in a NIC's chain; NULL: it is of another
 * type. */
struct net_endpoint *netdev_consomme(const struct netdev *netdev);

/* NIC @i in the order in which they came, NULL past the last. */
struct nic *nics_at(struct nics *nics, size_t i);

const char *nic_id(const struct nic *nic);
const char *nic_model(const struct nic *nic);
const uint8_t *nic_mac(const struct nic *nic);
uint16_t nic_queue_pairs(const struct nic *nic);
/* NULL: without a netdev. */
struct netdev *nic_netdev(const struct nic *nic);
const char *nic_netdev_id(const struct nic *nic);
const char *nic_backend_type(const struct nic *nic);
/* The link as the guest sees it, and as the user wants it. */
bool nic_link_up(const struct nic *nic);
void nic_set_link(struct nic *nic, bool up);
/* These are NULL when the NIC is on its way out. */
const struct net_stats *nic_stats(const struct nic *nic, uint16_t pair);
/* Links of the chain, for backends/capture.h and backends/limiter.h. */
struct net_endpoint *nic_capture(const struct nic *nic);
struct net_endpoint *nic_limiter(const struct nic *nic);

/* Fills @in with an object for each NIC and each netdev; @done is called, at once
 * or from the loop, when all queues have said what they know. */
int nics_inspect(struct nics *nics, struct inspect *in, void (*done)(void *arg),
		 void *arg) MUST_CHECK;

#endif
