/* SPDX-License-Identifier: MIT */
/*
 * The two sides of the kick benchmark: the bare loop and evnic. Each runs the
 * payload once and gives the median round trip in cycles; 0 or -errno.
 */
#ifndef TESTS_BENCH_KICK_H
#define TESTS_BENCH_KICK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define KICK_COUNT 1000
/* The vCPU has one CPU, whoever answers it the other. */
#define KICK_VCPU_CPU	0
#define KICK_ANSWER_CPU 1

struct kick_setup {
	char *evnic;
	const char *payload;
	bool busy;    /* the answering thread never sleeps */
	uint64_t gap; /* cycles between two rounds */
};

int kick_run_bare(const struct kick_setup *setup, uint64_t *cycles);
int kick_run_evnic(const struct kick_setup *setup, uint64_t *cycles);

/* Have thread @tid (0: the caller) run on @cpu alone. */
int kick_pin(pid_t tid, int cpu);

/* The number after " median=" in the payload's PASS line. */
int kick_parse(const char *line, uint64_t *cycles);

#endif
