/* SPDX-License-Identifier: MIT */
/*
 * evnic's side: the payload kicks the transmit queue of a NIC on the backend
 * "null". Once the guest says READY all threads exist, and each is put on the
 * CPU where its part of the bare loop runs.
 */
#include "kick.h"

#include "child.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* evnic names its vCPU threads so. */
#define VCPU_THREAD "vcpu"
/* Longer than any gap between two rounds. */
#define BUSY_POLL_US 100000

static bool thread_is_vcpu(pid_t pid, const char *tid)
{
	char path[320];
	char name[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%s/comm", (int)pid, tid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(name, sizeof(name), file))
		name[0] = '\0';
	(void)fclose(file);
	return strncmp(name, VCPU_THREAD, strlen(VCPU_THREAD)) == 0;
}

static int pin_threads(pid_t pid)
{
	const struct dirent *entry;
	unsigned int vcpus = 0;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		bool is_vcpu;

		if (entry->d_name[0] == '.')
			continue;
		is_vcpu = thread_is_vcpu(pid, entry->d_name);
		vcpus += is_vcpu;
		kick_pin((pid_t)strtol(entry->d_name, NULL, 10),
			 is_vcpu ? KICK_VCPU_CPU : KICK_ANSWER_CPU);
	}
	closedir(dir);
	if (vcpus != 1) {
		fprintf(stderr, "bench_kick: %u threads named %s, not one\n",
			vcpus, VCPU_THREAD);
		return -EPROTO;
	}
	return 0;
}

int kick_run_evnic(const struct kick_setup *setup, uint64_t *cycles)
{
	char args[128];
	char path[64];
	char line[256];
	char *argv[] = {setup->evnic, (char[]){"run"}, path, NULL};
	struct child child;
	int description;
	int err;

	snprintf(args, sizeof(args), "mode=kick count=%d gap=%llu", KICK_COUNT,
		 (unsigned long long)setup->gap);
	description = child_description(setup->payload, args,
					setup->busy ? BUSY_POLL_US : 0, path,
					sizeof(path));
	if (description < 0)
		return description;
	err = child_start(&child, argv);
	if (err)
		goto out;
	err = child_read_line(&child, "READY", line, sizeof(line));
	if (!err)
		err = pin_threads(child_machine(&child));
	if (!err)
		err = child_read_line(&child, "PASS", line, sizeof(line));
	if (!err)
		err = kick_parse(line, cycles);
	if (!err)
		err = child_finish(&child);
	else
		child_stop(&child);
out:
	close(description);
	return err;
}
