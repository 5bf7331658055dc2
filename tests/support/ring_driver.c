/* SPDX-License-Identifier: MIT */
/*
 * The guest's side of a split virtqueue (virtio 1.2, 2.7.13 and 2.7.14). The
 * barriers are those that the device's side names as its partners.
 */
#include "support/ring_driver.h"

#include "base/bytes.h"
#include "base/irq.h"
#include "virtio/ring_defs.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint16_t word_load(const struct ring_driver *drv, uint64_t gpa,
			  int order)
{
	const uint16_t *p = guest_ram_at(drv->ram, gpa);

	return le16toh(__atomic_load_n(p, order));
}

static void word_store(struct ring_driver *drv, uint64_t gpa, uint16_t v,
		       int order)
{
	uint16_t *p = guest_ram_at(drv->ram, gpa);

	__atomic_store_n(p, htole16(v), order);
}

static int new_eventfd(void)
{
	int fd = eventfd_create();

	if (fd < 0)
		abort();
	return fd;
}

void ring_driver_lay(struct ring_driver *drv, struct guest_ram *ram,
		     uint16_t size, uint64_t features)
{
	drv->ram = ram;
	drv->size = size;
	drv->event_idx = (features & VIRTIO_F_EVENT_IDX) != 0;
	drv->indirect = (features & VIRTIO_F_INDIRECT_DESC) != 0;
	drv->desc =
		guest_ram_alloc(ram, vring_desc_bytes(size), VRING_DESC_ALIGN);
	drv->avail = guest_ram_alloc(ram, vring_avail_bytes(size),
				     VRING_AVAIL_ALIGN);
	drv->used =
		guest_ram_alloc(ram, vring_used_bytes(size), VRING_USED_ALIGN);
	if (drv->indirect)
		drv->tables = guest_ram_alloc(
			ram, size * vring_desc_bytes(size), VRING_DESC_ALIGN);
	ring_driver_reset(drv);
}

void ring_driver_init(struct ring_driver *drv, struct guest_ram *ram,
		      uint16_t size, uint64_t features)
{
	memset(drv, 0, sizeof(*drv));
	drv->kick_fd = new_eventfd();
	drv->call_fd = new_eventfd();
	ring_driver_lay(drv, ram, size, features);
}

void ring_driver_fini(struct ring_driver *drv)
{
	(void)close(drv->kick_fd);
	(void)close(drv->call_fd);
}

void ring_driver_reset(struct ring_driver *drv)
{
	memset(guest_ram_at(drv->ram, drv->avail), 0,
	       vring_avail_bytes(drv->size));
	memset(guest_ram_at(drv->ram, drv->used), 0,
	       vring_used_bytes(drv->size));
	memset(guest_ram_at(drv->ram, drv->desc), 0,
	       vring_desc_bytes(drv->size));
	for (uint16_t i = 0; i < drv->size; i++)
		drv->next[i] = (uint16_t)(i + 1);
	memset(drv->chain_len, 0, sizeof(drv->chain_len));
	drv->free_head = 0;
	drv->n_free = drv->size;
	drv->avail_idx = 0;
	drv->shown_idx = 0;
	drv->used_idx = 0;
	(void)eventfd_take(drv->kick_fd);
	(void)eventfd_take(drv->call_fd);
}

struct virtio_queue_setup ring_driver_setup(const struct ring_driver *drv)
{
	return (struct virtio_queue_setup){
		.enabled = true,
		.size = drv->size,
		.desc = drv->desc,
		.avail = drv->avail,
		.used = drv->used,
		.kick_fd = drv->kick_fd,
		.irq.fd = drv->call_fd,
	};
}

void ring_driver_write_desc(struct ring_driver *drv, uint64_t table, uint16_t i,
			    uint64_t gpa, uint32_t len, uint16_t flags,
			    uint16_t next)
{
	unsigned char *d =
		guest_ram_at(drv->ram, table + (uint64_t)VRING_DESC_SIZE * i);

	store_le64(d + VRING_DESC_ADDR, gpa);
	store_le32(d + VRING_DESC_LEN, len);
	store_le16(d + VRING_DESC_FLAGS, flags);
	store_le16(d + VRING_DESC_NEXT, next);
}

static uint16_t piece_flags(const struct ring_piece *piece, bool last)
{
	return (uint16_t)((piece->write ? VRING_DESC_F_WRITE : 0) |
			  (last ? 0 : VRING_DESC_F_NEXT));
}

static void write_indirect(struct ring_driver *drv, uint16_t head,
			   const struct ring_piece *pieces, uint16_t n)
{
	uint64_t table =
		drv->tables + (uint64_t)vring_desc_bytes(drv->size) * head;

	for (uint16_t i = 0; i < n; i++)
		ring_driver_write_desc(
			drv, table, i, pieces[i].gpa, pieces[i].len,
			piece_flags(&pieces[i], i == n - 1), (uint16_t)(i + 1));
	ring_driver_write_desc(drv, drv->desc, head, table,
			       (uint32_t)vring_desc_bytes(n),
			       VRING_DESC_F_INDIRECT, drv->next[head]);
}

uint16_t ring_driver_add(struct ring_driver *drv,
			 const struct ring_piece *pieces, uint16_t n,
			 bool indirect)
{
	uint16_t head = drv->free_head;
	uint16_t need = indirect ? 1 : n;
	uint16_t at = head;

	if (drv->n_free < need || n > drv->size)
		return RING_DRIVER_NONE;
	if (indirect) {
		write_indirect(drv, head, pieces, n);
		at = drv->next[head];
	} else {
		for (uint16_t i = 0; i < n; i++) {
			uint16_t next = drv->next[at];

			ring_driver_write_desc(
				drv, drv->desc, at, pieces[i].gpa,
				pieces[i].len,
				piece_flags(&pieces[i], i == n - 1), next);
			at = next;
		}
	}
	drv->free_head = at;
	drv->n_free = (uint16_t)(drv->n_free - need);
	drv->chain_len[head] = need;
	ring_driver_offer(drv, head);
	return head;
}

void ring_driver_offer(struct ring_driver *drv, uint16_t head)
{
	uint64_t slot = drv->avail_idx & (drv->size - 1U);

	word_store(drv, drv->avail + VRING_AVAIL_RING + 2 * slot, head,
		   __ATOMIC_RELAXED);
	drv->avail_idx++;
}

bool ring_driver_show(struct ring_driver *drv)
{
	uint16_t old = drv->shown_idx, now = drv->avail_idx, event;
	bool wanted;

	ring_driver_set_idx(drv, now);
	drv->shown_idx = now;
	if (old == now)
		return false;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (drv->event_idx) {
		event = word_load(drv, drv->used + vring_avail_event(drv->size),
				  __ATOMIC_RELAXED);
		wanted = (uint16_t)(now - event - 1) < (uint16_t)(now - old);
	} else {
		wanted = !(ring_driver_device_flags(drv) &
			   VRING_USED_F_NO_NOTIFY);
	}
	if (!wanted) {
		drv->skipped++;
		return false;
	}
	drv->kicks++;
	eventfd_signal(drv->kick_fd);
	return true;
}

bool ring_driver_collect(struct ring_driver *drv, uint16_t *head, uint32_t *len)
{
	const unsigned char *elem;
	uint32_t id;
	uint16_t at;

	if (ring_driver_device_idx(drv) == drv->used_idx)
		return false;
	elem = guest_ram_at(drv->ram,
			    drv->used + VRING_USED_RING +
				    (uint64_t)VRING_USED_ELEM_SIZE *
					    (drv->used_idx & (drv->size - 1U)));
	id = load_le32(elem);
	*len = load_le32(elem + 4);
	drv->used_idx++;
	*head = RING_DRIVER_NONE;
	if (id >= drv->size) {
		if (!drv->tolerant)
			abort(); /* the device has made it up */
		return true;
	}
	*head = (uint16_t)id;
	if (!drv->chain_len[id])
		return true; /* not from ring_driver_add() */
	at = *head;
	for (uint16_t i = 1; i < drv->chain_len[id]; i++)
		at = drv->next[at];
	drv->next[at] = drv->free_head;
	drv->free_head = *head;
	drv->n_free = (uint16_t)(drv->n_free + drv->chain_len[id]);
	drv->chain_len[id] = 0;
	return true;
}

bool ring_driver_enable_irq(struct ring_driver *drv)
{
	word_store(drv, drv->avail + VRING_AVAIL_FLAGS, 0, __ATOMIC_RELAXED);
	word_store(drv, drv->avail + vring_used_event(drv->size), drv->used_idx,
		   __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return ring_driver_device_idx(drv) != drv->used_idx;
}

void ring_driver_disable_irq(struct ring_driver *drv)
{
	word_store(drv, drv->avail + VRING_AVAIL_FLAGS,
		   VRING_AVAIL_F_NO_INTERRUPT, __ATOMIC_RELAXED);
	/* As far away as an index can be. */
	word_store(drv, drv->avail + vring_used_event(drv->size),
		   (uint16_t)(drv->used_idx - 1), __ATOMIC_RELAXED);
}

bool ring_driver_take_irq(struct ring_driver *drv)
{
	return eventfd_take(drv->call_fd);
}

void ring_driver_set_idx(struct ring_driver *drv, uint16_t idx)
{
	word_store(drv, drv->avail + VRING_AVAIL_IDX, idx, __ATOMIC_RELEASE);
}

uint16_t ring_driver_device_idx(const struct ring_driver *drv)
{
	return word_load(drv, drv->used + VRING_USED_IDX, __ATOMIC_ACQUIRE);
}

uint16_t ring_driver_device_flags(const struct ring_driver *drv)
{
	return word_load(drv, drv->used + VRING_USED_FLAGS, __ATOMIC_RELAXED);
}
