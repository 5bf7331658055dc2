/* SPDX-License-Identifier: MIT */
/*
 * lab-tool VERB ARGUMENT...: the table of verbs and the helpers they share.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tool.h"

struct lab_verb {
	const char *name;
	const char *args;
	int argc; /* negative: at least as many */
	int (*run)(char **argv);
};

static const struct lab_verb verbs[] = {
	{"wait-line", "FILE OFFSET REGEX MS PID", 5, lab_wait_line},
	{"wait-exit", "PID MS", 2, lab_wait_exit},
	{"wait-link", "IFACE 0|1 MS", 3, lab_wait_link},
	{"wait-nic", "IFACE 0|1 MS", 3, lab_wait_nic},
	{"wait-global6", "IFACE 0|1 MS", 3, lab_wait_global6},
	{"sniff", "IFACE PCAP REPORT", 3, lab_sniff},
	{"serve", "PORT", 1, lab_serve},
	{"tcp-send", "ADDRESS PORT BYTES", 3, lab_tcp_send},
	{"tcp-recv", "ADDRESS PORT BYTES", 3, lab_tcp_recv},
	{"tcp-pass", "ADDRESS PORT", 2, lab_tcp_pass},
	{"udp", "ADDRESS PORT ROUNDS COUNT SIZE 0|1", 6, lab_udp},
	{"dns", "ADDRESS PORT NAME=ADDRESS...", -3, lab_dns},
	{"offload", "IFACE on|off", 2, lab_offload},
	{"feature", "IFACE NAME on|off", 3, lab_feature},
	{"channels", "IFACE N", 2, lab_channels},
	{"rss", "IFACE QUEUE", 2, lab_rss},
	{"tsc-khz", "", 0, lab_tsc_khz},
	{"terminal", "OUTPUT COMMAND...", -2, lab_terminal},
	{"tap", "IFACE COMMAND...", -2, lab_tap},
	{"as", "UID GID[,GROUP] COMMAND...", -3, lab_as},
	{"small-pages", "COMMAND...", -1, lab_small_pages},
};

int lab_fail(const char *what)
{
	fprintf(stderr, "lab-tool: %s: %s\n", what, strerror(errno));
	return 1;
}

uint64_t lab_number(const char *text, uint64_t max)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || value > max) {
		fprintf(stderr, "lab-tool: %s: not a number up to %llu\n", text,
			(unsigned long long)max);
		exit(1);
	}
	return value;
}

uint64_t lab_clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int lab_left_ms(uint64_t deadline)
{
	uint64_t now = lab_clock_ms();

	if (now >= deadline)
		return 0;
	return deadline - now > INT_MAX ? INT_MAX : (int)(deadline - now);
}

int lab_background(void)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid > 0) {
		dprintf(STDOUT_FILENO, "%d\n", (int)pid);
		_exit(0);
	}
	setsid();
	if (!freopen("/dev/null", "r", stdin) ||
	    !freopen("/dev/null", "w", stdout) ||
	    !freopen("/dev/null", "w", stderr))
		return -errno;
	return 0;
}

static unsigned char pattern_byte(uint64_t at)
{
	return (unsigned char)(at ^ (at >> 8) ^ (at >> 16));
}

void lab_pattern_fill(unsigned char *to, size_t len, uint64_t offset)
{
	for (size_t i = 0; i < len; i++)
		to[i] = pattern_byte(offset + i);
}

bool lab_pattern_check(const unsigned char *from, size_t len, uint64_t offset)
{
	for (size_t i = 0; i < len; i++) {
		if (from[i] != pattern_byte(offset + i))
			return false;
	}
	return true;
}

static bool verb_takes(const struct lab_verb *verb, int argc)
{
	return verb->argc < 0 ? argc >= -verb->argc : argc == verb->argc;
}

int main(int argc, char **argv)
{
	const size_t count = sizeof(verbs) / sizeof(verbs[0]);

	for (size_t i = 0; i < count; i++) {
		if (argc > 1 && strcmp(argv[1], verbs[i].name) == 0 &&
		    verb_takes(&verbs[i], argc - 2))
			return verbs[i].run(argv + 2);
	}
	for (size_t i = 0; i < count; i++)
		fprintf(stderr, "lab-tool %s %s\n", verbs[i].name,
			verbs[i].args);
	return 1;
}
