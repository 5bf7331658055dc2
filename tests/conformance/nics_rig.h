/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_NICS_RIG_H
#define EVNIC_TESTS_NICS_RIG_H

/*
 * The NICs of a machine without a VM, and a guest that drives them.
 *
 * Thread: the control loop's, which is the caller's; what takes time is waited
 * for by running it.
 */

#include "machine/nics.h"
#include "support/ring_driver.h"
#include "support/virtio_guest.h"

#define RIG_NICS FAKE_MAX_SLOTS

/* The guest's side of a slot. @sent, @received: frames since the last start. */
struct rig_nic {
	struct virtio_guest guest;
	struct ring_driver rx, tx;
	uint64_t rx_buf, tx_buf;
	uint32_t sent, received, completed;
	bool running;
};

/* @link_down, @link_up, @deleted: events so far; @last_deleted: whose. */
struct nics_rig {
	struct loop loop;
	struct guest_ram ram;
	struct fake_platform platform;
	struct machine_config config;
	struct nics *nics;
	struct rig_nic guests[RIG_NICS];
	unsigned int link_down, link_up, deleted;
	char last_deleted[32];
};

/* A machine without NICs. @threads: each queue pair has one. */
void nics_rig_init(struct nics_rig *rig, bool threads);

/* Resets and frees all. */
void nics_rig_fini(struct nics_rig *rig);

/* Adds to the description, before nics_rig_create(): netdev @id of @type, and a
 * NIC on it. */
void nics_rig_describe(struct nics_rig *rig, const char *nic, const char *id,
		       const char *type);
void nics_rig_create(struct nics_rig *rig);

/* Another netdev, another NIC; 0 or -errno. */
int nics_rig_netdev_add(struct nics_rig *rig, const char *id, const char *type);
int nics_rig_device_add(struct nics_rig *rig, const char *id,
			const char *netdev);

/* One round of the loop. */
void nics_rig_pump(struct nics_rig *rig);

/* Runs the loop until *@flag. */
void nics_rig_await(struct nics_rig *rig, const bool *flag);

/* Requests, waited for. The answer of the latter two is the error's text, ""
 * for none. */
void nics_rig_pause(struct nics_rig *rig);
void nics_rig_resume(struct nics_rig *rig);
void nics_rig_reset(struct nics_rig *rig);
const char *nics_rig_replace(struct nics_rig *rig, const char *nic,
			     const char *netdev);
const char *nics_rig_netdev_del(struct nics_rig *rig, const char *id);

/* The guest's driver for slot @slot begins or ends. */
void nics_rig_start(struct nics_rig *rig, size_t slot);
void nics_rig_stop(struct nics_rig *rig, size_t slot);

/* Fills the rings; collects what came back, which must be what was sent, in
 * order (frames may be missing). */
void nics_rig_burst(struct nics_rig *rig, size_t slot);
void nics_rig_collect(struct nics_rig *rig, size_t slot);

/* Sends until @n more frames have come back. */
void nics_rig_traffic(struct nics_rig *rig, size_t slot, uint32_t n);

#endif
