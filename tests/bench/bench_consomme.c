/* SPDX-License-Identifier: MIT */
/*
 * bench_consomme: consomme beside the user-mode networks that there are, and
 * beside the kernel's own wire.
 *
 * The guest is a real Linux TCP, in a network namespace, at MTU 1500; its
 * interface is a tap. Its programs and the server on the host are the same for
 * all stacks, which take turns in short runs; a figure is the median of the
 * runs'. A stack's process has one processor, and its CPU time for each GiB is
 * what counts: it hardly depends on what else the machine does. It includes what
 * the kernel does in the process's name, at the tap, at the socket, and in the
 * guest's TCP when a frame is given to it.
 *
 * consomme.{g2h,h2g}: guest to host and host to guest. .vs_*: that stack's CPU
 * time for each GiB as a multiple of ours. rr: one byte there and back; crr: the
 * same with a connection for each. idle: 10000 connections that carry nothing.
 * fairness: Jain's index of 1000 flows, of the worse direction.
 * consomme.direct.*: no tap, but a guest in the same thread.
 */
#include "load.h"
#include "stack.h"
#include "two_hosts.h"

#include "base/util.h"
#include "support/skip.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define RUNS	   5
#define WARM_UP_MS 200
#define RUN_MS	   1000
#define GIB	   1073741824.0
#define FDS	   20000
#define IDLE_FLOWS 10000
#define IDLE_MS	   5000
#define FAIR_FLOWS 1000
#define FAIR_MS	   10000

enum figure {
	G2H_GBIT,
	G2H_COST,
	H2G_GBIT,
	H2G_COST,
	RR_US,
	CRR_US,
	CRR_RATE,
	FIGURES,
};

static const char *const titles[FIGURES] = {
	"g2h Gbit/s", "g2h s/GiB", "h2g Gbit/s", "h2g s/GiB",
	"rr us",      "crr us",	   "crr 1/s",
};

/* @runs: of each figure; a figure that cannot be had is 0. @why: not there. */
struct contender {
	struct stack stack;
	const char *why;
	double runs[FIGURES][RUNS];
	double median[FIGURES];
};

static struct contender contenders[STACKS];

static void wait_ms(int ms)
{
	struct timespec left = {ms / 1000, ms % 1000 * 1000000L};

	while (nanosleep(&left, &left) < 0)
		;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median_of(const double *values, size_t n)
{
	double sorted[RUNS];

	memcpy(sorted, values, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare);
	return sorted[n / 2];
}

static int compare_ns(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* The median of a load's round trips. */
static double median_us(const uint32_t *ns, size_t n)
{
	uint32_t *sorted = calloc(n + 1, sizeof(*sorted));
	double us;

	if (!sorted || !n)
		two_hosts_fail("no round trip");
	memcpy(sorted, ns, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare_ns);
	us = sorted[n / 2] / 1e3;
	free(sorted);
	return us;
}

static void must(const struct stack *stack, const char *what, const char *why)
{
	if (!why)
		return;
	(void)fprintf(stderr, "bench_consomme: %s, %s: %s\n", stack->name, what,
		      why);
	exit(EXIT_FAILURE);
}

/* A moment of a run. */
struct moment {
	uint64_t ns, cpu_ns, bytes;
};

static struct moment moment_of(const struct stack *stack)
{
	return (struct moment){bench_now_ns(), stack_cpu_ns(stack),
			       load_bytes()};
}

static void measure_bulk(const struct stack *stack, enum load_kind kind,
			 double *gbit, double *cost)
{
	struct moment start, end;
	double bytes;

	must(stack, "bulk", load_begin(kind, stack->host, 1, &stack->others));
	wait_ms(WARM_UP_MS);
	start = moment_of(stack);
	wait_ms(RUN_MS);
	end = moment_of(stack);
	must(stack, "bulk", load_end());
	bytes = (double)(end.bytes - start.bytes);
	if (bytes <= 0)
		must(stack, "bulk", "nothing arrives");
	*gbit = bytes * 8 / (double)(end.ns - start.ns);
	*cost = (double)(end.cpu_ns - start.cpu_ns) / 1e9 / (bytes / GIB);
}

static void measure_trips(const struct stack *stack, enum load_kind kind,
			  double *us, double *rate)
{
	const uint32_t *ns;
	uint64_t start;
	size_t n;

	must(stack, "round trips",
	     load_begin(kind, stack->host, 1, &stack->others));
	start = bench_now_ns();
	wait_ms(RUN_MS);
	n = load_round_trips(&ns);
	*rate = (double)n * 1e9 / (double)(bench_now_ns() - start);
	must(stack, "round trips", load_end());
	*us = median_us(ns, n);
}

static void measure(struct contender *c, size_t run)
{
	double rr_rate;

	measure_bulk(&c->stack, LOAD_SEND, &c->runs[G2H_GBIT][run],
		     &c->runs[G2H_COST][run]);
	measure_bulk(&c->stack, LOAD_RECEIVE, &c->runs[H2G_GBIT][run],
		     &c->runs[H2G_COST][run]);
	measure_trips(&c->stack, LOAD_RR, &c->runs[RR_US][run], &rr_rate);
	measure_trips(&c->stack, LOAD_CRR, &c->runs[CRR_US][run],
		      &c->runs[CRR_RATE][run]);
}

static void show_table(void)
{
	(void)printf("%-10s", "");
	for (size_t f = 0; f < FIGURES; f++)
		(void)printf("%12s", titles[f]);
	(void)printf("\n");
	for (size_t i = 0; i < STACKS; i++) {
		const struct contender *c = &contenders[i];

		if (c->why) {
			(void)printf("%s: not measured: %s\n", c->stack.name,
				     c->why);
			continue;
		}
		(void)printf("%-10s", c->stack.name);
		for (size_t f = 0; f < FIGURES; f++)
			(void)printf("%12.2f", c->median[f]);
		(void)printf("\n");
	}
	(void)fflush(stdout);
}

static void measure_all(void)
{
	for (size_t run = 0; run < RUNS; run++) {
		for (size_t i = 0; i < STACKS; i++) {
			if (!contenders[i].why)
				measure(&contenders[i], run);
		}
	}
	for (size_t i = 0; i < STACKS; i++) {
		struct contender *c = &contenders[i];

		for (size_t f = 0; f < FIGURES; f++)
			c->median[f] = median_of(c->runs[f], RUNS);
	}
}

static const struct stack *consomme(void)
{
	return &contenders[STACK_CONSOMME].stack;
}

/* What IDLE_FLOWS flows take: memory, and processor time while they rest. */
static void measure_idle(double *mib, double *cpu_pct)
{
	const struct stack *stack = consomme();
	long before = stack_rss_kib(stack), after;
	struct moment start, end;

	must(stack, "idle flows",
	     load_begin(LOAD_IDLE, stack->host, IDLE_FLOWS, &stack->others));
	wait_ms(RUN_MS);
	start = moment_of(stack);
	wait_ms(IDLE_MS);
	end = moment_of(stack);
	after = stack_rss_kib(stack);
	must(stack, "idle flows", load_end());
	*mib = (double)(after - before) / 1024;
	*cpu_pct = 100 * (double)(end.cpu_ns - start.cpu_ns) /
		   (double)(end.ns - start.ns);
	(void)printf("%d idle flows: %.1f MiB (%ld to %ld KiB), "
		     "%.3f %% of a processor\n",
		     IDLE_FLOWS, *mib, before, after, *cpu_pct);
	(void)fflush(stdout);
}

/* Jain's index of what each flow has carried. */
static double measure_fairness(enum load_kind kind, const char *name)
{
	static uint64_t start[FAIR_FLOWS];
	const struct stack *stack = consomme();
	double sum = 0, squares = 0, index;
	uint64_t ns;

	must(stack, "many flows",
	     load_begin(kind, stack->host, FAIR_FLOWS, &stack->others));
	wait_ms(RUN_MS);
	ns = bench_now_ns();
	for (unsigned int i = 0; i < FAIR_FLOWS; i++)
		start[i] = load_flow_bytes(i);
	wait_ms(FAIR_MS);
	ns = bench_now_ns() - ns;
	for (unsigned int i = 0; i < FAIR_FLOWS; i++) {
		double bytes = (double)(load_flow_bytes(i) - start[i]);

		sum += bytes;
		squares += bytes * bytes;
	}
	must(stack, "many flows", load_end());
	if (sum <= 0)
		must(stack, "many flows", "nothing arrives");
	index = sum * sum / (FAIR_FLOWS * squares);
	(void)printf("%d flows %s: %.2f Gbit/s, fairness %.3f\n", FAIR_FLOWS,
		     name, sum * 8 / (double)ns, index);
	(void)fflush(stdout);
	return index;
}

/* CPU time for each GiB with a guest in consomme's own thread. */
static double measure_direct(const char *direction)
{
	char program[] = CONSOMME_DIRECT_PATH, which[8], line[64], *end;
	char *argv[] = {program, which, NULL};
	double costs[RUNS], bytes, ns;
	struct child child;

	(void)snprintf(which, sizeof(which), "%s", direction);
	for (size_t run = 0; run < RUNS; run++) {
		if (stack_spawn(&child, argv) < 0 ||
		    child_read_line(&child, "", line, sizeof(line)) < 0)
			two_hosts_fail("no figures of " CONSOMME_DIRECT_PATH);
		bytes = strtod(line, &end);
		ns = strtod(end, NULL);
		if (child_finish(&child) < 0 || bytes <= 0)
			two_hosts_fail("no figures of " CONSOMME_DIRECT_PATH);
		costs[run] = ns / 1e9 / (bytes / GIB);
	}
	return median_of(costs, RUNS);
}

/* So many flows get small buffers, on both sides: otherwise they have more than
 * the kernel gives to TCP in all (tcp_mem), and it throws data away. */
static double measure_worse_fairness(void)
{
	double g2h, h2g;

	two_hosts_set("/proc/sys/net/ipv4/tcp_wmem", "4096 16384 262144");
	two_hosts_set("/proc/sys/net/ipv4/tcp_rmem", "4096 131072 1048576");
	g2h = measure_fairness(LOAD_SEND, "guest to host");
	h2g = measure_fairness(LOAD_RECEIVE, "host to guest");
	return fmin(g2h, h2g);
}

static void show_ratio(enum stack_kind kind, const char *direction,
		       enum figure cost)
{
	const struct contender *peer = &contenders[kind];

	if (!peer->why)
		(void)printf("result: consomme.%s.vs_%s %.1f x\n", direction,
			     peer->stack.name,
			     peer->median[cost] /
				     contenders[STACK_CONSOMME].median[cost]);
}

static void show_direction(const char *direction, enum figure gbit,
			   enum figure cost)
{
	const double *ours = contenders[STACK_CONSOMME].median;

	(void)printf("result: consomme.%s.s_per_gib %.3f s\n", direction,
		     ours[cost]);
	(void)printf("result: consomme.%s.gbit %.2f Gbit/s\n", direction,
		     ours[gbit]);
	show_ratio(STACK_LIBSLIRP, direction, cost);
	show_ratio(STACK_PASTA, direction, cost);
}

/* Ours, and the others' beside it. */
static void show_beside(const char *name, enum figure figure, const char *unit)
{
	for (size_t i = 0; i < STACKS; i++) {
		const struct contender *c = &contenders[i];

		if (i == STACK_CONSOMME)
			(void)printf("result: consomme.%s %.1f %s\n", name,
				     c->median[figure], unit);
		else if (!c->why)
			(void)printf("result: consomme.%s.%s %.1f %s\n", name,
				     c->stack.name, c->median[figure], unit);
	}
}

static void raise_fd_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		two_hosts_fail("getrlimit");
	limit.rlim_max = MAX(limit.rlim_max, FDS);
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		two_hosts_fail("the limit of open files is too low");
}

int main(void)
{
	const char *why = two_hosts_enter();
	double idle_mib, idle_cpu_pct, fairness, direct_g2h, direct_h2g;

	if (why)
		return test_skip(why);
	raise_fd_limit();
	(void)setpriority(PRIO_PROCESS, 0, -20);
	load_init();
	for (size_t i = 0; i < STACKS; i++)
		contenders[i].why =
			stack_start((enum stack_kind)i, &contenders[i].stack);
	must(consomme(), "start", contenders[STACK_CONSOMME].why);
	measure_idle(&idle_mib, &idle_cpu_pct);
	measure_all();
	show_table();
	direct_g2h = measure_direct("g2h");
	direct_h2g = measure_direct("h2g");
	fairness = measure_worse_fairness();
	for (size_t i = 0; i < STACKS; i++)
		stack_stop(&contenders[i].stack);
	show_direction("g2h", G2H_GBIT, G2H_COST);
	show_direction("h2g", H2G_GBIT, H2G_COST);
	(void)printf("result: consomme.direct.g2h.s_per_gib %.3f s\n",
		     direct_g2h);
	(void)printf("result: consomme.direct.h2g.s_per_gib %.3f s\n",
		     direct_h2g);
	show_beside("rr_us", RR_US, "us");
	show_beside("crr_us", CRR_US, "us");
	show_beside("crr_rate", CRR_RATE, "1/s");
	(void)printf("result: consomme.idle_mib %.2f MiB\n", idle_mib);
	(void)printf("result: consomme.idle_cpu_pct %.3f %%\n", idle_cpu_pct);
	(void)printf("result: consomme.fairness %.3f\n", fairness);
	return EXIT_SUCCESS;
}
