/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_MACHINE_NICS_H
#define EVNIC_MACHINE_NICS_H

/*
 * The NICs of a running machine, and what they are made of. A NIC is a chain:
 *
 *	frontend -> capture -> limiter -> disconnectable -> backend
 *
 * The backend ("netdev") can be taken away and replaced; the others stay for
 * the life of the NIC.
 *
 * Thread: the control loop. Errors are one line for people.
 */

#include "base/inspect.h"
#include "machine/kinds.h"
#include "net/event.h"
#include "net/stats.h"

struct nics;
struct nic;

struct nics_config {
	struct loop *loop;
	struct platform *platform;
	const struct machine_config *machine; /* borrowed for the life */
	/* A NIC has something to tell. */
	void (*event)(void *arg, const char *nic_id,
		      const struct net_event *event);
	/* A NIC that was to be deleted is gone (device_del). */
	void (*deleted)(void *arg, const char *nic_id);
	void *arg;
};

/* Makes all NICs and netdevs of the description. 0, or -errno and @error. */
int nics_create(const struct nics_config *config, struct kind_error *error,
		struct nics **out) MUST_CHECK;

/* All NICs must have been reset. The vCPUs are parked. */
void nics_destroy(struct nics *nics);

/* Resets all NICs; @done when none of their queues runs. */
void nics_reset(struct nics *nics, void (*done)(void *arg), void *arg);

/* Stops and starts all queues, rings kept; @done when they stand still (run). */
void nics_pause(struct nics *nics, void (*done)(void *arg), void *arg);
void nics_resume(struct nics *nics, void (*done)(void *arg), void *arg);

/* Netdevs. @config: strings are copied. All answer at once but netdev_replace
 * and netdev_del of one that a NIC uses, which answer when no queue uses the
 * old one any more. */
typedef void (*nics_done_fn)(void *arg, const struct kind_error *error);
int nics_netdev_add(struct nics *nics, const struct backend_config *config,
		    struct kind_error *error) MUST_CHECK;
void nics_netdev_del(struct nics *nics, const char *id, nics_done_fn done,
		     void *arg);
void nics_netdev_replace(struct nics *nics, const char *nic_id,
			 const char *netdev_id, nics_done_fn done, void *arg);

/* NICs, on PCI. nics_device_del() asks the guest; config.deleted tells. */
int nics_device_add(struct nics *nics, const struct nic_config *config,
		    struct kind_error *error) MUST_CHECK;
int nics_device_del(struct nics *nics, const char *id,
		    struct kind_error *error) MUST_CHECK;

/* The link as the user wants it, whatever the backend says. -ENOENT. */
int nics_set_link(struct nics *nics, const char *id, bool up) MUST_CHECK;

/* By id, a NIC's or a netdev's; NULL: there is none. */
struct nic *nics_find(struct nics *nics, const char *id);

/* For tables: NIC @i, NULL past the last. */
struct nic *nics_at(struct nics *nics, size_t i);
const char *nic_id(const struct nic *nic);
const char *nic_netdev_id(const struct nic *nic); /* NULL: detached */
const char *nic_model(const struct nic *nic);
const char *nic_backend_type(const struct nic *nic);
const uint8_t *nic_mac(const struct nic *nic);
bool nic_link_up(const struct nic *nic);
uint16_t nic_queue_pairs(const struct nic *nic);
const struct net_stats *nic_stats(const struct nic *nic, uint16_t pair);
struct net_endpoint *nic_capture(const struct nic *nic);
struct net_endpoint *nic_limiter(const struct nic *nic);

/* Fills @in (empty, initialised) with everything; @done when all queues have
 * said what they know. */
void nics_inspect(struct nics *nics, struct inspect *in,
		  void (*done)(void *arg), void *arg);

#endif
