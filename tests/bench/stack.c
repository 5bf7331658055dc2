/* SPDX-License-Identifier: MIT */
/*
 * Starting what stands between guest and host. Each stack has a network of its
 * own, so that all can run at the same time.
 */
#include "stack.h"

#include "base/util.h"
#include "two_hosts.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PASTA_PATH "/usr/bin/pasta"
#define PASTA_LINK "pasta0"
#define START_MS   10000
#define TICK_MS	   20

static const struct {
	const char *name, *host;
} kinds[STACKS] = {
	[STACK_CONSOMME] = {"consomme", "10.0.2.4"},
	[STACK_LIBSLIRP] = {"libslirp", "10.0.3.2"},
	[STACK_PASTA] = {"pasta", "10.0.4.2"},
	[STACK_VETH] = {"veth", TWO_HOSTS_HOST},
};

/* The processors that there are, the stack's, and the others. */
static cpu_set_t all, one, others;

static void find_processors(void)
{
	int cpu;

	if (CPU_COUNT(&all))
		return;
	if (sched_getaffinity(0, sizeof(all), &all) < 0)
		two_hosts_fail("sched_getaffinity");
	for (cpu = CPU_SETSIZE - 1; !CPU_ISSET((size_t)cpu, &all); cpu--)
		;
	CPU_ZERO(&one);
	CPU_SET((size_t)cpu, &one);
	CPU_XOR(&others, &all, &one);
	if (!CPU_COUNT(&others))
		others = all;
}

int stack_spawn(struct child *child, char *const argv[])
{
	int err;

	find_processors();
	(void)sched_setaffinity(0, sizeof(one), &one);
	err = child_start(child, argv);
	(void)sched_setaffinity(0, sizeof(all), &all);
	return err;
}

/* Starts a program that has the far end of a tap. */
static const char *start_on_tap(struct stack *stack, const char *path,
				const char *addr, bool vnet_hdr)
{
	char fd_text[16], program[256];
	char *argv[] = {program, fd_text, NULL};
	int fd = two_hosts_tap(stack->name, addr, vnet_hdr);
	uint64_t at;
	int err;

	(void)snprintf(program, sizeof(program), "%s", path);
	(void)snprintf(fd_text, sizeof(fd_text), "%d", fd);
	(void)fcntl(fd, F_SETFD, 0);
	err = stack_spawn(&stack->child, argv);
	(void)close(fd);
	if (!err)
		err = child_first_byte(&stack->child, &at);
	return err ? "its program does not start" : NULL;
}

static bool pasta_is_up(void)
{
	unsigned int index;

	two_hosts_go(true);
	index = if_nametoindex(PASTA_LINK);
	two_hosts_go(false);
	return index != 0;
}

/* It tells nobody when it is ready: its interface comes, then its address. */
static const char *start_pasta(struct stack *stack)
{
	const struct timespec tick = {.tv_nsec = TICK_MS * 1000000L};
	char *argv[] = {
		(char[]){PASTA_PATH},
		(char[]){"--netns-only"},
		(char[]){"-q"},
		(char[]){"-f"},
		(char[]){"--config-net"},
		(char[]){"-4"},
		(char[]){"-m"},
		(char[]){"1500"},
		(char[]){"-a"},
		(char[]){"10.0.4.15"},
		(char[]){"-n"},
		(char[]){"24"},
		(char[]){"-g"},
		(char[]){"10.0.4.2"},
		(char[]){"-t"},
		(char[]){"none"},
		(char[]){"-u"},
		(char[]){"none"},
		(char[]){"-T"},
		(char[]){"none"},
		(char[]){"-U"},
		(char[]){"none"},
		(char[]){"-I"},
		(char[]){PASTA_LINK},
		(char[]){"--runas"},
		(char[]){"0"},
		(char[]){"--netns"},
		(char[]){TWO_HOSTS_GUEST_PATH},
		NULL,
	};

	if (access(PASTA_PATH, X_OK) < 0)
		return "there is no " PASTA_PATH " (tools/deps peer)";
	if (stack_spawn(&stack->child, argv) < 0)
		return "it does not start";
	for (int ms = 0; !pasta_is_up(); ms += TICK_MS) {
		if (ms >= START_MS)
			return "it makes no interface";
		(void)nanosleep(&tick, NULL);
	}
	two_hosts_ip(true,
		     "link set " PASTA_LINK " txqueuelen " TWO_HOSTS_TX_QUEUE);
	return NULL;
}

static const char *start_libslirp(struct stack *stack)
{
#ifdef SLIRP_TAP_PATH
	return start_on_tap(stack, SLIRP_TAP_PATH, "10.0.3.15/24", false);
#else
	UNUSED(stack);
	return "it was not there when this was built (tools/deps peer)";
#endif
}

const char *stack_start(enum stack_kind kind, struct stack *stack)
{
	find_processors();
	*stack = (struct stack){
		.name = kinds[kind].name,
		.host = kinds[kind].host,
		.child = {.pid = -1, .out = -1, .err = -1},
		.others = others,
	};
	switch (kind) {
	case STACK_CONSOMME:
		return start_on_tap(stack, CONSOMME_TAP_PATH, "10.0.2.15/24",
				    true);
	case STACK_LIBSLIRP:
		return start_libslirp(stack);
	case STACK_PASTA:
		return start_pasta(stack);
	default:
		stack->others = all;
		return NULL;
	}
}

void stack_stop(struct stack *stack)
{
	child_stop(&stack->child);
}

uint64_t stack_cpu_ns(const struct stack *stack)
{
	struct timespec ts;
	clockid_t clock;

	if (stack->child.pid < 0)
		return 0;
	if (clock_getcpuclockid(stack->child.pid, &clock) != 0 ||
	    clock_gettime(clock, &ts) < 0)
		two_hosts_fail("a stack has died");
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

long stack_rss_kib(const struct stack *stack)
{
	return process_status_kib(stack->child.pid, "VmRSS");
}
