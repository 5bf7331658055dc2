/* SPDX-License-Identifier: MIT */
/*
 * A wire that loses, doubles, damages, delays and reorders.
 */
#include "support/csm_impair.h"

#include "base/util.h"

#include <stdlib.h>
#include <string.h>

#define LINK_LEN 14 /* what is damaged is behind the Ethernet header */

static uint64_t draw(struct csm_impair *way)
{
	way->seed ^= way->seed << 13;
	way->seed ^= way->seed >> 7;
	way->seed ^= way->seed << 17;
	return way->seed >> 11;
}

static bool happens(struct csm_impair *way, unsigned int rate)
{
	return draw(way) % 1000 < rate;
}

static struct csm_impair_frame *frame_of(struct list *node)
{
	return container_of(node, struct csm_impair_frame, node);
}

void csm_impair_init(struct csm_impair *way,
		     const struct csm_impair_rates *rates, uint64_t seed)
{
	memset(way, 0, sizeof(*way));
	way->rates = *rates;
	way->seed = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	list_init(&way->frames);
}

void csm_impair_fini(struct csm_impair *way)
{
	struct list *node;

	while ((node = list_first(&way->frames))) {
		list_remove(node);
		free(frame_of(node));
	}
}

static void put_one(struct csm_impair *way, uint64_t now,
		    const struct net_offload *offload, const void *frame,
		    size_t len)
{
	struct csm_impair_frame *f = malloc(sizeof(*f) + len);
	struct list *before = way->frames.prev;

	if (!f)
		abort();
	f->at = now + way->rates.delay;
	if (happens(way, way->rates.late))
		f->at += draw(way) % way->rates.jitter;
	f->offload = *offload;
	f->len = len;
	memcpy(f->bytes, frame, len);
	if (!offload->csum_needed && len > LINK_LEN &&
	    happens(way, way->rates.damaged)) {
		f->bytes[LINK_LEN + draw(way) % (len - LINK_LEN)] ^=
			(uint8_t)(1 + draw(way) % 255);
		way->n_damaged++;
	}
	while (before != &way->frames && frame_of(before)->at > f->at) {
		before = before->prev;
		way->n_overtaken++;
	}
	list_insert_after(before, &f->node);
}

void csm_impair_put(struct csm_impair *way, uint64_t now,
		    const struct net_offload *offload, const void *frame,
		    size_t len)
{
	way->n_passed++;
	if (happens(way, way->rates.lost)) {
		way->n_lost++;
		return;
	}
	put_one(way, now, offload, frame, len);
	if (happens(way, way->rates.doubled)) {
		put_one(way, now, offload, frame, len);
		way->n_doubled++;
	}
}

struct csm_impair_frame *csm_impair_get(struct csm_impair *way, uint64_t now)
{
	struct list *node = list_first(&way->frames);

	if (!node || frame_of(node)->at > now)
		return NULL;
	list_remove(node);
	return frame_of(node);
}

uint64_t csm_impair_next(const struct csm_impair *way)
{
	struct list *node = list_first(&way->frames);

	return node ? frame_of(node)->at : UINT64_MAX;
}
