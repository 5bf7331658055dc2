/* SPDX-License-Identifier: MIT */
/*
 * Timers: a wheel of wheels.
 *
 * Time is counted in ticks of a millisecond. The wheel of level l has a slot for
 * each value of the digit l of a tick, written in base 64; a timer is on the
 * level of the highest digit in which its tick differs from the present one, in
 * the slot of its own digit. So
 *   - on each level only slots beyond the present digit are in use (on level 0
 *     the present one too), and all of a level is due before anything of the
 *     next one: the first slot in use of the lowest level is what is next;
 *   - a timer stays where it is until time reaches its slot; then it goes to a
 *     lower level, at most LEVELS - 1 times in its life.
 *
 * A tick that differs even above the highest level is put at the last tick that
 * the wheels reach, and put again when that has come.
 */
#include "backends/consomme/timer.h"

#include "base/util.h"

#define SLOT_MASK ((uint64_t)CSM_WHEEL_SLOTS - 1)
#define REACH	  ((UINT64_C(1) << (CSM_WHEEL_BITS * CSM_WHEEL_LEVELS)) - 1)

/* The first tick that is not before @at. */
static uint64_t tick_of(uint64_t at)
{
	return at / CSM_MS + (at % CSM_MS != 0);
}

static unsigned int digit(uint64_t tick, unsigned int level)
{
	return (unsigned int)(tick >> (CSM_WHEEL_BITS * level) & SLOT_MASK);
}

static uint64_t bit(unsigned int slot)
{
	return UINT64_C(1) << slot;
}

static void place(struct csm_timers *timers, struct csm_timer *timer)
{
	uint64_t tick = MAX(tick_of(timer->at), timers->tick), differs;
	unsigned int level, slot;

	if ((tick ^ timers->tick) > REACH)
		tick = timers->tick | REACH;
	differs = tick ^ timers->tick;
	level = differs ? (63U - (unsigned int)__builtin_clzll(differs)) /
				  CSM_WHEEL_BITS
			: 0;
	slot = digit(tick, level);
	list_insert_before(&timers->slots[level][slot], &timer->node);
	timers->used[level] |= bit(slot);
}

/* Takes the timer off whatever list it is on. If a slot is empty then, what
 * came after the timer is the slot's head. */
static void take_off(struct csm_timers *timers, struct csm_timer *timer)
{
	struct list *head = timer->node.next;
	uintptr_t at, first = (uintptr_t)timers->slots;

	list_remove(&timer->node);
	at = (uintptr_t)head - first;
	if (!list_is_empty(head) || (uintptr_t)head < first ||
	    at >= sizeof(timers->slots))
		return;
	at /= sizeof(struct list);
	timers->used[at / CSM_WHEEL_SLOTS] &= ~bit(at % CSM_WHEEL_SLOTS);
}

/* Empties a slot into @to. */
static void unload(struct csm_timers *timers, unsigned int level,
		   unsigned int slot, struct list *to)
{
	struct list *head = &timers->slots[level][slot], *node;

	while ((node = list_first(head))) {
		list_remove(node);
		list_insert_before(to, node);
	}
	timers->used[level] &= ~bit(slot);
}

/* Goes on to @tick, before which nothing is left: slots that have begun are
 * spread over lower levels. */
static void advance(struct csm_timers *timers, uint64_t tick)
{
	struct list begun, *node;

	list_init(&begun);
	timers->tick = tick;
	for (unsigned int level = 1; level < CSM_WHEEL_LEVELS; level++) {
		if (timers->used[level] & bit(digit(tick, level)))
			unload(timers, level, digit(tick, level), &begun);
	}
	while ((node = list_first(&begun))) {
		list_remove(node);
		place(timers, container_of(node, struct csm_timer, node));
	}
}

/* When the first slot in use begins. */
static uint64_t next_tick(const struct csm_timers *timers)
{
	for (unsigned int level = 0; level < CSM_WHEEL_LEVELS; level++) {
		unsigned int shift = CSM_WHEEL_BITS * level;
		uint64_t above = timers->tick >> shift >> CSM_WHEEL_BITS;
		uint64_t slot;

		if (!timers->used[level])
			continue;
		slot = (uint64_t)__builtin_ctzll(timers->used[level]);
		return (above << CSM_WHEEL_BITS | slot) << shift;
	}
	return CSM_NEVER;
}

void csm_timers_init(struct csm_timers *timers, uint64_t now)
{
	for (size_t level = 0; level < CSM_WHEEL_LEVELS; level++) {
		for (size_t slot = 0; slot < CSM_WHEEL_SLOTS; slot++)
			list_init(&timers->slots[level][slot]);
		timers->used[level] = 0;
	}
	timers->tick = now / CSM_MS;
}

void csm_timer_set(struct csm_timers *timers, struct csm_timer *timer,
		   uint64_t at)
{
	take_off(timers, timer);
	timer->at = at;
	if (at != CSM_NEVER)
		place(timers, timer);
}

void csm_timer_stop(struct csm_timers *timers, struct csm_timer *timer)
{
	csm_timer_set(timers, timer, CSM_NEVER);
}

uint64_t csm_timers_next(const struct csm_timers *timers)
{
	uint64_t tick = next_tick(timers);

	return tick > CSM_NEVER / CSM_MS ? CSM_NEVER : tick * CSM_MS;
}

void csm_timers_run(struct csm_timers *timers, uint64_t now)
{
	uint64_t last = now / CSM_MS, tick;
	struct list due, *node;

	list_init(&due);
	while ((tick = next_tick(timers)) <= last) {
		advance(timers, tick);
		unload(timers, 0, digit(tick, 0), &due);
	}
	if (last >= timers->tick)
		advance(timers, last + 1);
	while ((node = list_first(&due))) {
		struct csm_timer *timer =
			container_of(node, struct csm_timer, node);

		list_remove(node);
		if (tick_of(timer->at) > last)
			place(timers, timer);
		else
			timer->fn(timer);
	}
}
