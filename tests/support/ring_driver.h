/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_RING_DRIVER_H
#define EVNIC_TESTS_RING_DRIVER_H

/*
 * The guest's side of a split virtqueue, in the same process: for tests, benches
 * and fuzzers. Honest unless told otherwise; the raw accessors at the end are
 * for lies.
 *
 * A chain is added (written to the descriptor table), made available (put into
 * the avail ring), and shown together with others by one release store of the
 * index; then the device is kicked if it asks for that.
 */

#include "support/guest_ram.h"
#include "virtio/device.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RING_DRIVER_NONE 0xffff

/* One descriptor of a chain. */
struct ring_piece {
	uint64_t gpa;
	uint32_t len;
	bool write; /* for the device to write */
};

/* @kick_fd, @call_fd: eventfds, owned. @free_head, @n_free: unused descriptors,
 * chained through @next. @chain_len: descriptors of the chain that
 * starts at a head. @table: indirect tables, one for each head.
 * @kicks: how often the device asked for a kick and got it; @skipped: how often
 * it did not ask. @tolerant: used entries that the device cannot have made are
 * collected as RING_DRIVER_NONE, since the guest lets others write to its
 * rings; they end the program otherwise. */
struct ring_driver {
	struct guest_ram *ram;
	uint64_t desc, avail, used, tables;
	uint16_t size;
	bool event_idx, indirect;
	uint16_t free_head, n_free;
	uint16_t next[VIRTIO_QUEUE_SIZE_MAX];
	uint16_t chain_len[VIRTIO_QUEUE_SIZE_MAX];
	uint16_t avail_idx; /* made available */
	uint16_t shown_idx; /* shown to the device */
	uint16_t used_idx;  /* collected */
	int kick_fd, call_fd;
	uint64_t kicks, skipped;
	bool tolerant;
};

/* Makes a ring of @size entries in @ram with the features that were accepted. */
void ring_driver_init(struct ring_driver *drv, struct guest_ram *ram,
		      uint16_t size, uint64_t features);
void ring_driver_fini(struct ring_driver *drv);

/* Makes another ring, with the same eventfds. */
void ring_driver_lay(struct ring_driver *drv, struct guest_ram *ram,
		     uint16_t size, uint64_t features);

/* Forgets everything, as a driver does after a reset; the ring stays where it
 * is. */
void ring_driver_reset(struct ring_driver *drv);

/* What a transport would tell the device about this ring. */
struct virtio_queue_setup ring_driver_setup(const struct ring_driver *drv);

/* Writes a chain of @n pieces, in an indirect table if @indirect, and makes it
 * available. Returns its head, or RING_DRIVER_NONE if no descriptors are left. */
uint16_t ring_driver_add(struct ring_driver *drv,
			 const struct ring_piece *pieces, uint16_t n,
			 bool indirect);

/* Makes any head available. */
void ring_driver_offer(struct ring_driver *drv, uint16_t head);

/* Shows the device what was made available; kicks it if it wants that. Returns
 * whether it did. */
bool ring_driver_show(struct ring_driver *drv);

/* Collects one used chain. False: there is none. */
bool ring_driver_collect(struct ring_driver *drv, uint16_t *head,
			 uint32_t *len);

/* Asks for an interrupt at the next used chain, as a driver does before it
 * sleeps. True: there is one already. */
bool ring_driver_enable_irq(struct ring_driver *drv);
void ring_driver_disable_irq(struct ring_driver *drv);

/* Was there an interrupt since the last call? */
bool ring_driver_take_irq(struct ring_driver *drv);

/* Writes descriptor @i of the table at @table. */
void ring_driver_write_desc(struct ring_driver *drv, uint64_t table, uint16_t i,
			    uint64_t gpa, uint32_t len, uint16_t flags,
			    uint16_t next);

/* Sets avail.idx to anything. */
void ring_driver_set_idx(struct ring_driver *drv, uint16_t idx);

/* The device's used.idx, and its used.flags. */
uint16_t ring_driver_device_idx(const struct ring_driver *drv);
uint16_t ring_driver_device_flags(const struct ring_driver *drv);

#endif
