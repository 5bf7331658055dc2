/* SPDX-License-Identifier: MIT */
/*
 * bench_boot: how long evnic takes from its start to the
 * guest's first instruction, and how much memory it keeps besides the guest's.
 *
 * The payload's first act is a newline on its serial port, which is evnic's
 * standard output; the time runs from before the process is made until that
 * newline is read here. The floor is timed in the same way: a program that
 * only makes a VM, one slot and one vCPU and runs to the first exit. The two
 * take turns, and medians are compared. The goal: at most 5 ms above the floor.
 *
 * Both are real-time processes if that is allowed: a few thread switches are on
 * the way to the first instruction, and on a busy machine each would wait for
 * the others' work.
 *
 * Memory is read while the NIC runs: what is resident, less shared memory,
 * which is the guest's. The goal is less than 4 MiB in a release build.
 */
#include "child.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ROUNDS 21

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare_doubles);
	return values[count / 2];
}

static int boot_once(char *const argv[], double *ms)
{
	struct child child;
	uint64_t at_ns;
	int err = child_start(&child, argv);

	if (err)
		return err;
	err = child_first_byte(&child, &at_ns);
	if (err) {
		child_stop(&child);
		return err;
	}
	*ms = (double)(at_ns - child.started_ns) / 1e6;
	return child_finish(&child);
}

static int measure_time(char *const evnic[], char *const floor[])
{
	double evnic_ms[ROUNDS];
	double floor_ms[ROUNDS];
	double ms;
	double over;
	int err;

	/* One of each that is not counted, for the page cache. */
	err = boot_once(floor, &ms);
	if (!err)
		err = boot_once(evnic, &ms);
	for (int i = 0; i < ROUNDS && !err; i++) {
		err = boot_once(floor, &floor_ms[i]);
		if (!err)
			err = boot_once(evnic, &evnic_ms[i]);
	}
	if (err)
		return err;
	ms = median(evnic_ms, ROUNDS);
	over = ms - median(floor_ms, ROUNDS);
	printf("boot: median of %d; evnic %.2f..%.2f ms, floor %.2f..%.2f ms\n",
	       ROUNDS, evnic_ms[0], evnic_ms[ROUNDS - 1], floor_ms[0],
	       floor_ms[ROUNDS - 1]);
	printf("result: boot.ms %.2f ms\n", ms);
	printf("result: boot.over_floor_ms %.2f ms\n", over);
	return 0;
}

static int measure_memory(char *const evnic[])
{
	struct child child;
	char line[128];
	long resident;
	long shared;
	int err = child_start(&child, evnic);

	if (err)
		return err;
	err = child_read_line(&child, "READY", line, sizeof(line));
	resident = child_status_kib(&child, "VmRSS");
	shared = child_status_kib(&child, "RssShmem");
	child_stop(&child);
	if (err)
		return err;
	if (resident < 0 || shared < 0) {
		fprintf(stderr, "bench_boot: no VmRSS of the process\n");
		return -1;
	}
	printf("result: boot.rss_mib %.2f MiB\n",
	       (double)(resident - shared) / 1024);
	return 0;
}

int main(void)
{
	char boot_path[64];
	char wait_path[64];
	char *boot[] = {(char[]){EVNIC_PATH}, (char[]){"run"}, boot_path, NULL};
	char *wait[] = {(char[]){EVNIC_PATH}, (char[]){"run"}, wait_path, NULL};
	char *floor[] = {(char[]){FLOOR_PATH}, (char[]){PAYLOAD_PATH}, NULL};

	/* Children inherit it. Without the right to it all stays as it is. */
	(void)sched_setscheduler(0, SCHED_RR,
				 &(struct sched_param){.sched_priority = 1});
	if (child_description(PAYLOAD_PATH, "mode=boot", 0, boot_path,
			      sizeof(boot_path)) < 0 ||
	    child_description(PAYLOAD_PATH, "mode=wait", 0, wait_path,
			      sizeof(wait_path)) < 0)
		return EXIT_FAILURE;
	if (measure_time(boot, floor) || measure_memory(wait))
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
