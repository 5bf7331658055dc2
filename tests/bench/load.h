/* SPDX-License-Identifier: MIT */
#ifndef EVNIC_TESTS_BENCH_LOAD_H
#define EVNIC_TESTS_BENCH_LOAD_H

/*
 * TCP traffic from the guest to a server on the host. The server and each load
 * are processes of their own; what they count they share with this one.
 *
 * Failures of the set-up end the program. One thread.
 */

#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define LOAD_FLOWS_MAX	   16384
#define LOAD_LATENCIES_MAX 1048576

enum load_kind {
	LOAD_SEND,    /* the guest sends all the time */
	LOAD_RECEIVE, /* the host does */
	LOAD_IDLE,    /* connections that carry a byte each way, then nothing */
	LOAD_RR,      /* one byte there, one byte back */
	LOAD_CRR,     /* the same, with a connection for each */
};

/* Where the server listens, and what a flow begins with; one byte is the
 * answer. */
#define LOAD_PORT 7777

struct load_opening {
	uint8_t kind, zero;
	uint16_t flow; /* its number, this host's order */
};

/* Starts the server, in the namespace that the process is in. It ends with this
 * process. */
void load_init(void);

/* Connects @n flows from the guest to @host, and waits until all are there; then
 * they carry what @kind says. @cpus: where server and load run. Returns NULL, or
 * what went wrong; then there is nothing to end. */
const char *load_begin(enum load_kind kind, const char *host, unsigned int n,
		       const cpu_set_t *cpus);

/* Ends the flows and waits for the process. Returns NULL, or what went wrong
 * with a flow. */
const char *load_end(void);

/* What has arrived so far, of all flows or of one. */
uint64_t load_bytes(void);
uint64_t load_flow_bytes(unsigned int flow);

/* Round trips so far, and the first @n of them, in ns. */
size_t load_round_trips(const uint32_t **ns);

#endif
