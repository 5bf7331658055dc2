/* SPDX-License-Identifier: MIT */
/*
 * tsc-khz: the frequency of this processor's time stamp counter.
 *
 * QEMU's software processors have this machine's counter. An emulated kernel
 * measures it while it boots, and on a loaded machine is wrong by a factor of
 * two, so it is measured here and told. The clock is read between two readings
 * of the counter that are close to each other, so that nothing came between.
 */
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

#include "tool.h"

#define MEASURE_MS 200
#define TRIES	   1000

struct moment {
	uint64_t ns;
	uint64_t ticks;
};

static struct moment now(void)
{
	struct moment best = {0};
	uint64_t shortest = UINT64_MAX;

	for (int i = 0; i < TRIES; i++) {
		uint64_t before = __rdtsc();
		struct timespec time;
		uint64_t took;

		clock_gettime(CLOCK_MONOTONIC, &time);
		took = __rdtsc() - before;
		if (took >= shortest)
			continue;
		shortest = took;
		best.ticks = before + took / 2;
		best.ns = (uint64_t)time.tv_sec * 1000000000 +
			  (uint64_t)time.tv_nsec;
	}
	return best;
}

int lab_tsc_khz(char **argv)
{
	struct timespec pause = {.tv_nsec = MEASURE_MS * 1000000L};
	struct moment from = now(), to;

	(void)argv;
	nanosleep(&pause, NULL);
	to = now();
	printf("%llu\n", (unsigned long long)((to.ticks - from.ticks) *
					      1000000 / (to.ns - from.ns)));
	return 0;
}
