/* SPDX-License-Identifier: MIT */
/*
 * bench_kick: the round trip of a doorbell, as the guest sees it.
 *
 * With evnic the guest publishes one frame, kicks, and polls the used ring
 * until the backend "null" has taken it. The bare loop is a VM with nothing but
 * an ioeventfd and a thread that answers it by counting up a word in guest
 * memory. Both guests are the same program and use the same clock.
 *
 * Both are measured asleep (the answering thread is in epoll_wait, on an idle
 * CPU, before each kick) and busy. All four take turns; the median of each
 * one's medians counts. The goal is a ratio of at most 1.5.
 */
#include "kick.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define ROUNDS 7
/* Long enough for an idle CPU to halt; short, so that a poller does not tire */
#define GAP_ASLEEP 500000
#define GAP_BUSY   25000

struct kick_series {
	uint64_t bare[ROUNDS];
	uint64_t evnic[ROUNDS];
};

int kick_pin(pid_t tid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned int)cpu, &set);
	return sched_setaffinity(tid, sizeof(set), &set) < 0 ? -errno : 0;
}

int kick_parse(const char *line, uint64_t *cycles)
{
	static const char key[] = " median=";
	const char *at = strstr(line, key);

	if (!at)
		return -EPROTO;
	*cycles = strtoull(at + strlen(key), NULL, 10);
	return *cycles ? 0 : -EPROTO;
}

static int compare_cycles(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t median(uint64_t *values)
{
	qsort(values, ROUNDS, sizeof(*values), compare_cycles);
	return values[ROUNDS / 2];
}

static int kick_round(const struct kick_setup *setup,
		      struct kick_series *series, int round)
{
	int err = kick_run_bare(setup, &series->bare[round]);

	return err ? err : kick_run_evnic(setup, &series->evnic[round]);
}

static void kick_print(struct kick_series *series, const char *mode,
		       const char *result)
{
	uint64_t bare = median(series->bare);
	uint64_t evnic = median(series->evnic);

	printf("kick, %s: median of %d; evnic %llu (%llu..%llu) cycles, "
	       "bare %llu (%llu..%llu)\n",
	       mode, ROUNDS, (unsigned long long)evnic,
	       (unsigned long long)series->evnic[0],
	       (unsigned long long)series->evnic[ROUNDS - 1],
	       (unsigned long long)bare, (unsigned long long)series->bare[0],
	       (unsigned long long)series->bare[ROUNDS - 1]);
	printf("result: %s %.2f x\n", result, (double)evnic / (double)bare);
}

int main(void)
{
	struct kick_series asleep;
	struct kick_series busy;
	struct kick_setup setup = {
		.evnic = (char[]){EVNIC_PATH},
		.payload = PAYLOAD_PATH,
	};

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		fprintf(stderr, "bench_kick: two CPUs are needed\n");
		return EXIT_FAILURE;
	}
	/* Children inherit it. Not real time: a vCPU spins all the time. */
	(void)setpriority(PRIO_PROCESS, 0, -20);
	for (int i = 0; i < ROUNDS; i++) {
		setup.busy = false;
		setup.gap = GAP_ASLEEP;
		if (kick_round(&setup, &asleep, i))
			return EXIT_FAILURE;
		setup.busy = true;
		setup.gap = GAP_BUSY;
		if (kick_round(&setup, &busy, i))
			return EXIT_FAILURE;
	}
	kick_print(&asleep, "asleep", "kick.ratio");
	kick_print(&busy, "busy", "kick.busy_ratio");
	return EXIT_SUCCESS;
}
